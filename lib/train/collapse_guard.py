"""The collapse guard: how varied what a model says under rewards still is, and whether it has collapsed."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from lib.data.loader import View
from lib.data.record import Record
from lib.models.decoding import Decoding
from lib.score.attributes import World
from lib.train.session import Validator
from lib.train.validation import caption_all, rating

# what must be left of what the model was at the start, as a share of it
LEAST = {"unique": 0.5, "unique_attributes": 0.5, "distinct2": 0.5, "mean_length": 0.5, "cider_d": 0.25}
LONGEST = 2.0  # times as many words as at the start
BROKEN = 0.25  # more bad endings than at the start, of all captions


def guarded_validator(
    records: Sequence[Record],
    view: View,
    decoding: Decoding,
    world: World | None = None,
    *,
    start: Mapping[str, float] | None = None,
) -> Validator:
    """Validate as `by_captions` does, and see how varied, long and finished the captions are.

    `start` is what this said of the model before training: one that has fallen too far from it is told to
    stop, and so is never the best one, whatever its score.
    """
    rate = rating(records, world, closely=True)

    def validate(model: nn.Module) -> dict[str, Any]:
        result = rate(caption_all(model, records, view, decoding))
        return result | ({"stop": collapse(result, start)} if start else {})

    return validate


def collapse(now: Mapping[str, float], start: Mapping[str, float]) -> str | None:
    """Why a model must not go on, if it must not: in what it has fallen, from where to where."""
    fallen = [name for name, share in LEAST.items() if name in now and now[name] < share * start[name]]
    if now["mean_length"] > LONGEST * start["mean_length"]:
        fallen.append("mean_length")
    if now["bad_endings"] > start["bad_endings"] + BROKEN:
        fallen.append("bad_endings")
    told = [f"{name.replace('_', ' ')} {now[name]:.3g}, at the start {start[name]:.3g}" for name in fallen]
    return f"the captions collapsed: {'; '.join(told)}" if told else None
