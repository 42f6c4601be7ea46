"""Drawing a look: `draw` paints one picture from what is visible in it, and from nothing else."""

from random import Random

from PIL import Image

from atelier.accessories import draw_belt, draw_glasses, draw_neckwear, draw_ring, draw_socks, draw_wrist
from atelier.body import draw_bare_arm, draw_shoes, draw_skin
from atelier.bottoms import draw_dress_skirt, draw_lower
from atelier.canvas import Canvas
from atelier.figure import Figure, build_person
from atelier.hats import draw_hat
from atelier.head import draw_head, draw_long_hair
from atelier.outers import draw_outer, draw_outer_sleeve
from atelier.pose import Staging, stage
from atelier.sample import blend
from atelier.scenes import draw_scene, draw_shadow
from atelier.textures import Cloth, cloth_of
from atelier.tops import draw_hood, draw_sleeve, draw_torso
from atelier.visible import visible
from atelier.wardrobe import Attributes, Look


def draw(look: Look, view: str, size: int = 128, seed: int = 0) -> Image.Image:
    """The picture of a look in a view; another seed is another photo of the same look."""
    outfit_seed = blend(look.product, look.outfit)
    staging = stage(view, blend(outfit_seed, seed, int(view[0])))
    return draw_attributes(visible(look, view), look.body_seed, staging, outfit_seed, size)


def draw_attributes(
    attributes: Attributes, body_seed: int, staging: Staging, outfit_seed: int, size: int
) -> Image.Image:
    """Paint a person with these attributes, back to front, in a given staging."""
    canvas = Canvas(size, staging.camera)
    figure = Figure(build_person(attributes["gender"], body_seed), staging.pose)
    cloths = {
        part: cloth_of(attributes, part, outfit_seed)
        for part in ("upper", "lower", "outer")
        if attributes[part] is not None
    }
    draw_scene(canvas, attributes["background"], staging.scene_seed)
    draw_shadow(canvas, 0, 171)
    if figure.faces_us:
        draw_long_hair(canvas, figure)
    if figure.in_profile:
        draw_arm(canvas, figure, attributes, cloths, -figure.near)
    draw_skin(canvas, figure)
    draw_clothes(canvas, figure, attributes, cloths, outfit_seed)
    arms = (figure.near,) if figure.in_profile else (-1, 1)
    for side in arms:
        draw_arm(canvas, figure, attributes, cloths, side)
    draw_hands_worn(canvas, figure, attributes)
    draw_above_shoulders(canvas, figure, attributes, cloths, outfit_seed)
    return canvas.develop(staging.light)


def draw_clothes(
    canvas: Canvas, figure: Figure, attributes: Attributes, cloths: dict[str, Cloth], outfit_seed: int
) -> None:
    """Socks, shoes, lower, upper and outer garment, in the order they are worn."""
    if attributes["socks"]:
        draw_socks(canvas, figure, Random(outfit_seed))
    draw_shoes(canvas, figure)
    tucked = is_tucked(attributes)
    if attributes["lower"] and not tucked:
        draw_lower(canvas, figure, attributes, cloths["lower"])
    if attributes["upper"]:
        draw_torso(canvas, figure, attributes, cloths["upper"], tucked)
    if attributes["lower"] and tucked:
        draw_lower(canvas, figure, attributes, cloths["lower"])
    if attributes["upper"] == "dress":
        draw_dress_skirt(canvas, figure, attributes, cloths["upper"], outfit_seed)
    if attributes["belt"]:
        draw_belt(canvas, figure, cloths["lower"].color)
    if attributes["outer"]:
        draw_outer(canvas, figure, attributes["outer"], cloths["outer"])


def is_tucked(attributes: Attributes) -> bool:
    """A top goes into the waistband for a belt, and into every skirt."""
    return attributes["belt"] is not None or (
        attributes["lower"] == "skirt" and attributes["upper"] in ("t-shirt", "tank top", "shirt")
    )


def draw_arm(
    canvas: Canvas, figure: Figure, attributes: Attributes, cloths: dict[str, Cloth], side: int
) -> None:
    """An arm in its sleeve, and the outer garment's sleeve over it."""
    draw_bare_arm(canvas, figure, side)
    if attributes["upper"]:
        draw_sleeve(canvas, figure, attributes, cloths["upper"], side)
    if attributes["outer"]:
        draw_outer_sleeve(canvas, figure, attributes["outer"], cloths["outer"], side)


def draw_hands_worn(canvas: Canvas, figure: Figure, attributes: Attributes) -> None:
    """Watch or bracelet and ring, on the arm nearer to us when the figure is turned."""
    side = figure.near if figure.in_profile else 1
    if attributes["wrist"]:
        draw_wrist(canvas, figure, attributes["wrist"], side)
    if attributes["ring"]:
        draw_ring(canvas, figure, side if figure.in_profile else -1)


def draw_above_shoulders(
    canvas: Canvas, figure: Figure, attributes: Attributes, cloths: dict[str, Cloth], outfit_seed: int
) -> None:
    """Neckwear, head, glasses and hat."""
    chance = Random(outfit_seed + 5)
    ground = next((cloths[part].color for part in ("upper", "outer") if part in cloths), (128, 128, 128))
    if attributes["upper"] == "hoodie":
        draw_hood(canvas, figure, cloths["upper"])
    if attributes["neckwear"]:
        draw_neckwear(canvas, figure, attributes["neckwear"], chance, ground)
    draw_head(canvas, figure)
    if attributes["glasses"]:
        draw_glasses(canvas, figure, attributes["glasses"])
    if attributes["hat"]:
        draw_hat(canvas, figure, attributes["hat"], Random(outfit_seed + 9))
