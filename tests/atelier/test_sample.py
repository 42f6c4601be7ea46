"""Sampling: equal seeds give equal looks, products keep their cut, every value is frequent enough."""

from collections import Counter

import pytest

from lib.atelier.sample import blend, parse_picture_name, picture_name, sample_look
from lib.atelier.visible import visible
from lib.atelier.wardrobe import SCHEMA, VIEWS

CUT = ("gender", "upper", "sleeves", "neckline", "lower", "lower_length", "outer")


@pytest.fixture(scope="module")
def looks():
    return [sample_look(product, 1, 7) for product in range(3000)]


def test_equal_arguments_give_equal_looks_and_seeds_differ():
    assert sample_look(12, 3, 5) == sample_look(12, 3, 5)
    assert len({tuple(sample_look(12, 1, seed).facts.values()) for seed in range(40)}) > 30


def test_a_product_keeps_person_and_cut_while_outfits_change_colours():
    for product in range(60):
        outfits = [sample_look(product, outfit, 1) for outfit in range(1, 6)]
        assert len({look.body_seed for look in outfits}) == 1
        assert len({tuple(look.facts[name] for name in CUT) for look in outfits}) == 1
        assert len({look.facts["upper_color"] for look in outfits}) > 1


def test_facts_follow_the_schema(looks):
    for look in looks:
        assert list(look.facts) == list(SCHEMA)
        assert all(value is None or value in SCHEMA[name] for name, value in look.facts.items())


def test_garments_depend_on_each_other_as_in_a_shop(looks):
    for facts in (look.facts for look in looks):
        woman = facts["gender"] == "woman"
        assert (facts["upper"] == "dress") == (facts["lower"] is None)
        assert woman or facts["upper"] != "dress"
        assert woman or facts["lower"] != "skirt"
        if facts["neckline"] == "suspenders":
            assert woman and facts["sleeves"] == "sleeveless" and facts["upper"] in ("tank top", "dress")
        if facts["neckwear"] == "tie":
            assert facts["upper"] == "shirt" and facts["neckline"] == "lapel"
        if facts["belt"]:
            assert facts["lower"] in ("trousers", "shorts", "skirt")
            assert facts["upper"] in ("t-shirt", "tank top", "shirt")
        if facts["socks"]:
            assert facts["lower_length"] != "long"
        if facts["upper"] == "hoodie":
            assert facts["neckline"] is None
        if facts["upper_fabric"] == "denim":
            assert facts["upper_pattern"] in ("solid", "color block")
        for part in ("upper", "lower", "outer"):
            cloth = [facts[f"{part}_{kind}"] is None for kind in ("fabric", "pattern", "color")]
            assert cloth == [facts[part] is None] * 3
        worn = [facts[f"{part}_color"] for part in ("upper", "lower", "outer") if facts[part]]
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
            told = parse_picture_name(picture_name(look, view))
            assert (told.product, told.outfit, told.view) == (look.product, look.outfit, view)
            assert told.gender == look.facts["gender"]


def test_all_pictures_of_a_product_share_a_category():
    for product in range(300):
        names = [picture_name(sample_look(product, outfit, 3), "4_full") for outfit in (1, 2, 3)]
        assert len({parse_picture_name(name).category for name in names}) == 1


def test_names_of_the_real_dataset_are_understood():
    told = parse_picture_name("WOMEN-Rompers_Jumpsuits-id_00004968-01_2_side.jpg")
    assert (told.gender, told.category, told.product, told.outfit, told.view) == (
        "woman", "Rompers_Jumpsuits", 4968, 1, "2_side",
    )  # fmt: skip


def test_a_foreign_name_gets_one_clear_line():
    with pytest.raises(ValueError, match=r"'holiday\.jpg' is not GENDER-Category"):
        parse_picture_name("holiday.jpg")


def test_blend_separates_neighbours():
    assert len({blend(a, b) for a in range(50) for b in range(50)}) == 2500
    assert blend(1, 2) != blend(2, 1)
