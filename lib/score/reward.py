"""Rewards for reinforcement learning: scores of single captions against references that are prepared once."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from lib.data.text import detokenize
from lib.score.attributes import World, attribute_rates, statements, what_is_visible
from lib.score.bleu import bleu_statistics, coco_bleu
from lib.score.cider import CiderD, DocumentFrequencies
from lib.score.diversity import ends_are_usual, ends_badly
from lib.score.meteor import Meteor
from lib.score.ngrams import ReferenceTable, Tokens
from lib.score.pairs import ScoreError
from lib.score.rouge import rouge_l_coco

REWARDS = ("cider_d", "bleu4", "rouge_l_coco", "meteor", "attribute_f1", "good_ending")


class Reward:
    """A weighted sum of scores of each caption. Tokens are words or ids; METEOR, attributes and endings
    need words.

    Captions are given without their `<end>`: CIDEr-D puts it where it counts, the others never count it.
    """

    def __init__(
        self,
        references: Sequence[Sequence[Tokens]],
        weights: Mapping[str, float],
        document_frequencies: DocumentFrequencies | None = None,
        *,
        end_token: bool = True,
        attributes: Sequence[Mapping] | None = None,
        world: World | None = None,
    ):
        """`attributes` are what is visible in each item's picture, for attribute F1 in their `world`."""
        unknown = sorted(set(weights) - set(REWARDS))
        if unknown or not weights:
            raise ScoreError(f"unknown reward {', '.join(unknown) or 'none'}; known: {', '.join(REWARDS)}")
        self.weights = dict(weights)
        # score -> a function of the candidates and the items that they are of
        score = {"rouge_l_coco": lambda given, of: rouge_l_coco(given, [references[item] for item in of])}
        if "cider_d" in weights:
            score["cider_d"] = CiderD(references, document_frequencies, end_token=end_token).scores
        if "bleu4" in weights:
            table = ReferenceTable(references)
            score["bleu4"] = lambda given, of: coco_bleu(bleu_statistics(table, table.count(given, of)))[:, 3]
        if "meteor" in weights:
            score["meteor"] = Meteor(references).scores
        if "good_ending" in weights:  # 1, or 0 for a caption that breaks off
            closed = ends_are_usual(references)
            score["good_ending"] = lambda given, of: np.array([1.0 - ends_badly(t, closed) for t in given])
        if "attribute_f1" in weights:
            score["attribute_f1"] = self._attribute_f1
            if attributes is None or len(attributes) != len(references) or not all(attributes):
                raise ScoreError("the reward attribute_f1 needs the visible attributes of every picture")
            if world is None:
                raise ScoreError("the reward attribute_f1 needs the world that the attributes are of")
            self.visible = [what_is_visible(of_picture, world) for of_picture in attributes]
            # words of a caption -> what it states; the likeliest captions come again and again
            self.stated = lru_cache(maxsize=1 << 16)(
                lambda words: statements(detokenize(words.split(" ")), world)
            )
        self.score = score

    def scores(self, candidates: Sequence[Tokens], indices: Sequence[int]) -> np.ndarray:
        """The reward of each candidate against the references of item `indices[k]`."""
        parts = self.parts(candidates, indices)
        return sum(weight * parts[name] for name, weight in self.weights.items())

    def parts(self, candidates: Sequence[Tokens], indices: Sequence[int]) -> dict[str, np.ndarray]:
        """Each score that is part of the reward, unweighted."""
        return {name: self.score[name](candidates, indices) for name in self.weights}

    def _attribute_f1(self, candidates: Sequence[Tokens], indices: Sequence[int]) -> np.ndarray:
        """The F1 of each caption alone, as `attribute_f1` counts it."""
        counts = np.zeros((len(candidates), 3))
        for row, (candidate, index) in enumerate(zip(candidates, indices, strict=True)):
            said, stated = self.stated(" ".join(candidate))
            visible = self.visible[index]
            counts[row] = len(said & visible), stated, len(visible)
        return attribute_rates(counts)["f1"]
