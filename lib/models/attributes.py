"""Attributes and models: reading them off a picture, and giving them to a decoder in place of a picture.

The reader pre-trains the atelier's backbone; the encoder makes the oracle, the captioner that need not look.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.data.loader import Batch
from lib.data.record import Record
from lib.models.encoders import AttributeHeads, Encoder, Schema, build_encoder
from lib.models.errors import ModelError
from lib.models.generate import eval_mode
from lib.models.saved import open_saved


def number_attributes(records: Sequence[Record], schema: Schema) -> Tensor:
    """Each record's attributes as numbers [R, A] in the schema's order; 0 where one is hidden or absent."""
    numbers = {name: {None: 0} | {v: n for n, v in enumerate(values, 1)} for name, values in schema.items()}
    rows = []
    for record in records:
        if record.attributes is None:
            raise ModelError(f"{record.id}: no attributes are known of this picture")
        try:
            rows.append([known[record.attributes[name]] for name, known in numbers.items()])
        except KeyError as error:
            raise ModelError(f"{record.id}: attribute or value {error} is not in the schema") from None
    return torch.tensor(rows, dtype=torch.long).view(len(rows), len(schema))


def schema_as_json(schema: Schema) -> dict[str, list[str]]:
    """A schema as JSON gives it back."""
    return {name: list(values) for name, values in schema.items()}


class AttributeEncoder(nn.Module):
    """Attributes [B, A] as a memory [B, A, D]: a one-hot cell each, which the decoder's projection embeds."""

    def __init__(self, schema: Schema):
        super().__init__()
        self.schema = schema_as_json(schema)
        sizes = torch.tensor([len(values) + 1 for values in self.schema.values()])
        self.width = int(sizes.sum())
        self.register_buffer("first", sizes.cumsum(0) - sizes, persistent=False)

    def forward(self, attributes: Tensor) -> Tensor:
        return F.one_hot(attributes + self.first, self.width).float()

    def memories(self, records: Sequence[Record]) -> Tensor:
        """Every record's memory [R, A, D], a view for the loader's `CachedFeatures`."""
        return self(number_attributes(records, self.schema)).half()

    def describe(self) -> dict[str, Any]:
        return {"kind": "attributes", "schema": self.schema}


class AttributeReader(nn.Module):
    """An encoder that learns to read every attribute off a picture, from the `cells` of its grid."""

    def __init__(self, encoder: Encoder, schema: Schema, *, cells: int):
        super().__init__()
        self.schema, self.encoder = schema_as_json(schema), encoder
        self.heads = AttributeHeads(encoder.width, cells, schema)

    def forward(self, batch: Batch) -> list[Tensor]:
        """For each attribute logits [B, values + 1]: 0 is none, then the schema's values."""
        return self.judge(batch.images)

    def judge(self, images: Tensor) -> list[Tensor]:
        """The same for pictures alone."""
        return self.heads(self.encoder(images))

    def eye(self) -> Encoder:
        """The encoder with what it has learnt to read: captioners may be shown cells or attributes."""
        settings = replace(self.encoder.settings, schema=self.schema, cells=len(self.heads.places))
        return Encoder(settings, self.encoder.backbone, self.heads)

    @torch.no_grad()
    def read(self, images: Tensor) -> list[dict[str, str | None]]:
        """The likeliest attributes of each picture."""
        with eval_mode(self):
            chosen = torch.stack([logits.argmax(1) for logits in self.judge(images)], 1).tolist()
        choices = [(name, [None, *values]) for name, values in self.schema.items()]
        return [{name: values[c] for c, (name, values) in zip(row, choices, strict=True)} for row in chosen]

    def describe(self) -> dict[str, Any]:
        """What `from_config` rebuilds it from."""
        parts = {"encoder": self.encoder.describe(), "schema": self.schema, "cells": len(self.heads.places)}
        return {"kind": "attribute_reader"} | parts

    def meta(self) -> dict[str, Any]:
        """What a checkpoint must say besides the weights."""
        return {"model": self.describe()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "AttributeReader":
        """A fresh reader of this description, names strict."""
        if set(config) != {"kind", "encoder", "schema", "cells"} or config["kind"] != "attribute_reader":
            raise ModelError(f"no attribute reader: its config has the keys {', '.join(sorted(config))}")
        return cls(build_encoder(config["encoder"]), config["schema"], cells=config["cells"])

    @classmethod
    def load(cls, path: str | Path) -> "AttributeReader":
        """The reader of a checkpoint, in eval mode on the CPU; captioners start from its `encoder`."""
        return open_saved(path, "attribute reader", ("model",), lambda m: cls.from_config(m["model"]))[0]
