"""What one picture shows of a look: the only place that decides what is hidden.

`draw` paints from these alone, so an attribute that is None here cannot leave a trace in the pixels.
"""

from atelier.wardrobe import SCHEMA, VIEWS, Attributes, Look

UPPER = ("upper", "sleeves", "neckline", "upper_fabric", "upper_pattern", "upper_color")
LOWER = ("lower", "lower_length", "lower_fabric", "lower_pattern", "lower_color")
SHORT_HEMS = ("three-point", "medium")  # hems that a coat covers and a knee-up crop shows
SLEEVE_PATTERNS = ("striped", "plaid", "floral", "dotted")  # patterns that sleeves alone give away

# what lies outside the frame: front and side end below the knee, additional below the waist; what is worn
# on wrist and finger is too small to see in a picture of the whole body, and a turned body hides a ring
CUT_OFF = {
    "1_front": ("socks",),
    "2_side": ("socks", "ring"),
    "3_back": ("wrist", "ring", "neckline", "glasses"),
    "4_full": ("wrist", "ring"),
    "7_additional": (*LOWER, "wrist", "ring", "belt", "socks", "background"),
}


def visible(look: Look, view: str) -> Attributes:
    """The attributes that a person can read off the picture of `look` in `view`; None for all others."""
    if view not in VIEWS:
        raise ValueError(f"unknown view {view!r}: expected one of {', '.join(VIEWS)}")
    unseen = {
        *CUT_OFF[view],
        *hidden_by_frame(look.attributes, view),
        *hidden_by_clothes(look.attributes, view),
    }
    return {name: None if name in unseen else look.attributes[name] for name in SCHEMA}


def hidden_by_frame(attributes: Attributes, view: str) -> set[str]:
    """What the turn or the crop hides of this look in particular."""
    unseen = set()
    if view in ("1_front", "2_side") and attributes["lower_length"] not in SHORT_HEMS:
        unseen.add("lower_length")
    if view == "3_back" and attributes["neckwear"] != "scarf":
        unseen.add("neckwear")
    return unseen


def hidden_by_clothes(attributes: Attributes, view: str) -> set[str]:
    """What one garment hides of another."""
    unseen = set()
    if attributes["neckwear"] == "scarf":
        unseen.add("neckline")
    if attributes["outer"] is None:
        return unseen
    if attributes["outer"] != "vest":
        unseen.add("sleeves")
    if view in ("2_side", "3_back"):
        unseen.add("belt")
    if view == "3_back":
        unseen |= hidden_behind(attributes)
    return unseen


def hidden_behind(attributes: Attributes) -> set[str]:
    """What an outer garment covers when it is seen from behind: all but what its hem and armholes leave."""
    if attributes["outer"] == "vest":
        return set() if attributes["upper_pattern"] in SLEEVE_PATTERNS else {"upper_pattern"}
    covers_lower = attributes["outer"] == "coat" and attributes["lower_length"] in SHORT_HEMS
    return {*UPPER, *LOWER} if covers_lower else set(UPPER)
