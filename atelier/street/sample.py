"""What can be true of a picture of the street, and how it is sampled. None: not there, or not to be seen."""

from random import Random

from atelier.palette import pick_one
from atelier.sample import Weights, pick
from atelier.wardrobe import Attributes

CLOTHES = ("black", "white", "gray", "red", "yellow", "green", "blue", "purple", "pink", "brown")
PAINT = ("black", "white", "gray", "red", "yellow", "green", "blue", "brown")
BAGS = ("black", "red", "yellow", "green", "brown")
UMBRELLAS = ("black", "red", "yellow", "green", "blue", "purple")

# attribute -> every value it can take, in the order in which attributes are listed and scored
STREET_SCHEMA: dict[str, tuple[str, ...]] = {
    "category": ("people", "car"),
    "gender": ("woman", "man"),
    "hair": ("black", "brown", "blonde", "red", "gray"),
    "top": ("t-shirt", "shirt", "hoodie", "coat", "dress"),
    "top_color": CLOTHES,
    "bottom": ("trousers", "shorts", "skirt"),
    "bottom_color": CLOTHES,
    "hat": ("cap", "beanie", "sun hat"),
    "bag": ("backpack", "handbag", "shoulder bag"),
    "bag_color": BAGS,
    "umbrella": UMBRELLAS,
    "bicycle": ("bicycle",),
    "direction": ("front", "back", "left", "right"),
    "type": ("sedan", "SUV", "minivan", "bus", "truck"),
    "color": PAINT,
    "stripe": ("white", "black", "red", "yellow"),
    "plate": ("white", "yellow", "blue"),
    "lights": ("on",),
    "rack": ("roof rack",),
    "place": ("street", "park", "snow", "beach"),
}
NAMES = tuple(STREET_SCHEMA)
PEDESTRIANS, VEHICLES = NAMES[1:12], NAMES[13:19]  # whose attributes; both have a direction and a place
TOPS = {
    "woman": {"t-shirt": 24, "shirt": 18, "hoodie": 18, "coat": 20, "dress": 20},
    "man": {"t-shirt": 28, "shirt": 26, "hoodie": 24, "coat": 22},
}
BOTTOMS = {
    "woman": {"trousers": 45, "skirt": 35, "shorts": 20},
    "man": {"trousers": 70, "shorts": 30},
}
RACKED = ("sedan", "SUV", "minivan")  # a bus and a truck have no room for a roof rack
TRIES = 200  # at one change that leaves a picture possible


def sample_street(category: str, seed: int) -> Attributes:
    """Everything that is to be seen in one picture."""
    chance = Random(seed)
    attributes: Attributes = dict.fromkeys(NAMES)
    attributes |= {"category": category, "place": pick_one(chance, STREET_SCHEMA["place"])}
    return attributes | (sample_pedestrian if category == "people" else sample_vehicle)(chance)


def sample_pedestrian(chance: Random) -> Attributes:
    gender = pick_one(chance, STREET_SCHEMA["gender"])
    worn = {"gender": gender, "hair": pick_one(chance, STREET_SCHEMA["hair"])}
    worn |= {"top": pick(chance, TOPS[gender]), "top_color": pick_one(chance, CLOTHES)}
    if worn["top"] != "dress":  # a coat would hide what ends above its hem
        worn["bottom"] = "trousers" if worn["top"] == "coat" else pick(chance, BOTTOMS[gender])
        worn["bottom_color"] = pick_one(chance, tuple(c for c in CLOTHES if c != worn["top_color"]))
    worn["hat"] = pick(chance, {None: 55, "cap": 18, "beanie": 15, "sun hat": 12})
    worn["hair"] = None if hides_hair(worn) else worn["hair"]
    worn["bag"] = pick(chance, {None: 40, "backpack": 22, "handbag": 20, "shoulder bag": 18})
    if worn["bag"]:
        others = tuple(color for color in BAGS if color != worn["top_color"])
        worn["bag_color"] = pick_one(chance, others)
    rain: Weights = {None: 65} | dict.fromkeys(UMBRELLAS, 35 / len(UMBRELLAS))
    worn["umbrella"] = pick(chance, rain)
    worn["bicycle"] = pick(chance, {None: 75, "bicycle": 25})
    worn["direction"] = pick_one(chance, STREET_SCHEMA["direction"])
    return worn


def sample_vehicle(chance: Random) -> Attributes:
    seen = {"type": pick_one(chance, STREET_SCHEMA["type"]), "color": pick_one(chance, PAINT)}
    seen["direction"] = pick_one(chance, ("left", "right"))
    stripes = tuple(color for color in STREET_SCHEMA["stripe"] if color != seen["color"])
    seen["stripe"] = pick(chance, {None: 45} | dict.fromkeys(stripes, 55 / len(stripes)))
    seen["plate"] = pick_one(chance, STREET_SCHEMA["plate"])
    seen["lights"] = pick(chance, {None: 55, "on": 45})
    seen["rack"] = pick(chance, {None: 55, "roof rack": 45}) if seen["type"] in RACKED else None
    return seen


def hides_hair(worn: Attributes) -> bool:
    """A man's short hair is not seen under a hat."""
    return worn["gender"] == "man" and worn["hat"] is not None


def neighbour(
    attributes: Attributes, seed: int, *, among: tuple[str, ...] = NAMES, add: bool = False
) -> tuple[Attributes, str]:
    """The same but for one fact that takes another value, and which fact that is.

    With `add` it may also be one that is not there and now is.
    """
    chance = Random(seed)
    for _ in range(TRIES):
        name = pick_one(chance, among)
        other = attributes | {name: pick_one(chance, STREET_SCHEMA[name])}
        if other != attributes and (add or attributes[name] is not None) and possible(other):
            return other, name
    raise ValueError(f"nothing of {', '.join(among)} can be changed in {attributes}")


def possible(attributes: Attributes) -> bool:
    """Whether there is such a picture, every fact of which can be seen."""
    a = attributes
    if any(a[name] for name in (PEDESTRIANS if a["category"] == "car" else VEHICLES)):
        return False
    if a["category"] == "car":
        racked = a["rack"] is None or a["type"] in RACKED
        return racked and a["direction"] in ("left", "right") and a["stripe"] != a["color"]
    bottoms = {"dress": {None}, "coat": {"trousers"}}.get(a["top"], BOTTOMS[a["gender"]])
    seen_apart = a["top_color"] not in (a["bottom_color"], a["bag_color"])
    whole = all((a[thing] is None) == (a[f"{thing}_color"] is None) for thing in ("bottom", "bag"))
    whole = whole and (a["hair"] is None) == hides_hair(a)
    return a["top"] in TOPS[a["gender"]] and a["bottom"] in bottoms and seen_apart and whole
