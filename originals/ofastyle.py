"""OFAStyleIC's commands, with the arguments of its README of March 2023 and of its later model_operator.

    python -m originals.ofastyle train -c CONF [-p CKPT] [-e 3] [-b 4] [-w 0]
    python -m originals.ofastyle eval -c CONF [-l CSV]
    python -m originals.ofastyle inference -c CONF [-r -b 10 | -j JSON] [-d TEXT] [-o DIR]
    python -m originals.ofastyle pack -c CONF [-o DIR]
    python -m originals.ofastyle unpack PACK [-o DIR]

`train` teaches a captioner to tell in styles, `eval` scores it, `inference` writes captions of a few
pictures, `pack` makes one archive of the model and its conf, `unpack` is the way back.
"""

import argparse
import sys

from lib.data.formats.report import printable

BAD_INPUT = 2
CONF = (("-c", "--conf"), {"metavar": "FILE", "required": True, "help": "the conf, JSON"})
BATCH = (
    ("-b", "--batch_size"),
    {"type": int, "default": 4, "metavar": "N", "help": "pictures (%(default)s)"},
)
WORKERS = (
    ("-w", "--num_workers"),
    {"type": int, "default": 0, "metavar": "N", "help": "processes that load pictures (%(default)s)"},
)
TO = ("-o", "--out_dir", "--output_dir")
# what has no place here, and why not
SIZES = "the checkpoint itself says how it sees pictures"
NO_PLACE = {
    "--patch_image_size": SIZES,
    "--max_image_size": SIZES,
    "--itm": "captions are the one task here",
    "--itm_alpha": "captions are the one task here",
}
OPTIONS = {
    "train": (
        CONF,
        (
            ("-p", "-t", "--checkpoint"),
            {"metavar": "CKPT", "help": "a checkpoint to start from, in the place of model_name"},
        ),
        (("-e", "--max_epoches"), {"type": int, "default": 3, "metavar": "N", "help": "(%(default)s)"}),
        BATCH,
        WORKERS,
        (("--lr",), {"type": float, "default": 5e-5, "help": "the rate at its highest (%(default)s)"}),
        (("--lr_end",), {"type": float, "default": 1e-7, "help": "and at its end (%(default)s)"}),
        (
            ("--warm_up",),
            {"type": float, "default": 0.01, "help": "share of steps it rises in (%(default)s)"},
        ),
        (("--weight_decay",), {"type": float, "default": 0.001, "help": "(%(default)s)"}),
        (("--max_len",), {"type": int, "default": 16, "help": "tokens of a caption (%(default)s)"}),
        (("--beam_size",), {"type": int, "default": 5, "help": "(%(default)s)"}),
        (("--freeze_resnet",), {"action": "store_true", "help": "the eye learns nothing"}),
        (("--cider",), {"action": "store_true", "help": "learn from CIDEr-D of own captions; needs -p"}),
    ),
    "eval": (
        CONF,
        BATCH,
        WORKERS,
        (("-l", "--log_csv_file"), {"metavar": "CSV", "help": "a log that gets a row more"}),
    ),
    "inference": (
        CONF,
        (("-b", "--batch_size"), {"type": int, "metavar": "N", "help": "how many pictures of val_json (10)"}),
        (("-r", "--random"), {"action": "store_true", "help": "drawn from val_json, which is usual"}),
        (("-j", "--inference_json"), {"metavar": "JSON", "help": "or these: [{style, image_hash | image}]"}),
        (("-d", "--description"), {"metavar": "TEXT", "help": "written in the place of model_name"}),
        (TO, {"metavar": "DIR", "help": "for the result (the conf's work_dir)"}),
    ),
    "pack": (CONF, (TO, {"metavar": "DIR", "help": "for the archive (the conf's work_dir)"})),
    "unpack": (
        (("pack",), {"metavar": "PACK", "help": "an archive that pack made"}),
        (TO, {"metavar": "DIR", "default": ".", "help": "where to (the project's folder)"}),
    ),
}


def build_style_parser() -> argparse.ArgumentParser:
    about = "Captions in a style. Relative paths start at the project's folder."
    parser = argparse.ArgumentParser(prog="python -m originals.ofastyle", description=about)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, options in OPTIONS.items():
        command = commands.add_parser(name, allow_abbrev=False)
        for flags, how in options:
            command.add_argument(*flags, **how)
        for option, reason in NO_PLACE.items() if name in ("train", "eval", "inference") else ():
            flags = ("-m", option) if option == "--max_image_size" else (option,)
            flags = ("-p", option) if option == "--patch_image_size" and name != "train" else flags
            command.add_argument(*flags, nargs="?", const="", metavar="N", help=f"has no place: {reason}")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """0, or 2 where something given is wrong, said in one line."""
    args = build_style_parser().parse_args(arguments)
    for option, reason in NO_PLACE.items():
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
