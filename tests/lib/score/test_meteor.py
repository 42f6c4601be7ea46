"""METEOR equals nltk's: without WordNet, with a planted one, and with the real one where it is installed."""

from types import SimpleNamespace

import pytest
from absent import WORDNET
from caption_cases import EDGES, REAL, corpora, split_corpus
from hypothesis import given, settings
from nltk.corpus import wordnet
from nltk.stem.porter import PorterStemmer
from nltk.translate.meteor_score import meteor_score

from lib.score.meteor import Meteor, WordForms, find_word_forms

STEMMER = PorterStemmer()


class Thesaurus:
    """Stands in for WordNet: synsets from groups of synonyms, asked about stems as nltk asks."""

    def __init__(self, *groups):
        self.groups = [group.split() for group in groups]

    def synsets(self, word):
        return [SimpleNamespace(lemmas=lambda g=g: self._lemmas(g)) for g in self.groups if word in g]

    @staticmethod
    def _lemmas(group):
        return [SimpleNamespace(name=lambda name=name: name) for name in group]


EMPTY = Thesaurus()
PLANTED = Thesaurus("man person", "dog hound person", "run walk park", "red t_v a", "shirt the dog red")


def assert_equals_nltk(candidates, references, thesaurus, forms):
    expected = [
        meteor_score(targets, candidate, stemmer=STEMMER, wordnet=thesaurus)
        for candidate, targets in zip(candidates, references, strict=True)
    ]
    assert Meteor(references, forms).scores(candidates) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", EDGES)
@pytest.mark.parametrize("thesaurus", [EMPTY, PLANTED], ids=["none", "planted"])
def test_equal_on_edge_cases(name, thesaurus):
    forms = WordForms(STEMMER.stem, thesaurus.synsets)
    assert_equals_nltk(*split_corpus(EDGES[name]), thesaurus, forms)


@given(corpora)
@settings(max_examples=80, deadline=None)
def test_equal_on_random_captions(corpus):
    candidates, references = split_corpus(corpus)
    assert_equals_nltk(candidates, references, EMPTY, WordForms(STEMMER.stem))
    assert_equals_nltk(candidates, references, PLANTED, WordForms(STEMMER.stem, PLANTED.synsets))


@pytest.mark.parametrize("name", REAL)
def test_equal_on_real_captions(name):
    assert_equals_nltk(*REAL[name](100), EMPTY, WordForms(STEMMER.stem))


@pytest.mark.parametrize("name", REAL)
def test_equal_with_wordnet_itself(name):
    forms = find_word_forms()
    if forms.key != "meteor":
        pytest.skip(WORDNET)
    assert_equals_nltk(*REAL[name](60), wordnet, forms)


def test_synonyms_count_only_where_there_is_a_thesaurus():
    candidates, references = [["a", "hound"]], [[["a", "dog"]]]
    without = WordForms(STEMMER.stem)
    with_synonyms = WordForms(STEMMER.stem, PLANTED.synsets)
    assert (without.key, with_synonyms.key) == ("meteor_no_wordnet", "meteor")
    both, one = (Meteor(references, forms).scores(candidates) for forms in (with_synonyms, without))
    assert both[0] > one[0]


@pytest.mark.parametrize(
    ("hypothesis", "reference"),
    [("person y", "man dog man y"), ("person y", "man man dog y"), ("red", "t_v"), ("red", "shirt")],
)
def test_synonyms_are_chosen_as_nltk_chooses(hypothesis, reference):
    """The last of several, which decides on the chunks; never a name of several words."""
    pair = [hypothesis.split()], [[reference.split()]]
    assert_equals_nltk(*pair, PLANTED, WordForms(STEMMER.stem, PLANTED.synsets))


def test_each_word_is_looked_up_once():
    asked = []

    def stem(word):
        asked.append(word)
        return STEMMER.stem(word)

    forms = WordForms(stem)
    for _ in range(3):
        Meteor([[["dog", "runs"], ["men", "run"]]] * 5, forms).scores([["dogs", "running"]] * 5)
    assert len(asked) == len(set(asked)) > 0
