"""Teaching an eye to read attributes: what comes before it may be shown to a decoder or a tower."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lib.config import Training
from lib.data.images import Preprocess
from lib.data.loader import CaptionPairs, Loader, PictureView, View
from lib.data.record import Record, digest
from lib.models.attributes import AttributeReader, number_attributes
from lib.train.fit import fit
from lib.train.objectives import attribute_loss
from lib.train.processes import this_process
from lib.train.session import Fitted, Validator
from lib.train.validation import BATCH


def learn_attributes(
    reader: AttributeReader,
    train: Sequence[Record],
    val: Sequence[Record],
    preprocess: Preprocess,
    training: Training,
    folder: Path,
) -> Fitted:
    """`fit` on every attribute of the training pictures at once, validated by their F1."""
    pairs = CaptionPairs(train, None, PictureView(train, preprocess))
    how = {"batch_size": training.batch_size, "seed": training.seed, "workers": training.workers}
    loader = Loader(pairs, **how, **this_process())
    key = {"data": digest(train), "model": reader.describe(), "objective": "attributes"}
    meta = reader.meta() | {"preprocess": preprocess.to_json()}
    validate = by_attributes(val, PictureView(val, preprocess), reader.schema)
    objective = attribute_loss(number_attributes(train, reader.schema))
    how = {"training": training, "folder": folder, "run_key": key, "validate": validate, "meta": meta}
    return fit(reader, objective, loader, **how)


def by_attributes(records: Sequence[Record], view: View, schema: Mapping[str, Sequence[str]]) -> Validator:
    """Validate an attribute reader by the micro F1 of the attributes it reads off some pictures."""
    truth = number_attributes(records, schema)  # [R, A], 0 where nothing is visible
    loader = Loader(CaptionPairs(records, None, view), batch_size=BATCH, shuffle=False)

    def validate(model: nn.Module) -> dict[str, Any]:
        device = next(model.parameters()).device
        logits = (model(batch.to(device)) for batch in loader.batches())  # of each attribute [B, values]
        read = torch.cat([torch.stack([scores.argmax(1) for scores in each], 1) for each in logits]).cpu()
        right = ((read == truth) & (truth > 0)).sum(0)
        stated, visible = (read > 0).sum(0), (truth > 0).sum(0)
        each = 2 * right / (stated + visible).clamp(min=1)
        f1 = 2 * right.sum() / (stated.sum() + visible.sum())
        return {"score": float(f1)} | {name: float(v) for name, v in zip(schema, each, strict=True)}

    return validate
