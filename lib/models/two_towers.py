"""Two towers: a picture and a sentence as points on one sphere, near each other where they belong together.

    see(images) or look(memory, mask) -> [B, E]     read(tokens, real) -> [B, E]     both of length one
    match(cells, words, real) -> [B]                 an optional second opinion, on a few pairs

Every model of retrieval offers `see`, `read`, `logit_scale`, `text` and `preprocess`.
"""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.config import read_settings
from lib.data.images import Preprocess
from lib.data.loader import Batch
from lib.data.text import Text
from lib.models.attention import MemoryProjection, mean_cell
from lib.models.backbones import open_body
from lib.models.encoders import build_encoder
from lib.models.errors import ModelError, as_model_error
from lib.models.saved import WithWords
from lib.models.transformer import sinusoids

TEMPERATURE = 0.07  # at first: the scale is learnt
WARMEST = 100.0  # the scale that no training goes beyond
LONGEST = 128  # words of a sentence, marks included
# [B, T, width], [B, T] which are real -> [B, width]; CLIP's causal tower has read all at its last word
POOLINGS = {
    "mean": mean_cell,
    "class": lambda found, real: found[:, 0],
    "last": lambda found, real: found[torch.arange(len(found)), real.sum(1) - 1],
}


@dataclass(frozen=True, kw_only=True)
class TwoTowersSettings:
    """Everything but the eye and the words."""

    embedding: int = 256
    width: int = 192
    layers: int = 2  # of our own reader
    heads: int = 4
    dropout: float = 0.1
    positions: int = 0  # cells with a learned mark of their place
    memory_layers: int = 0  # rounds in which cells attend to each other
    looks: int = 8  # at the cells, each in its own way
    matcher: int = 0  # layers that look at a picture and a sentence together
    tower: dict | None = None  # a Hugging Face text tower in place of our own reader


class Reader(nn.Module):
    """Our own text Transformer: every word sees every other one."""

    def __init__(self, words: int, settings: TwoTowersSettings):
        super().__init__()
        self.width = settings.width
        self.embedding = nn.Embedding(words, self.width)
        self.register_buffer("places", sinusoids(LONGEST, self.width), persistent=False)
        layer = thinking(nn.TransformerEncoderLayer, settings)
        self.layers = nn.TransformerEncoder(layer, settings.layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(self.width)

    def states(self, tokens: Tensor, real: Tensor) -> Tensor:  # [B, T] -> [B, T, width]
        if tokens.shape[1] > LONGEST:
            raise ModelError(f"{tokens.shape[1]} words; this reader knows {LONGEST}")
        words = self.embedding(tokens) * math.sqrt(self.width) + self.places[: tokens.shape[1]]
        return self.norm(self.layers(words, src_key_padding_mask=~real))

    def pool(self, states: Tensor, real: Tensor) -> Tensor:
        return mean_cell(states, real)


@dataclass(frozen=True, kw_only=True)
class TextTowerSettings:
    """Everything a tower is rebuilt from, weights and tokenizer aside."""

    name: str  # a local path, or an id
    pooling: Literal["mean", "class", "last"] = "mean"
    max_tokens: int = 64  # never used; checkpoints have it
    tower: dict | None = None  # the model's own configuration; found out when loaded


class TextTower(nn.Module):
    """Hugging Face's BERT and its kin, CLIP's or SigLIP's text side; the text is its own tokenizer."""

    def __init__(self, config: dict[str, Any], text: Text):
        """From TextTowerSettings as a plain dict, names strict."""
        super().__init__()
        with as_model_error():
            settings = read_settings(TextTowerSettings, config, where="text tower.")
        self.body, config = open_body("text tower", settings.name, settings.tower, clip="CLIPTextModel")
        self.settings, self.text = replace(settings, tower=config), text
        self.width, kind = config.get("hidden_size"), config.get("model_type")
        if self.width is None or "vocab_size" not in config:
            raise ModelError(f"{settings.name}: a {kind} is no text tower; give a BERT or CLIP")
        if config["vocab_size"] < len(text):
            raise ModelError(f"{settings.name}: {config['vocab_size']} words; the text has {len(text)}")

    def states(self, tokens: Tensor, real: Tensor) -> Tensor:  # [B, T] -> [B, T, width]
        return self.body(input_ids=tokens, attention_mask=real.long()).last_hidden_state

    def pool(self, states: Tensor, real: Tensor) -> Tensor:  # -> [B, width]
        return POOLINGS[self.settings.pooling](states, real)

    def describe(self) -> dict[str, Any]:
        return asdict(self.settings)


class Looks(nn.Module):
    """Several looks at the cells side by side: hats are up, wheels are down, the mean sees neither."""

    def __init__(self, width: int, looks: int):
        super().__init__()
        self.width = width * looks
        self.score = nn.Linear(width, looks)

    def forward(self, cells: Tensor, mask: Tensor | None = None) -> Tensor:  # [B, N, D] -> [B, looks * D]
        scores = self.score(cells)
        if mask is not None:
            scores = scores.masked_fill(~mask[..., None], -math.inf)
        return (scores.softmax(1).transpose(1, 2) @ cells).flatten(1)


class Matcher(nn.Module):
    """Reads a sentence with the picture's cells before it, and says how well they fit."""

    def __init__(self, cells: int, words: int, settings: TwoTowersSettings):
        super().__init__()
        self.cells, self.words = nn.Linear(cells, settings.width), nn.Linear(words, settings.width)
        self.layers = nn.TransformerDecoder(thinking(nn.TransformerDecoderLayer, settings), settings.matcher)
        self.score = nn.Sequential(nn.LayerNorm(settings.width), nn.Linear(settings.width, 1))

    def forward(self, cells: Tensor, states: Tensor, real: Tensor, mask: Tensor | None = None) -> Tensor:
        unseen = {"tgt_key_padding_mask": ~real, "memory_key_padding_mask": None if mask is None else ~mask}
        found = self.layers(self.words(states), self.cells(cells), **unseen)
        return self.score(mean_cell(found, real))[:, 0]


def thinking(layer: type[nn.Module], settings: TwoTowersSettings) -> nn.Module:
    width = settings.width
    how = {"dropout": settings.dropout, "activation": "gelu", "batch_first": True, "norm_first": True}
    return layer(width, settings.heads, 4 * width, **how)


class TwoTowers(WithWords):
    """An eye and a reader, each with a head onto the sphere, and the temperature between them."""

    called, kind, keys = "two towers", "two_towers", ("encoder", "settings")

    def __init__(
        self, eye: nn.Module, text: Text, preprocess: Preprocess | None, settings: TwoTowersSettings
    ):
        super().__init__()
        self.eye, self.text, self.preprocess = eye, text, preprocess
        if settings.tower is None:
            self.reader = Reader(len(text), settings)
        else:
            self.reader = TextTower(settings.tower, text)
            settings = replace(settings, tower=self.reader.describe())
        self.settings = settings
        inside = {"positions": settings.positions, "layers": settings.memory_layers}
        inside |= {"heads": settings.heads, "dropout": settings.dropout}
        self.cells = MemoryProjection(eye.width, settings.width, **inside)
        self.looks = Looks(settings.width, settings.looks)
        self.place_picture = onto_sphere(self.looks.width, settings)
        self.place_words = onto_sphere(self.reader.width, settings)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / TEMPERATURE)))
        self.matcher = Matcher(settings.width, self.reader.width, settings) if settings.matcher else None

    @property
    def encoder(self) -> nn.Module:
        """What comes trained: `fit` teaches it at a rate of its own, or not at all."""
        return nn.ModuleList([self.eye] if self.settings.tower is None else [self.eye, self.reader])

    def see(self, images: Tensor) -> Tensor:  # [B, 3, H, W] -> [B, E]
        return self.look(self.eye(images))

    def look(self, memory: Tensor, mask: Tensor | None = None) -> Tensor:  # [B, N, D] -> [B, E]
        cells = self.cells(memory, mask)
        return F.normalize(self.place_picture(self.looks(cells, mask)).float(), dim=1)

    def read(self, tokens: Tensor, real: Tensor) -> Tensor:  # [B, T] -> [B, E]
        pooled = self.reader.pool(self.reader.states(tokens, real), real)
        return F.normalize(self.place_words(pooled).float(), dim=1)

    def remember(self, batch: Batch) -> Tensor:
        """The batch's memory: given, or seen now."""
        return self.eye(batch.images) if batch.memory is None else batch.memory

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Pictures and sentences of a batch, each [B, E]."""
        return self.look(self.remember(batch), batch.mask), self.read(batch.tokens, batch.real)

    def match(self, batch: Batch) -> Tensor:
        """How well each picture of a batch fits the sentence beside it, [B]: the logit of a yes."""
        if self.matcher is None:
            raise ModelError("these towers have no matcher: settings.matcher must be 1 or more")
        cells = self.cells(self.remember(batch), batch.mask)
        return self.matcher(cells, self.reader.states(batch.tokens, batch.real), batch.real, batch.mask)

    def describe(self) -> dict[str, Any]:
        return {"kind": self.kind, "encoder": self.eye.describe(), "settings": asdict(self.settings)}

    @classmethod
    def assemble(cls, encoder: dict, settings: dict, text: Text, preprocess: Preprocess) -> "TwoTowers":
        return cls(build_encoder(encoder), text, preprocess, read_settings(TwoTowersSettings, settings))


def onto_sphere(width: int, settings: TwoTowersSettings) -> nn.Sequential:
    """From a tower's own width onto the sphere."""
    inner = settings.embedding * 2
    return nn.Sequential(
        nn.Linear(width, inner), nn.GELU(), nn.Dropout(settings.dropout), nn.Linear(inner, settings.embedding)
    )
