"""Drawing what is worn below the waist: trousers, shorts, leggings, skirts and a dress's skirt."""

from atelier.canvas import Canvas
from atelier.figure import CROTCH, HEMS, KNEE, WAIST, Figure
from atelier.necklines import trim
from atelier.palette import darken
from atelier.shapes import Outline, between, cut, limb
from atelier.textures import Cloth
from atelier.wardrobe import Attributes

WAISTBAND = 69
DRESS_HEMS = (106, 114, 126, 138)
COAT_COVERS = 112  # under a coat a dress ends above the coat's hem
# half widths of a leg at crotch, knee and ankle
CUTS = {"trousers": (11.0, 9.0, 8.4), "shorts": (12.2, 11.5, 10.0), "leggings": (9.0, 6.3, 4.2)}


def draw_lower(canvas: Canvas, figure: Figure, attributes: Attributes, cloth: Cloth) -> None:
    """The lower garment; where its length cannot be seen it runs out of the frame."""
    hem = HEMS[attributes["lower_length"] or "long"]
    if attributes["lower"] == "skirt":
        flare = {105: 7.0, 122: 7.5, 144: 6.5, 163: 6.0}[hem]
        draw_skirt(canvas, figure, cloth, (WAISTBAND, hem, flare))
    else:
        for side in (-figure.near, figure.near):
            draw_trouser_leg(canvas, figure, attributes["lower"], (hem, side), cloth)
    draw_waistband(canvas, figure, attributes["lower"], cloth)


def draw_trouser_leg(
    canvas: Canvas, figure: Figure, kind: str, place: tuple[float, int], cloth: Cloth
) -> None:
    """One leg with its half of the seat."""
    hem, side = place
    hip, knee, ankle = figure.legs[side]
    reach = (hem - hip[1]) / (knee[1] - hip[1]) if hem <= KNEE else 1 + (hem - KNEE) / (ankle[1] - KNEE)
    path = cut([hip, knee, ankle], reach)
    top, mid, low = CUTS[kind]
    widths = [top, mid, mid + (low - mid) * (reach - 1)] if reach > 1 else [top, top + (mid - top) * reach]
    tube = limb(path, widths[: len(path)])
    count = len(path)
    one, other = tube[1:count], tube[count : 2 * count - 1]  # the two seams below the hip, one down, one up
    outer_is_right = (side > 0) == figure.faces_us
    down, up = (other[::-1], one[::-1]) if outer_is_right == (other[0][0] > one[-1][0]) else (one, other)
    ease = 0.2 if kind == "leggings" else 1.2
    seat = [(figure.side(y, side, ease), y) for y in (WAISTBAND, 76, 85)]
    middle = [figure.on(0, CROTCH + 1), figure.on(0, WAISTBAND)]
    canvas.weave([*seat, *down, *up, *middle], cloth)
    shade_leg(canvas, path, cloth, (kind, widths))


def shade_leg(canvas: Canvas, path: Outline, cloth: Cloth, shape: tuple[str, list[float]]) -> None:
    """A crease, a seam or a gleam down the leg, and the hem."""
    kind, widths = shape
    end, width = path[-1], widths[-1]
    if cloth.fabric == "denim":
        canvas.line([(x + w * 0.72, y) for (x, y), w in zip(path, widths, strict=True)], cloth.stitch, 0.9)
        canvas.line([(end[0] - width, end[1] - 2.6), (end[0] + width, end[1] - 2.6)], cloth.stitch, 0.9)
        return
    if kind == "trousers":
        canvas.line([between(path[0], path[1], 0.25), *path[1:]], cloth.edge, 0.9)
    if kind != "leggings":
        canvas.line([(end[0] - width, end[1] - 2.4), (end[0] + width, end[1] - 2.4)], cloth.edge, 0.8)


def draw_waistband(canvas: Canvas, figure: Figure, kind: str, cloth: Cloth) -> None:
    """The band, and for trousers and shorts pockets and fly."""
    left, right = figure.edges(WAISTBAND, 1.0)
    low, high = figure.edges(WAISTBAND + 4.4, 1.0)
    band = darken(cloth.color, 0.12) if sum(cloth.color) > 200 else cloth.color
    canvas.fill(
        [(left, WAISTBAND), (right, WAISTBAND), (high, WAISTBAND + 4.4), (low, WAISTBAND + 4.4)],
        band,
        cloth.edge,
    )
    if kind == "leggings" or (kind == "skirt" and cloth.fabric != "denim"):
        return
    thread = cloth.stitch if cloth.fabric == "denim" else cloth.edge
    width = 1.0 if cloth.fabric == "denim" else 0.8
    for side in (-1, 1):
        if figure.faces_us:
            canvas.line(figure.row((side * 8, 74), (side * 10.5, 79), (side * 16, 81.5)), thread, width)
        else:
            pocket = figure.row(
                (side * 4, 79),
                (side * 12, 79),
                (side * 12, 87),
                (side * 8, 89.5),
                (side * 4, 87),
                (side * 4, 79),
            )
            canvas.line(pocket, thread, width)
    if figure.faces_us:
        canvas.line(figure.row((2.2, 74), (2.2, 83), (0, 86)), thread, width)


def draw_skirt(canvas: Canvas, figure: Figure, cloth: Cloth, cut_of: tuple[float, float, float]) -> None:
    """A skirt from `top` to `hem`, standing off the hip by `flare`."""
    top, hem, flare = cut_of
    rows = [y for y in (top, 76, 85, 94) if y < hem]
    left = [(figure.edges(y, 1.4)[0], y) for y in rows]
    right = [(figure.edges(y, 1.4)[1], y) for y in rows]
    x0, x1 = figure.edges(88, 1.4 + flare)
    bow = 2.2
    bottom = [
        (x1, hem - 1),
        (x1 * 0.5, hem + bow * 0.7),
        (0, hem + bow),
        (x0 * 0.5, hem + bow * 0.7),
        (x0, hem - 1),
    ]
    canvas.weave([*right, *bottom, *left[::-1]], cloth)
    draw_pleats(canvas, (left[0][0], right[0][0], x0, x1), (top, hem), cloth)


def draw_pleats(
    canvas: Canvas, corners: tuple[float, float, float, float], span: tuple[float, float], cloth: Cloth
) -> None:
    """Folds that fan out to the hem: what tells a skirt from trousers at a glance."""
    a, b, c, d = corners
    top, hem = span
    for share in (0.16, 0.38, 0.62, 0.84):
        start = (a + (b - a) * share, top + (hem - top) * 0.3)
        canvas.line([start, (c + (d - c) * share, hem)], cloth.edge, 0.8)
    canvas.shade([(b * 0.8, top + 6), (b, top + 6), (d, hem), (d * 0.72, hem)], (14, 10, 34), 34)
    if cloth.fabric == "denim":
        canvas.line([(c, hem - 3), ((c + d) / 2, hem), (d, hem - 3)], cloth.stitch, 0.9)


def draw_dress_skirt(
    canvas: Canvas, figure: Figure, attributes: Attributes, cloth: Cloth, choice: int
) -> None:
    """The lower half of a dress, gathered at a seam in the waist."""
    hem = DRESS_HEMS[choice % len(DRESS_HEMS)]
    if attributes["outer"] == "coat":
        hem = min(hem, COAT_COVERS)
    below = cloth.recolored(cloth.second) if cloth.pattern == "color block" else cloth
    draw_skirt(canvas, figure, below, (WAIST, hem, 8.5))
    left, right = figure.edges(WAIST, 0.9)
    canvas.line([(left, WAIST + 0.5), (right, WAIST + 0.5)], trim(cloth), 2.6)
    for step in range(1, 8):
        x = left + (right - left) * step / 8
        canvas.line([(x, WAIST + 1.5), (x * 1.12, WAIST + 8)], cloth.edge, 0.6)
