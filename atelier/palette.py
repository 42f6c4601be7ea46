"""Colours: what the twelve names look like, and the skins, hairs and second colours that go with them."""

from functools import lru_cache
from random import Random

Color = tuple[int, int, int]

CLOTH: dict[str, Color] = {
    "black": (38, 38, 43),
    "white": (246, 246, 243),
    "gray": (139, 142, 148),
    "red": (206, 32, 40),
    "orange": (245, 130, 26),
    "yellow": (249, 215, 52),
    "green": (42, 146, 70),
    "blue": (36, 88, 192),
    "purple": (124, 58, 166),
    "pink": (248, 150, 190),
    "brown": (110, 66, 36),
    "beige": (224, 202, 164),
}
INK: Color = (44, 38, 42)
GOLD: Color = (232, 182, 48)
SILVER: Color = (214, 218, 224)
SKINS: tuple[Color, ...] = (
    (250, 221, 200),
    (240, 200, 170),
    (224, 172, 134),
    (190, 132, 94),
    (143, 94, 64),
    (98, 64, 46),
)
HAIRS: tuple[Color, ...] = (
    (34, 28, 30),
    (66, 42, 30),
    (104, 66, 36),
    (150, 98, 50),
    (214, 172, 96),
    (166, 70, 36),
    (136, 134, 134),
)
SHOES: tuple[Color, ...] = (
    (40, 38, 42),
    (240, 240, 240),
    (120, 72, 40),
    (150, 40, 46),
    (70, 84, 120),
    (206, 178, 138),
)

# a second colour stands off its first: cloth that is light takes a dark one and the other way round
SECONDS: dict[str, tuple[str, ...]] = {
    "black": ("white", "beige", "yellow"),
    "white": ("black", "blue", "red"),
    "gray": ("white", "black", "yellow"),
    "red": ("white", "black", "beige"),
    "orange": ("white", "black", "blue"),
    "yellow": ("black", "blue", "white"),
    "green": ("white", "yellow", "black"),
    "blue": ("white", "yellow", "beige"),
    "purple": ("white", "yellow", "pink"),
    "pink": ("white", "red", "black"),
    "brown": ("white", "beige", "yellow"),
    "beige": ("brown", "black", "white"),
}


@lru_cache(maxsize=1 << 14)
def mix_colors(a: Color, b: Color, t: float) -> Color:
    """`a` with a share `t` of `b`."""
    return tuple(round(x + (y - x) * t) for x, y in zip(a, b, strict=True))


def darken(color: Color, t: float) -> Color:
    """The colour in shade: cooler, not only darker."""
    return mix_colors(color, (16, 12, 34), t)


def lighten(color: Color, t: float) -> Color:
    """The colour in light."""
    return mix_colors(color, (255, 253, 248), t)


def edge(color: Color) -> Color:
    """An outline that shows against the colour itself, black cloth included."""
    return darken(color, 0.34) if sum(color) > 200 else lighten(color, 0.24)


def pick_one(chance: Random, options: tuple):
    """One of several, drawn with `.random()` alone."""
    return options[int(chance.random() * len(options))]


def unlike(options: tuple[Color, ...], neighbour: Color, chance: Random) -> Color:
    """A colour from the options that stands off its neighbour."""
    start = int(chance.random() * len(options))
    for step in range(len(options)):
        color = options[(start + step) % len(options)]
        if sum(abs(a - b) for a, b in zip(color, neighbour, strict=True)) > 150:
            return color
    return options[start]
