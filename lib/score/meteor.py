"""METEOR as nltk computes it (METEOR 1.5 differs by far), with every stem and synonym asked for once.

Where nltk finds no WordNet the synonym stage is left out, and the score is called `meteor_no_wordnet`.
Nothing is downloaded, and nltk is imported when a score is asked for, not before.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import chain
from operator import itemgetter

import numpy as np

Placed = tuple[int, str]  # a word and where it stands
Stacks = dict[str, list[int]]

ALPHA, BETA, GAMMA = 0.9, 3.0, 0.5  # nltk's defaults


class Remembered(dict):
    """The values of a function of one word, each computed once."""

    def __init__(self, compute: Callable):
        super().__init__()
        self.compute = compute

    def __missing__(self, word: str):
        value = self[word] = self.compute(word)
        return value


class WordForms:
    """Stems and synonyms. Without `synsets` (a function of a word, WordNet's) there is no synonym stage."""

    def __init__(self, stem: Callable[[str], str], synsets: Callable[[str], Iterable] | None = None):
        self.stems = Remembered(stem)
        self.synonyms = Remembered(lambda word: synonyms(word, synsets)) if synsets else None

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
    from nltk.corpus import wordnet
    from nltk.stem.porter import PorterStemmer

    try:
        wordnet.synsets("garment")
    except LookupError:
        return WordForms(PorterStemmer().stem)
    return WordForms(PorterStemmer().stem, wordnet.synsets)


def meteor(
    candidates: Sequence[Sequence[str]],
    references: Sequence[Sequence[Sequence[str]]],
    forms: WordForms | None = None,
) -> np.ndarray:
    """METEOR of each candidate, the best over its references."""
    forms = forms or find_word_forms()
    result = np.zeros(len(candidates))
    for i, (candidate, targets) in enumerate(zip(candidates, references, strict=True)):
        words = list(enumerate(map(str.lower, candidate)))
        words.reverse()  # words are matched from the end
        result[i] = max([score_pair(words, list(map(str.lower, target)), forms) for target in targets])
    return result


def score_pair(hypothesis: list[Placed], reference: list[str], forms: WordForms) -> float:
    """Harmonic mean of precision and recall, recall nine times as heavy, less a penalty for broken order."""
    partners = align(hypothesis, reference, forms)
    matches = len(partners) - partners.count(None)
    if not matches:
        return 0.0
    precision, recall = matches / len(hypothesis), matches / len(reference)
    mean = precision * recall / (ALPHA * precision + (1 - ALPHA) * recall)
    return (1 - GAMMA * (count_chunks(partners) / matches) ** BETA) * mean


def align(hypothesis: list[Placed], reference: list[str], forms: WordForms) -> list[int | None]:
    """The reference position each word is matched to: by equality, by stem, by synonym of the stem."""
    partners: list[int | None] = [None] * len(hypothesis)
    stacks = stack_positions(enumerate(reference))
    mine = match(hypothesis, stacks, partners)
    theirs = sorted(chain.from_iterable(stacks.values()))
    if not mine or not theirs:
        return partners
    stems = forms.stems
    stacks = stack_positions([(j, stems[reference[j]]) for j in theirs])
    mine = match([(i, stems[word]) for i, word in mine], stacks, partners)
    if forms.synonyms is not None and mine:
        match_synonyms(mine, stacks, partners, forms.synonyms)
    return partners


def stack_positions(words: Iterable[Placed]) -> Stacks:
    """Where each word stands, the last position on top."""
    stacks: Stacks = {}
    for position, word in words:
        if word in stacks:
            stacks[word].append(position)
        else:
            stacks[word] = [position]
    return stacks


def match(words: list[Placed], stacks: Stacks, partners: list[int | None]) -> list[Placed]:
    """Match equal words, last to last, taking positions off the stacks; what stays unmatched."""
    left = []
    for placed in words:
        position, word = placed
        stack = stacks.get(word)
        if stack:
            partners[position] = stack.pop()
        else:
            left.append(placed)
    return left


def match_synonyms(
    words: list[Placed], stacks: Stacks, partners: list[int | None], synonyms: dict[str, frozenset[str]]
) -> None:
    """Match each word to the last free reference word that is a synonym of it."""
    for position, word in words:
        alike = synonyms[word]
        if not alike.isdisjoint(stacks):
            free = [stack for key, stack in stacks.items() if stack and key in alike]
            if free:
                partners[position] = max(free, key=itemgetter(-1)).pop()


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
