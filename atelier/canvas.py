"""The canvas: centimetres in, anti-aliased pixels out, by integer polygons at three times the size."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from atelier.palette import Color
from atelier.pose import Camera, Light
from atelier.shapes import Point, bristle, clockwise
from atelier.textures import Cloth, colors_of, tile

OVERSAMPLING = 3
BASE_SIZE = 128  # the size that line widths and texture grains are thought in
VEIL = 176  # how opaque chiffon is, of 255


class Canvas:
    """A picture in the making, seen through a camera."""

    def __init__(self, size: int, camera: Camera):
        self.pixels = size * OVERSAMPLING
        self.scale = self.pixels / camera.span
        self.left, self.top = camera.x - camera.span / 2, camera.top
        self.image = Image.new("RGB", (self.pixels, self.pixels))
        self.pen = ImageDraw.Draw(self.image)
        self.unit = self.pixels / BASE_SIZE  # one pixel of a 128 px picture
        self.grain = max(1, round(self.unit * (1 + 0.75 * (190 / camera.span - 1))))

    def at(self, points: Sequence[Point]) -> list[tuple[int, int]]:
        """Where points lie, in whole pixels."""
        k, left, top = self.scale, self.left, self.top
        return [(round((x - left) * k), round((y - top) * k)) for x, y in points]

    def width(self, centimetres: float) -> int:
        """A line's width in pixels, never thinner than half a final pixel."""
        return max(round(centimetres * self.scale), round(self.unit * 0.5))

    def fill(self, points: Sequence[Point], color: Color, outline: Color | None = None) -> None:
        """A flat shape."""
        spots = self.at(points)
        self.pen.polygon(spots, fill=color)
        if outline is not None:
            self.pen.line([*spots, spots[0]], fill=outline, width=max(1, round(self.unit * 0.7)))

    def line(self, points: Sequence[Point], color: Color, width: float = 0.8) -> None:
        """An open line, `width` in centimetres."""
        self.pen.line(self.at(points), fill=color, width=self.width(width), joint="curve")

    def disc(self, center: Point, rx: float, ry: float, color: Color) -> None:
        """A filled ellipse."""
        (x0, y0), (x1, y1) = self.at([(center[0] - rx, center[1] - ry), (center[0] + rx, center[1] + ry)])
        self.pen.ellipse((min(x0, x1), y0, max(x0, x1), y1), fill=color)

    def weave(self, points: Sequence[Point], cloth: Cloth) -> None:
        """A shape cut out of cloth."""
        if cloth.fabric == "furry":
            points = bristle(
                clockwise(points), 2.0 * 1.5 * self.unit / self.scale, 2.2 * self.unit / self.scale
            )
        if cloth.plain:
            self.fill(points, cloth.color, cloth.edge)
            return
        self.paste(points, cloth)
        if cloth.fabric != "furry":
            spots = self.at(points)
            self.pen.line([*spots, spots[0]], fill=cloth.edge, width=max(1, round(self.unit * 0.7)))

    def paste(self, points: Sequence[Point], cloth: Cloth) -> None:
        """Lay the coloured tile through the shape's mask; chiffon lets through what lies beneath."""
        spots = self.at(points)
        xs, ys = [x for x, _ in spots], [y for _, y in spots]
        x0, y0 = max(min(xs), 0), max(min(ys), 0)
        x1, y1 = min(max(xs) + 1, self.pixels), min(max(ys) + 1, self.pixels)
        if x0 >= x1 or y0 >= y1:
            return
        mask = Image.new("L", (x1 - x0, y1 - y0))
        opacity = VEIL if cloth.fabric == "chiffon" else 255
        ImageDraw.Draw(mask).polygon([(x - x0, y - y0) for x, y in spots], fill=opacity)
        patch = tile(cloth.fabric, cloth.pattern, self.pixels, self.grain).crop((x0, y0, x1, y1))
        patch.putpalette(colors_of(cloth))
        self.image.paste(patch.convert("RGB"), (x0, y0), mask)

    def shade(self, points: Sequence[Point], color: Color, strength: int) -> None:
        """Tint a shape: shadow and light that keep the texture beneath."""
        spots = self.at(points)
        xs, ys = [x for x, _ in spots], [y for _, y in spots]
        x0, y0 = max(min(xs), 0), max(min(ys), 0)
        x1, y1 = min(max(xs) + 1, self.pixels), min(max(ys) + 1, self.pixels)
        if x0 >= x1 or y0 >= y1:
            return
        mask = Image.new("L", (x1 - x0, y1 - y0))
        ImageDraw.Draw(mask).polygon([(x - x0, y - y0) for x, y in spots], fill=strength)
        self.image.paste(color, (x0, y0, x1, y1), mask)

    def develop(self, light: Light) -> Image.Image:
        """The finished picture: reduced by exact box means, then lit."""
        picture = self.image.reduce(OVERSAMPLING)
        gains = light.brightness * (1 + light.warmth * np.array([1, 0, -1]))
        table = np.rint(gains[:, None] * np.arange(256)).clip(max=255).astype(int)
        return picture.point(table.ravel().tolist())
