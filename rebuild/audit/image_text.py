"""Image-text model: one more voice for the judge, which knows pictures and texts together (CLIP, SigLIP)."""

from functools import lru_cache
from pathlib import Path

import torch

from atelier.wardrobe import SCHEMA
from lib import environment
from lib.data.images import load_image
from lib.paths import resolve, shorten
from rebuild.audit.judge import ImageText
from rebuild.errors import RebuildError


def open_image_text(model: str, *, hub: bool = False) -> ImageText:
    """Open a folder (with `hub`, a name) that transformers' AutoModel and AutoProcessor know.

    How well a claim agrees with a picture is its share among the values that its attribute could have: such a
    model is good at telling sentences apart, and its bare likeness means little.
    """
    if not hub:
        environment.offline()
    from transformers import AutoModel, AutoProcessor

    where = str(resolve(model)) if resolve(model).exists() else model
    try:
        processor = AutoProcessor.from_pretrained(where, local_files_only=not hub)
        network = AutoModel.from_pretrained(where, local_files_only=not hub).eval()
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise RebuildError(f"{shorten(Path(where))}: no image-text model ({reason})") from None
    if not hasattr(network, "get_text_features"):
        raise RebuildError(
            f"{shorten(Path(where))}: {type(network).__name__} does not compare pictures and texts"
        )

    @lru_cache(maxsize=256)
    @torch.no_grad()
    def compare(picture: Path, texts: tuple[str, ...]) -> list[float]:
        inputs = processor(images=load_image(picture), text=list(texts), padding=True, return_tensors="pt")
        return network(**inputs).logits_per_image[0].float().softmax(0).tolist()

    def agree(picture: Path, claim: str) -> float:
        name, _, value = claim.partition(": ")
        values = dict.fromkeys([value, *SCHEMA.get(name.replace(" ", "_"), ())])
        return compare(picture, tuple(f"a photo of a person, {name}: {v}" for v in values))[0]

    return agree
