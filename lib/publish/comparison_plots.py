"""Comparison plots: rows against one of them, scores over data, runs side by side, likely against paid."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from lib.data.images import load_image
from lib.data.record import Record
from lib.publish.plots import ACCENT, CYCLE, DOUBT, INK, KIND_COLORS, QUIET, as_picture, gallery, panels
from lib.publish.show import Picture, label
from lib.score.attributes import World, mistakes

COLORS = (*CYCLE, KIND_COLORS["ceiling"], KIND_COLORS["control"], INK)
ByName = Mapping[str, Mapping[str, Any]]  # each row's scores
Points = tuple[Tensor, Tensor]  # log-likelihoods and rewards [P, n] of n captions of P pictures


def watched(
    histories: Mapping[str, Sequence[Mapping[str, Any]]], columns: Sequence[str], *, across: int = 5
) -> Picture:
    """A panel for each column, a line for each run, over the share of its steps: some make more of them."""
    present = [c for c in columns if any(c in row for rows in histories.values() for row in rows)]
    rows = math.ceil(len(present) / across)
    figure, axes = panels(rows, across, size=(2.3, 2.1), used=len(present))
    for axis, column in zip(axes, present, strict=False):
        for place, rows in enumerate(histories.values()):
            points = [(row["step"] / rows[-1]["step"], row[column]) for row in rows if column in row]
            shares, values = zip(*points, strict=True) if points else ((), ())
            axis.plot(shares, values, color=COLORS[place % len(COLORS)], linewidth=1.2)
        axis.set_title(label(column.removeprefix("val_")))
        axis.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    names = [name.replace("_", " ") for name in histories]
    figure.legend(axes[0].get_lines(), names, loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return as_picture(figure)


def over_seeds(
    scored: ByName, titles: Mapping[str, tuple[str, int]], names: Sequence[str], columns: Sequence[str]
) -> list[dict[str, Any]]:
    """A row for each name: the mean over its seeds, and beside it the lowest and the highest. `titles` says
    of each scored run its name and seed."""
    rows = []
    for name in names:
        runs = [scored[title] for title, (run, _) in titles.items() if run == name]
        row: dict[str, Any] = {"name": name, "kind": "model"}
        for column in columns:
            values = [run[column] for run in runs]
            row |= {column: sum(values) / len(values), f"{column}_ci": [min(values), max(values)]}
        rows.append(row)
    return rows


def less(scored: ByName, control: str, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Each row less the control's."""
    own = scored[control]
    return [{"name": name} | {key: row[key] - own[key] for key in columns} for name, row in scored.items()]


def disagreement(drawn: Points, greedy: Points, true: Points) -> Picture:
    """What a model finds likely against the CIDEr-D it earns, a panel a picture: captions drawn, the greedy
    one (star) and the true one (diamond)."""
    marks = ((greedy, "*", 150, ACCENT), (true, "D", 45, KIND_COLORS["ceiling"]))
    figure, axes = panels(1, len(drawn[0]), size=(3.2, 2.8))
    for picture, axis in enumerate(axes):
        likely, earned = (np.asarray(part[picture], dtype=float) for part in drawn)
        axis.scatter(likely, earned, s=9, alpha=0.5, color=CYCLE[0])
        for points, mark, size, color in marks:
            axis.scatter(*(np.asarray(part[picture]) for part in points), marker=mark, s=size, color=color)
        axis.set_yscale("symlog", linthresh=2)  # the true caption earns far more than any other
        axis.set_yticks([0, 1, 2, 5, 10], ["0", "1", "2", "5", "10"])
        title = f"correlation {np.corrcoef(likely, earned)[0, 1]:.2f}"
        axis.set(title=title, xlabel="log-likelihood of a word", ylabel="CIDEr-D")
    return as_picture(figure)


def gained(rows: Sequence[Mapping[str, Any]], base: str, metrics: Sequence[str]) -> Picture:
    """Each row less the row `base`, a panel for each metric: right of zero is won, left of it lost."""
    start = next(row for row in rows if row["name"] == base)
    others = [row for row in rows if row["name"] != base][::-1]
    figure, axes = panels(1, len(metrics), size=(max(1.9, 9.6 / len(metrics)), 0.9 + 0.32 * len(others)))
    for index, (axis, metric) in enumerate(zip(axes, metrics, strict=True)):
        differences = [row[metric] - start[metric] for row in others]
        colors = [CYCLE[0] if difference >= 0 else ACCENT for difference in differences]
        bars = axis.barh(range(len(others)), differences, color=colors, height=0.62)
        axis.bar_label(bars, fmt="{:+.3f}", padding=4, fontsize=8)
        axis.axvline(0, color=INK, linewidth=0.8)
        names = [str(row["name"]).replace("_", " ") for row in others]
        axis.set_yticks(range(len(others)), names if index == 0 else [""] * len(others))
        axis.tick_params(axis="y", length=0)
        axis.set_title(label(metric))
        axis.margins(x=0.45)
        axis.xaxis.set_major_locator(MaxNLocator(2))
    return as_picture(figure)


def growth(points: Sequence[Mapping[str, Any]], across: str, metrics: Sequence[str]) -> Picture:
    """Scores over how much there was to learn from."""
    figure, (axis,) = panels(1, 1, size=(6.4, 2.8))
    ordered = sorted(points, key=lambda point: point[across])
    for color, metric in zip(CYCLE, metrics, strict=False):
        values = [point[metric] for point in ordered]
        axis.plot([p[across] for p in ordered], values, "o-", markersize=4, color=color, label=label(metric))
    axis.set(xlabel=label(across), ylim=(0, 1.03))
    axis.legend(frameon=False, fontsize=8)
    return as_picture(figure)


def best_and_worst(
    records: Sequence[Record], texts: Sequence[str], scores: Sequence[float], world: World, *, count: int = 4
) -> Picture:
    """The captions of the highest CIDEr-D and of the lowest, below them the reference and what is wrong."""
    order = np.argsort(-np.asarray(scores), kind="stable")
    chosen = [*order[:count], *order[-count:]]
    told = [tell_mistakes(texts[i], records[i], world) for i in chosen]
    pictures = [load_image(records[i].path) for i in chosen]
    return gallery(pictures, told, titles=[f"CIDEr-D {scores[i]:.2f}" for i in chosen])


def tell_mistakes(text: str, record: Record, world: World) -> list[tuple[str, str]]:
    """A caption, its reference, and where the truth is known what is wrong and what is left out."""
    lines = [(text, INK), (f"reference: {record.captions[0]}", QUIET)]
    if record.attributes:
        wrong, unsaid = mistakes(text, record.attributes, world)
        lines += [(f"wrong: {', '.join(wrong)}", ACCENT)] if wrong else []
        lines += [(f"left out: {', '.join(unsaid)}", DOUBT)] if unsaid else []
    return lines
