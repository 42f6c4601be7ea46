"""What is filmed: so many clips of each split, actions balanced, and single frames of others."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from atelier.clips.sample import sample_clip
from atelier.sample import blend
from atelier.wardrobe import Attributes

STILLS = "stills"


@dataclass(frozen=True, kw_only=True)
class ClipRecipe:
    """Everything the dataset's content depends on."""

    train: int = 1200
    val: int = 100
    test: int = 300
    stills: int = 600  # single frames of other clips, with texts that tell no action
    seed: int = 0
    size: int = 96
    fps: int = 12
    frames: int = 24
    cut_frames: int = 32  # of a clip with a cut
    cuts: float = 0.25  # share of such clips
    base64: int = 0  # so many clips a split also in SPLIT.LANGUAGE.base64.tsv, INLINE frames of each


class Take(NamedTuple):
    """One clip to film, or one still to take."""

    name: str
    split: str
    number: int  # in its split
    clip: Attributes
    seed: int


def plan_takes(recipe: ClipRecipe) -> Iterator[Take]:
    """The clips of each split, its actions balanced, and the stills, all from the seed and their numbers."""
    for place, split in enumerate(("train", "val", "test", STILLS)):
        for number in range(getattr(recipe, split)):
            turn = number + number // 10  # so that each action has its share of the cuts
            cut = int((turn + 1) * recipe.cuts) > int(turn * recipe.cuts) and split != STILLS
            clip = sample_clip(number, blend(recipe.seed, place), cut=cut)
            yield Take(f"{split}_{number:05d}", split, number, clip, blend(recipe.seed, place, number))
