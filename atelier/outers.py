"""Drawing outer garments: open in front over what is worn beneath, closed behind."""

from dataclasses import dataclass

from atelier.canvas import Canvas
from atelier.figure import NECK, WAIST, Figure
from atelier.necklines import trim
from atelier.palette import SILVER, darken, lighten
from atelier.shapes import Outline
from atelier.textures import Cloth
from atelier.tops import draw_cuff, sleeve_over


@dataclass(frozen=True)
class Cut:
    """How an outer garment is cut: hem, looseness, flare at the hem, half the opening at chest and hem."""

    hem: float
    ease: float
    flare: float
    gap: float
    open_hem: float


CUTS = {
    "jacket": Cut(82, 3.6, 0.0, 9.4, 10.0),
    "coat": Cut(117, 4.2, 4.0, 9.2, 10.6),
    "cardigan": Cut(97, 2.6, 1.0, 9.6, 10.6),
    "vest": Cut(86, 2.8, 0.0, 9.2, 10.0),
}


def draw_outer(canvas: Canvas, figure: Figure, kind: str, cloth: Cloth) -> None:
    """The garment's body: two front panels, or the back."""
    cut = CUTS[kind]
    if not figure.faces_us:
        canvas.weave(back_panel(figure, kind, cut), cloth)
        BACKS[kind](canvas, figure, cut, cloth)
        return
    for side in (-figure.near, figure.near):
        panel = front_panel(figure, kind, cut, side)
        canvas.weave(panel, cloth)
        FRONTS[kind](canvas, figure, cut, (cloth, side))


def panel_heights(cut: Cut) -> list[float]:
    """The heights at which a panel follows the body."""
    return [y for y in (44, 52, WAIST, 76, 88) if y < cut.hem - 3]


def outer_edge(figure: Figure, kind: str, cut: Cut, side: int) -> Outline:
    """From the neck over the shoulder down to the hem, on one side."""
    sleeveless = kind == "vest"
    shoulder = [(35, -3.5 if sleeveless else -1.5), (39.5, -1.5 if sleeveless else cut.ease * 0.6)]
    line = [(figure.side(y, side, e), y) for y, e in shoulder]
    line += [(figure.side(y, side, cut.ease), y) for y in panel_heights(cut)]
    return [*line, (figure.side(min(cut.hem, 90), side, cut.ease + cut.flare), cut.hem)]


def opening(figure: Figure, cut: Cut, side: int) -> Outline:
    """The front edge from the neck down to the hem."""
    spots = ((side * 8, NECK), (side * cut.gap, 50), (side * cut.gap, WAIST), (side * cut.open_hem, cut.hem))
    return figure.row(*spots, ease=cut.ease)


def front_panel(figure: Figure, kind: str, cut: Cut, side: int) -> Outline:
    """One half of the front."""
    return opening(figure, cut, side)[::-1] + outer_edge(figure, kind, cut, side)


def back_panel(figure: Figure, kind: str, cut: Cut) -> Outline:
    """The back in one piece."""
    one, other = (outer_edge(figure, kind, cut, side) for side in (1, -1))
    return (
        [(-7, NECK), (7, NECK), *other, *one[::-1]]
        if other[0][0] > 0
        else [(-7, NECK), (7, NECK), *one, *other[::-1]]
    )


def collar_wing(figure: Figure, side: int, foot: float, wide: float) -> Outline:
    """A turned-down collar or lapel that ends at a height."""
    return figure.row(
        (side * 6, 28), (side * 10, 30.5), (side * wide, 40 + (foot - 40) * 0.35), (side * 8.8, foot), ease=3
    )


def front_jacket(canvas: Canvas, figure: Figure, cut: Cut, worn: tuple[Cloth, int]) -> None:
    """Zip, small collar, ribbed waist and a slanted pocket."""
    cloth, side = worn
    edge_line = opening(figure, cut, side)
    canvas.line(edge_line, darken(cloth.color, 0.55), 2.4)
    canvas.line(edge_line, SILVER, 1.1)
    canvas.fill(collar_wing(figure, side, 45, 13.5), shade_of(cloth), cloth.edge)
    x0, x1 = figure.on(side * cut.open_hem, cut.hem, cut.ease)[0], figure.side(cut.hem, side, cut.ease)
    canvas.fill(
        [(x0, cut.hem - 5.5), (x1, cut.hem - 5.5), (x1, cut.hem), (x0, cut.hem)], shade_of(cloth), cloth.edge
    )
    thread = cloth.stitch if cloth.fabric == "denim" else trim(cloth)
    canvas.line(figure.row((side * 10, 64), (side * 13.5, 70), ease=3), thread, 1.2)
    if cloth.fabric == "denim":
        canvas.line([(x + 2.2 * (1 if x1 > x0 else -1), y) for x, y in edge_line[1:]], cloth.stitch, 0.8)
        canvas.line(figure.row((side * 9, 47), (side * 16, 47), ease=3), cloth.stitch, 0.9)


def front_coat(canvas: Canvas, figure: Figure, cut: Cut, worn: tuple[Cloth, int]) -> None:
    """Broad lapels, big buttons and flap pockets down to the knee."""
    cloth, side = worn
    canvas.line(opening(figure, cut, side), cloth.edge, 0.9)
    canvas.fill(collar_wing(figure, side, 60, 16), shade_of(cloth), cloth.edge)
    button = (250, 246, 236) if sum(cloth.color) < 420 else (58, 44, 40)
    for y in (64, 74, 84):
        canvas.disc(figure.on(side * 12, y, cut.ease), 1.7, 1.7, button)
    flap = figure.row(
        (side * 11.5, 88), (side * 18, 88), (side * 18, 92.5), (side * 11.5, 92.5), ease=cut.ease
    )
    canvas.fill(flap, shade_of(cloth), cloth.edge)


def front_cardigan(canvas: Canvas, figure: Figure, cut: Cut, worn: tuple[Cloth, int]) -> None:
    """A ribbed band along the open edge with small buttons, no collar."""
    cloth, side = worn
    line = opening(figure, cut, side)
    canvas.line(line, cloth.edge, 4.6)
    canvas.line(line, shade_of(cloth), 3.6)
    if side > 0:
        button = (250, 246, 236) if sum(cloth.color) < 560 else (70, 56, 50)
        for y in (58, 68, 78, 88):
            canvas.disc(figure.on(side * (cut.gap + 0.4), y, cut.ease), 1.1, 1.1, button)
    canvas.line(figure.row((side * 10, 80), (side * 16, 80), ease=cut.ease), trim(cloth), 1.2)


def front_vest(canvas: Canvas, figure: Figure, cut: Cut, worn: tuple[Cloth, int]) -> None:
    """No sleeves: a dark binding around armhole and edge, two welt pockets."""
    cloth, side = worn
    canvas.line(opening(figure, cut, side), trim(cloth), 1.6)
    canvas.line(outer_edge(figure, "vest", cut, side)[:3], trim(cloth), 1.6)
    if cloth.fabric == "denim":
        canvas.line([(figure.x(y, side * 9.8, 2), y) for y in (48, 60, 82)], cloth.stitch, 0.9)
    for y in (52, 74):
        canvas.line(figure.row((side * 10, y), (side * 15, y - 1), ease=2), trim(cloth), 1.6)


def back_jacket(canvas: Canvas, figure: Figure, cut: Cut, cloth: Cloth) -> None:
    """Collar, yoke and ribbed waist."""
    back_collar(canvas, cloth)
    left, right = figure.edges(cut.hem, cut.ease)
    canvas.fill(
        [(left, cut.hem - 5.5), (right, cut.hem - 5.5), (right, cut.hem), (left, cut.hem)],
        shade_of(cloth),
        cloth.edge,
    )
    left, right = figure.edges(48, cut.ease)
    thread = cloth.stitch if cloth.fabric == "denim" else trim(cloth)
    canvas.line([(left + 2, 48), (right - 2, 48)], thread, 1.0)
    for share in (0.36, -0.36):
        canvas.line([(right * share, 48), (right * share * 0.8, cut.hem - 6)], thread, 0.9)


def back_coat(canvas: Canvas, figure: Figure, cut: Cut, cloth: Cloth) -> None:
    """Collar, half belt and vent."""
    back_collar(canvas, cloth)
    left, right = figure.edges(WAIST, cut.ease)
    canvas.fill(
        [(left * 0.7, WAIST), (right * 0.7, WAIST), (right * 0.7, WAIST + 5), (left * 0.7, WAIST + 5)],
        shade_of(cloth),
        cloth.edge,
    )
    canvas.line([(0, 88), (0, cut.hem)], trim(cloth), 1.2)


def back_cardigan(canvas: Canvas, figure: Figure, cut: Cut, cloth: Cloth) -> None:
    """A band at the neck and a ribbed hem."""
    canvas.line([(-7.5, 31), (0, 33.5), (7.5, 31)], trim(cloth), 2.4)
    left, right = figure.edges(88, cut.ease + cut.flare)
    canvas.line([(left + 1, cut.hem - 4), (right - 1, cut.hem - 4)], trim(cloth), 1.0)
    for step in range(1, 14):
        x = left + (right - left) * step / 14
        canvas.line([(x, cut.hem - 4), (x, cut.hem)], trim(cloth), 0.6)


def back_vest(canvas: Canvas, figure: Figure, cut: Cut, cloth: Cloth) -> None:
    """Bound armholes and a centre seam."""
    for side in (-1, 1):
        canvas.line(outer_edge(figure, "vest", cut, side)[:3], trim(cloth), 1.6)
    canvas.line([(0, 34), (0, cut.hem - 1)], cloth.stitch if cloth.fabric == "denim" else trim(cloth), 0.9)


def back_collar(canvas: Canvas, cloth: Cloth) -> None:
    """A turned-down collar around the nape."""
    canvas.fill([(-8, 27), (8, 27), (11, 34), (0, 36.5), (-11, 34)], shade_of(cloth), cloth.edge)


def shade_of(cloth: Cloth):
    """The colour of collars and bands."""
    return lighten(cloth.color, 0.16) if sum(cloth.color) < 240 else darken(cloth.color, 0.18)


def draw_outer_sleeve(canvas: Canvas, figure: Figure, kind: str, cloth: Cloth, side: int) -> None:
    """The long sleeve of all but a vest."""
    if kind == "vest":
        return
    sleeve_over(canvas, figure, side, 1.9, (cloth, 2.9 if kind != "cardigan" else 2.3))
    if kind != "coat":
        draw_cuff(canvas, [*figure.arms[side][1:2], end_of(figure, side)], cloth)


def end_of(figure: Figure, side: int):
    """Where a long sleeve ends."""
    (ex, ey), (wx, wy) = figure.arms[side][1:3]
    return ex + (wx - ex) * 0.9, ey + (wy - ey) * 0.9


FRONTS = {"jacket": front_jacket, "coat": front_coat, "cardigan": front_cardigan, "vest": front_vest}
BACKS = {"jacket": back_jacket, "coat": back_coat, "cardigan": back_cardigan, "vest": back_vest}
