"""Synonyms: other people's words for what we say, and spellings that models make; understood, never said.

Together with the lexicon, which has the same tables, this is all that the parser knows.
"""

ADJECTIVES: dict[str, dict[str, tuple[str, ...]]] = {
    "color": {"gray": ("grey",)},
    "pattern": {
        "solid": (
            "pure color",
            "pure colour",
            "solid colour",
            "single color",
            "solid colored",
            "plain colored",
        ),
        "striped": ("stripe", "stripy"),
        "plaid": ("lattice", "checkered", "tartan"),
        "floral": ("flowered",),
        "color block": ("colour block",),
        "dotted": ("polka dotted", "spotted"),
    },
    "fabric": {"knitted": ("knitting",), "furry": ("fur",)},
    "sleeves": {
        "short": ("short sleeve",),
        "medium": ("medium sleeve", "medium sleeved", "elbow length sleeve", "half sleeve"),
        "long": ("long sleeve",),
    },
    "neckline": {
        "round": ("round", "crew", "round necked"),
        "v-shape": ("v shape", "v shaped", "v necked"),
        "square": ("square", "square shaped"),
        "lapel": ("lapel",),
        "suspenders": ("suspender", "suspenders"),
    },
    "length": {
        "three-point": ("short", "three point", "mini"),
        "medium": ("medium", "medium length", "mid length"),
        "three-quarter": ("three quarter", "cropped"),
        "long": ("floor length",),
    },
}
FEATURES: dict[str, dict[str, tuple[str, ...]]] = {
    "pattern": {
        "solid": ("no patterns", "plain pattern", "solid color"),
        "floral": ("flowers",),
        "plaid": ("checks",),
    },
    "sleeves": {
        "sleeveless": ("sleeves cut off", "without sleeves"),
        "medium": ("half sleeves", "medium sleeves"),
    },
    "neckline": {
        "round": ("round neck", "round collar"),
        "v-shape": ("v neck", "v shape neckline"),
        "square": ("square neck",),
        "standing": ("stand", "standing neckline", "stand collar", "stand neckline", "high collar"),
        "suspenders": ("spaghetti straps", "straps"),
    },
}
NOUNS: dict[str, dict[str, tuple[str, ...]]] = {
    "upper": {
        "t-shirt": ("tshirt", "tee shirt", "t-shirts"),
        "tank top": ("tank", "tank shirt", "tank tank shirt"),
        "shirt": ("blouse",),
        "sweater": ("jumper",),
    },
    "lower": {"trousers": ("trouser", "slacks"), "shorts": ("short pants",), "leggings": ("legging",)},
    "outer": {"vest": ("gilet",)},
}
UNCLEAR = {
    "upper": ("upper clothing", "upper garment", "upper clothes"),
    "lower": ("lower clothing", "lower clothes", "bottoms"),
    "outer": ("outer clothing", "outer layer", "outer clothes", "outerwear"),
}
ACCESSORIES: dict[str, dict[str, tuple[str, ...]]] = {
    "hat": {"cap": ("caps",), "sun hat": ("sunhat", "straw hat")},
    "glasses": {"eyeglasses": ("spectacles",)},
    "wrist": {"bracelet": ("bangle",)},
    "ring": {"ring": ("rings",)},
    "socks": {"socks": ("sock",)},
}
PEOPLE = {
    "woman": ("female", "girl", "women", "hers", "herself"),
    "man": ("male", "guy", "boy", "men", "him", "himself"),
}
PLACES = {"forest": ("woodland", "wood"), "park": ("parks",), "snow": ("snowy",), "beach": ("seaside",)}
DENIALS = ("no", "not", "without", "never", "nor")
LINKS = ("and",)
COPULAS = ("is", "are", "was", "were", "be", "in", "of")
PASSED_PHRASES = ("pair of",)
HEADS = (
    "fabric", "material", "pattern", "patterns", "print", "prints", "design", "color", "colour", "colors",
    "length", "neckline", "collar", "neck", "sleeve", "sleeves",
)  # fmt: skip
# words that carry no attribute of the schema; those of the lexicon's sentence shapes need not stand here
PASSED = (
    "a an the this that these those it its they them their been has have had there here who which on at",
    "with over under by to from for as also or but while both very pair made wears wear worn clothing",
    "clothes garment wrist finger head waist feet hand hands face leg legs layer person image one some s",
)
