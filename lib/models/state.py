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
        per_image = self.hypothesis[0].shape[0] // self.images
        rows = images[:, None] * per_image + torch.arange(per_image, device=images.device)
        at = self.images_at
        kept = tuple(None if tensor is None else tensor.index_select(at, images) for tensor in self.image)
        return replace(self.reorder(rows.flatten()), image=kept)


@dataclass(frozen=True)
class TwoStates:
    """States of the same texts after two beginnings."""

    styled: State
    plain: State
    first: Tensor | None = None  # [B] before the first step the word that the plain one begins with

    @property
    def images(self) -> int:
        return self.styled.images

    def reorder(self, rows: Tensor) -> "TwoStates":
        return TwoStates(self.styled.reorder(rows), self.plain.reorder(rows))

    def keep(self, images: Tensor) -> "TwoStates":
        return TwoStates(self.styled.keep(images), self.plain.keep(images))
