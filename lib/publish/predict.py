"""`python -m lib predict`: captions of pictures or clips, folders and lists of them.

Light to import: torch is loaded when there is something to caption.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib.data.films import is_film
from lib.data.formats.folder import walk_folder
from lib.data.formats.gallery import Gallery, is_picture
from lib.data.formats.report import Report, printable
from lib.files import FileError, write_json, write_text
from lib.paths import resolve
from lib.progress import Progress

if TYPE_CHECKING:
    from lib.models.decoding import Decoding
    from lib.publish.captioning import Prediction

SOME_FAILED = 1
BEAM = 5
METHODS = ("beam", "sample", "greedy")
ONLY_FOR = {"k": "beam", "length_penalty": "beam"}
ONLY_FOR |= dict.fromkeys(("temperature", "top_k", "top_p", "seed"), "sample")
ESCAPED = str.maketrans({"\t": r"\t", "\n": r"\n", "\r": r"\r"})  # a line has one path and one caption


class OptionError(FileError):
    """An option, or a list of pictures, that makes no sense."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m lib predict`."""
    parser.epilog = (
        "Lines `path TAB caption` go to the standard output, with --n-best above 1 `path TAB score TAB "
        "caption`, the best first. Relative paths start at the project's folder. Exit code: 0 where every "
        "picture has its caption; 1 where some could not be read (each is named in one line, the others go "
        "on); 2 where nothing could be begun."
    )
    pictures = "a picture or, where the model is one of clips, a clip; a folder of them (sub-folders too, "
    pictures += "sorted by name), or - for paths from standard input"
    checkpoint = "a run, one of its variants or a checkpoint in it, such as output/model_ckpt/attn"
    parser.add_argument("pictures", nargs="+", metavar="IMAGE|FOLDER|-", help=f"{pictures}, one a line")
    parser.add_argument("--checkpoint", required=True, metavar="DIR", help=checkpoint)
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--json", metavar="OUT", help="write {path, captions, scores} of each here instead")
    for_scores = "write {file name: its best caption} here instead, which `python -m lib score` takes"
    instead.add_argument("--captions", metavar="OUT", help=for_scores)
    for_players = "clips: a caption for each scene with its times, as players read it, DIR/NAME.srt a clip"
    instead.add_argument("--srt", metavar="DIR", help=for_players)
    parser.add_argument("--method", choices=METHODS, default="beam", help="(%(default)s)")
    parser.add_argument("--k", type=int, help=f"width of the beam ({BEAM})")
    parser.add_argument("--length-penalty", type=float, help="beam: above 1 favours longer captions (1.0)")
    parser.add_argument("--n-best", type=int, default=1, help="captions a picture (%(default)s)")
    parser.add_argument("--temperature", type=float, help="sample: above 1 is more daring (1.0)")
    parser.add_argument("--top-k", type=int, help="sample: only so many of the likeliest words (0: all)")
    parser.add_argument("--top-p", type=float, help="sample: only words that hold so much probability (1.0)")
    parser.add_argument("--seed", type=int, help="sample: another seed draws other captions (0)")
    parser.add_argument("--max-len", type=int, help="words, the end included (60, or all the decoder knows)")
    parser.add_argument("--batch-size", type=int, default=32, help="pictures held at a time (%(default)s)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1 or mps (%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Caption everything. Whatever can be wrong is found before the first picture is opened."""
    import torch

    from lib.models.clip_encoder import ClipEncoder
    from lib.publish.captioning import longest, open_captioner, predict

    decoding = choose_decoding(args)
    if out := args.json or args.captions:
        check_place(resolve(out))
    model = open_captioner(args.checkpoint, args.device)
    of_clips = isinstance(model.encoder, ClipEncoder)
    paths, total = find_pictures(args.pictures, is_film if of_clips else is_picture)
    if args.srt and not of_clips:
        raise OptionError("--srt: this model captions pictures; scenes are for a model of clips")
    length = longest(model, decoding.max_length)
    if args.max_len not in (None, length):
        raise OptionError(f"--max-len {args.max_len} is too long; this decoder knows {length} words")
    decoding = replace(decoding, max_length=length)
    if args.srt:
        return write_subtitles(model, paths, decoding, resolve(args.srt))
    how = {"batch_size": args.batch_size, "generator": torch.Generator().manual_seed(args.seed or 0)}
    predictions = predict(model, paths, decoding, **how)
    rows, failed = deliver(predictions, total, args)
    if out:
        write_json(resolve(out), rows if args.json else by_name(rows), indent=1)
    return SOME_FAILED if failed else 0


def write_subtitles(model: Any, paths: Iterable[str], decoding: "Decoding", folder: Path) -> int:
    """A file for each clip; one that cannot be read is named, and the others go on."""
    from lib.publish.captioning import subtitles

    failed = 0
    for path in paths:
        try:
            out = write_text(folder / f"{Path(path).stem}.srt", subtitles(model, path, decoding))
            print(f"{printable(path)}: {printable(str(out))}")
        except FileError as error:
            failed += 1
            print(f"lookbook predict: {printable(str(error))}", file=sys.stderr)
    return SOME_FAILED if failed else 0


def choose_decoding(args: argparse.Namespace) -> "Decoding":
    """The search that was asked for; an option that it would not heed is refused."""
    from lib.models.decoding import Decoding

    for name, method in ONLY_FOR.items():
        if getattr(args, name) is not None and args.method != method:
            raise OptionError(f"{flag(name)} is for --method {method}, not {args.method}")
    for name in ("k", "n_best", "max_len", "batch_size"):
        if getattr(args, name) is not None and getattr(args, name) < 1:
            raise OptionError(f"{flag(name)} must be at least 1, not {getattr(args, name)}")
    wide = BEAM if args.k is None else args.k
    if args.method == "beam" and args.n_best > wide:
        raise OptionError(f"--n-best {args.n_best} is more than --k {wide}")
    if args.method == "greedy" and args.n_best > 1:
        raise OptionError(f"--n-best {args.n_best} needs --method beam or sample; greedy finds one caption")
    names = {"k": "beam"} | {name: name for name in ("length_penalty", "temperature", "top_k", "top_p")}
    given = {name: getattr(args, option) for option, name in names.items()} | {"max_length": args.max_len}
    several = {"beam": "n_best", "sample": "samples"}.get(args.method)
    given |= {several: args.n_best} if several else {}
    return Decoding(method=args.method, **{name: value for name, value in given.items() if value is not None})


def flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def check_place(path: Path) -> None:
    """A file can be written there, which is better known now than after an hour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise OptionError(f"{path}: cannot be written; expected the name of a file")


def find_pictures(sources: Sequence[str], wanted: Callable[[str], bool]) -> tuple[Iterator[str], int | None]:
    """Paths in the order of the sources, and how many; None where standard input will say."""
    found = [read_names() if source == "-" else expand(source, wanted) for source in sources]
    total = None if "-" in sources else sum(map(len, found))
    paths = chain.from_iterable(found)
    first = next(paths, None)
    if first is None:
        raise OptionError("no pictures: standard input names none; expected a path on each line")
    return chain([first], paths), total


def expand(source: str, wanted: Callable[[str], bool]) -> list[str]:
    """What is wanted in a folder, or the one file; whether that can be read is seen when its turn comes."""
    folder = resolve(source)
    if not folder.is_dir():
        return [source]
    report = Report("raise")
    names = sorted(name for name, _ in walk_folder(Gallery(folder, report), wanted))
    for note in report.notes:
        print(f"lookbook predict: {printable(note)}", file=sys.stderr)
    if not names:
        kind = "pictures" if wanted is is_picture else "clips"
        expected = {"pictures": ".jpg, .png, .webp", "clips": ".mp4, .webm, .gif"}[kind]
        raise OptionError(f"{source}: no {kind} in it; expected {expected} or the like")
    return [f"{source.rstrip('/')}/{name}" for name in names]


def read_names() -> Iterator[str]:
    """Paths from standard input, each when it is needed; a name need not be UTF-8."""
    for line in sys.stdin.buffer:
        if name := os.fsdecode(line.rstrip(b"\r\n")):
            yield name


def deliver(
    predictions: Iterable["Prediction"], total: int | None, args: argparse.Namespace
) -> tuple[list[dict[str, Any]], int]:
    """Print each as it comes, or collect the rows for a file; how many failed comes along. There is a
    progress line unless captions scroll past on a terminal, or there is but one picture."""
    rows, failed, kept = [], 0, args.json or args.captions
    plain = total == 1 or (sys.stdout.isatty() and not kept)
    progress = None if plain else Progress("captioning", total, "pictures")
    with progress or contextlib.nullcontext():
        for prediction in predictions:
            if prediction.trouble is not None:
                failed += 1
                if progress:
                    progress.end()
                print(f"lookbook predict: {prediction.trouble}", file=sys.stderr)
            elif kept:
                said = {"captions": list(prediction.captions), "scores": list(prediction.scores)}
                rows.append({"path": prediction.path, **said})
            else:
                print(*lines(prediction, with_scores=args.n_best > 1), sep="\n", flush=True)
            if progress:
                progress.update(**({"unreadable": failed} if failed else {}))
    return rows, failed


def by_name(rows: list[dict[str, Any]]) -> dict[str, str]:
    """The best caption of each picture, known by its file's name."""
    captions: dict[str, str] = {}
    for row in rows:
        if (name := Path(row["path"]).name) in captions:
            raise OptionError(f"--captions: two pictures are called {printable(name)}")
        captions[name] = row["captions"][0]
    return captions


def lines(prediction: "Prediction", *, with_scores: bool) -> Iterator[str]:
    """`path TAB caption`, or `path TAB score TAB caption`."""
    path = prediction.path.encode("utf-8", "backslashreplace").decode("utf-8").translate(ESCAPED)
    for text, score in zip(prediction.captions, prediction.scores, strict=True):
        yield "\t".join([path, f"{score:.4f}", text] if with_scores else [path, text])
