"""BLEU equals pycocoevalcap's, and nltk's without smoothing where that is asked for."""

import warnings

import numpy as np
import pytest
from caption_cases import EDGES, REAL, as_coco, corpora, split_corpus
from hypothesis import given, settings
from nltk.translate.bleu_score import corpus_bleu
from nltk_bleu import nltk_bleu
from pycocoevalcap.bleu.bleu import Bleu

from lib.score.bleu import bleu_statistics, coco_bleu
from lib.score.ngrams import ReferenceTable

WEIGHTS = [(1,), (1 / 2,) * 2, (1 / 3,) * 3, (1 / 4,) * 4]


def statistics(candidates, references):
    table = ReferenceTable(references)
    return bleu_statistics(table, table.count(candidates))


def assert_equals_both(candidates, references):
    mine = statistics(candidates, references)
    corpus, captions = Bleu(4).compute_score(*as_coco(candidates, references), verbose=0)
    assert coco_bleu(mine.sum(axis=0)) == pytest.approx(corpus, abs=1e-9)
    assert pytest.approx(np.array(captions), abs=1e-9) == coco_bleu(mine).T
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nltk warns where an order has no match
        theirs = [corpus_bleu(references, candidates, weights=weights) for weights in WEIGHTS]
    assert nltk_bleu(mine) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("name", EDGES)
def test_equal_on_edge_cases(name):
    assert_equals_both(*split_corpus(EDGES[name]))


@given(corpora)
@settings(max_examples=80, deadline=None)
def test_equal_on_random_captions(corpus):
    assert_equals_both(*split_corpus(corpus))


@pytest.mark.parametrize("name", REAL)
def test_equal_on_real_captions(name):
    assert_equals_both(*REAL[name]())


def test_coco_and_nltk_differ_on_short_captions():
    candidates, references = split_corpus([("a b", ["a b"]), ("a b c d e", ["a b c d e"])])
    mine = statistics(candidates, references)
    assert coco_bleu(mine.sum(axis=0))[3] == pytest.approx(1, abs=1e-6)
    assert nltk_bleu(mine)[3] < 0.9


def test_tokens_may_be_numbers():
    words, numbers = [["a", "b", "b", "c"]], [[1, 2, 2, 3]]
    by_word = statistics(words, [[["a", "b", "c"], ["b", "b"]]])
    by_number = statistics(numbers, [[[1, 2, 3], [2, 2]]])
    assert np.array_equal(by_word, by_number)
