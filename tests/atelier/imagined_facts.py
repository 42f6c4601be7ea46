"""Imagined facts: wardrobes drawn uniformly from the schema, stranger than any the atelier samples."""

import random

from lib.atelier.wardrobe import SCHEMA, Facts

SHARES = {"gender": 0.95, "upper": 0.95, "lower": 0.85, "outer": 0.4}  # accessories: 0.35 each
WORN_AS = {"upper": ("sleeves", "neckline"), "lower": ("lower_length",), "outer": ()}


def imagine_facts(rng: random.Random) -> Facts:
    """What one picture shows: garments with most of their slots visible, some accessories, a background."""
    facts: Facts = {
        name: rng.choice(values) if rng.random() < SHARES.get(name, 0.35) else None
        for name, values in SCHEMA.items()
    }
    if facts["upper"] == "dress":
        facts["lower"] = None
    for part, extra in WORN_AS.items():
        for name in (*extra, f"{part}_fabric", f"{part}_pattern", f"{part}_color"):
            seen = facts[part] is not None and rng.random() < 0.85
            facts[name] = rng.choice(SCHEMA[name]) if seen or rng.random() < 0.02 else None
    return facts
