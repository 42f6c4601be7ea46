"""The figure: a body's measures, put into a pose and turned to the camera.

The torso is a stack of ellipses, limbs are bones in three dimensions; both are projected without perspective.
Heights are the same for everyone (crown 0, sole 172 cm), so hems and crops can be told in centimetres.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import hypot, sqrt
from random import Random

from atelier.palette import HAIRS, SHOES, SKINS, Color, pick_one
from atelier.pose import Arm, Leg, Pose
from atelier.shapes import Outline, Point, between, cut, limb, turn

NECK, SHOULDER, BUST, WAIST, HIP, CROTCH, KNEE, ANKLE, SOLE = 30.5, 37, 48, 66, 84, 92, 126, 163, 172
HEMS = {"three-point": 105, "medium": 122, "three-quarter": 144, "long": 163}
Profile = tuple[tuple[float, float, float, float], ...]

# height: half width, depth to the front, depth to the back
PROFILES: dict[str, Profile] = {
    "woman": (
        (30, 5, 4, 5), (32.5, 8, 5, 6), (36, 16.4, 7, 8), (40, 18, 9.5, 8.5), (48, 15.8, 13, 8.5),
        (57, 13.4, 9.5, 7.5), (66, 12.2, 8.5, 7.5), (76, 15.6, 9.5, 11), (85, 18.6, 9.5, 13),
        (94, 18.2, 9, 11),
    ),
    "man": (
        (30, 7, 5, 6), (32.5, 11, 6, 7), (36, 20.5, 8, 9), (40, 23.4, 10.5, 10), (48, 21.4, 12.5, 9.5),
        (57, 18.8, 11.5, 9), (66, 17.4, 11, 9), (76, 17.2, 10.5, 10), (85, 17.8, 10, 11.5),
        (94, 17.6, 9.5, 10.5),
    ),
}  # fmt: skip
ARM_WIDTHS = {"woman": (4.3, 3.5, 2.6), "man": (5.4, 4.4, 3.1)}
HAIRCUTS = {
    "woman": ("long", "long", "bob", "bun", "ponytail", "curls"),
    "man": ("short", "short", "quiff", "cropped"),
}


@dataclass(frozen=True, kw_only=True)
class Build:
    """One person: the same in all pictures of a product."""

    gender: str
    girth: float
    skin: Color
    hair: Color
    shoes: Color
    haircut: str
    fringe: float  # -1..1: on which side the hair is parted
    beard: bool


def build_person(gender: str, body_seed: int) -> Build:
    """The person that a seed stands for."""
    chance = Random(body_seed)
    return Build(
        gender=gender,
        girth=0.95 + 0.11 * chance.random(),
        skin=pick_one(chance, SKINS),
        hair=pick_one(chance, HAIRS),
        shoes=pick_one(chance, SHOES),
        fringe=chance.random() * 2 - 1,
        beard=chance.random() < 0.55 and gender == "man",
        haircut=pick_one(chance, HAIRCUTS[gender]),
    )


class Figure:
    """A build in a pose: asks where things are, draws nothing."""

    def __init__(self, build: Build, pose: Pose):
        self.build, self.pose = build, pose
        self.cos, self.sin = turn(pose.yaw)
        self.faces_us = self.cos > 0
        self.in_profile = abs(self.sin) > 0.5
        self.near = (
            -1 if self.sin > 0 else 1
        )  # the side nearer to the camera when turned: +1 is the person's left
        self.head: Point = (pose.nod + self.sin * 2.5, 14.0)

    def half(self, y: float) -> tuple[float, float, float]:
        """Half width and the two depths of the torso at a height."""
        rows = PROFILES[self.build.gender]
        if y <= rows[0][0]:
            return rows[0][1:]
        for a, b in pairwise(rows):
            if y <= b[0]:
                t = (y - a[0]) / (b[0] - a[0])
                w, front, back = a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t, a[3] + (b[3] - a[3]) * t
                return w * self.build.girth, front, back
        return rows[-1][1] * self.build.girth, rows[-1][2], rows[-1][3]

    def edges(self, y: float, ease: float = 0) -> tuple[float, float]:
        """The torso's left and right edge in the picture; `ease` is how loose the cloth sits."""
        w, front, back = self.half(y)
        right, left = (front, back) if self.sin >= 0 else (back, front)
        w += ease
        return (
            -hypot(w * self.cos, (left + ease) * self.sin),
            hypot(w * self.cos, (right + ease) * self.sin),
        )

    def side(self, y: float, side: int, ease: float = 0) -> float:
        """The torso's edge on the person's left (+1) or right (-1)."""
        left, right = self.edges(y, ease)
        return right if (side > 0) == self.faces_us else left

    def x(self, y: float, lateral: float, ease: float = 0) -> float:
        """Where a point of the torso's visible face lies, `lateral` centimetres from its middle line."""
        w, front, back = self.half(y)
        depth = (front if self.faces_us else -back) + (ease if self.faces_us else -ease)
        share = max(-1.0, min(1.0, lateral / (w + ease)))
        return lateral * self.cos + depth * sqrt(1 - share * share) * self.sin

    def on(self, lateral: float, y: float, ease: float = 0) -> Point:
        """The same as a point."""
        return self.x(y, lateral, ease), y

    def row(self, *spots: Point, ease: float = 0) -> Outline:
        """Several (lateral, height) spots of the visible face as an outline."""
        return [self.on(lateral, y, ease) for lateral, y in spots]

    def shoulder_line(self, lateral: float) -> float:
        """The height of the slope from neck to shoulder at a distance from the middle."""
        reach = self.half(SHOULDER)[0] - 2
        return NECK + 5.0 * max(0.0, min(1.0, (abs(lateral) - 5) / (reach - 5)))

    @cached_property
    def arms(self) -> dict[int, Outline]:
        """Shoulder, elbow, wrist and fingertips of each arm."""
        return {side: self.reach(side, self.pose.left if side > 0 else self.pose.right) for side in (-1, 1)}

    def tube(self, side: int, end: float, loose: float) -> Outline:
        """The outline of an arm, or of a sleeve that sits `loose` on it, `end` bones long."""
        shoulder, elbow, wrist, _ = self.arms[side]
        top, mid, low = ARM_WIDTHS[self.build.gender]
        inner = (4.2 if shoulder[0] < 0 else -4.2) * abs(self.cos)
        path = cut([shoulder, elbow, wrist], end)
        widths = [top, mid, low][: len(path)]
        if len(path) > 1:
            share = end - (len(path) - 2)
            widths[-1] = widths[-2] + (widths[-1] - widths[-2]) * min(share, 1)
        path = [(shoulder[0] + inner, shoulder[1] - 0.8), shoulder, between(path[0], path[1], 0.4), *path[1:]]
        widths = [top * 0.7, top, top, *widths[1:]]
        extra = [loose * 0.2, loose * 0.6, loose * 0.8, *[loose] * len(path)]
        return limb(path, [w + e for w, e in zip(widths, extra, strict=False)])

    def reach(self, side: int, arm: Arm) -> Outline:
        """An arm's joints in the picture."""
        inset = 3.4 if self.build.gender == "woman" else 4.0
        joint = (side * (self.half(40)[0] - inset), SHOULDER + 1.5, 0.0)
        elbow = self.bone(joint, 27, side * arm.out, arm.forward)
        wrist = self.bone(elbow, 24, side * arm.fore_out, arm.fore_forward)
        tips = self.bone(wrist, 9.5, side * arm.fore_out, arm.fore_forward)
        return [self.project(p) for p in (joint, elbow, wrist, tips)]

    @cached_property
    def legs(self) -> dict[int, Outline]:
        """Hip, knee and ankle of each leg."""
        return {
            side: self.stand(side, self.pose.left_leg if side > 0 else self.pose.right_leg)
            for side in (-1, 1)
        }

    def stand(self, side: int, leg: Leg) -> Outline:
        """A leg's joints in the picture."""
        hip = (side * 9.0, 90.0, 0.0)
        knee = self.bone(hip, 36, side * leg.out, leg.forward)
        ankle = self.bone(knee, 37, side * leg.out * 0.4, leg.forward - leg.knee)
        return [self.project(p) for p in (hip, knee, ankle)]

    def bone(self, start: tuple[float, float, float], length: float, out: float, forward: float):
        """The far end of a bone that leaves `start` at two angles."""
        (co, so), (cf, sf) = turn(out), turn(forward)
        return start[0] + length * so, start[1] + length * co * cf, start[2] + length * co * sf

    def project(self, point: tuple[float, float, float]) -> Point:
        """From the body's space to the picture."""
        x, y, z = point
        return x * self.cos + z * self.sin, y
