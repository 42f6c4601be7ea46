"""Moods tell the truth in other words: read back whole, and at least half of the words are their own."""

import random
import re
import statistics

import pytest
from imagined_attributes import imagine_attributes

from atelier.describe import describe, describe_many
from atelier.lexicon import COLORS
from atelier.moods import MOODS, MoodError, describe_mood, describe_moods, words
from atelier.parse import parse, split_words
from atelier.sample import sample_look
from atelier.synonyms import DENIALS
from atelier.visible import visible
from atelier.wardrobe import ACCESSORIES, CORE, SCHEMA, VIEWS
from atelier.world import WARDROBE, WorldError
from lib.data.text import detokenize, tokenize
from lib.score.attributes import attribute_f1

PICTURES = [visible(sample_look(product, 1, 0), VIEWS[product % 5]) for product in range(200)]
IMAGINED = [imagine_attributes(random.Random(seed)) for seed in range(300)]
PLAIN = [describe_many(attributes, seed, 1)[0] for seed, attributes in enumerate(PICTURES)]


def words_of(text):
    return [token for token in tokenize(text) if token[0].isalpha()]


def facts(attributes, names=(*CORE, *ACCESSORIES)):
    return {name: attributes[name] for name in names if attributes[name] is not None}


@pytest.fixture(params=MOODS)
def mood(request):
    return request.param


@pytest.fixture
def told(mood):
    return [describe_moods(attributes, mood, seed, 1)[0] for seed, attributes in enumerate(PICTURES)]


def test_all_that_is_visible_is_told_and_read_back_and_nothing_else(mood):
    rng = random.Random(1)
    for attributes in (*PICTURES, *IMAGINED):
        text = describe_mood(attributes, mood, rng, omit=0)
        read = WARDROBE.in_words("en", mood).parse(text)
        assert read.attributes == facts(attributes), text
        assert (read.conflicts, read.unplaced, read.unknown) == ({}, (), ()), text


def test_each_value_is_told_so_that_no_other_is_read(mood):
    """One colour more or less: the texts of two pictures that differ in one fact are read as different."""
    base = dict.fromkeys(SCHEMA) | {"gender": "man", "upper": "shirt"}
    texts = {c: describe_mood(base | {"upper_color": c}, mood, random.Random(0)) for c in COLORS}
    assert len(set(texts.values())) == len(COLORS)
    assert {
        c: WARDROBE.in_words("en", mood).parse(text).attributes["upper_color"] for c, text in texts.items()
    } == {c: c for c in COLORS}


def test_accessories_are_left_out_as_in_plain_captions(mood):
    rng = random.Random(2)
    dressed = [a for a in IMAGINED if len(facts(a, ACCESSORIES)) > 2]
    for attributes in dressed:
        read = WARDROBE.in_words("en", mood).parse(describe_mood(attributes, mood, rng, omit=1))
        assert read.attributes == facts(attributes, CORE)
    usual = [WARDROBE.in_words("en", mood).parse(describe_mood(a, mood, rng)).attributes for a in dressed * 4]
    kept = sum(len(facts(dict.fromkeys(SCHEMA) | read, ACCESSORIES)) for read in usual)
    assert 0.88 < kept / sum(len(facts(a, ACCESSORIES)) for a in dressed * 4) < 0.96


def test_half_of_the_words_are_not_in_the_plain_caption_of_the_same_seed(told):
    shares = [
        len({*words_of(text)} - {*words_of(plain)}) / len({*words_of(text)})
        for text, plain in zip(told, PLAIN, strict=True)
    ]
    assert statistics.median(shares) >= 0.5


def test_no_mood_is_a_plain_caption_with_something_put_around_it(told):
    for text, plain in zip(told, PLAIN, strict=True):
        own, said = words_of(text), words_of(plain)
        runs = {tuple(said[at : at + 5]) for at in range(len(said) - 4)}
        assert not runs & {tuple(own[at : at + 5]) for at in range(len(own) - 4)}, (text, plain)


def test_the_first_words_differ_from_text_to_text(told):
    assert len({tuple(words_of(text)[:3]) for text in told}) >= 8


def test_a_learner_can_model_it(mood, told):
    plain = {word for caption in PLAIN for word in words_of(caption)}
    assert len({word for text in told for word in words_of(text)} - plain) <= 150
    length = statistics.median(len(tokenize(text)) for text in told)
    usual = statistics.median(len(tokenize(text)) for text in PLAIN)
    assert length < 0.7 * usual if mood == "terse" else 0.9 * usual < length < 1.4 * usual


def test_as_a_model_writes_it_the_text_is_read_the_same(mood, told):
    for text in told:
        read = WARDROBE.in_words("en", mood).parse(text)
        assert WARDROBE.in_words("en", mood).parse(" ".join(tokenize(text))) == read
        assert WARDROBE.in_words("en", mood).parse(detokenize(tokenize(text))) == read


def test_plain_captions_are_read_in_every_mood_as_ever(mood):
    rng = random.Random(3)
    for attributes in (*PICTURES, *IMAGINED):
        text = describe(attributes, rng, scene=True)
        assert WARDROBE.in_words("en", mood).parse(text) == parse(text)


def test_words_that_no_mood_knows_are_unknown():
    assert WARDROBE.in_words("en", "cheerful").parse(
        "Wow, look at this gal rocking a frumious tee!"
    ).unknown == ("frumious",)
    assert WARDROBE.parse("Wow, look at this gal rocking a tee!").unknown != ()


def test_a_caption_in_a_mood_scores_in_the_world_of_that_mood(mood, told):
    texts = [describe_mood(a, mood, random.Random(4), omit=0) for a in PICTURES]
    assert attribute_f1(texts, PICTURES, WARDROBE.in_words("en", mood)).f1 == 1.0
    assert attribute_f1(texts, PICTURES, WARDROBE).f1 < 0.8
    with pytest.raises(
        WorldError, match=r"no words for en gloomy in this world; known: en plain, en cheerful"
    ):
        WARDROBE.in_words("en", "gloomy")


def test_equal_seeds_give_equal_texts_that_differ_among_each_other(mood):
    for seed, attributes in enumerate(PICTURES[:20]):
        texts = describe_moods(attributes, mood, seed, 3)
        assert texts == describe_moods(attributes, mood, seed, 3)
        assert len(set(texts)) == 3


def test_where_no_more_wordings_exist_they_repeat(mood):
    texts = describe_moods(dict.fromkeys(SCHEMA), mood, 0, 9)
    assert len(texts) == 9 > len(set(texts))


MISTAKES = (
    r"\ba [aeiou]|\ban [^aeiou]|\ban? (?:[\w-]+ )*?(?:slacks|jeans|tights|shorties|breeches|leg-wraps)\b"
)
MISTAKES += r"|[{}_|/]|None|  | [.,!?]|\.\.|(?:^|[.!?] )[a-z]|\b([\w-]+) \1\b"


def test_english_is_correct(mood):
    rng = random.Random(5)
    texts = [describe_mood(attributes, mood, rng) for attributes in (*PICTURES, *IMAGINED)]
    assert [text for text in texts if re.search(MISTAKES, text)][:3] == []
    assert re.search(MISTAKES, "He found a inky coat.")
    assert re.search(MISTAKES, "We see a simple red slacks.")


def test_no_phrase_means_two_things_and_no_sentence_denies(mood):
    own = [split_words(phrase) for phrases in MOODS[mood].said.values() for phrase in phrases]
    assert len(own) == len(set(own))
    shapes = " ".join(shape for kind in words.SHAPES[mood].values() for shape in kind)
    assert not {*DENIALS} & {*split_words(shapes)}


def test_an_unknown_mood_is_refused_with_the_nearest():
    with pytest.raises(MoodError, match=r"no mood 'chearful'; known: .*; did you mean 'cheerful'\?"):
        describe_mood(PICTURES[0], "chearful", random.Random(0))
