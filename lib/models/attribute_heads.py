"""Attribute heads: each reads one attribute off a picture, and all make a decoder's memory."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Schema = Mapping[str, Sequence[str]]


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
