"""What notebooks and the report show: pictures, tables and source, each able to draw itself anywhere."""

import base64
import html
import inspect
import textwrap
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lib.paths import shorten

LABELS = {f"bleu{n}": f"BLEU-{n}" for n in range(1, 5)} | {
    "name": "", "kind": "",
    "meteor": "METEOR", "meteor_no_wordnet": "METEOR (no WordNet)", "cider_d": "CIDEr-D",
    "rouge_l": "ROUGE-L", "rouge_l_coco": "ROUGE-L (COCO)", "rouge_l_rouge": "ROUGE-L (rouge)",
    "attribute_f1": "attribute F1", "attribute_precision": "precision", "attribute_recall": "recall",
    "background_f1": "background F1", "action_accuracy": "actions", "order_accuracy": "order",
    "distinct1": "distinct-1", "distinct2": "distinct-2", "mean_length": "words",
}  # fmt: skip
WAYS = {"t2i": "text to picture", "i2t": "picture to text"}
RETRIEVAL = {"recall1": "R@1", "recall5": "R@5", "recall10": "R@10", "median_rank": "rank", "map10": "mAP@10"}
LABELS |= {
    f"{way}_{key}": f"{told}: {short}" for way, told in WAYS.items() for key, short in RETRIEVAL.items()
}

HEADLINE = (
    "bleu4", "meteor", "meteor_no_wordnet", "rouge_l", "cider_d", "attribute_f1", "background_f1", "unique",
    "action_accuracy", "order_accuracy",
    "t2i_recall1", "t2i_recall10", "t2i_median_rank", "t2i_map10", "i2t_recall1", "i2t_recall10",
)  # fmt: skip
STYLE = Path(__file__).with_name("table.css")
TEXT = [
    {"selector": "", "props": "text-align: left"},
    {"selector": "td", "props": "white-space: normal; max-width: 46em"},
]  # a column of text, as pandas takes it
WIDE = 7  # so many columns would be cut off with their intervals beside the values


class Picture:
    """A finished picture (PNG bytes): shown by a notebook, saved to a file, embedded in the report."""

    def __init__(self, png: bytes):
        self.png = png

    def save(self, path: str | Path) -> Path:
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.png)
        return path

    def _repr_png_(self) -> bytes:
        return self.png

    def __repr__(self) -> str:
        return f"<picture, {len(self.png) // 1024} KiB>"


class Table:
    """Rows of plain dicts as a table; `kind` colours a row, `<key>_ci` stands small beside its value."""

    def __init__(self, rows: list[dict[str, Any]], columns: list[str] | None = None, *, digits: int = 3):
        self.rows, self.digits = rows, digits
        keys = dict.fromkeys(key for row in rows for key in row)
        self.columns = columns or [key for key in keys if key != "kind" and not key.endswith("_ci")]

    def turned(self) -> "Table":
        """Rows as columns, under the values of the first column."""
        first, *rest = self.columns
        names = [str(row[first]) for row in self.rows]
        values = [[row.get(column) for row in self.rows] for column in rest]
        rows = [{first: c, **dict(zip(names, v, strict=True))} for c, v in zip(rest, values, strict=True)]
        return Table(rows, digits=self.digits)

    def _repr_html_(self) -> str:
        import pandas as pd  # here: it takes a third of a second that only a table is worth
        from pandas.io.formats.style import Styler

        cells = [[self._cell(row, column) for column in self.columns] for row in self.rows]
        kinds = [[html.escape(str(row.get("kind", "")))] * len(self.columns) for row in self.rows]
        frame, marks = (pd.DataFrame(grid, columns=self.columns, dtype=object) for grid in (cells, kinds))
        name = f"{zlib.crc32(repr(self).encode(errors='replace')):08x}"  # the same in every run
        look = f'class="lookbook{" wide" if len(self.columns) >= WIDE else ""}"'
        styler = Styler(frame, uuid=name, table_attributes=look, cell_ids=False).hide(axis="index")
        styler.format_index(whole_words, axis=1, escape="html").set_td_classes(marks)
        texts = [c for c in self.columns[1:] if any(isinstance(row.get(c), str) for row in self.rows)]
        styler.set_table_styles(dict.fromkeys(texts, TEXT))
        return f"<style>\n{STYLE.read_text(encoding='utf-8')}</style>\n{styler.to_html()}"

    def _cell(self, row: dict[str, Any], column: str) -> str:
        """The value as HTML, with its interval."""
        text = html.escape(spell_value(row.get(column), self.digits))
        if interval := row.get(f"{column}_ci"):
            text += " <small>{}–{}</small>".format(*(spell_value(end, self.digits) for end in interval))
        return text

    def __repr__(self) -> str:
        grid = [[label(c) or c for c in self.columns]]
        grid += [[spell_value(row.get(c), self.digits) for c in self.columns] for row in self.rows]
        widths = [max(len(line[i]) for line in grid) for i in range(len(self.columns))]
        return "\n".join(
            "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) for line in grid
        )


class Note:
    """A line where there is nothing to show, a verdict on an exercise, or a text with a page of its own."""

    def __init__(self, text: str, page: str | None = None):
        self.text, self.page = text, page or f"<p><em>{html.escape(text)}</em></p>"

    def _repr_html_(self) -> str:
        return self.page

    def __repr__(self) -> str:
        return self.text


def films(clips: Sequence[tuple[str | Path, str]]) -> Note:
    """Small films that play in the page, a few words below each; they are carried in it."""
    figures = []
    for path, words in clips:
        data = base64.b64encode(Path(path).read_bytes()).decode()
        film = f'<video autoplay loop muted controls width="200" src="data:video/mp4;base64,{data}"></video>'
        words = f"<figcaption>{html.escape(words)}</figcaption>"
        figures.append(f'<figure style="width: 200px; margin: 0 12px 12px 0">{film}{words}</figure>')
    page = f'<div style="display: flex; flex-wrap: wrap">{"".join(figures)}</div>'
    return Note("\n".join(f"{Path(path).name}: {words}" for path, words in clips), page)


def headline(rows: list[dict[str, Any]]) -> list[str]:
    """The columns of a table of scores: a few that tell much, where any row has them."""
    return [key for key in ("name", "category", *HEADLINE) if any(key in row for row in rows)]


def show_source(thing: Any) -> Note:
    """The part of lib that matters here, as it is, and where it stands: a notebook never copies it."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    lines, first = inspect.getsourcelines(thing)
    text = textwrap.dedent("".join(lines)).rstrip()
    place = f"{shorten(inspect.getsourcefile(thing))}:{first}"
    letters = "font-family: monospace; font-size: 12px"
    look = HtmlFormatter(noclasses=True, style="friendly", prestyles=letters)
    return Note(f"# {place}\n{text}", f"<small>{place}</small>{highlight(text, PythonLexer(), look)}")


def label(column: str) -> str:
    """A column's heading."""
    return LABELS.get(column, column.replace("_", " "))


def whole_words(column: str) -> str:
    """A column's heading in a page, which may wrap it at spaces but not at a hyphen."""
    return label(column).replace("-", "\u2011")


def spell_value(value: Any, digits: int) -> str:
    """A value as a table shows it."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.{digits}f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
