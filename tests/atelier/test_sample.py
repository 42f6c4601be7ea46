"""Sampling: equal seeds give equal looks, products keep their cut, every value is frequent enough."""

from collections import Counter

import pytest

from atelier.sample import blend, picture_name, sample_look
from atelier.visible import visible
from atelier.wardrobe import SCHEMA, VIEWS
from lib.data.formats import parse_name

CUT = ("gender", "upper", "sleeves", "neckline", "lower", "lower_length", "outer")


@pytest.fixture(scope="module")
def looks():
    return [sample_look(product, 1, 7) for product in range(3000)]


def test_equal_arguments_give_equal_looks_and_seeds_differ():
    assert sample_look(12, 3, 5) == sample_look(12, 3, 5)
    assert len({tuple(sample_look(12, 1, seed).attributes.values()) for seed in range(40)}) > 30


def test_a_product_keeps_person_and_cut_while_outfits_change_colours():
    for product in range(60):
        outfits = [sample_look(product, outfit, 1) for outfit in range(1, 6)]
        assert len({look.body_seed for look in outfits}) == 1
        assert len({tuple(look.attributes[name] for name in CUT) for look in outfits}) == 1
        assert len({look.attributes["upper_color"] for look in outfits}) > 1


def test_attributes_follow_the_schema(looks):
    for look in looks:
        assert list(look.attributes) == list(SCHEMA)
        assert all(value is None or value in SCHEMA[name] for name, value in look.attributes.items())


def test_garments_depend_on_each_other_as_in_a_shop(looks):
    for attributes in (look.attributes for look in looks):
        woman = attributes["gender"] == "woman"
        assert (attributes["upper"] == "dress") == (attributes["lower"] is None)
        assert woman or attributes["upper"] != "dress"
        assert woman or attributes["lower"] != "skirt"
        if attributes["neckline"] == "suspenders":
            assert (
                woman
                and attributes["sleeves"] == "sleeveless"
                and attributes["upper"] in ("tank top", "dress")
            )
        if attributes["neckwear"] == "tie":
            assert attributes["upper"] == "shirt" and attributes["neckline"] == "lapel"
        if attributes["belt"]:
            assert attributes["lower"] in ("trousers", "shorts", "skirt")
            assert attributes["upper"] in ("t-shirt", "tank top", "shirt")
        if attributes["socks"]:
            assert attributes["lower_length"] != "long"
        if attributes["upper"] == "hoodie":
            assert attributes["neckline"] is None
        if attributes["upper_fabric"] == "denim":
            assert attributes["upper_pattern"] in ("solid", "color block")
        for part in ("upper", "lower", "outer"):
            cloth = [attributes[f"{part}_{kind}"] is None for kind in ("fabric", "pattern", "color")]
            assert cloth == [attributes[part] is None] * 3
        worn = [attributes[f"{part}_color"] for part in ("upper", "lower", "outer") if attributes[part]]
        assert len(set(worn)) == len(worn)


def test_every_value_is_frequent_enough_to_learn_and_none_is_a_safe_guess(looks):
    counts = {name: Counter() for name in SCHEMA}
    for look in looks:
        for view in VIEWS:
            for name, value in visible(look, view).items():
                counts[name][value] += 1
    pictures = len(looks) * len(VIEWS)
    for name, values in SCHEMA.items():
        shown = pictures - counts[name][None]
        for value in values:
            assert counts[name][value] / shown >= 0.02, f"{name}={value} is too rare"
            assert counts[name][value] / pictures <= 0.85, f"{name}={value} is too common"


def test_picture_names_read_back():
    for product in range(200):
        look = sample_look(product, product % 9 + 1, 3)
        for view in VIEWS:
            told = parse_name(picture_name(look, view))
            assert (int(told.product), told.outfit_number, told.view) == (look.product, look.outfit, view)
            assert told.gender == {"woman": "WOMEN", "man": "MEN"}[look.attributes["gender"]]


def test_all_pictures_of_a_product_share_a_category():
    for product in range(300):
        names = [picture_name(sample_look(product, outfit, 3), "4_full") for outfit in (1, 2, 3)]
        assert len({parse_name(name).category for name in names}) == 1


def test_blend_separates_neighbours():
    assert len({blend(a, b) for a in range(50) for b in range(50)}) == 2500
    assert blend(1, 2) != blend(2, 1)
