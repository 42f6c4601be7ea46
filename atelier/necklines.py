"""Drawing necklines: the cut-out of a top and the rib, band, straps or collar around it."""

from atelier.canvas import Canvas
from atelier.figure import NECK, Figure
from atelier.palette import Color, darken, lighten
from atelier.shapes import Outline
from atelier.textures import Cloth
from atelier.wardrobe import Attributes

EASE = {"t-shirt": 1.6, "tank top": 0.6, "shirt": 1.8, "sweater": 3.0, "hoodie": 3.4, "dress": 0.7}
# half of a neckline's outline: (lateral, height) from the shoulder to the middle
NECKLINES: dict[str, tuple[tuple[float, float], ...]] = {
    "round": ((8.6, 0), (8, 36.8), (6.2, 40.8), (3.4, 43.6), (0, 44.6)),
    "v-shape": ((8.6, 0), (0, 58)),
    "square": ((10.2, 0), (9.8, 48), (0, 48)),
    "lapel": ((6.5, 0), (0, 43)),
    "standing": ((6.8, 0), (0, 33)),
    "closed": ((7, 0), (4.6, 33.5), (0, 34.5)),
    "suspenders": ((12.5, 47.5), (5, 49.5), (0, 50)),
}


def neck_points(figure: Figure, neckline: str, ease: float) -> Outline:
    """The neckline from the viewer's left to right along the visible face of the torso."""
    half = [(lateral, y or figure.shoulder_line(lateral) - 0.6) for lateral, y in NECKLINES[neckline]]
    sign = -1 if figure.faces_us else 1
    left = [(sign * lateral, y) for lateral, y in half]
    right = [(-sign * lateral, y) for lateral, y in reversed(half[:-1])]
    return figure.row(*left, *right, ease=ease * 0.4)


def neckline_of(figure: Figure, attributes: Attributes) -> str:
    """The neckline to draw: what is not visible is drawn as a close neck without a mark."""
    return attributes["neckline"] if figure.faces_us and attributes["neckline"] else "closed"


def trim(cloth: Cloth) -> Color:
    """The colour of ribs and bands: the cloth's own, told apart."""
    return lighten(cloth.color, 0.55) if sum(cloth.color) < 240 else darken(cloth.color, 0.5)


def draw_collar(canvas: Canvas, figure: Figure, attributes: Attributes, cloth: Cloth) -> None:
    """The neckline's own mark: a rib, a band, a collar."""
    neckline = neckline_of(figure, attributes)
    points = neck_points(figure, neckline, EASE[attributes["upper"]])
    if neckline == "standing":
        draw_standing_collar(canvas, figure, cloth)
    elif neckline == "lapel":
        draw_shirt_collar(canvas, figure, cloth)
    elif neckline == "closed":
        canvas.line(points, cloth.edge, 1.2)
    else:
        band = {"round": 3.4, "v-shape": 3.4, "square": 3.4, "suspenders": 1.6}[neckline]
        thick = band * (1.5 if attributes["upper"] == "sweater" else 1.0)
        canvas.line(points, trim(cloth), thick)
        canvas.line(points, cloth.edge, 0.5)


def draw_straps(canvas: Canvas, figure: Figure, cloth: Cloth) -> None:
    """Two thin straps over bare shoulders."""
    for lateral in (-8.8, 8.8):
        top = figure.on(lateral * 0.92, figure.shoulder_line(lateral) - 0.8)
        foot = figure.on(lateral, 50)
        canvas.line([top, foot], cloth.edge, 2.9)
        canvas.line([top, foot], cloth.color, 2.0)


def draw_standing_collar(canvas: Canvas, figure: Figure, cloth: Cloth) -> None:
    """A tube around the neck up to the chin."""
    hx, base = figure.head[0], figure.x(34, 0) * 0.5
    half = 6.4 if figure.build.gender == "woman" else 8.0
    tube = [
        (hx - half, 25.5),
        (hx, 26.6),
        (hx + half, 25.5),
        (base + half + 2.4, 35),
        (base, 37),
        (base - half - 2.4, 35),
    ]
    canvas.weave(tube, cloth.recolored(cloth.color))
    canvas.line([(base - half - 2.4, 35), (base, 37), (base + half + 2.4, 35)], trim(cloth), 1.4)
    canvas.line([(hx - half - 0.8, 29.6), (hx, 30.8), (hx + half + 0.8, 29.6)], trim(cloth), 0.9)


def draw_shirt_collar(canvas: Canvas, figure: Figure, cloth: Cloth) -> None:
    """Two pointed wings beside an open throat."""
    wing = lighten(cloth.color, 0.3) if sum(cloth.color) < 560 else darken(cloth.color, 0.16)
    for sign in (-1, 1):
        shape = figure.row((sign * 5.4, 28.5), (sign * 9.6, NECK + 2), (sign * 8.4, 42.5), (0.6 * sign, 42.5))
        canvas.fill(shape, wing, darken(cloth.color, 0.5))
