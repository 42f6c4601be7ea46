"""Saved models: one way in which a checkpoint becomes the model that it describes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from lib import checkpoint
from lib.models.errors import ModelError
from lib.paths import shorten

Model = TypeVar("Model", bound=nn.Module)


def open_saved(
    path: str | Path, what: str, keys: tuple[str, ...], build: Callable[[Mapping[str, Any]], Model]
) -> tuple[Model, Mapping[str, Any]]:
    """The model of a checkpoint (its name, variant or folder), in eval mode on the CPU, and its meta.json.

    `build` makes it from meta.json, which must have the `keys`; its weights are loaded strictly.
    """
    found = checkpoint.load(checkpoint.locate(path))
    place = shorten(found.folder)
    if missing := sorted(set(keys) - set(found.meta)):
        raise ModelError(f"{place}: no {what}; meta.json lacks {', '.join(missing)}")
    try:
        model = build(found.meta)
    except (ValueError, TypeError, KeyError, AttributeError) as error:  # JSON can be broken in any way
        raise ModelError(f"{place}: no {what} can be built as its meta.json says ({error})") from None
    checkpoint.load_into(model, found.weights, found.folder)
    return model.eval(), found.meta
