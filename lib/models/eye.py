"""The eye: the encoder that 00 chooses or trains, kept so that every later notebook opens the same one."""

from dataclasses import replace
from pathlib import Path

from lib import checkpoint
from lib.data.images import Preprocess
from lib.data.subwords import snapshot_folder
from lib.models.clip import read_preprocess
from lib.models.encoders import Encoder, build_encoder, find_kind
from lib.models.saved import open_saved


def choose_eye(
    name: str, weights: str = "", *, grid: int | None = None, flip: bool = False, hub: bool = False
) -> tuple[Encoder, Preprocess]:
    """An eye by its name, with the preprocessing that its own configuration asks for, or the usual one."""
    config = {"kind": find_kind(name), "name": name, "grid": grid}
    encoder = build_encoder(config, weights=weights or None, hub=hub)
    if encoder.settings.kind == "timm":
        return encoder, encoder.backbone.preprocess(flip=flip)
    published = encoder.settings.kind == "huggingface"
    own = read_preprocess(snapshot_folder(name)) if published else Preprocess()
    return encoder, replace(own, flip=flip)


def save_eye(folder: Path, encoder: Encoder, preprocess: Preprocess, *, origin: str) -> Path:
    """Keep an encoder with the preprocessing it is used with; `origin` says where its weights are from."""
    meta = {"model": encoder.describe(), "preprocess": preprocess.to_json(), "origin": origin}
    return checkpoint.save(folder, encoder.state_dict(), meta)


def open_eye(folder: Path) -> tuple[Encoder, Preprocess]:
    """The encoder and its preprocessing, in eval mode on the CPU."""
    keys, what = ("model", "preprocess"), "eye as notebook 00 keeps it"
    eye, meta = open_saved(folder, what, keys, lambda found: build_encoder(found["model"]))
    return eye, Preprocess.from_json(meta["preprocess"])
