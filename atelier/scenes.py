"""Drawing backgrounds: muted, each with things that no other has. Units are 128ths of the picture."""

from random import Random

from atelier.canvas import Canvas
from atelier.palette import Color, darken, lighten, mix_colors, pick_one
from atelier.shapes import oval, smooth

FOG: Color = (226, 228, 230)
STUDIOS: tuple[Color, ...] = (
    (228, 226, 224),
    (206, 218, 228),
    (232, 216, 208),
    (212, 224, 210),
    (222, 212, 228),
    (240, 230, 206),
)


class Backdrop:
    """Paints flat shapes in picture units, faded so that the figure stands out."""

    def __init__(self, canvas: Canvas, fade: float):
        self.pen, self.unit, self.fade = canvas.pen, canvas.unit, fade

    def tone(self, color: Color) -> Color:
        return mix_colors(color, FOG, self.fade)

    def box(self, x0: float, y0: float, x1: float, y1: float, color: Color) -> None:
        u = self.unit
        self.pen.rectangle(
            (round(x0 * u), round(y0 * u), round(x1 * u) - 1, round(y1 * u) - 1), fill=self.tone(color)
        )

    def shape(self, points, color: Color) -> None:
        u = self.unit
        self.pen.polygon([(round(x * u), round(y * u)) for x, y in points], fill=self.tone(color))

    def disc(self, x: float, y: float, rx: float, ry: float, color: Color) -> None:
        u = self.unit
        self.pen.ellipse(
            (round((x - rx) * u), round((y - ry) * u), round((x + rx) * u), round((y + ry) * u)),
            fill=self.tone(color),
        )

    def line(self, points, color: Color, width: float) -> None:
        u = self.unit
        self.pen.line(
            [(round(x * u), round(y * u)) for x, y in points],
            fill=self.tone(color),
            width=max(1, round(width * u)),
        )


def draw_scene(canvas: Canvas, kind: str | None, seed: int) -> None:
    """The background of that name; None is a blur that tells nothing."""
    chance = Random(seed)
    if kind is None:
        draw_blur(canvas, chance)
        return
    fade = 0.0 if kind == "studio" else 0.3 + 0.1 * chance.random()
    SCENES[kind](Backdrop(canvas, fade), chance)


def draw_blur(canvas: Canvas, chance: Random) -> None:
    """Close up: two soft tones out of focus."""
    drop, tone = (
        Backdrop(canvas, 0.45),
        pick_one(chance, ((150, 160, 170), (172, 164, 150), (160, 170, 156), (168, 156, 168))),
    )
    drop.box(0, 0, 128, 128, tone)
    for _ in range(5):
        x, y, r = 128 * chance.random(), 128 * chance.random(), 16 + 18 * chance.random()
        drop.disc(x, y, r, r, lighten(tone, 0.12 + 0.14 * chance.random()))


def draw_studio(drop: Backdrop, chance: Random) -> None:
    """A seamless paper roll: wall, floor and a soft light."""
    wall = pick_one(chance, STUDIOS)
    drop.box(0, 0, 128, 128, wall)
    x = 40 + 48 * chance.random()
    for r, t in ((60, 0.16), (46, 0.3), (32, 0.45)):
        drop.disc(x, 52, r, r, lighten(wall, t))
    floor = 104 + 6 * chance.random()
    drop.box(0, floor, 128, 128, darken(wall, 0.1))
    drop.box(0, floor, 128, floor + 2, darken(wall, 0.05))


def draw_street(drop: Backdrop, chance: Random) -> None:
    """House fronts with windows, pavement, a zebra crossing."""
    drop.box(0, 0, 128, 128, (196, 214, 230))
    x = -10 * chance.random()
    while x < 128:
        wide, top = 22 + 14 * chance.random(), 4 + 26 * chance.random()
        wall = pick_one(chance, ((168, 120, 100), (150, 150, 160), (190, 168, 136), (128, 136, 152)))
        drop.box(x, top, x + wide, 96, wall)
        for row in range(int(top) + 4, 84, 13):
            for column in range(3, int(wide) - 5, 8):
                drop.box(
                    x + column,
                    row,
                    x + column + 5,
                    row + 8,
                    (88, 104, 130) if chance.random() < 0.7 else (250, 226, 150),
                )
        x += wide
    drop.box(0, 96, 128, 104, (186, 184, 180))
    drop.box(0, 104, 128, 128, (98, 100, 108))
    for x in range(-6, 128, 20):
        drop.shape([(x + 6, 108), (x + 16, 108), (x + 12, 122), (x, 122)], (240, 240, 240))


def draw_park(drop: Backdrop, chance: Random) -> None:
    """Lawn, round trees, a bench and a path."""
    drop.box(0, 0, 128, 128, (190, 222, 244))
    drop.disc(24 + 80 * chance.random(), 14, 16, 6, (250, 252, 255))
    for x in (10, 38, 88, 116):
        x, y = x + 8 * (chance.random() - 0.5), 44 + 10 * chance.random()
        drop.box(x - 2, y, x + 2, 84, (128, 92, 60))
        for dx, dy, r in ((-8, 4, 10), (8, 4, 10), (0, -6, 13)):
            drop.disc(x + dx, y + dy, r, r, (96, 172, 84))
    drop.box(0, 80, 128, 128, (142, 204, 104))
    drop.shape([(52, 80), (66, 80), (96, 128), (26, 128)], (224, 202, 160))
    x = 4 if chance.random() < 0.5 else 92
    for y in (80, 85, 92):
        drop.box(x, y, x + 32, y + 3, (150, 92, 50))
    for leg in (x + 3, x + 27):
        drop.box(leg, 80, leg + 3, 102, (90, 70, 60))


def draw_beach(drop: Backdrop, chance: Random) -> None:
    """Sea to the horizon, foam, sand and a parasol."""
    drop.box(0, 0, 128, 56, (160, 216, 248))
    drop.disc(20 + 88 * chance.random(), 18, 9, 9, (255, 232, 120))
    drop.box(0, 54, 128, 94, (40, 140, 196))
    for _ in range(6):
        x, y = 128 * chance.random(), 58 + 24 * chance.random()
        drop.line([(x, y), (x + 12, y)], (170, 216, 236), 1.4)
    drop.shape([(0, 86), (32, 90), (64, 86), (96, 90), (128, 86), (128, 128), (0, 128)], (250, 252, 252))
    drop.shape([(0, 90), (32, 94), (64, 90), (96, 94), (128, 90), (128, 128), (0, 128)], (244, 220, 160))
    x = 16 if chance.random() < 0.5 else 112
    drop.line([(x, 58), (x, 108)], (250, 250, 250), 2)
    for i, color in enumerate(((226, 70, 70), (250, 250, 250), (226, 70, 70), (250, 250, 250))):
        drop.shape([(x - 20 + 10 * i, 62), (x - 10 + 10 * i, 62), (x, 44)], color)


def draw_forest(drop: Backdrop, chance: Random) -> None:
    """Dark firs close together, trunks and undergrowth."""
    drop.box(0, 0, 128, 128, (120, 156, 132))
    for layer, tone in ((0, (70, 116, 88)), (1, (34, 82, 58))):
        for i in range(7 - 2 * layer):
            x = (i + 0.5 * layer) * (21 + 8 * layer) + 8 * chance.random() - 4
            drop.box(x - 2.5, 40, x + 2.5, 108, (84, 60, 44))
            for y in (8, 28, 48):
                wide = 11 + y * 0.16
                drop.shape([(x, y - 16 + 8 * layer), (x - wide, y + 26), (x + wide, y + 26)], tone)
    drop.box(0, 102, 128, 128, (88, 84, 56))
    for _ in range(14):
        x, y = 128 * chance.random(), 104 + 22 * chance.random()
        drop.shape([(x - 5, y), (x - 3, y - 7), (x, y - 2), (x + 3, y - 8), (x + 5, y)], (52, 104, 56))


def draw_living_room(drop: Backdrop, chance: Random) -> None:
    """Wallpaper, a framed picture, a lamp, a sofa and floorboards."""
    wall = pick_one(chance, ((236, 216, 190), (222, 210, 222), (206, 222, 214)))
    drop.box(0, 0, 128, 128, wall)
    for x in range(4, 128, 12):
        drop.box(x, 0, x + 2, 98, darken(wall, 0.06))
    x = 8 if chance.random() < 0.5 else 92
    drop.box(x, 12, x + 28, 34, (120, 80, 44))
    drop.box(x + 3, 15, x + 25, 31, (150, 190, 214))
    drop.shape([(x + 3, 31), (x + 12, 20), (x + 18, 27), (x + 22, 23), (x + 25, 31)], (90, 140, 100))
    lamp = 114 - x if x < 50 else 14
    drop.line([(lamp, 40), (lamp, 100)], (90, 76, 66), 2)
    drop.shape([(lamp - 6, 26), (lamp + 6, 26), (lamp + 11, 42), (lamp - 11, 42)], (252, 222, 140))
    sofa = pick_one(chance, ((176, 92, 84), (88, 128, 146), (130, 120, 160)))
    drop.box(-2, 66, 130, 100, sofa)
    drop.box(-2, 82, 130, 102, darken(sofa, 0.22))
    drop.line([(64, 66), (64, 102)], darken(sofa, 0.4), 1)
    drop.box(0, 102, 128, 128, (188, 142, 96))
    for y in (108, 115, 122):
        drop.line([(0, y), (128, y)], (150, 108, 70), 1)


def draw_shop(drop: Backdrop, chance: Random) -> None:
    """A rail of clothes, shelves with folded piles, spotlights and tiles."""
    drop.box(0, 0, 128, 128, (232, 230, 236))
    for x in (20, 64, 108):
        drop.disc(x, 4, 6, 3, (255, 240, 190))
    tones = (
        (206, 84, 92),
        (88, 124, 190),
        (240, 196, 90),
        (110, 168, 124),
        (150, 110, 170),
        (240, 240, 244),
        (80, 80, 92),
    )
    for y in (22, 40):
        drop.box(0, y + 10, 128, y + 12, (140, 110, 84))
        for x in range(2, 126, 12):
            tone = pick_one(chance, tones)
            for fold in (0, 3, 6):
                drop.box(
                    x, y + 9 - fold - 2, x + 9, y + 9 - fold + 0.4, tone if fold != 3 else lighten(tone, 0.3)
                )
    drop.line([(0, 62), (128, 62)], (90, 90, 98), 2)
    for x in range(1, 126, 7):
        tone = pick_one(chance, tones)
        drop.shape([(x + 3, 62), (x + 7, 67), (x + 6, 94), (x, 94), (x - 1, 67)], tone)
    drop.box(0, 102, 128, 128, (206, 200, 196))
    for x in range(-40, 168, 24):
        drop.line([(x, 128), (64 + (x - 64) * 0.6, 102)], (170, 164, 162), 0.8)
    drop.line([(0, 113), (128, 113)], (170, 164, 162), 0.8)


def draw_snow(drop: Backdrop, chance: Random) -> None:
    """White ground, a mountain, bare trees and falling flakes under a blue-gray sky."""
    drop.box(0, 0, 128, 128, (142, 166, 204))
    x = 20 + 80 * chance.random()
    drop.shape([(x - 56, 84), (x, 24), (x + 56, 84)], (104, 124, 166))
    drop.shape([(x - 16, 41), (x, 24), (x + 16, 41), (x + 6, 38), (x, 46), (x - 7, 38)], (250, 252, 255))
    drop.shape([(0, 84), (36, 78), (80, 86), (128, 78), (128, 128), (0, 128)], (248, 250, 255))
    for x in (10, 30, 100, 120):
        x += 6 * chance.random() - 3
        drop.shape([(x, 44), (x - 9, 90), (x + 9, 90)], (60, 110, 104))
        for y in (54, 66, 78):
            drop.shape(
                [(x, y - 8), (x - (y - 40) * 0.2 - 2, y + 3), (x + (y - 40) * 0.2 + 2, y + 3)],
                (250, 252, 255),
            )
    for _ in range(46):
        drop.disc(128 * chance.random(), 128 * chance.random(), 1.1, 1.1, (255, 255, 255))


def draw_shadow(canvas: Canvas, x: float, y: float) -> None:
    """The figure's shade on the floor."""
    canvas.shade(smooth(oval(x, y, 24, 4.4), 1), (20, 18, 40), 60)


SCENES = {
    "studio": draw_studio, "street": draw_street, "park": draw_park, "beach": draw_beach,
    "forest": draw_forest, "living room": draw_living_room, "shop": draw_shop, "snow": draw_snow,
}  # fmt: skip
