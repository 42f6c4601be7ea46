"""Audit plots: what the judge finds and what it costs, and captions with what was taken from them."""

from collections.abc import Mapping, Sequence
from typing import Any

from lib.publish.plots import ACCENT, CYCLE, DOUBT, INK, KIND_COLORS, QUIET, as_picture, gallery, panels
from lib.publish.show import Picture

FOUND, LOST = 0.8, 0.05  # what is aimed at: so much of what is wrong, so little of what is true
COLORS = {"before": QUIET, "dropped": ACCENT, "mended": DOUBT, "after": INK}


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
    return gallery(pictures, blocks, columns=3)


def tell_changes(before: str, row: Mapping[str, Any], after: str) -> list[tuple[str, str]]:
    """(text, colour) of all that stands below a picture."""
    verdicts = [v for its in row.get("claims", {}).values() for v in its if v["outcome"] in COLORS]
    parts = [("before", before)]
    parts += [(v["outcome"], f"{name_of(v)}: {v['outcome']}; {v['reason']}") for v in verdicts]
    parts += [("after", after or "(no text is left)")]
    return [(text, COLORS[kind]) for kind, text in parts]


def name_of(verdict: Mapping[str, Any]) -> str:
    return f"{verdict['attribute'].replace('_', ' ')} {verdict['value']}"
