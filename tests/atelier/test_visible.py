"""What a view shows: known cases, and that truth never says more than the look."""

import pytest

from atelier.sample import sample_look
from atelier.visible import visible
from atelier.wardrobe import SCHEMA, VIEWS, Look


def a_look(**changes: str | None) -> Look:
    attributes = dict.fromkeys(SCHEMA) | {
        "gender": "man", "upper": "shirt", "sleeves": "long", "neckline": "lapel", "upper_fabric": "cotton",
        "upper_pattern": "solid", "upper_color": "white", "lower": "trousers", "lower_length": "long",
        "lower_fabric": "denim", "lower_pattern": "solid", "lower_color": "blue", "background": "park",
    }  # fmt: skip
    return Look(product=1, outfit=1, attributes=attributes | changes, body_seed=4)


JACKET = {"outer": "jacket", "outer_fabric": "leather", "outer_pattern": "solid", "outer_color": "black"}
COAT = JACKET | {"outer": "coat"}


@pytest.mark.parametrize(
    ("changes", "view", "name", "seen"),
    [
        ({}, "1_front", "neckline", "lapel"),
        ({}, "3_back", "neckline", None),
        ({"neckwear": "scarf"}, "1_front", "neckline", None),
        ({"neckwear": "scarf"}, "3_back", "neckwear", "scarf"),
        ({"neckwear": "tie"}, "4_full", "neckwear", "tie"),
        ({"neckwear": "tie"}, "3_back", "neckwear", None),
        ({"glasses": "sunglasses"}, "3_back", "glasses", None),
        ({"hat": "cap"}, "3_back", "hat", "cap"),
        ({}, "1_front", "lower_length", None),
        ({"lower": "shorts", "lower_length": "medium"}, "1_front", "lower_length", "medium"),
        ({}, "4_full", "lower_length", "long"),
        ({"lower_length": "three-quarter", "socks": "socks"}, "1_front", "socks", None),
        ({"lower_length": "three-quarter", "socks": "socks"}, "4_full", "socks", "socks"),
        ({"ring": "ring"}, "1_front", "ring", "ring"),
        ({"ring": "ring"}, "4_full", "ring", None),
        (JACKET, "4_full", "sleeves", None),
        (JACKET, "4_full", "upper", "shirt"),
        (JACKET, "3_back", "upper", None),
        (JACKET, "3_back", "lower", "trousers"),
        (JACKET | {"outer": "vest"}, "3_back", "sleeves", "long"),
        (JACKET | {"belt": "belt"}, "1_front", "belt", "belt"),
        (JACKET | {"belt": "belt"}, "3_back", "belt", None),
        (COAT | {"lower": "shorts", "lower_length": "three-point"}, "3_back", "lower", None),
        (COAT, "3_back", "lower", "trousers"),
        ({"belt": "belt"}, "7_additional", "belt", None),
        ({}, "7_additional", "lower_color", None),
        ({}, "7_additional", "background", None),
        ({}, "7_additional", "upper", "shirt"),
    ],
)
def test_known_cases(changes, view, name, seen):
    assert visible(a_look(**changes), view)[name] == seen


def test_a_picture_never_shows_what_is_not_there():
    for product in range(300):
        look = sample_look(product, 1, 2)
        for view in VIEWS:
            attributes = visible(look, view)
            assert list(attributes) == list(SCHEMA)
            assert all(value in (None, look.attributes[name]) for name, value in attributes.items())
            assert attributes["gender"] is not None


def test_every_attribute_shows_in_some_view():
    never = dict.fromkeys(SCHEMA, 0)
    for product in range(300):
        look = sample_look(product, 1, 2)
        seen = [visible(look, view) for view in VIEWS]
        for name, value in look.attributes.items():
            if value is not None and all(attributes[name] is None for attributes in seen):
                never[name] += 1
    hidden = {name for name, count in never.items() if count}
    # sleeves under a jacket, a neckline under a scarf: hidden for good
    assert hidden <= {"sleeves", "neckline"}


def test_an_unknown_view_is_refused():
    with pytest.raises(ValueError, match="unknown view '5_top': expected one of 1_front"):
        visible(a_look(), "5_top")
