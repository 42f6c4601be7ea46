"""Drawing vehicles from the side. Lengths are centimetres; the ground is at 100, the front to the right."""

from random import Random

from atelier.canvas import Canvas
from atelier.palette import CLOTH, Color, darken, edge, lighten, mix_colors
from atelier.shapes import Outline, oval
from atelier.wardrobe import Attributes

GROUND = 100
GLASS: Color = (148, 184, 206)
TIRE: Color = (36, 36, 40)
PLATES: dict[str, Color] = {"white": (250, 250, 250), "yellow": (250, 206, 40), "blue": (40, 90, 200)}
LIGHT: Color = (255, 244, 150)
# type -> outline of the body, its windows, its wheels (place and radius), and where the roof ends
BODIES: dict[str, dict] = {
    "sedan": {
        "body": [(-122, 78), (-124, 40), (-96, 32), (-62, 2), (30, 2), (66, 34), (116, 44), (122, 78)],
        "windows": [[(-58, 8), (-14, 8), (-14, 32), (-82, 32)], [(-8, 8), (26, 8), (54, 34), (-8, 32)]],
        "wheels": [(-76, 24), (76, 24)],
        "roof": (-56, 24, 2),
    },
    "SUV": {
        "body": [(-116, 74), (-118, -6), (-104, -34), (44, -34), (72, 10), (112, 20), (118, 74)],
        "windows": [
            [(-100, -26), (-36, -26), (-36, 8), (-106, 8)],
            [(-28, -26), (40, -26), (62, 8), (-28, 8)],
        ],
        "wheels": [(-72, 29), (72, 29)],
        "roof": (-96, 36, -34),
    },
    "minivan": {
        "body": [(-124, 80), (-126, -28), (-112, -46), (34, -46), (92, 14), (118, 26), (122, 80)],
        "windows": [
            [(-114, -34), (-62, -34), (-62, 2), (-116, 2)],
            [(-54, -34), (-4, -34), (-4, 2), (-54, 2)],
            [(4, -34), (30, -34), (66, 6), (4, 2)],
        ],
        "wheels": [(-78, 23), (78, 23)],
        "roof": (-106, 28, -46),
    },
    "bus": {
        "body": [(-138, 82), (-138, -84), (-128, -94), (126, -94), (136, -80), (138, 82)],
        "windows": [[(x, -76), (x + 42, -76), (x + 42, -28), (x, -28)] for x in (-130, -82, -34, 14, 62)]
        + [[(112, -76), (132, -76), (132, 60), (112, 60)]],
        "wheels": [(-86, 25), (86, 25)],
        "roof": (-120, 110, -94),
    },
    "truck": {
        "body": [(46, 82), (46, -50), (58, -62), (104, -62), (126, -8), (136, 4), (138, 82)],
        "windows": [[(66, -50), (98, -50), (116, -8), (66, -8)]],
        "wheels": [(-96, 26), (-38, 26), (94, 26)],
        "roof": (50, 100, -62),
        "box": [(-138, 64), (-138, -88), (38, -88), (38, 64)],
    },
}


def draw_vehicle(canvas: Canvas, attributes: Attributes, chance: Random) -> None:
    """A vehicle on its way, bottom to top."""
    del chance  # all about it is told
    way = 1 if attributes["direction"] == "right" else -1
    shape, paint = BODIES[attributes["type"]], CLOTH[attributes["color"]]

    def turned(points: Outline) -> Outline:
        return [(way * x, y) for x, y in points]

    canvas.fill(oval(0, GROUND + 2, 150, 9), (96, 98, 104))
    for part in ("box", "body"):
        if part in shape:
            canvas.fill(turned(shape[part]), paint, edge(paint))
            low = max(y for _, y in shape[part])
            xs = [x for x, y in shape[part] if y == low]
            sill = [(min(xs), low - 12), (max(xs), low - 12), (max(xs), low), (min(xs), low)]
            canvas.fill(turned(sill), darken(paint, 0.35))
    if "box" in shape:
        canvas.fill(turned([(-138, 64), (50, 64), (50, 80), (-138, 80)]), (70, 70, 76))
    for window in shape["windows"]:
        canvas.fill(turned(window), GLASS, edge(GLASS))
        (x0, y0), (x1, _) = window[0], window[1]
        canvas.line(turned([(x0 + 6, y0 + 16), (x1 - 10, y0 + 4)]), lighten(GLASS, 0.6), 2.4)
    if attributes["stripe"]:
        draw_stripe(canvas, attributes["type"], CLOTH[attributes["stripe"]], turned)
    for x, radius in shape["wheels"]:
        draw_wheel(canvas, way * x, radius)
    draw_ends(canvas, attributes, shape, turned)
    if attributes["rack"]:
        draw_rack(canvas, shape["roof"], turned)


def draw_stripe(canvas: Canvas, kind: str, color: Color, turned) -> None:
    """Along the side, below the windows."""
    left, right, y = {
        "sedan": (-122, 112, 46), "SUV": (-116, 108, 24), "minivan": (-124, 108, 28),
        "bus": (-137, 110, -8), "truck": (-137, 37, -20),
    }[kind]  # fmt: skip
    height = 11 if kind in ("sedan", "SUV", "minivan") else 18
    canvas.fill(turned([(left, y), (right, y), (right, y + height), (left, y + height)]), color, edge(color))


def draw_wheel(canvas: Canvas, x: float, radius: float) -> None:
    y = GROUND - radius
    canvas.disc((x, y), radius, radius, TIRE)
    canvas.disc((x, y), radius * 0.58, radius * 0.58, (176, 180, 186))
    canvas.disc((x, y), radius * 0.2, radius * 0.2, TIRE)


def draw_ends(canvas: Canvas, attributes: Attributes, shape: dict, turned) -> None:
    """The lamp at the front, which may shine, and the plate that hangs out at the rear."""
    front = max(x for x, _ in shape["body"])
    rear = min(x for x, _ in shape.get("box", shape["body"]))
    y = 52 if attributes["type"] in ("sedan", "SUV", "minivan") else 56
    shines = attributes["lights"] is not None
    if shines:
        beam = [(front, y), (front + 40, y - 16), (front + 40, y + 30), (front, y + 12)]
        canvas.shade(turned(beam), LIGHT, 235)
    lamp = LIGHT if shines else mix_colors((120, 126, 136), (0, 0, 0), 0.2)
    canvas.fill(
        turned([(front - 16, y - 3), (front - 1, y - 1), (front, y + 14), (front - 16, y + 14)]), lamp, TIRE
    )
    plate = PLATES[attributes["plate"]]
    hung = [(rear - 10, y + 2), (rear + 18, y + 2), (rear + 18, y + 17), (rear - 10, y + 17)]
    canvas.fill(turned(hung), plate, TIRE)
    for x in (rear - 5, rear + 2, rear + 9):
        canvas.line(
            turned([(x, y + 6), (x, y + 13)]), TIRE if attributes["plate"] != "blue" else (250, 250, 250), 2
        )


def draw_rack(canvas: Canvas, roof: tuple[float, float, float], turned) -> None:
    left, right, y = roof
    for x in (left + 6, (left + right) / 2, right - 6):
        canvas.line(turned([(x, y), (x, y - 13)]), (60, 62, 68), 3)
    canvas.line(turned([(left - 4, y - 14), (right + 4, y - 14)]), (60, 62, 68), 5)
    trunk: Color = (134, 92, 54)
    x0, x1 = left + 16, right - 22
    canvas.fill(turned([(x0, y - 34), (x1, y - 34), (x1, y - 17), (x0, y - 17)]), trunk, edge(trunk))
