"""Image-text model: one more voice for the judge, which knows pictures and texts together.

A CLIP or SigLIP by its folder, or the two towers that notebook 06 trains.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np

from atelier.wardrobe import SCHEMA
from lib.models.retriever import open_retriever
from rebuild.audit.judge import ImageText
from rebuild.errors import RebuildError


def open_image_text(model: str) -> ImageText:
    """Open a folder, or an id that lies in the hub's cache.

    How well a claim agrees with a picture is its share among the values that its attribute could have: such a
    model is good at telling sentences apart, and its bare likeness means little.
    """
    try:
        retriever = open_retriever(model)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise RebuildError(f"{model}: no image-text model ({reason})") from None
    scale = retriever.model.logit_scale.detach().exp().item()

    @lru_cache(maxsize=256)
    def compare(picture: Path, texts: tuple[str, ...]) -> np.ndarray:
        logits = scale * retriever.embed_texts(texts) @ retriever.embed_images([picture])[0]
        shares = np.exp(logits - logits.max())
        return shares / shares.sum()

    def agree(picture: Path, claim: str) -> float:
        name, _, value = claim.partition(": ")
        values = dict.fromkeys([value, *SCHEMA.get(name.replace(" ", "_"), ())])
        return float(compare(picture, tuple(f"a photo of a person, {name}: {v}" for v in values))[0])

    return agree
