"""Encoders: pictures in, a memory [B, N, D] out. A backbone, and the view of its map that decoders get."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.config import read_settings
from lib.models.backbones import AtelierCNN, TorchvisionBackbone, Tower
from lib.models.errors import ModelError, as_model_error
from lib.models.timm_backbone import TimmBackbone
from lib.paths import resolve

ViewName = Literal["pooled", "grid", "regions", "attributes"]
Schema = Mapping[str, Sequence[str]]  # attribute -> its values


@dataclass(frozen=True, kw_only=True)
class EncoderSettings:
    """Everything an encoder is rebuilt from, weights aside."""

    kind: Literal["torchvision", "timm", "huggingface", "atelier"] = "torchvision"
    name: str = "resnet18"  # torchvision's or timm's name; a local path or id for huggingface
    channels: int = 24  # of the atelier's first layer
    tower: dict | None = None  # huggingface's own config; found out when loaded
    view: ViewName = "grid"
    grid: int | None = None  # cells a side; None keeps the backbone's
    levels: tuple[int, ...] = (1, 2, 3)  # regions: the image, 2 x 2 and 3 x 3 overlapping windows
    detector: None = None  # never used, nor is the next: checkpoints and features on disk are known by both
    boxes: int = 16
    schema: dict | None = None  # attributes: attribute -> values that its heads read off a picture
    cells: int = 64  # attributes: of the backbone's grid


class AttributeHeads(nn.Module):
    """For each attribute a look at the cells, in its own way, and a choice among its values; `places` pull
    each look to where such things are worn: hats are up, socks are down."""

    def __init__(self, width: int, cells: int, schema: Schema, *, dropout: float = 0.1):
        super().__init__()
        sizes = [len(values) + 1 for values in schema.values()]
        self.width = sum(sizes)
        self.dropout = nn.Dropout(dropout)
        self.look = nn.Linear(width, len(sizes))
        self.places = nn.Parameter(torch.zeros(cells, len(sizes)))
        self.values = nn.ModuleList(nn.Linear(2 * width, size) for size in sizes)

    def forward(self, cells: Tensor) -> list[Tensor]:  # [B, N, D]
        """For each attribute logits [B, values + 1]: 0 is none, then the schema's values."""
        looks = (self.look(cells) + self.places).softmax(1)  # [B, N, A]
        seen = looks.transpose(1, 2) @ cells  # [B, A, D]
        both = torch.cat([seen, cells.mean(1, keepdim=True).expand_as(seen)], -1)
        return [head(x) for head, x in zip(self.values, self.dropout(both).unbind(1), strict=True)]

    def remember(self, cells: Tensor) -> Tensor:
        """How likely each value is, as a memory [B, A, width]; laid out as the true attributes are."""
        likely, rows, before = [logits.softmax(1) for logits in self(cells)], [], 0
        for values in likely:
            after = self.width - before - values.shape[1]
            rows.append(F.pad(values, (before, after)))
            before += values.shape[1]
        return torch.stack(rows, 1)


class Encoder(nn.Module):
    """One backbone, one view of it."""

    def __init__(self, settings: EncoderSettings, backbone: nn.Module, heads: AttributeHeads | None = None):
        super().__init__()
        if settings.view == "attributes" and heads is None:
            raise ModelError(
                "this eye reads no attributes: view 'attributes' needs one that learnt to in notebook 00"
            )
        self.settings, self.heads = settings, heads
        self.width = heads.width if settings.view == "attributes" else backbone.width
        self.backbone = backbone.to(memory_format=torch.channels_last)
        windows = pyramid(settings.levels) if settings.view == "regions" else torch.zeros(0, 4)
        self.register_buffer("windows", windows, persistent=False)

    def forward(self, images: Tensor) -> Tensor:  # [B, 3, H, W] -> [B, N, D]
        found = self.backbone(images.contiguous(memory_format=torch.channels_last))
        return self.show(found)

    def show(self, found: Tensor) -> Tensor:
        """The backbone's map [B, D, h, w] as decoders get it."""
        if self.settings.view == "pooled":
            return found.mean((2, 3))[:, None]
        if self.settings.view == "regions":
            return pool_regions(found, self.windows.expand(len(found), -1, -1))
        if self.settings.view == "attributes":
            return self.heads.remember(found.flatten(2).transpose(1, 2))
        if self.settings.grid is not None and found.shape[-2:] != (self.settings.grid,) * 2:
            found = F.adaptive_avg_pool2d(found, self.settings.grid)
        return found.flatten(2).transpose(1, 2)

    def whole(self) -> "Encoder | None":
        """The encoder whose cells tell this one all it needs; None where only the picture does."""
        if self.settings.view == "grid" or self.settings.grid is not None:
            return None
        return self.viewed("grid")

    def recall(self, cells: Tensor) -> Tensor:
        """What `forward` gives of pictures of which `whole` has given these cells [B, N, D]."""
        side = math.isqrt(cells.shape[1])
        return self.show(cells.transpose(1, 2).unflatten(2, (side, side)))

    def viewed(self, view: ViewName, *, grid: int | None = None) -> "Encoder":
        """The same backbone, weights shared, seen another way; a grid of its own size unless told."""
        settings, heads = replace(self.settings, view=view, grid=grid or self.settings.grid), self.heads
        if view != "attributes":
            settings, heads = replace(settings, schema=None), None
        return Encoder(settings, self.backbone, heads)

    def describe(self) -> dict[str, Any]:
        return asdict(self.settings)


def build_encoder(config: dict[str, Any], *, weights: str | None = None, hub: bool = False) -> Encoder:
    """An encoder from EncoderSettings as a plain dict, names strict.

    `weights`: a local file, the name of a torchvision enum entry or what TimmBackbone knows; None leaves the
    backbone untrained (a huggingface name brings its own). `hub` allows a download.
    """
    plain = {key: tuple(value) if isinstance(value, list) else value for key, value in config.items()}
    with as_model_error():
        settings = read_settings(EncoderSettings, plain, where="encoder.")
        backbone = BACKBONES[settings.kind](settings, weights, hub)
    if settings.kind == "huggingface":  # what was found out when it was loaded
        settings = replace(settings, tower=backbone.config)
    heads = AttributeHeads(backbone.width, settings.cells, settings.schema) if settings.schema else None
    return Encoder(settings, backbone, heads)


BACKBONES = {
    "torchvision": lambda settings, weights, hub: TorchvisionBackbone(settings.name, weights),
    "timm": lambda settings, weights, hub: TimmBackbone(settings.name, weights, hub=hub),
    "huggingface": lambda settings, weights, hub: Tower(settings.name, settings.tower, weights, hub=hub),
    "atelier": lambda settings, weights, hub: AtelierCNN(settings.channels, weights),
}


def find_kind(name: str) -> str:
    """What a name names: a folder of Hugging Face's, else a network of torchvision's, else one of timm's."""
    if resolve(name).is_dir():
        return "huggingface"
    from torchvision import models

    return "torchvision" if name in models.list_models(module=models) else "timm"


def pyramid(levels: tuple[int, ...]) -> Tensor:
    """Overlapping windows in parts of the image, [N, 4]: at level l, l x l of them, each 2 / (l + 1) wide."""
    boxes = [
        (x / (level + 1), y / (level + 1), (x + 2) / (level + 1), (y + 2) / (level + 1))
        for level in levels
        for y in range(level)
        for x in range(level)
    ]
    return torch.tensor(boxes)


def pool_regions(found: Tensor, boxes: Tensor) -> Tensor:
    """The mean feature inside each box, its edges not rounded: [B, C, h, w], [B, N, 4] -> [B, N, C]."""
    from torchvision.ops import roi_align

    height, width = found.shape[-2:]
    scaled = boxes.to(found.dtype) * found.new_tensor([width, height, width, height])
    pooled = roi_align(found, list(scaled.unbind(0)), output_size=2, sampling_ratio=2, aligned=True)
    return pooled.mean((2, 3)).unflatten(0, boxes.shape[:2])
