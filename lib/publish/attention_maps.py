"""Attention drawn over the picture, word by word."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image
from torch import Tensor

from lib.models.encoders import Encoder
from lib.publish.plots import as_picture, panels
from lib.publish.show import Picture

DARK = 0.25  # how bright the picture is where nobody looks


def attention(
    picture: Image.Image, words: Sequence[str], weights: Tensor, encoder: Encoder, *, columns: int = 8
) -> Picture:
    """The picture once for each word, bright where the decoder looked; `weights` [T, N] over the cells."""
    square = picture.resize((256, 256))
    pixels = np.asarray(square, dtype=float) / 255
    rows = math.ceil((len(words) + 1) / columns)
    figure, axes = panels(rows, columns, size=(1.25, 1.42), used=0)
    axes[0].imshow(square)
    for axis, word, weight in zip(axes[1:], words, weights.float().numpy(), strict=False):
        light = attention_as_light(weight, encoder, square.size)
        light = DARK + (1 - DARK) * light / max(light.max(), 1e-9)
        axis.imshow(np.clip(pixels * light[..., None], 0, 1))
        axis.set_title(word, fontsize=9, loc="center", pad=2)
    return as_picture(figure)


def attention_over_time(frames: Sequence[Image.Image], words: Sequence[str], weights: Tensor) -> Picture:
    """A clip's frames, and below them when the decoder looked for each word; `weights` [T, frames * N]."""
    looked = weights.float().unflatten(1, (len(frames), -1)).sum(2).numpy()  # [T, frames]
    strip = np.concatenate([np.asarray(frame.resize((128, 128))) for frame in frames], 1)
    row, wide = 0.17, 8 / len(frames)  # inches of a word, and of a frame
    count, high = len(words), wide / row
    figure, (axis,) = panels(1, 1, size=(8, wide + row * count))
    axis.imshow(strip, extent=(0, len(frames), count, count + high))
    shown = looked[:count] / looked[:count].max(1, keepdims=True)
    axis.imshow(shown, extent=(0, len(frames), 0, count), cmap="Blues")
    axis.set(aspect="auto", ylim=(0, count + high), xticks=[])
    axis.set_yticks([count - place - 0.5 for place in range(count)], words)
    return as_picture(figure)


def attention_as_light(weights: np.ndarray, encoder: Encoder, size: tuple[int, int]) -> np.ndarray:
    """Weights of cells as light over the picture: smooth for a grid, summed boxes for regions."""
    width, height = size
    if encoder.settings.view == "regions":
        light = np.zeros((height, width))
        for weight, (left, top, right, bottom) in zip(weights, encoder.windows.tolist(), strict=False):
            box = slice(int(top * height), int(bottom * height)), slice(int(left * width), int(right * width))
            light[box] += weight
        return light
    side = math.isqrt(len(weights))
    cells = Image.fromarray(weights.reshape(side, side).astype(np.float32))
    return np.clip(np.asarray(cells.resize(size, Image.Resampling.BICUBIC)), 0, None)
