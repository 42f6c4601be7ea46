"""Drawing accessories: glasses, neckwear, wrist and finger, belt and socks."""

from random import Random

from atelier.canvas import Canvas
from atelier.figure import Figure
from atelier.head import face_spots
from atelier.palette import CLOTH, GOLD, INK, SILVER, Color, darken, edge, lighten, pick_one, unlike
from atelier.shapes import between, limb, smooth

SCARF_COLORS = tuple(CLOTH[name] for name in ("red", "green", "purple", "orange", "gray", "yellow", "blue"))

TIE_COLORS = tuple(CLOTH[name] for name in ("red", "blue", "black", "green", "purple"))


def draw_glasses(canvas: Canvas, figure: Figure, kind: str) -> None:
    """Rims and light lenses, or dark lenses."""
    hx, hy = figure.head
    x = hx + figure.sin * 3.0
    middle, eyes = face_spots(figure, x)
    dark = kind == "sunglasses"
    squeeze = 0.6 + 0.4 * figure.cos
    rim, lens = INK, lighten(figure.build.skin, 0.3 if sum(figure.build.skin) > 400 else 0.55)
    for side, ex in zip((-1, 1), eyes, strict=True):
        canvas.line([(ex, hy), (hx + side * 9 * figure.cos - figure.sin * 4, hy - 0.6)], rim, 1.0)
    for ex in eyes:
        rx, ry = 3.7 * squeeze, 3.3 if dark else 3.5
        canvas.disc((ex, hy + 0.8), rx + 0.6, ry + 0.6, rim)
        if not dark:
            canvas.disc((ex, hy + 0.8), rx - 0.7, ry - 0.7, lens)
            canvas.disc((ex, hy + 0.8), 1.1, 1.3, INK)
        else:
            canvas.line([(ex - 1.6, hy + 0.8), (ex + 0.2, hy - 1.0)], (150, 160, 190), 0.8)
    canvas.line([(eyes[0], hy), (middle, hy - 0.6), (eyes[1], hy)], rim, 1.0)


def draw_neckwear(canvas: Canvas, figure: Figure, kind: str, chance: Random, ground: Color) -> None:
    """A scarf, necklace or tie over the garment whose colour is the ground."""
    NECKWEAR[kind](canvas, figure, chance, ground)


def draw_scarf(canvas: Canvas, figure: Figure, chance: Random, ground: Color) -> None:
    """A thick loop around the neck; from the front one end hangs down."""
    color = unlike(SCARF_COLORS, ground, chance)
    light = lighten(color, 0.5)
    hx, base = figure.head[0], figure.x(40, 0) * 0.6
    if figure.faces_us:
        tail = figure.row((3, 38), (10, 38), (11, 68), (3.5, 68), ease=4)
        canvas.fill(tail, color, edge(color))
        for y in (58, 62.5):
            canvas.line(figure.row((3.4, y), (10.6, y), ease=4), light, 1.6)
        for lateral in (4, 6, 8, 10):
            canvas.line(figure.row((lateral, 67.5), (lateral, 71), ease=4), color, 0.9)
    loop = smooth(
        [
            (hx - 9, 24.5),
            (hx, 27),
            (hx + 9, 24.5),
            (base + 14, 32),
            (base + 12.5, 41),
            (base, 46.5),
            (base - 12.5, 41),
            (base - 14, 32),
        ]
    )
    canvas.fill(loop, color, edge(color))
    for dy in (0, 6.5):
        canvas.line([(hx - 10, 29 + dy), (base, 34 + dy), (hx + 10, 29 + dy)], darken(color, 0.3), 1.0)
    canvas.line([(base - 11, 40), (base, 44.2), (base + 11, 40)], light, 1.5)


def draw_necklace(canvas: Canvas, figure: Figure, chance: Random, ground: Color) -> None:
    """A string of large beads with a pendant."""
    color = (30, 70, 160) if sum(abs(a - b) for a, b in zip(GOLD, ground, strict=True)) < 140 else GOLD
    half = ((7.2, 33), (6.8, 37), (5.4, 41), (3, 43.8))
    spots = [*((-x, y) for x, y in half), (0, 45), *half[::-1]]
    points = figure.row(*spots)
    canvas.line(points, darken(color, 0.5), 1.2)
    for point in points:
        canvas.disc(point, 1.5, 1.5, darken(color, 0.5))
        canvas.disc(point, 1.1, 1.1, color)
    x, y = points[4]
    canvas.disc((x, y + 2.2), 2.8, 3.2, darken(color, 0.5))
    canvas.disc((x, y + 2.2), 2.1, 2.5, color)


def draw_tie(canvas: Canvas, figure: Figure, chance: Random, ground: Color) -> None:
    """Knot and blade down to the waist."""
    color = unlike(TIE_COLORS, ground, chance)
    knot = figure.row((-3.6, 37), (3.6, 37), (2.4, 43.5), (-2.4, 43.5), ease=1)
    blade = figure.row((-2.4, 43), (2.4, 43), (5.0, 66), (0, 71), (-5.0, 66), ease=1)
    canvas.fill(blade, color, lighten(color, 0.5))
    for y in (50, 57, 64):
        canvas.line(figure.row((-3, y + 2), (3, y - 2), ease=1), lighten(color, 0.6), 1.0)
    canvas.fill(knot, darken(color, 0.2), lighten(color, 0.5))


NECKWEAR = {"scarf": draw_scarf, "necklace": draw_necklace, "tie": draw_tie}


def draw_wrist(canvas: Canvas, figure: Figure, kind: str, side: int) -> None:
    """A watch with a pale dial on a dark strap, or a bracelet of gold and stones."""
    _, elbow, wrist, tips = figure.arms[side]
    a, b = between(elbow, wrist, 0.86), between(wrist, tips, 0.16)
    if kind == "watch":
        canvas.fill(limb([between(a, b, 0.1), between(a, b, 0.9)], [6.0, 6.0]), (30, 30, 36), (236, 236, 236))
        canvas.disc(between(a, b, 0.5), 6.4, 6.4, (30, 30, 36))
        canvas.disc(between(a, b, 0.5), 5.0, 5.0, (238, 244, 250))
        return
    canvas.fill(limb([a, b], [6.4, 6.4]), GOLD, darken(GOLD, 0.55))
    across = limb([between(a, b, 0.5), b], [4.2, 4.2])
    for spot in (across[0], across[3], between(across[0], across[3], 0.5)):
        canvas.disc(spot, 2.3, 2.3, (214, 36, 92))


def draw_ring(canvas: Canvas, figure: Figure, side: int) -> None:
    """A ring with a stone that nobody overlooks."""
    _, _, wrist, tips = figure.arms[side]
    x, y = between(wrist, tips, 0.72)
    canvas.disc((x, y), 5.2, 5.2, darken(GOLD, 0.5))
    canvas.disc((x, y), 4.4, 4.4, (250, 214, 70))
    canvas.disc((x, y), 3.2, 3.2, (40, 214, 226))


def draw_belt(canvas: Canvas, figure: Figure, ground: Color) -> None:
    """A belt on the waistband, with a buckle in front."""
    color = unlike(((92, 52, 28), (32, 30, 34), (224, 196, 150)), ground, Random(1))
    left, right = figure.edges(69, 1.5)
    low, high = figure.edges(75, 1.5)
    canvas.fill([(left, 68.8), (right, 68.8), (high, 74.8), (low, 74.8)], color, edge(color))
    if not figure.faces_us:
        for lateral in (-8, 0, 8):
            canvas.line(figure.row((lateral, 68), (lateral, 75.6)), darken(ground, 0.3), 1.6)
        return
    buckle = figure.row((-4, 68), (4, 68), (4, 75.6), (-4, 75.6), ease=1)
    canvas.fill(buckle, GOLD if sum(color) < 300 else SILVER, INK)
    canvas.fill(figure.row((-2, 70), (2, 70), (2, 73.6), (-2, 73.6), ease=1), color)


def draw_socks(canvas: Canvas, figure: Figure, chance: Random) -> None:
    """Socks to the calf with bands in a second colour."""
    band = pick_one(chance, ((206, 40, 48), (30, 84, 180), (36, 130, 66)))
    sock = (248, 248, 248)
    for side in (-figure.near, figure.near):
        _, knee, ankle = figure.legs[side]
        top, end = between(knee, ankle, 0.66), (ankle[0], ankle[1] + 3)
        canvas.fill(limb([top, ankle, end], [5.4, 4.2, 4.0]), sock, (120, 120, 130))
        for share in (0.08, 0.34):
            x, y = between(top, ankle, share)
            canvas.line([(x - 4.6, y), (x + 4.6, y)], band, 2.0)
