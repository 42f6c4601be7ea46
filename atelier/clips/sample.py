"""What can be true of a clip, and how it is sampled. None: not there, or not to be seen."""

from random import Random

from atelier.palette import pick_one
from atelier.sample import blend, pick
from atelier.street.sample import BOTTOMS, CLOTHES
from atelier.wardrobe import Attributes

ACTIONS = ("walk", "run", "wave", "jump", "sit down", "stand up", "put on hat", "take off hat")
WAYS = ("left", "right")
PLACES = ("street", "park", "living room", "beach", "snow")
# an action and the way it goes -> the same frames in reverse order; one frame cannot tell the two apart
BACKWARDS: dict[tuple[str, str | None], tuple[str, str | None]] = {
    ("walk", "left"): ("walk", "right"),
    ("run", "left"): ("run", "right"),
    ("stand up", None): ("sit down", None),
    ("take off hat", None): ("put on hat", None),
}
TURNED = BACKWARDS | {forwards: backwards for backwards, forwards in BACKWARDS.items()}
MOVES = (*TURNED, ("wave", None), ("jump", None))
WITH_HAT = ("put on hat", "take off hat")
# attribute -> every value it can take; what begins with "then" is of the scene behind the cut
CLIP_SCHEMA: dict[str, tuple[str, ...]] = {
    "action": ACTIONS,
    "direction": WAYS,
    "place": PLACES,
    "then": ACTIONS,
    "then_direction": WAYS,
    "then_place": PLACES,
    "gender": ("woman", "man"),
    "top": ("t-shirt", "shirt", "hoodie", "dress"),
    "top_color": CLOTHES,
    "bottom": ("trousers", "shorts", "skirt"),
    "bottom_color": CLOTHES,
    "hat": ("cap", "beanie", "sun hat"),
}
CLIP_NAMES = tuple(CLIP_SCHEMA)
FIRST, THEN = CLIP_NAMES[:3], CLIP_NAMES[3:6]  # of each scene: its action, direction and place
TOPS = {
    "woman": {"t-shirt": 28, "shirt": 22, "hoodie": 25, "dress": 25},
    "man": {"t-shirt": 36, "shirt": 32, "hoodie": 32},
}
SHORTEST = 12  # frames of a scene beside a cut


def name_move(action: str, direction: str | None) -> str:
    """An action with the way it goes: "walk left"."""
    return f"{action} {direction}" if direction else action


ORDERED = frozenset(name_move(*move) for move in TURNED)  # the actions that only the order of frames tells


def sample_clip(number: int, seed: int, *, cut: bool = False) -> Attributes:
    """All that is to be seen in one clip. Clips in a row take turns with the moves, which so are balanced."""
    chance = Random(blend(seed, number))
    clip: Attributes = dict.fromkeys(CLIP_NAMES)
    clip["action"], clip["direction"] = move = MOVES[number % len(MOVES)]
    clip["place"] = pick_one(chance, PLACES)
    if cut:
        clip["then"], clip["then_direction"] = pick_one(chance, tuple(m for m in MOVES if m != move))
        clip["then_place"] = pick_one(chance, tuple(place for place in PLACES if place != clip["place"]))
    gender = clip["gender"] = pick_one(chance, CLIP_SCHEMA["gender"])
    clip |= {"top": pick(chance, TOPS[gender]), "top_color": pick_one(chance, CLOTHES)}
    if clip["top"] != "dress":
        clip["bottom"] = pick(chance, BOTTOMS[gender])
        clip["bottom_color"] = pick_one(chance, tuple(c for c in CLOTHES if c != clip["top_color"]))
    hats = dict.fromkeys(CLIP_SCHEMA["hat"], 1)
    handled = clip["action"] in WITH_HAT or clip["then"] in WITH_HAT
    return clip | {"hat": pick(chance, hats if handled else {None: 4, **hats})}


def scenes_of(clip: Attributes) -> list[Attributes]:
    """The clip's scenes, one or two, each as a clip of its own.

    A hat that is put on or taken off is seen in that scene alone, so the other one does not give it away.
    """
    scenes = []
    for names in (FIRST, THEN):
        if clip[names[0]]:
            own = dict(zip(FIRST, (clip[name] for name in names), strict=True))
            worn = own["action"] in WITH_HAT or not {clip["action"], clip["then"]} & {*WITH_HAT}
            hat = clip["hat"] if worn else None
            scenes.append(clip | dict.fromkeys(THEN) | own | {"hat": hat})
    return scenes


def seen_in_still(clip: Attributes) -> Attributes:
    """What one frame of the first scene tells by itself."""
    scene = scenes_of(clip)[0]
    hat = None if scene["action"] in WITH_HAT else scene["hat"]
    return scene | {"action": None, "direction": None, "hat": hat}


def true_actions(clip: Attributes) -> tuple[str, ...]:
    """The actions in order, as `stated_actions` has them of a text."""
    return tuple(name_move(scene["action"], scene["direction"]) for scene in scenes_of(clip))


def played_backwards(clip: Attributes) -> Attributes:
    """What is true when each scene's frames are shown in reverse order."""
    turned = dict(clip)
    for action, direction in (FIRST[:2], THEN[:2]):
        move = clip[action], clip[direction]
        turned[action], turned[direction] = TURNED.get(move, move)
    return turned


def scene_lengths(clip: Attributes, seed: int, frames: int = 24, cut_frames: int = 32) -> tuple[int, ...]:
    """How many frames each scene has; where a cut falls is chance."""
    if not clip["then"]:
        return (frames,)
    first = SHORTEST + int(Random(blend(seed, 4)).random() * (cut_frames - 2 * SHORTEST + 1))
    return first, cut_frames - first
