"""Claims: what a text says of its picture, in the schema's terms, and how to make it say another thing.

A claim is an attribute with a value, read by the atelier's parser; for a text in other words than the
lexicon's the words it does not know are no claims. Every change is read back: a text that would not say
exactly what it should is not handed on.
"""

import random
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from atelier import lexicon as words
from atelier import synonyms
from atelier.describe import describe, describe_background
from atelier.parse import Parsed, parse
from atelier.wardrobe import SCENE, SCHEMA, Attributes
from rebuild.sentences import join_sentences, split_sentences

TRIES = 4  # retellings before a text is held to be untellable
Stated = Mapping[str, str]


class Claim(NamedTuple):
    attribute: str
    value: str

    @property
    def kind(self) -> str:
        return kind_of(self.attribute)


def kind_of(attribute: str) -> str:
    """Whether an attribute is one of the background or of the garments (and who wears them)."""
    return "background" if attribute in SCENE else "garments"


def read_claims(text: str) -> list[Claim]:
    """Every claim of a text; where it contradicts itself, each of the values is one."""
    found = parse(text)
    claims = [Claim(name, value) for name, value in found.attributes.items()]
    return claims + [Claim(name, value) for name, values in found.conflicts.items() for value in values]


def rewrite(text: str, wanted: Stated, seed: int = 0) -> str:
    """The text, changed to state `wanted` and nothing else; empty where nothing of it can be kept.

    First single words change places; then, if the parser knows all words, the attributes are told anew; then
    the sentences with a claim that is not wanted go, and with them whatever else they say.
    """
    found = parse(text)
    if states(found, wanted):
        return text
    return (
        replace_phrases(text, found, wanted)
        or (retell(text, wanted, seed) if not found.unknown else "")
        or drop_sentences(text, wanted)
    )


def states(found: Parsed, wanted: Stated) -> bool:
    return not found.conflicts and found.attributes == dict(wanted)


def replace_phrases(text: str, found: Parsed, wanted: Stated) -> str:
    """The text with other values in the places of those that changed, if that is all that changes."""
    if found.conflicts or found.attributes.keys() != wanted.keys():
        return ""
    for name, value in wanted.items():
        if found.attributes[name] != value:
            goal = {**parse(text).attributes, name: value}
            told = replacements(text, name, found.attributes[name], value)
            text = next((t for t in told if states(parse(t), goal)), "")
            if not text:
                return ""
    return text


def replacements(text: str, attribute: str, old: str, new: str) -> Iterator[str]:
    """The text with one phrase for the old value, in each of its places, made one for the new."""
    tables = phrase_tables(attribute)
    for table in tables:
        for phrase in sorted(table.get(old, ()), key=len, reverse=True):
            for match in re.finditer(rf"(?<![\w-]){re.escape(phrase)}(?![\w-])", text, re.IGNORECASE):
                for other in table.get(new, ()):
                    yield put(text, match, other)


def put(text: str, match: re.Match[str], phrase: str) -> str:
    """A phrase in the place of another, its article and its capital as they should be."""
    before, after = text[: match.start()], text[match.end() :]
    if match[0][0].isupper():
        phrase = phrase[0].upper() + phrase[1:]
    if article := re.search(r"\b([Aa])n? $", before):
        vowel = phrase[0].lower() in "aeiou"
        before = before[: article.start()] + article[1] + ("n " if vowel else " ")
    return before + phrase + after


def phrase_tables(attribute: str) -> list[Mapping[str, tuple[str, ...]]]:
    """Where the phrases for an attribute's values stand; those of one table can change places."""
    if attribute == "background":
        return [{value: places for value, (_, places) in words.PLACES.items()}]
    if attribute in words.NOUNS:
        return [words.NOUNS[attribute], synonyms.NOUNS[attribute]]
    if attribute in words.ACCESSORY_WORDS:
        return [words.ACCESSORY_WORDS[attribute]]
    if attribute == "gender":
        return []  # its pronouns stand all over the text
    slot = next(s for part in words.GARMENTS.values() for s, name in part.items() if name == attribute)
    materials = [words.MATERIALS] if slot == "fabric" else []
    return [words.ADJECTIVES[slot], *materials, words.FEATURES.get(slot, {})]


def retell(text: str, wanted: Stated, seed: int) -> str:
    """The wanted attributes in the atelier's own sentences: a text on the place alone stays one."""
    attributes: Attributes = dict.fromkeys(SCHEMA) | dict(wanted)
    if not wanted:
        return ""
    for attempt in range(TRIES):
        rng = random.Random(f"{seed} {attempt} {text}")
        told = (
            describe_background(attributes, rng)
            if wanted.keys() <= {*SCENE}
            else describe(attributes, rng, omit=0, scene="background" in wanted)
        )
        if states(parse(told), wanted):
            return told
    return ""


def drop_sentences(text: str, wanted: Stated) -> str:
    """The text without the sentences that state what is not wanted, judged as they stand together."""
    kept: list[str] = []
    for sentence in split_sentences(text):
        found = parse(join_sentences([*kept, sentence]))
        if not found.conflicts and found.attributes.items() <= wanted.items():
            kept.append(sentence)
    return join_sentences(kept)
