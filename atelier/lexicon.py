"""The atelier's words: the one table that captions are written from (describe) and read with (parse).

A garment's attributes are told by slot ("color", "fabric", ...). A slot's value has adjectives ("striped"),
features that a garment has ("striped pattern"), or a material it is made of. Phrases stand without articles.
"""

from atelier.wardrobe import COLORS

# garment -> slot -> attribute of the schema, in the order in which adjectives stand before the noun
GARMENTS: dict[str, dict[str, str]] = {
    "upper": {
        "sleeves": "sleeves",
        "color": "upper_color",
        "pattern": "upper_pattern",
        "fabric": "upper_fabric",
        "neckline": "neckline",
    },
    "lower": {
        "length": "lower_length",
        "color": "lower_color",
        "pattern": "lower_pattern",
        "fabric": "lower_fabric",
    },
    "outer": {"color": "outer_color", "pattern": "outer_pattern", "fabric": "outer_fabric"},
}


def slots_of(part: str, *, dress: bool) -> dict[str, str]:
    """The slots of one garment. A dress has no lower garment: the length is its own."""
    slots = GARMENTS[part]
    if dress and part == "upper":
        return {"length": "lower_length", **slots}
    return {slot: name for slot, name in slots.items() if not (dress and name == "lower_length")}


# a noun may say more than the kind of garment: jeans are denim
NOUNS: dict[str, dict[str, tuple[str, ...]]] = {
    "upper": {
        "t-shirt": ("t-shirt", "tee"),
        "tank top": ("tank top",),
        "shirt": ("shirt",),
        "sweater": ("sweater", "pullover"),
        "hoodie": ("hoodie", "hooded sweatshirt"),
        "dress": ("dress",),
    },
    "lower": {
        "trousers": ("trousers", "pants"),
        "shorts": ("shorts",),
        "skirt": ("skirt",),
        "leggings": ("leggings",),
    },
    "outer": {
        "jacket": ("jacket",),
        "coat": ("coat", "overcoat"),
        "cardigan": ("cardigan",),
        "vest": ("vest", "waistcoat"),
    },
}
DENIM_TROUSERS = "jeans"
# a garment that is seen without its kind being clear
UNCLEAR = {"upper": "top", "lower": "lower garment", "outer": "outer garment"}

ADJECTIVES: dict[str, dict[str, tuple[str, ...]]] = {
    "color": {color: (color,) for color in COLORS},
    "pattern": {
        "solid": ("plain", "solid"),
        "striped": ("striped",),
        "plaid": ("plaid", "checked"),
        "floral": ("floral", "flowery"),
        "graphic": ("graphic",),
        "color block": ("color-block", "color-blocked"),
        "dotted": ("dotted", "polka-dot"),
    },
    "fabric": {
        "cotton": ("cotton",),
        "denim": ("denim",),
        "knitted": ("knitted", "knit"),
        "leather": ("leather",),
        "chiffon": ("chiffon",),
        "furry": ("furry", "fluffy"),
    },
    "sleeves": {
        "sleeveless": ("sleeveless",),
        "short": ("short-sleeved",),
        "medium": ("half-sleeved",),
        "long": ("long-sleeved",),
    },
    "neckline": {
        "round": ("round-neck", "crew-neck"),
        "v-shape": ("v-neck",),
        "square": ("square-neck",),
    },
    "length": {
        "three-point": ("thigh-length", "very short"),
        "medium": ("knee-length",),
        "three-quarter": ("calf-length", "three-quarter-length"),
        "long": ("long", "ankle-length", "full-length"),
    },
}
# adjectives that stand before a noun but not after "is"
ATTRIBUTIVE = {
    "solid", "graphic", "color-block", "polka-dot",
    "round-neck", "crew-neck", "v-neck", "square-neck",
}  # fmt: skip

FEATURES: dict[str, dict[str, tuple[str, ...]]] = {
    "pattern": {
        "solid": ("no pattern", "plain design"),
        "striped": ("striped pattern", "stripes"),
        "plaid": ("plaid pattern", "checked pattern"),
        "floral": ("floral pattern", "flower print"),
        "graphic": ("graphic print", "graphic pattern"),
        "color block": ("color-block pattern", "blocks of color"),
        "dotted": ("dotted pattern", "polka dots"),
    },
    "sleeves": {
        "sleeveless": ("no sleeves",),
        "short": ("short sleeves",),
        "medium": ("elbow-length sleeves", "medium-length sleeves"),
        "long": ("long sleeves",),
    },
    "neckline": {
        "round": ("round neckline", "crew neck"),
        "v-shape": ("v-shaped neckline", "v-neckline"),
        "square": ("square neckline",),
        "lapel": ("lapel collar", "lapels"),
        "standing": ("standing collar", "stand-up collar"),
        "suspenders": ("thin straps", "shoulder straps"),
    },
}
MATERIALS = {
    "cotton": ("cotton",),
    "denim": ("denim",),
    "knitted": ("knitted fabric", "knit fabric"),
    "leather": ("leather",),
    "chiffon": ("chiffon",),
    "furry": ("fur", "soft fur"),
}
MADE = ("made of {}", "made from {}")

ACCESSORY_WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "hat": {
        "cap": ("cap", "baseball cap"),
        "beanie": ("beanie",),
        "sun hat": ("sun hat", "wide-brimmed hat"),
    },
    "glasses": {"eyeglasses": ("glasses", "eyeglasses"), "sunglasses": ("sunglasses",)},
    "neckwear": {"scarf": ("scarf",), "necklace": ("necklace",), "tie": ("tie", "necktie")},
    "wrist": {"watch": ("watch", "wristwatch"), "bracelet": ("bracelet",)},
    "ring": {"ring": ("ring",)},
    "belt": {"belt": ("belt",)},
    "socks": {"socks": ("socks",)},
}
WORN_AT = {
    "hat": "on {her} head",
    "neckwear": "around {her} neck",
    "wrist": "on {her} wrist",
    "ring": "on {her} finger",
    "belt": "around {her} waist",
}
PLACES: dict[str, tuple[str, tuple[str, ...]]] = {
    "studio": ("in", ("a studio", "a photo studio")),
    "street": ("on", ("a street", "a city street")),
    "park": ("in", ("a park",)),
    "beach": ("on", ("a beach", "a sandy beach")),
    "forest": ("in", ("a forest", "the woods")),
    "living room": ("in", ("a living room",)),
    "shop": ("in", ("a shop", "a store")),
    "snow": ("in", ("the snow", "a snowy landscape")),
}

PEOPLE: dict[str | None, tuple[str, ...]] = {
    "woman": ("woman", "woman", "lady"),
    "man": ("man", "man", "gentleman"),
    None: ("person",),
}
PRONOUNS = {"woman": ("she", "her"), "man": ("he", "his"), None: ("the person", "their")}
DETERMINERS = ("a", "the", "this")

# Sentence shapes: {person} "a woman", {she} "she", {her} "her", {it} a garment named before, {wear} a new one
OPENINGS = ("{person} is wearing {wear}", "{person} wears {wear}", "{person} is dressed in {wear}")
PAIRINGS = (
    "{she} pairs {it} with {wear}",
    "{she} wears {it} with {wear}",
    "with {it}, {she} wears {wear}",
    "the outfit is completed by {wear}",
)
OVER = ("over {it}, {she} wears {wear}", "{she} wears {wear} over {it}", "the outer layer is {wear}")
UNDER = ("under {it}, {she} wears {wear}", "{she} wears {wear} under {it}")
ADORNMENTS = (
    "{she} also wears {things}",
    "{she} is also wearing {things}",
)
LISTINGS = (*ADORNMENTS, "{her} accessories include {things}")  # for two things or more
PLACINGS = ("there is {things} {at}", "{she} has {things} {at}")  # for one thing that has its place
BARE = ("this is {person}", "the picture shows {person}")
VIEWS_OF_PLACE = (
    "the picture was taken {at} {place}",
    "the photo was taken {at} {place}",
    "the background shows {place}",
)
VIEWS_OF_PERSON = ("{she} is photographed {at} {place}", "{she} is {at} {place}")
SHAPES = (
    *OPENINGS, *PAIRINGS, *OVER, *UNDER, *LISTINGS, *PLACINGS, *BARE, *VIEWS_OF_PLACE, *VIEWS_OF_PERSON,
)  # fmt: skip

PLURAL_HEADS = {
    "trousers", "pants", "shorts", "leggings", "jeans", "sleeves", "stripes", "dots", "lapels", "straps",
    "blocks", "glasses", "eyeglasses", "sunglasses", "socks",
}  # fmt: skip
PAIRED = PLURAL_HEADS - {"sleeves", "stripes", "dots", "lapels", "straps", "blocks"}  # "a pair of ..."
