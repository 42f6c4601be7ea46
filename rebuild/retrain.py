"""Retrain: captions of several origins gathered into one task, judged by other captions than they are.

Where captions that tell the place are mixed with captions that never do, the end of the latter says nothing:
whoever wrote them was not asked for the place. Such ends are not taught.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from torch.utils.data import ConcatDataset

from atelier.parse import parse
from atelier.wardrobe import SCHEMA
from lib.data.loader import CachedFeatures, CaptionPairs
from lib.data.record import Record
from lib.data.text import MAX_TOKENS, Vocab
from lib.models.features import Features, cache_features
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
    def view(self) -> "Lent":
        return Lent(self.features[0], len(self.records))


class Lent(Sequence):
    """The first pictures of a view."""

    def __init__(self, view: Sequence, count: int):
        self.view, self.count = view, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int):
        return self.view[index]


class OpenEnded(Vocab):
    """A vocabulary in which some captions have no end: nothing is learnt of what follows their last word."""

    def __init__(self, vocab: Vocab, texts: frozenset[str]):
        super().__init__(vocab.numbers)
        self.texts = texts

    def encode(self, text: str, *, max_tokens: int = MAX_TOKENS) -> list[int]:
        numbers = super().encode(text, max_tokens=max_tokens)
        return numbers[:-1] if text in self.texts else numbers

    @cached_property
    def digest(self) -> str:
        """Other than that of a vocabulary with all its ends: what is learnt differs."""
        return f"{super().digest} and {len(self.texts)} without an end"


def see_pictures(base: CaptionTask, records: Sequence[Record], features: Path, *, whole: bool = True) -> Lot:
    """Records as the eye of a task sees them; what it saw before is found again."""
    return Lot(records, cache_features(records, base.encoder, base.preprocess, features), whole)


def gather(base: CaptionTask, lots: Sequence[Lot], judged: Mapping[str, Lot]) -> CaptionTask:
    """The task that learns from these lots, and is judged by {"val": ..., "test": ...}.

    The words are those of the captions it learns from.
    """
    records = [record for lot in lots for record in lot.records]
    endless = frozenset(text for lot in lots if not lot.whole for r in lot.records for text in r.captions)
    vocab = Vocab.build(text for record in records for text in record.captions)
    views = {name: CachedFeatures([lot.view]) for name, lot in judged.items()}
    return replace(
        base,
        splits={"train": records} | {name: lot.records for name, lot in judged.items()},
        vocab=OpenEnded(vocab, endless) if endless else vocab,
        views={"train": CachedFeatures([ConcatDataset([lot.view for lot in lots])])} | views,
    )


def pay_for(task: CaptionTask, lot: Lot, weights: Mapping[str, float]) -> tuple[Reward, CaptionPairs]:
    """What captions of a lot's pictures earn, measured by its own captions, and the pictures to speak of."""
    records = state_attributes(lot.records)
    pairs = CaptionPairs(records, task.vocab, CachedFeatures([lot.view]), per="picture")
    return reward_of(records, {name: weight for name, weight in weights.items() if weight}), pairs


def state_attributes(records: Sequence[Record]) -> list[Record]:
    """Records with what their own first captions state as attributes: no truth, yet something to pay for."""
    return [replace(r, attributes=dict.fromkeys(SCHEMA) | parse(r.captions[0]).attributes) for r in records]
