"""The street in words: truthful descriptions, sentences false in one fact, and their reading back.

Every phrase is told and read from the same tables, so that what is said can be understood. A pedestrian's
text holds `He ` or `She `, and no vehicle's does: that is how the two are told apart.
"""

import re
from functools import lru_cache
from random import Random

from atelier.parse import Parsed
from atelier.phrase import join, with_article
from atelier.sample import blend
from atelier.street.sample import NAMES, STREET_SCHEMA, neighbour
from atelier.wardrobe import Attributes

NOUNS = {
    "gender": {"woman": ("woman", "lady"), "man": ("man", "guy")},
    "top": {
        "t-shirt": ("t-shirt", "tee"),
        "shirt": ("shirt", "button-up shirt"),
        "hoodie": ("hoodie", "hooded sweatshirt"),
        "coat": ("coat", "overcoat"),
        "dress": ("dress", "frock"),
    },
    "bottom": {
        "trousers": ("trousers", "pants"),
        "shorts": ("shorts", "short pants"),
        "skirt": ("skirt", "knee-length skirt"),
    },
    "hat": {"cap": ("cap", "baseball cap"), "beanie": ("beanie", "knit cap"), "sun hat": ("sun hat",)},
    "bag": {
        "backpack": ("backpack", "rucksack"),
        "handbag": ("handbag", "purse"),
        "shoulder bag": ("shoulder bag", "messenger bag"),
    },
    "bicycle": {"bicycle": ("bicycle", "bike")},
    "type": {
        "sedan": ("sedan", "saloon car"),
        "SUV": ("SUV", "off-road car"),
        "minivan": ("minivan", "van"),
        "bus": ("bus", "coach"),
        "truck": ("truck", "lorry"),
    },
    "lights": {"on": ("lights are on", "headlights are on")},
    "rack": {"roof rack": ("roof rack", "luggage rack")},
}
# attribute of a colour -> what it is the colour of; the noun's own value is read where it has one
COLORED = {
    "top_color": "top",
    "bottom_color": "bottom",
    "bag_color": "bag",
    "color": "type",
    "umbrella": ("umbrella", "parasol"),
    "stripe": ("stripe", "band"),
    "plate": ("number plate", "license plate"),
    "hair": ("hair",),
}
DIRECTIONS = {
    "front": ("comes towards us", "faces the camera"),
    "back": ("walks away from us", "turns away from the camera"),
    "left": ("goes to the left", "heads left"),
    "right": ("goes to the right", "heads right"),
}
PLACES = {
    "street": ("in the street", "in town"),
    "park": ("in a park", "on the grass"),
    "snow": ("in the snow", "on snowy ground"),
    "beach": ("at the beach", "by the sea"),
}
PRONOUNS = {"woman": "She", "man": "He"}
PLURAL = ("trousers", "pants", "shorts", "short pants")
OPTIONAL = ("hair", "hat", "bag", "umbrella", "bicycle", "stripe", "plate", "lights", "rack", "place")
OMIT = 0.1


def describe_street(attributes: Attributes, chance: Random, *, omit: float = OMIT) -> str:
    """A truthful text; each of the smaller facts is left out with probability `omit`."""
    kept = {name for name in OPTIONAL if attributes[name] and chance.random() >= omit}
    told = {name: value for name, value in attributes.items() if name not in OPTIONAL or name in kept}
    tell = tell_pedestrian if attributes["category"] == "people" else tell_vehicle
    return " ".join(sentence[0].upper() + sentence[1:] + "." for sentence in tell(told, chance))


def tell_pedestrian(told: Attributes, chance: Random) -> list[str]:
    she = PRONOUNS[told["gender"]]
    person = with_article(word(told, "gender", chance))
    person += f" with {told['hair']} hair" if "hair" in told else ""
    goes = chance.choice(DIRECTIONS[told["direction"]])
    where = " " + chance.choice(PLACES[told["place"]]) if "place" in told else ""
    clothes = [colored(told, "top", chance)] + ([colored(told, "bottom", chance)] if told["bottom"] else [])
    wears = chance.choice((f"{she} wears {join(clothes)}", f"{she} is dressed in {join(clothes)}"))
    things = [with_article(word(told, "hat", chance))] if "hat" in told else []
    things += [colored(told, "bag", chance)] if "bag" in told else []
    things += [with_article(tinted(told, "umbrella", chance))] if "umbrella" in told else []
    things += [with_article(word(told, "bicycle", chance))] if "bicycle" in told else []
    chance.shuffle(things)
    has = (
        [chance.choice((f"{she} has {join(things)}", f"{she} is seen with {join(things)}"))] if things else []
    )
    first = chance.choice((f"{person} {goes}{where}", f"this is {person}, who {goes}{where}"))
    return [first, *([*has, wears] if chance.random() < 0.3 else [wears, *has])]


def tell_vehicle(told: Attributes, chance: Random) -> list[str]:
    vehicle = f"{told['color']} {word(told, 'type', chance)}"
    goes = chance.choice(DIRECTIONS[told["direction"]])
    where = " " + chance.choice(PLACES[told["place"]]) if "place" in told else ""
    parts = [with_article(tinted(told, name, chance)) for name in ("stripe", "plate") if name in told]
    parts += [with_article(word(told, "rack", chance))] if "rack" in told else []
    chance.shuffle(parts)
    first = [f"{with_article(vehicle)} {goes}{where}", f"this is {with_article(vehicle)} that {goes}{where}"]
    rest = [f"it has {join(parts)}"] if parts else []
    rest += [f"its {word(told, 'lights', chance)}"] if "lights" in told else []
    return [chance.choice(first), *(rest[::-1] if chance.random() < 0.3 else rest)]


def word(told: Attributes, name: str, chance: Random) -> str:
    return chance.choice(NOUNS[name][told[name]])


def colored(told: Attributes, name: str, chance: Random) -> str:
    noun = word(told, name, chance)
    phrase = f"{told[f'{name}_color']} {noun}"
    return phrase if noun in PLURAL else with_article(phrase)


def tinted(told: Attributes, name: str, chance: Random) -> str:
    return f"{told[name]} {chance.choice(COLORED[name])}"


def describe_street_many(attributes: Attributes, seed: int, count: int) -> list[str]:
    """So many texts of one picture, equal for equal seeds."""
    return [describe_street(attributes, Random(blend(seed, number))) for number in range(count)]


def false_in_one(attributes: Attributes, seed: int, *, about: str = "") -> tuple[str, str]:
    """A text that is false of the picture in one fact (`about`, or any), and which one that is."""
    other, name = neighbour(attributes, seed, among=(about,) if about else NAMES, add=True)
    return describe_street(other, Random(seed), omit=0), name


def false_pairs(attributes: Attributes, seed: int) -> dict[str, tuple[str, str]]:
    """For each fact that could be otherwise a true text, and the same made false in that fact."""
    true, found = describe_street(attributes, Random(seed), omit=0), {}
    for name in NAMES:
        if attributes[name] is not None:
            try:
                found[name] = true, false_in_one(attributes, seed, about=name)[0]
            except ValueError:  # a coat goes with nothing but trousers
                continue
    return found


@lru_cache(maxsize=1)
def phrases() -> tuple[re.Pattern, dict[str, list[tuple[str, str]]]]:
    """A pattern that finds every phrase, the longest at each place, and what each states."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, values in (*NOUNS.items(), ("direction", DIRECTIONS), ("place", PLACES)):
        for value, words in values.items():
            found |= {phrase.lower(): [(name, value)] for phrase in words}
    for name, owner in COLORED.items():
        nouns = owner if isinstance(owner, tuple) else [w for words in NOUNS[owner].values() for w in words]
        for color in STREET_SCHEMA[name]:
            for noun in map(str.lower, nouns):
                found[f"{color} {noun}"] = [(name, color), *found.get(noun, [])]
    ordered = sorted(found, key=lambda phrase: (-len(phrase), phrase))
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, ordered))})\b"), found


@lru_cache(maxsize=1 << 14)
def parse_street(text: str) -> Parsed:
    """What a text states; the longest phrase at each place is the one that is meant."""
    (pattern, meanings), stated = phrases(), {}
    for phrase in pattern.findall(text.lower()):
        for name, value in meanings[phrase]:
            stated.setdefault(name, []).append(value)
    rest = pattern.sub(" | ", text.lower())
    if "gender" in stated or "type" in stated:
        people, car = "gender" in stated, "type" in stated
        stated["category"] = ["people"] * people + ["car"] * car
    clear = {name: values[0] for name, values in stated.items() if len(set(values)) == 1}
    conflicts = {n: tuple(dict.fromkeys(v)) for n, v in stated.items() if len(set(v)) > 1}
    unknown = tuple(dict.fromkeys(w for w in re.findall(r"[a-z-]+", rest) if w not in PASSED))
    return Parsed({name: clear[name] for name in NAMES if name in clear}, conflicts, (), unknown)


PASSED = {"a", "an", "and", "is", "this", "who", "that", "it", "its", "has", "with", "she", "he", "wears"}
PASSED |= {"dressed", "in", "seen"}
