"""METEOR as nltk computes it (METEOR 1.5 differs by far), with every stem and synonym asked for once.

Where nltk finds no WordNet the synonym stage is left out, and the score is called `meteor_no_wordnet`.
Nothing is downloaded, and nltk is imported when a score is asked for, not before.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache

import numpy as np

from lib import wordnet

Placed = tuple[int, str]  # a word and where it stands
Where = dict[str, list[int]]  # the free positions of each word

ALPHA, BETA, GAMMA = 0.9, 3.0, 0.5  # nltk's defaults


class WordForms:
    """Stems and synonyms. Without `synsets` (a function of a word, WordNet's) there is no synonym stage."""

    def __init__(self, stem: Callable[[str], str], synsets: Callable[[str], Iterable] | None = None):
        self.stem = cache(stem)  # each word is asked for once
        self.synonyms = cache(lambda word: synonyms(word, synsets)) if synsets else None

    @property
    def key(self) -> str:
        """The name under which a score made with these forms is reported."""
        return "meteor_no_wordnet" if self.synonyms is None else "meteor"


def synonyms(word: str, synsets: Callable[[str], Iterable]) -> frozenset[str]:
    """The word and every single-word lemma of its synsets."""
    names = {lemma.name() for synset in synsets(word) for lemma in synset.lemmas()}
    return frozenset({name for name in names if "_" not in name} | {word})


@cache
def find_word_forms() -> WordForms:
    """nltk's Porter stemmer, and WordNet where this machine has one. ImportError where nltk is missing."""
    from nltk.stem.porter import PorterStemmer

    try:
        synsets = wordnet.open_reader().synsets
    except LookupError:
        synsets = None
    return WordForms(PorterStemmer().stem, synsets)


class Meteor:
    """METEOR against references that are prepared once."""

    def __init__(self, references: Sequence[Sequence[Sequence[str]]], forms: WordForms | None = None):
        self.forms = forms or find_word_forms()
        self.targets = [[list(map(str.lower, reference)) for reference in group] for group in references]

    def scores(self, candidates: Sequence[Sequence[str]], indices: Sequence[int] | None = None) -> np.ndarray:
        """METEOR of each candidate, the best over the references of item `indices[k]`, or of item k."""
        indices = range(len(self.targets)) if indices is None else indices
        result = np.zeros(len(candidates))
        for i, (candidate, index) in enumerate(zip(candidates, indices, strict=True)):
            words = list(enumerate(map(str.lower, candidate)))[::-1]  # words are matched from the end
            result[i] = max([score_pair(words, target, self.forms) for target in self.targets[index]])
        return result


def score_pair(hypothesis: list[Placed], target: list[str], forms: WordForms) -> float:
    """Harmonic mean of precision and recall, recall nine times as heavy, less a penalty for broken order."""
    partners = align_words(hypothesis, target, forms)
    matches = len(partners) - partners.count(None)
    if not matches:
        return 0.0
    precision, recall = matches / len(hypothesis), matches / len(target)
    mean = precision * recall / (ALPHA * precision + (1 - ALPHA) * recall)
    return (1 - GAMMA * (count_chunks(partners) / matches) ** BETA) * mean


def align_words(hypothesis: list[Placed], target: list[str], forms: WordForms) -> list[int | None]:
    """The reference position each word is matched to: by equality, by stem, by synonym of the stem."""
    partners: list[int | None] = [None] * len(hypothesis)
    mine = match(hypothesis, positions(enumerate(target)), partners)
    theirs = sorted(set(range(len(target))).difference(partners))
    if not mine or not theirs:
        return partners
    where = positions((position, forms.stem(target[position])) for position in theirs)
    mine = match([(position, forms.stem(word)) for position, word in mine], where, partners)
    for position, word in mine if forms.synonyms else ():
        alike = forms.synonyms(word)
        if not alike.isdisjoint(where):
            free = [(places[-1], key) for key, places in where.items() if places and key in alike]
            if free:  # the last free reference word that is a synonym
                partners[position] = where[max(free)[1]].pop()
    return partners


def positions(placed: Iterable[Placed]) -> Where:
    """Where each word stands, in ascending order."""
    where: Where = defaultdict(list)
    for position, word in placed:
        where[word].append(position)
    return where


def match(words: list[Placed], where: Where, partners: list[int | None]) -> list[Placed]:
    """Match equal words, last to last, each reference position once; what stays unmatched."""
    left = []
    for position, word in words:
        if places := where.get(word):
            partners[position] = places.pop()
        else:
            left.append((position, word))
    return left


def count_chunks(partners: list[int | None]) -> int:
    """How many runs of neighbours that stay neighbours the matched words fall into."""
    chunks, expected = 0, None
    for partner in partners:
        if partner is None:
            expected = None
            continue
        chunks += partner != expected
        expected = partner + 1
    return chunks
