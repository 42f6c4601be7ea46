"""Phrase: the noun phrases and predicates in which one garment's attributes are told."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from atelier import lexicon as words

# how readily a slot stands before the noun, behind it, or waits for a later sentence
SCATTER = {
    "sleeves": (5, 4, 2),
    "length": (7, 0, 2),
    "color": (9, 0, 1),
    "pattern": (5, 2, 2),
    "fabric": (5, 2, 3),
    "neckline": (1, 6, 3),
}
ORDER = ("length", "sleeves", "color", "pattern", "fabric", "neckline")
MOST_ADJECTIVES = 3


@dataclass
class Garment:
    """One garment while it is being told: its noun, and the slots that no sentence has told yet."""

    part: str
    noun: str
    untold: dict[str, str]

    @property
    def pronoun(self) -> str:
        return "they" if is_plural(self.noun) else "it"

    @property
    def object_pronoun(self) -> str:
        return "them" if is_plural(self.noun) else "it"


def lay_out(stated: dict[str, str], part: str, rng: random.Random) -> Garment | None:
    """A garment with all that is to be said of it, or None where nothing of it is seen."""
    slots = words.slots_of(part, dress=stated.get("upper") == "dress")
    untold = {slot: stated[name] for slot, name in slots.items() if name in stated}
    kind = stated.get(part)
    if kind is None:
        return Garment(part, words.UNCLEAR[part], untold) if untold else None
    if kind == "trousers" and untold.get("fabric") == "denim" and rng.random() < 0.5:
        del untold["fabric"]
        return Garment(part, words.DENIM_TROUSERS, untold)
    return Garment(part, rng.choice(words.NOUNS[part][kind]), untold)


def noun_phrase(garment: Garment, rng: random.Random, *, determiner: str = "a", tail: bool = True) -> str:
    """The garment with some attributes around the noun ("a red shirt with lapels"); the rest stays untold.

    Without `tail` nothing follows the noun, so that another garment can.
    """
    before, behind = _scatter(garment, rng, tail)
    ordered = sorted(before.items(), key=_adjective_rank)
    adjectives = [rng.choice(words.ADJECTIVES[slot][value]) for slot, value in ordered]
    phrase = " ".join([*adjectives, garment.noun])
    if determiner != "a":
        phrase = f"{determiner} {phrase}"
    elif garment.noun in words.PAIRED and rng.random() < 0.2:
        phrase = f"a pair of {phrase}"
    else:
        phrase = with_article(phrase)
    if "fabric" in behind:
        phrase += " " + _made_of(behind.pop("fabric"), rng)
    if behind:
        phrase += " with " + _list_features([_feature(slot, value, rng) for slot, value in behind.items()])
    return phrase


def predicate(garment: Garment, rng: random.Random) -> str:
    """All that is still untold, behind the verb: "is red and made of cotton, with long sleeves"."""
    is_, has = ("are", "have") if is_plural(garment.noun) else ("is", "has")
    being, having, material = [], [], []
    for slot, value in sorted(garment.untold.items(), key=lambda item: ORDER.index(item[0])):
        adjectives = [a for a in words.ADJECTIVES[slot].get(value, ()) if a not in words.ATTRIBUTIVE]
        if slot == "fabric":
            material = [_made_of(value, rng)]
        elif adjectives and (slot not in words.FEATURES or rng.random() < 0.5):
            being.append(rng.choice(adjectives))
        else:
            having.append(_feature(slot, value, rng))
    garment.untold = {}
    being += material
    if not having:
        return f"{is_} {join(being)}"
    if not being:
        return f"{has} {_list_features(having)}"
    link = f" and {has} " if len(being) == 1 and rng.random() < 0.5 else ", with "
    return f"{is_} {join(being)}{link}{_list_features(having)}"


def is_plural(phrase: str) -> bool:
    """Whether a noun phrase takes "are" and no article ("long sleeves", "blocks of color")."""
    return phrase.split(" of ")[0].split()[-1] in words.PLURAL_HEADS


def with_article(phrase: str) -> str:
    """A noun phrase with "a" or "an" where English wants one."""
    if is_plural(phrase) or phrase.startswith("no "):
        return phrase
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def join(parts: Sequence[str]) -> str:
    """The parts as English lists them: "a", "a and b", "a, b and c"."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def _scatter(garment: Garment, rng: random.Random, tail: bool) -> tuple[dict[str, str], dict[str, str]]:
    """Take from the untold slots those that stand before the noun and those that stand behind it."""
    before: dict[str, str] = {}
    behind: dict[str, str] = {}
    for slot, value in garment.untold.items():
        weights = list(SCATTER[slot])
        cut_told = slot == "sleeves" and "length" in before  # "very short short-sleeved" is too much
        if value not in words.ADJECTIVES[slot] or len(before) == MOST_ADJECTIVES or cut_told:
            weights[0] = 0
        if not tail or not (slot == "fabric" or value in words.FEATURES.get(slot, ())):
            weights[1] = 0
        place = rng.choices((before, behind, {}), weights)[0]
        place[slot] = value
    later = {s: v for s, v in garment.untold.items() if s not in before and s not in behind}
    if len(later) == 1 and rng.random() < 0.5 and later.keys() <= {"color", "pattern", "fabric"}:
        before, later = before | later, {}  # one attribute more is lighter than a sentence for it
    garment.untold = later
    return before, behind


def _adjective_rank(slot: tuple[str, str]) -> float:
    """Where English puts an adjective; "plain" stands before a colour ("a plain red shirt")."""
    return ORDER.index("color") - 0.5 if slot == ("pattern", "solid") else ORDER.index(slot[0])


def _list_features(features: list[str]) -> str:
    """Features joined, "no sleeves" last: "no sleeves and lapels" would deny the lapels too."""
    return join(sorted(features, key=lambda feature: feature.startswith("no ")))


def _made_of(fabric: str, rng: random.Random) -> str:
    return rng.choice(words.MADE).format(rng.choice(words.MATERIALS[fabric]))


def _feature(slot: str, value: str, rng: random.Random) -> str:
    return with_article(rng.choice(words.FEATURES[slot][value]))
