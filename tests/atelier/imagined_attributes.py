"""Imagined attributes: wardrobes drawn uniformly from the schema, stranger than any the atelier samples."""

import random

from atelier.wardrobe import SCHEMA, Attributes

SHARES = {"gender": 0.95, "upper": 0.95, "lower": 0.85, "outer": 0.4}  # accessories: 0.35 each
WORN_AS = {"upper": ("sleeves", "neckline"), "lower": ("lower_length",), "outer": ()}


def imagine_attributes(rng: random.Random) -> Attributes:
    """What one picture shows: garments with most of their slots visible, some accessories, a background."""
    attributes: Attributes = {
        name: rng.choice(values) if rng.random() < SHARES.get(name, 0.35) else None
        for name, values in SCHEMA.items()
    }
    if attributes["upper"] == "dress":
        attributes["lower"] = None
    for part, extra in WORN_AS.items():
        for name in (*extra, f"{part}_fabric", f"{part}_pattern", f"{part}_color"):
            seen = attributes[part] is not None and rng.random() < 0.85
            attributes[name] = rng.choice(SCHEMA[name]) if seen or rng.random() < 0.02 else None
    return attributes
