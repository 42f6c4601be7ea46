"""Sameness, length and bad endings of small sets whose answers are plain."""

import pytest
from caption_cases import REAL

from lib.score.diversity import distinct, diversity, ends_are_usual, ends_badly


def split(*texts):
    return [text.split() for text in texts]


def bad_endings(candidates, references):
    return [ends_badly(tokens, ends_are_usual(references)) for tokens in candidates]


def test_known_shares():
    captions = split("a dog", "a dog", "a cat runs")
    assert diversity(captions) == {
        "unique": pytest.approx(2 / 3),
        "distinct1": pytest.approx(4 / 7),
        "distinct2": pytest.approx(3 / 4),
        "mean_length": pytest.approx(7 / 3),
    }


def test_captions_too_short_for_an_ngram():
    assert distinct(split("a", ""), 2) == 0


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("a man in a", True),
        ("a man in a .", True),
        ("a man wearing", True),
        ("a man in a hat .", False),
        ("a man in a hat", True),
        ("a man in a hat !", False),
        (".", True),
        ("", True),
    ],
)
def test_endings_where_references_end_their_sentences(text, bad):
    assert bad_endings(split(text), [split("a dog runs .")]) == [bad]


def test_no_sentence_end_is_asked_for_where_references_have_none():
    references = [split("a dog runs", "two dogs run ."), split("a man")]
    assert bad_endings(split("a man in a hat", "a man in a"), references) == [False, True]


@pytest.mark.parametrize("name", REAL)
def test_people_hardly_ever_end_badly(name):
    _, references = REAL[name](1000)
    written = [tokens for group in references for tokens in group]
    assert sum(bad_endings(written, references)) <= 0.002 * len(written)
