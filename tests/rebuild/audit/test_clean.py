"""Cleaning: each reason with known answers, and nothing done to texts that are good."""

import random
from collections import Counter

import pytest

from atelier.describe import describe, describe_background
from atelier.sample import sample_look
from atelier.visible import visible
from lib.config import ConfigError
from rebuild.audit import clean
from rebuild.audit.clean import Cleaning, clean_rows, clean_text, count_alike
from rebuild.audit.cleaning_counts import Tally

PROMPT = "Describe the background of the image, without details of the person's clothing or appearance"
ANY = Cleaning(language=None)
QUOTED = 'A shirt that reads "I am sorry, I cannot see."'
SORRY = "I'm sorry, but I cannot see the image."
DOGS = " ".join(f"There is dog number {n} here." for n in range(30))

CASES = [
    # what, kind, before, after, reasons
    (". The wall behind is plain.", "background", "The wall behind is plain.", [clean.LEADING]),
    ("Answer: A street with trees.", "background", "A street with trees.", [clean.LEADING]),
    ('"A street with trees."', "background", "A street with trees.", [clean.LEADING]),
    ("。背景是一条街道。", "background", "背景是一条街道。", [clean.LEADING]),
    (f"{PROMPT}. It is a street.", "background", "It is a street.", [clean.LEAK]),
    ("USER: Where?\nThe photo shows a park.", "background", "The photo shows a park.", [clean.LEAK]),
    ("A quiet park.</s>", "background", "A quiet park.", [clean.LEAK]),
    (SORRY, "background", "", [clean.REFUSAL]),
    (f"{SORRY} The room is bright.", "background", "The room is bright.", [clean.REFUSAL]),
    ("As an AI language model, I have no eyes.", "garments", "", [clean.REFUSAL]),
    ("对不起，我无法查看图片。", "background", "", [clean.REFUSAL]),
    ("A park in the sun. A park in the sun. Trees are behind.", "background",
     "A park in the sun. Trees are behind.", [clean.REPEAT]),
    ("A man in a hat in a hat in a hat in a hat.", "garments", "A man in a hat.", [clean.REPEAT]),
    ("街道上有树有树有树有树。", "background", "街道上有树。", [clean.REPEAT]),
    ("A street in the city. The man is wearing a red shirt.", "background", "A street in the city.",
     [clean.CLOTHING]),
    ("The background of the image features a white wall, providing a clean backdrop for the man's clothing.",
     "background", "The background of the image features a white wall, providing a clean backdrop.",
     [clean.CLOTHING]),
    ("The background features a chain-link fence and a man wearing beige shorts.", "background",
     "The background features a chain-link fence.", [clean.CLOTHING]),
    ("The background features a gym, with a man wearing a black tank top standing in it.", "background",
     "The background features a gym.", [clean.CLOTHING]),
    ("The background of the image features a man wearing green shorts and a white t-shirt.", "background",
     "", [clean.CLOTHING]),
    ("背景是一条街道，男子穿着衬衫。", "background", "背景是一条街道。", [clean.CLOTHING]),
    ("There is a street with trees. There is also a man with a", "background",
     "There is a street with trees.", [clean.BROKEN]),
    ("the background shows a street with a", "background", "the background shows a street.", [clean.BROKEN]),
    ("A street in the rain", "background", "A street in the rain.", [clean.NO_STOP]),
    ("The wall is white. The person in the image is wearing a white t-shirt. He has a tattoo.", "background",
     "The wall is white.", [clean.CLOTHING]),
    (QUOTED, "garments", QUOTED, []),
    ("La imagen muestra una calle con muchos coches rojos.", "background", "", [clean.LANGUAGE]),
    ("背景是一条街道，有很多树。", "background", "", [clean.LANGUAGE]),
    ("A street.", "background", "", [clean.SHORT]),
    ("   ", "background", "", [clean.EMPTY]),
]  # fmt: skip


@pytest.mark.parametrize(("before", "kind", "after", "reasons"), CASES)
def test_each_reason_mends_or_drops_what_it_should(before, kind, after, reasons):
    chinese = clean.CJK_CHARACTER.search(after or before) and reasons != [clean.LANGUAGE]
    settings = Cleaning(language="zh" if chinese else "en", min_words=3)
    found = clean_text(before, kind, prompt=PROMPT, settings=settings)
    assert (found.text, list(found.reasons)) == (after, reasons)


def test_a_long_text_is_cut_between_sentences_and_an_endless_one_dropped():
    settings, endless = Cleaning(max_words=20), " ".join(f"the{n}" for n in range(100)) + " is."
    found = clean_text(DOGS, "background", settings=settings)
    assert found.text == " ".join(DOGS.split()[:18]) and found.reasons == (clean.LONG,)
    assert clean_text(endless, "background", settings=settings).text == ""


def test_clothes_stay_where_clothes_are_wanted():
    text = "The man wears a red shirt. His trousers are blue."
    assert clean_text(text, "garments") == clean.Cleaned(text)


def test_several_troubles_at_once_are_all_told():
    found = clean_text(
        f". {PROMPT}. A street at night. A street at night. There is a", "background", prompt=PROMPT
    )
    assert found.text == "A street at night."
    assert set(found.reasons) == {clean.LEAK, clean.REPEAT, clean.BROKEN, clean.LEADING}


def test_what_the_atelier_writes_is_clean():
    rng = random.Random(0)
    for product in range(40):
        attributes = visible(sample_look(product, 1, 0), "1_front")
        for kind, text in (
            ("garments", describe(attributes, rng)),
            ("background", describe_background(attributes, rng)),
        ):
            found = clean_text(text, kind, prompt=PROMPT, settings=Cleaning(max_words=120))
            assert found == clean.Cleaned(text)


def test_cleaning_twice_changes_nothing_more():
    for before, kind, *_ in CASES:
        once = clean_text(before, kind, prompt=PROMPT, settings=ANY).text
        assert clean_text(once, kind, prompt=PROMPT, settings=ANY).text == once


@pytest.mark.parametrize(
    "text", ["", ".", "\n\n", "。。。", "(((", "a", "'", "\ud800", "🎩🎩🎩", "<" * 500, ", " * 500]
)
def test_no_text_is_too_odd(text):
    for kind in ("garments", "background"):
        assert clean_text(text, kind, prompt=PROMPT).text == ""


def rows(texts):
    return [
        {"name": f"{n}.jpg", "texts": {"background": text}, "prompts": {"background": PROMPT}, "flags": []}
        for n, text in enumerate(texts)
    ]


def test_rows_lose_dropped_texts_keep_flags_and_are_counted():
    tally = Tally()
    found = list(clean_rows(rows([". A street with trees.", SORRY, "A park with trees."]), tally=tally))
    assert [row["texts"] for row in found] == [
        {"background": "A street with trees."}, {}, {"background": "A park with trees."},
    ]  # fmt: skip
    assert [row["flags"] for row in found] == [
        ["background: leading punctuation"], ["background: refusal"], [],
    ]  # fmt: skip
    assert tally.table() == [
        {"kind": "background", "reason": clean.LEADING, "mended": 1, "dropped": 0, "of": 3},
        {"kind": "background", "reason": clean.REFUSAL, "mended": 0, "dropped": 1, "of": 3},
    ]
    assert tally.examples["background", clean.REFUSAL] == [(SORRY, "")]


def test_texts_that_stand_on_many_pictures_are_found_whatever_their_marks():
    many = rows(["A wall is white.", "a wall is white", "A wall is white!", "A street with trees."])
    alike = count_alike(many)
    assert sorted(alike.values()) == [1, 3] and isinstance(alike, Counter)
    found = list(clean_rows(many, Cleaning(most_alike=2), alike=alike))
    assert [bool(row["texts"]) for row in found] == [False, False, False, True]
    assert f"background: {clean.ALIKE}" in found[0]["flags"]
    assert all(row["texts"] for row in clean_rows(many, Cleaning(most_alike=3), alike=alike))


@pytest.mark.parametrize("wrong", [{"min_words": 0}, {"max_words": 1}, {"language": "fr"}, {"leak_words": 0}])
def test_wrong_settings_are_named(wrong):
    with pytest.raises(ConfigError, match="cleaning"):
        Cleaning(**wrong)
