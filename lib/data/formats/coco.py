"""COCO captions: `annotations/captions_*.json` beside `train2014/`, `val2014/`, ... as published."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lib.data.formats.gallery import Gallery
from lib.data.formats.report import UNASSIGNED, Bad, Dataset, FormatError, OnBad, Report
from lib.data.formats.stream import is_object, read_members
from lib.data.record import SPLITS, Record
from lib.paths import shorten


def read_coco(path: str | Path, *, on_bad: OnBad = "raise", need_images: bool = True) -> Dataset:
    """Read a folder of captions files, or one file. A record's id is COCO's image id as text."""
    path = Path(path)
    report = Report(on_bad)
    files = [path] if path.is_file() else sorted(path.glob("captions_*.json"))
    files = files or sorted(path.glob("annotations/captions_*.json"))
    if not files:
        raise FormatError(f"{shorten(path)}: expected captions_*.json or annotations/captions_*.json in it")
    folder = path if path.is_dir() else path.parent
    seen, records = set(), []
    for file in files:
        names, captions = read_coco_rows(file, seen, report)
        gallery = Gallery(pictures_folder(file), report, need_images=need_images)
        records.extend(coco_records(names, captions, file, gallery))
    bare = sum(not record.captions for record in records)
    if bare:
        report.notes.append(f"{bare} pictures have no captions")
    return Dataset(records, format="coco", folder=folder, report=report)


def pictures_folder(file: Path) -> Path:
    """`captions_train2014.json` -> `train2014/`, beside the file, above `annotations/`, or in `images/`."""
    part = file.stem.removeprefix("captions_")
    top = file.parent.parent if file.parent.name == "annotations" else file.parent
    places = [top / part, top / "images" / part, top / "images"]
    return next((place for place in places if place.is_dir()), places[0])


def read_coco_rows(file: Path, seen: set[int], report: Report) -> tuple[dict[int, Any], dict[int, list[str]]]:
    """Image id -> file name, and image id -> captions (an empty list where all of them were bad)."""
    names: dict[int, Any] = {}
    captions: dict[int, list[str]] = {}
    annotations: set[int] = set()
    for section, item in read_members(file, report, inside=("images", "annotations")):
        if section == "images" and is_row(item, ("id",), file, section, report):
            if report.first(item["id"], seen, file, f"images id {item['id']}", "each image once"):
                names[item["id"]] = item.get("file_name")
        elif section == "annotations" and is_row(item, ("image_id", "id"), file, section, report):
            where = f"annotations id {item['id']}"
            if report.first(item["id"], annotations, file, where, "each annotation once"):
                texts = report.captions([item.get("caption")], file, where)
                captions.setdefault(item["image_id"], []).extend(texts)
    return names, captions


def is_row(item: Any, keys: Sequence[str], file: Path, section: str, report: Report) -> bool:
    """Whether an element is an object with whole numbers under these keys."""
    if not is_object(item, file, section, report):
        return False
    wrong = [key for key in keys if type(item.get(key)) is not int]
    if wrong:
        where = f"{section} id {item.get('id')}"
        report.bad(Bad.WRONG_TYPE, file, where, f"a whole number as {wrong[0]!r}")
    return not wrong


def coco_records(
    names: dict[int, Any], captions: dict[int, list[str]], file: Path, gallery: Gallery
) -> Iterator[Record]:
    """Records in the order of the images; both tables are emptied on the way, so as not to hold all twice."""
    split = next((name for name in SPLITS if file.name.startswith(f"captions_{name}")), UNASSIGNED)
    for image in list(names):
        media = gallery.find(names.pop(image), file, f"images id {image}")
        texts = captions.pop(image, None)
        if media and texts != []:
            yield Record(str(image), media, tuple(texts or ()), split)
    for image in captions:
        where = f"annotations of image_id {image}"
        gallery.report.bad(Bad.WRONG_TYPE, file, where, "an image of that id in 'images'")
