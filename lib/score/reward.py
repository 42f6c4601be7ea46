"""Rewards for reinforcement learning: scores of single captions against references that are prepared once."""

from collections.abc import Mapping, Sequence

import numpy as np

from lib.score.bleu import bleu_statistics, coco_bleu
from lib.score.cider import CiderD, DocumentFrequencies
from lib.score.meteor import Meteor
from lib.score.ngrams import ReferenceTable, Tokens
from lib.score.pairs import ScoreError
from lib.score.rouge import rouge_l_coco

REWARDS = ("cider_d", "bleu4", "rouge_l_coco", "meteor")


class Reward:
    """A weighted sum of scores of each caption. Tokens may be words or ids; METEOR needs words.

    Captions are given without their `<end>`: CIDEr-D puts it where it counts, the others never count it.
    """

    def __init__(
        self,
        references: Sequence[Sequence[Tokens]],
        weights: Mapping[str, float],
        document_frequencies: DocumentFrequencies | None = None,
        *,
        end_token: bool = True,
    ):
        unknown = sorted(set(weights) - set(REWARDS))
        if unknown or not weights:
            raise ScoreError(f"unknown reward {', '.join(unknown) or 'none'}; known: {', '.join(REWARDS)}")
        self.references = references
        self.weights = dict(weights)
        if "cider_d" in weights:
            self.cider = CiderD(references, document_frequencies, end_token=end_token)
        if "bleu4" in weights:
            self.table = ReferenceTable(references)
        if "meteor" in weights:
            self.meteor = Meteor(references)

    def scores(self, candidates: Sequence[Tokens], indices: Sequence[int]) -> np.ndarray:
        """The reward of each candidate against the references of item `indices[k]`."""
        parts = self.parts(candidates, indices)
        return sum(weight * parts[name] for name, weight in self.weights.items())

    def parts(self, candidates: Sequence[Tokens], indices: Sequence[int]) -> dict[str, np.ndarray]:
        """Each score that is part of the reward, unweighted."""
        return {name: self._part(name, candidates, indices) for name in self.weights}

    def _part(self, name: str, candidates: Sequence[Tokens], indices: Sequence[int]) -> np.ndarray:
        if name == "cider_d":
            return self.cider.scores(candidates, indices)
        if name == "bleu4":
            return coco_bleu(bleu_statistics(self.table, self.table.count(candidates, indices)))[:, 3]
        if name == "meteor":
            return self.meteor.scores(candidates, indices)
        return rouge_l_coco(candidates, [self.references[index] for index in indices])
