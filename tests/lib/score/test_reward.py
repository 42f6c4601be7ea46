"""Rewards of single captions equal the scores they are made of."""

import numpy as np
import pytest
from caption_cases import EDGES, as_coco, split_corpus
from pycocoevalcap.bleu.bleu import Bleu

from lib.score import CiderD, Reward, ScoreError
from lib.score.meteor import Meteor
from lib.score.rouge import rouge_l_coco

CANDIDATES, REFERENCES = split_corpus(EDGES["one reference"] + EDGES["repeated words"] + EDGES["one word"])
INDICES = np.repeat(np.arange(len(REFERENCES)), 2)
SAMPLES = [CANDIDATES[(i * 3 + 1) % len(CANDIDATES)] for i in range(INDICES.size)]


def test_parts_equal_the_scores():
    reward = Reward(REFERENCES, {"cider_d": 1, "bleu4": 1, "rouge_l_coco": 1, "meteor": 1})
    parts = reward.parts(SAMPLES, INDICES)
    references = [REFERENCES[i] for i in INDICES]
    bleu = Bleu().compute_score(*as_coco(SAMPLES, references), verbose=0)[1][3]
    assert parts["bleu4"] == pytest.approx(bleu, abs=1e-9)
    assert parts["rouge_l_coco"] == pytest.approx(rouge_l_coco(SAMPLES, references))
    assert parts["meteor"] == pytest.approx(Meteor(references).scores(SAMPLES))
    assert parts["cider_d"] == pytest.approx(CiderD(REFERENCES).scores(SAMPLES, INDICES))


def test_a_reward_is_the_weighted_sum():
    parts = Reward(REFERENCES, {"cider_d": 1, "bleu4": 1}).parts(SAMPLES, INDICES)
    mixed = Reward(REFERENCES, {"cider_d": 0.5, "bleu4": 2}).scores(SAMPLES, INDICES)
    assert mixed == pytest.approx(0.5 * parts["cider_d"] + 2 * parts["bleu4"])


def test_tokens_may_be_numbers():
    numbers = {word: i for i, word in enumerate({w for group in REFERENCES for r in group for w in r})}
    numbered = [[[numbers[w] for w in r] for r in group] for group in REFERENCES]
    samples = [[numbers.get(w, 999) for w in tokens] for tokens in SAMPLES]
    by_word = Reward(REFERENCES, {"cider_d": 1, "rouge_l_coco": 1}).scores(SAMPLES, INDICES)
    assert Reward(numbered, {"cider_d": 1, "rouge_l_coco": 1}).scores(samples, INDICES) == pytest.approx(
        by_word
    )


@pytest.mark.parametrize("weights", [{}, {"cider": 1.0}])
def test_unknown_rewards_are_refused(weights):
    with pytest.raises(ScoreError, match="known: cider_d"):
        Reward(REFERENCES, weights)


def test_a_good_ending_counts_as_one_or_nothing():
    said = ["a hat .", "a hat", "a .", ""]
    for reference, expected in (("a red hat .", [2, 0, 0, 0]), ("a red hat", [2, 2, 0, 0])):
        reward = Reward([[reference.split()]], {"good_ending": 2.0})
        assert reward.scores([text.split() for text in said], [0] * 4).tolist() == expected
