"""Parse: turn any caption back into the attributes it states, by the words of the lexicon.

One pass over the words; punctuation helps but is not needed. Adjectives belong to the noun that follows ("a
red cotton shirt") or, behind "is" or before "pattern", to the garment named last, like all that stands
behind a noun ("it is made of cotton"). Nothing is guessed: a modifier whose noun never came, or that its
garment cannot have, is `unplaced`; two values for one attribute are `conflicts`; other words are `unknown`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

from atelier import lexicon as words
from atelier import synonyms

WORD = re.compile(r"<?[^\W_]+>?|[.!?;]")
Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a caption states. One with two different values stands in `conflicts`, not in `attributes`."""

    attributes: dict[str, str]
    conflicts: dict[str, tuple[str, ...]]
    unplaced: tuple[str, ...]  # understood, but said of nothing that could have it, or denied ("no belt")
    unknown: tuple[str, ...]  # words outside the lexicon, in order of appearance


class Role(Enum):
    """What a phrase does in a sentence."""

    ADJECTIVE = auto()  # modifies the noun that follows, or after "is" the garment named last
    FEATURE = auto()  # modifies the garment named last
    HEAD = auto()  # "pattern": makes a feature of the adjectives before it
    GARMENT = auto()
    THING = auto()  # an accessory or a place
    PERSON = auto()
    COPULA = auto()
    DENIAL = auto()
    LINK = auto()  # stands between two adjectives without parting them from their noun
    STOP = auto()  # ends a sentence, and with it a denial
    PASSED = auto()


@dataclass(frozen=True, slots=True)
class Meaning:
    """A phrase, its role, and what it says: a slot or an attribute (or a garment), and its value."""

    phrase: str
    role: Role
    name: str = ""
    value: str | None = None
    whole: bool = False  # an adjective that can also stand alone: "a crew-neck shirt", "with a crew neck"
    also: tuple[str, str] | None = None  # a second attribute in the noun: jeans are denim


@lru_cache(maxsize=1 << 14)  # each caption is read twice for its scores, and models repeat themselves
def parse(caption: str) -> Parsed:
    """Read any text: broken, repeated, lower-cased or tokenised captions are read as far as they go."""
    return _Reading(WORD.findall(caption.lower())).result()


def split_words(phrase: str) -> Phrase:
    """A phrase as the parser meets it: lower-case words, hyphens and apostrophes being gaps."""
    return tuple(WORD.findall(phrase.lower()))


class _Reading:
    """The state of one pass: the garment named last, and adjectives still waiting for their noun."""

    def __init__(self, tokens: list[str]):
        self.stated: dict[str, list[str]] = {}
        self.unplaced: list[str] = []
        self.unknown: dict[str, None] = {}
        self.part: str | None = None
        self.dress = False
        self.denied = False
        self.predicative = False  # after a verb of being, adjectives need no noun
        self.waiting: list[Meaning] = []
        self.read(tokens)

    def read(self, tokens: list[str]) -> None:
        """Take the longest phrase that the lexicon knows at each place."""
        position, total = 0, len(tokens)
        while position < total:
            for rest, meaning in INDEX.get(tokens[position], ()):
                end = position + 1 + len(rest)
                if not rest or tuple(tokens[position + 1 : end]) == rest:
                    self.take(meaning)
                    position = end
                    break
            else:
                self.unknown[tokens[position]] = None
                position += 1
        self.settle(self.predicative)

    def take(self, meaning: Meaning) -> None:
        """Let one phrase act."""
        role = meaning.role
        if role is Role.PASSED or role is Role.COPULA:
            self.settle(self.predicative)
            self.predicative = role is Role.COPULA
        elif self.denied and role in DENIABLE:
            self.denied = role is Role.ADJECTIVE
            self.unplaced.append(f"no {meaning.phrase}")
        elif role is Role.ADJECTIVE:
            self.waiting.append(meaning)
        elif role is Role.GARMENT:
            self.turn_to(meaning)
        elif role is Role.THING:
            self.turn_away(meaning)
        elif role is Role.FEATURE or role is Role.HEAD:
            self.settle(role is Role.HEAD or self.predicative)
            if role is Role.FEATURE:
                self.modify(meaning)
        elif role is not Role.LINK:
            self.break_off(meaning)

    def turn_to(self, garment: Meaning) -> None:
        """From here on things are said of this garment; the adjectives waiting were its own."""
        self.part = garment.name
        self.dress = garment.value == "dress"
        if garment.value is not None:
            self.state(garment.name, garment.value)
        self.settle(True)
        self.predicative = False
        if garment.also:
            self.state(*garment.also)

    def turn_away(self, thing: Meaning) -> None:
        """An accessory or a place: what is said of it is no attribute of the schema, nor one of a garment."""
        self.settle(False)
        self.part, self.predicative = None, False
        self.state(thing.name, thing.value)

    def break_off(self, meaning: Meaning) -> None:
        """A sentence's end, a person or a denial: nothing before it reaches past it."""
        self.settle(self.predicative)
        self.predicative = False
        self.denied = meaning.role is Role.DENIAL
        if meaning.role is Role.PERSON:
            self.state("gender", meaning.value)

    def settle(self, placed: bool) -> None:
        """Give the adjectives waiting to the garment named last, or give them up: their noun never came."""
        for meaning in self.waiting:
            if placed or meaning.whole:
                self.modify(meaning)
            else:
                self.unplaced.append(meaning.phrase)
        self.waiting.clear()

    def modify(self, meaning: Meaning) -> None:
        attribute = SLOTS[self.part, self.dress].get(meaning.name)
        if attribute is None:
            self.unplaced.append(meaning.phrase)
        else:
            self.state(attribute, meaning.value)

    def state(self, attribute: str, value: str) -> None:
        values = self.stated.setdefault(attribute, [])
        if value not in values:
            values.append(value)

    def result(self) -> Parsed:
        return Parsed(
            attributes={name: values[0] for name, values in self.stated.items() if len(values) == 1},
            conflicts={name: tuple(values) for name, values in self.stated.items() if len(values) > 1},
            unplaced=tuple(self.unplaced),
            unknown=tuple(self.unknown),
        )


def _modifiers() -> Iterator[Meaning]:
    """Adjectives, features and materials, said or only heard."""
    for table, role in (
        (words.ADJECTIVES, Role.ADJECTIVE),
        (synonyms.ADJECTIVES, Role.ADJECTIVE),
        (words.FEATURES, Role.FEATURE),
        (synonyms.FEATURES, Role.FEATURE),
    ):
        for slot, values in table.items():
            for value, phrase in ((v, p) for v, phrases in values.items() for p in phrases):
                yield Meaning(phrase, role, slot, value, whole=split_words(phrase)[-1] == "neck")
    for value, materials in words.MATERIALS.items():
        for material in (*materials, *words.ADJECTIVES["fabric"][value]):
            for shape in (*words.MADE, "{} fabric"):
                yield Meaning(shape.format(material), Role.FEATURE, "fabric", value)


def _named_things() -> Iterator[Meaning]:
    """Garments, accessories, places and people."""
    for role, table in (
        (Role.GARMENT, words.NOUNS),
        (Role.GARMENT, synonyms.NOUNS),
        (Role.THING, words.ACCESSORY_WORDS),
        (Role.THING, synonyms.ACCESSORIES),
        (Role.THING, {"background": {value: places for value, (_, places) in words.PLACES.items()}}),
        (Role.THING, {"background": synonyms.PLACES}),
        (Role.PERSON, {"gender": words.PEOPLE}),
        (Role.PERSON, {"gender": words.PRONOUNS}),
        (Role.PERSON, {"gender": synonyms.PEOPLE}),
    ):
        for name, values in table.items():
            for value, phrases in values.items():
                if value is not None:
                    yield from (Meaning(phrase, role, name, value) for phrase in phrases)
    yield Meaning(words.DENIM_TROUSERS, Role.GARMENT, "lower", "trousers", also=("lower_fabric", "denim"))
    for part, phrase in words.UNCLEAR.items():
        yield from (Meaning(p, Role.GARMENT, part) for p in (phrase, *synonyms.UNCLEAR[part]))


def _fillers() -> Iterator[Meaning]:
    """Words without an attribute: those of the sentence shapes, and the small words of English."""
    shapes = (
        *words.SHAPES,
        *words.WORN_AT.values(),
        *words.MADE,
        *words.DETERMINERS,
        *synonyms.PASSED,
    )
    yield from (Meaning(word, Role.DENIAL) for word in synonyms.DENIALS)
    yield from (Meaning(word, Role.LINK) for word in synonyms.LINKS)
    yield from (Meaning(word, Role.COPULA) for word in synonyms.COPULAS)
    yield from (Meaning(word, Role.HEAD) for word in synonyms.HEADS)
    yield from (Meaning(phrase, Role.PASSED) for phrase in synonyms.PASSED_PHRASES)
    yield from (Meaning(mark, Role.STOP) for mark in ".!?;")
    for shape in (*shapes, *(at for at, _ in words.PLACES.values())):
        yield from (Meaning(word, Role.PASSED) for word in split_words(re.sub(r"{.*?}", " ", shape)))


def build_index() -> dict[str, tuple[tuple[Phrase, Meaning], ...]]:
    """First word -> what may follow it and what that means, the longest first; an earlier meaning wins."""
    meanings: dict[Phrase, Meaning] = {}
    for meaning in (*_modifiers(), *_named_things(), *_fillers()):
        phrase = split_words(meaning.phrase)
        if phrase[0] in ("a", "the") and len(phrase) > 1:  # places stand with their article
            phrase = phrase[1:]
        meanings.setdefault(phrase, meaning)
    index: dict[str, list[tuple[Phrase, Meaning]]] = {}
    for phrase in sorted(meanings, key=len, reverse=True):
        index.setdefault(phrase[0], []).append((phrase[1:], meanings[phrase]))
    return {first: tuple(rest) for first, rest in index.items()}


DENIABLE = frozenset({Role.ADJECTIVE, Role.FEATURE, Role.GARMENT, Role.THING})
SLOTS: dict[tuple[str | None, bool], dict[str, str]] = {(None, dress): {} for dress in (False, True)} | {
    (part, dress): words.slots_of(part, dress=dress) for part in words.GARMENTS for dress in (False, True)
}
INDEX = build_index()
