"""Teaching an eye to read attributes: what comes before it may be shown to a decoder or a tower."""

from collections.abc import Sequence
from pathlib import Path

from lib.config import Training
from lib.data.images import Preprocess
from lib.data.loader import CaptionPairs, Loader, PictureView
from lib.data.record import Record, digest
from lib.models.attributes import AttributeReader, number_attributes
from lib.train.fit import fit
from lib.train.objectives import attribute_loss
from lib.train.processes import this_process
from lib.train.session import Fitted
from lib.train.validation import by_attributes


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
    loader = Loader(pairs, batch_size=training.batch_size, seed=training.seed, **this_process())
    key = {"data": digest(train), "model": reader.describe(), "objective": "attributes"}
    meta = reader.meta() | {"preprocess": preprocess.to_json()}
    validate = by_attributes(val, PictureView(val, preprocess), reader.schema)
    objective = attribute_loss(number_attributes(train, reader.schema))
    how = {"training": training, "folder": folder, "run_key": key, "validate": validate, "meta": meta}
    return fit(reader, objective, loader, **how)
