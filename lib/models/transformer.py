"""The Transformer decoder: pre-norm, tied embeddings, past keys and values where no search moves them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.models.attention import Reader, attention_weights, spread
from lib.models.errors import ModelError
from lib.models.state import Decoded, State

SMALL = 0.02  # size of embeddings at first: as the output layer too, they must not shout the last word
LookBack = Callable[[Tensor], Tensor]  # queries, keys and values of words [R, T, 3 * width] -> what they saw


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
        x = x + self.dropout(self.out_words(look_back(self.qkv(self.norm_words(x)))))
        keys, values = memory.unbind(1)
        # all words of all texts of an image ask side by side: [B, heads, K * T, width / heads]
        query = (
            self.query(self.norm_memory(x)).view(len(memory), -1, self.heads, keys.shape[-1]).transpose(1, 2)
        )
        seen = F.scaled_dot_product_attention(query, keys, values, attn_mask=mask)
        x = x + self.dropout(self.out_memory(seen.transpose(1, 2).reshape(x.shape)))
        weights = attention_weights(query, keys, mask).view(*x.shape[:2], -1) if show else None
        return x + self.dropout(self.think(self.norm_think(x))), weights

    def parts(self) -> tuple[tuple[Tensor, Tensor], ...]:
        """Weights and biases in the order of use; looking them up at each step would cost a third of it."""
        used = self.norm_words, self.qkv, self.out_words, self.norm_memory, self.query, self.out_memory
        used += self.norm_think, self.think[0], self.think[2]
        return tuple((layer.weight, layer.bias) for layer in used)


def advance(x: Tensor, parts: tuple, look_back: "Slots", memory: Tensor, mask: Tensor | None) -> Tensor:
    """What a sleeping Block does with one word of each text, x [R, width], without asking its modules."""
    norm_words, qkv, out_words, norm_memory, query, out_memory, norm_think, widen, narrow = parts
    width = x.shape[-1:]
    x = x + F.linear(look_back(F.linear(F.layer_norm(x, width, *norm_words), *qkv)), *out_words)
    keys, values = memory.unbind(1)
    asked = F.linear(F.layer_norm(x, width, *norm_memory), *query)
    asked = asked.view(len(memory), -1, keys.shape[1], keys.shape[3]).transpose(1, 2)
    seen = F.scaled_dot_product_attention(asked, keys, values, attn_mask=mask)
    x = x + F.linear(seen.transpose(1, 2).reshape(x.shape), *out_memory)
    return x + F.linear(F.gelu(F.linear(F.layer_norm(x, width, *norm_think), *widen)), *narrow)


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
        parts = tuple(block.parts() for block in self.blocks)
        return State(image=(both.contiguous(), mask, None), hypothesis=(path,), parts=parts)

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Past keys and values lie in slots that all hypotheses of an image share; `path` [R, steps] names
        the slots of each: a search that reorders hypotheses moves a few numbers and no keys."""
        if state.step >= self.max_length:
            raise ModelError(f"the text is longer than the {self.max_length} words this decoder knows")
        memory, mask, cache = state.image
        per_image = len(tokens) // len(memory)
        slots = state.slots + per_image
        mine = torch.arange(state.slots, slots, device=tokens.device).expand(len(memory), -1)
        path = torch.cat([state.hypothesis[0], mine.reshape(-1, 1)], 1)
        visible = None if slots == path.shape[1] else see(path, slots, memory)
        if cache is None or cache.shape[-2] < slots:
            cache = grow(cache, memory, max(2 * slots, slots + 15 * per_image))
        x = F.embedding(tokens, self.embedding.weight) + self.places[state.step]
        layers = zip(state.parts, memory.unbind(1), cache.unbind(1), strict=True)
        for parts, own, past in layers:
            x = advance(x, parts, Slots(past, state.slots, visible), own, spread(mask))
        after = State((memory, mask, cache), (path,), state.step + 1, slots, state.parts)
        return self.score(x), after

    def forward(
        self, memory: Tensor, tokens: Tensor, mask: Tensor | None = None, *, attention: bool = False
    ) -> Decoded:
        """Attention, where asked for, is the last layer's, averaged over its heads."""
        if tokens.shape[1] > self.max_length:
            raise ModelError(f"{tokens.shape[1]} words; this decoder knows {self.max_length}")
        memory, mask, _ = self.start(memory, mask).image
        x, weights = self.embed(tokens, 0), None
        look_back = LookBackAtAll(self.settings.heads)
        for block, own in zip(self.blocks, memory.unbind(1), strict=True):
            x, weights = block(x, look_back, own, spread(mask), attention)
        return Decoded(self.score(x), weights)

    def embed(self, tokens: Tensor, first: int) -> Tensor:  # [R, T] -> [R, T, width]
        places = self.places[first : first + tokens.shape[1]]
        return self.dropout(self.embedding(tokens) + places)

    def score(self, x: Tensor) -> Tensor:
        return F.linear(self.norm(x), self.embedding.weight)


@dataclass(frozen=True)
class LookBackAtAll:
    """Training: each word sees itself and those before it."""

    heads: int

    def __call__(self, parts: Tensor) -> Tensor:
        query, keys, values = parts.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(query, keys, values, is_causal=True)
        return seen.transpose(1, 2).flatten(2)


@dataclass(frozen=True)
class Slots:
    """One layer's past keys and values [B, 2, heads, room, width / heads], `taken` slots of them filled."""

    cache: Tensor
    taken: int
    visible: Tensor | None  # [B, 1, K, slots], added to the scores

    def __call__(self, parts: Tensor) -> Tensor:  # [B * K, 3 * width] -> [B * K, width]
        images, _, heads, _, size = self.cache.shape
        parts = parts.view(images, -1, 3, heads, size).permute(0, 2, 3, 1, 4)  # [B, 3, heads, K, size]
        now = self.taken + parts.shape[3]
        self.cache[..., self.taken : now, :] = parts[:, 1:]
        keys, values = self.cache[..., :now, :].unbind(1)
        seen = F.scaled_dot_product_attention(parts[:, 0], keys, values, attn_mask=self.visible)
        return seen.transpose(1, 2).reshape(-1, heads * size)


def see(path: Tensor, slots: int, memory: Tensor) -> Tensor:
    """0 for the slots each hypothesis came through, minus infinity for the others: [B, 1, K, slots]."""
    hidden = memory.new_full((len(path), slots), -math.inf)
    return hidden.scatter_(1, path, 0.0).view(len(memory), 1, -1, slots)


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
