"""How well each score agrees with people: Kendall's tau-c against ratings in the format of Flickr8k-Expert.

    python -m benchmarks.people --ratings FILE --references FILE [--candidates FILE] [--json OUT]

A line is `picture id <tab> caption id <tab> rating <tab> rating <tab> rating`. A caption id is an id of the
candidates, or `picture#k`, the k-th reference of that picture. A caption that belongs to the rated picture is
left out (it would be compared with itself), and every rating counts singly: both as the literature does.
"""

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lib.data.text import tokenize
from lib.files import FileError, read_utf8, write_json
from lib.paths import resolve, some
from lib.score.cider import DocumentFrequencies
from lib.score.command import read_candidates, read_caption_file
from lib.score.evaluate import score_captions
from lib.score.pairs import ScoreError, Tokenizer, tokenize_references


@dataclass(frozen=True)
class Rated:
    """One caption shown with one picture, and what people thought of it."""

    picture: str
    caption: str
    ratings: tuple[float, ...]


def read_ratings(path: Path) -> list[Rated]:
    """The rows of a ratings file; a row that is not one is an error naming file and line."""
    rows = []
    for number, line in enumerate(read_utf8(path).splitlines(), start=1):
        if line.strip():
            rows.append(read_row(line))
            if rows[-1] is None:
                raise ScoreError(f"{path}:{number}: expected picture, caption id and ratings, tab-separated")
    if not rows:
        raise ScoreError(f"{path}: no ratings")
    return rows


def read_row(line: str) -> Rated | None:
    """One row, or None where it is not one: too few cells, or a rating that is no number."""
    picture, *rest = line.split("\t")
    try:
        caption, *ratings = rest
        numbers = tuple(float(rating) for rating in ratings)
    except ValueError:
        return None
    return Rated(picture, caption, numbers) if numbers and all(map(math.isfinite, numbers)) else None


def find_text(caption: str, candidates: Mapping, references: Mapping) -> str | None:
    """The text a caption id stands for; None where it is nowhere."""
    if caption in candidates:
        return candidates[caption]
    picture, _, position = caption.rpartition("#")
    texts = references.get(picture, ())
    return texts[int(position)] if position.isdecimal() and int(position) < len(texts) else None


def correlate(
    rows: Sequence[Rated],
    references: Mapping[str, Sequence[str]],
    candidates: Mapping[str, str] | None = None,
    tokenizer: Tokenizer = tokenize,
) -> dict:
    """`kendall_tau_c` of every score, and on how many pairs and ratings it rests."""
    texts = [find_text(row.caption, candidates or {}, references) for row in rows]
    unknown = [row.caption for row, text in zip(rows, texts, strict=True) if text is None]
    unknown += [row.picture for row in rows if row.picture not in references]
    if unknown:
        raise ScoreError(f"{len(unknown)} rated ids are in neither file: {some(unknown, 5)}")
    kept = [i for i, row in enumerate(rows) if texts[i] not in references[row.picture]]
    if not kept:
        raise ScoreError("every rated caption is a reference of its own picture")
    tokenised = tokenize_references(references, tokenizer)
    scores = score_captions(
        [texts[i] for i in kept],
        [references[rows[i].picture] for i in kept],
        document_frequencies=DocumentFrequencies.of(tokenised),
        tokenizer=tokenizer,
    )
    repeats = [len(rows[i].ratings) for i in kept]
    ratings = np.array([rating for i in kept for rating in rows[i].ratings])
    taus = {key: kendall_tau_c(np.repeat(values, repeats), ratings) for key, values in scores.items()}
    counts = {"pairs": len(kept), "ratings": ratings.size, "left_out": len(rows) - len(kept)}
    return counts | {"kendall_tau_c": taus}


def kendall_tau_c(x: np.ndarray, y: np.ndarray) -> float | None:
    """Kendall's tau-c; fast where y has few levels, as ratings do. None where either is constant."""
    levels, level = np.unique(y, return_inverse=True)
    smaller = min(levels.size, np.unique(x).size)
    if smaller < 2:
        return None
    surplus, below = 0, np.empty(0)
    for number in range(levels.size):
        mine = x[level == number]
        concordant = np.searchsorted(below, mine, side="left").sum()
        discordant = below.size * mine.size - np.searchsorted(below, mine, side="right").sum()
        surplus += int(concordant) - int(discordant)
        below = np.sort(np.concatenate([below, mine]))
    return 2 * surplus / (x.size**2 * (smaller - 1) / smaller)


def correlation_table(scores: dict) -> str:
    """The scores, best agreement first."""
    taus = scores["kendall_tau_c"]
    ordered = sorted(taus, key=lambda key: -2 if taus[key] is None else taus[key], reverse=True)
    lines = [f"{key:<22}" + ("   -" if taus[key] is None else f"{taus[key]:>9.4f}") for key in ordered]
    counts = "{pairs} captions, {ratings} ratings, {left_out} left out as their picture's own"
    return "\n".join([f"{'score':<22}{'tau-c':>9}", *lines, counts.format(**scores)])


def main(arguments: list[str] | None = None) -> int:
    """Correlate, print a table, write the JSON; bad input is one line and exit code 2."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.people", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--ratings", required=True, metavar="FILE", help="picture, caption id, ratings")
    parser.add_argument(
        "--references", required=True, metavar="FILE", help="as `python -m lib score` takes them"
    )
    parser.add_argument("--candidates", metavar="FILE", help="captions by the ids that were rated")
    parser.add_argument("--json", metavar="OUT", help="write the figures here too")
    args = parser.parse_args(arguments)
    try:
        candidates = read_candidates(resolve(args.candidates)) if args.candidates else {}
        references = read_caption_file(resolve(args.references))
        found = correlate(read_ratings(resolve(args.ratings)), references, candidates)
        if args.json:
            write_json(resolve(args.json), found, indent=1)
    except (ScoreError, FileError, OSError) as error:
        print(f"lookbook people: {error}", file=sys.stderr)
        return 2
    print(correlation_table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
