"""What `python -m originals.beit3` does: lib's formats, lib's one `fit`, lib's one way to embed."""

import argparse
import math
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import torch

from lib.checkpoint import load_into, locate
from lib.config import Training
from lib.data.formats.gallery import is_picture
from lib.data.formats.labels import read_labels, text_category, write_labels
from lib.data.formats.report import FormatError
from lib.data.loader import CaptionPairs, Loader, PictureView
from lib.data.record import digest
from lib.data.subwords import Subwords, open_sentencepiece
from lib.files import hash_file, write_text
from lib.models.beit3 import Beit3, fill_beit3, read_sizes
from lib.models.errors import ModelError
from lib.models.retriever import Retriever
from lib.paths import resolve, shorten
from lib.train import fit, this_process
from lib.train.contrastive import contrastive
from lib.train.validation import by_retrieval
from originals import challenge

EPOCHS = {"car": 17, "people": 15}  # in the order in which results stand
PADS = {"car": 0, "people": 70}  # black pixels beside people, who are tall where pictures are square
SIDED = re.compile(r"\b(?:left|right)\b")  # what is said of a picture is wrong of its mirror image


def prepare_files(args: argparse.Namespace) -> None:
    """Everything that can be made from what lies in the folder."""
    folder, text = resolve(args.data_path), open_sentencepiece(args.sentencepiece_model)
    present = [split for split in ("train", "val", "test") if (folder / f"{split}_images").is_dir()]
    if not present:
        raise FormatError(f"{shorten(folder)}: expected train_images, val_images or test_images in it")
    for split in present:
        (prepare_test if split == "test" else prepare_split)(folder, split, text)


def prepare_split(folder: Path, split: str, text: Subwords) -> None:
    """Cleaned labels, and each category's JSON and JSONL. A text tells whom its picture shows."""
    source = challenge.find_labels(folder, split)
    lines = sorted(read_labels(source), key=lambda line: line.picture)
    if source.name == f"{split}_label.txt":
        write_labels(folder / challenge.CLEANED.format(split), lines)
    for category in EPOCHS:
        said = challenge.said_of(lines, category)
        if said:
            challenge.write_karpathy(folder / f"{split}_{category}.json", said, split)
            index = folder / f"flickr30k_{category}.{split}.jsonl"
            challenge.write_index(index, said, split, text.split)
            challenge.index_records(index, split, reader_of(text))  # also finds what pictures are missing
        print(f"{split}: {len(said):,} pictures, {sum(map(len, said.values())):,} texts about {category}")


def prepare_test(folder: Path, split: str, text: Subwords) -> None:
    """Test texts, cars first, and the files that lay them beside pictures."""
    texts = challenge.cars_first(challenge.read_texts(folder / "test_text.txt"))
    write_text(folder / "test.txt", "".join(f"{text}\n" for text in texts))
    said = challenge.lay_side_by_side(pictures_in(folder), texts)
    challenge.write_karpathy(folder / "test.json", said, split)
    challenge.write_index(folder / "flickr30k.test.jsonl", said, split, text.split)
    print(f"{split}: {len(said):,} pictures, {len(texts):,} texts")


def pictures_in(folder: Path) -> list[str]:
    found = sorted(path.name for path in (folder / "test_images").iterdir() if is_picture(path.name))
    if not found:
        raise FormatError(f"{shorten(folder / 'test_images')}: expected pictures in it")
    return found


def reader_of(text: Subwords) -> Callable[[list[int]], str | None]:
    """Numbers as the text they stand for; None where this tokenizer would number it otherwise."""

    def decode(numbers: list[int]) -> str | None:
        said = text.decode(numbers)
        return said if text.unknown in numbers or text.split(said) == numbers else None

    return decode


def train_category(args: argparse.Namespace) -> None:
    torch.manual_seed(args.seed)
    model, folder = open_beit3(args, args.finetune, drop_path=args.drop_path), resolve(args.data_path)
    model.preprocess = replace(model.preprocess, pad=PADS[args.category])
    found = {split: challenge.find_index(folder, split, args.category) for split in ("train", "val")}
    train, val = (
        challenge.index_records(path, split, reader_of(model.text)) for split, path in found.items()
    )
    # training sees a crop of nearly all, mirrored half the time unless a text says left or right
    sided = any(SIDED.search(text) for record in train for text in record.captions)
    shown = replace(model.preprocess, resize=model.preprocess.crop * 9 // 8, flip=not sided)
    pairs = CaptionPairs(train, model.text, PictureView(train, shown, augment=True))
    how = {"batch_size": args.batch_size, "seed": args.seed, "workers": args.num_workers}
    loader = Loader(pairs, **how, **this_process())
    key = {"data": digest([*train, *val]), "model": model.meta(), "objective": "contrastive"}
    key |= {"shown": shown.to_json(), "start": args.finetune and hash_start(resolve(args.finetune))}
    validate = by_retrieval(val, PictureView(val, model.preprocess))
    how = {"training": training_of(args, len(loader)), "validate": validate, "meta": model.meta()}
    fitted = fit(model, contrastive(), loader, folder=args.output_dir, run_key=key, **how)
    if loader.rank == 0:
        print(f"{fitted.state}: {shorten(fitted.best)}")


def training_of(args: argparse.Namespace, batches: int) -> Training:
    """The original counts in epochs what counts in steps here."""
    epoch = math.ceil(batches / max(1, args.update_freq))
    return Training(
        epochs=EPOCHS[args.category] if args.epochs is None else args.epochs,
        batch_size=args.batch_size,
        accumulate=args.update_freq,
        learning_rate=args.lr,
        final_learning_rate=args.min_lr,
        layer_decay=args.layer_decay,
        warmup_steps=args.warmup_epochs * epoch,
        weight_decay=args.weight_decay,
        activation_checkpointing=args.checkpoint_activations,
        mixed_precision=args.mixed_precision,
        checkpoint_every=args.save_ckpt_freq and args.save_ckpt_freq * epoch,
        workers=args.num_workers,
        seed=args.seed,
    )


def hash_start(path: Path) -> str:
    return hash_file(locate(path) / "weights.safetensors" if path.is_dir() else path)


def open_beit3(args: argparse.Namespace, weights: str | None, *, drop_path: float = 0.0) -> Beit3:
    """BEiT-3 as the arguments say, with the weights of a published file or of a checkpoint folder."""
    sizes = replace(read_sizes(args.model), drop_path=drop_path)
    sizes = replace(sizes, image_size=args.input_size) if args.input_size else sizes
    model = Beit3(sizes, open_sentencepiece(args.sentencepiece_model))
    if weights and resolve(weights).is_dir():
        found = Beit3.load(resolve(weights))
        same = asdict(found.settings) | {"drop_path": drop_path} == asdict(sizes)
        if not same or found.text.describe()["sha256"] != model.text.describe()["sha256"]:
            other = "trained with another --model, --input_size or --sentencepiece_model"
            raise ModelError(f"{shorten(resolve(weights))}: {other}")
        load_into(model, found.state_dict(), weights)
    elif weights:
        fill_beit3(model, weights)
    return model


def infer_names(args: argparse.Namespace) -> None:
    """Each text is asked of the model of its own category, wherever in test.txt it stands."""
    folder, output, everything = resolve(args.data_path), resolve(args.output_dir), []
    texts = challenge.cars_first(challenge.read_texts(folder / "test.txt"))
    for category in EPOCHS:
        wanted = [text for text in texts if text_category(text) == category]
        rows = rank_pictures(args, category, wanted, folder) if wanted else []
        challenge.write_results(output / f"infer_json_{category}.json", rows)
        everything += rows
    path = challenge.write_results(output / "infer_json_all.json", everything)
    print(f"{shorten(path)}: {len(everything):,} texts")


def rank_pictures(
    args: argparse.Namespace, category: str, texts: list[str], folder: Path
) -> list[challenge.ResultRow]:
    """The likeliest pictures of each text."""
    weights, names = getattr(args, f"finetune_{category}"), pictures_in(folder)
    if not weights:
        raise FormatError(f"--finetune_{category} is needed: {len(texts)} of the texts are about {category}")
    model = open_beit3(args, weights).to("cuda" if torch.cuda.is_available() else "cpu")
    model.preprocess = replace(model.preprocess, pad=PADS[category])
    asked = Retriever(model.eval())
    pictures = asked.embed_images([folder / "test_images" / name for name in names])
    found = [
        challenge.nearest_names((pictures @ place).tolist(), names) for place in asked.embed_texts(texts)
    ]
    return [challenge.ResultRow(text, near) for text, near in zip(texts, found, strict=True)]


COMMANDS = {"prepare": prepare_files, "train": train_category, "infer": infer_names}
