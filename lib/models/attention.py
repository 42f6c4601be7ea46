"""Looking at a memory: cells that attend to each other, and a decoder's state that attends to cells."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.models.errors import ModelError

STEEP = 20.0  # tanh is flat long before; keeps the products of exponentials below finite
BLOCK = 1 << 18  # numbers of a block that stays in a processor's cache


def attention_weights(query: Tensor, keys: Tensor, mask: Tensor | None) -> Tensor:
    """The weights inside dot-product attention, averaged over the heads: [B, queries, N]."""
    scores = query @ keys.transpose(-1, -2) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return scores.softmax(-1).mean(1)


def dot_product_attention(query: Tensor, keys: Tensor, values: Tensor, **how: Any) -> Tensor:
    """Torch's own; in fp32 where a processor learns: there and back in bf16 takes it about twice as long."""
    if query.device.type != "cpu" or not torch.is_grad_enabled():
        return F.scaled_dot_product_attention(query, keys, values, **how)
    with torch.autocast("cpu", enabled=False):
        exact = query.float(), keys.float(), values.float()
        return F.scaled_dot_product_attention(*exact, **how).to(query.dtype)


class SelfAttention(nn.Module):
    """Cells of ONE image attend to each other, and are changed by what they see (pre-norm, residual)."""

    checkpointed = True  # `fit` may forget and recompute what happens inside

    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, cells: Tensor, mask: Tensor | None = None) -> Tensor:
        parts = self.qkv(self.norm(cells)).unflatten(-1, (3, self.heads, -1))
        query, keys, values = parts.permute(2, 0, 3, 1, 4)  # each [B, heads, N, width / heads]
        seen = dot_product_attention(query, keys, values, attn_mask=mask_for_scores(mask))
        return cells + self.dropout(self.out(seen.transpose(1, 2).flatten(2)))


def mask_for_scores(mask: Tensor | None) -> Tensor | None:
    """A mask over cells [B, N], shaped for scores [B, heads, queries, N]."""
    return None if mask is None else mask[:, None, None, :]


class MemoryProjection(nn.Module):
    """A memory as a decoder wants it: of the decoder's width, normalised, placed, and self-attended.

    `width` None leaves the memory's own width. With `positions` each of that many cells has a learned mark of
    its place, without which "the lower garment is blue" cannot be told from "the upper is".
    """

    def __init__(
        self,
        memory_width: int,
        width: int | None,
        *,
        positions: int = 0,
        layers: int = 0,
        heads: int = 1,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.memory_width = memory_width
        self.project = nn.Identity() if width is None else nn.Linear(memory_width, width)
        self.width = width or memory_width
        self.norm = nn.LayerNorm(self.width)
        self.places = nn.Parameter(torch.randn(positions, self.width) * 0.2) if positions else None
        self.layers = nn.ModuleList(SelfAttention(self.width, heads, dropout) for _ in range(layers))
        self.dropout = nn.Dropout(dropout)

    def forward(self, memory: Tensor, mask: Tensor | None = None) -> Tensor:  # [B, N, D] -> [B, N, width]
        if memory.ndim != 3 or memory.shape[-1] != self.memory_width:
            raise ModelError(
                f"the memory is {list(memory.shape)}; this decoder reads [images, cells, {self.memory_width}]"
            )
        cells = self.norm(self.project(memory))
        if self.places is not None:
            if cells.shape[1] > len(self.places):
                raise ModelError(f"{cells.shape[1]} cells; this decoder knows {len(self.places)} positions")
            cells = cells + self.places[: cells.shape[1]]
        cells = self.dropout(cells)
        for layer in self.layers:
            cells = layer(cells, mask)
        return cells


def mean_cell(cells: Tensor, mask: Tensor | None) -> Tensor:
    """The average of the real cells: [B, N, D] -> [B, D]."""
    if mask is None:
        return cells.mean(1)
    real = mask[..., None].to(cells.dtype)
    return (cells * real).sum(1) / real.sum(1).clamp(min=1)


class AdditiveAttention(nn.Module):
    """Bahdanau's attention: score = v . tanh(key + query).

    With tanh(a + b) = 1 - 2 / (1 + exp(2a) exp(2b)) the exponentials of the keys are taken once an image, and
    a step only multiplies and divides. The constant 1 . v is the same for all cells, so the softmax drops it.
    """

    checkpointed = True

    def __init__(self, cell_width: int, query_width: int, width: int):
        super().__init__()
        self.key = nn.Linear(cell_width, width)
        self.query = nn.Linear(query_width, width, bias=False)
        self.score = nn.Linear(width, 1, bias=False)

    def keys(self, cells: Tensor) -> Tensor:
        """What an image needs once, in fp32: [B, N, width]."""
        return exponential(self.key(cells))

    def forward(self, query: Tensor, keys: Tensor, mask: Tensor | None = None) -> Tensor:
        """How much each query [B, K, Q] looks at each cell: [B, K, N]."""
        queries = exponential(self.query(query))
        if torch.is_grad_enabled():
            scores = self.scores(queries, keys)
        else:  # in blocks of images: several times faster than through main memory
            per_block = max(1, BLOCK // (queries[0].numel() * keys.shape[1]))
            blocks = zip(queries.split(per_block), keys.split(per_block), strict=True)
            scores = torch.cat([self.scores(*block) for block in blocks])
        if mask is not None:
            scores = scores.masked_fill(~mask[:, None], -math.inf)
        return scores.softmax(-1)

    def scores(self, queries: Tensor, keys: Tensor) -> Tensor:
        """-2 v . 1 / (1 + exp(2a) exp(2b)), without the part that the softmax drops."""
        one = keys.new_ones(())
        inverse = torch.addcmul(one, keys[:, None], queries[:, :, None]).reciprocal_()  # [B, K, N, width]
        with torch.autocast(keys.device.type, enabled=False):  # half precision is slower here
            return F.linear(inverse, self.score.weight * -2).squeeze(-1)


def exponential(x: Tensor) -> Tensor:
    """exp(2x), in fp32 at least."""
    x = x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
    return (2 * x.clamp(-STEEP, STEEP)).exp()
