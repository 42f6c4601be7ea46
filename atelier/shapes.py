"""Plane geometry for drawing: smooth outlines, limbs, fringes. Points are (x, y) in centimetres, y down."""

from collections.abc import Sequence
from math import cos, hypot, pi, sin

Point = tuple[float, float]
Outline = list[Point]


def turn(degrees: float) -> tuple[float, float]:
    """Cosine and sine, rounded so that every platform's libm gives the same digits."""
    return round(cos(degrees * pi / 180), 6), round(sin(degrees * pi / 180), 6)


def between(a: Point, b: Point, t: float) -> Point:
    """The point a fraction `t` of the way from `a` to `b`."""
    return a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t


def cut(path: Sequence[Point], length: float) -> Outline:
    """The first `length` segments of a path; 1.5 ends in the middle of the second."""
    whole = min(int(length), len(path) - 1)
    kept = list(path[: whole + 1])
    if whole < len(path) - 1 and length > whole:
        kept.append(between(path[whole], path[whole + 1], length - whole))
    return kept


def smooth(points: Sequence[Point], steps: int = 3) -> Outline:
    """A closed Catmull-Rom curve through the points."""
    weights = []
    for t in (step / steps for step in range(steps)):
        a, b = -0.5 * t + t * t - 0.5 * t**3, 1 - 2.5 * t * t + 1.5 * t**3
        c, d = 0.5 * t + 2 * t * t - 1.5 * t**3, -0.5 * t * t + 0.5 * t**3
        weights.append((a, b, c, d))
    curve, count = [], len(points)
    for i, (x1, y1) in enumerate(points):
        x0, y0 = points[i - 1]
        x2, y2 = points[(i + 1) % count]
        x3, y3 = points[(i + 2) % count]
        for a, b, c, d in weights:
            curve.append((a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3))
    return curve


def limb(path: Sequence[Point], widths: Sequence[float]) -> Outline:
    """The outline of a tapering tube along a path: `widths` are half widths at its points."""
    left, right = [], []
    for i, (x, y) in enumerate(path):
        ax, ay = path[max(i - 1, 0)]
        bx, by = path[min(i + 1, len(path) - 1)]
        length = hypot(bx - ax, by - ay) or 1.0
        nx, ny = -(by - ay) / length * widths[i], (bx - ax) / length * widths[i]
        left.append((x + nx, y + ny))
        right.append((x - nx, y - ny))
    return left + right[::-1]


def oval(x: float, y: float, rx: float, ry: float) -> Outline:
    """An ellipse as an outline, for what cannot be drawn as a plain ellipse."""
    return [(x + rx * c, y + ry * s) for c, s in CIRCLE]


CIRCLE = [turn(angle) for angle in range(0, 360, 15)]


def bristle(outline: Sequence[Point], length: float, spacing: float) -> Outline:
    """The outline with hair standing off it: furry cloth has no clean edge."""
    spiked = []
    for i, (x, y) in enumerate(outline):
        bx, by = outline[(i + 1) % len(outline)]
        gap = hypot(bx - x, by - y)
        count = max(1, round(gap / spacing))
        nx, ny = (by - y) / (gap or 1), -(bx - x) / (gap or 1)
        for step in range(count):
            px, py = between((x, y), (bx, by), step / count)
            qx, qy = between((x, y), (bx, by), (step + 0.5) / count)
            reach = length * (1.0 if (i + step) % 3 else 0.5)
            spiked += [(px, py), (qx + nx * reach, qy + ny * reach + 0.4 * length)]
    return spiked


def clockwise(outline: Sequence[Point]) -> Outline:
    """The outline in the order that makes `bristle` point outwards."""
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(outline, [*outline[1:], outline[0]], strict=True))
    return list(outline) if area > 0 else list(reversed(outline))
