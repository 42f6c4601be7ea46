"""The three ROUGE-Ls equal their packages."""

import numpy as np
import pytest
from caption_cases import EDGES, REAL, as_coco, captions, corpora, split_corpus
from hypothesis import given, settings
from pycocoevalcap.rouge.rouge import Rouge as CocoRouge
from rouge import Rouge
from rouge_score.rouge_scorer import RougeScorer

from lib.score.rouge import common_lengths, rouge_l, rouge_l_coco, rouge_l_rouge

SCORER = RougeScorer(["rougeL"])
PACKAGE = Rouge(["rouge-l"])


def package_f(candidate, target):
    """F of `rouge` 1.0.1, 0 where it raises for want of words."""
    try:
        return PACKAGE.get_scores(" ".join(candidate), " ".join(target))[0]["rouge-l"]["f"]
    except ValueError:
        return 0.0


def assert_equals_all(candidates, references):
    _, coco = CocoRouge().compute_score(*as_coco(candidates, references))
    assert rouge_l_coco(candidates, references) == pytest.approx(coco, abs=1e-9)
    pairs = list(zip(candidates, references, strict=True))
    google = [
        SCORER.score_multi([" ".join(target) for target in targets], " ".join(candidate))["rougeL"].fmeasure
        for candidate, targets in pairs
    ]
    assert rouge_l(candidates, references) == pytest.approx(google, abs=1e-9)
    package = [max(package_f(candidate, target) for target in targets) for candidate, targets in pairs]
    assert rouge_l_rouge(candidates, references) == pytest.approx(package, abs=1e-9)


@pytest.mark.parametrize("name", EDGES)
def test_equal_on_edge_cases(name):
    assert_equals_all(*split_corpus(EDGES[name]))


@given(corpora)
@settings(max_examples=80, deadline=None)
def test_equal_on_random_captions(corpus):
    assert_equals_all(*split_corpus(corpus))


@pytest.mark.parametrize(("name", "pictures"), [("flickr8k", 150), ("deepfashion", 60)])
def test_equal_on_real_captions(name, pictures):
    assert_equals_all(*REAL[name](pictures))


def longest_common(x, y):
    """The textbook table, to hold the bits against."""
    table = np.zeros((len(x) + 1, len(y) + 1), int)
    for i, a in enumerate(x, 1):
        for j, b in enumerate(y, 1):
            table[i, j] = table[i - 1, j - 1] + 1 if a == b else max(table[i - 1, j], table[i, j - 1])
    return table[-1, -1]


@given(captions, captions)
@settings(max_examples=100, deadline=None)
def test_bits_count_the_longest_common_subsequence(x, y):
    long_x, long_y = x * 9, y * 9  # past 64 bits
    for a, b in ((x, y), (long_x, y), (long_x, long_y)):
        assert common_lengths(a, [b, a]) == [longest_common(a, b), len(a)]


def test_nothing_equals_nothing_as_in_pycocoevalcap():
    assert rouge_l_coco([[]], [[[]]]) == [CocoRouge().calc_score([""], [""])] == [1]


def test_the_three_differ():
    candidates, references = split_corpus(
        [("a red v-shape shirt . a dog .", ["a shirt . a red v-shape dog ."])]
    )
    scores = {f(candidates, references)[0].round(6) for f in (rouge_l, rouge_l_coco, rouge_l_rouge)}
    assert len(scores) == 3
