"""What `python -m originals.ofastyle` does: lib's `fit`, lib's search, a style before each caption."""

import argparse
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch

from lib import checkpoint
from lib.config import Training
from lib.data.formats.report import FormatError
from lib.data.loader import PictureView
from lib.data.record import Caption, Record
from lib.data.text import Text, Vocab, tokenize
from lib.models.captioner import Captioner
from lib.models.decoding import Decoding
from lib.models.errors import ModelError
from lib.models.features import hash_weights
from lib.paths import resolve, shorten
from lib.score.evaluate import evaluate
from lib.train import CaptionTask, by_captions, caption_all, cross_entropy, fit, reward_of, self_critical
from originals import ofastyle_files as files

PROMPT = " what does the image describe? reply in personality {}."
SEED = 0
SAMPLES = 10


def prefixes_of(conf: files.StyleConf, styles: Mapping[str, str], text: Text) -> dict[str, tuple[str, ...]]:
    """What stands before a caption of each style: the prompt, in it the style's mark or its own words."""
    before, after = (conf.prompt or PROMPT).split("{}")
    if isinstance(text, Vocab):  # a token each
        words = {style: [mark] if conf.tokenize_style else tokenize(style) for style, mark in styles.items()}
        return {style: (*tokenize(before), *told, *tokenize(after)) for style, told in words.items()}
    if conf.tokenize_style:
        return {style: tuple(filter(str.strip, (before, mark, after))) for style, mark in styles.items()}
    return {style: (f"{before}{style}{after}",) for style in styles}


def open_start(conf: files.StyleConf, given: str | None) -> Captioner:
    """The captioner that training begins with."""
    name = given or conf.model_name
    if name.startswith("damo/"):
        raise ModelError(
            f"model_name {name!r} is a ModelScope OFA, which nothing here can load: give a checkpoint of "
            "Lookbook's, or the folder or id of a BLIP, GIT or ViT-GPT2 of Hugging Face's"
        )
    if given or (checkpoint.locate(resolve(name)) / "meta.json").is_file():
        return Captioner.load(resolve(name))
    return Captioner.published(name, revision=conf.model_revision or None)


def records_of(rows: Sequence[files.StyledPicture], split: str) -> list[Record]:
    """A record for each picture and style: two styles of one picture are two."""
    if missing := [row.image for row in rows if not resolve(row.image).is_file()]:
        more = f" ({len(missing)} of {len(rows)} are missing)" if len(missing) > 1 else ""
        raise FormatError(f"{missing[0]}: no such picture{more}")
    return [
        Record(f"{row.image} {row.style}", str(resolve(row.image)), row.said, split, {"style": row.style})
        for row in rows
    ]


def train_styled(args: argparse.Namespace) -> None:
    if args.cider and not args.checkpoint:
        raise ModelError("--cider needs a checkpoint to start from: give -p")
    conf, decoding = files.read_conf(args.conf), decoding_of(args)
    styles = files.read_styles(conf)
    told = {split: getattr(conf, f"{split}_json") for split in ("train", "val")}
    splits = {s: records_of(files.read_style_rows(conf, name, styles), s) for s, name in told.items()}
    torch.manual_seed(SEED)
    model = open_start(conf, args.checkpoint)
    prefixes = prefixes_of(conf, styles, model.vocab)
    marks = [token for told in prefixes.values() for token in told] if isinstance(model.vocab, Vocab) else []
    model = model.marked([*marks, *(styles.values() if conf.tokenize_style else ())])
    # training sees a crop of nearly all of a picture, and all else the middle of it
    shown = replace(model.preprocess, resize=max(model.preprocess.resize, model.preprocess.crop * 8 // 7))
    views = {
        "train": PictureView(splits["train"], shown, augment=True),
        "val": PictureView(splits["val"], model.preprocess),
    }
    start = hash_weights(model)[:16]

    def rows(record: Record) -> list[Caption]:
        return [Caption(text, prefixes[record.attributes["style"]]) for text in record.captions]

    task = CaptionTask(splits, model.vocab, model.encoder, model.preprocess, views, start, rows=rows)
    training = training_of(args)
    loader = task.loader(training)
    training = replace(training, warmup_steps=round(args.warm_up * len(loader) * args.max_epoches))
    objective = cross_entropy(label_smoothing=training.label_smoothing)
    if args.cider:
        objective = self_critical(reward_of(splits["train"], {"cider_d": 1.0}), max_length=args.max_len)
    about = {"prefixes": prefixes, "decoding": asdict(decoding), "warm_up": args.warm_up}
    fitted = fit(
        model,
        objective,
        loader,
        training=training,
        folder=conf.output,
        run_key=task.run_key(model, "cider" if args.cider else "cross_entropy"),
        validate=by_captions(splits["val"], views["val"], decoding, prefix=teller(prefixes)),
        meta=model.meta() | {"style": about},
        encoder=model.encoder,
    )
    print(f"{fitted.state}: {shorten(fitted.best)}")


def teller(prefixes: Mapping[str, Sequence[str]]) -> Callable[[Record], tuple[str, ...]]:
    return lambda record: tuple(prefixes[record.attributes["style"]])


def decoding_of(args: argparse.Namespace) -> Decoding:
    return Decoding(beam=args.beam_size, max_length=args.max_len, no_repeat_ngram=3)


def training_of(args: argparse.Namespace) -> Training:
    return Training(
        epochs=args.max_epoches,
        batch_size=args.batch_size,
        workers=args.num_workers,
        learning_rate=args.lr,
        encoder_learning_rate=None if args.freeze_resnet else args.lr,
        final_learning_rate=args.lr_end,
        schedule="linear",
        weight_decay=args.weight_decay,
        label_smoothing=0.1,
        seed=SEED,
    )


class Trained:
    """What `train` left in work_dir/output, asked as it was trained."""

    def __init__(self, conf: files.StyleConf, styles: Mapping[str, str]):
        model, self.meta = Captioner.load(conf.output), checkpoint.read_meta(checkpoint.locate(conf.output))
        told = self.meta.get("style", {})
        wanted = prefixes_of(conf, styles, model.vocab)
        if {style: tuple(prefix) for style, prefix in told.get("prefixes", {}).items()} != wanted:
            raise ModelError(
                f"{shorten(conf.output)}: trained with another prompt, tokenize_style or list of styles"
            )
        self.decoding, self.teller = Decoding(**told["decoding"]), teller(wanted)
        self.model = model.to("cuda" if torch.cuda.is_available() else "cpu")

    def caption(self, rows: Sequence[files.StyledPicture], **how: int) -> list[str]:
        records = records_of(rows, "test")
        view = PictureView(records, self.model.preprocess)
        return caption_all(self.model, records, view, self.decoding, prefix=self.teller, **how)


def evaluate_styled(args: argparse.Namespace) -> None:
    conf = files.read_conf(args.conf)
    styles = files.read_styles(conf)
    rows, trained = files.read_style_rows(conf, conf.test_json, styles), Trained(conf, styles)
    texts = trained.caption(rows, batch_size=args.batch_size, workers=args.num_workers)
    scores = evaluate(texts, [row.said for row in rows], resamples=0)
    shown = (f"{name} {100 * scores[key]:.2f}" for name, key in files.SCORES.items() if key)
    print(f"{shorten(conf.output)}, {len(rows):,} pictures: {', '.join(shown)}")
    if args.log_csv_file:
        ran = trained.meta["run_key"]["training"]
        rates = (f"{ran[name]:.2e}" for name in ("learning_rate", "final_learning_rate"))
        run = [conf.work_dir, ran["epochs"], trained.meta["style"]["warm_up"], *rates, ran["weight_decay"]]
        files.append_scores(resolve(args.log_csv_file), run, scores)


def infer_styled(args: argparse.Namespace) -> None:
    conf = files.read_conf(args.conf)
    styles = files.read_styles(conf)
    if args.inference_json:
        if args.random or args.batch_size is not None:
            raise FormatError("-j says which pictures; -r and -b draw some: give one or the other")
        rows = files.read_asked(conf, args.inference_json, styles)
    else:  # none twice, and the same ones each time
        rows = files.read_style_rows(conf, conf.val_json, styles)
        wanted = SAMPLES if args.batch_size is None else args.batch_size
        if wanted < 1:
            raise FormatError(f"-b must be at least 1, not {wanted}")
        rows = random.Random(SEED).sample(rows, min(wanted, len(rows)))
    texts = Trained(conf, styles).caption(rows)
    folder = resolve(args.out_dir or conf.work_dir)
    name = conf.model_name if args.description is None else args.description
    path = files.write_inference(folder, conf, name, rows, texts)
    for row, text in zip(rows, texts, strict=True):
        print(f"{row.image} ({row.style}): {text}")
    print(shorten(path))


def pack_trained(args: argparse.Namespace) -> None:
    conf = files.read_conf(args.conf)
    checkpoint.read_meta(checkpoint.locate(conf.output))  # no model, no pack
    print(shorten(files.pack_model(args.conf, resolve(args.out_dir or conf.work_dir))))


def unpack_trained(args: argparse.Namespace) -> None:
    names = files.unpack_model(Path(resolve(args.pack)), resolve(args.out_dir))
    print(f"{len(names)} files: {', '.join(name for name in names if '/output/' not in name)} and a model")


COMMANDS = {
    "train": train_styled,
    "eval": evaluate_styled,
    "inference": infer_styled,
    "pack": pack_trained,
    "unpack": unpack_trained,
}
