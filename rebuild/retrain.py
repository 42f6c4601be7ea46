"""Retrain: captions of several origins gathered into one task, judged by other captions than they are.

Where captions that tell the place are mixed with captions that never do, the end of the latter says nothing:
whoever wrote them was not asked for the place. Such ends are not taught.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from torch.utils.data import ConcatDataset, Subset

from lib.data.loader import CachedFeatures, CaptionPairs
from lib.data.record import Caption, Record, plain_captions
from lib.data.text import Vocab
from lib.models.features import Features, cache_features
from lib.score.attributes import World
from lib.score.reward import Reward
from lib.train.caption_task import CaptionTask
from lib.train.reinforce import reward_of


@dataclass(frozen=True)
class Lot:
    """Pictures with captions of one origin, and what a decoder sees of them."""

    records: Sequence[Record]
    features: Features
    whole: bool = True  # a caption that ends has told all that was to be told

    def take(self, share: float) -> "Lot":
        """The first part of it."""
        count = max(1, round(share * len(self.records)))
        return replace(self, records=self.records[:count])

    @property
    def view(self) -> Subset:
        return Subset(self.features[0], range(len(self.records)))


def open_ended(endless: frozenset[tuple[str, str]], record: Record) -> list[Caption]:
    """The captions of a record, those without an end to be learnt marked."""
    return [Caption(text, open_end=(record.id, text) in endless) for text in record.captions]


def open_lot(base: CaptionTask, records: Sequence[Record], features: Path, *, whole: bool = True) -> Lot:
    """Records as the eye of a task sees them; what it saw before is found again."""
    return Lot(records, cache_features(records, base.encoder, base.preprocess, features), whole)


def gather(base: CaptionTask, lots: Sequence[Lot], judged: Mapping[str, Lot]) -> CaptionTask:
    """The task that learns from these lots, and is judged by {"val": ..., "test": ...}.

    The words are those of the captions it learns from.
    """
    records = [record for lot in lots for record in lot.records]
    open_records = [record for lot in lots if not lot.whole for record in lot.records]
    endless = frozenset((record.id, text) for record in open_records for text in record.captions)
    vocab = Vocab.build(text for record in records for text in record.captions)
    views = {name: CachedFeatures([lot.view]) for name, lot in judged.items()}
    return replace(
        base,
        splits={"train": records} | {name: lot.records for name, lot in judged.items()},
        vocab=vocab,
        rows=partial(open_ended, endless) if endless else plain_captions,
        views={"train": CachedFeatures([ConcatDataset([lot.view for lot in lots])])} | views,
    )


def pay_for(task: CaptionTask, lot: Lot, weights: Mapping[str, float]) -> tuple[Reward, CaptionPairs]:
    """What captions of a lot's pictures earn, measured by its own captions, and the pictures to speak of."""
    records = state_attributes(lot.records, task.world) if task.world else lot.records
    pairs = CaptionPairs(records, task.vocab, CachedFeatures([lot.view]), per="picture")
    return reward_of(records, {name: w for name, w in weights.items() if w}, task.world), pairs


def state_attributes(records: Sequence[Record], world: World) -> list[Record]:
    """Records with what their own first captions state as attributes: no truth, yet something to pay for."""
    nothing = dict.fromkeys(world.schema)
    return [replace(r, attributes=nothing | world.parse(r.captions[0]).attributes) for r in records]
