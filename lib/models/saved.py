"""Saved models: one way in which models tell a checkpoint what they are, and are built from it again."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

from torch import nn

from lib import checkpoint
from lib.data.images import Preprocess
from lib.data.subwords import open_text
from lib.data.text import Text
from lib.models.errors import ModelError
from lib.paths import shorten

Model = TypeVar("Model", bound=nn.Module)


def open_saved(
    path: str | Path, what: str, keys: tuple[str, ...], build: Callable[[Mapping[str, Any]], Model]
) -> tuple[Model, Mapping[str, Any]]:
    """The model of a checkpoint (its name, variant or folder), in eval mode on the CPU, and its meta.json,
    from which `build` makes it and which must have the `keys`."""
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


class WithWords(nn.Module):
    """A model with words and preprocessing of its own, kept beside what it says of itself in a checkpoint."""

    called: str
    kind: str
    keys: tuple[str, ...]  # of its configuration, `kind` aside; `assemble` builds a fresh one from them
    text: Text
    preprocess: Preprocess | None

    def meta(self) -> dict[str, Any]:
        """What a checkpoint must say besides the weights."""
        preprocess = self.preprocess and self.preprocess.to_json()
        return {"model": self.describe(), "text": self.text.describe(), "preprocess": preprocess}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], text: Text, preprocess: Preprocess | None) -> Self:
        """A fresh model of this description, names strict."""
        if set(config) != {"kind", *cls.keys} or config["kind"] != cls.kind:
            raise ModelError(f"no {cls.called}: its config has the keys {', '.join(sorted(config))}")
        return cls.assemble(*(config[key] for key in cls.keys), text, preprocess)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The model of a checkpoint (its name, variant or folder), in eval mode on the CPU."""

        def build(meta: Mapping[str, Any]) -> Self:
            preprocess = meta["preprocess"] and Preprocess.from_json(meta["preprocess"])
            return cls.from_config(meta["model"], open_text(meta["text"]), preprocess)

        return open_saved(path, cls.called, ("model", "text", "preprocess"), build)[0]
