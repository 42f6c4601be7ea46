"""Drawing the body: skin, arms, hands, legs and shoes."""

from atelier.canvas import Canvas
from atelier.figure import CROTCH, Figure
from atelier.palette import Color, darken, edge, lighten
from atelier.shapes import Point, between, limb, smooth


def draw_skin(canvas: Canvas, figure: Figure) -> None:
    """Torso, neck and legs, bare: garments are laid over them."""
    for side in (-figure.near, figure.near):
        draw_leg(canvas, figure, side)
    skin = figure.build.skin
    tip = figure.half(38)[0] - 5
    top = [figure.on(lateral, figure.shoulder_line(lateral) + 0.6) for lateral in (-tip, -6, 6, tip)]
    rows = [(figure.edges(y, -0.4), y) for y in (41, 48, 57, 66, 76, 85, CROTCH)]
    ends = [(e[1], y) for e, y in rows] + [(e[0], y) for e, y in reversed(rows)]
    canvas.fill([*(top if figure.faces_us else top[::-1]), *ends], skin, edge(skin))
    draw_neck(canvas, figure)


def draw_neck(canvas: Canvas, figure: Figure) -> None:
    """The neck, shaded below the chin."""
    skin, (hx, _) = figure.build.skin, figure.head
    half = 4.6 if figure.build.gender == "woman" else 6.2
    base = figure.x(34, 0) * 0.4
    canvas.fill([(hx - half, 19), (hx + half, 19), (base + half, 34), (base - half, 34)], skin)
    for sign in (-1, 1):
        canvas.line(
            [(hx + sign * half, 22), (base + sign * half, 32), (base + sign * (half + 4), 34)], edge(skin)
        )
    if figure.faces_us:
        shadow = [(hx - half, 23), (hx + half, 23), (hx + half * 0.9, 28), (hx, 30.5), (hx - half * 0.9, 28)]
        canvas.fill(shadow, darken(skin, 0.2))


def draw_leg(canvas: Canvas, figure: Figure, side: int) -> None:
    """A bare leg from hip to ankle."""
    skin = figure.build.skin
    hip, knee, ankle = figure.legs[side]
    calf = between(knee, ankle, 0.35)
    outline = limb(
        [hip, between(hip, knee, 0.5), knee, calf, ankle, (ankle[0], ankle[1] + 4)],
        [8.4, 6.9, 5.5, 5.6, 3.4, 3.4],
    )
    canvas.fill(outline, skin, edge(skin))
    if figure.faces_us:
        canvas.line([(knee[0] - 2.4, knee[1] + 1), (knee[0] + 2.4, knee[1] + 1)], darken(skin, 0.2), 0.8)


def draw_shoes(canvas: Canvas, figure: Figure) -> None:
    """Shoes that point where the body points; from behind they show their heels."""
    color = figure.build.shoes
    toward = figure.sin * 9
    for side in (-figure.near, figure.near):
        x, y = figure.legs[side][2]
        drop = 9.5 if figure.faces_us else 7.5
        shape = [
            (x - 3.9, y + 0.5), (x + 3.9, y + 0.5), (x + 5 + max(toward, 0), y + drop - 3),
            (x + 5 + max(toward, 0), y + drop), (x - 5 + min(toward, 0), y + drop),
            (x - 5 + min(toward, 0), y + drop - 3),
        ]  # fmt: skip
        canvas.fill(shape, color, edge(color))
        sole = [(px, y + drop) for px in (x - 5 + min(toward, 0), x + 5 + max(toward, 0))]
        canvas.line(sole, lighten(color, 0.55) if sum(color) < 600 else darken(color, 0.4), 1.4)


def draw_bare_arm(canvas: Canvas, figure: Figure, side: int) -> None:
    """Arm and hand; a sleeve is drawn over it."""
    skin = figure.build.skin
    canvas.fill(figure.tube(side, 2, 0), skin, edge(skin))
    draw_hand(canvas, *figure.arms[side][2:], skin)


def draw_hand(canvas: Canvas, wrist: Point, tips: Point, skin: Color) -> None:
    """A mitten with a thumb: at this size fingers would be noise."""
    palm = between(wrist, tips, 0.5)
    canvas.fill(smooth(limb([wrist, palm, tips], [2.5, 3.7, 2.0]), 2), skin, edge(skin))
    dx, dy = tips[0] - wrist[0], tips[1] - wrist[1]
    thumb = (palm[0] - dy * 0.36 * (1 if wrist[0] > 0 else -1) * -1 * -1, palm[1] + abs(dx) * 0.1 + 1.2)
    canvas.line([between(wrist, palm, 0.3), thumb], skin, 2.0)
