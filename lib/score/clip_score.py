"""CLIPScore and RefCLIPScore (Hessel et al. 2021): scores that look at the picture, or at both.

They are what one model of retrieval thinks, which is named wherever they are shown.
"""

from collections.abc import Sequence

import numpy as np

WEIGHT = 2.5  # brings the usual likeness near to a scale from 0 to 1
PROMPT = "A photo depicts "  # before each caption, as its authors have it


def clip_scores(
    captions: np.ndarray, pictures: np.ndarray, references: Sequence[np.ndarray]
) -> dict[str, np.ndarray]:
    """Of each caption, from points of length one: captions and pictures [C, E], references [R, E] each."""
    seen = WEIGHT * np.maximum((captions * pictures).sum(1), 0)
    told = [max(0.0, float((own @ caption).max())) for caption, own in zip(captions, references, strict=True)]
    both = seen + told
    return {
        "clip_score": seen,
        "ref_clip_score": np.divide(2 * seen * told, both, where=both > 0, out=0 * both),
    }
