"""The person and car retrieval system's commands, with the arguments that its README gives them.

    python -m originals.beit3 prepare --data_path dataset/train --sentencepiece_model beit3.spm
    python -m originals.beit3 train --category car --model beit3_large_patch16_384 ...
    python -m originals.beit3 infer --finetune_car CAR --finetune_people PEOPLE ...

`prepare` makes of label lines and test texts what the others read, `train` tunes BEiT-3 on one category,
`infer` writes the names of each test text's ten likeliest pictures.
"""

import argparse
import sys

from lib.data.formats.report import printable

BAD_INPUT = 2
FILES = (
    ("--data_path", "DIR", True, "holds {train,val,test}_images/ and the files beside them"),
    ("--sentencepiece_model", "FILE", True, "the text's model, beit3.spm"),
)
MODEL = (
    ("--model", "NAME|FILE", True, "beit3_{base,large}_patch16_384, or a .json of Beit3Settings"),
    ("--task", "flickr30k", False, "retrieval, which is all there is"),
)
WEIGHTS = ".pth, .pt, or what train left in its --output_dir"
PLACES = {
    "prepare": FILES,
    "train": (
        *FILES,
        *MODEL,
        ("--category", "car|people", True, "whom the texts are about"),
        ("--output_dir", "DIR", True, "for checkpoints and history.csv"),
        ("--finetune", "FILE|DIR", False, f"weights to start from: {WEIGHTS} (at random)"),
    ),
    "infer": (
        *FILES,
        *MODEL,
        ("--finetune_car", "FILE|DIR", False, f"weights for texts about cars: {WEIGHTS}"),
        ("--finetune_people", "FILE|DIR", False, f"weights for texts about people: {WEIGHTS}"),
        ("--output_dir", "DIR", False, "for infer_json_{car,people,all}.json (output)"),
    ),
}
# the defaults are those of the README's commands
NUMBERS = {
    "prepare": (),
    "train": (
        ("--input_size", int, None, "side of a picture; the model's own where not given"),
        ("--batch_size", int, 80, "on each process"),
        ("--update_freq", int, 1, "batches to one step"),
        ("--epochs", int, None, "17 for cars and 15 for people where not given"),
        ("--warmup_epochs", int, 3, "in which the rate rises, before it falls as a cosine"),
        ("--lr", float, 3e-5, "the learning rate at its highest"),
        ("--min_lr", float, 1e-6, "and at its end"),
        ("--layer_decay", float, 0.85, "a layer's rate is so much of the next higher one's"),
        ("--weight_decay", float, 0.05, "not of biases, norms, pictures' places, class token, temperature"),
        ("--drop_path", float, 0.2, "of the last layer"),
        ("--seed", int, 42, "of everything"),
        ("--num_workers", int, 0, "processes that load pictures"),
        ("--save_ckpt_freq", int, None, "epochs from one kept step-N to the next, beside best and last"),
    ),
    "infer": (("--input_size", int, None, "side of a picture; the model's own where not given"),),
}
# what has no place here, and why not
NO_PLACE = {
    "prepare": {},
    "train": {
        "--enable_deepspeed": "DeepSpeed is not used: `accelerate launch -m originals.beit3 train ...` runs "
        "several processes, --mixed_precision fp16 or bf16 saves memory",
        "--log_dir": "history.csv and TensorBoard's files stand in --output_dir",
    },
    "infer": {
        "--batch_size": "how many are embedded at once changes no result",
        "--eval": "infer does nothing else",
        "--dist_eval": "one process embeds each text and picture once, which is all the work there is",
    },
}


def build_parser() -> argparse.ArgumentParser:
    about = "BEiT-3 finds people and cars by a text. Relative paths start at the project's folder."
    parser = argparse.ArgumentParser(prog="python -m originals.beit3", description=about)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, places in PLACES.items():
        command = commands.add_parser(name, allow_abbrev=False)
        for option, shown, required, told in places:
            choices = {"--category": ["car", "people"], "--task": ["flickr30k"]}.get(option)
            command.add_argument(option, metavar=shown, required=required, choices=choices, help=told)
        for option, kind, default, told in NUMBERS[name]:
            told = told if default is None else f"{told} (%(default)s)"
            command.add_argument(option, type=kind, default=default, metavar="N", help=told)
        for option, reason in NO_PLACE[name].items():
            command.add_argument(option, nargs="?", const="", metavar="N", help=f"has no place: {reason}")
    train = commands.choices["train"]
    train.add_argument("--checkpoint_activations", action="store_true", help="recompute to save memory")
    train.add_argument(
        "--mixed_precision", choices=["no", "fp16", "bf16"], default="no", help="(%(default)s)"
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """0, or 2 where something given is wrong, said in one line."""
    args = build_parser().parse_args(arguments)
    for option, reason in NO_PLACE[args.command].items():
        if getattr(args, option.removeprefix("--")) is not None:
            print(f"{option} has no place here: {reason}")
    from originals import beit3_runs

    try:
        {
            "prepare": beit3_runs.prepare_files,
            "train": beit3_runs.train_category,
            "infer": beit3_runs.infer_names,
        }[args.command](args)
    except (ValueError, OSError) as error:  # all that lib raises for a user to put right are ValueErrors
        print(f"beit3 {args.command}: {printable(str(error))}", file=sys.stderr)
        return BAD_INPUT
    return 0


if __name__ == "__main__":
    sys.exit(main())
