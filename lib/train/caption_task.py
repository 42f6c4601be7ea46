"""A caption task: what every captioning notebook starts from, opened in one call.

Records in their splits, the words of 00, its eye seen one way, and the eye's features on disk.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from lib import checkpoint
from lib.config import Training
from lib.data.formats import open_dataset
from lib.data.images import Preprocess
from lib.data.loader import CachedFeatures, CaptionPairs, Loader, Per, View
from lib.data.record import Caption, Record, digest, plain_captions
from lib.data.split import arrange, part
from lib.data.subwords import open_huggingface
from lib.data.text import Text, Vocab
from lib.models.attributes import AttributeEncoder
from lib.models.captioner import Captioner
from lib.models.decoders import build_decoder
from lib.models.decoding import Decoding
from lib.models.eye import open_eye
from lib.models.features import cache_features
from lib.paths import Output
from lib.score.attributes import World
from lib.score.evaluate import evaluate
from lib.train.fit import fit
from lib.train.objectives import Objective
from lib.train.processes import this_process
from lib.train.session import Fitted, Validator
from lib.train.validation import by_captions


@dataclass(frozen=True)
class CaptionTask:
    """Pictures with captions, as a decoder is shown them."""

    splits: dict[str, Sequence[Record]]  # train, val, test
    vocab: Text
    encoder: nn.Module
    preprocess: Preprocess | None
    views: dict[str, View]  # what a decoder sees of each split
    seen: str  # fingerprint of the eye's features, or of what stands in their place
    world: World | None = None  # what can be true of the pictures, where that is known
    rows: Callable[[Record], Sequence[Caption]] = plain_captions  # how a record's captions are taught
    style_dropout: float = 0.0  # share of them that lose their style, drawn anew each epoch

    @property
    def test(self) -> Sequence[Record]:
        return self.splits["test"]

    @property
    def references(self) -> list[tuple[str, ...]]:
        """What was said of the test pictures."""
        return [record.captions for record in self.test]

    @property
    def attributes(self) -> list[dict] | None:
        """What is visible in the test pictures, where that is known of all."""
        attributes = [record.attributes for record in self.test]
        return attributes if all(attributes) else None

    def evaluate(self, texts: Sequence[str], *, seed: int = 0) -> dict[str, Any]:
        """Every score of a caption for each test picture; attributes count where a world was handed in."""
        known = self.attributes if self.world else None
        return evaluate(texts, self.references, attributes=known, world=self.world, seed=seed)

    def worded(self, config: dict[str, Any]) -> "CaptionTask":
        """This task in the words of the decoder that `config` describes: a language model has its own."""
        own = config.get("name") if config["kind"] == "huggingface" else None
        return replace(self, vocab=open_huggingface(own)) if own else self

    def captioner(self, config: dict[str, Any]) -> Captioner:
        """A fresh captioner: this eye, these words, and the decoder that `config` describes."""
        sizes = {"vocab_size": len(self.vocab), "memory_width": self.encoder.width}
        return Captioner(self.encoder, build_decoder(config | sizes), self.vocab, self.preprocess)

    def loader(self, training: Training, *, per: Per = "caption") -> Loader:
        """This process's share of the training pairs, in batches of like length; or each picture once."""
        how = {"per": per, "rows": self.rows, "style_dropout": self.style_dropout}
        pairs = CaptionPairs(self.splits["train"], self.vocab, self.views["train"], **how)
        size, workers, bucket = training.batch_size, training.workers, per == "caption"
        return Loader(
            pairs, batch_size=size, seed=training.seed, workers=workers, bucket=bucket, **this_process()
        )

    def run_key(self, captioner: Captioner, objective: str) -> dict[str, Any]:
        """What the weights of a run on this task depend on."""
        data = digest(record for records in self.splits.values() for record in records)
        model = captioner.describe() | {"seen": self.seen}
        key = {"data": data, "words": self.vocab.digest, "model": model, "objective": objective}
        key |= {"style_dropout": self.style_dropout} if self.style_dropout else {}
        marked = [row[1:] for record in self.splits["train"] for row in self.rows(record) if any(row[1:])]
        return key | ({"rows": [len(marked), sorted(set(map(repr, marked)))]} if marked else {})

    def learn(
        self,
        captioner: Captioner,
        objective: Objective,
        training: Training,
        folder: Path,
        *,
        called: str,
        start: Path | None = None,
        loader: Loader | None = None,
        validate: Validator | None = None,
    ) -> Fitted:
        """`fit` on this task, validated by greedy captions: `called` is the objective in the run's key,
        `start` the checkpoint whose weights the captioner has."""
        key = self.run_key(captioner, called)
        if start:
            key["start"] = checkpoint.read_meta(start)["weights_sha256"]
        validate = validate or self.validation(Decoding(method="greedy"))
        more = {"validate": validate, "meta": captioner.meta(), "encoder": captioner.encoder}
        loader = loader or self.loader(training)
        return fit(captioner, objective, loader, training=training, folder=folder, run_key=key, **more)

    def validation(self, decoding: Decoding) -> Validator:
        return by_captions(self.splits["val"], self.views["val"], decoding, self.world)


def open_caption_task(
    output: str | Path,
    dataset: str | Path,
    *,
    split: str,
    view: str,
    world: World | None = None,
    variants: int = 1,
    precision: str = "fp32",
    seed: int = 0,
) -> CaptionTask:
    """Open what 00 left, its eye seen as `pooled`, `grid`, `regions` or `attributes`; features come once.

    With `variants` above 1 a training picture is shown in one of so many ways, drawn anew each time: as it
    is, or cropped at random (and mirrored, where the preprocessing allows that). `precision` is the eye's:
    "bf16" is faster where the processor knows it.
    """
    place, splits = Output(output), part(arrange(open_dataset(dataset), split, seed=seed))
    eye, preprocess = open_eye(place.model_ckpt / "eye")
    if variants > 1 and not preprocess.varies:
        raise ValueError(f"variants={variants}: this eye shows a picture uncropped and unmirrored; use 1")
    how = {"variants": variants, "precision": precision}
    vocab = Vocab.load(place.root / "vocab.json")
    return show_task(splits, vocab, eye.viewed(view), preprocess, place.features, world=world, **how)


def show_task(
    splits: dict[str, Sequence[Record]],
    vocab: Text,
    eye: nn.Module,
    preprocess: Preprocess,
    folder: Path,
    *,
    variants: int = 1,
    precision: str = "fp32",
    world: World | None = None,
) -> CaptionTask:
    """A task on these records, its pictures as this eye sees them: features come once, under `folder`."""
    found = {}
    for name, records in splits.items():
        how = {"views": variants if name == "train" else 1, "precision": precision}
        found[name] = cache_features(records, eye, preprocess, folder, **how)
    return CaptionTask(
        splits=splits,
        vocab=vocab,
        encoder=eye,
        preprocess=preprocess,
        views={name: CachedFeatures(features, augment=len(features) > 1) for name, features in found.items()},
        seen=found["train"].key + (f" in {variants} variants" if variants > 1 else ""),
        world=world,
    )


def oracle_task(task: CaptionTask) -> CaptionTask:
    """The same task for the oracle: instead of the picture, its visible attributes."""
    encoder = AttributeEncoder(task.world.schema)
    views = {
        name: CachedFeatures([encoder.memories(records).numpy()]) for name, records in task.splits.items()
    }
    return CaptionTask(task.splits, task.vocab, encoder, None, views, "attributes", task.world)
