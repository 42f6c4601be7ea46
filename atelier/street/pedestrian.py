"""Drawing pedestrians: the wardrobe's people on their way, with what they carry."""

from dataclasses import replace
from random import Random

from atelier.body import draw_skin
from atelier.canvas import Canvas
from atelier.draw import draw_above_shoulders, draw_arm, draw_clothes
from atelier.figure import Figure, build_person
from atelier.head import draw_long_hair
from atelier.palette import CLOTH, SILVER, Color, darken, edge, lighten, pick_one
from atelier.pose import Arm, Leg, Pose
from atelier.scenes import draw_shadow
from atelier.shapes import Point, oval, smooth
from atelier.textures import Cloth, cloth_of
from atelier.wardrobe import SCHEMA, Attributes

HAIR: dict[str, Color] = {
    "black": (34, 28, 30),
    "brown": (104, 62, 34),
    "blonde": (232, 196, 104),
    "red": (186, 70, 30),
    "gray": (160, 160, 164),
}
CUTS = {"woman": ("long", "bob", "ponytail"), "man": ("short", "quiff")}
YAWS = {"front": 0, "back": 180, "left": -48, "right": 48}
# what the wardrobe must be told to dress somebody so
TOPS = {
    "t-shirt": {"upper": "t-shirt", "sleeves": "short", "neckline": "round"},
    "shirt": {"upper": "shirt", "sleeves": "long", "neckline": "lapel"},
    "hoodie": {"upper": "hoodie", "sleeves": "long"},
    "coat": {"upper": "sweater", "sleeves": "long", "neckline": "round", "outer": "coat"},
    "dress": {"upper": "dress", "sleeves": "short", "neckline": "round", "lower_length": "medium"},
}
LENGTHS = {"trousers": "long", "shorts": "three-point", "skirt": "medium"}
CARRY = Arm(out=10, fore_out=6, fore_forward=4)
HOLD = Arm(out=16, forward=14, fore_out=10, fore_forward=150)  # an umbrella's handle before the chest


def draw_pedestrian(canvas: Canvas, attributes: Attributes, chance: Random) -> None:
    """Somebody and all they have, back to front."""
    figure = Figure(build_walker(attributes, chance), walk(attributes, chance))
    worn = dress(attributes)
    cloths = {part: cloth_of(worn, part, 0) for part in ("upper", "lower", "outer") if worn[part] is not None}
    draw_shadow(canvas, 0, 171)
    if attributes["bicycle"]:
        draw_bicycle(canvas, chance)
    color = CLOTH[attributes["bag_color"]] if attributes["bag"] else None
    if attributes["bag"] == "backpack" and figure.faces_us:
        draw_backpack(canvas, figure, color)
    if attributes["umbrella"]:
        draw_stick(canvas, figure)
    if figure.faces_us:
        draw_long_hair(canvas, figure)
    draw_body(canvas, figure, worn, cloths)
    if attributes["bag"] == "backpack":
        (draw_pack_straps if figure.faces_us else draw_backpack)(canvas, figure, color)
    draw_above_shoulders(canvas, figure, worn, cloths, int(chance.random() * 1000))
    if attributes["bag"] == "handbag":
        draw_handbag(canvas, figure, color)
    if attributes["bag"] == "shoulder bag":
        draw_shoulder_bag(canvas, figure, color)
    if attributes["umbrella"]:
        draw_canopy(canvas, figure, CLOTH[attributes["umbrella"]])


def build_walker(attributes: Attributes, chance: Random):
    gender = attributes["gender"]
    build = build_person(gender, int(chance.random() * 2**31))
    hair = HAIR[attributes["hair"] or pick_one(chance, tuple(HAIR))]  # what is hidden may be any
    return replace(build, hair=hair, haircut=pick_one(chance, CUTS[gender]))


def walk(attributes: Attributes, chance: Random) -> Pose:
    """A step; from the side it is a wide one."""
    stride = 9 if attributes["direction"] in ("front", "back") else 20
    stride *= 1 if chance.random() < 0.5 else -1
    left = HOLD if attributes["umbrella"] else Arm(out=12, forward=-stride / 2)
    legs = Leg(forward=stride, knee=6), Leg(forward=-stride, knee=14)
    yaw = YAWS[attributes["direction"]] + (chance.random() - 0.5) * 10
    return Pose(yaw=yaw, left=left, right=CARRY, left_leg=legs[0], right_leg=legs[1])


def dress(attributes: Attributes) -> Attributes:
    """The clothes in the wardrobe's words."""
    worn: Attributes = dict.fromkeys(SCHEMA) | TOPS[attributes["top"]]
    outer = "outer" if attributes["top"] == "coat" else "upper"
    for part in ("upper", outer):
        worn |= {f"{part}_fabric": "cotton", f"{part}_pattern": "solid"}
    worn |= {"upper_color": "beige", f"{outer}_color": attributes["top_color"]}
    if attributes["bottom"]:
        worn |= {"lower": attributes["bottom"], "lower_length": LENGTHS[attributes["bottom"]]}
        worn |= {
            "lower_fabric": "cotton",
            "lower_pattern": "solid",
            "lower_color": attributes["bottom_color"],
        }
    return worn | {"gender": attributes["gender"], "hat": attributes["hat"]}


def draw_body(canvas: Canvas, figure: Figure, worn: Attributes, cloths: dict[str, Cloth]) -> None:
    if figure.in_profile:
        draw_arm(canvas, figure, worn, cloths, -figure.near)
    draw_skin(canvas, figure)
    draw_clothes(canvas, figure, worn, cloths, 0)
    for side in (figure.near,) if figure.in_profile else (-1, 1):
        draw_arm(canvas, figure, worn, cloths, side)


def draw_backpack(canvas: Canvas, figure: Figure, color: Color) -> None:
    """On the back: whole from behind, its sides beside the body from the front."""
    x = -figure.sin * 20 if figure.in_profile else 0
    half = 13 if figure.in_profile else 23 if figure.faces_us else 17
    pack = smooth([(x - half, 40), (x, 36), (x + half, 40), (x + half + 1, 78), (x, 82), (x - half - 1, 78)])
    canvas.fill(pack, color, edge(color))
    if not figure.faces_us:
        pocket = [(x - half + 4, 60), (x + half - 4, 60), (x + half - 4, 76), (x - half + 4, 76)]
        canvas.fill(pocket, lighten(color, 0.16), edge(color))


def draw_pack_straps(canvas: Canvas, figure: Figure, color: Color) -> None:
    for lateral in (-9, 9):
        canvas.line(figure.row((lateral, 34), (lateral, 66)), darken(edge(color), 0.1), 6)
        canvas.line(figure.row((lateral, 34), (lateral, 66)), color, 4.4)


def draw_handbag(canvas: Canvas, figure: Figure, color: Color) -> None:
    """Below the right hand."""
    x, y = figure.arms[-1][3]
    canvas.line([(x - 6, y + 9), (x - 4, y - 3), (x + 4, y - 3), (x + 6, y + 9)], edge(color), 2)
    canvas.fill([(x - 10, y + 8), (x + 10, y + 8), (x + 13, y + 27), (x - 13, y + 27)], color, edge(color))
    canvas.disc((x, y + 13), 1.6, 1.6, SILVER)


def draw_shoulder_bag(canvas: Canvas, figure: Figure, color: Color) -> None:
    """A strap across the body and the bag at the hip."""
    start, end = figure.on(-9, 33), figure.on(15, 78)
    canvas.line([start, end], edge(color), 6)
    canvas.line([start, end], color, 4)
    x, y = end
    canvas.fill([(x - 11, y), (x + 11, y), (x + 11, y + 20), (x - 11, y + 20)], color, edge(color))
    canvas.fill([(x - 11, y), (x + 11, y), (x + 9, y + 9), (x - 9, y + 9)], lighten(color, 0.16), edge(color))


def handle(figure: Figure) -> Point:
    return figure.arms[1][3]


def draw_stick(canvas: Canvas, figure: Figure) -> None:
    x, y = handle(figure)
    canvas.line([(x, y + 8), (x * 0.5, -30)], (90, 86, 90), 2)


def draw_canopy(canvas: Canvas, figure: Figure, color: Color) -> None:
    """Over the head, with its ribs."""
    x = handle(figure)[0] * 0.5
    hem = [(x + 56, -8), (x + 37, -4), (x + 19, -8), (x, -4), (x - 19, -8), (x - 37, -4), (x - 56, -8)]
    dome = [(x - 52, -18), (x - 36, -31), (x, -38), (x + 36, -31), (x + 52, -18)]
    canvas.fill([*dome, *hem], color, edge(color))
    for rib in (-37, 0, 37):
        canvas.line([(x, -38), (x + rib, -5)], edge(color), 1.2)


def draw_bicycle(canvas: Canvas, chance: Random) -> None:
    """Beside its rider, who walks."""
    color = pick_one(chance, ((40, 44, 52), (170, 40, 44), (44, 92, 150)))
    rear, front, y = -50, 50, 142
    for x in (rear, front):
        canvas.fill(oval(x, y, 30, 30), (60, 60, 64))
        canvas.fill(oval(x, y, 25.5, 25.5), (214, 216, 218))
        for spoke in (0, 6, 12, 18):
            sx, sy = oval(0, 0, 25, 25)[spoke]
            canvas.line([(x, y), (x + sx, y + sy)], (150, 150, 154), 0.8)
    seat, pedal, head = (-28, 96), (-8, 142), (38, 96)
    for path in ([(rear, y), seat, pedal, (rear, y)], [seat, head, pedal], [head, (front, y)]):
        canvas.line(path, color, 4)
    canvas.line([(-38, 92), (-18, 92)], (50, 46, 46), 5)
    canvas.line([head, (34, 84), (46, 80)], (70, 70, 74), 3.4)
