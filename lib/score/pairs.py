"""Candidates and references brought together: by id or by position, checked, and tokenised once."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from lib.data.text import tokenize
from lib.paths import some

Texts = Mapping[str, str] | Sequence[str]
References = Mapping[str, Sequence[str]] | Sequence[Sequence[str]]
Tokenizer = Callable[[str], list[str]]
Tokens = tuple[str, ...]

SHOWN = 5  # ids named in an error


class ScoreError(ValueError):
    """Captions that cannot be scored: ids that do not match, a reference that is missing or empty."""


class ScoredPairs:
    """Each candidate with its references, as tokens. Every score sees these tokens and no others."""

    def __init__(self, candidates: Texts, references: References, tokenizer: Tokenizer = tokenize):
        self.ids = match_ids(candidates, references)
        self.texts = [candidates[key] for key in self.ids]
        self.candidates = [tokens_of(text, tokenizer) for text in self.texts]
        self.references = tokenize_references({key: references[key] for key in self.ids}, tokenizer)


@lru_cache(maxsize=1 << 16)
def tokens_of(text: str, tokenizer: Tokenizer) -> Tokens:
    """A caption's tokens: the same references are asked for by every row of a table."""
    return tuple(tokenizer(text))


def tokenize_references(references: Mapping, tokenizer: Tokenizer) -> tuple[tuple[Tokens, ...], ...]:
    """The tokens of each item's references; every item has some, and none of them is empty."""
    if not references:
        raise ScoreError("there is no reference caption")
    result = []
    for key, texts in references.items():
        if isinstance(texts, str):
            raise ScoreError(f"{key!r}: expected a list of reference captions, not one text")
        group = tuple(tokens_of(text, tokenizer) for text in texts)
        if not group or not all(group):
            raise ScoreError(f"{key!r} has {'an empty' if group else 'no'} reference caption")
        result.append(group)
    return tuple(result)


def match_ids(candidates: Texts, references: References) -> list:
    """The keys both can be asked under: ids of two mappings, or positions in two sequences."""
    for name, given in (("candidates", candidates), ("references", references)):
        if isinstance(given, str):
            raise ScoreError(f"{name} must be a mapping or a list of captions, not one text")
    if isinstance(candidates, Mapping) != isinstance(references, Mapping):
        raise ScoreError("candidates and references must both have ids or both be lists")
    if not len(candidates):
        raise ScoreError("there is no candidate to score")
    if not isinstance(candidates, Mapping):
        if len(candidates) != len(references):
            raise ScoreError(f"{len(candidates)} candidates for {len(references)} lists of references")
        return list(range(len(candidates)))
    sides = {
        "candidates have no reference": [key for key in candidates if key not in references],
        "references have no candidate": [key for key in references if key not in candidates],
    }
    problems = [f"{len(keys)} {what}: {some(keys, SHOWN)}" for what, keys in sides.items() if keys]
    if problems:
        raise ScoreError("ids do not match; " + "; ".join(problems))
    return list(candidates)
