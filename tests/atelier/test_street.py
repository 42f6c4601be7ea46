"""The street: what is said is true and read back, what is false is false in one fact, all is visible."""

from random import Random

import numpy as np
import pytest

from atelier.street import (
    NAMES,
    STREET,
    STREET_SCHEMA,
    describe_street,
    false_in_one,
    neighbour,
    parse_street,
    sample_street,
)
from atelier.street.draw import photograph_street
from atelier.street.sample import possible

CATEGORIES = ("people", "car")
SEEDS = range(600)


@pytest.mark.parametrize("category", CATEGORIES)
def test_texts_state_truths_alone_and_are_read_back_whole(category):
    told = set()
    for seed in SEEDS:
        truth = sample_street(category, seed)
        assert possible(truth) and truth["category"] == category
        text = describe_street(truth, Random(seed), omit=0)
        read = parse_street(text)
        assert read.attributes == {name: value for name, value in truth.items() if value is not None}, text
        assert not read.conflicts and not read.unknown
        assert ("He " in text or "She " in text) == (category == "people")
        told.add(text)
    assert len(told) > 0.95 * len(SEEDS)


def test_smaller_facts_may_be_left_out_and_the_words_vary():
    truth = sample_street("people", 3)
    texts = {describe_street(truth, Random(seed)) for seed in range(60)}
    assert len(texts) > 40
    counts = {len(parse_street(text).attributes) for text in texts}
    assert len(counts) > 1 and STREET.parse(min(texts)).attributes.items() <= truth.items()


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_false_text_is_false_in_the_fact_it_names(category):
    names = set()
    for seed in SEEDS:
        truth = sample_street(category, seed)
        text, name = false_in_one(truth, seed)
        stated = parse_street(text).attributes
        assert [key for key, value in stated.items() if truth[key] != value] == [name], text
        names.add(name)
    own = {name for name in NAMES if any(sample_street(category, seed)[name] for seed in SEEDS)}
    assert names == own - {"category"}


def test_a_false_text_about_a_given_fact():
    truth = sample_street("car", 5)
    for seed in range(20):
        text, name = false_in_one(truth, seed, about="color")
        assert name == "color" and parse_street(text).attributes["color"] != truth["color"]
    with pytest.raises(ValueError, match="nothing of hat can be changed"):
        false_in_one(truth, 0, about="hat")


@pytest.mark.parametrize("category", CATEGORIES)
def test_neighbours_differ_in_one_fact_that_can_be_seen(category):
    """Two pictures from the same seed differ by the fact alone, and by so much that an eye can tell."""
    least: dict[str, float] = {}
    for seed in range(250):
        truth = sample_street(category, seed)
        other, name = neighbour(truth, seed)
        assert [key for key in truth if truth[key] != other[key]] == [name] and possible(other)
        pair = [np.asarray(photograph_street(each, seed), int) for each in (truth, other)]
        changed = (np.abs(pair[0] - pair[1]).max(2) > 40).sum()
        least[name] = min(least.get(name, np.inf), changed)
    assert min(least.values()) >= 12, least


def test_pictures_repeat_and_vary():
    truth = sample_street("people", 9)
    first, again, other = (photograph_street(truth, seed) for seed in (1, 1, 2))
    assert first.size == (128, 128) and first.tobytes() == again.tobytes() != other.tobytes()


def test_what_contradicts_itself_is_told_apart():
    found = parse_street("A red sedan and a blue sedan. A woman with tusks.")
    assert found.conflicts["color"] in (("red", "blue"), ("blue", "red"))
    assert set(found.conflicts["category"]) == set(STREET_SCHEMA["category"]) and found.unknown == ("tusks",)
