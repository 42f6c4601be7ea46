"""The eye: the encoder that 00 chooses or trains, kept so that every later notebook opens the same one."""

from pathlib import Path

from lib import checkpoint
from lib.data.images import Preprocess
from lib.models.encoders import Encoder, build_encoder
from lib.models.errors import ModelError
from lib.paths import shorten


def save_eye(folder: Path, encoder: Encoder, preprocess: Preprocess, *, origin: str) -> Path:
    """Keep an encoder with the preprocessing it is used with; `origin` says where its weights are from."""
    meta = {"model": encoder.describe(), "preprocess": preprocess.to_json(), "origin": origin}
    return checkpoint.save(folder, encoder.state_dict(), meta)


def open_eye(folder: Path) -> tuple[Encoder, Preprocess]:
    """The encoder and its preprocessing, in eval mode on the CPU."""
    found = checkpoint.load(folder)
    if found.meta.get("model", {}).get("kind") not in ("torchvision", "huggingface", "atelier"):
        raise ModelError(f"{shorten(folder)}: this checkpoint is no encoder; run notebook 00 first")
    encoder = build_encoder(found.meta["model"])
    checkpoint.load_into(encoder, found.weights, found.folder)
    return encoder.eval(), Preprocess.from_json(found.meta["preprocess"])
