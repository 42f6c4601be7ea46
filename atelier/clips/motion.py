"""Motion: the posture that a body has at each moment of an action, from 0 to 1."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from atelier.pose import Arm, Leg, Pose
from atelier.shapes import between, turn

HANG = Arm(out=11, fore_out=7, fore_forward=10)
THIGH = 36
SEATED = 78  # how far forward the thighs of somebody go who sits
YAW = 36  # how far a chair is turned, and who sits on it
PUT = 0.64  # the moment in which a hat is on the head
# a hat held beside the body, half way, and on the head: upper arm and forearm away from the body
CARRIED = ((28, 52), (84, 150), (122, 238))


@dataclass(frozen=True)
class Manner:
    """How somebody does it this time: all that is left to chance."""

    side: int  # of the hand that waves or holds the hat, and to which a chair is turned
    lively: float  # 0..1
    before: float  # the shares of the scene in which nothing moves yet, or any more
    after: float
    drift: float  # where in the picture, in centimetres

    @classmethod
    def of(cls, chance: Random) -> "Manner":
        side, lively, before, after, drift = (chance.random() for _ in range(5))
        return cls(1 if side < 0.5 else -1, lively, 0.14 * before, 0.14 * after, 16 * (drift - 0.5))

    def clock(self, moment: float) -> float:
        """How far the action has come."""
        return min(max((moment - self.before) / (1 - self.before - self.after), 0.0), 1.0)


@dataclass(frozen=True)
class Posture:
    """Limbs, where the figure stands, how far it is off the ground, and how far a hat in hand has come."""

    pose: Pose
    x: float = 0
    rise: float = 0
    held: float | None = None  # 0 beside the body, 1 at the head; None: no hand holds a hat
    hat_on: bool = True


def smoothly(t: float) -> float:
    """From 0 to 1 with a soft start and a soft end."""
    return t * t * (3 - 2 * t)


def walking(t: float, manner: Manner) -> Posture:
    """Two or three steps with each leg."""
    swing = turn(360 * (2 + (manner.lively > 0.5)) * t)[1] * manner.side
    legs = [Leg(out=2.5, forward=30 * max(0, s), knee=62 * max(0, s)) for s in (swing, -swing)]
    arms = [Arm(out=12, forward=-14 * s, fore_out=8, fore_forward=12 - 26 * s) for s in (swing, -swing)]
    pose = Pose(left=arms[0], right=arms[1], left_leg=legs[0], right_leg=legs[1], nod=0.8 * swing)
    return Posture(pose, x=(46 + 8 * manner.lively) * (2 * t - 1), rise=1.2 * abs(swing))


def running(t: float, manner: Manner) -> Posture:
    """Fists before the chest, knees high, both feet off the ground at times, and further than a walk."""
    swing = turn(360 * (4 + (manner.lively > 0.5)) * t)[1] * manner.side
    legs = [Leg(out=2.5, forward=70 * max(0, s), knee=118 * max(0, s)) for s in (swing, -swing)]
    arms = [Arm(out=40 - 6 * s, fore_out=-108 + 36 * s, fore_forward=12) for s in (swing, -swing)]
    pose = Pose(left=arms[0], right=arms[1], left_leg=legs[0], right_leg=legs[1], nod=1.2 * swing)
    return Posture(pose, x=(70 + 6 * manner.lively) * (2 * t - 1), rise=7 * abs(swing))


def waving(t: float, manner: Manner) -> Posture:
    """A raised forearm goes to and fro."""
    swing = turn(360 * (2 + (manner.lively > 0.5)) * t)[1]
    arm = Arm(out=98 + 8 * manner.lively, fore_out=170 + 34 * swing, fore_forward=6)
    arms = (arm, HANG) if manner.side > 0 else (HANG, arm)
    return Posture(Pose(left=arms[0], right=arms[1], nod=0.6 * swing), x=manner.drift)


def jumping(t: float, manner: Manner) -> Posture:
    """Down into the knees, up with the arms, and again."""
    phase = 2 * t % 1
    height = max(0.0, turn(180 * (phase - 0.2) / 0.6)[1]) if 0.2 < phase < 0.8 else 0.0
    low = 1 - min(phase, 1 - phase) / 0.2 if not 0.2 < phase < 0.8 else 0.0
    bend = 46 * turn(180 * (phase % 0.6) / 0.2)[1] * (low > 0)
    leg = Leg(out=3 + 9 * height, forward=abs(bend), knee=2 * abs(bend))
    arm = Arm(out=20 + 70 * height, fore_out=20 + 110 * height, fore_forward=10)
    return Posture(
        Pose(left=arm, right=arm, left_leg=leg, right_leg=leg),
        manner.drift,
        (19 + 5 * manner.lively) * height,
    )


def sitting(t: float, manner: Manner) -> Posture:
    """Down on the chair behind; the feet stay where they are."""
    angle, yaw = SEATED * smoothly(t), YAW * manner.side
    leg = Leg(out=4, forward=angle, knee=angle)
    arm = Arm(out=12, forward=0.3 * angle, fore_out=4, fore_forward=10 + 0.75 * angle)
    back = THIGH * turn(angle)[1] * turn(yaw)[1]
    return Posture(Pose(yaw=yaw, left=arm, right=arm, left_leg=leg, right_leg=leg), x=manner.drift - back)


def hatting(t: float, manner: Manner) -> Posture:
    """A hand lifts the hat from beside the body to the head, and comes down without it."""
    on = t >= PUT
    lifted = smoothly((1 - t) / (1 - PUT) if on else t / PUT)
    half = int(lifted >= 0.5)
    out, fore_out = between(CARRIED[half], CARRIED[half + 1], 2 * lifted - half)
    arm = Arm(out=out, fore_out=fore_out, fore_forward=6)
    arms = (arm, HANG) if manner.side > 0 else (HANG, arm)
    return Posture(Pose(left=arms[0], right=arms[1]), manner.drift, held=None if on else lifted, hat_on=on)


MOTIONS: dict[str, Callable[[float, Manner], Posture]] = {
    "walk": walking, "run": running, "wave": waving, "jump": jumping,
    "sit down": sitting, "put on hat": hatting,
}  # fmt: skip
