"""The Transformer decoder: pre-norm, tied embeddings, past keys and values where no search moves them."""

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.models.attention import MemoryProjection, attention_weights, dot_product_attention, mask_for_scores
from lib.models.errors import ModelError
from lib.models.fast_step import advance, fan_in, fan_out, grow
from lib.models.state import Decoded, State

SMALL = 0.02  # size of embeddings at first: as the output layer too, they must not shout the last word


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
        self, x: Tensor, memory: Tensor, mask: Tensor | None, show: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """x [R, T, width]; memory [2, heads, B, N, width / heads] holds this layer's keys and values."""
        words = self.qkv(self.norm_words(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        seen = dot_product_attention(*words, is_causal=True)
        x = x + self.dropout(self.out_words(seen.transpose(1, 2).flatten(2)))
        keys, values = memory.transpose(1, 2)
        # all words of all texts of an image ask side by side: [B, heads, K * T, width / heads]
        query = self.query(self.norm_memory(x)).view(len(keys), -1, self.heads, keys.shape[-1])
        query = query.transpose(1, 2)
        seen = dot_product_attention(query, keys, values, attn_mask=mask)
        x = x + self.dropout(self.out_memory(seen.transpose(1, 2).reshape(x.shape)))
        weights = attention_weights(query, keys, mask).view(*x.shape[:2], -1) if show else None
        return x + self.dropout(self.think(self.norm_think(x))), weights

    def parts(self, dtype: torch.dtype) -> tuple[tuple[Tensor, Tensor], ...]:
        """Weights and biases in the order of use; looking them up at each step would cost a third of it."""
        heads = self.heads
        return (
            (self.norm_words.weight, self.norm_words.bias),
            fan_out(self.qkv, 3 * heads, dtype),
            fan_in(self.out_words, heads, dtype),
            (self.norm_memory.weight, self.norm_memory.bias),
            fan_out(self.query, heads, dtype),
            fan_in(self.out_memory, heads, dtype),
            (self.norm_think.weight, self.norm_think.bias),
            fan_out(self.think[0], heads, dtype),
            fan_in(self.think[2], heads, dtype),
        )


class TransformerDecoder(nn.Module):
    """The third decoder; with attributes instead of cells as memory it is the oracle."""

    kind = "transformer"

    def __init__(self, settings: TransformerSettings):
        super().__init__()
        self.settings, self.max_length = settings, settings.max_length
        width = settings.width
        inside = {"positions": settings.positions, "layers": settings.memory_layers}
        inside |= {"heads": settings.heads, "dropout": settings.dropout}
        self.reader = MemoryProjection(settings.memory_width, width, **inside)
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

    def read(self, memory: Tensor, mask: Tensor | None) -> Tensor:
        """Keys and values of the memory for all layers: [layers, 2, heads, B, N, width / heads]."""
        both = self.memory_keys_values(self.reader(memory, mask))
        both = both.unflatten(-1, (self.settings.layers, 2, self.settings.heads, -1))
        return both.permute(2, 3, 4, 0, 1, 5).contiguous()

    def start(self, memory: Tensor, mask: Tensor | None = None) -> State:
        """Weights are taken in the precision in which the keys come."""
        both, heads = self.read(memory, mask), self.settings.heads
        hidden = both.new_zeros(heads, len(memory), 1, memory.shape[1])
        if mask is not None:
            hidden.masked_fill_(~mask[:, None], -math.inf)
        words = F.pad(self.embedding.weight.to(both.dtype), (0, 0, 0, -self.settings.vocab_size % heads))
        words = words.unflatten(0, (heads, -1)).transpose(1, 2)
        parts = *(block.parts(both.dtype) for block in self.blocks), words
        visible = both.new_zeros(len(memory), 0)
        return State(image=(both, hidden, None), hypothesis=(visible,), parts=parts, images_at=-3)

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Past keys and values lie in slots that all hypotheses of an image share; `visible` [R, slots] is 0
        where a hypothesis came through and minus infinity elsewhere: a search that reorders hypotheses moves
        no keys."""
        if state.step >= self.max_length:
            raise ModelError(f"the text is longer than the {self.max_length} words this decoder knows")
        (memory, hidden, cache), (*blocks, words) = state.image, state.parts
        heads, images = hidden.shape[:2]
        per_image = tokens.shape[0] // images
        own = hidden.new_full((per_image, per_image), -math.inf).fill_diagonal_(0)
        visible = torch.cat([state.hypothesis[0], own.expand(images, -1, -1).flatten(0, 1)], 1)
        slots = visible.shape[1]
        if cache is None or cache.shape[-2] < slots:
            cache = grow(cache, memory, max(2 * slots, slots + 15 * per_image))
        after = replace(state, image=(memory, hidden, cache), hypothesis=(visible,), step=state.step + 1)
        x = F.embedding(tokens, self.embedding.weight) + self.places[state.step]
        unseen = visible.view(images, per_image, slots).expand(heads, -1, -1, -1).flatten(0, 1)
        memory, hidden = memory.flatten(2, 3), hidden.flatten(0, 1)
        cache = cache.flatten(2, 3)[..., :slots, :]
        for parts, past, own in zip(blocks, cache.unbind(0), memory.unbind(0), strict=True):
            x = advance(x, parts, past, unseen, own, hidden)
        logits = torch.bmm(self.norm(x).to(words.dtype).expand(heads, -1, -1), words)
        return logits.transpose(0, 1).flatten(1)[:, : self.settings.vocab_size], after

    def forward(
        self, memory: Tensor, tokens: Tensor, mask: Tensor | None = None, *, attention: bool = False
    ) -> Decoded:
        """Attention, where asked for, is the last layer's, averaged over its heads."""
        if tokens.shape[1] > self.max_length:
            raise ModelError(f"{tokens.shape[1]} words; this decoder knows {self.max_length}")
        memory = self.read(memory, mask)
        x, weights = self.dropout(self.embedding(tokens) + self.places[: tokens.shape[1]]), None
        for block, own in zip(self.blocks, memory, strict=True):
            x, weights = block(x, own, mask_for_scores(mask), attention)
        return Decoded(F.linear(self.norm(x), self.embedding.weight), weights)


def sinusoids(length: int, width: int) -> Tensor:
    """The fixed waves of the first Transformer: [length, width]."""
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000) / width))
    angles = torch.arange(length)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)
