"""Drawing a look: `draw` paints one picture from what is visible in it, and from nothing else."""

from random import Random

from PIL import Image

from lib.atelier.accessories import (
    draw_belt,
    draw_glasses,
    draw_neckwear,
    draw_ring,
    draw_socks,
    draw_wrist,
)
from lib.atelier.body import draw_bare_arm, draw_shoes, draw_skin
from lib.atelier.bottoms import draw_dress_skirt, draw_lower
from lib.atelier.canvas import Canvas
from lib.atelier.figure import Figure, build_person
from lib.atelier.hats import draw_hat
from lib.atelier.head import draw_head, draw_long_hair
from lib.atelier.outers import draw_outer, draw_outer_sleeve
from lib.atelier.sample import blend
from lib.atelier.scenes import draw_scene, draw_shadow
from lib.atelier.staging import Staging, stage
from lib.atelier.textures import Cloth, cloth_of
from lib.atelier.tops import draw_hood, draw_sleeve, draw_torso
from lib.atelier.visible import visible
from lib.atelier.wardrobe import Facts, Look


def draw(look: Look, view: str, size: int = 128, seed: int = 0) -> Image.Image:
    """The picture of a look in a view; another seed is another photo of the same look."""
    outfit_seed = blend(look.product, look.outfit)
    staging = stage(view, blend(outfit_seed, seed, int(view[0])))
    return draw_facts(visible(look, view), look.body_seed, staging, outfit_seed, size)


def draw_facts(facts: Facts, body_seed: int, staging: Staging, outfit_seed: int, size: int) -> Image.Image:
    """Paint a person with these facts, back to front, in a given staging."""
    canvas = Canvas(size, staging.camera)
    figure = Figure(build_person(facts["gender"], body_seed), staging.pose)
    cloths = {
        part: cloth_of(facts, part, outfit_seed)
        for part in ("upper", "lower", "outer")
        if facts[part] is not None
    }
    draw_scene(canvas, facts["background"], staging.scene_seed)
    draw_shadow(canvas, 0, 171)
    if figure.faces_us:
        draw_long_hair(canvas, figure)
    if figure.in_profile:
        draw_arm(canvas, figure, facts, cloths, -figure.near)
    draw_skin(canvas, figure)
    draw_clothes(canvas, figure, facts, cloths, outfit_seed)
    arms = (figure.near,) if figure.in_profile else (-1, 1)
    for side in arms:
        draw_arm(canvas, figure, facts, cloths, side)
    draw_hands_worn(canvas, figure, facts)
    draw_above_shoulders(canvas, figure, facts, cloths, outfit_seed)
    return canvas.develop(staging.light)


def draw_clothes(
    canvas: Canvas, figure: Figure, facts: Facts, cloths: dict[str, Cloth], outfit_seed: int
) -> None:
    """Socks, shoes, lower, upper and outer garment, in the order they are worn."""
    if facts["socks"]:
        draw_socks(canvas, figure, Random(outfit_seed))
    draw_shoes(canvas, figure)
    tucked = is_tucked(facts)
    if facts["lower"] and not tucked:
        draw_lower(canvas, figure, facts, cloths["lower"])
    if facts["upper"]:
        draw_torso(canvas, figure, facts, cloths["upper"], tucked)
    if facts["lower"] and tucked:
        draw_lower(canvas, figure, facts, cloths["lower"])
    if facts["upper"] == "dress":
        draw_dress_skirt(canvas, figure, facts, cloths["upper"], outfit_seed)
    if facts["belt"]:
        draw_belt(canvas, figure, cloths["lower"].color)
    if facts["outer"]:
        draw_outer(canvas, figure, facts["outer"], cloths["outer"])


def is_tucked(facts: Facts) -> bool:
    """A top goes into the waistband for a belt, and into every skirt."""
    return facts["belt"] is not None or (
        facts["lower"] == "skirt" and facts["upper"] in ("t-shirt", "tank top", "shirt")
    )


def draw_arm(canvas: Canvas, figure: Figure, facts: Facts, cloths: dict[str, Cloth], side: int) -> None:
    """An arm in its sleeve, and the outer garment's sleeve over it."""
    draw_bare_arm(canvas, figure, side)
    if facts["upper"]:
        draw_sleeve(canvas, figure, facts, cloths["upper"], side)
    if facts["outer"]:
        draw_outer_sleeve(canvas, figure, facts["outer"], cloths["outer"], side)


def draw_hands_worn(canvas: Canvas, figure: Figure, facts: Facts) -> None:
    """Watch or bracelet and ring, on the arm nearer to us when the figure is turned."""
    side = figure.near if figure.in_profile else 1
    if facts["wrist"]:
        draw_wrist(canvas, figure, facts["wrist"], side)
    if facts["ring"]:
        draw_ring(canvas, figure, side if figure.in_profile else -1)


def draw_above_shoulders(
    canvas: Canvas, figure: Figure, facts: Facts, cloths: dict[str, Cloth], outfit_seed: int
) -> None:
    """Neckwear, head, glasses and hat."""
    chance = Random(outfit_seed + 5)
    ground = next((cloths[part].color for part in ("upper", "outer") if part in cloths), (128, 128, 128))
    if facts["upper"] == "hoodie":
        draw_hood(canvas, figure, cloths["upper"])
    if facts["neckwear"]:
        draw_neckwear(canvas, figure, facts["neckwear"], chance, ground)
    draw_head(canvas, figure)
    if facts["glasses"]:
        draw_glasses(canvas, figure, facts["glasses"])
    if facts["hat"]:
        draw_hat(canvas, figure, facts["hat"], Random(outfit_seed + 9))
