"""Scores and rewards of captions in styles: each style by its own references, words and judge."""

from random import Random

import numpy as np
import pytest

from atelier import WARDROBE
from atelier.moods import describe_mood
from atelier.sample import sample_look
from atelier.visible import visible
from lib.data.formats.styles import styled_record
from lib.data.record import Record
from lib.data.text import tokenize
from lib.score.reward import Reward
from lib.score.style import StyledReward, StyleJudge, mean_row, score_styles, stock_phrase

MOODS = ("cheerful", "terse")
WORLDS = {mood: WARDROBE.in_words("en", mood) for mood in MOODS}


@pytest.fixture(scope="module")
def records():
    """Twelve pictures, each told in two moods, one after the other."""
    found = []
    for number in range(12):
        attributes = visible(sample_look(number + 1, 1, 0), "4_full")
        picture = Record(f"p{number}", "", (), "test", attributes)
        for mood in MOODS:
            found.append(
                styled_record(picture, mood, [describe_mood(attributes, mood, Random(number), omit=0)])
            )
    return found


@pytest.fixture(scope="module")
def judge(records):
    texts = {mood: [r.captions[0] for r in records if r.id.endswith(mood)] for mood in MOODS}
    return StyleJudge(texts)


def test_the_truth_in_its_own_mood_is_right_in_content_and_style(records, judge):
    scores, each = score_styles([r.captions[0] for r in records], records, judge, WORLDS)
    assert scores["style_accuracy"] == 1.0 and scores["attribute_f1"] == pytest.approx(1.0)
    assert set(each) == set(MOODS) and each["terse"]["cider_d"] == pytest.approx(10.0)
    assert scores["unique"] == 1.0 and scores["style_perplexity"] < 10


def test_the_other_mood_has_the_content_and_not_the_style(records, judge):
    swapped = [records[place ^ 1].captions[0] for place in range(len(records))]
    scores, _ = score_styles(swapped, records, judge, WORLDS)
    assert scores["style_accuracy"] == 0.0
    right, _ = score_styles([r.captions[0] for r in records], records, judge, WORLDS)
    assert scores["style_perplexity"] > 5 * right["style_perplexity"]


def test_one_caption_for_all_moods_of_a_picture_counts_once_among_the_different_ones(records, judge):
    same = [records[place - place % 2].captions[0] for place in range(len(records))]
    scores, each = score_styles(same, records, judge, WORLDS)
    assert scores["unique"] == 0.5 and each["terse"]["unique"] == 1.0


def test_a_reward_is_that_of_its_own_style_and_what_the_judge_hears(records, judge):
    weights = {"cider_d": 1.0, "attribute_f1": 0.5}
    reward = StyledReward(records, weights, WORLDS, judge, style=3.0)
    candidates = [tokenize(records[place].captions[0]) for place in (3, 2, 2, 9)]
    indices = [3, 2, 3, 5]  # the third is told in the other mood, the fourth of another picture
    for mood, places in (("terse", [0, 2, 3]), ("cheerful", [1])):
        own = [r for r in records if r.id.endswith(mood)]
        known = {"attributes": [r.attributes for r in own], "world": WORLDS[mood]}
        plain = Reward([[tokenize(r.captions[0])] for r in own], weights, **known)
        expected = plain.scores([candidates[p] for p in places], [indices[p] // 2 for p in places])
        expected += [3.0 * (p != 2) for p in places]
        np.testing.assert_allclose(reward.scores(candidates, indices)[places], expected)


def test_means_are_of_what_all_rows_have_and_intervals_with_them():
    rows = [{"a": 1.0, "a_ci": [0.0, 2.0], "b": 1.0, "n": "x"}, {"a": 3.0, "a_ci": [2.0, 4.0], "n": "y"}]
    assert mean_row(rows) == {"a": 2.0, "a_ci": [1.0, 3.0]}


def test_a_stock_phrase_is_the_end_of_a_caption():
    assert stock_phrase("A red top. Blue jeans, how original.") == "how original."
    assert stock_phrase("Only this") == "Only this"
