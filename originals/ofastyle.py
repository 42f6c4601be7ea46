"""OFAStyleIC's commands, with the arguments of its README of March 2023 and of its later model_operator.

    python -m originals.ofastyle train -c CONF [-p CKPT] [-e 3] [-b 4] [-w 0]
    python -m originals.ofastyle eval -c CONF [-l CSV]
    python -m originals.ofastyle inference -c CONF [-b 10 | -j JSON] [-d TEXT] [-o DIR]
    python -m originals.ofastyle pack -c CONF [-o DIR]
    python -m originals.ofastyle unpack PACK [-o DIR]

`train` teaches a captioner to tell in styles, `eval` scores it, `inference` captions a few pictures, `pack`
makes one archive of the model and its conf, `unpack` is the way back.
"""

import argparse
import sys

from lib.data.formats.report import printable

BAD_INPUT = 2
CONF = ("-c --conf", str, ..., "the conf, JSON")
BATCH = ("-b --batch_size", int, 4, "pictures seen at once")
WORKERS = ("-w --num_workers", int, 0, "processes that load pictures")
# flags, what they take (bool takes nothing), the default (... is none, and needed), what they are for
OPTIONS = {
    "train": (
        CONF,
        ("-p -t --checkpoint", str, None, "a checkpoint to start from, in the place of model_name"),
        ("-e --max_epoches", int, 3, "epochs"),
        BATCH,
        WORKERS,
        ("--lr", float, 5e-5, "the learning rate at its highest"),
        ("--lr_end", float, 1e-7, "and at its end"),
        ("--warm_up", float, 0.01, "share of all steps in which it rises"),
        ("--weight_decay", float, 0.001, "not of biases and norms"),
        ("--max_len", int, 16, "tokens of a caption"),
        ("--beam_size", int, 5, "captions searched for at once"),
        ("--freeze_resnet", bool, False, "the eye learns nothing"),
        ("--cider", bool, False, "learn from the CIDEr-D of its own captions; needs -p"),
    ),
    "eval": (CONF, BATCH, WORKERS, ("-l --log_csv_file", str, None, "a log that gets a row more")),
    "inference": (
        CONF,
        ("-b --batch_size", int, 10, "pictures of val_json, drawn by chance"),
        ("-r --random", bool, False, "draw them, as is done without -j"),
        ("-j --inference_json", str, None, "these instead: [{style, image_hash or image, reference}]"),
        ("-d --description", str, None, "written in the place of model_name"),
        ("-o --out_dir --output_dir", str, None, "for the result; the conf's work_dir where not given"),
    ),
    "pack": (CONF, ("-o --out_dir", str, None, "for the archive; the conf's work_dir where not given")),
    "unpack": (("pack", str, None, "an archive"), ("-o --out_dir", str, ".", "where to")),
}
SIZES, ONE_TASK = "the checkpoint says how it sees pictures", "captions are the one task here"
# what has no place here, and why not; -p is a checkpoint to the older `train`
NO_PLACE = {"-m --max_image_size": SIZES, "--patch_image_size": SIZES, "--itm": ONE_TASK}
NO_PLACE["--itm_alpha"] = ONE_TASK


def build_style_parser() -> argparse.ArgumentParser:
    about = "Captions in a style. Relative paths start at the project's folder."
    parser = argparse.ArgumentParser(prog="python -m originals.ofastyle", description=about)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, options in OPTIONS.items():
        command = commands.add_parser(name, allow_abbrev=False)
        for flags, kind, default, told in options:
            how = {"action": "store_true"} if kind is bool else {"type": kind}
            how |= {"required": True} if default is ... else {} if default is None else {"default": default}
            shown = "" if default in (None, ..., False) else " (%(default)s)"
            command.add_argument(*flags.split(), **how, help=told + shown)
        for flags, reason in NO_PLACE.items() if "pack" not in name else ():
            more = ["-p"] if flags == "--patch_image_size" and name != "train" else []
            command.add_argument(*flags.split(), *more, nargs="?", const="", help=f"has no place: {reason}")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """0, or 2 where something given is wrong, said in one line."""
    args = build_style_parser().parse_args(arguments)
    for flags, reason in NO_PLACE.items():
        option = flags.split()[-1]
        if getattr(args, option.removeprefix("--"), None) is not None:
            print(f"{option} has no place here: {reason}")
    from originals import ofastyle_runs

    try:
        ofastyle_runs.COMMANDS[args.command](args)
    except (ValueError, OSError) as error:  # all that lib raises for a user to put right are ValueErrors
        print(f"ofastyle {args.command}: {printable(str(error))}", file=sys.stderr)
        return BAD_INPUT
    return 0


if __name__ == "__main__":
    sys.exit(main())
