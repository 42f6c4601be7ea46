"""Cloth: fabrics and patterns as cached tiles, coloured when they are used.

A tile holds one byte a pixel: which of four colours (two bits: first, second, half-way, accent) and how
light (six bits, 32 is the plain colour). A palette turns it into any colourway: no tile is drawn twice.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image

from atelier.palette import CLOTH, SECONDS, Color, darken, edge, lighten, mix_colors
from atelier.wardrobe import Attributes

LEVELS = 64


@dataclass(frozen=True)
class Cloth:
    """What a garment is made of."""

    fabric: str
    pattern: str
    color: Color
    second: Color

    @property
    def plain(self) -> bool:
        """Whether one flat colour says it all."""
        return self.fabric == "cotton" and self.pattern in ("solid", "graphic", "color block")

    @property
    def edge(self) -> Color:
        return edge(self.color)

    @property
    def stitch(self) -> Color:
        """Thread: orange on dark denim, brown on light."""
        return (255, 190, 90) if sum(self.color) < 480 else (190, 110, 40)

    def recolored(self, color: Color) -> "Cloth":
        """The same cloth, without pattern, in another colour."""
        return Cloth(self.fabric, "solid", color, self.second)


def cloth_of(attributes: Attributes, part: str, outfit_seed: int) -> Cloth:
    """The cloth of one garment; a pattern nobody can see counts as solid."""
    name = attributes[f"{part}_color"]
    second = SECONDS[name][outfit_seed % 3]
    pattern = attributes[f"{part}_pattern"] or "solid"
    return Cloth(attributes[f"{part}_fabric"], pattern, CLOTH[name], CLOTH[second])


@lru_cache(maxsize=4096)
def colors_of(cloth: Cloth) -> bytes:
    """The palette of a cloth: four colours in 64 levels from deep shade to highlight."""
    dark = sum(cloth.second) < 330
    accent = (250, 214, 70) if dark else mix_colors(cloth.color, (20, 20, 30), 0.55)
    table = bytearray()
    for color in (cloth.color, cloth.second, mix_colors(cloth.color, cloth.second, 0.5), accent):
        for level in range(LEVELS):
            shift = (level - 32) / 32
            table += bytes(darken(color, -shift) if shift < 0 else lighten(color, shift))
    return bytes(table)


@lru_cache(maxsize=160)
def tile(fabric: str, pattern: str, pixels: int, grain: int) -> Image.Image:
    """The tile of a fabric with a pattern; `grain` is how many of its pixels make one texture unit."""
    y, x = (axis / grain for axis in np.mgrid[0:pixels, 0:pixels].astype(np.float64))
    group = PATTERN_MAPS[pattern](x, y) if pattern in PATTERN_MAPS else np.zeros(x.shape, int)
    shade = FABRIC_MAPS[fabric](x, y)
    level = np.clip(np.rint(32 + 32 * np.round(shade, 4)), 0, LEVELS - 1).astype(int)
    return Image.fromarray((group * LEVELS + level).astype(np.uint8))


def noise(shape: tuple[int, int], seed: int, cell: int) -> np.ndarray:
    """Blocky noise in 0..1; RandomState's stream is frozen for good."""
    rows, columns = -(-shape[0] // cell), -(-shape[1] // cell)
    grid = np.random.RandomState(seed).random_sample((rows, columns))
    return np.kron(grid, np.ones((cell, cell)))[: shape[0], : shape[1]]


def wave(phase: np.ndarray) -> np.ndarray:
    """A sine with period 1."""
    return np.sin(2 * np.pi * phase)


def weave_cotton(x, y):
    """Smooth: what marks cotton is that nothing does."""
    return np.zeros(x.shape)


def weave_denim(x, y):
    """Twill: light diagonal threads over a slubby ground."""
    grain = max(1, round(1 / x[0, 1]))
    slub = noise(x.shape, 5, grain)
    return 0.24 * (wave((x + y) / 3.2) > 0.15) - 0.14 + 0.24 * (slub - 0.5)


def weave_knit(x, y):
    """Columns of stitches: chevrons between dark grooves."""
    column = np.abs((x / 6) % 1 - 0.5) * 2
    chevron = wave(y / 4 - column * 0.9)
    return 0.27 * chevron - 0.42 * (column > 0.8) + 0.06


def weave_leather(x, y):
    """Gloss: narrow white lights that run down over a dark, even skin."""
    bend = x / 13 + 0.22 * wave(y / 46) + 0.1 * wave(y / 17 + x / 60)
    glow = np.maximum(wave(bend), 0) ** 5
    return -0.12 + 0.78 * glow - 0.2 * np.maximum(wave(bend + 0.45), 0) ** 3


def weave_chiffon(x, y):
    """Airy: broad soft folds that fall."""
    return 0.16 + 0.2 * wave(x / 8 + 0.5 * wave(y / 70 + x / 90))


def weave_fur(x, y):
    """Tufts: short hair in drifting locks, light tips over dark roots."""
    grain = max(1, round(1 / x[0, 1]))
    lock = noise(x.shape, 11, 2 * grain)
    sway = 0.7 * wave(x / 5 + lock * 0.8) + 0.6 * wave(y / 4.4 + lock * 1.1 + x / 9)
    return 0.26 * sway + 0.34 * (noise(x.shape, 23, grain) - 0.5)


def print_stripes(x, y):
    """Level bands."""
    return ((y % 7.5) < 3).astype(int)


def print_plaid(x, y):
    """Bands both ways, full where they cross, with a thin over-check."""
    across, down = (x % 11) < 4.4, (y % 11) < 4.4
    group = np.where(across & down, 1, np.where(across | down, 2, 0))
    return np.where(((x % 11) // 1.3 == 5) | ((y % 11) // 1.3 == 5), 3, group)


def print_dots(x, y):
    """Dots in staggered rows."""
    row = np.floor(y / 5.4)
    dx, dy = (x + 3.6 * (row % 2)) % 7.2 - 3.6, y % 5.4 - 2.7
    return (dx * dx + dy * dy < 1.75**2).astype(int)


def print_flowers(x, y):
    """Five petals around an eye, strewn in staggered rows, with leaves between."""
    row = np.floor(y / 9.6)
    dx, dy = (x + 5.5 * (row % 2)) % 11 - 5.5, y % 9.6 - 4.8
    group = np.zeros(x.shape, int)
    leaf = ((np.abs(dx) - 4.4) ** 2 + (dy - 2.6) ** 2) < 1.0
    group[leaf] = 2
    for angle in np.arange(5) * 2 * np.pi / 5:
        px, py = 2.15 * np.sin(angle), -2.15 * np.cos(angle)
        group[(dx - px) ** 2 + (dy - py) ** 2 < 1.55**2] = 1
    group[dx * dx + dy * dy < 1.3**2] = 3
    return group


FABRIC_MAPS = {
    "cotton": weave_cotton, "denim": weave_denim, "knitted": weave_knit,
    "leather": weave_leather, "chiffon": weave_chiffon, "furry": weave_fur,
}  # fmt: skip
PATTERN_MAPS = {
    "striped": print_stripes, "plaid": print_plaid, "floral": print_flowers, "dotted": print_dots,
}  # fmt: skip
