"""Drawing hats: a cap, a beanie, a sun hat."""

from random import Random

from atelier.canvas import Canvas
from atelier.figure import Figure
from atelier.palette import CLOTH, Color, darken, edge, lighten, unlike
from atelier.shapes import smooth

HAT_COLORS = tuple(CLOTH[name] for name in ("black", "red", "blue", "green", "gray", "orange", "purple"))


def draw_hat(canvas: Canvas, figure: Figure, kind: str, chance: Random) -> None:
    """A cap with a visor, a beanie with a bobble, or a sun hat with a brim."""
    color = unlike(HAT_COLORS, figure.build.hair, chance)
    HATS[kind](canvas, figure, color)


def draw_cap(canvas: Canvas, figure: Figure, color: Color) -> None:
    """A dome with a button; the visor shows where the head looks."""
    hx, hy = figure.head
    dome = smooth(
        [
            (hx - 11, hy - 4),
            (hx - 9.5, hy - 12),
            (hx, hy - 16.5),
            (hx + 9.5, hy - 12),
            (hx + 11, hy - 4),
            (hx, hy - 4.6),
        ]
    )
    canvas.fill(dome, color, edge(color))
    canvas.disc((hx, hy - 16), 1.5, 1.1, darken(color, 0.4))
    if not figure.faces_us:
        canvas.fill(
            smooth([(hx - 4, hy - 4.5), (hx - 3, hy - 8.5), (hx + 3, hy - 8.5), (hx + 4, hy - 4.5)]),
            figure.build.hair,
            edge(color),
        )
        canvas.line([(hx - 5, hy - 4.2), (hx + 5, hy - 4.2)], darken(color, 0.35), 1.8)
        return
    x = hx + figure.sin * 9
    near, far = (x - 9 + figure.sin * 2, x + 9 + figure.sin * 6)
    visor = smooth(
        [
            (near - 2, hy - 4),
            (x, hy - 7.6),
            (far + 2, hy - 4),
            (far, hy - 1.8),
            (x, hy - 3.2),
            (near, hy - 1.8),
        ]
    )
    canvas.fill(visor, darken(color, 0.35) if sum(color) > 240 else lighten(color, 0.3), edge(color))


def draw_beanie(canvas: Canvas, figure: Figure, color: Color) -> None:
    """A knitted dome with a folded rim and a bobble."""
    hx, hy = figure.head
    dome = smooth(
        [(hx - 11, hy - 5), (hx - 9.5, hy - 13), (hx, hy - 17.5), (hx + 9.5, hy - 13), (hx + 11, hy - 5)]
    )
    canvas.fill(dome, color, edge(color))
    for dx in (-6, -2, 2, 6):
        canvas.line([(hx + dx, hy - 9), (hx + dx * 0.6, hy - 15)], darken(color, 0.28), 0.7)
    rim = [(hx - 11.6, hy - 9.5), (hx + 11.6, hy - 9.5), (hx + 11.6, hy - 4), (hx - 11.6, hy - 4)]
    canvas.fill(rim, lighten(color, 0.3), edge(color))
    for step in range(-5, 6):
        canvas.line([(hx + step * 2.1, hy - 9), (hx + step * 2.1, hy - 4.5)], darken(color, 0.1), 0.6)
    canvas.disc((hx, hy - 19), 4.0, 3.8, lighten(color, 0.55))


def draw_sun_hat(canvas: Canvas, figure: Figure, color: Color) -> None:
    """A straw hat: a wide brim, a crown and a coloured band."""
    hx, hy = figure.head
    straw = (236, 208, 140)
    canvas.disc((hx, hy - 5.5), 20, 4.6, darken(straw, 0.3))
    canvas.disc((hx, hy - 6.2), 20, 4.4, straw)
    crown = smooth(
        [
            (hx - 10.5, hy - 6),
            (hx - 9, hy - 15),
            (hx, hy - 17.5),
            (hx + 9, hy - 15),
            (hx + 10.5, hy - 6),
            (hx, hy - 4.4),
        ]
    )
    canvas.fill(crown, straw, darken(straw, 0.3))
    canvas.line([(hx - 10, hy - 8), (hx, hy - 6.6), (hx + 10, hy - 8)], color, 3.0)


HATS = {"cap": draw_cap, "beanie": draw_beanie, "sun hat": draw_sun_hat}
