"""A second world: cars, with words of their own, scored and rewarded by the code that scores clothes."""

from dataclasses import dataclass, field

import pytest

from atelier.world import WARDROBE, WorldError
from lib.score import Reward, ScoreError, attribute_f1, evaluate
from lib.score.attributes import attribute_set


@dataclass
class Read:
    attributes: dict = field(default_factory=dict)
    conflicts: dict = field(default_factory=dict)


class Cars:
    """Every word that is a value is a statement; the weather is not scored unless it is asked for."""

    def __init__(self):
        self.schema = {"kind": ("bus", "van"), "color": ("red", "blue"), "weather": ("rain", "sun")}
        self.scored = ("kind", "color")

    def parse(self, text):
        found = Read()
        for name, values in self.schema.items():
            said = [value for value in values if value in text.split()]
            if len(said) == 1:
                found.attributes[name] = said[0]
            elif said:
                found.conflicts[name] = said
        return found


CARS = Cars()
TRUTH = {"kind": "bus", "color": "red", "weather": "rain"}


@pytest.mark.parametrize(
    ("caption", "f1"),
    [
        ("a red bus", 1.0),
        ("a red van", 0.5),
        ("a red blue bus", 0.5),
        ("a red bus in the sun", 1.0),
        ("", 0.0),
    ],
)
def test_statements_are_those_of_the_world_handed_in(caption, f1):
    assert attribute_f1([caption], [TRUTH], CARS).f1 == f1
    assert evaluate([caption], [["a red bus"]], attributes=[TRUTH], world=CARS)["attribute_f1"] == f1
    reward = Reward([["a", "red", "bus"]], {"attribute_f1": 2.0}, attributes=[TRUTH], world=CARS)
    assert reward.scores([caption.split()], [0]) == [2 * f1]


def test_what_a_world_does_not_score_counts_where_it_is_asked_for():
    assert attribute_f1(["a red bus in the sun"], [TRUTH], CARS, names=("weather",)).f1 == 0.0


def test_one_text_states_other_things_in_other_worlds():
    assert attribute_set("a red bus", CARS) == {("kind", "bus"), ("color", "red")}
    assert attribute_set("a red bus", WARDROBE) != attribute_set("a red bus", CARS)
    assert attribute_set("She wears a red skirt.", CARS) == {("color", "red")}


def test_attributes_without_their_world_are_refused():
    with pytest.raises(ScoreError, match="give evaluate the world"):
        evaluate(["a red bus"], [["a red bus"]], attributes=[TRUTH])
    with pytest.raises(ScoreError, match="needs the world"):
        Reward([["a"]], {"attribute_f1": 1.0}, attributes=[TRUTH])
    with pytest.raises(ScoreError, match="no attribute 'kind'"):
        Reward([["a"]], {"attribute_f1": 1.0}, attributes=[{"color": "red"}], world=CARS)


def test_the_wardrobe_is_told_and_read_back_in_the_words_it_has():
    assert WARDROBE.parse("She wears a red skirt.").attributes["lower"] == "skirt"
    with pytest.raises(WorldError, match="no words for zh plain in this world; known: en plain"):
        WARDROBE.in_words("zh")
