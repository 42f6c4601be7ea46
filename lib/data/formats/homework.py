"""The files of the course project and the RL homework: captions as numbers, the vocabulary beside them.

    vocab.json         {word: number}
    train_data.json    {"IMAGES": ["../dataset/.../x.jpg"], "CAPTIONS": [[<start>, ..., <end>]]}, unpadded

With several captions a picture, CAPTIONS is that many times as long as IMAGES and keeps a picture's together.
"""

import os.path
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lib.data.formats.deepfashion import product_in
from lib.data.formats.gallery import Gallery
from lib.data.formats.report import Bad, Dataset, FormatError, OnBad, Report
from lib.data.formats.stream import read_members
from lib.data.record import SPLITS, Record
from lib.files import read_json, write_json
from lib.paths import shorten

PAD, UNKNOWN, START, END = "<pad>", "<unk>", "<start>", "<end>"
SPECIAL = (PAD, UNKNOWN, START, END)


def number_words(words: Iterable[str]) -> dict[str, int]:
    """Their numbering: words from 1 in the order given, then padding as 0 and the other three marks."""
    numbers = {word: number for number, word in enumerate(words, start=1)}
    unknown = len(numbers) + 1
    return {**numbers, PAD: 0, UNKNOWN: unknown, START: unknown + 1, END: unknown + 2}


def read_vocab(path: str | Path) -> dict[str, int]:
    """Their vocabulary; anything but its own numbering of different words is refused."""
    return check_vocab(read_json(path), shorten(path))


def check_vocab(vocab: Any, source: str) -> dict[str, int]:
    """The vocabulary as it came, if it is one; `source` names it in the error."""
    if not isinstance(vocab, dict) or not all(mark in vocab for mark in SPECIAL):
        raise FormatError(f"{source}: expected an object of words, {', '.join(SPECIAL)} among them")
    for word, number in vocab.items():
        if type(number) is not int:
            raise FormatError(f"{source}: {word!r}: expected a whole number, not {number!r}")
    words = sorted((word for word in vocab if word not in SPECIAL), key=vocab.__getitem__)
    expected = number_words(words)
    for word, number in vocab.items():
        if number != expected[word]:
            told = f"{expected[word]} (words 1 to N, then <pad> 0, <unk> N+1, <start> N+2, <end> N+3)"
            raise FormatError(f"{source}: {word!r} has number {number}; expected {told}")
    return vocab


def read_homework(path: str | Path, *, on_bad: OnBad = "raise", need_images: bool = True) -> Dataset:
    """Read `{train,val,test}_data.json` and `vocab.json`; captions come as their words with spaces between.

    Paths start from the files' folder and must stay below the folder above it.
    """
    folder = Path(path)
    report = Report(on_bad)
    vocab = read_vocab(folder / "vocab.json")
    words = {number: word for word, number in vocab.items()}
    gallery = Gallery(folder.absolute().parent, report, need_images=need_images)
    files = {split: folder / f"{split}_data.json" for split in SPLITS}
    files = {split: file for split, file in files.items() if file.is_file()}
    if not files:
        raise FormatError(f"{shorten(folder)}: expected {{train,val,test}}_data.json in it")
    seen: set[str] = set()
    records = (r for split, file in files.items() for r in read_split(file, split, words, gallery, seen))
    return Dataset(records, format="homework", folder=folder, report=report)


def read_split(
    file: Path, split: str, words: Mapping[int, str], gallery: Gallery, seen: set[str]
) -> Iterator[Record]:
    report = gallery.report
    images: list[Any] = []
    captions: list[Any] = []
    for key, value in read_members(file, report, inside=("IMAGES", "CAPTIONS")):
        if key == "IMAGES":
            images.append(value)
        elif key == "CAPTIONS":
            captions.append(spell_out(value, words, file, f"CAPTIONS {len(captions)}", report))
    each, rest = divmod(len(captions), len(images)) if images else (0, len(captions))
    if rest or (images and not each):
        expected = f"the same number for each of {len(images)} IMAGES, not {len(captions)}"
        report.bad(Bad.WRONG_TYPE, file, "CAPTIONS", expected)
        return
    for place, image in enumerate(images):
        where = f"IMAGES {place}"
        media = find_image(image, file, where, gallery)
        texts = tuple(text for text in captions[place * each : (place + 1) * each] if text)
        if media is None or not texts:
            continue
        name = os.path.basename(media)  # noqa: PTH119  the path is text, as in Record
        if report.first(name, seen, file, where, f"each picture once, not {name!r} again"):
            yield Record(name, media, texts, split, group=product_in(name))


def spell_out(numbers: Any, words: Mapping[int, str], file: Path, where: str, report: Report) -> str | None:
    """The words of one caption, or None once the reason is reported."""
    if not isinstance(numbers, list) or any(type(number) is not int for number in numbers):
        report.bad(Bad.WRONG_TYPE, file, where, "a list of whole numbers")
    elif stranger := [number for number in numbers if number not in words]:
        report.bad(Bad.WRONG_TYPE, file, where, f"numbers of vocab.json, not {stranger[0]}")
    elif text := " ".join(word for n in numbers if (word := words[n]) not in (PAD, START, END)):
        return text
    else:
        report.bad(Bad.EMPTY_CAPTION, file, where, "a caption of at least one word")
    return None


def find_image(image: Any, file: Path, where: str, gallery: Gallery) -> str | None:
    """A path as they write it, `../dataset/...` from the file's folder, below the gallery's root."""
    if not isinstance(image, str) or not image:
        gallery.report.bad(Bad.WRONG_TYPE, file, where, "the path of a picture")
        return None
    if os.path.isabs(image):  # noqa: PTH117
        expected = f"a path relative to {shorten(file.parent)}, not {image!r}"
        gallery.report.bad(Bad.OUTSIDE, file, where, expected)
        return None
    inside = os.path.relpath(os.path.join(file.parent, image), gallery.root)  # noqa: PTH118
    return gallery.find(inside.replace(os.sep, "/"), file, where)


def write_homework(
    folder: str | Path, splits: Mapping[str, Mapping[str, Sequence[Sequence[int]]]], vocab: Mapping[str, int]
) -> None:
    """Write `{split: {picture: [captions as numbers]}}` and the vocabulary as their own code does."""
    folder = Path(folder)
    for split, pictures in splits.items():
        file = folder / f"{split}_data.json"
        counts = {len(captions) for captions in pictures.values()}
        if len(counts) > 1 or 0 in counts:
            told = f"pictures have {sorted(counts)} captions; expected equally many"
            raise FormatError(f"{shorten(file)}: {told}")
        images = [path_from(picture, folder) for picture in pictures]
        captions = [list(caption) for several in pictures.values() for caption in several]
        write_json(file, {"IMAGES": images, "CAPTIONS": captions})
    write_json(folder / "vocab.json", dict(vocab))


def path_from(picture: str, folder: Path) -> str:
    """A picture's path as it is written from a folder: forward slashes, never absolute."""
    if not os.path.isabs(picture):  # noqa: PTH117
        return picture
    return os.path.relpath(picture, folder.absolute()).replace(os.sep, "/")
