"""Tables of weights: from files that users bring, and strictly into models."""

import argparse
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import safetensors.torch
import torch
from torch import Tensor, nn

from lib.files import FileError, sync, whole
from lib.paths import shorten, some

WRAPPERS = ("state_dict", "model", "module")  # where other programs keep the weights inside their files


class CheckpointError(ValueError):
    """Weights that cannot be written or read, or belong to something else; the message names them."""


def load_weights(path: str | Path) -> dict[str, Tensor]:
    """Weights a user brings (.safetensors, .pth, .pt, .bin), on the CPU; code in a pickle is refused."""
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{shorten(path)}: no such file of weights")
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path, device="cpu")
        # training programs leave their options beside the weights; nothing else that a file names is made
        with torch.serialization.safe_globals([argparse.Namespace]):
            table = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        odd = "an object in it could run code, or the file is broken"
        told = f"not a plain table of weights ({odd}); save the model's state_dict as .safetensors"
    except Exception as error:  # bytes that are no weights make these readers fail in any way there is
        reason = (str(error).strip().splitlines() or [""])[0]
        told = f"truncated or not a file of weights ({type(error).__name__}: {reason})"
    else:
        return _unwrap(table, path)
    raise CheckpointError(f"{shorten(path)}: {told}")


def _unwrap(table: Any, path: Path) -> dict[str, Tensor]:
    """The weights themselves, out of the dictionaries that training programs put around them."""
    while isinstance(table, dict) and any(isinstance(table.get(key), dict) for key in WRAPPERS):
        table = next(table[key] for key in WRAPPERS if isinstance(table.get(key), dict))
    if not isinstance(table, dict) or not table or not all(isinstance(v, Tensor) for v in table.values()):
        raise CheckpointError(f"{shorten(path)}: not a table of name -> tensor")
    return table


def load_into(model: nn.Module, weights: Mapping[str, Tensor], where: str | Path) -> None:
    """Copy weights into a model. Names and shapes must agree exactly; the error says which do not."""
    own = model.state_dict()
    troubles = {
        "missing": [name for name in own if name not in weights],
        "unexpected": [name for name in weights if name not in own],
        "of another shape": [
            f"{name} {list(weights[name].shape)} instead of {list(own[name].shape)}"
            for name in own
            if name in weights and weights[name].shape != own[name].shape
        ],
    }
    told = [f"{what}: {some(names)}" for what, names in troubles.items() if names]
    if told:
        raise CheckpointError(f"{shorten(where)}: does not fit {type(model).__name__}; {'; '.join(told)}")
    model.load_state_dict(weights)


def write_arrays(path: str | Path, arrays: Mapping[str, np.ndarray], about: Mapping[str, str]) -> None:
    """Plain arrays that are no model's weights (embeddings) in one file, whole or not at all."""
    try:
        with whole(path) as draft:
            safetensors.numpy.save_file(dict(arrays), draft, dict(about))
            draft.chmod(0o644)  # the library lets nobody else read
            sync(draft)
    except (OSError, safetensors.SafetensorError) as error:
        raise FileError(f"{shorten(path)}: cannot be written ({error})") from None
