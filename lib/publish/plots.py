"""The pictures of the course: one look for all of them, drawn without touching matplotlib's global state."""

import io
import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lib.publish.show import Picture, label

INK, ACCENT, QUIET, DOUBT = "#2b2d42", "#d1495b", "#7d8191", "#b5761a"
CYCLE = ("#30638e", "#d1495b", "#5fa55a", "#8d6a9f", "#00798c")
KIND_COLORS = {"baseline": "#b9bdc9", "control": "#8d93a5", "model": "#30638e", "ceiling": "#edae49"}
ALL = 10**9  # more panels than any figure has
WIDTH, LETTERS, LINE = 10.2, 156, 0.15  # of a gallery: inches across, letters across, inches a line of text
STYLE = matplotlib.rc_params_from_file(Path(__file__).with_name("plots.mplstyle"), use_default_template=False)


def panels(
    rows: int, columns: int, *, size: tuple[float, float], heights: Sequence[float] = (), used: int = ALL
) -> tuple[Figure, list[Axes]]:
    """A figure in the house style and its panels, the first `used` of them shown; `heights` are in inches."""
    heights = heights or [size[1]] * rows
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(size[0] * columns, sum(heights)), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, height_ratios=heights).flatten().tolist()
    for axis in axes[used:]:
        axis.axis("off")
    return figure, axes


def as_picture(figure: Figure) -> Picture:
    """A figure drawn once and let go of."""
    drawn = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(drawn, format="png", dpi=96, bbox_inches="tight", facecolor="white")
    return Picture(drawn.getvalue())


Told = str | Sequence[tuple[str, str]]  # below a picture: a text, or several, each with its colour


def gallery(
    pictures: Sequence[Any], captions: Sequence[Told], *, columns: int = 4, titles: Sequence[str] = ()
) -> Picture:
    """Pictures with their words underneath."""
    parts = [[(told, INK)] if isinstance(told, str) else told for told in captions]
    letters = LETTERS // columns
    blocks = [[(line, c) for text, c in told for line in textwrap.wrap(text, letters)] for told in parts]
    rows = [blocks[first : first + columns] for first in range(0, len(blocks), columns)]
    width, longest = WIDTH / columns, [max(map(len, row)) for row in rows]
    height = width + 0.15 + LINE * (sum(longest) / len(rows) + 1)
    figure, axes = panels(len(rows), columns, size=(width, height), used=0)
    for index, (axis, picture, block) in enumerate(zip(axes, pictures, blocks, strict=False)):
        axis.imshow(picture)
        axis.set_anchor("N")
        room = [*block, *[(" ", INK)] * (longest[index // columns] - len(block))]  # as the longest of its row
        for number, (line, color) in enumerate(room):
            place = (0, 0), (0, -12 - 72 * LINE * number), "axes fraction", "offset points"
            axis.annotate(line, *place, va="top", fontsize=7.5, color=color)
    for axis, title in zip(axes, titles, strict=False):
        axis.set_title(title, fontsize=8)
    return as_picture(figure)


def frequencies(counts: Mapping[str, Mapping[str, int]], *, columns: int = 4, total: int) -> Picture:
    """How often each value of each attribute occurs, as shares of all pictures."""
    rows = math.ceil(len(counts) / columns)
    longest = [max(map(len, list(counts.values())[r * columns : (r + 1) * columns])) for r in range(rows)]
    heights = [0.6 + 0.16 * n for n in longest]
    figure, axes = panels(rows, columns, size=(2.6, 0), heights=heights, used=len(counts))
    for index, (axis, (name, values)) in enumerate(zip(axes, counts.items(), strict=False)):
        axis.barh(list(values), [n / total for n in values.values()], color=KIND_COLORS["model"], height=0.7)
        axis.set_title(name.replace("_", " "))
        axis.set_ylim(longest[index // columns] - 0.4, -0.6)  # from the top, bars of one thickness in a row
        axis.tick_params(axis="y", length=0, labelsize=8)
        axis.tick_params(axis="x", labelsize=8)
        axis.xaxis.set_major_locator(MaxNLocator(3))
        axis.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    return as_picture(figure)


def histogram(values: Mapping[str, Iterable[float]], *, title: str, unit: str, bins: int = 30) -> Picture:
    """One or several distributions over the same axis."""
    figure, (axis,) = panels(1, 1, size=(6.4, 2.6))
    colors = (KIND_COLORS["model"], ACCENT, KIND_COLORS["ceiling"])
    series = {name: list(numbers) for name, numbers in values.items()}
    low, high = min(map(min, series.values())), max(map(max, series.values()))
    edges = [low + (high + 1 - low) * i / bins for i in range(bins + 1)]
    for color, (name, numbers) in zip(colors, series.items(), strict=False):
        weights = [1 / len(numbers)] * len(numbers)
        axis.hist(numbers, bins=edges, weights=weights, label=name, color=color, alpha=0.55)
    axis.set(title=title, xlabel=unit)
    axis.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    if len(series) > 1:
        axis.legend(frameon=False)
    return as_picture(figure)


def scores(rows: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> Picture:
    """Each metric as a column of bars, a row each, with its interval; the kind of a row is its colour."""
    figure, axes = panels(1, len(metrics), size=(max(2.4, 9.6 / len(metrics)), 0.7 + 0.3 * len(rows)))
    names = [str(row["name"]).replace("_", " ") for row in rows][::-1]
    for index, (axis, metric) in enumerate(zip(axes, metrics, strict=True)):
        for height, row in enumerate(reversed(rows)):
            draw_score(axis, height, row, metric)
        axis.set_yticks(range(len(names)), names if index == 0 else [""] * len(names))
        axis.tick_params(axis="y", length=0)
        axis.margins(x=0.28)
        axis.set(title=label(metric), xlim=(0, None))
        axis.xaxis.set_major_locator(MaxNLocator(3))
    return as_picture(figure)


def draw_score(axis: Axes, height: int, row: Mapping[str, Any], metric: str) -> None:
    """One bar with its value at the end; nothing where the row has no such score."""
    value, interval = row.get(metric), row.get(f"{metric}_ci")
    if value is None:
        return
    error = None if interval is None else [[max(0, value - interval[0])], [max(0, interval[1] - value)]]
    axis.barh(height, value, color=KIND_COLORS[row["kind"]], height=0.66, xerr=error, ecolor=INK, capsize=2)
    end = value if interval is None else interval[1]
    axis.annotate(f"{value:.3f}", (end, height), (4, 0), textcoords="offset points", va="center", fontsize=8)


def heatmap(table: Mapping[str, Mapping[str, float | None]], *, title: str) -> Picture:
    """Shares between 0 and 1 by row and column, each written into its cell; empty where there is none."""
    columns = list(next(iter(table.values())))
    figure, (axis,) = panels(1, 1, size=(2.2 + 0.95 * len(columns), 0.9 + 0.24 * len(table)))
    shares = ([row[column] for column in columns] for row in table.values())
    grid = [[math.nan if share is None else share for share in row] for row in shares]
    axis.imshow(grid, cmap="YlGnBu", vmin=0, vmax=1.15, aspect="auto")
    for y, row in enumerate(grid):
        for x, share in enumerate(row):
            if not math.isnan(share):
                color = "white" if share > 0.65 else INK
                axis.text(x, y, f"{share:.0%}", ha="center", va="center", color=color, fontsize=8)
    axis.set_xticks(range(len(columns)), columns)
    axis.set_yticks(range(len(table)), [name.replace("_", " ") for name in table])
    axis.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    axis.set_title(title, pad=10)
    axis.spines[:].set_visible(False)
    return as_picture(figure)


def curves(history: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Picture:
    """How the columns of a training history went, a panel each; the best validation score is marked."""
    present = [column for column in columns if any(column in row for row in history)]
    figure, axes = panels(1, len(present), size=(9.6 / max(2, len(present)), 2.5))
    for axis, column in zip(axes, present, strict=True):
        points = [(row["step"], row[column]) for row in history if row.get(column) is not None]
        steps, values = zip(*points, strict=True)
        mark = "o" if column.startswith("val_") else None
        axis.plot(steps, values, color=KIND_COLORS["model"], marker=mark, markersize=3, linewidth=1.3)
        axis.set(title=heading(column), xlabel="step")
        axis.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    return as_picture(figure)


def heading(column: str) -> str:
    """What a column of a training history is."""
    where = " in validation" if column.startswith("val_") else ""
    return label(column.removeprefix("val_")) + where


def ranking(values: Mapping[str, float], *, title: str) -> Picture:
    """Shares between 0 and 1, the highest on top."""
    ordered = sorted(values.items(), key=lambda item: item[1])
    figure, (axis,) = panels(1, 1, size=(6.4, 0.7 + 0.2 * len(ordered)))
    names = [name.replace("_", " ") for name, _ in ordered]
    bars = axis.barh(names, [value for _, value in ordered], color=KIND_COLORS["model"], height=0.7)
    axis.bar_label(bars, fmt="{:.2f}", padding=4, fontsize=8)
    axis.set(title=title, xlim=(0, 1.08))
    axis.tick_params(axis="y", length=0, labelsize=8)
    return as_picture(figure)


def race(histories: Mapping[str, Sequence[Mapping[str, Any]]], column: str) -> Picture:
    """One column of several training histories over the same axis."""
    figure, (axis,) = panels(1, 1, size=(7.2, 3.0))
    for number, (name, history) in enumerate(histories.items()):
        points = [(row["step"], row[column]) for row in history if row.get(column) is not None]
        steps, values = zip(*points, strict=True)
        color = KIND_COLORS["ceiling"] if name.startswith("oracle") else CYCLE[number % len(CYCLE)]
        axis.plot(steps, values, marker="o", markersize=3, color=color, label=name.replace("_", " "))
    axis.set(title=heading(column), xlabel="step")
    figure.legend(loc="outside right upper", frameon=False, fontsize=8)
    return as_picture(figure)
