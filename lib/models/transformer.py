"""The Transformer decoder: pre-norm, tied embeddings, past keys and values where no search moves them."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.models.attention import Reader, attention_weights, merge_heads, split_heads, spread
from lib.models.errors import ModelError
from lib.models.state import Decoded, State

SMALL = 0.02  # size of embeddings at first: as the output layer too, they must not shout the last word
LookBack = Callable[[Tensor, Tensor, Tensor], Tensor]  # query, keys, values of words -> what they saw


@dataclass(frozen=True, kw_only=True)
class TransformerSettings:
    """Small enough to learn on a laptop; `full` widens it."""

    vocab_size: int
    memory_width: int
    width: int = 192
    layers: int = 3
    heads: int = 6
    feed_forward: int = 4  # times the width
    positions: int = 0  # cells with a learned mark of their place
    memory_layers: int = 0  # rounds in which cells attend to each other
    places: Literal["learned", "sinusoidal"] = "learned"  # of words
    max_length: int = 96  # words, <start> and prefix included
    dropout: float = 0.1

    def __post_init__(self):
        if self.width % (2 * self.heads):
            raise ModelError(f"width {self.width} is not a multiple of twice the {self.heads} heads")


class Block(nn.Module):
    """Words look back at words, then at the memory, then think."""

    checkpointed = True

    def __init__(self, settings: TransformerSettings):
        super().__init__()
        width, inner = settings.width, settings.width * settings.feed_forward
        self.heads = settings.heads
        self.norm_words, self.norm_memory, self.norm_think = (nn.LayerNorm(width) for _ in range(3))
        self.qkv = nn.Linear(width, 3 * width)
        self.out_words = nn.Linear(width, width)
        self.query = nn.Linear(width, width)
        self.out_memory = nn.Linear(width, width)
        self.think = nn.Sequential(nn.Linear(width, inner), nn.GELU(), nn.Linear(inner, width))
        self.dropout = nn.Dropout(settings.dropout)

    def forward(
        self, x: Tensor, look_back: LookBack, memory: Tensor, mask: Tensor | None, show: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """x [R, T, width]; memory [B, 2, heads, N, width / heads] holds this layer's keys and values."""
        query, keys, values = (
            split_heads(part, self.heads) for part in self.qkv(self.norm_words(x)).chunk(3, -1)
        )
        x = x + self.dropout(self.out_words(merge_heads(look_back(query, keys, values))))
        query, keys, values = self.ask(x, len(memory)), memory[:, 0], memory[:, 1]
        seen = F.scaled_dot_product_attention(query, keys, values, attn_mask=spread(mask))
        x = x + self.dropout(self.out_memory(merge_heads(seen).view_as(x)))
        weights = attention_weights(query, keys, spread(mask)).view(*x.shape[:2], -1) if show else None
        return x + self.dropout(self.think(self.norm_think(x))), weights

    def ask(self, x: Tensor, images: int) -> Tensor:
        """Queries to the memory; all words of all texts of an image side by side: [B, heads, K * T, .]."""
        query = self.query(self.norm_memory(x))
        return split_heads(query.reshape(images, -1, query.shape[-1]), self.heads)


class TransformerDecoder(nn.Module):
    """The third decoder; with facts instead of cells as memory it is the oracle."""

    kind = "transformer"

    def __init__(self, settings: TransformerSettings):
        super().__init__()
        self.settings, self.max_length = settings, settings.max_length
        width = settings.width
        self.reader = Reader(
            settings.memory_width,
            width,
            positions=settings.positions,
            layers=settings.memory_layers,
            heads=settings.heads,
            dropout=settings.dropout,
        )
        self.memory_keys_values = nn.Linear(width, 2 * width * settings.layers)
        self.embedding = nn.Embedding(settings.vocab_size, width)
        nn.init.normal_(self.embedding.weight, std=SMALL)
        table = sinusoids(settings.max_length, width) * SMALL
        if settings.places == "learned":
            self.places = nn.Parameter(table)
        else:
            self.register_buffer("places", table, persistent=False)
        self.blocks = nn.ModuleList(Block(settings) for _ in range(settings.layers))
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(settings.dropout)
        for block in self.blocks:  # deeper sums stay of one size
            for out in (block.out_words, block.out_memory, block.think[2]):
                nn.init.normal_(out.weight, std=SMALL / math.sqrt(2 * settings.layers))
                nn.init.zeros_(out.bias)

    def start(self, memory: Tensor, mask: Tensor | None = None) -> State:
        """Keys and values of the memory for all layers: [B, layers, 2, heads, N, width / heads]."""
        settings = self.settings
        both = self.memory_keys_values(self.reader(memory, mask))
        both = both.unflatten(-1, (settings.layers, 2, settings.heads, -1)).permute(0, 2, 3, 4, 1, 5)
        path = torch.zeros(len(memory), 0, dtype=torch.long, device=memory.device)
        return State(image=(both.contiguous(), mask, None), hypothesis=(path,))

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Past keys and values lie in slots that all hypotheses of an image share; `path` [R, steps] names
        the slots of each: a search that reorders hypotheses moves a few numbers and no keys."""
        if state.step >= self.max_length:
            raise ModelError(f"the text is longer than the {self.max_length} words this decoder knows")
        memory, mask, cache = state.image
        (path,) = state.hypothesis
        images, per_image = len(memory), len(tokens) // len(memory)
        mine = state.slots + torch.arange(per_image, device=tokens.device)
        path = torch.cat([path, mine.repeat(images)[:, None]], 1)
        slots = state.slots + per_image
        visible = None if slots == path.shape[1] else see(path, images, slots)
        x = self.embed(tokens[:, None], state.step)
        if cache is None or cache.shape[-2] < slots:
            cache = grow(cache, memory, max(2 * slots, slots + 15 * per_image))
        for layer, block in enumerate(self.blocks):
            look_back = Slots(cache[:, layer], state.slots, visible)
            x, _ = block(x, look_back, memory[:, layer], mask)
        after = replace(
            state, image=(memory, mask, cache), hypothesis=(path,), step=state.step + 1, slots=slots
        )
        return self.score(x[:, 0]), after

    def forward(
        self, memory: Tensor, tokens: Tensor, mask: Tensor | None = None, *, attention: bool = False
    ) -> Decoded:
        """Attention, where asked for, is the last layer's, averaged over its heads."""
        if tokens.shape[1] > self.max_length:
            raise ModelError(f"{tokens.shape[1]} words; this decoder knows {self.max_length}")
        both, mask, _ = self.start(memory, mask).image
        x, weights = self.embed(tokens, 0), None
        for layer, block in enumerate(self.blocks):
            x, weights = block(x, look_back_at_all, both[:, layer], mask, attention)
        return Decoded(self.score(x), weights)

    def embed(self, tokens: Tensor, first: int) -> Tensor:  # [R, T] -> [R, T, width]
        places = self.places[first : first + tokens.shape[1]]
        return self.dropout(self.embedding(tokens) + places)

    def score(self, x: Tensor) -> Tensor:
        return F.linear(self.norm(x), self.embedding.weight)


def look_back_at_all(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Training: each word sees itself and those before it."""
    return F.scaled_dot_product_attention(query, keys, values, is_causal=True)


@dataclass(frozen=True)
class Slots:
    """One layer's past keys and values [B, 2, heads, room, width / heads], `taken` slots of them filled."""

    cache: Tensor
    taken: int
    visible: Tensor | None

    def __call__(self, query: Tensor, keys: Tensor, values: Tensor) -> Tensor:  # each [B * K, heads, 1, .]
        query, keys, values = (self.side_by_side(x) for x in (query, keys, values))
        now = self.taken + keys.shape[2]
        self.cache[:, 0, :, self.taken : now] = keys
        self.cache[:, 1, :, self.taken : now] = values
        seen = F.scaled_dot_product_attention(
            query, self.cache[:, 0, :, :now], self.cache[:, 1, :, :now], attn_mask=self.visible
        )
        return seen.transpose(1, 2).flatten(0, 1)[:, :, None]

    def side_by_side(self, x: Tensor) -> Tensor:
        """[B * K, heads, 1, .] -> [B, heads, K, .]."""
        return x[:, :, 0].unflatten(0, (len(self.cache), -1)).transpose(1, 2)


def see(path: Tensor, images: int, slots: int) -> Tensor:
    """Which slots each hypothesis came through: [B, 1, K, slots]."""
    visible = torch.zeros(len(path), slots, dtype=torch.bool, device=path.device)
    return visible.scatter_(1, path, True).unflatten(0, (images, -1))[:, None]


def grow(cache: Tensor | None, memory: Tensor, slots: int) -> Tensor:
    """Room for so many slots; what was there stays: [B, layers, 2, heads, slots, width / heads]."""
    room = memory.new_empty(*memory.shape[:4], slots, memory.shape[-1])
    if cache is not None:
        room[..., : cache.shape[-2], :] = cache
    return room


def sinusoids(length: int, width: int) -> Tensor:
    """The fixed waves of the first Transformer: [length, width]."""
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000) / width))
    angles = torch.arange(length)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)
