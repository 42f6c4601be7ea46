"""`python -m lib score`: score a file of captions against a file of references."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from lib.data.text import tokenize
from lib.files import read_json, write_json
from lib.paths import resolve
from lib.score.cider import DocumentFrequencies
from lib.score.evaluate import evaluate
from lib.score.pairs import ScoreError, tokenize_references


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m lib score`."""
    captions = "COCO's JSON (annotations or results) or {id: text or [texts]}"
    parser.add_argument("--references", required=True, metavar="FILE", help=captions)
    parser.add_argument("--candidates", required=True, metavar="FILE", help=f"{captions}; one text each")
    parser.add_argument("--json", metavar="OUT", help="write the scores here too")
    frequencies = "captions that CIDEr-D takes its document frequencies from"
    parser.add_argument("--frequencies", metavar="FILE", help=frequencies)
    parser.add_argument("--end-token", action="store_true", help="count the end of a caption in CIDEr-D")
    parser.add_argument("--resamples", type=int, default=1000, help="for the intervals; 0 leaves them out")


def run(args: argparse.Namespace) -> int:
    """Score, print a table, write the JSON."""
    candidates = read_candidates(resolve(args.candidates))
    references = read_caption_file(resolve(args.references))
    frequencies = None
    if args.frequencies:
        groups = tokenize_references(read_caption_file(resolve(args.frequencies)), tokenize)
        frequencies = DocumentFrequencies.of(groups, end_token=args.end_token)
    how = {"end_token": args.end_token, "resamples": args.resamples}
    scores = evaluate(candidates, references, document_frequencies=frequencies, **how)
    print(spell_scores(scores))
    if args.json:
        write_json(resolve(args.json), scores, indent=1)
    return 0


def read_candidates(path: Path) -> dict[str, str]:
    """One caption an id."""
    captions = read_caption_file(path)
    several = next((key for key, texts in captions.items() if len(texts) != 1), None)
    if several is not None:
        raise ScoreError(f"{path}: {several} has {len(captions[several])} captions; a candidate is one")
    return {key: texts[0] for key, texts in captions.items()}


def read_caption_file(path: Path) -> dict[str, list[str]]:
    """Captions by id from COCO's annotations or results, or a plain mapping; ids as text."""
    content = read_json(path)
    rows = content.get("annotations") if isinstance(content, Mapping) else content
    if isinstance(rows, list):
        return collect_rows(path, rows)
    if not isinstance(content, Mapping):
        raise ScoreError(f"{path}: expected COCO's annotations or results, or {{id: text or [texts]}}")
    captions = {key: [texts] if isinstance(texts, str) else texts for key, texts in content.items()}
    for key, texts in captions.items():
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ScoreError(f"{path}: {key}: expected a text or a list of texts")
    return captions


def collect_rows(path: Path, rows: list) -> dict[str, list[str]]:
    """Captions by id from rows of {image_id, caption}."""
    captions: dict[str, list[str]] = {}
    for number, row in enumerate(rows):
        good = isinstance(row, Mapping) and isinstance(row.get("caption"), str)
        if not good or type(row.get("image_id")) not in (int, str):
            raise ScoreError(f"{path}: row {number}: expected image_id (whole number or text) and caption")
        captions.setdefault(str(row["image_id"]), []).append(row["caption"])
    return captions


def spell_scores(scores: dict) -> str:
    """One line a score, with its interval where it has one."""
    lines = [f"{'score':<22}{'value':>9}   95 % interval"]
    for key, value in scores.items():
        if isinstance(value, float):
            low_high = scores.get(f"{key}_ci")
            shown = f"   {low_high[0]:.4f} .. {low_high[1]:.4f}" if low_high else ""
            lines.append(f"{key:<22}{value:>9.4f}{shown}")
    return "\n".join([*lines, *scores.get("notes", {}).values()])
