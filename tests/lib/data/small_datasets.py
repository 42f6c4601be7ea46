"""Small datasets in every format, right or wrong in one row."""

import json
from pathlib import Path

GOOD = [("a.jpg", "A red dress."), ("b.jpg", "A blue shirt."), ("c.jpg", "Wide trousers, black.")]


def encode(value) -> bytes:
    """JSON that may hold bytes which are not UTF-8 (as lone surrogates)."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogateescape")


def write_deepfashion_rows(folder: Path, rows) -> Path:
    members = b",\n".join(encode(name) + b": " + encode(caption) for name, caption in rows)
    (folder / "train_captions.json").write_bytes(b"{" + members + b"}")
    return folder / "train_captions.json"


def write_tabs(folder: Path, rows) -> Path:
    lines = ["image\tcaption_id\tcaption", *(f"{name}\t0\t{caption}" for name, caption in rows)]
    (folder / "captions.txt").write_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))
    return folder / "captions.txt"


def write_tokens(folder: Path, rows) -> Path:
    lines = [f"{name}#0\t{caption}" for name, caption in rows]
    (folder / "Flickr8k.token.txt").write_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))
    return folder / "Flickr8k.token.txt"


def write_commas(folder: Path, rows) -> Path:
    lines = ["image,caption", *(f'{name},"{caption}"' for name, caption in rows)]
    (folder / "captions.txt").write_bytes("\r\n".join(lines).encode("utf-8", "surrogateescape"))
    return folder / "captions.txt"


def write_coco(folder: Path, rows) -> Path:
    """A file name met again is the same image id again."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(name for name, _ in rows), start=7)}
    images = [{"id": numbers[name], "file_name": name, "height": 8} for name, _ in rows]
    captions = dict(rows)
    annotations = [
        {"id": 100 + i, "image_id": numbers[n], "caption": c} for i, (n, c) in enumerate(captions.items())
    ]
    file = folder / "annotations" / "captions_val2014.json"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(encode({"info": {}, "images": images, "licenses": [], "annotations": annotations}))
    return file


def write_karpathy(folder: Path, rows) -> Path:
    images = []
    for i, (name, caption) in enumerate(rows):
        sentences = [{"raw": caption, "sentid": i}]
        images.append({"filename": name, "imgid": i, "split": "val", "sentids": [i], "sentences": sentences})
    (folder / "dataset_flickr8k.json").write_bytes(encode({"images": images, "dataset": "flickr8k"}))
    return folder / "dataset_flickr8k.json"


WRITERS = {
    "deepfashion": write_deepfashion_rows,
    "flickr-tabs": write_tabs,
    "flickr-tokens": write_tokens,
    "flickr-commas": write_commas,
    "coco": write_coco,
    "karpathy": write_karpathy,
}


def add_pictures(folder: Path, names=tuple(name for name, _ in GOOD)) -> None:
    """Empty files: readers list pictures without opening them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
