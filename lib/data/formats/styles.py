"""Pictures told in a style: Personality-Captions, FlickrStyle10k and SentiCap.

A record is one picture in one style, its id `picture#style`, so that two styles of a picture never overwrite
each other; its group is the picture, which no split parts. `styled_captions` is made for `CaptionTask.rows`.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from lib.data.formats.gallery import Gallery
from lib.data.formats.report import Bad, Dataset, FormatError, OnBad, Report
from lib.data.formats.stream import is_object, read_members, read_object
from lib.data.record import SPLITS, Caption, Record
from lib.files import read_json, read_utf8
from lib.paths import resolve, shorten, some

FILES = {split: f"{split}.json" for split in SPLITS}
FLICKR_STYLES = ("funny", "romantic")
SENTIMENTS = {1: "positive", 0: "negative"}

# file, line or key, picture, split, style, one caption or several: as they stand there
StyledRow = tuple[Path, int | str, Any, Any, str, Any]


def styled_record(record: Record, style: str, texts: Iterable[str]) -> Record:
    """A picture in one style, with what is said of it so."""
    group = record.group or record.id
    return replace(record, id=f"{record.id}#{style}", captions=tuple(texts), group=group)


def style_of(record: Record) -> str:
    """The style that a record is told in."""
    _, mark, style = record.id.rpartition("#")
    if not mark:
        raise FormatError(f"record {record.id!r} has no style; expected an id picture#style")
    return style


def pictures_of(told: Dataset) -> Dataset:
    """The pictures that something is told of in a style, each once, with nothing else said of them."""
    plain = {r.group: replace(r, id=r.group, captions=(), group=None) for r in told}
    return Dataset(plain.values(), format=told.format, folder=told.folder, report=told.report)


def style_prefix(style: str) -> str:
    """The one token that asks for a style, whatever it is called: `<Appreciative_(Grateful)>`."""
    return f"<{'_'.join(style.strip('<>').split())}>"


def styled_captions(record: Record) -> list[Caption]:
    """The captions of a record, each behind the token of its style."""
    return [Caption(text, (style_prefix(style_of(record)),)) for text in record.captions]


def read_styled(
    kind: str,
    path: str | Path,
    images: str | Path,
    *,
    on_bad: OnBad = "raise",
    need_images: bool = True,
    **own: Any,
) -> Dataset:
    """Read `personality` (a folder), `flickr-style` or `senticap` (a file); `own` are options of the kind.

    Of one picture in one style there is one record, whatever number of rows it has.
    """
    if kind not in ROWS:
        raise FormatError(f"unknown format {kind!r}; known: {', '.join(ROWS)}")
    path, report, told = resolve(path), Report(on_bad), {}
    gallery = Gallery(resolve(images), report, need_images=need_images)
    for file, where, picture, split, style, said in ROWS[kind](path, report, **own):
        media, texts = gallery.find(picture, file, where), report.captions(said, file, where)
        if split not in SPLITS:
            report.bad(Bad.WRONG_TYPE, file, where, f"a split among {', '.join(SPLITS)}, not {split!r}")
        elif media and texts:
            record = styled_record(Record(picture, media, (), split), style, texts)
            known = told.setdefault(record.id, record)
            if known.split != split:
                report.bad(Bad.DUPLICATE, file, where, f"{record.id!r} in one split")
            elif known is not record:
                told[record.id] = replace(known, captions=known.captions + record.captions)
    return Dataset(told.values(), format=kind, folder=path if path.is_dir() else path.parent, report=report)


def personality_rows(
    folder: Path,
    report: Report,
    *,
    styles: Collection[str] | None = None,
    file_attr: str = ".jpg",
    files: Mapping[str, str] = FILES,
) -> Iterator[StyledRow]:
    """The file of each split that is there; the styles are those of `personalities.txt` unless given."""
    known = read_styles(folder / "personalities.txt") if styles is None else styles
    here = {folder / name: split for split, name in files.items() if (folder / name).is_file()}
    if not here:
        raise FormatError(f"{shorten(folder)}: expected one of {', '.join(files.values())} in it")
    for file, split in here.items():
        for where, row in numbered_objects(file, report):
            style, name, more = (row.get(key) for key in ("personality", "image_hash", "additional_comments"))
            if not is_style(style, known, file, where, report):
                continue
            texts = [row.get("comment"), *(more if isinstance(more, list) else filter(None, [more]))]
            yield file, where, f"{name}{file_attr}" if isinstance(name, str) else name, split, style, texts


def is_style(style: Any, known: Collection[str], file: Path, where: int | str, report: Report) -> bool:
    good = isinstance(style, str) and style in known
    if not good:
        near = get_close_matches(str(style), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {some(known)}"
        report.bad(Bad.WRONG_TYPE, file, where, f"a known style, not {style!r}; {hint}")
    return good


def read_styles(path: str | Path) -> tuple[str, ...]:
    """One style a line, as it is spelled."""
    styles = [line.strip() for line in read_utf8(path).rstrip("\n").split("\n")]
    for number, style in enumerate(styles, start=1):
        if not style or style in styles[: number - 1]:
            raise FormatError(f"{shorten(path)}: line {number}: expected a style, once; found {style!r}")
    return tuple(styles)


def numbered_objects(file: Path, report: Report) -> Iterator[tuple[int | str, dict]]:
    """The objects of JSON lines, each with its line, or of one JSON list, each with its place."""
    text = read_utf8(file)
    if text.lstrip().startswith("["):
        sources = ((f"row {n}", row) for n, row in enumerate(read_json(file), start=1))
    else:
        sources = ((n, parse_line(line)) for n, line in enumerate(text.split("\n"), start=1) if line.strip())
    for where, row in sources:
        if is_object(row, file, where, report):
            yield where, row


def parse_line(line: str) -> Any:
    """A line as JSON; one that is none stays text."""
    try:
        return json.loads(line, object_pairs_hook=read_object)
    except (ValueError, RecursionError):
        return line


def flickr_style_rows(file: Path, report: Report) -> Iterator[StyledRow]:
    """One object: picture -> `funny`, `romantic` and `split`."""
    for picture, told in read_members(file, report):
        if is_object(told, file, picture, report):
            for style in FLICKR_STYLES:
                yield file, picture, picture, told.get("split"), style, told.get(style)


def senticap_rows(file: Path, report: Report) -> Iterator[StyledRow]:
    """`images`, each with `filename`, `split` and `sentences`: `raw`, and `sentiment` 1 or 0."""
    for section, image in read_members(file, report, inside=("images",)):
        if section != "images" or not is_object(image, file, section, report):
            continue
        name, split = image.get("filename"), image.get("split")
        for said in image.get("sentences") or ():
            if not is_object(said, file, f"images {name}", report):
                continue
            if type(sentiment := said.get("sentiment")) is int and sentiment in SENTIMENTS:
                yield file, f"images {name}", name, split, SENTIMENTS[sentiment], said.get("raw")
            else:
                report.bad(Bad.WRONG_TYPE, file, f"images {name}", f"a sentiment, 1 or 0, not {sentiment!r}")


ROWS = {"personality": personality_rows, "flickr-style": flickr_style_rows, "senticap": senticap_rows}
