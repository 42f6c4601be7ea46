"""EasyNLP's commands for video to text, with the arguments that its README gives them.

    python -m originals.easynlp --mode=train --tables=TRAIN,VALID --checkpoint_dir=DIR ...
    python -m originals.easynlp --mode=predict --tables=TEST --checkpoint_dir=DIR --outputs=FILE ...
    python -m originals.easynlp pack CLIPS --out TABLE --captions captions.json
    python -m originals.easynlp unpack TABLE --out DIR

`train` learns from a table of clips, anew or from the folder of an earlier run, `evaluate` scores what a run
says of a table, `predict` writes it. `pack` makes a table of films, GIFs and folders of frames. Relative
paths start at the project's folder.

--user_defined_parameters; those that train goes without have the README's values, or those of an earlier run:
  frame_num=4                  frames of a clip (3); any clip may have more or fewer
  frame_choice=uniform         or first, as EasyNLP itself has it
  vit_ckpt_path=DIR            a CLIP that transformers saved, or an eye of notebook 00
  pretrain_model_name_or_path= a tokenizer's folder, a vocab.json, or the --checkpoint_dir of an earlier run
  img_size=224 img_len=256 text_len=32 block_size=288 n_layer=12 n_head=12 n_embd=768
  enable_img_path=True img_root_dir=DIR    frames are paths of pictures below that folder
  max_generated_num=4          texts that predict writes of each clip (1)
"""

import argparse
import sys
from dataclasses import dataclass
from typing import Literal, get_type_hints

from lib.config import ConfigError, read_settings, unknown
from lib.data.formats.easynlp import parse_schema
from originals.command_line import build_program, exit_code, tell_no_place

APP = "video2text_generation"
SCHEMA = ("--input_schema", str, "idx:str:1,imgbase64:str:1,text:str:1", "names of the table's fields")
FRAMES = ("--first_sequence", str, "imgbase64", "the field of frames")
# the defaults are those of the README's commands
OPTIONS = (
    ("--mode", ("train", "evaluate", "predict"), None, "what to do"),
    ("--tables", str, None, "train: TRAIN,VALID, to learn from and to validate by; else the last one counts"),
    SCHEMA,
    FRAMES,
    ("--second_sequence", str, None, "the field of text, which predict does without (text)"),
    ("--checkpoint_dir", str, None, "where train leaves the model, and the others find it"),
    ("--outputs", str, None, "where predict writes"),
    ("--output_schema", str, "idx,gen_text", "fields of a line of it"),
    ("--append_cols", str, "", "further fields of the input that stand behind them"),
    ("--app_name", str, APP, "which is all there is"),
    ("--user_defined_parameters", str, "", "'A=B ...', see above"),
    ("--learning_rate", float, 4e-5, "at its highest"),
    ("--epoch_num", int, 1, "times that train sees all"),
    ("--random_seed", int, 42, "of everything"),
    ("--logging_steps", int, 100, "from one row of history.csv to the next"),
    ("--save_checkpoint_steps", int, 200, "from one kept step-N to the next, beside best and last"),
    ("--sequence_length", int, None, "img_len + text_len, and nothing else"),
    ("--micro_batch_size", int, 8, "clips at once, on each process"),
    ("--repr", bool, False, "write texts as EasyNLP does, str(list)"),
    ("--worker_gpu", None, None, "`accelerate launch -m originals.easynlp ...` runs several processes"),
    ("--local_rank", None, None, "accelerate tells each process which one it is"),
)
TABLES = {
    "pack": (
        ("clips", list, None, "films, GIFs, folders of frames, or folders of such"),
        ("--frames", int, 6, "of a clip"),
        ("--choose", ("uniform", "first", "random"), "uniform", "which of its frames"),
        ("--random_seed", int, 42, "of random"),
        ("--captions", str, None, 'JSON, {"film.mp4": ["text", ...]}; without it there is no field of text'),
        ("--out", str, ..., "the table"),
    ),
    "unpack": (
        ("table", str, None, "a table of clips"),
        SCHEMA,
        FRAMES,
        ("--out", str, ..., "for a folder of each clip and captions.json"),
    ),
}


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
        if hints.get(name) in (int, int | None) and value.isdecimal():
            found[name] = int(value)
        elif hints.get(name) is bool and value in ("True", "False"):
            found[name] = value == "True"
    if zero := [name for name, value in found.items() if value == 0 and value is not False]:
        raise ConfigError(f"{zero[0]} must be at least 1, not 0")
    return read_settings(ClipParameters, found)


def read_command(arguments: list[str] | None) -> argparse.Namespace:
    """The arguments, checked as far as they can be without opening a file."""
    args, odd = build_program("easynlp", __doc__, TABLES, OPTIONS).parse_known_args(arguments)
    if odd:
        raise ConfigError(unknown(odd[0], odd[0].partition("=")[0], [f"--{name}" for name in vars(args)]))
    if args.command:
        return args
    tell_no_place(args, OPTIONS)
    if args.app_name != APP:
        raise ConfigError(f"--app_name {args.app_name}: expected {APP}")
    needed = ("mode", "tables", "checkpoint_dir", *(["outputs"] if args.mode == "predict" else []))
    if absent := [f"--{name}" for name in needed if not getattr(args, name)]:
        run = f"--mode={args.mode}" if args.mode else "a call without pack or unpack"
        raise ConfigError(f"{run} needs {', '.join(absent)}")
    if args.mode != "predict":
        args.second_sequence = args.second_sequence or "text"
    parse_schema(args.input_schema, *filter(None, (args.first_sequence, args.second_sequence)))
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


def run_mode(arguments: list[str] | None) -> None:
    args = read_command(arguments)
    from originals import easynlp_runs  # which opens torch

    easynlp_runs.COMMANDS[args.command or args.mode](args)


def main(arguments: list[str] | None = None) -> int:
    return exit_code("easynlp", run_mode, arguments)


if __name__ == "__main__":
    sys.exit(main())
