"""OFAStyleIC's commands, with the arguments of its README of March 2023 and of its later model_operator.

    python -m originals.ofastyle train -c CONF [-p CKPT] [-e 3] [-b 4] [-w 0]
    python -m originals.ofastyle eval -c CONF [-l CSV]
    python -m originals.ofastyle inference -c CONF [-b 10 | -j JSON] [-d TEXT] [-o DIR]
    python -m originals.ofastyle pack -c CONF [-o DIR]
    python -m originals.ofastyle unpack PACK [-o DIR]

`train` teaches a captioner to tell in styles, `eval` scores it, `inference` captions a few pictures, `pack`
makes one archive of the model and its conf, `unpack` is the way back. Relative paths start at the
project's folder.
"""

import sys

from originals.command_line import build_program, exit_code

CONF = ("-c --conf", str, ..., "the conf, JSON")
BATCH = ("-b --batch_size", int, 4, "pictures seen at once")
WORKERS = ("-w --num_workers", int, 0, "processes that load pictures")
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
        ("--recheck", bool, False, "of the n best the first that sounds like its style"),
        ("-d --description", str, None, "written in the place of model_name"),
        ("-o --out_dir --output_dir", str, None, "for the result; the conf's work_dir where not given"),
    ),
    "pack": (CONF, ("-o --out_dir", str, None, "for the archive; the conf's work_dir where not given")),
    "unpack": (("pack", str, None, "an archive"), ("-o --out_dir", str, ".", "where to")),
}


def main(arguments: list[str] | None = None) -> int:
    args = build_program("ofastyle", __doc__, OPTIONS).parse_args(arguments)
    from originals import ofastyle_runs  # which opens torch

    return exit_code(f"ofastyle {args.command}", ofastyle_runs.COMMANDS[args.command], args)


if __name__ == "__main__":
    sys.exit(main())
