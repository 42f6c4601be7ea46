"""METEOR as nltk computes it (METEOR 1.5 differs by far), with every stem and synonym asked for once.

Where nltk finds no WordNet the synonym stage is left out, and the score is called `meteor_no_wordnet`.
Nothing is downloaded, and nltk is imported when a score is asked for, not before.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from lib import wordnet

Placed = tuple[int, str]  # a word and where it stands
Last = dict[str, int | None]  # the last free position of each word
Previous = Sequence[int | None] | dict[int, int | None]  # for each position the one before with the same word

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


class Target(NamedTuple):
    """A prepared reference: where each word stands last, and where the word of each position stood before."""

    words: list[str]
    last: Last
    previous: list[int | None]


def index_reference(reference: Sequence[str]) -> Target:
    """Index the words of a reference."""
    words = list(map(str.lower, reference))
    last, previous = {}, []
    for position, word in enumerate(words):
        previous.append(last.get(word))
        last[word] = position
    return Target(words, last, previous)


class Meteor:
    """METEOR against references that are prepared once."""

    def __init__(self, references: Sequence[Sequence[Sequence[str]]], forms: WordForms | None = None):
        self.forms = forms or find_word_forms()
        self.targets = [[index_reference(reference) for reference in group] for group in references]

    def scores(self, candidates: Sequence[Sequence[str]], indices: Sequence[int] | None = None) -> np.ndarray:
        """METEOR of each candidate, the best over the references of item `indices[k]`, or of item k."""
        indices = range(len(self.targets)) if indices is None else indices
        result = np.zeros(len(candidates))
        for i, (candidate, index) in enumerate(zip(candidates, indices, strict=True)):
            words = list(enumerate(map(str.lower, candidate)))
            words.reverse()  # words are matched from the end
            result[i] = max([score_pair(words, target, self.forms) for target in self.targets[index]])
        return result


def score_pair(hypothesis: list[Placed], target: Target, forms: WordForms) -> float:
    """Harmonic mean of precision and recall, recall nine times as heavy, less a penalty for broken order."""
    partners = align_words(hypothesis, target, forms)
    matches = len(partners) - partners.count(None)
    if not matches:
        return 0.0
    precision, recall = matches / len(hypothesis), matches / len(target.words)
    mean = precision * recall / (ALPHA * precision + (1 - ALPHA) * recall)
    return (1 - GAMMA * (count_chunks(partners) / matches) ** BETA) * mean


def align_words(hypothesis: list[Placed], target: Target, forms: WordForms) -> list[int | None]:
    """The reference position each word is matched to: by equality, by stem, by synonym of the stem."""
    partners: list[int | None] = [None] * len(hypothesis)
    mine = match(hypothesis, target.last.copy(), target.previous, partners)
    theirs = set(range(len(target.words))).difference(partners)
    if not mine or not theirs:
        return partners
    last, previous = {}, {}
    for position in sorted(theirs):
        stem = forms.stem(target.words[position])
        previous[position] = last.get(stem)
        last[stem] = position
    mine = match([(position, forms.stem(word)) for position, word in mine], last, previous, partners)
    if forms.synonyms is not None and mine:
        match_synonyms(mine, last, previous, partners, forms.synonyms)
    return partners


def match(words: list[Placed], last: Last, previous: Previous, partners: list[int | None]) -> list[Placed]:
    """Match equal words, last to last, each reference position once; what stays unmatched."""
    left = []
    for placed in words:
        position, word = placed
        partner = last.get(word)
        if partner is None:
            left.append(placed)
        else:
            partners[position] = partner
            last[word] = previous[partner]
    return left


def match_synonyms(
    words: list[Placed],
    last: Last,
    previous: Previous,
    partners: list[int | None],
    synonyms: Callable[[str], frozenset[str]],
) -> None:
    """Match each word to the last free reference word that is a synonym of it."""
    for position, word in words:
        alike = synonyms(word)
        if not alike.isdisjoint(last):
            free = [(place, key) for key, place in last.items() if place is not None and key in alike]
            if free:
                partners[position], key = max(free)
                last[key] = previous[partners[position]]


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
