"""What notebooks and the report show: pictures, tables and source, each able to draw itself anywhere."""

import html
import inspect
import io
import textwrap
from pathlib import Path
from typing import Any

from lib.paths import shorten

LABELS = {
    "name": "",
    "kind": "",
    "bleu1": "BLEU-1",
    "bleu2": "BLEU-2",
    "bleu3": "BLEU-3",
    "bleu4": "BLEU-4",
    "meteor": "METEOR",
    "meteor_no_wordnet": "METEOR (no WordNet)",
    "rouge_l": "ROUGE-L",
    "rouge_l_coco": "ROUGE-L (COCO)",
    "rouge_l_rouge": "ROUGE-L (rouge)",
    "cider_d": "CIDEr-D",
    "attribute_f1": "attribute F1",
    "attribute_precision": "precision",
    "attribute_recall": "recall",
    "background_f1": "background F1",
    "unique": "unique",
    "unique_attributes": "unique attributes",
    "distinct1": "distinct-1",
    "distinct2": "distinct-2",
    "mean_length": "words",
    "bad_endings": "bad endings",
}

HEADLINE = (
    "bleu4",
    "meteor",
    "meteor_no_wordnet",
    "rouge_l",
    "cider_d",
    "attribute_f1",
    "background_f1",
    "unique",
)

STYLE = """<style>
.lookbook {border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; margin: 6px 0}
.lookbook th, .lookbook td {padding: 4px 12px; text-align: right; border: 0; white-space: nowrap}
.lookbook th {font-weight: 600; border-bottom: 1px solid #8886}
.lookbook td:first-child, .lookbook th:first-child, .lookbook td.text, .lookbook th.text {text-align: left}
.lookbook td.text {white-space: normal; max-width: 46em}
.lookbook td:first-child {white-space: nowrap}
.lookbook tr.baseline td, .lookbook tr.control td {color: #777}
.lookbook tr.ceiling td {font-style: italic; color: #777}
.lookbook tr.model td:first-child {font-weight: 600}
.lookbook small {color: #888; font-size: 11px}
.lookbook.wide th, .lookbook.wide td {padding: 4px 6px}
.lookbook.wide small {display: block}
</style>"""
WIDE = 8  # so many columns would be cut off with their intervals beside the values


class Picture:
    """A finished picture (PNG bytes): shown by a notebook, saved to a file, embedded in the report."""

    def __init__(self, png: bytes):
        self.png = png

    @classmethod
    def of(cls, figure: Any, *, dpi: int = 96) -> "Picture":
        """Draw a matplotlib figure once and let go of it."""
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=dpi, bbox_inches="tight", facecolor="white")
        return cls(buffer.getvalue())

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
        heads = "".join(self._head(column) for column in self.columns)
        body = "".join(self._row(row) for row in self.rows)
        kind = "lookbook wide" if len(self.columns) >= WIDE else "lookbook"
        return f'{STYLE}<table class="{kind}"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>'

    def _head(self, column: str) -> str:
        mark = ' class="text"' if self._holds_text(column) else ""
        return f"<th{mark}>{html.escape(label(column))}</th>"

    def _row(self, row: dict[str, Any]) -> str:
        cells = "".join(self._cell(row, column) for column in self.columns)
        return f'<tr class="{html.escape(str(row.get("kind", "")))}">{cells}</tr>'

    def _cell(self, row: dict[str, Any], column: str) -> str:
        value, interval = row.get(column), row.get(f"{column}_ci")
        text = html.escape(spell_value(value, self.digits))
        if interval:
            low, high = (spell_value(end, self.digits) for end in interval)
            text += f" <small>{low}–{high}</small>"
        return f'<td class="text">{text}</td>' if self._holds_text(column) else f"<td>{text}</td>"

    def _holds_text(self, column: str) -> bool:
        return any(isinstance(row.get(column), str) for row in self.rows)

    def __repr__(self) -> str:
        grid = [[label(c) or c for c in self.columns]]
        grid += [[spell_value(row.get(c), self.digits) for c in self.columns] for row in self.rows]
        widths = [max(len(line[i]) for line in grid) for i in range(len(self.columns))]
        return "\n".join(
            "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) for line in grid
        )


class Source:
    """The source of a function or class of lib, coloured, with the place where it stands."""

    def __init__(self, thing: Any):
        lines, first = inspect.getsourcelines(thing)
        self.text = textwrap.dedent("".join(lines)).rstrip()
        self.place = f"{shorten(inspect.getsourcefile(thing))}:{first}"

    def _repr_html_(self) -> str:
        from pygments import highlight
        from pygments.formatters import HtmlFormatter
        from pygments.lexers import PythonLexer

        look = HtmlFormatter(
            noclasses=True, style="friendly", prestyles="font-family: monospace; font-size: 13px"
        )
        code = highlight(self.text, PythonLexer(), look)
        return f"<small>{self.place}</small>{code}"

    def __repr__(self) -> str:
        return f"# {self.place}\n{self.text}"


def headline(rows: list[dict[str, Any]]) -> list[str]:
    """The columns of a table of scores: a few that tell much, where any row has them."""
    return ["name", *(key for key in HEADLINE if any(key in row for row in rows))]


def show_source(thing: Any) -> Source:
    """The part of lib that matters here, as it is, so that a notebook never copies it."""
    return Source(thing)


def label(column: str) -> str:
    """A column's heading."""
    return LABELS.get(column, column.replace("_", " "))


def spell_value(value: Any, digits: int) -> str:
    """A value as a table shows it."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.{digits}f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
