"""BEiT-3 as a retriever, in the layout of its published checkpoints (Wang et al. 2023).

Every part of a layer is there twice, A for pictures and B for words; given together, their cells attend to
each other, each with its own weights.
"""

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import StochasticDepth

from lib.checkpoint import load_into, load_weights
from lib.config import read_settings
from lib.data.images import Preprocess
from lib.data.loader import Batch
from lib.data.subwords import Subwords
from lib.files import read_json
from lib.models.attention import dot_product_attention
from lib.models.errors import ModelError, check_known
from lib.models.saved import WithWords
from lib.models.two_towers import TEMPERATURE
from lib.paths import resolve, shorten

UNUSED = 2  # first rows of both tables of places
KEPT = 3  # rows of the pictures' table that are no patch: those, and the class token's
PLACES = "beit3.encoder.embed_positions.A.weight"
EMBEDDINGS = ("beit3.text_embed.", "beit3.vision_embed.", "beit3.encoder.embed_positions.")


@dataclass(frozen=True, kw_only=True)
class Beit3Settings:
    """Everything but the words; the defaults are the base size."""

    image_size: int = 384
    patch: int = 16
    width: int = 768
    heads: int = 12
    inner: int = 3072  # width of the feed-forward
    layers: int = 12
    words: int = 64010  # rows for words, some of them spare
    places: int = 1024  # rows for places in a text, the unused ones included
    longest: int = 64  # tokens of a text, marks included
    drop_path: float = 0.0  # of the last layer; the first drops nothing

    def __post_init__(self):
        sizes = {name: value for name, value in asdict(self).items() if name != "drop_path"}
        if small := [name for name, value in sizes.items() if value < 1]:
            raise ModelError(f"beit3.{small[0]} must be at least 1, not {sizes[small[0]]}")
        if self.image_size % self.patch or self.width % self.heads:
            raise ModelError("beit3: image_size must be a multiple of patch, width one of heads")
        if not 2 < self.longest <= self.places - UNUSED or not 0 <= self.drop_path < 1:
            raise ModelError(f"beit3: longest must fit {self.places} places, drop_path be from 0 to below 1")


SIZES = {
    "beit3_base_patch16_384": Beit3Settings(),
    "beit3_large_patch16_384": Beit3Settings(width=1024, heads=16, inner=4096, layers=24),
}


def read_sizes(name: str | Path) -> Beit3Settings:
    """A published size by its name, any other by a JSON file of its settings."""
    if not str(name).endswith(".json"):
        check_known("size of BEiT-3", str(name), SIZES)
        return SIZES[str(name)]
    told = read_json(resolve(name))
    try:
        return read_settings(Beit3Settings, dict(told), where="beit3.")
    except (TypeError, ValueError) as error:
        raise ModelError(f"{shorten(resolve(name))}: no sizes of BEiT-3 ({error})") from None


class Multiway(nn.Module):
    """One part for pictures, one for words: the first `seen` cells go through A, the others through B."""

    def __init__(self, build: Callable[[], nn.Module]):
        super().__init__()
        self.A, self.B = build(), build()

    def forward(self, x: Tensor, seen: int) -> Tensor:  # [B, N, D]
        if seen in (0, x.shape[1]):
            return self.A(x) if seen else self.B(x)
        return torch.cat([self.A(x[:, :seen]), self.B(x[:, seen:])], 1)


class MultiwayAttention(nn.Module):
    """Every cell looks at all real ones; what it found is normalised before it goes out."""

    def __init__(self, settings: Beit3Settings):
        super().__init__()
        width, self.heads = settings.width, settings.heads
        for name in ("k_proj", "v_proj", "q_proj", "out_proj"):
            setattr(self, name, Multiway(lambda: nn.Linear(width, width)))
        self.inner_attn_ln = Multiway(lambda: nn.LayerNorm(width))

    def forward(self, x: Tensor, seen: int, mask: Tensor | None) -> Tensor:
        parts = (part(x, seen) for part in (self.q_proj, self.k_proj, self.v_proj))
        query, keys, values = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in parts)
        found = dot_product_attention(query, keys, values, attn_mask=mask)
        return self.out_proj(self.inner_attn_ln(found.transpose(1, 2).flatten(2), seen), seen)


def feed_forward(width: int, inner: int) -> nn.Sequential:
    parts = {"fc1": nn.Linear(width, inner), "gelu": nn.GELU(), "ffn_layernorm": nn.LayerNorm(inner)}
    return nn.Sequential(OrderedDict(parts, fc2=nn.Linear(inner, width)))


class MultiwayLayer(nn.Module):
    """Look, then think; in training either is left out for some items of a batch."""

    checkpointed = True

    def __init__(self, settings: Beit3Settings, drop: float):
        super().__init__()
        self.drop = StochasticDepth(drop, "row")
        self.self_attn = MultiwayAttention(settings)
        norms = (Multiway(lambda: nn.LayerNorm(settings.width)) for _ in "12")
        self.self_attn_layer_norm, self.final_layer_norm = norms
        self.ffn = Multiway(lambda: feed_forward(settings.width, settings.inner))

    def forward(self, x: Tensor, seen: int, mask: Tensor | None) -> Tensor:
        x = x + self.drop(self.self_attn(self.self_attn_layer_norm(x, seen), seen, mask))
        return x + self.drop(self.ffn(self.final_layer_norm(x, seen), seen))


class Beit3(WithWords):
    """Names of parts are those of the published checkpoints."""

    called, kind, keys = "BEiT-3", "beit3", ("settings",)
    undecayed = (PLACES, "beit3.vision_embed.cls_token")  # no weight decay, whatever their dimensions

    def __init__(self, settings: Beit3Settings, text: Subwords):
        super().__init__()
        if settings.words < len(text):
            raise ModelError(f"beit3.words: {settings.words} rows; the text has {len(text)} words")
        self.settings, self.text = settings, replace(text, longest=settings.longest - 2)
        size, half, width = settings.image_size, (0.5,) * 3, settings.width
        how = {"squash": True, "interpolation": "bicubic", "mean": half, "std": half}
        self.preprocess = Preprocess(resize=size, crop=size, **how)
        self.grid, self.depth = size // settings.patch, settings.layers + 1  # the heads' depth
        drops = np.linspace(0, settings.drop_path, settings.layers).tolist()
        pictures, encoder = nn.Module(), nn.Module()
        pictures.mask_token, pictures.cls_token = (nn.Parameter(torch.zeros(1, 1, width)) for _ in "12")
        pictures.proj = nn.Conv2d(3, width, settings.patch, settings.patch)
        places = nn.Embedding(self.grid**2 + KEPT, width), nn.Embedding(settings.places, width)
        encoder.embed_positions = nn.ModuleDict(zip("AB", places, strict=True))
        encoder.layers = nn.ModuleList(MultiwayLayer(settings, drop) for drop in drops)
        encoder.layer_norm = Multiway(lambda: nn.LayerNorm(width))
        self.beit3 = nn.Module()
        self.beit3.text_embed = nn.Embedding(settings.words, width)
        self.beit3.vision_embed, self.beit3.encoder = pictures, encoder
        self.language_head, self.vision_head = (nn.Linear(width, width, bias=False) for _ in "12")
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / TEMPERATURE)))
        for parameter in self.parameters():
            if parameter.ndim > 1:
                nn.init.trunc_normal_(parameter, std=0.02 * math.sqrt(768 / width))  # .02 at the base size

    @property
    def encoder(self) -> nn.Module:
        """All that comes trained."""
        return self.beit3

    def depth_of(self, name: str) -> int:
        """How far above the embeddings a weight is."""
        if name.startswith("beit3.encoder.layers."):
            return int(name.split(".")[3]) + 1
        return 0 if name.startswith(EMBEDDINGS) else self.depth

    def patches(self, images: Tensor) -> Tensor:  # [B, 3, S, S] -> [B, 1 + N, D]
        size, pictures = self.settings.image_size, self.beit3.vision_embed
        if images.shape[2:] != (size, size):
            raise ModelError(f"pictures of {list(images.shape[2:])}; this BEiT-3 sees {size} x {size}")
        cells = pictures.proj(images).flatten(2).transpose(1, 2)
        cells = torch.cat([pictures.cls_token.expand(len(cells), -1, -1).to(cells), cells], 1)
        return cells + self.beit3.encoder.embed_positions["A"].weight[UNUSED:]

    def embedded(self, tokens: Tensor, real: Tensor) -> Tensor:  # [B, T] -> [B, T, D]
        places = self.beit3.encoder.embed_positions["B"].weight[UNUSED:]
        if tokens.shape[1] > len(places):
            raise ModelError(f"a text of {tokens.shape[1]} tokens; this BEiT-3 knows {len(places)} places")
        return (self.beit3.text_embed(tokens) + places[: tokens.shape[1]]) * real[..., None]

    def encode(self, images: Tensor | None, tokens: Tensor | None = None, real: Tensor | None = None):
        """The cells [B, 1 + N + T, D] of pictures, of texts, or of both, looking at each other."""
        cells = [] if images is None else [self.patches(images)]
        seen, mask = cells[0].shape[1] if cells else 0, None
        if tokens is not None:
            cells.append(self.embedded(tokens, real))
            mask = F.pad(real, (seen, 0), value=True)[:, None, None]
        x = torch.cat(cells, 1)
        for layer in self.beit3.encoder.layers:
            x = layer(x, seen, mask)
        return self.beit3.encoder.layer_norm(x, seen)

    def see(self, images: Tensor) -> Tensor:  # [B, 3, S, S] -> [B, E]
        return F.normalize(self.vision_head(self.encode(images)[:, 0]).float(), dim=1)

    def read(self, tokens: Tensor, real: Tensor) -> Tensor:  # [B, T] -> [B, E]
        return F.normalize(self.language_head(self.encode(None, tokens, real)[:, 0]).float(), dim=1)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        return self.see(batch.images), self.read(batch.tokens, batch.real)

    def describe(self) -> dict[str, Any]:
        return {"kind": self.kind, "settings": asdict(self.settings)}

    @classmethod
    def assemble(cls, settings: dict, text: Subwords, preprocess: Preprocess) -> "Beit3":
        model = cls(read_settings(Beit3Settings, settings), text)
        model.preprocess = preprocess
        return model


def fill_beit3(model: Beit3, path: str | Path) -> None:
    """The weights of a published or fine-tuned file, strictly; places of another grid are interpolated."""
    place = resolve(path)
    weights, grid = load_weights(place), model.grid
    table = weights.get(PLACES, torch.empty(0))
    old = math.isqrt(max(0, len(table) - KEPT))
    if table.ndim == 2 and old not in (0, grid) and old**2 == len(table) - KEPT:
        square = table[KEPT:].float().T.unflatten(1, (old, old))[None]
        square = F.interpolate(square, size=(grid, grid), mode="bicubic", align_corners=False)
        weights[PLACES] = torch.cat([table[:KEPT].float(), square[0].flatten(1).T])
    load_into(model, weights, place)
