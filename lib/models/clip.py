"""CLIP, SigLIP and their kin by folder or id, asked as our own two towers are, tuned by the same `fit`."""

import re
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from lib.data.images import Preprocess
from lib.data.loader import Batch
from lib.data.subwords import open_huggingface, snapshot_folder
from lib.data.text import Text
from lib.files import read_json
from lib.models.backbones import open_body
from lib.models.errors import ModelError
from lib.models.saved import WithWords
from lib.paths import shorten

# what transformers called it, and calls it
PROCESSORS = ("preprocessor_config.json", "processor_config.json")
LAYER = re.compile(r"(text|vision)_model\..*?layers\.(\d+)\.")


class Clip(WithWords):
    """Both towers of a published checkpoint. SigLIP learnt from sentences filled up to one length."""

    called, kind, keys = "CLIP", "clip", ("name", "config")

    def __init__(self, name: str, text: Text, preprocess: Preprocess, config: dict[str, Any] | None = None):
        super().__init__()
        self.name, self.text, self.preprocess = name, text, preprocess
        self.body, self.config = open_body("CLIP", name, config)
        family = self.config["model_type"]
        if not hasattr(self.body, "get_image_features") or not hasattr(self.body, "logit_scale"):
            raise ModelError(f"{name}: a {family} is no CLIP; give a CLIP or SigLIP")
        self.filled = family.startswith("siglip")
        self.longest = self.config["text_config"]["max_position_embeddings"]
        layers = {side: self.config[f"{side}_config"]["num_hidden_layers"] for side in ("text", "vision")}
        self.layers, self.depth = layers, max(layers.values()) + 1

    @property
    def logit_scale(self) -> nn.Parameter:
        return self.body.logit_scale

    @property
    def encoder(self) -> nn.Module:
        """All that comes trained."""
        return self.body

    def depth_of(self, name: str) -> int:
        """How far above the embeddings a weight lies; both towers end level, and `depth` is the heads'."""
        if found := LAYER.search(name):
            return self.depth - self.layers[found[1]] + int(found[2])
        return 0 if "embeddings" in name else self.depth

    def see(self, images: Tensor) -> Tensor:  # [B, 3, H, W] -> [B, E]
        return F.normalize(self.body.get_image_features(pixel_values=images).pooler_output.float(), dim=1)

    def read(self, tokens: Tensor, real: Tensor) -> Tensor:  # [B, T] -> [B, E]
        if self.filled:  # and without a mark before them
            tokens, real = tokens[:, 1:], real[:, 1:]
            tokens = tokens.masked_fill(~real, self.text.pad)
            tokens = F.pad(tokens, (0, max(0, self.longest - tokens.shape[1])), value=self.text.pad)
            given = {"input_ids": tokens[:, : self.longest]}
        else:
            given = {"input_ids": tokens, "attention_mask": real.long()}
        if tokens.shape[1] > self.longest:
            raise ModelError(f"a sentence of {tokens.shape[1]} tokens; {self.name} reads {self.longest}")
        return F.normalize(self.body.get_text_features(**given).pooler_output.float(), dim=1)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        return self.see(batch.images), self.read(batch.tokens, batch.real)

    def describe(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.name, "config": self.config}

    @classmethod
    def published(cls, name: str) -> "Clip":
        """As its authors published it: a folder, or an id that lies in the hub's cache."""
        return cls(name, open_huggingface(name), read_preprocess(snapshot_folder(name)))

    @classmethod
    def assemble(cls, name: str, config: dict, text: Text, preprocess: Preprocess) -> "Clip":
        return cls(name, text, preprocess, config)


def read_preprocess(folder: Path) -> Preprocess:
    """How a published model wants its pictures, from its own configuration."""
    file = next((folder / name for name in PROCESSORS if (folder / name).is_file()), None)
    if file is None:
        raise ModelError(f"{shorten(folder)}: no {PROCESSORS[0]}, which says how it sees pictures")
    told = read_json(file)
    told = told.get("image_processor", told)
    try:
        size, crop = told["size"], told.get("crop_size")
        squash = isinstance(size, dict) and "height" in size
        side = size["height"] if squash else size["shortest_edge"] if isinstance(size, dict) else size
        crop = (crop["height"] if isinstance(crop, dict) else crop) if told.get("do_center_crop") else side
        way = Image.Resampling(told.get("resample", Image.Resampling.BICUBIC)).name.lower()
        colours = {"mean": tuple(told["image_mean"]), "std": tuple(told["image_std"])}
        return Preprocess(resize=side, crop=crop, squash=squash, interpolation=way, **colours)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{shorten(file)}: does not say how pictures are seen ({error})") from None
