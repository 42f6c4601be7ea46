"""What `python -m originals.ofastyle` does: lib's `fit`, lib's search, a style before each caption."""

import argparse
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import torch

from lib import checkpoint
from lib.config import Training
from lib.data.formats.report import FormatError
from lib.data.formats.styles import style_of
from lib.data.loader import PictureView
from lib.data.record import Caption, Record
from lib.data.text import Text, Vocab, tokenize
from lib.models.captioner import Captioner, Choose
from lib.models.decoding import Decoding
from lib.models.errors import ModelError
from lib.models.features import hash_weights
from lib.paths import resolve, shorten, some
from lib.score.evaluate import evaluate
from lib.score.style import StyleJudge
from lib.train import CaptionTask, by_captions, caption_all, cross_entropy, fit, reward_of, self_critical
from originals import ofastyle_files as files

PROMPT = " what does the image describe? reply in personality {}."
SEED = 0


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


def train_styled(args: argparse.Namespace) -> None:
    if args.cider and not args.checkpoint:
        raise ModelError("--cider needs a checkpoint to start from: give -p")
    decoding = Decoding(beam=args.beam_size, max_length=args.max_len, no_repeat_ngram=3)
    conf = files.read_conf(args.conf)
    styles = files.mark_styles(conf)
    splits = {split: files.read_told(conf, split, styles) for split in ("train", "val")}
    torch.manual_seed(SEED)
    model = open_start(conf, args.checkpoint)
    prefixes = prefixes_of(conf, styles, model.vocab)
    words = [token for prefix in prefixes.values() for token in prefix]  # which our own texts may lack
    marks = words if isinstance(model.vocab, Vocab) else styles.values() if conf.tokenize_style else ()
    model = model.marked(list(marks))
    # training sees a crop of nearly all of a picture, and all else the middle of it
    shown = replace(model.preprocess, resize=max(model.preprocess.resize, model.preprocess.crop * 8 // 7))
    views = {"train": PictureView(splits["train"], shown, augment=True)}
    views["val"] = PictureView(splits["val"], model.preprocess)
    about = {"prefixes": prefixes, "decoding": asdict(decoding), "warm_up": args.warm_up}
    how = {"rows": lambda record: [Caption(text, prefixes[style_of(record)]) for text in record.captions]}
    how |= {"views": views, "seen": hash_weights(model)[:16]}
    task = CaptionTask(splits, model.vocab, model.encoder, model.preprocess, **how)
    training = training_by(args)
    loader, objective = task.loader(training), cross_entropy(label_smoothing=training.label_smoothing)
    if args.cider:
        objective = self_critical(reward_of(splits["train"], {"cider_d": 1.0}), max_length=args.max_len)
    key = task.run_key(model, "cider" if args.cider else "cross_entropy")
    fitted = fit(
        model,
        objective,
        loader,
        training=replace(training, warmup_steps=round(args.warm_up * len(loader) * args.max_epoches)),
        folder=conf.output,
        run_key=key | {"decoding": about["decoding"], "shown": shown.to_json()},
        validate=by_captions(splits["val"], views["val"], decoding, prefix=lambda r: prefixes[style_of(r)]),
        meta=model.meta() | {"style": about},
        encoder=model.encoder,
    )
    print(f"{fitted.state}: {shorten(fitted.best)}")


def training_by(args: argparse.Namespace) -> Training:
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


def caption_styled(
    conf: files.StyleConf, styles: Mapping[str, str], records: Sequence[Record], **how: Any
) -> tuple[list[str], dict[str, Any]]:
    """Captions by what `train` left in work_dir/output, asked as it was trained; and its meta.json."""
    model, meta = Captioner.load(conf.output), checkpoint.read_meta(checkpoint.locate(conf.output))
    told, wanted = meta.get("style", {}), prefixes_of(conf, styles, model.vocab)
    if {style: tuple(prefix) for style, prefix in told.get("prefixes", {}).items()} != wanted:
        what = "trained with another prompt, tokenize_style or list of styles"
        raise ModelError(f"{shorten(conf.output)}: {what}")
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    search = Decoding(**told["decoding"] | {"n_best": told["decoding"]["beam"]})
    how |= {"prefix": lambda record: wanted[style_of(record)], "decoding": search}
    return caption_all(model, records, PictureView(records, model.preprocess), **how), meta


def evaluate_styled(args: argparse.Namespace) -> None:
    conf = files.read_conf(args.conf)
    styles = files.mark_styles(conf)
    records, how = files.read_told(conf, "test", styles), {"workers": args.num_workers}
    texts, meta = caption_styled(conf, styles, records, batch_size=args.batch_size, **how)
    scores = evaluate(texts, [record.captions for record in records], resamples=0)
    shown = (f"{name} {100 * scores[key]:.2f}" for name, key in files.SCORES.items() if key)
    print(f"{shorten(conf.output)}, {len(records):,} pictures: {', '.join(shown)}")
    if args.log_csv_file:
        ran = meta["run_key"]["training"]
        rates = (f"{ran.get(name, 0):.2e}" for name in ("learning_rate", "final_learning_rate"))
        run = [conf.work_dir, ran["epochs"], meta["style"]["warm_up"], *rates, ran["weight_decay"]]
        files.append_scores(resolve(args.log_csv_file), run, scores)


def infer_styled(args: argparse.Namespace) -> None:
    conf = files.read_conf(args.conf)
    styles = files.mark_styles(conf)
    if args.random and args.inference_json:
        raise FormatError("-r draws pictures, -j says which: give one or the other")
    if args.inference_json:
        records = files.read_asked(conf, args.inference_json, styles)
    elif args.batch_size < 1:
        raise FormatError(f"-b must be at least 1, not {args.batch_size}")
    else:  # none twice, and the same ones each time
        records = files.read_told(conf, "val", styles)
        records = random.Random(SEED).sample(records, min(args.batch_size, len(records)))
    heard = {"choose": rechecked(files.read_told(conf, "train", styles))} if args.recheck else {}
    texts, _ = caption_styled(conf, styles, records, **heard)
    folder = resolve(args.out_dir or conf.work_dir)
    name = conf.model_name if args.description is None else args.description
    print(shorten(files.write_inference(folder, conf, name, records, texts)))


def rechecked(records: Sequence[Record]) -> Choose:
    """ADS-Cap's second look: the likeliest caption that a judge of these records takes for its style."""
    texts: dict[str, list[str]] = {}
    for record in records:
        texts.setdefault(style_of(record), []).extend(record.captions)
    judge = StyleJudge(texts)

    def choose(said: Sequence[str], scores: Sequence[float], id: str) -> str:
        order = sorted(range(len(said)), key=lambda place: -scores[place])
        heard, wanted = judge.classify(said), id.split("#")[-1]
        # where none sounds like it, the likeliest of all
        return said[next((place for place in order if heard[place] == wanted), order[0])]

    return choose


def pack_trained(args: argparse.Namespace) -> None:
    conf = files.read_conf(args.conf)
    checkpoint.read_meta(checkpoint.locate(conf.output))  # no model, no pack
    print(shorten(files.pack_model(args.conf, resolve(args.out_dir or conf.work_dir))))


def unpack_trained(args: argparse.Namespace) -> None:
    names = files.unpack_model(resolve(args.pack), resolve(args.out_dir))
    print(f"{len(names)} files, {some(names)}")


COMMANDS = {"train": train_styled, "eval": evaluate_styled, "inference": infer_styled}
COMMANDS |= {"pack": pack_trained, "unpack": unpack_trained}
