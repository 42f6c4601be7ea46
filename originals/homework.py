"""The RL homework's call, `img_predict` of a picture, and its tokens."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from lib.config import ConfigError, read_settings
from lib.data.images import load_image
from lib.models.decoding import Decoding
from lib.paths import resolve
from lib.publish.captioning import caption, longest, open_captioner

LETTERS_OR_SIGN = re.compile(r"[a-z]+|[.,!?]")


def tokenize_homework(text: str) -> list[str]:
    """The homework's tokens: everything outside `a-zA-Z.,!?` separates words."""
    return LETTERS_OR_SIGN.findall(text.lower())


@dataclass(frozen=True, kw_only=True)
class HomeworkOptions:
    """The homework's `opt`; every key may be left out."""

    predict_method: Literal["beam-k", "random_sample"] = "beam-k"
    k_value: int = 5  # heeded by beam-k
    device: str = "cpu"

    def __post_init__(self):
        if self.k_value < 1:
            raise ConfigError(f"opt.k_value must be at least 1, not {self.k_value}")


def img_predict(model_path: str | Path, img_path: str | Path, opt: Mapping[str, Any] | None = None) -> str:
    """The caption of one picture. `model_path` is a checkpoint folder of Lookbook's."""
    options = read_settings(HomeworkOptions, dict(opt or {}), where="opt.")
    image = load_image(resolve(img_path))
    model = open_captioner(model_path, options.device)
    method = "beam" if options.predict_method == "beam-k" else "sample"
    decoding = Decoding(method=method, beam=options.k_value)
    decoding = replace(decoding, max_length=longest(model, decoding.max_length))
    captions, _ = caption(model, model.preprocess(image)[None], decoding)[0]
    return captions[0]
