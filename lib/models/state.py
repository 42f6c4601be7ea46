"""What passes between a decoder and those who drive it, training or search."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor


class Decoded(NamedTuple):
    """Teacher-forced output. Row r of the tokens belongs to image r // (rows per image)."""

    logits: Tensor  # [R, T, V]
    attention: Tensor | None  # [R, T, N], where the decoder was looking when it chose each word


@dataclass(frozen=True)
class State:
    """What a decoder remembers between two steps. A step may write into it: use each state once.

    The images' part is never copied for their hypotheses; only the hypotheses' part follows a search around.
    """

    image: tuple[Tensor | None, ...]  # each [B, ...], or B at `images_at`
    hypothesis: tuple[Tensor, ...]  # each [B * K, ...], the K of an image side by side
    step: int = 0  # tokens taken so far
    parts: tuple = ()  # weights the decoder has looked up once
    images_at: int = 0  # the dimension of the images in `image`

    @property
    def images(self) -> int:
        return next(tensor.shape[self.images_at] for tensor in self.image if tensor is not None)

    def reorder(self, rows: Tensor) -> "State":
        """Go on from these hypotheses: some are dropped, some continue twice."""
        return replace(self, hypothesis=tuple(tensor.index_select(0, rows) for tensor in self.hypothesis))

    def keep(self, images: Tensor) -> "State":
        """Forget all images but these."""
        rows, at = hypothesis_rows(images, len(self.hypothesis[0]) // self.images), self.images_at
        kept = tuple(None if tensor is None else tensor.index_select(at, images) for tensor in self.image)
        return replace(self.reorder(rows), image=kept)


def hypothesis_rows(images: Tensor, per_image: int) -> Tensor:
    """Rows of the hypotheses of these images."""
    return (images[:, None] * per_image + torch.arange(per_image, device=images.device)).flatten()
