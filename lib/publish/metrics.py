"""metrics/<stage>.json: the numbers of a stage, at full precision, in the one shape all readers expect."""

import html
import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lib.data.formats.gallery import is_picture
from lib.data.record import Record
from lib.files import write_json, write_text
from lib.paths import Output, shorten
from lib.publish.show import Note
from lib.score.attributes import World, mistakes, tell_apart

ByRow = Mapping[str, Sequence[str]]  # what each row said, picture by picture
KINDS = ("baseline", "model", "control", "ceiling")
ON_SHOW = 12  # pictures of a notebook that the report shows


class MetricsError(ValueError):
    """Numbers that do not have the shape every stage promises."""


def write_metrics(
    output: str | Path,
    stage: str,
    *,
    profile: str,
    dataset: str,
    split: str,
    rows: list[dict[str, Any]],
    more: dict[str, Any] | None = None,
) -> Note:
    """Write one stage's numbers; `more` holds what belongs to the stage but to no row. A notebook that ends
    in what this gives back can be graded alone: its output holds the very numbers."""
    check_metric_rows(stage, rows)
    record = {"stage": stage, "profile": profile, "dataset": dataset, "split": split, "rows": rows}
    record |= more or {}
    path = write_json(Output(output).metrics / f"{stage}.json", record, indent=1)
    text, summary = json.dumps(record, indent=1), f"{html.escape(shorten(path))}: {len(rows)} rows"
    return Note(text, f"<details><summary>{summary}</summary><pre>{html.escape(text)}</pre></details>")


def write_predictions(
    output: str | Path, stage: str, records: Sequence[Record], texts: ByRow, world: World | None = None
) -> Path:
    """Write metrics/<stage>.predictions.jsonl: what each row said of each picture, to score it again from.

    For the report to show, it notes where a dozen pictures lie, the same ones in every notebook, and where a
    world reads the captions in which pieces they are right and wrong, what is wrong and what is left out.
    """
    named = {record.media: zlib.crc32(Path(record.media).name.encode()) for record in records}
    shown, lines = sorted(named, key=named.get)[:ON_SHOW], []
    for place, record in enumerate(records):
        known = {"id": record.id, "references": record.captions, "attributes": record.attributes}
        said = {name: captions[place] for name, captions in texts.items()}
        if record.media in shown and is_picture(record.media) and not record.frames:
            known["media"] = shorten(record.media)
            if world and record.attributes:
                read = record.attributes, world
                known["marks"] = {n: [tell_apart(t, *read), *mistakes(t, *read)] for n, t in said.items()}
        lines.append(json.dumps(known | {"captions": said}, ensure_ascii=False) + "\n")
    return write_text(Output(output).metrics / f"{stage}.predictions.jsonl", "".join(lines))


def check_metric_rows(stage: str, rows: list[dict[str, Any]]) -> None:
    """Each row has a name of its own in its category, a known kind, and values that JSON can carry."""
    names = [(row.get("category"), row.get("name")) for row in rows]
    if any(name is None for _, name in names) or len(set(names)) != len(names):
        raise MetricsError(f"{stage}: every row needs a name of its own, got {[name for _, name in names]}")
    for row in rows:
        if row.get("kind") not in KINDS:
            given = f"{stage}: row {row['name']} has kind {row.get('kind')!r}"
            raise MetricsError(f"{given}; one of {', '.join(KINDS)}")
        json.dumps(row, allow_nan=False)


def read_metrics(output: str | Path) -> dict[str, dict[str, Any]]:
    """Every stage's numbers in an output folder, in the order of the stages."""
    files = sorted(Output(output).metrics.glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in files}
