"""A study: what every captioning notebook starts from, opened in one call.

Records in their splits, the words of 00, its eye seen one way, and the eye's features on disk.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from lib.config import Training
from lib.data.formats import open_dataset
from lib.data.images import Preprocess
from lib.data.loader import Loader, Memories, Pairs, Per, View
from lib.data.record import Record, digest
from lib.data.split import arrange, part
from lib.data.text import Vocab
from lib.models.attributes import AttributeEncoder
from lib.models.captioner import Captioner
from lib.models.decoders import build_decoder
from lib.models.eye import open_eye
from lib.models.features import cache_features
from lib.models.generate import Decoding
from lib.paths import Output
from lib.train.judging import by_captions
from lib.train.processes import share
from lib.train.run import Validate


@dataclass(frozen=True)
class Study:
    """Pictures with captions, as a decoder is shown them."""

    splits: dict[str, Sequence[Record]]  # train, val, test
    vocab: Vocab
    encoder: nn.Module
    preprocess: Preprocess | None
    views: dict[str, View]  # what a decoder sees of each split
    seen: str  # fingerprint of the eye's features, or of what stands in their place

    @property
    def test(self) -> Sequence[Record]:
        return self.splits["test"]

    @property
    def said(self) -> list[tuple[str, ...]]:
        """What was said of the test pictures."""
        return [record.captions for record in self.test]

    @property
    def facts(self) -> list[dict] | None:
        """What is visible in the test pictures, where that is known of all."""
        facts = [record.attributes for record in self.test]
        return facts if all(facts) else None

    def captioner(self, config: dict[str, Any]) -> Captioner:
        """A fresh captioner: this eye, these words, and the decoder that `config` describes."""
        sizes = {"vocab_size": len(self.vocab), "memory_width": self.encoder.width}
        return Captioner(self.encoder, build_decoder(config | sizes), self.vocab, self.preprocess)

    def loader(self, training: Training, *, per: Per = "caption") -> Loader:
        """This process's share of the training pairs, in batches of like length; or each picture once."""
        pairs = Pairs(self.splits["train"], self.vocab, self.views["train"], per=per)
        size, workers, bucket = training.batch_size, training.workers, per == "caption"
        return Loader(pairs, batch_size=size, seed=training.seed, workers=workers, bucket=bucket, **share())

    def run_key(self, captioner: Captioner, objective: str) -> dict[str, Any]:
        """What the weights of a run on this study depend on."""
        data = digest(record for records in self.splits.values() for record in records)
        model = captioner.describe() | {"seen": self.seen}
        return {"data": data, "words": self.vocab.digest, "model": model, "objective": objective}

    def validation(self, decoding: Decoding) -> Validate:
        return by_captions(self.splits["val"], self.views["val"], decoding)


def open_study(
    output: str | Path, dataset: str | Path, *, split: str, view: str, variants: int = 1, seed: int = 0
) -> Study:
    """Open what 00 left, its eye seen as `pooled`, `grid`, `regions` or `facts`; features are computed once.

    With `variants` above 1 a training picture is shown in one of so many ways, drawn anew each time: as it
    is, or cropped at random (and mirrored, where the preprocessing allows that).
    """
    place, splits = Output(output), part(arrange(open_dataset(dataset), split, seed=seed))
    eye, preprocess = open_eye(place.model_ckpt / "eye")
    if variants > 1 and not preprocess.varies:
        raise ValueError(f"variants={variants}: this eye shows a picture uncropped and unmirrored; use 1")
    eye = eye.viewed(view)
    ways = {"train": variants}
    found = {
        name: cache_features(records, eye, preprocess, place.features, views=ways.get(name, 1))
        for name, records in splits.items()
    }
    return Study(
        splits=splits,
        vocab=Vocab.load(place.root / "vocab.json"),
        encoder=eye,
        preprocess=preprocess,
        views={name: Memories(features, augment=len(features) > 1) for name, features in found.items()},
        seen=found["train"].key + (f" in {variants} variants" if variants > 1 else ""),
    )


def told(study: Study, schema: dict[str, Sequence[str]]) -> Study:
    """The same study for the oracle: instead of the picture, its visible facts."""
    encoder = AttributeEncoder(schema)
    views = {name: Memories([encoder.memories(records).numpy()]) for name, records in study.splits.items()}
    return Study(study.splits, study.vocab, encoder, None, views, "facts")
