"""Drawing the head: face, beard and hair, from the front, turned and from behind."""

from atelier.canvas import Canvas
from atelier.figure import Figure
from atelier.palette import INK, darken, edge, lighten, mix_colors
from atelier.shapes import Outline, oval, smooth


def draw_head(canvas: Canvas, figure: Figure) -> None:
    """Head, face and front hair; from behind nothing but hair."""
    if not figure.faces_us:
        draw_hair_behind(canvas, figure)
        return
    (hx, hy), build = figure.head, figure.build
    man = build.gender == "man"
    rx, jaw = (9.0, 6.4) if man else (8.5, 4.6)
    skin, shift = build.skin, figure.sin * 3.0
    draw_hair_cap(canvas, figure)
    for side in (-1, 1):
        if not figure.in_profile:
            canvas.disc((hx + side * rx * (1 - 0.35 * abs(figure.sin)), hy + 1), 1.9, 2.8, darken(skin, 0.08))
    x = hx + shift
    face = [(x - rx, hy - 4), (x - rx * 0.6, hy - 11), (x + rx * 0.6, hy - 11), (x + rx, hy - 4),
            (x + rx * 0.95, hy + 4),
            (x + jaw, hy + 11), (x, hy + (13.4 if man else 13)), (x - jaw, hy + 11),
            (x - rx * 0.95, hy + 4)]  # fmt: skip
    canvas.fill(smooth(face), skin, edge(skin))
    if figure.in_profile:
        draw_profile(canvas, figure, x, rx)
    if build.beard:
        draw_beard(canvas, figure, x, rx)
    draw_face(canvas, figure, x)
    draw_fringe(canvas, figure, x, rx)


def draw_profile(canvas: Canvas, figure: Figure, x: float, rx: float) -> None:
    """What a turned head adds: the nose breaks the outline, the near ear lies on the cheek."""
    hy, skin, ahead = figure.head[1], figure.build.skin, -figure.near
    tip = x + ahead * rx * 0.93
    canvas.fill(
        [(tip - ahead * 1.5, hy + 0.5), (tip + ahead * 2.4, hy + 4.6), (tip - ahead * 0.8, hy + 5.6)],
        skin,
        edge(skin),
    )
    canvas.fill(
        [(tip - ahead * 3, hy + 0.5), (tip + ahead * 1.2, hy + 4.4), (tip - ahead * 2.5, hy + 5.4)], skin
    )
    ear = x - ahead * rx * 0.62
    canvas.disc((ear, hy + 2), 2.3, 3.2, edge(skin))
    canvas.disc((ear, hy + 2), 1.7, 2.6, darken(skin, 0.06))


def draw_beard(canvas: Canvas, figure: Figure, x: float, rx: float) -> None:
    """A beard from ear to ear, open around the mouth."""
    hy, hair = figure.head[1], mix_colors(figure.build.hair, figure.build.skin, 0.12)
    shape = [(x - rx * 0.97, hy + 2), (x - rx * 0.7, hy + 5.5), (x - 3, hy + 5.2), (x + 3, hy + 5.2),
             (x + rx * 0.7, hy + 5.5),
             (x + rx * 0.97, hy + 2), (x + rx * 0.9, hy + 8), (x + 5.8, hy + 13), (x, hy + 15),
             (x - 5.8, hy + 13),
             (x - rx * 0.9, hy + 8)]  # fmt: skip
    canvas.fill(smooth(shape, 2), hair)


def face_spots(figure: Figure, x: float) -> tuple[float, list[float]]:
    """The face's middle and its eyes, foreshortened by the turn."""
    middle = x + figure.sin * 4.6
    return middle, [middle - 4.1 * (0.55 + 0.45 * figure.cos), middle + 4.1 * (0.55 + 0.45 * figure.cos)]


def draw_face(canvas: Canvas, figure: Figure, x: float) -> None:
    """Eyes, brows, nose and mouth: a woman's lashes and lips, a man's brows."""
    hy, build = figure.head[1], figure.build
    man, skin = build.gender == "man", build.skin
    middle, eyes = face_spots(figure, x)
    brow = INK if sum(build.hair) < 260 else darken(build.hair, 0.35)
    for sign, ex in zip((-1, 1), eyes, strict=True):
        canvas.disc((ex, hy + 0.6), 1.75, 1.35, (252, 252, 250))
        canvas.disc((ex + figure.sin * 0.5, hy + 0.6), 1.05, 1.3, INK)
        height = hy - (2.6 if man else 3.3)
        canvas.line(
            [(ex - 2.2, height + 0.3 * sign), (ex + 2.2, height - 0.3 * sign)], brow, 1.5 if man else 0.8
        )
        if not man:
            canvas.line([(ex - 2.1, hy - 0.2), (ex, hy - 1.1), (ex + 2.1, hy - 0.2)], INK, 0.7)
            if not figure.in_profile or sign == figure.near:
                canvas.disc((ex + sign * 1.2, hy + 5), 1.6, 1.1, mix_colors(skin, (236, 110, 110), 0.35))
    nose = middle + figure.sin * 1.2
    canvas.line(
        [(nose, hy + 1), (nose + 0.9 * (1 if figure.sin >= 0 else -1), hy + 4.4), (nose - 0.5, hy + 4.8)],
        darken(skin, 0.26),
        0.8,
    )
    if man:
        canvas.line(
            [(middle - 2.4, hy + 8.4), (middle + 2.4, hy + 8.2)],
            darken(mix_colors(skin, (170, 70, 60), 0.4), 0.3),
            1.0,
        )
    else:
        lips = [(middle - 2.7, hy + 8), (middle - 0.8, hy + 7.3), (middle, hy + 7.7),
                (middle + 0.8, hy + 7.3),
                (middle + 2.7, hy + 8), (middle, hy + 9.8)]  # fmt: skip
        canvas.fill(lips, (196, 44, 66))


def draw_hair_cap(canvas: Canvas, figure: Figure) -> None:
    """The hair around and behind the face."""
    (hx, hy), build = figure.head, figure.build
    back = hx - figure.sin * 3.0
    cut = build.haircut
    if cut == "curls":
        for dx, dy, r in (
            (-9, 2, 6),
            (9, 2, 6),
            (-10, 9, 6),
            (10, 9, 6),
            (-8.5, 16, 5.5),
            (8.5, 16, 5.5),
            (-6, -6, 6.5),
            (6, -6, 6.5),
            (0, -8, 7),
        ):
            canvas.disc((back + dx, hy + dy), r, r, build.hair)
    elif cut == "bun":
        canvas.disc((back, hy - 14.5), 5.2, 5.0, build.hair)
        canvas.line([(back - 3.6, hy - 11.4), (back + 3.6, hy - 11.4)], darken(build.hair, 0.35), 1.2)
    elif cut == "ponytail":
        sign = -1 if figure.sin > 0 else 1
        tail = [(back + sign * 5, hy - 10), (back + sign * 13, hy - 6), (back + sign * 14.5, hy + 8),
                (back + sign * 12, hy + 20),
                (back + sign * 9.5, hy + 8)]  # fmt: skip
        canvas.fill(smooth(tail), build.hair, edge(build.hair))
    radius = 9.2 if build.gender == "man" else 10
    canvas.disc((back, hy - 2.4), radius, 11, build.hair)


def draw_long_hair(canvas: Canvas, figure: Figure) -> None:
    """Hair that falls behind the shoulders, drawn before the body when we see the face."""
    (hx, hy), build = figure.head, figure.build
    ends = {"long": 33, "bob": 16}.get(build.haircut)
    if ends is None:
        return
    canvas.fill(fall_of_hair(hx - figure.sin * 4, hy, ends), build.hair, edge(build.hair))


def fall_of_hair(x: float, hy: float, ends: float) -> Outline:
    """The outline of hair that hangs down, wider at its ends."""
    wide = 11.5 if ends < 20 else 13
    shape = [(x - 7, hy - 11), (x + 7, hy - 11), (x + 10.5, hy - 3), (x + 11, hy + 8),
             (x + wide, hy + ends - 3), (x + wide - 4, hy + ends),
             (x - wide + 4, hy + ends), (x - wide, hy + ends - 3), (x - 11, hy + 8),
             (x - 10.5, hy - 3)]  # fmt: skip
    return smooth(shape)


def draw_fringe(canvas: Canvas, figure: Figure, x: float, rx: float) -> None:
    """The hairline over the forehead, and what makes the haircut."""
    (hx, hy), build = figure.head, figure.build
    hair, part = build.hair, x + build.fringe * 4 + figure.sin * 3
    back = hx - figure.sin * 3
    left, right = min(x - rx, back - rx) - 0.6, max(x + rx, back + rx) + 0.6
    if build.gender == "man":
        rise = {"short": 12.4, "quiff": 15.5, "cropped": 12}[build.haircut]
        low = -5.6 if build.haircut != "cropped" else -7.4
        shape = [(left, hy + 0.5), (left, hy - 6), (x - 7, hy - rise),
                 (x + build.fringe * 4, hy - rise - 1), (x + 7, hy - rise),
                 (right, hy - 6), (right, hy + 0.5), (right - 1.8, hy - 3), (x + 5.5, hy + low),
                 (part, hy + low - 1.2), (x - 5.5, hy + low),
                 (left + 1.8, hy - 3)]  # fmt: skip
        canvas.fill(smooth(shape, 2), hair, edge(hair))
        return
    shape = [(left, hy + 4), (left - 0.4, hy - 5), (x - 6, hy - 13), (x + 6, hy - 13),
             (right + 0.4, hy - 5), (right, hy + 4),
             (right - 1.8, hy - 1), (part + 5, hy - 6.5), (part, hy - 9), (part - 5, hy - 6.5),
             (left + 1.8, hy - 1)]  # fmt: skip
    canvas.fill(smooth(shape, 2), hair)
    canvas.line([(part, hy - 9), (part * 0.7 + hx * 0.3, hy - 13)], darken(hair, 0.3), 0.7)


def draw_hair_behind(canvas: Canvas, figure: Figure) -> None:
    """The back of the head."""
    (hx, hy), build = figure.head, figure.build
    hair, dark = build.hair, darken(build.hair, 0.28) if sum(build.hair) > 150 else lighten(build.hair, 0.2)
    for side in (-1, 1):
        canvas.disc((hx + side * 9.2, hy + 1), 1.7, 2.8, darken(build.skin, 0.08))
    if build.gender == "man":
        nape = [(hx - 9.2, hy + 2), (hx - 9.4, hy - 6), (hx - 6, hy - 12.5), (hx + 6, hy - 12.5),
                (hx + 9.4, hy - 6), (hx + 9.2, hy + 2),
                (hx + 6, hy + 9), (hx - 6, hy + 9)]  # fmt: skip
        canvas.disc((hx, hy + 3), 8.6, 9.5, darken(build.skin, 0.06))
        canvas.fill(smooth(nape), hair, edge(hair))
        return
    draw_hair_cap(canvas, figure)
    ends = {"long": 36, "bob": 16, "ponytail": 10, "bun": 10, "curls": 17}[build.haircut]
    if build.haircut in ("long", "bob"):
        canvas.fill(fall_of_hair(hx, hy, ends), hair, edge(hair))
        for dx in (-6, 0, 6):
            canvas.line(
                [(hx + dx * 0.4, hy - 9), (hx + dx, hy + 2), (hx + dx * 1.3, hy + ends - 3)], dark, 0.7
            )
        return
    canvas.fill(oval(hx, hy, 10, 11.5), hair)
    if build.haircut == "bun":
        canvas.disc((hx, hy - 7), 5.6, 5.2, hair)
        canvas.line([(hx - 5, hy - 4), (hx, hy - 1.6), (hx + 5, hy - 4)], dark, 1.0)
    if build.haircut == "ponytail":
        canvas.fill(
            smooth(
                [(hx - 3, hy - 6), (hx + 3, hy - 6), (hx + 5, hy + 10), (hx + 1, hy + 26), (hx - 4, hy + 10)]
            ),
            hair,
            dark,
        )
        canvas.line([(hx - 3, hy - 5), (hx + 3, hy - 5)], (210, 60, 80), 1.8)
