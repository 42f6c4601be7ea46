"""Drawing the street: one picture from what is true of it, and from nothing else."""

from random import Random

from PIL import Image

from atelier.canvas import Canvas
from atelier.pose import Camera, Light
from atelier.scenes import draw_scene
from atelier.street.pedestrian import draw_pedestrian
from atelier.street.vehicle import draw_vehicle
from atelier.wardrobe import Attributes

FRAMES = {"people": (-42, 222), "car": (-160, 318)}  # top edge and side of the square, in centimetres


def photograph_street(attributes: Attributes, seed: int, size: int = 128) -> Image.Image:
    """Another seed is another picture of which the same is true."""
    chance = Random(seed)
    top, span = FRAMES[attributes["category"]]
    shift, zoom = (chance.random() - 0.5) * 0.06 * span, 1 + 0.04 * (chance.random() - 0.5)
    canvas = Canvas(size, Camera(x=shift, top=top + (chance.random() - 0.5) * 4, span=span * zoom))
    draw_scene(canvas, attributes["place"], int(chance.random() * 2**31))
    draw = draw_pedestrian if attributes["category"] == "people" else draw_vehicle
    draw(canvas, attributes, chance)
    light = Light(brightness=0.95 + 0.1 * chance.random(), warmth=(chance.random() - 0.5) * 0.05)
    return canvas.develop(light)
