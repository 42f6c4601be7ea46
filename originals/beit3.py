"""The person and car retrieval system's commands, with the arguments that its README gives them.

    python -m originals.beit3 prepare --data_path dataset/train --sentencepiece_model beit3.spm
    python -m originals.beit3 train --category car --model beit3_large_patch16_384 ...
    python -m originals.beit3 infer --finetune_car CAR --finetune_people PEOPLE ...

`prepare` makes of label lines and test texts what the others read, `train` tunes BEiT-3 on one category,
`infer` writes the names of each test text's ten likeliest pictures. Relative paths start at the project's
folder.
"""

import sys

from originals.command_line import build_program, exit_code, tell_no_place

FILES = (
    ("--data_path", str, ..., "holds {train,val,test}_images/ and the files beside them"),
    ("--sentencepiece_model", str, ..., "the text's model, beit3.spm"),
)
MODEL = (
    ("--model", str, ..., "beit3_{base,large}_patch16_384, or a .json of Beit3Settings"),
    ("--task", ("flickr30k",), None, "retrieval, which is all there is"),
    ("--input_size", int, None, "side of a picture; the model's own where not given"),
)
WEIGHTS = "a .pth, a .pt, or what train left in its --output_dir"
PROCESSES = "`accelerate launch -m originals.beit3 train ...` runs several processes"
# the defaults are those of the README's commands
OPTIONS = {
    "prepare": FILES,
    "train": (
        *FILES,
        *MODEL,
        ("--category", ("car", "people"), ..., "whom the texts are about"),
        ("--output_dir", str, ..., "for checkpoints and history.csv"),
        ("--finetune", str, None, f"weights to start from: {WEIGHTS}; at random where not given"),
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
        ("--checkpoint_activations", bool, False, "recompute to save memory"),
        ("--mixed_precision", ("no", "fp16", "bf16"), "no", "numbers of 16 bits save memory"),
        ("--enable_deepspeed", None, None, f"{PROCESSES}, --mixed_precision saves memory"),
        ("--log_dir", None, None, "history.csv and TensorBoard's files stand in --output_dir"),
    ),
    "infer": (
        *FILES,
        *MODEL,
        ("--finetune_car", str, None, f"weights for texts about cars: {WEIGHTS}"),
        ("--finetune_people", str, None, f"weights for texts about people: {WEIGHTS}"),
        ("--output_dir", str, "output", "for infer_json_{car,people,all}.json"),
        ("--batch_size", None, None, "how many are embedded at once changes no result"),
        ("--eval", None, None, "infer does nothing else"),
        ("--dist_eval", None, None, "one process embeds each text and picture once, which is all there is"),
    ),
}


def main(arguments: list[str] | None = None) -> int:
    args = build_program("beit3", __doc__, OPTIONS).parse_args(arguments)
    tell_no_place(args, OPTIONS[args.command])
    from originals import beit3_runs  # which opens torch

    return exit_code(f"beit3 {args.command}", beit3_runs.COMMANDS[args.command], args)


if __name__ == "__main__":
    sys.exit(main())
