"""The eye: the encoder that 00 chooses or trains, kept so that every later notebook opens the same one."""

from pathlib import Path

from lib import checkpoint
from lib.data.images import Preprocess
from lib.models.encoders import Encoder, build_encoder
from lib.models.saved import open_saved


def save_eye(folder: Path, encoder: Encoder, preprocess: Preprocess, *, origin: str) -> Path:
    """Keep an encoder with the preprocessing it is used with; `origin` says where its weights are from."""
    meta = {"model": encoder.describe(), "preprocess": preprocess.to_json(), "origin": origin}
    return checkpoint.save(folder, encoder.state_dict(), meta)


def open_eye(folder: Path) -> tuple[Encoder, Preprocess]:
    """The encoder and its preprocessing, in eval mode on the CPU."""
    keys, what = ("model", "preprocess"), "eye as notebook 00 keeps it"
    eye, meta = open_saved(folder, what, keys, lambda found: build_encoder(found["model"]))
    return eye, Preprocess.from_json(meta["preprocess"])
