"""EasyNLP's commands for video to text, with the arguments that its README gives them.

    python -m originals.easynlp --mode=train --tables=TRAIN,VALID --checkpoint_dir=DIR ...
    python -m originals.easynlp --mode=predict --tables=TEST --checkpoint_dir=DIR --outputs=FILE ...
    python -m originals.easynlp pack CLIPS --out TABLE --captions captions.json
    python -m originals.easynlp unpack TABLE --out DIR

`train` learns from a table of clips, anew or from the folder of an earlier run, `evaluate` scores what a run
says of a table, `predict` writes it. `pack` makes a table of films, GIFs and folders of frames. Relative
paths start at the project's folder.
"""

import argparse
import sys
from dataclasses import dataclass
from typing import Literal, get_args, get_type_hints

from lib.config import ConfigError, read_settings, unknown
from lib.data.formats.easynlp import parse_schema
from lib.data.formats.report import printable

BAD_INPUT = 2
SCHEMA = "idx:str:1,imgbase64:str:1,text:str:1"
# option, how it is shown, default, what it says; the defaults are those of the README's commands
OPTIONS = (
    ("--tables", "FILE[,FILE]", None, "train: to learn from, and to validate by; else the last one counts"),
    ("--input_schema", "SCHEMA", SCHEMA, "names of the table's fields (%(default)s)"),
    ("--first_sequence", "NAME", "imgbase64", "the field of frames (%(default)s)"),
    ("--second_sequence", "NAME", None, "the field of text, which predict does without (text)"),
    ("--checkpoint_dir", "DIR", None, "where train leaves the model, and the others find it"),
    ("--outputs", "FILE", None, "where predict writes"),
    ("--output_schema", "NAMES", "idx,gen_text", "fields of a line of it (%(default)s)"),
    ("--append_cols", "NAMES", "", "further fields of the input that stand behind them"),
    ("--app_name", "NAME", "video2text_generation", "which is all there is"),
    ("--user_defined_parameters", "'A=B ...'", "", "see below"),
)
NUMBERS = (
    ("--learning_rate", float, 4e-5, "at its highest"),
    ("--epoch_num", int, 1, "times that train sees all"),
    ("--random_seed", int, 42, "of everything"),
    ("--logging_steps", int, 100, "from one row of history.csv to the next"),
    ("--save_checkpoint_steps", int, 200, "from one kept step-N to the next, beside best and last"),
    ("--sequence_length", int, None, "img_len + text_len, and nothing else"),
    ("--micro_batch_size", int, 8, "clips at once, on each process"),
)
# what has no place here, and why not
NO_PLACE = {
    "--worker_gpu": "`accelerate launch -m originals.easynlp ...` runs several processes",
    "--local_rank": "accelerate tells each process which one it is",
}
EPILOG = """parameters; those that train goes without have the README's values, or those of an earlier run:
  frame_num=4                  frames of a clip (3); any clip may have more or fewer
  frame_choice=uniform         or first, as EasyNLP itself has it
  vit_ckpt_path=DIR            a CLIP that transformers saved, or an eye of notebook 00
  pretrain_model_name_or_path= a tokenizer's folder, a vocab.json, or the --checkpoint_dir of an earlier run
  img_size=224 img_len=256 text_len=32 block_size=288 n_layer=12 n_head=12 n_embd=768
  enable_img_path=True img_root_dir=DIR    frames are paths of pictures below that folder
  max_generated_num=4          texts that predict writes of each clip (1)
"""


@dataclass(frozen=True, kw_only=True)
class ClipParameters:
    """What `--user_defined_parameters` may hold; None is the README's value, or that of an earlier run."""

    frame_num: int | None = None
    frame_choice: Literal["uniform", "first"] | None = None
    vit_ckpt_path: str = ""
    pretrain_model_name_or_path: str = ""
    img_size: int = 224
    img_len: int = 256
    text_len: int = 32
    block_size: int | None = None
    n_layer: int | None = None
    n_head: int | None = None
    n_embd: int | None = None
    enable_img_path: bool = False
    img_root_dir: str = ""
    max_generated_num: int = 1


def read_clip_parameters(text: str) -> ClipParameters:
    """`a=b c=d=e`, names and types strict; a value may hold `=`."""
    hints, found = get_type_hints(ClipParameters), {}
    for part in text.split():
        name, equals, value = part.partition("=")
        if not equals or name in found:
            raise ConfigError(f"--user_defined_parameters: {part!r}: expected name=value, each name once")
        found[name] = value
        if int in (hints.get(name), *get_args(hints.get(name))) and value.isdecimal():
            found[name] = int(value)
        elif hints.get(name) is bool and value in ("True", "False"):
            found[name] = value == "True"
    if zero := [name for name, value in found.items() if value == 0 and value is not False]:
        raise ConfigError(f"{zero[0]} must be at least 1, not 0")
    return read_settings(ClipParameters, found)


def build_mode_parser() -> argparse.ArgumentParser:
    told = {"description": __doc__.strip(), "epilog": EPILOG, "prog": "python -m originals.easynlp"}
    how = {"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False}
    parser = argparse.ArgumentParser(**told, **how)
    parser.add_argument("--mode", required=True, choices=["train", "evaluate", "predict"])
    for option, shown, default, told in OPTIONS:
        parser.add_argument(option, metavar=shown, default=default, help=told)
    for option, kind, default, told in NUMBERS:
        told = told if default is None else f"{told} (%(default)s)"
        parser.add_argument(option, type=kind, default=default, metavar="N", help=told)
    parser.add_argument("--repr", action="store_true", help="write texts as EasyNLP does, str(list)")
    for option, reason in NO_PLACE.items():
        parser.add_argument(option, metavar="N", help=f"has no place: {reason}")
    return parser


def build_table_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m originals.easynlp")
    commands = parser.add_subparsers(dest="mode", required=True)
    pack = commands.add_parser("pack", help="make a table of clips", allow_abbrev=False)
    told = "a film, a GIF, a folder of frames, or a folder of such"
    pack.add_argument("clips", nargs="+", metavar="CLIPS", help=told)
    pack.add_argument("--frames", type=int, default=6, metavar="N", help="of a clip (%(default)s)")
    pack.add_argument("--choose", choices=["uniform", "first", "random"], default="uniform")
    pack.add_argument("--random_seed", type=int, default=42, metavar="N", help="of random (%(default)s)")
    told = 'JSON, {"film.mp4": ["text", ...]}: a line for each text; without it there is no field of text'
    pack.add_argument("--captions", metavar="FILE", help=told)
    unpack = commands.add_parser("unpack", help="make folders of a table's frames", allow_abbrev=False)
    unpack.add_argument("table", metavar="TABLE")
    unpack.add_argument("--input_schema", metavar="SCHEMA", default=SCHEMA, help="(%(default)s)")
    unpack.add_argument("--first_sequence", metavar="NAME", default="imgbase64", help="(%(default)s)")
    for command, told in ((pack, "the table"), (unpack, "for a folder of each clip and captions.json")):
        command.add_argument("--out", required=True, metavar="PLACE", help=told)
    return parser


def read_command(arguments: list[str]) -> argparse.Namespace:
    """The arguments, checked as far as they can be without opening a file."""
    if arguments[:1] and arguments[0] in ("pack", "unpack"):
        return build_table_parser().parse_args(arguments)
    args, odd = build_mode_parser().parse_known_args(arguments)
    if odd:
        raise ConfigError(unknown(odd[0], odd[0].partition("=")[0], [f"--{name}" for name in vars(args)]))
    for option, reason in NO_PLACE.items():
        if getattr(args, option.removeprefix("--")) is not None:
            print(f"{option} has no place here: {reason}")
    if args.app_name != "video2text_generation":
        raise ConfigError(f"--app_name {args.app_name}: expected video2text_generation")
    needed = ("tables", "checkpoint_dir", *(["outputs"] if args.mode == "predict" else []))
    if absent := [f"--{name}" for name in needed if not getattr(args, name)]:
        raise ConfigError(f"--mode={args.mode} needs {' and '.join(absent)}")
    if args.mode != "predict" and args.second_sequence is None:
        args.second_sequence = "text"
    parse_schema(
        args.input_schema, args.first_sequence, *([args.second_sequence] if args.second_sequence else [])
    )
    args.tables = args.tables.split(",")
    if args.mode == "train" and len(args.tables) != 2:
        raise ConfigError(f"--tables: expected two, TRAIN,VALID, not {len(args.tables)}")
    args.clip = clip = read_clip_parameters(args.user_defined_parameters)
    if args.sequence_length not in (None, clip.img_len + clip.text_len):
        lengths = f"img_len {clip.img_len} + text_len {clip.text_len}"
        raise ConfigError(f"--sequence_length {args.sequence_length}: expected {lengths}")
    if clip.enable_img_path != bool(clip.img_root_dir):
        raise ConfigError("enable_img_path=True and img_root_dir=DIR belong together")
    return args


def main(arguments: list[str] | None = None) -> int:
    """0, or 2 where something given is wrong, said in one line."""
    try:
        args = read_command(sys.argv[1:] if arguments is None else arguments)
        from originals import easynlp_runs

        easynlp_runs.COMMANDS[args.mode](args)
    except (ValueError, OSError) as error:  # all that lib raises for a user to put right are ValueErrors
        print(f"easynlp: {printable(str(error))}", file=sys.stderr)
        return BAD_INPUT
    return 0


if __name__ == "__main__":
    sys.exit(main())
