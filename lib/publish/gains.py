"""Gains: how far rows of a table are from one of them, and how a score grows with the data."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.ticker import MaxNLocator

from lib.publish.plots import ACCENT, CYCLE, INK, finish, panels
from lib.publish.show import Picture, label


def gained(rows: Sequence[Mapping[str, Any]], base: str, metrics: Sequence[str]) -> Picture:
    """Each row less the row `base`, a panel for each metric: right of zero is won, left of it lost."""
    start = next(row for row in rows if row["name"] == base)
    others = [row for row in rows if row["name"] != base][::-1]
    figure, axes = panels(1, len(metrics), size=(max(1.9, 9.6 / len(metrics)), 0.9 + 0.32 * len(others)))
    for index, (axis, metric) in enumerate(zip(axes, metrics, strict=True)):
        differences = [row[metric] - start[metric] for row in others]
        colors = [CYCLE[0] if difference >= 0 else ACCENT for difference in differences]
        axis.barh(range(len(others)), differences, color=colors, height=0.62)
        axis.axvline(0, color=INK, linewidth=0.8)
        for height, difference in enumerate(differences):
            side = 4 if difference >= 0 else -4
            axis.annotate(f"{difference:+.3f}", (difference, height), (side, 0), textcoords="offset points",
                          va="center", ha="left" if side > 0 else "right", fontsize=8)  # fmt: skip
        names = [str(row["name"]).replace("_", " ") for row in others]
        axis.set_yticks(range(len(others)), names if index == 0 else [""] * len(others))
        axis.tick_params(axis="y", length=0)
        axis.set_title(label(metric))
        axis.margins(x=0.45)
        axis.xaxis.set_major_locator(MaxNLocator(2))
    return finish(figure)


def growth(points: Sequence[Mapping[str, Any]], across: str, metrics: Sequence[str]) -> Picture:
    """Scores over how much there was to learn from."""
    figure, (axis,) = panels(1, 1, size=(6.4, 2.8))
    ordered = sorted(points, key=lambda point: point[across])
    for color, metric in zip(CYCLE, metrics, strict=False):
        values = [point[metric] for point in ordered]
        axis.plot([p[across] for p in ordered], values, "o-", markersize=4, color=color, label=label(metric))
    axis.set_xlabel(label(across))
    axis.set_ylim(0, 1.03)
    axis.legend(frameon=False, fontsize=8)
    return finish(figure)
