"""Audit plots: what the judge finds and what it costs, and captions with what was taken from them."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from lib.publish.plots import ACCENT, CYCLE, INK, KIND_COLORS, as_picture, panels
from lib.publish.show import Picture

FOUND, LOST = 0.8, 0.05  # what is aimed at: so much of what is wrong, so little of what is true
WIDTH = 46  # letters in a line below a picture
LINE = 0.145  # inches
COLORS = {"before": "#7d8191", "dropped": ACCENT, "mended": "#b5761a", "after": INK}


def trade(
    curves: Mapping[str, Sequence[Mapping[str, Any]]], chosen: Mapping[str, Mapping[str, Any]]
) -> Picture:
    """For each kind of claim precision against recall, and what is lost; `chosen` is marked with a star."""
    figure, axes = panels(1, 2 * len(curves), size=(2.6, 2.5))
    for place, (kind, points) in enumerate(curves.items()):
        color, (left, right) = CYCLE[place], axes[2 * place : 2 * place + 2]
        for axis, across, up in ((left, "found", "precision"), (right, "lost", "found")):
            known = [(p[across], p[up]) for p in points if None not in (p[across], p[up])]
            axis.plot(*zip(*known, strict=True), color=color, linewidth=1.4)
            star = chosen[kind]
            if None not in (star[across], star[up]):
                axis.plot(star[across], star[up], "*", color=ACCENT, markersize=11)
            axis.set_ylim(-0.03, 1.03)
        left.set(title=kind, xlabel="recall: wrong claims found", ylabel="precision", xlim=(-0.03, 1.03))
        right.set(xlabel="true claims lost", ylabel="wrong claims found", xlim=(-0.005, 0.2))
        right.axhspan(FOUND, 1.03, xmax=(LOST + 0.005) / 0.205, color=KIND_COLORS["ceiling"], alpha=0.25)
    return as_picture(figure)


def flagged(
    pictures: Sequence[Any], before: Sequence[str], rows: Sequence[Mapping[str, Any]], after: Sequence[str]
) -> Picture:
    """Pictures with the caption they got, each claim that fell or was mended, and what is left."""
    blocks = [tell_changes(*text) for text in zip(before, rows, after, strict=True)]
    across = min(3, len(pictures))
    lines = max(map(len, blocks))
    height = 3.5 + LINE * (lines + 1)
    figure, axes = panels(math.ceil(len(pictures) / across), across, size=(3.3, height))
    for axis in axes:
        axis.axis("off")
    for axis, picture, block in zip(axes, pictures, blocks, strict=False):
        axis.imshow(picture)
        axis.set_anchor("N")
        write_below(axis, block, lines)
    return as_picture(figure)


def tell_changes(before: str, row: Mapping[str, Any], after: str) -> list[tuple[str, str]]:
    """(line, colour) of all that stands below a picture."""
    verdicts = [v for its in row.get("claims", {}).values() for v in its if v["outcome"] in COLORS]
    parts = [("before", before)]
    parts += [(v["outcome"], f"{name_of(v)}: {v['outcome']}; {v['reason']}") for v in verdicts]
    parts += [("after", after or "(no text is left)")]
    return [(line, COLORS[kind]) for kind, text in parts for line in textwrap.wrap(text, WIDTH)]


def name_of(verdict: Mapping[str, Any]) -> str:
    return f"{verdict['attribute'].replace('_', ' ')} {verdict['value']}"


def write_below(axis: Axes, block: Sequence[tuple[str, str]], lines: int) -> None:
    """Lines under the axis, and as much room as the longest block takes."""
    for number in range(lines):
        line, color = block[number] if number < len(block) else (" ", INK)
        axis.annotate(line, (0, 0), (0, -12 - 72 * LINE * number), xycoords="axes fraction", va="top",
                      textcoords="offset points", fontsize=7.5, color=color)  # fmt: skip
