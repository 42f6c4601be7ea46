"""`python -m lib index`: build, grow, shrink and search a gallery of pictures."""

import argparse
import json
from collections.abc import Callable
from contextlib import nullcontext
from functools import cache
from typing import Any

from lib.index.embed import embed_folder, embed_lines
from lib.index.embeddings import Embeddings, GalleryError, read_embeddings
from lib.index.qdrant import open_qdrant
from lib.index.store import build_index, open_index, unit
from lib.paths import resolve

ACTIONS = {
    "build": ("make an index of pictures", "source --out --model --recall --store"),
    "add": ("add pictures to an index", "index source --model --store"),
    "remove": ("remove pictures from an index", "index ids --store"),
    "search": ("find pictures", "index text --k --image --weight --json --recall --model --store"),
    "calibrate": ("learn which scores say that nothing fits", "index --unrelated --related --model"),
}
OPTIONS = {
    "index": {"metavar": "DIR", "help": "the folder of the index"},
    "source": {"metavar": "IMAGES|FEATURES", "help": "a folder of pictures, or a file of embeddings"},
    "ids": {"metavar": "ID", "nargs": "+", "help": "a picture, as the search prints it"},
    "text": {"metavar": "TEXT", "nargs": "?", "help": "what to look for"},
    "--out": {"metavar": "DIR", "dest": "index", "required": True, "help": "where to make it"},
    "--model": {"metavar": "DIR", "help": "the retriever's checkpoint (else the one it was built with)"},
    "--recall": {"type": float, "help": "share of the true first 10 to find (0.95, or as built); 1 is exact"},
    "--store": {"metavar": "qdrant:URL|FOLDER", "help": "keep it in Qdrant, as a collection named like DIR"},
    "--k": {"type": int, "default": 10, "help": "pictures to find (%(default)s)"},
    "--image": {"metavar": "FILE", "help": "look for pictures like this one"},
    "--weight": {"type": float, "default": 0.5, "help": "of the text beside the picture (%(default)s)"},
    "--json": {"action": "store_true", "help": "print one JSON object"},
    "--unrelated": {"metavar": "FILE", "required": True, "help": "texts that no picture fits, one a line"},
    "--related": {"metavar": "FILE", "help": "texts that some picture fits, one a line"},
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions of `python -m lib index` and their options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, (line, options) in ACTIONS.items():
        action = actions.add_parser(name, help=line, description=line)
        for option in options.split():
            action.add_argument(option, **OPTIONS[option])


def run(args: argparse.Namespace) -> int:
    store = vars(args).get("store")
    with open_qdrant(store) if store else nullcontext((build_index, open_index)) as calls:
        print(perform(args, *calls))
    return 0


def perform(args: argparse.Namespace, make: Callable, find: Callable) -> str:
    """One action on an index, which `make` makes and `find` opens; what is to be printed."""
    index = None if args.action == "build" else find(resolve(args.index))
    own, built_with = (None, None) if index is None else (index.model, index.checkpoint)  # one may be empty

    @cache
    def model(wanted: str | None = own) -> Any:
        if not (chosen := args.model or built_with):
            raise GalleryError("no model to embed with: give --model and its checkpoint's folder")
        from lib.models.retriever import open_retriever  # imports torch

        opened = open_retriever(resolve(chosen))
        if wanted not in (None, opened.fingerprint):
            raise GalleryError(f"{chosen}: of model {opened.fingerprint!r}, the index is of {wanted!r}")
        return opened

    if args.action == "build":
        embeddings = take_in(args.source, model)
        if args.model:
            model(embeddings.model)
        recall = 0.95 if args.recall is None else args.recall
        how = {} if args.store else {"recall": recall, "checkpoint": args.model}
        index = make(resolve(args.index), embeddings, **how)
    elif args.action == "add":
        index.add(take_in(args.source, model))
    elif args.action == "remove":
        index.remove(args.ids)
    elif args.action == "calibrate":
        files = (args.unrelated, args.related)
        index.calibrate(*(file and embed_lines(file, model()).vectors for file in files))
    else:
        return answer(args, index, model)
    return f"{args.index}: {len(index):,} pictures"


def take_in(source: str, model: Callable[[], Any]) -> Embeddings:
    """The embeddings in a file, or of the pictures in a folder."""
    path = resolve(source)
    return read_embeddings(path) if path.is_file() else embed_folder(source, model())


def answer(args: argparse.Namespace, index: Any, model: Callable[[], Any]) -> str:
    """What is found, as lines `score TAB id` or as JSON."""
    text = (args.text or "").strip()
    if not (text or args.image) or not 0 <= args.weight <= 1 or args.k < 1:
        raise GalleryError("expected a text or --image to look for, --k from 1, and --weight from 0 to 1")
    parts = [model().embed_texts([text])] if text else []
    parts += [model().embed_images([resolve(args.image)])] if args.image else []
    weights = [args.weight, 1 - args.weight] if len(parts) == 2 else [1]
    query = sum(weight * unit(part) for weight, part in zip(weights, parts, strict=True))
    scores, ids = index.search(query, args.k, args.recall)
    absent = index.nothing_fits(float(scores[0, 0])) if scores.size and not args.image else None
    found = [{"id": id, "score": float(score)} for id, score in zip(ids[0], scores[0], strict=True)]
    if args.json:
        return json.dumps({"text": args.text, "image": args.image, "results": found, "nothing_fits": absent})
    lines = [f"{row['score']:.4f}\t{row['id']}" for row in found]
    return "\n".join(lines + ([] if absent is None else [f"nothing fits: {absent:.0%}"]))
