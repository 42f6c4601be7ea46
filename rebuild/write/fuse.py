"""Fuse: garment sentences and background become one caption a picture; the dataset is written.

The files are the course project's: `image_caption.json` (garments), `background_caption.json`, and the fused
captions in the layout of DeepFashion-MultiModal, which every reader here and that project's notebooks take.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atelier.parse import parse
from lib.data.formats import parse_name, write_deepfashion
from lib.data.formats.gallery import leads_out
from lib.data.formats.report import is_unicode
from lib.files import link, write_json
from lib.paths import resolve, shorten
from lib.progress import Progress
from rebuild.errors import RebuildError
from rebuild.sentences import ENDS, join_sentences

GARMENTS, BACKGROUND = "garments", "background"
SHARES = {"train": 0.8, "val": 0.1, "test": 0.1}
SOURCE = ("backend", "model", "fingerprint", "prompts")  # of a row whose texts have one writer
FILES = {GARMENTS: "image_caption.json", BACKGROUND: "background_caption.json"}

Row = Mapping[str, Any]
Split = Callable[[Row], str]


@dataclass(frozen=True)
class Rebuilt:
    """What was written: pictures a split, and how many had no text at all."""

    folder: Path
    sizes: dict[str, int]
    without_text: int


def fuse(garments: str, background: str) -> str:
    """Garments first, then the place, as in the course project; either alone where the other is empty.

    Where the background's words would be taken for the garment named last ("the wall is white"), it stands
    first, so that the caption says what its two parts say.
    """
    parts = [finish_sentence(text) for text in (garments, background) if text.strip()]
    if len(parts) < 2:
        return "".join(parts)
    told, placed = (parse(part).attributes for part in parts)
    forward, backward = join_sentences(parts), join_sentences(parts[::-1])
    union = told | placed
    return backward if parse(forward).attributes != union and parse(backward).attributes == union else forward


def caption_of(texts: Mapping[str, str]) -> str:
    """The texts of one picture, fused; empty where there are none."""
    return fuse(*(texts.get(kind, "") for kind in FILES))


def fuse_rows(rows: Iterable[Row]) -> dict[str, str]:
    """Name -> the fused caption of each picture; pictures without any text are left out."""
    captions = {row["name"]: caption_of(row["texts"]) for row in rows}
    return {name: caption for name, caption in captions.items() if caption}


def finish_sentence(text: str) -> str:
    """A text as a sentence: a capital before, a mark behind."""
    text = text.strip()
    return text[0].upper() + text[1:] + ("" if text[-1] in ENDS else ".")


def merge_rows(told: Iterable[Row], background: Iterable[Row]) -> list[dict[str, Any]]:
    """Rows of two runs over one folder (garments by one model, background by another) as rows with both."""
    merged: dict[str, dict[str, Any]] = {}
    for row in (*told, *background):
        mine = merged.setdefault(row["id"] or row["name"], {"copies": []} | dict(row) | {"sources": {}})
        for name in ("texts", "failed", "claims"):
            mine[name] = mine.get(name, {}) | row.get(name, {})
        mine["flags"] = list(dict.fromkeys([*mine["flags"], *row["flags"]]))
        mine["sources"] = mine["sources"] | sources(row)
        for name in SOURCE:
            mine.pop(name, None)  # of one kind only; `sources` has all
    return sorted(merged.values(), key=lambda row: row["name"])


def sources(row: Row) -> dict[str, dict[str, str]]:
    """Kind -> who wrote that text, asked what."""
    if "sources" in row:
        return row["sources"]
    about = {name: row.get(name, "") for name in SOURCE if name != "prompts"}
    return {kind: {**about, "prompt": row.get("prompts", {}).get(kind, "")} for kind in row["texts"]}


def split_by_content(row: Row, shares: Mapping[str, float] = SHARES) -> str:
    """The split that a picture's content (or the product in its name) decides, whatever else lies there."""
    name = parse_name(row["name"])
    key = int.from_bytes(name.product.encode(), "big") if name else int(row["id"], 16)
    place, reached = key * 0x9E3779B97F4A7C15 % 2**64 / 2**64, 0.0
    for split, share in shares.items():
        reached += share
        if place < reached:
            return split
    return next(reversed(shares))


def write_course_files(folder: str | Path, rows: Sequence[Row]) -> dict[str, Path]:
    """The course project's `{"MEN_0000.jpg": "text"}` files, one a kind; who lacks the text is left out."""
    folder = resolve(folder)
    written = {}
    for kind, file in FILES.items():
        texts = {row["name"]: row["texts"][kind] for row in rows if kind in row["texts"]}
        unicode = all(map(is_unicode, texts))
        written[kind] = write_json(folder / file, texts, ascii_only=not unicode)
    return written


def write_rebuilt(
    folder: str | Path, rows: Sequence[Row], pictures: str | Path, *, split: Split | None = split_by_content
) -> Rebuilt:
    """Write the fused captions and their pictures as a dataset that `open_dataset` reads.

    `split` names a row's split; None leaves all unassigned. Pictures are linked, or copied where that fails.
    """
    folder, pictures = resolve(folder), resolve(pictures)
    told = [(row, text) for row in rows if (text := caption_of(row["texts"]))]
    if not told:
        raise RebuildError(f"{shorten(folder)}: no picture has a text; nothing to write")
    captions: dict[str, dict[str, str]] = {}
    for row, text in told:
        captions.setdefault(split(row) if split else "unassigned", {})[plain_name(row)] = text
    with Progress("linking", len(told), "pictures") as progress:
        for row, _ in told:
            link(pictures / row["name"], folder / "images" / plain_name(row))
            progress.update()
    for old in folder.glob("*captions.json"):
        old.unlink()  # of an earlier writing with other splits
    write_deepfashion(folder, captions)
    return Rebuilt(folder, {name: len(texts) for name, texts in captions.items()}, len(rows) - len(told))


def plain_name(row: Row) -> str:
    """The picture's name in the dataset: its own, or its id where another system could not take it."""
    name = row["name"]
    return name if is_unicode(name) and not leads_out(name) else row["id"] + Path(name).suffix.lower()
