"""The atelier: a dataset whose truth is known. Sample a wardrobe, draw it, describe it, write it."""

from lib.atelier.describe import describe, describe_many
from lib.atelier.draw import draw
from lib.atelier.make import AtelierError, Recipe, make_dataset
from lib.atelier.parse import parse
from lib.atelier.sample import sample_look
from lib.atelier.visible import visible
from lib.atelier.wardrobe import ACCESSORIES, CORE, SCENE, SCHEMA, VIEWS, Facts, Look

__all__ = [
    "ACCESSORIES",
    "CORE",
    "SCENE",
    "SCHEMA",
    "VIEWS",
    "AtelierError",
    "Facts",
    "Look",
    "Recipe",
    "describe",
    "describe_many",
    "draw",
    "make_dataset",
    "parse",
    "sample_look",
    "visible",
]
