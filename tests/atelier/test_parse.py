"""The parser reads every caption of the grammar exactly, and anything else without guessing."""

import json
import random
import time

import pytest
from absent import DATA, need
from imagined_attributes import imagine_attributes
from nltk import TreebankWordTokenizer

from atelier import lexicon, synonyms
from atelier.describe import describe, describe_with_statement
from atelier.parse import parse
from atelier.wardrobe import SCHEMA

REAL = DATA / "deepfashion_text" / "test_captions.json"


@pytest.fixture(scope="module")
def told():
    """10,000 descriptions with what they state, half of them with the place."""
    rng = random.Random(11)
    return [describe_with_statement(imagine_attributes(rng), rng, scene=i % 2 == 0) for i in range(10_000)]


def as_written(text: str) -> str:
    return text


def as_tokens(text: str) -> str:
    """As a caption model gives it back."""
    return " ".join(TreebankWordTokenizer().tokenize(text.lower()))


def as_words(text: str) -> str:
    """As a vocabulary without punctuation gives it back."""
    return text.lower().replace(".", "").replace(",", "").replace("'s", "")


@pytest.mark.parametrize("form", [as_written, as_tokens, as_words])
def test_captions_of_the_grammar_parse_to_exactly_what_they_state(told, form):
    for description in told:
        parsed = parse(form(description.text))
        assert parsed.attributes == description.stated, description.text
        assert not parsed.unknown + parsed.unplaced
        assert not parsed.conflicts


def test_a_caption_that_breaks_off_states_nothing_false(told):
    for description in told[:500]:
        words = description.text.split()
        for end in range(len(words)):
            parsed = parse(" ".join(words[:end]))
            assert parsed.attributes.items() <= description.stated.items(), words[:end]
            assert not parsed.conflicts


@pytest.mark.parametrize(
    ("caption", "attributes"),
    [
        ("a red cotton shirt", {"upper": "shirt", "upper_color": "red", "upper_fabric": "cotton"}),
        (
            "She wears a red shirt and blue jeans.",
            {"gender": "woman", "upper": "shirt", "upper_color": "red", "lower": "trousers",
             "lower_fabric": "denim", "lower_color": "blue"},
        ),
        (
            "A black coat over a striped dress. It is made of chiffon and knee-length.",
            {"outer": "coat", "outer_color": "black", "upper": "dress", "upper_pattern": "striped",
             "upper_fabric": "chiffon", "lower_length": "medium"},
        ),
        (
            "His t - shirt has a v-shape neckline , graphic patterns and short sleeves .",
            {"gender": "man", "upper": "t-shirt", "neckline": "v-shape", "upper_pattern": "graphic",
             "sleeves": "short"},
        ),
        (
            "The upper clothing has long sleeves. The lower clothing is of three-point length. It is denim.",
            {"sleeves": "long", "lower_length": "three-point", "lower_fabric": "denim"},
        ),
        (
            "with no sleeves and no pattern, the tank top has thin straps",
            {"upper": "tank top", "neckline": "suspenders"},
        ),
        (
            "the tank top has straps, no pattern and no sleeves",
            {
                "upper": "tank top",
                "neckline": "suspenders",
                "upper_pattern": "solid",
                "sleeves": "sleeveless",
            },
        ),
        ("a grey jumper with a crew neck", {"upper": "sweater", "upper_color": "gray", "neckline": "round"}),
        ("a crew-neck knit sweater", {"upper": "sweater", "upper_fabric": "knitted", "neckline": "round"}),
        ("a baseball cap, dark sunglasses and a wristwatch",
         {"hat": "cap", "glasses": "sunglasses", "wrist": "watch"}),
        ("", {}),
    ],
)  # fmt: skip
def test_known_answers(caption, attributes):
    assert parse(caption).attributes == attributes


def test_contradictions_are_reported_and_not_guessed():
    parsed = parse("A woman wears a red shirt. His shirt is blue and made of cotton.")
    assert parsed.attributes == {"upper": "shirt", "upper_fabric": "cotton"}
    assert parsed.conflicts == {"gender": ("woman", "man"), "upper_color": ("red", "blue")}
    assert parse("in the woods, in the snow").conflicts == {"background": ("forest", "snow")}


def test_a_repeated_statement_is_one_statement():
    assert parse("a red red shirt . a red shirt .").attributes == {"upper": "shirt", "upper_color": "red"}


def test_unknown_words_are_reported_once_and_change_nothing():
    parsed = parse("A woman wears a red silky shirt and a silky <unk> zorgon.")
    assert parsed.unknown == ("silky", "<unk>", "zorgon")
    assert parsed.attributes == {"gender": "woman", "upper": "shirt", "upper_color": "red"}


@pytest.mark.parametrize(
    ("caption", "unplaced", "attributes"),
    [
        ("a shirt and a red scarf", ("red",), {"upper": "shirt", "neckwear": "scarf"}),
        ("trousers with long sleeves", ("long sleeves",), {"lower": "trousers"}),
        ("it is blue", ("blue",), {}),
        ("a shirt and a pair of very short blue", ("very short", "blue"), {"upper": "shirt"}),
        ("a shirt but no belt", ("no belt",), {"upper": "shirt"}),
        ("the shirt is not red or striped. It is made of denim",
         ("no red", "no striped"), {"upper": "shirt", "upper_fabric": "denim"}),
        ("a man without a black cap. He wears a tie",
         ("no black", "no cap"), {"gender": "man", "neckwear": "tie"}),
    ],
)  # fmt: skip
def test_what_has_no_place_is_reported(caption, unplaced, attributes):
    parsed = parse(caption)
    assert (parsed.unplaced, parsed.attributes) == (unplaced, attributes)


@pytest.mark.parametrize("table", [lexicon.ADJECTIVES, synonyms.ADJECTIVES], ids=["said", "heard"])
def test_every_adjective_is_read_before_every_garment_that_can_have_it(table):
    nouns = {"upper": "shirt", "lower": "skirt", "outer": "coat"}
    for part, slots in lexicon.GARMENTS.items():
        for slot, attribute in slots.items():
            for value, forms in table.get(slot, {}).items():
                for form in forms:
                    assert parse(f"a {form} {nouns[part]}").attributes[attribute] == value, form


@pytest.mark.parametrize("table", [lexicon.FEATURES, synonyms.FEATURES], ids=["said", "heard"])
def test_every_feature_is_read_behind_every_garment_that_can_have_it(table):
    for part, noun in (("upper", "shirt"), ("lower", "skirt"), ("outer", "coat")):
        for slot, attribute in lexicon.GARMENTS[part].items():
            for value, forms in table.get(slot, {}).items():
                for form in forms:
                    assert parse(f"the {noun} has {form}").attributes[attribute] == value, form


def test_every_noun_is_read():
    people, places = {"gender": synonyms.PEOPLE}, {"background": synonyms.PLACES}
    tables = (lexicon.NOUNS, synonyms.NOUNS, lexicon.ACCESSORY_WORDS, synonyms.ACCESSORIES, people, places)
    for table in tables:
        for attribute, values in table.items():
            for value, forms in values.items():
                assert all(parse(form).attributes == {attribute: value} for form in forms), value


def test_any_soup_of_words_is_read_without_an_error():
    rng = random.Random(12)
    words = as_tokens("A no red long short knit v-neck of and, is the jeans shirt coat she ring his.").split()
    for _ in range(3_000):
        parsed = parse(" ".join(rng.choices(words, k=25)))
        assert parsed.attributes.keys() | parsed.conflicts.keys() <= SCHEMA.keys()
        assert not parsed.attributes.keys() & parsed.conflicts.keys()
        assert all(len(values) > 1 for values in parsed.conflicts.values())


@pytest.mark.parametrize("text", ["!?;", "\n\t", "她穿着红色的衬衫", "1 2 3", "-" * 50, "''’“”"])
def test_text_without_a_known_word_states_nothing(text):
    assert parse(text).attributes == {}


def test_real_captions_are_read():
    parsed = [parse(caption) for caption in json.loads(need(REAL).read_text()).values()]
    unknown = {word for p in parsed for word in p.unknown}
    assert unknown <= {"accessory", "neckwear", "hat", "other", "shoes", "complicated", "mixed"}
    assert not any(p.unplaced for p in parsed)
    assert sum(len(p.attributes) for p in parsed) / len(parsed) > 8
    assert {name for p in parsed for name in p.conflicts} <= {
        "gender",
        "lower",
    }  # "in his her neck", leggings


def test_160_captions_take_a_few_milliseconds():
    rng = random.Random(13)
    captions = [as_tokens(describe(imagine_attributes(rng), rng)) for _ in range(160)]
    durations = []
    for _ in range(10):
        start = time.process_time()
        for caption in captions:
            parse(caption)
        durations.append(time.process_time() - start)
    assert min(durations) < 0.032  # 5,000 captions a second
