"""Describe: tell the visible attributes of a picture in plain, varied, always truthful English.

The first sentence names the person and one or two garments, later ones tell what is still untold of them,
the other garments, the accessories and, where asked for, the place.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from atelier import lexicon as words
from atelier.phrase import Garment, join, lay_out, noun_phrase, predicate, with_article
from atelier.wardrobe import ACCESSORIES, CORE, Attributes

ORDERS = (("upper", "lower", "outer"),) * 3 + (("upper", "outer", "lower"), ("outer", "upper", "lower"))
OMIT = 0.08  # of the accessories: at most one in ten is left out, by chance too
MOST_THINGS = 4  # accessories in one sentence
TRIES = 20  # attempts at a new wording before `describe_many` repeats one


@dataclass(frozen=True)
class Description:
    """A caption and the attributes it states (an accessory that was left out is missing there)."""

    text: str
    stated: dict[str, str]


def describe(attributes: Attributes, rng: random.Random, *, omit: float = OMIT, scene: bool = False) -> str:
    """A truthful caption of the visible attributes; each accessory is left out with probability `omit`."""
    return describe_with_statement(attributes, rng, omit=omit, scene=scene).text


def describe_with_statement(
    attributes: Attributes, rng: random.Random, *, omit: float = OMIT, scene: bool = False
) -> Description:
    """A caption together with exactly the attributes it states; `scene` adds where the picture was taken."""
    seen = {name: value for name, value in attributes.items() if value is not None}
    accessories = [name for name in ACCESSORIES if name in seen and rng.random() >= omit]
    told = {*CORE, *accessories, *(("background",) if scene else ())}
    stated = {name: value for name, value in seen.items() if name in told}
    sentences = _Telling(stated, rng).tell(rng.sample(accessories, len(accessories)))
    if "background" in stated:
        shapes = (*words.VIEWS_OF_PLACE, *words.VIEWS_OF_PERSON)
        sentences.append(_tell_place(stated["background"], shapes, _pronouns(stated.get("gender")), rng))
    return Description(" ".join(map(_finish, sentences)), stated)


def describe_background(attributes: Attributes, rng: random.Random) -> str:
    """One sentence on where the picture was taken, none on the person; empty where no place is visible."""
    if attributes["background"] is None:
        return ""
    return _finish(_tell_place(attributes["background"], words.VIEWS_OF_PLACE, {}, rng))


def describe_many(
    attributes: Attributes, seed: int, count: int, *, omit: float = OMIT, scene: bool = False
) -> list[str]:
    """`count` captions of one picture, equal for equal seeds; they differ as far as wordings exist."""
    rng = random.Random(seed)
    captions: list[str] = []
    while len(captions) < count:
        for _ in range(TRIES):
            caption = describe(attributes, rng, omit=omit, scene=scene)
            if caption not in captions:
                break
        captions.append(caption)
    return captions


def _finish(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:] + "."


def _pronouns(gender: str | None) -> dict[str, str]:
    she, her = words.PRONOUNS[gender]
    return {"she": she, "her": her}


def _tell_place(background: str, shapes: Sequence[str], pronouns: dict[str, str], rng: random.Random) -> str:
    at, places = words.PLACES[background]
    return rng.choice(shapes).format(at=at, place=rng.choice(places), **pronouns)


class _Telling:
    """One caption in the making: what is to be told, and which garment "it" would mean now."""

    def __init__(self, stated: dict[str, str], rng: random.Random):
        self.stated, self.rng = stated, rng
        gender = stated.get("gender")
        self.someone = rng.choice(words.PEOPLE[gender])
        self.person = f"{rng.choice(words.DETERMINERS)} {self.someone}"
        self.pronouns = _pronouns(gender)
        laid_out = ((part, lay_out(stated, part, rng)) for part in words.GARMENTS)
        self.garments: dict[str, Garment] = {part: garment for part, garment in laid_out if garment}
        self.named: list[str] = []  # parts, in the order in which they were first named
        self.last: str | None = None
        self.sentences: list[str] = []

    def tell(self, accessories: list[str]) -> list[str]:
        """All sentences: the garments in some order, the accessories last or, rarely, among them."""
        parts = [part for part in self.rng.choice(ORDERS) if part in self.garments]
        if not parts:
            return [self.tell_without_garments(accessories)]
        parts = self.open(parts)
        early = self.rng.random() < 0.15
        if early:
            self.adorn(accessories)
        for part in parts:
            self.introduce(self.garments[part])
        if not early:
            self.adorn(accessories)
        return self.sentences

    def tell_without_garments(self, accessories: list[str]) -> str:
        if not accessories:
            return self.rng.choice(words.BARE).format(person=self.person)
        things = join([self.thing(name) for name in accessories])
        return self.rng.choice(words.OPENINGS[:2]).format(person=self.person, wear=things)

    def open(self, parts: list[str]) -> list[str]:
        """The first sentence and what follows from it; returns the parts that are still to be introduced."""
        first = self.garments[parts[0]]
        joined = parts[:2] in (["upper", "lower"], ["outer", "upper"]) and self.rng.random() < 0.35
        if joined:
            return self.open_with_two(parts)
        if first.untold and self.rng.random() < 0.15:
            self.own(first, self.person + "'s")
        else:
            wear = noun_phrase(first, self.rng)
            self.say(self.rng.choice(words.OPENINGS), wear=wear)
            self.name(first.part)
            self.follow(first)
        return parts[1:]

    def open_with_two(self, parts: list[str]) -> list[str]:
        pair = [self.garments[part] for part in parts[:2]]
        link = " over " if parts[0] == "outer" else " and "
        wear = link.join(noun_phrase(garment, self.rng, tail=False) for garment in pair)
        self.say(self.rng.choice(words.OPENINGS), wear=wear)
        for garment in pair:
            self.name(garment.part)
        self.last = None
        for garment in pair:
            self.follow(garment)
        return parts[2:]

    def introduce(self, garment: Garment) -> None:
        """A garment that was not in the first sentence: by a verb, or as "her skirt is ..."."""
        if garment.untold and self.rng.random() < 0.25:
            self.own(garment, self.pronouns["her"])
            return
        if garment.part == "outer" and "upper" in self.named:
            shapes, partner = words.OVER, "upper"
        elif garment.part == "upper" and "outer" in self.named:
            shapes, partner = words.UNDER, "outer"
        else:
            shapes, partner = words.PAIRINGS, self.named[-1]
        shape = self.rng.choice(shapes)
        self.say(shape, wear=noun_phrase(garment, self.rng), it=self.refer(partner))
        self.name(garment.part)
        if shape.endswith("{it}"):
            self.last = None  # "it" would now be taken for the other garment
        self.follow(garment)

    def own(self, garment: Garment, owner: str) -> None:
        """The garment as somebody's, with attributes in the predicate: "her red skirt is made of denim"."""
        slot = self.rng.choice(list(garment.untold))
        kept = {slot: garment.untold.pop(slot)}
        phrase = noun_phrase(garment, self.rng, determiner=owner, tail=False)
        garment.untold |= kept
        self.say(f"{phrase} {predicate(garment, self.rng)}")
        self.name(garment.part)

    def follow(self, garment: Garment) -> None:
        """A sentence on what is still untold of a garment just introduced, if anything is."""
        if not garment.untold:
            return
        if self.last == garment.part and self.rng.random() < 0.7:
            subject = garment.pronoun
        else:
            subject = self.rng.choice(("the", self.pronouns["her"])) + " " + garment.noun
        self.say(f"{subject} {predicate(garment, self.rng)}")
        self.last = garment.part

    def adorn(self, accessories: list[str]) -> None:
        """The accessories: one alone may stand where it is worn, more than four make two sentences."""
        half = len(accessories) if len(accessories) <= MOST_THINGS else MOST_THINGS - 1
        shapes = self.rng.sample(words.LISTINGS, len(words.LISTINGS))
        for names in filter(None, (accessories[:half], accessories[half:])):
            things = join([self.thing(name) for name in names])
            if len(names) > 1:
                self.say(shapes.pop(), things=things)
            elif names[0] in words.WORN_AT and self.rng.random() < 0.5:
                place = words.WORN_AT[names[0]].format(**self.pronouns)
                self.say(self.rng.choice(words.PLACINGS), things=things, at=place)
            else:
                self.say(self.rng.choice(words.ADORNMENTS), things=things)
            self.last = None

    def thing(self, name: str) -> str:
        noun = self.rng.choice(words.ACCESSORY_WORDS[name][self.stated[name]])
        if noun in words.PAIRED and self.rng.random() < 0.3:
            return f"a pair of {noun}"
        return with_article(noun)

    def say(self, shape: str, **parts: str) -> None:
        """Add a sentence; now and then the person is named again instead of "she"."""
        pronouns = dict(self.pronouns)
        if self.sentences and self.rng.random() < 0.12:
            pronouns["she"] = f"the {self.someone}"
        self.sentences.append(shape.format(person=self.person, **pronouns, **parts))

    def refer(self, part: str) -> str:
        garment = self.garments[part]
        return garment.object_pronoun if self.last == part else f"the {garment.noun}"

    def name(self, part: str) -> None:
        self.named.append(part)
        self.last = part
