"""Card: a page in Markdown that says what a rebuilt dataset is, where it came from, and what to distrust."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lib.data.formats.report import printable
from lib.files import write_text
from lib.paths import resolve
from rebuild.audit.cleaning_counts import Tally
from rebuild.write.fuse import BACKGROUND, GARMENTS, Rebuilt, Row, fuse, sources

EXAMPLES = 3
LICENCES = (
    ("pictures", "FILL IN: whose they are, and what may be done with them"),
    ("people in them", "FILL IN: consent, or why none is needed"),
    ("texts", "FILL IN: the licences of the models below may bind what they wrote"),
)


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
    sections = (
        [f"# {account.title}"],
        tell_counts(rows, account),
        tell_sources(rows),
        tell_licences(),
        tell_cleaning(account.tally),
        tell_claims(rows, account.measured),
        tell_flags(rows),
        tell_examples(rows),
        ["## To know before use", "", *bullets(account.notes)] if account.notes else [],
    )
    text = "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"
    return write_text(resolve(file), text.encode("utf-8", "backslashreplace").decode("utf-8"))


def tell_counts(rows: Sequence[Row], account: Account) -> list[str]:
    failed = [row for row in rows if row["failed"]]
    counts = [
        ("files found", sum(1 + len(row.get("copies", ())) for row in rows)),
        ("the same picture again", sum(len(row.get("copies", ())) for row in rows)),
        ("not readable as pictures", sum("picture" in row["failed"] for row in failed)),
        ("questions without an answer", sum(len(row["failed"].keys() - {"picture"}) for row in failed)),
        *((f"texts on {kind}", sum(kind in row["texts"] for row in rows)) for kind in (GARMENTS, BACKGROUND)),
    ]
    if account.rebuilt:
        counts += [(f"captions in {split}", size) for split, size in account.rebuilt.sizes.items()]
        counts.append(("pictures left out for want of a text", account.rebuilt.without_text))
    return ["## What is in it", "", *table(("", "number"), [(name, f"{n:,}") for name, n in counts])]


def tell_sources(rows: Sequence[Row]) -> list[str]:
    """Every model and prompt that wrote."""
    wrote: Counter[tuple[str, ...]] = Counter()
    for row in rows:
        for kind, source in sources(row).items():
            if kind in row["texts"]:
                wrote[kind, source["backend"], source["model"], source["fingerprint"], source["prompt"]] += 1
    header = ("kind", "backend", "model", "fingerprint", "prompt", "texts")
    return ["## Who wrote it", "", *table(header, [(*key, f"{n:,}") for key, n in sorted(wrote.items())])]


def tell_licences() -> list[str]:
    return ["## Licences", "", *table(("of", "licence"), LICENCES)]


def tell_cleaning(tally: Tally | None) -> list[str]:
    if tally is None:
        return []
    header = ("kind", "reason", "mended", "dropped", "of")
    lines = table(header, [tuple(row[name] for name in header) for row in tally.table()])
    for (kind, reason), examples in tally.examples.items():
        before, after = examples[0]
        lines += ["", f"- {kind}, {reason}: {quote(before)} → {quote(after) if after else 'dropped'}"]
    return ["## Cleaning", "", *lines]


def tell_claims(rows: Sequence[Row], measured: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What the judge did, and what that is worth where it was measured."""
    outcomes: Counter[tuple[str, str]] = Counter()
    for row in rows:
        for kind, verdicts in row.get("claims", {}).items():
            outcomes.update((kind, verdict["outcome"]) for verdict in verdicts)
    if not outcomes and not measured:
        return []
    lines = table(("text", "outcome", "claims"), [(*key, f"{n:,}") for key, n in sorted(outcomes.items())])
    if measured:
        header = ("claims, wrong and found", "claims", "wrong", "found", "precision", "lost")
        shown = [(kind, *(show(row[name]) for name in header[1:])) for kind, row in measured.items()]
        lines += ["", "Measured with wrong claims planted where the truth is known:", ""]
        lines += table(header, shown)
    return ["## Claims", "", *lines]


def tell_flags(rows: Sequence[Row]) -> list[str]:
    """Every flag that a row carries, and the reasons of files that could not be read."""
    flags = Counter(flag for row in rows for flag in row["flags"])
    lines = table(("flag", "rows"), [(flag, f"{n:,}") for flag, n in flags.most_common()])
    bad = [row for row in rows if "picture" in row["failed"]]
    lines += ["", *bullets(f"{quote(row['name'])}: {row['failed']['picture']}" for row in bad[:20])]
    if len(bad) > 20:
        lines.append(f"- and {len(bad) - 20:,} more")
    return ["## Flags", "", *lines] if flags else []


def tell_examples(rows: Sequence[Row]) -> list[str]:
    good = [row for row in rows if row["texts"]][:EXAMPLES]
    lines = []
    for row in good:
        caption = fuse(*(row["texts"].get(kind, "") for kind in (GARMENTS, BACKGROUND)))
        lines.append(f"- {quote(row['name'])}: {quote(caption)}")
    return ["## Examples", "", *lines] if good else []


def bullets(lines: Any) -> list[str]:
    return [f"- {printable(line)}" for line in lines]


def quote(text: str) -> str:
    """A text as it is, on one line, in which Markdown finds nothing to do."""
    text = printable(text).replace("`", "'")
    return f"`{text}`" if text else "(nothing)"


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(cell(value) for value in line) + " |" for line in lines]


def cell(value: Any) -> str:
    return printable(str(value)).replace("|", "\\|").replace("<", "&lt;")


def show(value: Any) -> str:
    return "–" if value is None else f"{value:.3f}" if isinstance(value, float) else f"{value:,}"
