"""The wardrobe: which attributes exist, and how a product, its outfits and its views are sampled.

The schema is that of DeepFashion-MultiModal (shape, fabric and pattern labels), with colours and a background
added. A value of None means that an attribute does not apply (a dress has no lower garment; no hat is worn).
"""

from dataclasses import dataclass

COLORS = (
    "black",
    "white",
    "gray",
    "red",
    "orange",
    "yellow",
    "green",
    "blue",
    "purple",
    "pink",
    "brown",
    "beige",
)
PATTERNS = ("solid", "striped", "plaid", "floral", "graphic", "color block", "dotted")
FABRICS = ("cotton", "denim", "knitted", "leather", "chiffon", "furry")

# attribute -> every value it can take; the order is the order in which attributes are listed and scored
SCHEMA: dict[str, tuple[str, ...]] = {
    "gender": ("woman", "man"),
    "upper": ("t-shirt", "tank top", "shirt", "sweater", "hoodie", "dress"),
    "sleeves": ("sleeveless", "short", "medium", "long"),
    "neckline": ("round", "v-shape", "square", "lapel", "standing", "suspenders"),
    "upper_fabric": FABRICS,
    "upper_pattern": PATTERNS,
    "upper_color": COLORS,
    "lower": ("trousers", "shorts", "skirt", "leggings"),
    "lower_length": ("three-point", "medium", "three-quarter", "long"),
    "lower_fabric": ("cotton", "denim", "knitted", "leather", "chiffon"),
    "lower_pattern": ("solid", "striped", "plaid", "floral", "dotted"),
    "lower_color": COLORS,
    "outer": ("jacket", "coat", "cardigan", "vest"),
    "outer_fabric": FABRICS,
    "outer_pattern": ("solid", "striped", "plaid"),
    "outer_color": COLORS,
    "hat": ("cap", "beanie", "sun hat"),
    "glasses": ("eyeglasses", "sunglasses"),
    "neckwear": ("scarf", "necklace", "tie"),
    "wrist": ("watch", "bracelet"),
    "ring": ("ring",),
    "belt": ("belt",),
    "socks": ("socks",),
    "background": ("studio", "street", "park", "beach", "forest", "living room", "shop", "snow"),
}

CORE = ("gender", "upper", "sleeves", "neckline", "upper_fabric", "upper_pattern", "upper_color",
        "lower", "lower_length", "lower_fabric", "lower_pattern", "lower_color",
        "outer", "outer_fabric", "outer_pattern", "outer_color")  # fmt: skip
ACCESSORIES = ("hat", "glasses", "neckwear", "wrist", "ring", "belt", "socks")
SCENE = ("background",)
VIEWS = ("1_front", "2_side", "3_back", "4_full", "7_additional")

Attributes = dict[str, str | None]  # every attribute of SCHEMA -> its value, or None


@dataclass(frozen=True, kw_only=True)
class Look:
    """One outfit on one person, before the camera: everything that is true, visible or not."""

    product: int
    outfit: int
    attributes: Attributes
    body_seed: int  # decides skin, hair, build and face: the same person in every view of the product
