"""Vectors as embeddings are (clustered), and a model that sees a picture's mean colour."""

import numpy as np

from lib.data.images import load_image
from lib.index import Embeddings

COLOURS = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1), "yellow": (1, 1, 0)}


def clustered(count: int, seed: int = 0, *, width: int = 16, centres: int = 40) -> np.ndarray:
    """Seeded points around centres that do not depend on the seed."""
    middle = np.random.default_rng(99).standard_normal((centres, width))
    chance = np.random.default_rng(seed)
    points = middle[chance.integers(centres, size=count)] + 0.4 * chance.standard_normal((count, width))
    return points.astype(np.float32)


def embeddings(count: int, seed: int = 0, *, first: int = 0, model: str = "colours", **shape) -> Embeddings:
    ids = tuple(f"p/{number:05d}.png" for number in range(first, first + count))
    return Embeddings(clustered(count, seed, **shape), ids, model)


def ranking(gallery: np.ndarray, queries: np.ndarray, k: int) -> list[list[int]]:
    """The definition: cosines in double precision, sorted."""
    gallery, queries = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (gallery, queries))
    return np.argsort(-(queries.astype(float) @ gallery.T.astype(float)), axis=1, kind="stable")[
        :, :k
    ].tolist()


class ColourModel:
    """Stands in for a retriever: text and picture are points in the space of colours."""

    fingerprint = "colours"

    def embed_texts(self, texts):
        said = [np.sum([COLOURS.get(word, (0, 0, 0)) for word in text.split()], 0) + 0.01 for text in texts]
        return np.array(said, np.float32)

    def embed_images(self, paths):
        means = [np.asarray(load_image(path), np.float32).mean((0, 1)) / 255 + 0.01 for path in paths]
        return np.array(means, np.float32)
