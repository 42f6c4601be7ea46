"""Mood: one way of telling what is visible. Its words are put back into plain ones before they are read."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches

from atelier import lexicon
from atelier.describe import OMIT, ORDERS, TRIES
from atelier.moods import words
from atelier.parse import INDEX, Parsed, Phrase, parse, split_words
from atelier.phrase import Garment, join, lay_out
from atelier.wardrobe import ACCESSORIES, CORE, Attributes

BEFORE = ("length", "pattern", "color", "fabric")  # adjectives in the order in which they stand
BEHIND = ("color", "length", "pattern", "fabric", "sleeves", "neckline")
MOST_BEFORE = 3  # adjectives before a noun, where something can be told behind it as well
MOST_THINGS = 4  # accessories in one sentence
MOST_BEHIND = 2  # features in the garment's own sentence, the others wait for the next


class MoodError(ValueError):
    """A mood that nobody is in."""


class Mood:
    """The words of one mood, and the sentences that they stand in."""

    def __init__(self, name: str):
        self.name, self.shapes, self.link = name, words.SHAPES[name], words.LINKS[name]
        self.said = dict(read_column(words.COLUMNS.index(name)))  # plain phrase -> phrases of the mood
        self.meant = (
            self.invert()
        )  # first word -> what may follow it, and the plain words for all, longest first
        fixed = (re.sub(r"{\w+}", " ", shape) for shapes in self.shapes.values() for shape in shapes)
        self.idle = {word for shape in fixed for word in split_words(shape) if not is_plain(word)}

    def invert(self) -> dict[str, list[tuple[Phrase, Phrase]]]:
        """First word -> the phrases that begin with it and what they mean, the longest first."""
        pairs = {split_words(own): split_words(plain) for plain, owns in self.said.items() for own in owns}
        meant: dict[str, list[tuple[Phrase, Phrase]]] = {}
        for own in sorted(pairs, key=len, reverse=True):
            meant.setdefault(own[0], []).append((own, pairs[own]))
        return meant

    def tell(self, attributes: Attributes, chance: random.Random, *, omit: float = OMIT) -> str:
        """A truthful caption of what is visible; each accessory is left out with probability `omit`."""
        told = {*CORE, *(name for name in ACCESSORIES if chance.random() >= omit)}
        stated = {name: value for name, value in attributes.items() if name in told and value is not None}
        text = " ".join(MoodText(self, stated, chance).sentences())
        return re.sub(r"(?:^|(?<=[.!?] ))[a-z]", lambda first: first[0].upper(), text)

    def read(self, text: str) -> Parsed:
        """What a text states; words of the mood and plain ones may stand side by side."""
        tokens, plain, place = split_words(text), [], 0
        while place < len(tokens):
            own, meaning = self.longest(tokens, place)
            plain += meaning
            place += len(own)
        parsed = parse(" ".join(plain))
        return replace(parsed, unknown=tuple(word for word in parsed.unknown if word not in self.idle))

    def longest(self, tokens: Phrase, place: int) -> tuple[Phrase, Phrase]:
        """The longest phrase of the mood that stands here, and its meaning; any other word means itself."""
        for own, plain in self.meant.get(tokens[place], ()):
            if tokens[place : place + len(own)] == own:
                return own, plain
        return tokens[place : place + 1], tokens[place : place + 1]


def read_column(column: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The rows in which a mood has words: the plain phrase, and the mood's own."""
    for table in (
        words.PEOPLE,
        words.GARMENTS,
        words.ADJECTIVES,
        words.FEATURES,
        words.CUT,
        words.ACCESSORIES,
    ):
        for row in table.strip().splitlines():
            plain, *cells = (cell.strip() for cell in row.split("|"))
            if cells[column]:
                yield plain, tuple(cells[column].split(" / "))


def is_plain(word: str) -> bool:
    """Whether the plain parser takes a word by itself."""
    return any(not rest for rest, _ in INDEX.get(word, ()))


class MoodText:
    """One caption in the making."""

    def __init__(self, mood: Mood, stated: dict[str, str], chance: random.Random):
        self.mood, self.stated, self.chance = mood, stated, chance

    def sentences(self) -> Iterator[str]:
        """The person in the first garment, the other garments, and what else is worn."""
        person = self.own(lexicon.PEOPLE[self.stated.get("gender")][0])
        laid_out = (lay_out(self.stated, part, self.chance) for part in self.chance.choice(ORDERS))
        garments = [garment for garment in laid_out if garment]
        for number, garment in enumerate(garments):
            yield self.shape(
                garment.part if number else "first", person=person, wear=self.noun_phrase(garment)
            )
            if garment.untold:
                yield self.shape("more", has=self.listed(self.take_features(garment)))
        if not garments:
            yield self.shape("alone", person=person)
        worn = [(name, self.stated[name]) for name in ACCESSORIES if name in self.stated]
        things = [self.own(lexicon.ACCESSORY_WORDS[name][value][0]) for name, value in worn]
        self.chance.shuffle(things)
        for some in filter(None, (things[:MOST_THINGS], things[MOST_THINGS:])):
            yield self.shape("things", things=self.listed(some))

    def noun_phrase(self, garment: Garment) -> str:
        """A garment with its adjectives and its first features; others stay untold."""
        before = self.take_adjectives(garment)
        variants = lexicon.NOUNS[garment.part].get(self.stated.get(garment.part), ())
        noun = self.own(variants[0] if garment.noun in variants else garment.noun)
        phrase = " ".join([*before, noun])
        if self.mood.name != words.BARE_NOUNS and not is_plural_noun(noun):
            phrase = ("an " if phrase[0] in "aeiou" else "a ") + phrase
        behind = self.take_features(garment, MOST_BEHIND)
        return phrase + self.mood.link + self.listed(behind) if behind else phrase

    def take_adjectives(self, garment: Garment) -> list[str]:
        """Tell before the noun what has to stand there, and some of what may."""
        forms = [
            (slot, *plain_forms(slot, garment.untold[slot])) for slot in BEFORE if slot in garment.untold
        ]
        forms = [form for form in forms if form[1] in self.mood.said]
        free = [slot for slot, _, feature in forms if feature in self.mood.said]
        behind = {slot for slot in free if len(forms) > MOST_BEFORE or self.chance.random() < 0.4}
        kept = {slot: adjective for slot, adjective, _ in forms if slot not in behind}
        garment.untold = {slot: value for slot, value in garment.untold.items() if slot not in kept}
        return [self.own(adjective) for adjective in kept.values()]

    def take_features(self, garment: Garment, most: int | None = None) -> list[str]:
        """Tell behind the noun what is left, or the first of it."""
        slots = sorted(garment.untold, key=BEHIND.index)[:most]
        return [self.own(plain_forms(slot, garment.untold.pop(slot))[1]) for slot in slots]

    def shape(self, kind: str, **facts: str) -> str:
        return self.chance.choice(self.mood.shapes[kind]).format(**facts)

    def listed(self, phrases: Sequence[str]) -> str:
        return ", ".join(phrases) if self.mood.link == ", " else join(phrases)

    def own(self, plain: str) -> str:
        return self.chance.choice(self.mood.said[plain])


def is_plural_noun(noun: str) -> bool:
    """Whether a garment's noun takes no article."""
    return noun.endswith("s") and not noun.endswith("ss")


def plain_forms(slot: str, value: str) -> tuple[str | None, str | None]:
    """What the plain parser reads before a noun, and behind it."""
    adjective = lexicon.ADJECTIVES[slot].get(value, (None,))[0]
    if slot == "fabric":
        return adjective, f"made of {lexicon.MATERIALS[value][0]}"
    if slot == "length":
        return adjective, f"{adjective} length"
    return adjective, lexicon.FEATURES.get(slot, {}).get(value, (None,))[0]


MOODS = {name: Mood(name) for name in words.SHAPES}


def describe_mood(attributes: Attributes, mood: str, chance: random.Random, *, omit: float = OMIT) -> str:
    """A truthful caption in a mood; each accessory is left out with probability `omit`, as in plain ones."""
    if mood not in MOODS:
        close = get_close_matches(mood, MOODS, n=1)
        meant = f"; did you mean {close[0]!r}?" if close else ""
        raise MoodError(f"no mood {mood!r}; known: {', '.join(MOODS)}{meant}")
    return MOODS[mood].tell(attributes, chance, omit=omit)


def describe_moods(
    attributes: Attributes, mood: str, seed: int, count: int, *, omit: float = OMIT
) -> list[str]:
    """`count` captions of one picture in a mood, equal for equal seeds; they differ as far as they can."""
    chance = random.Random(seed)
    captions: list[str] = []
    while len(captions) < count:
        for _ in range(TRIES):
            caption = describe_mood(attributes, mood, chance, omit=omit)
            if caption not in captions:
                break
        captions.append(caption)
    return captions
