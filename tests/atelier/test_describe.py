"""Descriptions are true, correct English, varied, and the same for a seed."""

import random
import re
from collections import Counter

import pytest
from imagined_attributes import imagine_attributes

from atelier import lexicon
from atelier.describe import describe, describe_background, describe_many, describe_with_statement
from atelier.parse import parse
from atelier.sample import sample_look
from atelier.visible import visible
from atelier.wardrobe import ACCESSORIES, CORE, SCHEMA, VIEWS

NOTHING = dict.fromkeys(SCHEMA)
OUTFIT = NOTHING | {
    "gender": "woman", "upper": "shirt", "sleeves": "long", "neckline": "lapel", "upper_fabric": "cotton",
    "upper_pattern": "striped", "upper_color": "orange", "lower": "trousers", "lower_length": "long",
    "lower_fabric": "denim", "lower_pattern": "solid", "lower_color": "blue", "hat": "cap", "ring": "ring",
    "background": "park",
}  # fmt: skip
PLURAL = "trousers|pants|jeans|shorts|leggings"
SINGULAR = (
    "shirt|t-shirt|tee|top|sweater|pullover|hoodie|sweatshirt|dress|skirt|jacket|coat|overcoat|cardigan"
)
ADJECTIVE = "|".join(
    adjective for slot in lexicon.ADJECTIVES.values() for forms in slot.values() for adjective in forms
)
MISTAKES = {
    "a before a vowel": r"\ba [aeiou]",
    "an before a consonant": r"\ban [^aeiou]",
    "an article before a plural": rf"\ban? (?:(?:{ADJECTIVE}) )*(?:{PLURAL}|socks|glasses|stripes|lapels)\b",
    "no article before a singular": rf"\b(?:wears|wearing|in|with|is) (?:(?:{ADJECTIVE}) )*(?:{SINGULAR})\b",
    "a plural with a singular verb": rf"\b(?:{PLURAL}|they) (?:is|has)\b",
    "a singular with a plural verb": rf"\b(?:{SINGULAR}|it|she|he|person) (?:are|have)\b",
    "an adjective that cannot follow its verb": r"\b(?:is|are) (?:solid|graphic|[\w-]+-neck)\b",
    "a word twice": r"\b([\w-]+) \1\b",
    "traces of the machine": r"None|[{}_]|  | [.,]|\.\.",
}


@pytest.fixture(scope="module")
def told():
    """10,000 imagined wardrobes, each with its description."""
    rng = random.Random(1)
    wardrobes = [imagine_attributes(rng) for _ in range(10_000)]
    return [(attributes, describe_with_statement(attributes, rng)) for attributes in wardrobes]


@pytest.fixture(scope="module")
def seen():
    """What 3,000 pictures of the atelier show, each with a description."""
    rng = random.Random(2)
    pictures = [visible(sample_look(product, 0, 0), rng.choice(VIEWS)) for product in range(3_000)]
    return [(attributes, describe(attributes, rng)) for attributes in pictures]


def test_every_visible_core_attribute_is_stated_and_nothing_else(told):
    for attributes, description in told:
        shown = {name: value for name, value in attributes.items() if value is not None}
        assert description.stated.items() <= shown.items()
        assert {name for name in CORE if attributes[name]} <= description.stated.keys()
        assert "background" not in description.stated


@pytest.mark.parametrize("mistake", MISTAKES)
def test_english_is_correct(told, mistake):
    wrong = re.compile(MISTAKES[mistake], re.IGNORECASE if "machine" not in mistake else 0)
    assert [d.text for _, d in told if wrong.search(d.text)][:3] == []


@pytest.mark.parametrize(
    ("mistake", "planted"),
    [
        ("a before a vowel", "She wears a orange shirt."),
        ("an before a consonant", "She wears an blue shirt."),
        ("an article before a plural", "She wears a long blue trousers."),
        ("no article before a singular", "She is wearing red striped skirt."),
        ("a plural with a singular verb", "The jeans is blue."),
        ("a singular with a plural verb", "Her dress have stripes."),
        ("an adjective that cannot follow its verb", "It is v-neck."),
        ("a word twice", "It is made made of cotton."),
        ("traces of the machine", "She wears {wear}."),
    ],
)
def test_the_checks_of_english_find_a_planted_mistake(mistake, planted):
    assert re.search(MISTAKES[mistake], planted, re.IGNORECASE)


def test_sentences_begin_with_a_capital_and_end_with_a_full_stop(told):
    for _, description in told:
        assert all(
            re.fullmatch(r"[A-Z][^.]+", part) for part in description.text.removesuffix(".").split(". ")
        )


def test_pronouns_follow_the_gender(told):
    for attributes, description in told:
        words = set(re.findall(r"[a-z]+", description.text.lower()))
        hers, his = words & {"she", "her", "woman", "lady"}, words & {"he", "his", "man", "gentleman"}
        assert bool(hers) == (attributes["gender"] == "woman")
        assert bool(his) == (attributes["gender"] == "man")


def test_an_accessory_is_left_out_at_most_once_in_ten(told):
    present, left_out = Counter(), Counter()
    for attributes, description in told:
        for name in ACCESSORIES:
            present[name] += attributes[name] is not None
            left_out[name] += attributes[name] is not None and name not in description.stated
    assert all(0.05 < left_out[name] / present[name] <= 0.1 for name in ACCESSORIES)


def test_omission_can_be_chosen():
    rng = random.Random(3)
    for _ in range(50):
        assert {"hat", "ring"} <= describe_with_statement(OUTFIT, rng, omit=0).stated.keys()
        assert not {"hat", "ring"} & describe_with_statement(OUTFIT, rng, omit=1).stated.keys()


def test_the_place_is_told_only_when_asked_for():
    rng = random.Random(4)
    for _ in range(50):
        assert "background" not in parse(describe(OUTFIT, rng)).attributes
        assert parse(describe(OUTFIT, rng, scene=True)).attributes["background"] == "park"


@pytest.mark.parametrize("place", SCHEMA["background"])
def test_a_place_alone_says_nothing_of_the_person(place):
    rng = random.Random(5)
    for _ in range(30):
        assert parse(describe_background(NOTHING | {"background": place}, rng)).attributes == {
            "background": place
        }


def test_an_unseen_place_is_not_described():
    assert describe_background(NOTHING, random.Random(6)) == ""
    assert "background" not in describe_with_statement(NOTHING, random.Random(6), scene=True).stated


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, {"This is a person.", "The picture shows this person."}),
        ({"gender": "man"}, {"This is a man.", "The picture shows the gentleman."}),
        ({"gender": "woman", "socks": "socks"}, {"A woman wears socks.", "The lady wears a pair of socks."}),
        ({"upper_color": "red"}, {"A person is wearing a red top.", "The person's top is red."}),
        ({"lower": "skirt"}, {"A person wears a skirt."}),
        ({"upper": "dress", "lower_length": "medium"}, {"A person wears a knee-length dress."}),
        ({"lower": "trousers", "lower_fabric": "denim"}, {"The person is dressed in a pair of jeans."}),
    ],
)
def test_little_that_is_visible_reads_well(attributes, expected):
    rng = random.Random(7)
    assert expected <= {describe(NOTHING | attributes, rng, omit=0) for _ in range(600)}


def test_many_descriptions_differ_and_repeat_for_a_seed():
    captions = describe_many(OUTFIT, 8, 50)
    assert captions == describe_many(OUTFIT, 8, 50) != describe_many(OUTFIT, 9, 50)
    assert len(set(captions)) == 50


def test_many_descriptions_of_little_repeat_rather_than_fail():
    captions = describe_many(NOTHING, 10, 12)
    assert len(captions) == 12
    assert len(set(captions)) == 6  # three determiners, two shapes


def test_captions_of_the_atelier_are_of_learnable_size(seen):
    captions = [caption for _, caption in seen]
    vocabulary = {word for caption in captions for word in re.findall(r"[\w'-]+", caption.lower())}
    assert 150 <= len(vocabulary) <= 400
    assert len(set(captions)) / len(captions) > 0.99


def test_a_full_outfit_takes_25_to_50_words(seen):
    lengths = [
        len(caption.split())
        for attributes, caption in seen
        if attributes["upper"]
        and (attributes["lower"] or attributes["upper"] == "dress")
        and attributes["lower_length"]
    ]
    assert 30 <= sum(lengths) / len(lengths) <= 45
    assert sum(25 <= length <= 50 for length in lengths) / len(lengths) > 0.85


def test_every_word_of_the_lexicon_is_used(told):
    said = " ".join(description.text.lower() for _, description in told)
    tables = (lexicon.NOUNS, lexicon.ADJECTIVES, lexicon.FEATURES, lexicon.ACCESSORY_WORDS)
    phrases = {p for table in tables for slot in table.values() for forms in slot.values() for p in forms}
    assert {phrase for phrase in phrases if phrase not in said} == set()
