"""What n-gram scores do not see: sameness, length, and captions that break off.

A bad ending is a caption whose last word leaves the sentence open (`a man in a`), or that has no word at all,
or that ends without `.`, `!` or `?` where the references (99 in 100 of them) end with one.
"""

from collections.abc import Sequence

Tokens = Sequence[str]

# Words after which more must follow. Prepositions that real captions do end with (`looking on`) are left out.
OPEN_WORDS = frozenset(
    {"a", "an", "the", "its", "his", "their", "my", "your", "very"}
    | {"and", "or", "but", "as", "than", "while", "that", "which", "who", "whose"}
    | {"with", "of", "from", "into", "to", "for", "at", "between"}
    | {"is", "are", "was", "were", "has", "have", "wears", "wearing"}
)
SENTENCE_END = frozenset(".!?。！？")
PUNCTUATION = SENTENCE_END | frozenset(",;:'\"`-()") | {"''", "``", "--", "...", "，", "、"}
USUAL = 0.99  # the share of references from which on a sentence end is the rule


def diversity(candidates: Sequence[Tokens]) -> dict[str, float]:
    """`unique`, `distinct1`, `distinct2` and `mean_length` of a set of captions."""
    lengths = [len(tokens) for tokens in candidates]
    return {
        "unique": len({tuple(tokens) for tokens in candidates}) / len(candidates),
        "distinct1": distinct(candidates, 1),
        "distinct2": distinct(candidates, 2),
        "mean_length": sum(lengths) / len(lengths),
    }


def distinct(candidates: Sequence[Tokens], n: int) -> float:
    """Distinct n-grams by all n-grams, over all captions together."""
    shifted = ([tokens[i:] for i in range(n)] for tokens in candidates)
    ngrams = [ngram for lines in shifted for ngram in zip(*lines, strict=False)]
    return len(set(ngrams)) / len(ngrams) if ngrams else 0.0


def ends_are_usual(references: Sequence[Sequence[Tokens]]) -> bool:
    """Whether these references, as a rule, end with a sentence end."""
    ends = [tokens[-1] in SENTENCE_END for group in references for tokens in group if tokens]
    return bool(ends) and sum(ends) >= USUAL * len(ends)


def ends_badly(tokens: Tokens, closed: bool) -> bool:
    """Whether a caption breaks off; `closed` asks for a sentence end."""
    words = [token for token in tokens if token not in PUNCTUATION]
    if not words or words[-1] in OPEN_WORDS:
        return True
    return closed and tokens[-1] not in SENTENCE_END
