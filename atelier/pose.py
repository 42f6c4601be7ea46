"""How a look is staged: pose, camera and light as plain values, and the ones each view calls for.

Angles are degrees, lengths centimetres. `yaw` 0 faces the camera, 90 looks to the right of the picture.
"""

from dataclasses import dataclass, field
from random import Random

from atelier.palette import pick_one


@dataclass(frozen=True, kw_only=True)
class Arm:
    """Upper arm and forearm, each away from the body's side and forward; a forearm's `in` is negative."""

    out: float = 9
    forward: float = 0
    fore_out: float = 6
    fore_forward: float = 8


@dataclass(frozen=True, kw_only=True)
class Leg:
    """Thigh away from the other leg and forward; the shin falls back by `knee`."""

    out: float = 3
    forward: float = 0
    knee: float = 0


@dataclass(frozen=True, kw_only=True)
class Pose:
    """A person's posture; a clip is a pose for each moment."""

    yaw: float = 0
    left: Arm = field(default_factory=Arm)  # the person's own left: right in a front view
    right: Arm = field(default_factory=Arm)
    left_leg: Leg = field(default_factory=Leg)
    right_leg: Leg = field(default_factory=Leg)
    nod: float = 0  # sideways shift of the head


@dataclass(frozen=True, kw_only=True)
class Camera:
    """The square that the picture shows: its centre, its top edge and its side."""

    x: float
    top: float
    span: float


@dataclass(frozen=True, kw_only=True)
class Light:
    """Brightness of the whole picture and its lean to red or to blue."""

    brightness: float = 1.0
    warmth: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Staging:
    """Everything about a photo that is not the look."""

    pose: Pose
    camera: Camera
    light: Light
    scene_seed: int


HANG = Arm()
LOOSE = Arm(out=17, fore_out=9, fore_forward=12)
HIP = Arm(out=40, forward=-8, fore_out=-42, fore_forward=14)
WAIST = Arm(out=22, fore_out=-22, fore_forward=50)
WAVE = Arm(out=62, fore_out=160, fore_forward=10)
ARMS = (HANG, LOOSE, HIP, HANG, LOOSE, WAIST, WAVE)
LEGS = (Leg(), Leg(out=5), Leg(out=7), Leg(out=1.5), Leg(out=4, knee=8))
FRAMES = {  # top edge and side of the square; front and side end just below the knee, additional at the waist
    "1_front": (-12, 144),
    "2_side": (-12, 144),
    "3_back": (-13, 192),
    "4_full": (-13, 192),
    "7_additional": (-12, 86),
}


def stage(view: str, seed: int) -> Staging:
    """The staging that a view and a seed give: the same look, photographed once more."""
    chance = Random(seed * 7919 + 17)
    return Staging(
        pose=pose_for(view, chance),
        camera=camera_for(view, chance),
        light=Light(brightness=0.93 + 0.12 * chance.random(), warmth=(chance.random() - 0.5) * 0.06),
        scene_seed=int(chance.random() * 2**31),
    )


def pose_for(view: str, chance: Random) -> Pose:
    """A posture that hides nothing that the view is said to show."""
    sign = 1 if chance.random() < 0.5 else -1
    yaw = (chance.random() - 0.5) * 24
    if view == "2_side":
        yaw = sign * (34 + 10 * chance.random())
    if view == "3_back":
        yaw += 180
    quiet = view in ("2_side", "7_additional")
    arms = [pick_one(chance, ARMS[:5] if quiet else ARMS) for _ in range(2)]
    legs = [pick_one(chance, LEGS) for _ in range(2)]
    return Pose(
        yaw=yaw, left=arms[0], right=arms[1], left_leg=legs[0], right_leg=legs[1],
        nod=(chance.random() - 0.5) * 2.4,
    )  # fmt: skip


def camera_for(view: str, chance: Random) -> Camera:
    """The view's frame, a little off: only so far that nothing enters or leaves it."""
    top, span = FRAMES[view]
    zoom = 1 + 0.015 * (chance.random() - 0.5)
    shift = (chance.random() - 0.5) * 0.08 * span
    return Camera(x=shift, top=top + (chance.random() - 0.5) * 2, span=span * zoom)
