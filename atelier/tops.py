"""Drawing upper garments: torso, sleeves and what marks each kind."""

from atelier.canvas import Canvas
from atelier.figure import WAIST, Figure
from atelier.necklines import EASE, draw_collar, draw_straps, neck_points, neckline_of, trim
from atelier.palette import SILVER, darken, lighten
from atelier.shapes import Outline, between, cut, limb, oval, smooth, turn
from atelier.textures import Cloth
from atelier.wardrobe import Attributes

HEM = {"t-shirt": 88, "tank top": 86, "shirt": 90, "sweater": 86, "hoodie": 88}

TUCK = 71  # where a tucked top meets the waistband

SLEEVE_ENDS = {"short": 0.52, "medium": 1.22, "long": 1.93}  # in bones from the shoulder


def torso_outline(figure: Figure, attributes: Attributes, ease: float, hem: float) -> Outline:
    """The torso's piece of cloth, neckline and armholes cut out."""
    neckline = neckline_of(figure, attributes)
    rows = [y for y in (44, 48, 57, WAIST, 76, 85) if y < hem - 2] + [hem]
    if neckline == "suspenders":
        over, rows = [], [48.5, *(y for y in rows if y > 48)]
    elif attributes["sleeves"] == "sleeveless":
        strap = 11.0 + 2.5 * (figure.build.gender == "man") + 3.0 * (neckline == "square")
        over = [(strap, figure.shoulder_line(strap) - 0.6), (strap - 0.3, 40), (strap + 0.8, 44.5)]
        rows = [y for y in rows if y > 47]
    else:
        tip = figure.half(38)[0] - 4
        over, rows = [(tip, figure.shoulder_line(tip) - 0.6)], [40, *rows]
    sign = -1 if figure.faces_us else 1
    right = figure.row(*((-sign * lateral, y) for lateral, y in over))
    left = figure.row(*((sign * lateral, y) for lateral, y in over))
    edges = [(figure.edges(y, ease), y) for y in rows]
    down, up = [(e[1], y) for e, y in edges], [(e[0], y) for e, y in reversed(edges)]
    return neck_points(figure, neckline, ease) + right + down + up + left[::-1]


def draw_torso(canvas: Canvas, figure: Figure, attributes: Attributes, cloth: Cloth, tucked: bool) -> None:
    """The body of a top or of a dress's bodice, from neck to hem."""
    kind = attributes["upper"]
    ease = EASE[kind]
    hem = WAIST + 2 if kind == "dress" else TUCK if tucked else HEM[kind]
    outline = torso_outline(figure, attributes, ease, hem)
    canvas.weave(outline, cloth)
    if cloth.pattern == "color block" and kind != "dress":
        draw_block(canvas, figure, cloth, ease, hem)
    if cloth.fabric == "denim":
        draw_stitches(canvas, figure, cloth)
    if cloth.pattern == "graphic":
        draw_emblem(canvas, figure, cloth)
    draw_folds(canvas, figure, cloth, ease, hem)
    if attributes["neckline"] == "suspenders" and figure.faces_us:
        draw_straps(canvas, figure, cloth)
    draw_collar(canvas, figure, attributes, cloth)
    KINDS.get(kind, draw_plain_top)(canvas, figure, attributes, cloth, hem)


def draw_block(canvas: Canvas, figure: Figure, cloth: Cloth, ease: float, hem: float) -> None:
    """The lower part in the second colour."""
    start = hem - 0.42 * (hem - 36)
    rows = [start, *(y for y in (WAIST, 76, 85) if start + 2 < y < hem - 1), hem]
    right = [(figure.edges(y, ease)[1], y) for y in rows]
    left = [(figure.edges(y, ease)[0], y) for y in rows]
    canvas.weave(right + left[::-1], cloth.recolored(cloth.second))


def draw_folds(canvas: Canvas, figure: Figure, cloth: Cloth, ease: float, hem: float) -> None:
    """Shade on the far side and a crease at the waist: the torso is round."""
    dark = 1 if figure.sin <= 0 else -1
    rows = (44, 52, 60, WAIST, min(hem, 84))
    outer = [(figure.edges(y, ease)[(dark + 1) // 2], y) for y in rows if y <= hem]
    inner = [(x - dark * 4.2, y) for x, y in outer]
    canvas.shade(outer + inner[::-1], (14, 10, 34), 34)
    if cloth.fabric in ("cotton", "chiffon") and hem > 80:
        for side in (-1, 1):
            x = figure.side(62, side, ease)
            canvas.line([(x * 0.96, 60), (x * 0.62, 64.5)], cloth.edge, 0.7)


def draw_stitches(canvas: Canvas, figure: Figure, cloth: Cloth) -> None:
    """Denim's contrasting thread: a yoke, chest pockets in front, long seams behind."""
    wide = figure.half(50)[0] - 3.5
    canvas.line(figure.row((-wide, 50.5), (-5, 50.5)), cloth.stitch, 0.9)
    canvas.line(figure.row((5, 50.5), (wide, 50.5)), cloth.stitch, 0.9)
    for side in (-1, 1):
        if figure.faces_us:
            pocket = ((side * 5, 51), (side * 5, 58), (side * 8, 60), (side * 11, 58), (side * 11, 51))
        else:
            pocket = ((side * 7, 51), (side * 5, 69))
        canvas.line(figure.row(*pocket), cloth.stitch, 0.8)


def draw_emblem(canvas: Canvas, figure: Figure, cloth: Cloth) -> None:
    """A print that fills the chest: a star on a disc, large enough to be seen between two lapels."""
    x, y = figure.x(54, 0) * 0.85, 55.5
    squeeze = 0.55 + 0.45 * abs(figure.cos)
    canvas.fill(oval(x, y, 8.8 * squeeze, 8.8), cloth.second, cloth.edge)
    star = [(x + r * squeeze * s, y - r * c) for r, (c, s) in zip((7.4, 3.2) * 5, STAR, strict=True)]
    inside = (250, 196, 40) if sum(cloth.second) < 420 else (214, 40, 60)
    canvas.fill(star, cloth.color if sum(map(abs, map(int.__sub__, cloth.color, inside))) > 520 else inside)


STAR = [turn(36 * i) for i in range(10)]


def draw_plain_top(canvas: Canvas, figure: Figure, attributes: Attributes, cloth: Cloth, hem: float) -> None:
    """A T-shirt or tank top: one stitched hem."""
    if hem > TUCK:
        left, right = figure.edges(hem - 2.4, EASE[attributes["upper"]])
        canvas.line([(left + 0.8, hem - 2.4), (right - 0.8, hem - 2.4)], cloth.edge, 0.6)


def draw_shirt(canvas: Canvas, figure: Figure, attributes: Attributes, cloth: Cloth, hem: float) -> None:
    """Placket and buttons in front, a yoke and pleat behind."""
    if not figure.faces_us:
        left, right = figure.edges(45, 0)
        canvas.line([(left + 2, 45), (0, 47), (right - 2, 45)], cloth.edge, 1.0)
        canvas.line([(figure.x(50, 0), 47), (figure.x(hem, 0), hem - 1)], cloth.edge, 0.8)
        canvas.weave([(-8, 29), (8, 29), (9, 34), (-9, 34)], cloth.recolored(cloth.color))
        return
    start = 43 if attributes["neckline"] == "lapel" else 36
    for lateral in (-2.1, 2.1):
        canvas.line(figure.row(*((lateral, y) for y in (start, 56, WAIST, hem - 0.5))), trim(cloth), 1.0)
    button = (250, 250, 250) if sum(cloth.color) < 560 else (60, 56, 60)
    for y in range(start + 4, int(hem) - 2, 8):
        canvas.disc(figure.on(0, y), 1.7, 1.7, button)


def draw_sweater(canvas: Canvas, figure: Figure, attributes: Attributes, cloth: Cloth, hem: float) -> None:
    """Raglan seams, a ribbed hem and a cable down the middle that shows between two lapels too."""
    mark = trim(cloth)
    for side in (-1, 1):
        foot = figure.side(50, side, 1)
        canvas.line([figure.on(8 * side, 33.5), (foot * 0.86, 50)], mark, 1.0)
    start = 66 if cloth.pattern == "graphic" else 58 if attributes["neckline"] == "v-shape" else 47
    heights = range(start, int(hem) - 5, 3)
    for sign in (-1, 1):
        braid = [(sign * (2.4 if step % 2 else -2.4), y) for step, y in enumerate(heights)]
        canvas.line(figure.row(*braid), mark, 1.2)
    draw_rib(canvas, figure, cloth, hem)


def draw_rib(canvas: Canvas, figure: Figure, cloth: Cloth, hem: float) -> None:
    """A band of upright ribs along the hem."""
    left, right = figure.edges(hem - 5, 2.4)
    low, high = figure.edges(hem, 2.4)
    plain = darken(cloth.color, 0.14) if sum(cloth.color) > 240 else lighten(cloth.color, 0.12)
    canvas.fill([(left, hem - 6), (right, hem - 6), (high, hem), (low, hem)], plain, cloth.edge)
    for step in range(1, 12):
        x = left + (right - left) * step / 12
        canvas.line([(x, hem - 5.5), (x, hem - 0.5)], trim(cloth), 0.6)


def draw_hoodie(canvas: Canvas, figure: Figure, attributes: Attributes, cloth: Cloth, hem: float) -> None:
    """Drawstrings and a kangaroo pocket; the hood is drawn with the head."""
    draw_rib(canvas, figure, cloth, hem)
    mark = trim(cloth)
    if not figure.faces_us:
        return
    for lateral in (-3.6, 3.6):
        canvas.line(
            figure.row((lateral, 39), (lateral * 1.1, 52)),
            SILVER if sum(cloth.color) < 560 else (90, 90, 96),
            1.1,
        )
    pocket = figure.row((-7, 67), (7, 67), (11.5, 81), (-11.5, 81), ease=2)
    canvas.weave(pocket, cloth.recolored(cloth.color))
    canvas.line([*pocket, pocket[0]], mark, 0.8)


def draw_hood(canvas: Canvas, figure: Figure, cloth: Cloth) -> None:
    """The hood, over whatever is worn on top: around the neck in front, a hanging pouch behind."""
    mark = trim(cloth)
    if not figure.faces_us:
        pouch = [(-11, 27), (0, 29), (11, 27), (14.5, 38), (9.5, 53), (0, 57), (-9.5, 53), (-14.5, 38)]
        canvas.weave(smooth(pouch), cloth.recolored(cloth.color))
        canvas.line(smooth([(-10, 30), (0, 33), (10, 30), (0, 36)])[:10], mark, 1.1)
        return
    hx = figure.head[0]
    hood = [
        (hx - 9, 24),
        (hx - 13.5, 31),
        *figure.row((-10, 36), (0, 42.5), (10, 36)),
        (hx + 13.5, 31),
        (hx + 9, 24),
    ]
    canvas.weave(hood, cloth.recolored(cloth.color))
    opening = [(hx - 6.4, 24), (hx - 7, 31), figure.on(0, 38.4), (hx + 7, 31), (hx + 6.4, 24)]
    canvas.fill(opening, darken(cloth.color, 0.45), mark)
    neck = 4.2 if figure.build.gender == "woman" else 5.6
    canvas.fill(
        [(hx - neck, 22), (hx + neck, 22), (hx + neck * 0.8, 32), (hx, 34.5), (hx - neck * 0.8, 32)],
        figure.build.skin,
    )


KINDS = {"shirt": draw_shirt, "sweater": draw_sweater, "hoodie": draw_hoodie}


def draw_sleeve(canvas: Canvas, figure: Figure, attributes: Attributes, cloth: Cloth, side: int) -> None:
    """The sleeve over one arm, with the cuff its garment has."""
    sleeves = attributes["sleeves"]
    if sleeves in (None, "sleeveless"):
        return
    kind = attributes["upper"]
    sleeve_over(canvas, figure, side, SLEEVE_ENDS[sleeves], (cloth, 1.2 + EASE[kind] * 0.75))
    path = cut(figure.arms[side][:3], SLEEVE_ENDS[sleeves])
    if kind in ("sweater", "hoodie", "shirt"):
        draw_cuff(canvas, path, cloth)


def sleeve_over(canvas: Canvas, figure: Figure, side: int, end: float, made_of: tuple[Cloth, float]) -> None:
    """A tube of cloth down the arm, `end` bones long."""
    cloth, loose = made_of
    canvas.weave(figure.tube(side, end, loose), cloth)
    if cloth.fabric == "denim":
        canvas.line(cut(figure.arms[side][:3], end), cloth.stitch, 0.6)


def draw_cuff(canvas: Canvas, path: Outline, cloth: Cloth) -> None:
    """A band around the sleeve's end."""
    a, b = path[-2:]
    length = max(((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) ** 0.5, 1)
    canvas.fill(
        limb([between(b, a, min(1, 4 / length)), b], [4.0, 3.7]), darken(cloth.color, 0.16), cloth.edge
    )
