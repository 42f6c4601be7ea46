"""`python -m lib data check NAME|FOLDER`: what lies there, what is wrong, where its authors publish it."""

import argparse
import json
from typing import Any

from lib.data.formats.catalogue import KNOWN_DATASETS
from lib.data.formats.opening import READERS, open_dataset
from lib.data.formats.report import UNASSIGNED, Dataset, NoPictures, printable
from lib.data.images import ImageError, load_image
from lib.data.record import SPLITS
from lib.data.split import leaks
from lib.files import FileError
from lib.paths import shorten

SHOWN = 3  # example records


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `check` and its options."""
    actions = parser.add_subparsers(dest="action", required=True)
    check = actions.add_parser("check", help="say what a dataset folder holds, and what is wrong or missing")
    check.add_argument(
        "dataset", metavar="NAME|FOLDER", help=f"a folder, or one of {', '.join(KNOWN_DATASETS)}"
    )
    check.add_argument("--format", choices=list(READERS), help="read it as this, instead of recognising it")
    check.add_argument("--captions-only", action="store_true", help="do not ask for the pictures")
    check.add_argument("--open-pictures", action="store_true", help="load each picture too (slow)")
    check.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """0 where all is well, 1 where something is bad or missing."""
    found = examine(args.dataset, args.format, not args.captions_only, args.open_pictures)
    print(json.dumps(found, indent=2, ensure_ascii=True) if args.json else findings_as_text(found))
    return 0 if found["ok"] else 1


def examine(name: str, format: str | None, need_images: bool, open_pictures: bool) -> dict[str, Any]:
    """Everything the check has to say, as plain data."""
    known = KNOWN_DATASETS.get(name)
    found: dict[str, Any] = {"dataset": name, "ok": False}
    if known:
        found |= {"expected": list(known.layout), "get": known.get}
    problems: dict[str, Any] = {}
    try:
        try:
            dataset = open_dataset(name, format=format, on_bad="skip", need_images=need_images)
        except NoPictures as error:
            problems["no pictures"] = {"count": 1, "examples": [str(error)]}
            dataset = open_dataset(name, format=format, on_bad="skip", need_images=False)
    except FileError as error:
        return found | {"error": str(error)}
    except OSError as error:  # a file that may not be read, a disk that fails
        return found | {"error": f"{shorten(error.filename or name)}: {error.strerror or error}"}
    found |= summarise(dataset)
    if open_pictures and need_images and not problems and (broken := broken_pictures(dataset)):
        problems["broken picture"] = {"count": len(broken), "examples": broken[:SHOWN]}
    found["problems"] |= problems
    if not dataset and not found["problems"]:
        example = f"{found['folder']}: expected at least one picture with its captions"
        found["problems"]["nothing in it"] = {"count": 1, "examples": [example]}
    return found | {"ok": not found["problems"]}


def summarise(dataset: Dataset) -> dict[str, Any]:
    """Counts, examples, leaks and problems of a dataset that could be read."""
    splits = {}
    for split, pictures in dataset.sizes.items():
        captions = sum(len(record.captions) for record in dataset if record.split == split)
        splits[split] = {"pictures": pictures, "captions": captions}
    report = dataset.report
    summary: dict[str, Any] = {"format": dataset.format, "folder": shorten(dataset.folder), "splits": splits}
    if {"train", "test"} <= splits.keys():
        leak = leaks(dataset.split("train"), dataset.split("test"))
        if leak.product:
            summary["leak"] = {"product": round(leak.product, 4), "outfit": round(leak.outfit, 4)}
    summary["examples"] = [{"id": r.id, "captions": list(r.captions)} for r in dataset[:SHOWN]]
    missing = [split for split in SPLITS if split not in splits]
    partly = missing and splits.keys() - {UNASSIGNED}  # without any it is a collection of pictures
    told = [f"it names no pictures for {' and '.join(missing)}"] if partly else []
    summary["notes"] = [*report.notes, *told]
    counts, examples = report.counts.items(), report.examples
    return summary | {"problems": {why: {"count": n, "examples": examples[why]} for why, n in counts}}


def broken_pictures(dataset: Dataset) -> list[str]:
    """One line for each picture that cannot be loaded."""
    broken = []
    for record in dataset:
        try:
            load_image(record.path)
        except ImageError as error:
            broken.append(printable(str(error)))
    return broken


def findings_as_text(found: dict[str, Any]) -> str:
    """The same for a person."""
    if "error" in found:
        lines = [f"{found['dataset']}: {found['error']}"]
    else:
        lines = [f"{found['folder']}: format {found['format']}"]
        for split, count in found["splits"].items():
            lines.append(f"  {split:<11}{count['pictures']:>9,} pictures {count['captions']:>9,} captions")
        for example in found["examples"]:
            caption = example["captions"][0] if example["captions"] else "(no caption)"
            lines.append(f"  for example {example['id']}: {caption[:90]}")
        if leak := found.get("leak"):
            lines.append(
                f"  leak: {leak['product']:.0%} of the test pictures show a product of train, "
                f"{leak['outfit']:.0%} the same outfit (split_by_product makes a split without it)"
            )
        lines += [f"  note: {note}" for note in found["notes"]]
        for reason, problem in found["problems"].items():
            lines.append(f"  problem: {reason}, {problem['count']} times")
            lines += [f"    {example}" for example in problem["examples"]]
        lines.append("  all is well" if found["ok"] else "  see the problems above")
    if "expected" in found and found["get"] not in lines[0] and not found["ok"]:
        lines.append(f"  expected: {'; '.join(found['expected'])}")
        lines.append(f"  published at: {found['get']}")
    return "\n".join(lines)
