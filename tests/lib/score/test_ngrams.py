"""The numbers of n-grams are one to one, whatever is numbered when."""

from collections import Counter

import pytest
from caption_cases import captions, corpora, split_corpus
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.score.ngrams import ORDERS, NgramIndex, ReferenceTable


def ngrams(tokens, n):
    return [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]


@given(
    st.lists(captions, min_size=1, max_size=8), st.lists(captions, max_size=8), st.lists(captions, max_size=8)
)
@settings(max_examples=80, deadline=None)
def test_equal_ngrams_have_equal_numbers_and_no_others_do(first, second, third):
    index, numbered = NgramIndex().extended(first)
    wider, more = index.extended(second)
    unknown = wider.number(third)
    for n in range(ORDERS):
        known = {}
        for sequences, result in ((first, numbered), (second, more), (third, unknown)):
            expected = [(row, gram) for row, tokens in enumerate(sequences) for gram in ngrams(tokens, n + 1)]
            assert [row for row, _ in expected] == result.rows[n].tolist()
            for (_, gram), number in zip(expected, result.numbers[n].tolist(), strict=True):
                assert known.setdefault(gram, number) == number
        assert len(set(known.values())) == len(known)


def test_numbering_changes_nothing():
    index, _ = NgramIndex().extended([["a", "b"]])
    sizes = index.sizes
    index.number([["c", "d", "e", "f"]])
    index.extended([["c", "d", "e", "f"]])
    assert index.sizes == sizes == [2, 1, 0, 0]


@given(corpora)
@settings(max_examples=60, deadline=None)
def test_the_table_counts_what_the_references_say(corpus):
    _, references = split_corpus(corpus)
    table = ReferenceTable(references)
    for n, order in enumerate(table.orders):
        counts = [[Counter(ngrams(tokens, n + 1)) for tokens in group] for group in references]
        unions = [Counter() for _ in references]
        for union, group in zip(unions, counts, strict=True):
            for counter in group:
                union |= counter
        assert sorted(order.most.tolist()) == sorted(count for union in unions for count in union.values())
        assert sorted(order.count.tolist()) == sorted(
            c for group in counts for k in group for c in k.values()
        )
        documents = Counter(gram for union in unions for gram in union)
        assert sorted(order.documents.tolist()) == sorted(documents.values())


def test_an_item_without_references_is_refused():
    with pytest.raises(ValueError, match="item 1"):
        ReferenceTable([[["a"]], []])


def test_candidates_and_items_must_be_as_many():
    table = ReferenceTable([[["a"]], [["b"]]])
    with pytest.raises(ValueError, match="1 candidates for 2 items"):
        table.count([["a"]])
