"""CIDEr-D equals pycocoevalcap's; document frequencies can be given; the end token counts where it is on."""

import numpy as np
import pytest
from caption_cases import EDGES, REAL, as_coco, corpora, split_corpus
from hypothesis import given, settings
from pycocoevalcap.cider.cider import Cider

from lib.score.cider import CiderD, DocumentFrequencies
from lib.score.ngrams import END


def coco_cider(candidates, references):
    return Cider().compute_score(*as_coco(candidates, references))[1]


def assert_equal(candidates, references):
    mine = CiderD(references, end_token=False).scores(candidates)
    assert mine == pytest.approx(coco_cider(candidates, references), abs=1e-9)
    ended = [[*c, END] for c in candidates], [[[*r, END] for r in group] for group in references]
    mine = CiderD(references, end_token=True).scores(candidates)
    assert mine == pytest.approx(coco_cider(*ended), abs=1e-9)


@pytest.mark.parametrize("name", EDGES)
def test_equal_on_edge_cases(name):
    assert_equal(*split_corpus(EDGES[name]))


@given(corpora)
@settings(max_examples=80, deadline=None)
def test_equal_on_random_captions(corpus):
    assert_equal(*split_corpus(corpus))


@pytest.mark.parametrize("name", REAL)
def test_equal_on_real_captions(name):
    assert_equal(*REAL[name]())


@given(corpora)
@settings(max_examples=40, deadline=None)
def test_given_frequencies_are_used(corpus):
    """Some items scored with the frequencies of all score as they do among all."""
    candidates, references = split_corpus(corpus)
    whole = coco_cider(candidates, references)
    frequencies = DocumentFrequencies.of(references)
    some = slice(0, None, 2)
    mine = CiderD(references[some], frequencies, end_token=False).scores(candidates[some])
    assert mine == pytest.approx(whole[some], abs=1e-9)


@given(corpora)
@settings(max_examples=40, deadline=None)
def test_indices_say_which_references_count(corpus):
    candidates, references = split_corpus(corpus)
    cider = CiderD(references)
    alone = cider.scores(candidates)
    order = np.random.default_rng(0).permutation(np.repeat(np.arange(len(references)), 3))
    assert cider.scores([candidates[i] for i in order], order) == pytest.approx(alone[order], abs=1e-12)


def test_words_never_seen_lower_the_score():
    references = [[["a", "red", "dog"]], [["a", "man"]], [["two", "men"]]]
    cider = CiderD(references)
    clean, noisy = cider.scores([["a", "red", "dog"], ["a", "red", "zebra"]], [0, 0])
    assert clean > noisy > 0


def test_a_caption_that_breaks_off_is_worth_less_with_the_end_token():
    references = [[["a", "man", "in", "a", "hat"], ["a", "man", "in", "a", "coat"]]] + [
        [["some", str(i)]] for i in range(9)
    ]
    broken, whole = ["a", "man", "in", "a"], ["a", "man", "in", "a", "hat"]
    gap = {}
    for end_token in (False, True):
        first, second = CiderD(references, end_token=end_token).scores([broken, whole], [0, 0])
        gap[end_token] = second / first
    assert gap[True] > gap[False]


def test_frequencies_of_another_numbering_are_refused():
    references = [[["a", "dog"]], [["a", "man"]]]
    with pytest.raises(ValueError, match="end token"):
        CiderD(references, DocumentFrequencies.of(references), end_token=True)
    other = CiderD(references, end_token=False).table
    with pytest.raises(ValueError, match="index"):
        CiderD(other, DocumentFrequencies.of(references), end_token=False)
