"""`python -m lib embed`: pictures or texts as vectors in one file, by any model of retrieval."""

import argparse
from typing import Any

import numpy as np

from lib.data.formats.folder import walk_folder
from lib.data.formats.gallery import Gallery
from lib.data.formats.report import Report
from lib.files import read_utf8
from lib.index.embeddings import Embeddings, GalleryError, write_embeddings
from lib.paths import resolve
from lib.progress import Progress

BATCH = 64  # pictures embedded at a time
OPTIONS = {
    "source": ("IMAGES|TEXTS", "a folder of pictures, or a file with a text a line", {}),
    "--model": ("NAME|CONFIG.json", "a checkpoint, a CLIP's folder, BEiT-3 by its size", {"required": True}),
    "--checkpoint": ("FILE", "BEiT-3's weights, as published or fine-tuned", {}),
    "--spm": ("FILE", "BEiT-3's sentencepiece model", {}),
    "--out": ("FILE", "where to: .safetensors, a vector and an id for each", {"required": True}),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    for name, (metavar, line, more) in OPTIONS.items():
        parser.add_argument(name, metavar=metavar, help=line, **more)


def run(args: argparse.Namespace) -> int:
    from lib.models.retriever import open_named

    model = open_named(args.model, args.checkpoint, args.spm)
    of_texts = resolve(args.source).is_file()
    found = embed_lines(args.source, model) if of_texts else embed_folder(args.source, model)
    write_embeddings(resolve(args.out), found)
    print(f"{args.out}: {len(found.ids):,} vectors of {found.vectors.shape[1]} numbers")
    return 0


def embed_folder(source: str, model: Any) -> Embeddings:
    """The pictures in a folder, with paths as the user gave them for ids."""
    path = resolve(source)
    names = sorted(name for name, _ in walk_folder(Gallery(path, Report("raise"))))
    if not names:
        raise GalleryError(f"{source}: no pictures in it; expected .jpg, .png, .webp or the like")
    vectors = []
    with Progress("embedding", len(names), "pictures") as progress:
        for start in range(0, len(names), BATCH):
            vectors.append(model.embed_images([path / name for name in names[start : start + BATCH]]))
            progress.update(len(vectors[-1]))
    ids = tuple(f"{source.rstrip('/')}/{name}" for name in names)
    return Embeddings(np.concatenate(vectors), ids, model.fingerprint)


def embed_lines(source: str, model: Any) -> Embeddings:
    """The lines of a file, each with itself for an id; equal ones stand once."""
    texts = list(dict.fromkeys(line for line in read_utf8(resolve(source)).splitlines() if line.strip()))
    if not texts:
        raise GalleryError(f"{source}: no text in it; expected one a line")
    return Embeddings(model.embed_texts(texts), tuple(texts), model.fingerprint)
