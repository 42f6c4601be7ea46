"""Attribute F1 against answers counted by hand, and against captions whose truth is known."""

import random

import numpy as np
import pytest

from atelier.describe import describe
from atelier.sample import sample_look
from atelier.visible import visible
from atelier.wardrobe import ACCESSORIES, CORE, SCENE, SCHEMA, VIEWS
from atelier.world import WARDROBE
from lib.score.attributes import attribute_f1, attribute_rates, attribute_set, mistakes, tell_apart
from lib.score.pairs import ScoreError

ATTRIBUTES = dict.fromkeys(SCHEMA) | {
    "gender": "woman", "upper": "shirt", "upper_color": "red", "lower": "skirt", "hat": "cap",
    "background": "park",
}  # fmt: skip
PERFECT = "A woman wears a red shirt, a skirt and a cap."


def f1_of_each(score):
    """The F1 of each caption, in the order given."""
    return attribute_rates(score.counts)["f1"].tolist()


@pytest.fixture(scope="module")
def pictures():
    """What 2,000 pictures show, and a fresh description of each."""
    rng = random.Random(21)
    attributes = [visible(sample_look(product, 0, 5), rng.choice(VIEWS)) for product in range(2_000)]
    return attributes, [describe(each, rng) for each in attributes]


@pytest.mark.parametrize(
    ("caption", "right", "stated"),
    [
        (PERFECT, 5, 5),
        ("A woman wears a shirt.", 2, 2),
        ("A man wears a blue shirt and a skirt.", 2, 4),
        (PERFECT + " There is a ring on her finger.", 5, 6),  # no ring is visible
        (PERFECT + " Her shirt is blue.", 4, 5),  # red and blue: one wrong statement
        (PERFECT + " Her shirt is cotton. The shirt is denim.", 5, 6),  # no fabric is visible: wrong too
        (PERFECT + " She is on a beach.", 5, 5),  # the background is not scored here
        ("zorgon", 0, 0),
        ("", 0, 0),
    ],
)
def test_known_answers(caption, right, stated):
    score = attribute_f1([caption], [ATTRIBUTES], WARDROBE)
    assert score.precision == (right / stated if stated else 0)
    assert score.recall == right / 5
    assert score.f1 == pytest.approx(2 * right / (stated + 5))
    assert f1_of_each(score) == [score.f1]


def test_micro_average_counts_statements_not_captions():
    score = attribute_f1([PERFECT, "A man wears socks."], [ATTRIBUTES, ATTRIBUTES], WARDROBE)
    assert score.precision == 5 / 7
    assert score.recall == 5 / 10
    assert score.f1 == pytest.approx(10 / 17)
    assert f1_of_each(score) == [1.0, 0.0]


def test_counts_of_each_caption_are_what_the_scores_are_made_of():
    captions = [PERFECT, "A man wears socks.", PERFECT + " Her shirt is blue."]
    score = attribute_f1(captions, [ATTRIBUTES] * 3, WARDROBE)
    assert score.counts.tolist() == [[5, 5, 5], [0, 2, 5], [4, 5, 5]]
    rates = attribute_rates(score.counts.sum(axis=0))
    assert rates == {"f1": score.f1, "precision": score.precision, "recall": score.recall}
    assert rates == {"f1": 18 / 27, "precision": 9 / 12, "recall": 9 / 15}


def test_rates_without_anything_to_count():
    silent, blank, both = [0, 0, 5], [0, 5, 0], [0, 0, 0]
    rates = attribute_rates(np.array([silent, blank, both]))
    assert {name: values.tolist() for name, values in rates.items()} == {
        "f1": [0, 0, 1],
        "precision": [0, 0, 0],
        "recall": [0, 0, 0],
    }


def test_each_attribute_has_its_row():
    rows = attribute_f1(["A woman wears a blue shirt and a watch."], [ATTRIBUTES], WARDROBE).per_attribute
    assert rows["upper"] == {"precision": 1, "recall": 1, "f1": 1, "support": 1}
    assert rows["upper_color"] == {"precision": 0, "recall": 0, "f1": 0, "support": 1}
    assert rows["wrist"] == {"precision": 0, "recall": 0, "f1": 0, "support": 0}
    assert rows["hat"]["support"] == 1
    assert "ring" not in rows  # neither visible nor stated
    assert list(rows) == [name for name in (*CORE, *ACCESSORIES) if name in rows]


def test_the_background_is_scored_on_request():
    captions = ["The picture was taken in a park.", "She is on a beach."]
    score = attribute_f1(captions, [ATTRIBUTES, ATTRIBUTES], WARDROBE, names=SCENE)
    assert (score.f1, f1_of_each(score)) == (0.5, [1.0, 0.0])


def test_hedging_never_pays():
    hedged = PERFECT + " The shirt is blue. The skirt is a pair of trousers."
    silent = "A woman wears a shirt and a cap."
    one, other = f1_of_each(attribute_f1([hedged, silent], [ATTRIBUTES, ATTRIBUTES], WARDROBE))
    assert one < other < 1


def test_captions_and_truths_are_matched_by_id():
    other = ATTRIBUTES | {"gender": "man"}
    score = attribute_f1({"b": "A man.", "a": "A woman."}, {"a": ATTRIBUTES, "b": other}, WARDROBE)
    assert score.precision == 1
    assert attribute_f1(["A man.", "A woman."], [ATTRIBUTES, other], WARDROBE).precision == 0


@pytest.mark.parametrize(
    ("candidates", "truths", "names", "message"),
    [
        ([], [], CORE, "no candidate"),
        (["a man"], [ATTRIBUTES, ATTRIBUTES], CORE, "1 candidates for 2"),
        ({"a": "a man"}, {"b": ATTRIBUTES}, CORE, "ids do not match"),
        (["a man"], [ATTRIBUTES], ("shoes",), "unknown attribute 'shoes'"),
        (["a man"], [{"gender": "man"}], CORE, "0: no attribute 'upper'"),
        ({"x": "a man"}, {"x": None}, CORE, "'x': no attribute"),
    ],
)
def test_what_cannot_be_scored_is_refused(candidates, truths, names, message):
    with pytest.raises(ScoreError, match=message):
        attribute_f1(candidates, truths, WARDROBE, names=names)


def test_nothing_said_of_nothing_visible_is_perfect():
    assert f1_of_each(attribute_f1(["zorgon", "a ring"], [dict.fromkeys(SCHEMA)] * 2, WARDROBE)) == [1.0, 0.0]


def test_fresh_descriptions_are_exact_and_nearly_complete(pictures):
    attributes, captions = pictures
    score = attribute_f1(captions, attributes, WARDROBE)
    assert score.precision == 1.0
    assert 0.975 < score.recall < 1
    assert all(score.per_attribute[name]["recall"] == 1 for name in CORE)
    assert all(score.per_attribute[name]["recall"] > 0.85 for name in ACCESSORIES)


def test_contradictions_are_never_right(pictures):
    """Two values for an attribute are wrong, whether it is visible or not."""
    attributes, _ = pictures
    hedged = "A woman wears a red cotton shirt. The shirt is blue denim. A man."
    rows = attribute_f1([hedged] * len(attributes), attributes, WARDROBE).per_attribute
    assert any(each["upper_fabric"] is None for each in attributes)
    assert [rows[name]["precision"] for name in ("gender", "upper_color", "upper_fabric")] == [0, 0, 0]


def test_shuffled_descriptions_score_far_lower(pictures):
    attributes, captions = pictures
    assert attribute_f1(captions[1:] + captions[:1], attributes, WARDROBE).f1 < 0.5


def test_equal_sets_for_different_wordings():
    attributes = {name: value for name, value in ATTRIBUTES.items() if value and name != "background"}
    assert attribute_set(PERFECT, WARDROBE) == frozenset(attributes.items())
    assert attribute_set(
        "The lady has a cap. Her shirt is red. She wears a skirt.", WARDROBE
    ) == attribute_set(PERFECT, WARDROBE)
    assert attribute_set("a red shirt . the shirt is blue", WARDROBE) != attribute_set(
        "a red shirt", WARDROBE
    )


@pytest.mark.parametrize(
    ("caption", "wrong", "unsaid"),
    [
        (PERFECT, [], []),
        ("A woman wears a blue shirt and a skirt.", ["upper color blue"], ["hat cap"]),
        (PERFECT + " There is a ring on her finger.", ["ring"], []),
        (PERFECT + " Her shirt is blue.", ["upper color blue"], []),  # red and blue: one of them is wrong
        ("A woman.", [], ["hat cap", "lower skirt", "upper color red", "upper shirt"]),
        (PERFECT + " She is on a beach.", [], []),  # the background is not scored here
    ],
)
def test_mistakes_are_named(caption, wrong, unsaid):
    assert mistakes(caption, ATTRIBUTES, WARDROBE) == (wrong, unsaid)


@pytest.mark.parametrize(
    "caption, marked",
    [
        ("a woman in a brown shirt with long sleeves .", ["brown"]),
        (
            "a man in a red t-shirt .",
            ["man", "t-shirt"],
        ),  # that its colour is lost too does not hide the noun
        ("a woman in a red skirt .", ["red", "skirt"]),
        ("a woman in a red shirt , a ring and a ring .", ["ring", "ring"]),  # without one it is still stated
        ("a woman in a red shirt with a v-shaped neckline .", ["v-shaped", "neckline"]),
        ("a woman in a red shirt with long sleeves .", []),
    ],
)
def test_the_words_that_state_what_is_not_so(caption, marked):
    shown = dict.fromkeys(WARDROBE.schema) | {"gender": "woman", "upper": "shirt", "sleeves": "long"}
    pieces = tell_apart(caption, shown | {"upper_color": "red"}, WARDROBE)
    assert pieces[1::2] == marked and "".join(pieces) == caption
