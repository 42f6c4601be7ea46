"""Sampling: a product fixes the cut and the person, an outfit of it fixes cloth, colours and accessories."""

from random import Random

from atelier.wardrobe import COLORS, SCHEMA, Attributes, Look

Weights = dict[str | None, float]

UPPERS: dict[str, Weights] = {
    "woman": {"t-shirt": 17, "tank top": 19, "shirt": 16, "sweater": 14, "hoodie": 9, "dress": 25},
    "man": {"t-shirt": 27, "tank top": 11, "shirt": 28, "sweater": 18, "hoodie": 16},
}
SLEEVES: dict[str, Weights] = {
    "t-shirt": {"short": 58, "medium": 26, "long": 16},
    "tank top": {"sleeveless": 1},
    "shirt": {"short": 27, "medium": 20, "long": 53},
    "sweater": {"medium": 22, "long": 78},
    "hoodie": {"short": 12, "medium": 8, "long": 80},
    "dress": {"sleeveless": 42, "short": 22, "medium": 16, "long": 20},
}
NECKLINES: dict[str, Weights] = {
    "t-shirt": {"round": 46, "v-shape": 34, "square": 20},
    "tank top": {"round": 24, "v-shape": 22, "square": 24, "suspenders": 30},
    "shirt": {"lapel": 74, "standing": 26},
    "sweater": {"round": 36, "v-shape": 32, "standing": 32},
    "hoodie": {None: 1},  # the hood takes the neckline's place
    "dress": {"round": 20, "v-shape": 20, "square": 20, "suspenders": 22, "lapel": 9, "standing": 9},
}
OUTERS: dict[str, Weights] = {
    "t-shirt": {None: 46, "jacket": 15, "coat": 7, "cardigan": 22, "vest": 10},
    "tank top": {None: 1},
    "shirt": {None: 50, "jacket": 14, "coat": 8, "cardigan": 18, "vest": 10},
    "sweater": {None: 52, "jacket": 14, "coat": 20, "vest": 14},
    "hoodie": {None: 60, "jacket": 14, "coat": 14, "vest": 12},
    "dress": {None: 82, "coat": 18},
}
LOWERS: dict[str, Weights] = {
    "woman": {"trousers": 30, "shorts": 18, "skirt": 32, "leggings": 20},
    "man": {"trousers": 62, "shorts": 32, "leggings": 6},
}
LENGTHS: dict[str, Weights] = {
    "trousers": {"three-quarter": 26, "long": 74},
    "shorts": {"three-point": 58, "medium": 42},
    "skirt": {"three-point": 32, "medium": 30, "three-quarter": 22, "long": 16},
    "leggings": {"three-quarter": 38, "long": 62},
}
UPPER_FABRICS: dict[str, Weights] = {
    "t-shirt": {"cotton": 70, "knitted": 15, "chiffon": 8, "leather": 7},
    "tank top": {"cotton": 42, "knitted": 16, "chiffon": 14, "leather": 16, "denim": 12},
    "shirt": {"cotton": 42, "denim": 30, "chiffon": 18, "leather": 10},
    "sweater": {"knitted": 58, "furry": 32, "cotton": 10},
    "hoodie": {"cotton": 64, "knitted": 14, "furry": 22},
    "dress": {"cotton": 28, "chiffon": 24, "knitted": 14, "denim": 16, "leather": 12, "furry": 6},
}
LOWER_FABRICS: dict[str, Weights] = {
    "trousers": {"cotton": 32, "denim": 38, "leather": 14, "knitted": 8, "chiffon": 8},
    "shorts": {"cotton": 34, "denim": 36, "leather": 12, "knitted": 12, "chiffon": 6},
    "skirt": {"cotton": 28, "denim": 20, "leather": 16, "knitted": 14, "chiffon": 22},
    "leggings": {"cotton": 54, "knitted": 26, "leather": 20},
}
OUTER_FABRICS: dict[str, Weights] = {
    "jacket": {"cotton": 22, "denim": 34, "leather": 34, "furry": 10},
    "coat": {"cotton": 38, "furry": 24, "leather": 16, "knitted": 22},
    "cardigan": {"knitted": 48, "cotton": 16, "chiffon": 36},
    "vest": {"cotton": 24, "denim": 24, "leather": 20, "knitted": 18, "furry": 14},
}
PATTERNS: dict[str, Weights] = {
    "cotton": {
        "solid": 28,
        "striped": 13,
        "plaid": 15,
        "floral": 12,
        "graphic": 14,
        "color block": 6,
        "dotted": 12,
    },
    "denim": {"solid": 80, "color block": 20},
    "knitted": {"solid": 46, "striped": 28, "color block": 16, "graphic": 10},
    "leather": {"solid": 80, "color block": 20},
    "chiffon": {"solid": 34, "floral": 26, "dotted": 22, "striped": 18},
    "furry": {"solid": 72, "color block": 28},
}
COLOR_WEIGHTS: dict[str, Weights] = {
    "denim": {**dict.fromkeys(COLORS, 4), "blue": 30, "black": 12, "white": 8, "gray": 10},
    "leather": {**dict.fromkeys(COLORS, 4), "black": 24, "brown": 18, "red": 10},
}
HATS: dict[str, Weights] = {
    "woman": {None: 68, "cap": 9, "beanie": 10, "sun hat": 13},
    "man": {None: 66, "cap": 16, "beanie": 13, "sun hat": 5},
}
SCENES: Weights = {"studio": 30, **dict.fromkeys(SCHEMA["background"][1:], 10)}
TUCKED = ("t-shirt", "tank top", "shirt")  # tops that go into the waistband, so that a belt can be seen

GENDER_WORDS = {"woman": "WOMEN", "man": "MEN"}
UPPER_CATEGORIES = {
    "t-shirt": ("Tees_Tanks", "Tees_Tanks"), "tank top": ("Tees_Tanks", "Tees_Tanks"),
    "shirt": ("Blouses_Shirts", "Shirts_Polos"), "sweater": ("Sweaters", "Sweaters"),
    "hoodie": ("Sweatshirts_Hoodies", "Sweatshirts_Hoodies"), "dress": ("Dresses", "Dresses"),
}  # fmt: skip
LOWER_CATEGORIES = {
    "trousers": ("Pants", "Pants"), "shorts": ("Shorts", "Shorts"),
    "skirt": ("Skirts", "Skirts"), "leggings": ("Leggings", "Pants"),
}  # fmt: skip


def sample_look(product: int, outfit: int, seed: int) -> Look:
    """The look of one outfit of one product: equal arguments give an equal look."""
    chance = Random(blend(seed, product))
    attributes: Attributes = dict.fromkeys(SCHEMA)
    attributes |= sample_cut(chance)
    body_seed = int(chance.random() * 2**31)
    chance = Random(blend(seed, product, outfit))
    attributes |= sample_cloth(chance, attributes)
    attributes |= sample_accessories(chance, attributes)
    attributes["background"] = pick(chance, SCENES)
    return Look(product=product, outfit=outfit, attributes=attributes, body_seed=body_seed)


def sample_cut(chance: Random) -> Attributes:
    """What makes the product: the person, the kinds of garment, their cut, and whether trousers are jeans."""
    gender = pick(chance, {"woman": 56, "man": 44})
    upper = pick(chance, UPPERS[gender])
    necklines = {k: v for k, v in NECKLINES[upper].items() if gender == "woman" or k != "suspenders"}
    neckline = pick(chance, necklines)
    sleeves = "sleeveless" if neckline == "suspenders" else pick(chance, SLEEVES[upper])
    attributes = {"gender": gender, "upper": upper, "sleeves": sleeves, "neckline": neckline}
    attributes["outer"] = pick(chance, OUTERS[upper])
    if upper != "dress":
        attributes["lower"] = pick(chance, LOWERS[gender])
        attributes["lower_length"] = pick(chance, LENGTHS[attributes["lower"]])
        attributes["lower_fabric"] = pick(chance, LOWER_FABRICS[attributes["lower"]])
    return attributes


def sample_cloth(chance: Random, attributes: Attributes) -> Attributes:
    """Fabric, pattern and colour of each garment; garments that touch differ in colour."""
    cloth: Attributes = {}
    taken: list[str] = []
    for part, fabrics in (("upper", UPPER_FABRICS), ("outer", OUTER_FABRICS), ("lower", LOWER_FABRICS)):
        kind = attributes[part]
        if kind is None:
            continue
        fabric = attributes[f"{part}_fabric"] or pick(chance, fabrics[kind])
        worn = {k: v for k, v in PATTERNS[fabric].items() if k in SCHEMA[f"{part}_pattern"]}
        weights = COLOR_WEIGHTS.get(fabric) or dict.fromkeys(COLORS, 1)
        color = pick(chance, {k: v for k, v in weights.items() if k not in taken})
        taken.append(color)
        cloth |= {f"{part}_fabric": fabric, f"{part}_pattern": pick(chance, worn), f"{part}_color": color}
    return cloth


def sample_accessories(chance: Random, attributes: Attributes) -> Attributes:
    """What is worn beside the garments, where it can be worn at all."""
    worn: Attributes = {"hat": pick(chance, HATS[attributes["gender"]])}
    worn["glasses"] = pick(chance, {None: 66, "eyeglasses": 18, "sunglasses": 16})
    worn["neckwear"] = pick(chance, neckwear_weights(attributes))
    worn["wrist"] = pick(chance, {None: 52, "watch": 24, "bracelet": 24})
    worn["ring"] = pick(chance, {None: 58, "ring": 42})
    if attributes["upper"] in TUCKED and attributes["lower"] in ("trousers", "shorts", "skirt"):
        worn["belt"] = pick(chance, {None: 45, "belt": 55})
    if attributes["lower_length"] != "long":
        worn["socks"] = pick(chance, {None: 45, "socks": 55})
    return worn


def neckwear_weights(attributes: Attributes) -> Weights:
    """A tie needs a shirt's collar, a necklace an open neck; a scarf goes best with warm things."""
    warm = attributes["outer"] is not None or attributes["upper"] in ("sweater", "hoodie")
    weights: Weights = {None: 60, "scarf": 22 if warm else 10}
    if attributes["upper"] == "shirt" and attributes["neckline"] == "lapel":
        weights["tie"] = 70 if attributes["gender"] == "man" else 18
    if attributes["neckline"] not in (None, "standing"):
        weights["necklace"] = 32 if attributes["gender"] == "woman" else 8
    return weights


def pick(chance: Random, weights: Weights) -> str | None:
    """One key, by weight; only `.random()` is used because its stream is the same in every Python."""
    point = chance.random() * sum(weights.values())
    for value, weight in weights.items():
        point -= weight
        if point < 0:
            return value
    return value


def blend(*numbers: int) -> int:
    """One seed out of several numbers, so that neighbouring products share nothing."""
    seed = 0x9E3779B9
    for number in numbers:
        seed = ((seed ^ (number + 0x7F4A7C15)) * 0x5851F42D4C957F2D + 0x14057B7EF767814F) % 2**64
        seed ^= seed >> 29
    return seed


def shop_category(look: Look) -> str:
    """The shop's category word: an outer garment or dress sells the product, else now top, now bottom."""
    attributes = look.attributes
    column = 0 if attributes["gender"] == "woman" else 1
    if attributes["outer"] == "cardigan" and column == 0:
        return "Cardigans"
    if attributes["outer"] is not None:
        return ("Jackets_Coats", "Jackets_Vests")[column]
    if attributes["lower"] is None or look.product % 3:
        return UPPER_CATEGORIES[attributes["upper"]][column]
    if attributes["lower"] == "trousers" and attributes["lower_fabric"] == "denim":
        return "Denim"
    return LOWER_CATEGORIES[attributes["lower"]][column]


def picture_name(look: Look, view: str) -> str:
    """The file name that DeepFashion would give: GENDER-Category-id_PRODUCT-OUTFIT_VIEW.jpg."""
    gender = GENDER_WORDS[look.attributes["gender"]]
    return f"{gender}-{shop_category(look)}-id_{look.product:08d}-{look.outfit:02d}_{view}.jpg"
