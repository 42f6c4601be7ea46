"""Drawing clips: the wardrobe's people in motion before a background that is drawn once a scene.

Who walks or runs faces us, and what goes one way goes the other way in reverse order: no frame tells which.
"""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from PIL import Image, ImageDraw

from atelier.body import draw_shoes, draw_skin
from atelier.bottoms import draw_skirt, draw_trouser_leg, draw_waistband
from atelier.canvas import Canvas
from atelier.clips.motion import MOTIONS, THIGH, YAW, Manner, Posture
from atelier.clips.sample import BACKWARDS, CLIP_NAMES, CLIP_SCHEMA, scenes_of
from atelier.draw import draw_above_shoulders, draw_arm
from atelier.figure import ANKLE, WAIST, Build, Figure, build_person
from atelier.hats import draw_hat
from atelier.head import draw_long_hair
from atelier.palette import Color, darken, edge, pick_one
from atelier.pose import Camera, Light
from atelier.sample import blend
from atelier.scenes import draw_scene, draw_shadow
from atelier.shapes import Point, between, turn
from atelier.street.pedestrian import dress
from atelier.textures import Cloth, cloth_of
from atelier.tops import draw_torso
from atelier.wardrobe import Attributes

HIP = 90  # where a leg begins
SKIRT = 120  # the hem of a skirt and of a dress on somebody who stands
SHORTS = 0.42  # of a thigh
AGAIN = ("wave", "jump")  # several times in a clip: how far they have come no frame shows
PHASES = ("first", "second", "third", "last")  # quarters of an action
STILL_SCHEMA = {name: CLIP_SCHEMA[name] for name in CLIP_NAMES if "then" not in name and name != "direction"}
STILL_SCHEMA |= {"action": tuple(MOTIONS), "phase": PHASES}
WOODS: tuple[Color, ...] = ((176, 122, 74), (120, 78, 54), (84, 92, 106))


def draw_clip(clip: Attributes, seed: int, lengths: Sequence[int], size: int = 96) -> list[Image.Image]:
    """The frames, so many of each scene. Another seed is another clip of which the same is true."""
    frames = []
    for number, (scene, count) in enumerate(zip(scenes_of(clip), lengths, strict=True)):
        frames += draw_moments(scene, (seed, number), [place / (count - 1) for place in range(count)], size)
    return frames


def draw_still(clip: Attributes, seed: int, size: int = 96) -> Image.Image:
    """One frame from somewhere in the clip's first scene."""
    return draw_moments(scenes_of(clip)[0], (seed, 0), [still_moment(seed)], size)[0]


def still_moment(seed: int) -> float:
    return Random(blend(seed, 3)).random()


def facts_of_still(clip: Attributes, seed: int) -> Attributes:
    """What an eye can learn to see in a still: who and where, one of the actions it may be of, and how far
    that has come. An action that is another one backwards goes by the other's name."""
    scene = scenes_of(clip)[0]
    action, _ = BACKWARDS.get((scene["action"], scene["direction"]), (scene["action"], None))
    come = set_scene(seed, 0).manner.clock(still_moment(seed))
    phase = None if action in AGAIN else PHASES[min(int(come * len(PHASES)), len(PHASES) - 1)]
    return {name: scene.get(name) for name in STILL_SCHEMA} | {"action": action, "phase": phase}


class Arrangement(NamedTuple):
    """All that is left to chance in a scene, who is seen in it aside."""

    span: float  # centimetres that the picture is high
    place: int  # a seed
    light: Light
    manner: Manner
    wood: Color


def set_scene(seed: int, number: int) -> Arrangement:
    """How the scene of this number looks this time."""
    chance = Random(blend(seed, 1, number))
    span, place = 218 + 26 * chance.random(), int(chance.random() * 2**31)
    light = Light(brightness=0.95 + 0.1 * chance.random(), warmth=(chance.random() - 0.5) * 0.05)
    return Arrangement(span, place, light, Manner.of(chance), pick_one(chance, WOODS))


def draw_moments(
    scene: Attributes, seeds: tuple[int, int], moments: Sequence[float], size: int
) -> list[Image.Image]:
    """Moments of one scene, from 0 to 1; an action that is another one backwards is drawn as that one."""
    seed, _ = seeds
    span, place, light, manner, wood = set_scene(*seeds)
    canvas = Canvas(size, Camera(x=0, top=172 - 0.945 * span, span=span))
    draw_scene(canvas, scene["place"], place)
    move = scene["action"], scene["direction"]
    action, _ = BACKWARDS.get(move, move)
    if action == "sit down":
        draw_chair(canvas, manner, wood)
    build, empty, frames = build_person(scene["gender"], blend(seed, 2)), canvas.image, []
    for moment in reversed(moments) if move in BACKWARDS else moments:
        canvas.image = empty.copy()
        canvas.pen = ImageDraw.Draw(canvas.image)
        draw_person(canvas, scene, (build, seed), MOTIONS[action](manner.clock(moment), manner))
        frames.append(canvas.develop(light))
    return frames


def draw_person(canvas: Canvas, scene: Attributes, person: tuple[Build, int], posture: Posture) -> None:
    """Somebody at one moment, back to front; a foot at least is on the ground unless they rise from it."""
    build, seed = person
    figure, worn = Figure(build, posture.pose), dress(scene)
    worn["hat"] = worn["hat"] if posture.hat_on else None
    cloths = {part: cloth_of(worn, part, 0) for part in ("upper", "lower") if worn[part] is not None}
    ground = max(ankle[1] for _, _, ankle in figure.legs.values())
    draw_shadow(canvas, posture.x, 171)
    corner = canvas.left, canvas.top
    canvas.left, canvas.top = corner[0] - posture.x, corner[1] - (ANKLE - ground) + posture.rise
    draw_long_hair(canvas, figure)
    if figure.in_profile:
        draw_arm(canvas, figure, worn, cloths, -figure.near)
    draw_skin(canvas, figure)
    draw_clothing(canvas, figure, worn, cloths)
    for side in (figure.near,) if figure.in_profile else (-1, 1):
        draw_arm(canvas, figure, worn, cloths, side)
    draw_above_shoulders(canvas, figure, worn, cloths, seed)
    if posture.held is not None:
        x, y = hat_in_hand(figure, posture)
        canvas.left, canvas.top = canvas.left - x + figure.head[0], canvas.top - y + figure.head[1]
        draw_hat(canvas, figure, scene["hat"], Random(seed + 9))
    canvas.left, canvas.top = corner


def hat_in_hand(figure: Figure, posture: Posture) -> Point:
    """Where the head would be that wears it: before the fingers, and at last on the head."""
    side = 1 if posture.pose.left.out > posture.pose.right.out else -1
    tips, t = figure.arms[side][3], max(0.0, 2 * posture.held - 1)
    x = figure.project((side, 0, 0))[0]  # which way the hand is in the picture
    carried = tips[0] + 5 * x, tips[1] + 9
    return between(carried, figure.head, t * t)


def draw_clothing(canvas: Canvas, figure: Figure, worn: Attributes, cloths: dict[str, Cloth]) -> None:
    """The outfit on legs that bend: a hem is told as a share of the leg as it is seen."""
    knees = {side: knee[1] for side, (_, knee, _) in figure.legs.items()}
    hem = HIP + (SKIRT - HIP) * (max(knees.values()) - HIP) / THIGH
    tucked = worn["lower"] == "skirt" and worn["upper"] != "hoodie"
    draw_shoes(canvas, figure)
    if tucked:
        draw_torso(canvas, figure, worn, cloths["upper"], tucked)
    if worn["lower"] == "skirt":
        draw_skirt(canvas, figure, cloths["lower"], (WAIST + 3, hem, 7.5))
    elif worn["lower"]:
        for side in (-figure.near, figure.near):
            long = worn["lower"] == "trousers"
            end = figure.legs[side][2][1] if long else HIP + SHORTS * (knees[side] - HIP)
            draw_trouser_leg(canvas, figure, worn["lower"], (end, side), cloths["lower"])
    if worn["lower"]:
        draw_waistband(canvas, figure, worn["lower"], cloths["lower"])
    if not tucked:
        draw_torso(canvas, figure, worn, cloths["upper"], tucked)
    if worn["upper"] == "dress":
        draw_skirt(canvas, figure, cloths["upper"], (WAIST, hem, 8.5))


def draw_chair(canvas: Canvas, manner: Manner, wood: Color) -> None:
    """A chair turned a little aside, right behind whoever will sit on it."""
    cos, sin = turn(YAW * manner.side)

    def at(x: float, y: float, z: float) -> Point:  # seen a little from above
        return x * cos + z * sin + manner.drift, y + 0.16 * (z + THIGH)

    dark = darken(wood, 0.3)
    for x, z in ((-24, -56), (24, -56), (-24, -14), (24, -14)):
        canvas.line([at(x, 132, z), at(x, 168, z)], dark, 5)
    for x in (-24, 24):
        canvas.line([at(x, 76, -58), at(x, 132, -56)], dark, 5)
    for top, bottom in ((74, 92), (100, 112)):
        back = [at(-25, top, -58), at(25, top, -58), at(25, bottom, -58), at(-25, bottom, -58)]
        canvas.fill(back, wood, edge(wood))
    seat = [at(-26, 128, -58), at(26, 128, -58), at(26, 128, -12), at(-26, 128, -12)]
    front = [at(-26, 128, -12), at(26, 128, -12), at(26, 133, -12), at(-26, 133, -12)]
    canvas.fill(seat, wood, edge(wood))
    canvas.fill(front, dark, edge(wood))
