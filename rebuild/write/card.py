"""Card: a page in Markdown that says what a rebuilt dataset is, where it came from, and what to distrust."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lib.data.formats.report import printable
from lib.files import write_text
from lib.paths import resolve
from lib.publish.show import spell_value
from rebuild.audit.cleaning_counts import Tally
from rebuild.write.fuse import FILES, Rebuilt, Row, caption_of, sources

TEMPLATE = "card.md.j2"
EXAMPLES = 3


@dataclass(frozen=True, kw_only=True)
class Account:
    """What the card tells besides the rows themselves."""

    title: str
    rebuilt: Rebuilt | None = None
    tally: Tally | None = None
    measured: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # from `measure_claims`
    notes: Sequence[str] = ()


def write_card(file: str | Path, rows: Sequence[Row], account: Account) -> Path:
    """Write the card of these rows (as cleaned and judged; those of unreadable files may be among them)."""
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    templates.filters |= {"cells": spell_cells, "quote": quote, "printable": printable, "caption": caption_of}
    text = templates.get_template(TEMPLATE).render(
        account=account,
        counts=count_rows(rows, account.rebuilt),
        writers=count_writers(rows),
        outcomes=count_verdicts(rows),
        flags=Counter(flag for row in rows for flag in row["flags"]).most_common(),
        unreadable=[row for row in rows if "picture" in row["failed"]],
        examples=[row for row in rows if row["texts"]][:EXAMPLES],
    )
    return write_text(resolve(file), text.encode("utf-8", "backslashreplace").decode("utf-8"))


def count_rows(rows: Sequence[Row], rebuilt: Rebuilt | None) -> dict[str, int]:
    copies = sum(len(row.get("copies", ())) for row in rows)
    counts = {
        "files found": len(rows) + copies,
        "the same picture again": copies,
        "not readable as pictures": sum("picture" in row["failed"] for row in rows),
        "questions without an answer": sum(len(row["failed"].keys() - {"picture"}) for row in rows),
    }
    counts |= {f"texts on {kind}": sum(kind in row["texts"] for row in rows) for kind in FILES}
    if rebuilt:
        counts |= {f"captions in {split}": size for split, size in rebuilt.sizes.items()}
        counts["pictures left out for want of a text"] = rebuilt.without_text
    return counts


def count_writers(rows: Sequence[Row]) -> list[tuple[tuple[str, ...], int]]:
    """Every model and prompt that wrote, and how many texts."""
    names = ("backend", "model", "fingerprint", "prompt")
    told = [(row["texts"], kind, source) for row in rows for kind, source in sources(row).items()]
    wrote = Counter((kind, *(source[n] for n in names)) for texts, kind, source in told if kind in texts)
    return sorted(wrote.items())


def count_verdicts(rows: Sequence[Row]) -> list[tuple[tuple[str, str], int]]:
    """What the judge did with the claims of each kind of text."""
    judged = [item for row in rows for item in row.get("claims", {}).items()]
    return sorted(Counter((kind, verdict["outcome"]) for kind, its in judged for verdict in its).items())


def quote(text: str) -> str:
    """A text as it is, on one line, in which Markdown finds nothing to do."""
    text = printable(text).replace("`", "'")
    return f"`{text}`" if text else "(nothing)"


def spell_cells(values: Iterable[Any]) -> str:
    """Values beside each other in a row of a table, whatever is in them."""
    spelled = (printable(spell_value(value, 3)) for value in values)
    return " | ".join(text.replace("|", "\\|").replace("<", "&lt;") for text in spelled)
