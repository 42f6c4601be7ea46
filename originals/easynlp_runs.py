"""What `python -m originals.easynlp` does: lib's tables and clips, lib's one `fit`, lib's way to predict."""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from lib.checkpoint import locate
from lib.config import ConfigError, Training, unknown
from lib.data.clips import open_frames
from lib.data.films import FILMS, is_film
from lib.data.formats import easynlp as tables
from lib.data.formats.gallery import is_picture, leads_out
from lib.data.formats.report import FormatError
from lib.data.images import Preprocess, to_jpeg
from lib.data.loader import CaptionPairs, Loader
from lib.data.record import SPLITS, Record
from lib.data.subwords import open_huggingface, snapshot_folder
from lib.data.text import Text, Vocab
from lib.files import read_json, whole, write_json
from lib.models.captioner import Captioner
from lib.models.clip import read_preprocess
from lib.models.clip_encoder import ClipEncoder
from lib.models.decoding import Decoding
from lib.models.encoders import Encoder, build_encoder
from lib.models.eye import open_eye
from lib.paths import resolve, shorten
from lib.publish.captioning import caption, longest
from lib.score.evaluate import evaluate
from lib.train import this_process
from lib.train.caption_task import CaptionTask, show_task
from lib.train.objectives import cross_entropy

FRAMES = 3  # of a clip where nothing is said
GPT = {"block_size": 288, "n_layer": 12, "n_head": 12, "n_embd": 768}
# as OpenAI names its models, and as transformers' hub does
HUB = {"ViT-B/32": "base-patch32", "ViT-B/16": "base-patch16", "ViT-L/14": "large-patch14"}
HUB = {name: f"openai/clip-vit-{size}" for name, size in HUB.items()}
ENDINGS = {b"\xff\xd8": ".jpg", b"\x89P": ".png", b"GI": ".gif", b"RI": ".webp", b"BM": ".bmp"}
BEAM = 5


def train_clips(args: argparse.Namespace) -> None:
    torch.manual_seed(args.random_seed)
    clip, given = args.clip, args.clip.pretrain_model_name_or_path
    earlier = find_run(given)
    splits = {name: read_clips(args, file, name)[1] for name, file in zip(SPLITS, args.tables, strict=False)}
    if earlier:
        if lost := [name for name in (*GPT, "vit_ckpt_path") if getattr(clip, name)]:
            raise ConfigError(f"{lost[0]} is given, and {given} has its own: leave it out")
        captioner = open_model(args, earlier)
        encoder, preprocess, text = captioner.encoder, captioner.preprocess, captioner.vocab
    else:
        (eye, preprocess), text = open_vision(clip.vit_ckpt_path, clip.img_size), open_words(given)
        how = {"frames": clip.frame_num or FRAMES, "choose": clip.frame_choice or "uniform"}
        encoder = ClipEncoder(eye, **how)
    folder = resolve(args.checkpoint_dir)
    task = show_task(splits, text, encoder, preprocess, folder / "features")
    if not earlier:
        sizes = {name: getattr(clip, name) or usual for name, usual in GPT.items()}
        marks = {"bos_token_id": text.start, "eos_token_id": text.end}
        config = {"model_type": "gpt2", "n_positions": sizes.pop("block_size"), **sizes, **marks}
        captioner = task.captioner({"kind": "huggingface", "config": config, "max_length": clip.text_len + 1})
    training = Training(
        epochs=args.epoch_num,
        batch_size=args.micro_batch_size,
        learning_rate=args.learning_rate,
        log_every=args.logging_steps,
        checkpoint_every=args.save_checkpoint_steps,
        seed=args.random_seed,
    )
    search = Decoding(method="greedy", max_length=longest(captioner, clip.text_len))
    how = {"called": "cross-entropy", "start": earlier, "validate": task.validation(search)}
    how["loader"] = load_pairs(task, training, search.max_length)
    fitted = task.learn(captioner, cross_entropy(), training, folder, **how)
    print(f"{fitted.state}: {shorten(fitted.best)}")


def load_pairs(task: CaptionTask, training: Training, text_len: int) -> Loader:
    """What is to be learnt: words and one end, `text_len` of them at most, and no padding."""
    pairs = CaptionPairs(task.splits["train"], task.vocab, task.views["train"], max_tokens=text_len - 1)
    how = {"batch_size": training.batch_size, "seed": training.seed, "bucket": True}
    return Loader(pairs, **how, **this_process())


def read_clips(args: argparse.Namespace, file: str, split: str) -> tuple[tables.ClipTable, list[Record]]:
    images = resolve(args.clip.img_root_dir) if args.clip.enable_img_path else None
    table = tables.ClipTable(resolve(file), args.input_schema, args.first_sequence, args.second_sequence)
    return table, tables.table_records(table, split, images=images)


def find_run(given: str) -> Path | None:
    """The checkpoint of an earlier run, where a folder is one and no tokenizer's."""
    place = locate(resolve(given))
    return place if (place / "meta.json").is_file() else None


def open_vision(given: str, size: int) -> tuple[Encoder, Preprocess]:
    """A frozen eye that gives one vector for each frame, and how it is shown a picture."""
    given = given or "..."  # which is nowhere
    if resolve(given).is_dir() and not (resolve(given) / "config.json").is_file():
        eye, preprocess = open_eye(resolve(given))
        return eye.viewed("pooled"), preprocess
    try:
        folder = snapshot_folder(HUB.get(given, given))
    except ValueError:
        expected = "the folder of a CLIP as transformers saves it, or of an eye as notebook 00 does"
        raise ConfigError(f"vit_ckpt_path={given}: expected {expected}") from None
    eye = build_encoder({"kind": "huggingface", "name": str(folder), "view": "pooled"})
    preprocess = read_preprocess(folder)
    resized = size * preprocess.resize // preprocess.crop
    return eye, replace(preprocess, crop=size, resize=resized)


def open_words(given: str) -> Text:
    """A tokenizer's folder or hub id, or a vocabulary of ours."""
    if not given:
        raise ConfigError("pretrain_model_name_or_path: expected a tokenizer's folder, or a vocab.json")
    return Vocab.load(resolve(given)) if resolve(given).is_file() else open_huggingface(given)


def open_model(args: argparse.Namespace, folder: Path) -> Captioner:
    """The model of a run; it takes the frames that it is told to, or as it learnt with."""
    model = Captioner.load(folder)
    seen = model.encoder
    if not isinstance(seen, ClipEncoder):
        raise FormatError(f"{shorten(folder)}: this model is shown pictures, and no clips")
    seen.frames, seen.choose = args.clip.frame_num or seen.frames, args.clip.frame_choice or seen.choose
    return model


def tell_clips(args: argparse.Namespace, records: list[Record]) -> Iterator[tuple[str, ...]]:
    """Texts of each clip, the best first."""
    model, wanted = open_model(args, resolve(args.checkpoint_dir)), args.clip.max_generated_num
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    words = longest(model, args.clip.text_len)
    decoding = Decoding(max_length=words, beam=max(BEAM, wanted), n_best=wanted)
    for start in range(0, len(records), args.micro_batch_size):
        some = records[start : start + args.micro_batch_size]
        shown = torch.stack([model.encoder.open(record, model.preprocess) for record in some])
        yield from (texts for texts, _ in caption(model, shown, decoding))


def evaluate_clips(args: argparse.Namespace) -> None:
    _, records = read_clips(args, args.tables[-1], "test")
    texts = [said[0] for said in tell_clips(args, records)]
    scores = evaluate(texts, [record.captions for record in records], seed=args.random_seed)
    write_json(resolve(args.checkpoint_dir) / "evaluation.json", scores, indent=1)
    for name, value in scores.items():
        print(f"{name} {value}")


def predict_clips(args: argparse.Namespace) -> None:
    table, records = read_clips(args, args.tables[-1], "test")
    columns = [name for name in f"{args.output_schema},{args.append_cols}".split(",") if name]
    known = [*(name for name in table.columns if name != table.frames), "gen_text"]
    if odd := [name for name in columns if name not in known]:
        raise ConfigError(unknown(odd[0], odd[0], known))
    rows = {
        record.id: {"gen_text": said} for record, said in zip(records, tell_clips(args, records), strict=True)
    }
    for row in table:
        rows[table.ident(row)] |= row.fields
    path = tables.write_generated(resolve(args.outputs), rows.values(), columns, repr=args.repr)
    print(f"{shorten(path)}: {len(rows):,} clips")


def pack_clips(args: argparse.Namespace) -> None:
    found = [path for given in args.clips for path in find_clips(resolve(given))]
    clips = {path.name: path for path in found}
    if twice := [path for path in found if clips[path.name] != path]:
        raise FormatError(f"{shorten(twice[0])}: another clip has this name, by which texts are found")
    said = read_json(resolve(args.captions)) if args.captions else dict.fromkeys(clips)
    if odd := sorted(set(clips) ^ set(said)):
        why = "no text for this clip" if odd[0] in clips else "no such clip"
        raise FormatError(f"{shorten(resolve(args.captions))}: {odd[0]!r}: {why}")

    def rows() -> Iterator[tuple[str, list[bytes], str | None]]:
        for name, path in clips.items():
            shown = open_frames(path, args.frames, choose=args.choose, seed=args.random_seed)
            frames = [to_jpeg(frame.picture) for frame in shown]
            texts = said[name] if isinstance(said[name], list) else [said[name]]
            yield from ((name, frames, text) for text in texts)

    path = tables.write_table(resolve(args.out), rows())
    print(f"{shorten(path)}: {len(clips):,} clips")


def find_clips(place: Path) -> list[Path]:
    """A clip itself, or all that lie in a folder."""
    if not place.is_dir() or any(is_picture(f.name) and f.suffix.lower() != ".gif" for f in place.iterdir()):
        return [place]
    found = sorted(p for p in place.iterdir() if p.is_dir() or is_film(p.name))
    if not found:
        raise FormatError(f"{shorten(place)}: no clips in it; expected .gif, {', '.join(FILMS)} or folders")
    return found


def unpack_table(args: argparse.Namespace) -> None:
    """A folder of each clip's frames, as they lie in the table, and the texts."""
    out, text = resolve(args.out), "text" if "text" in tables.parse_schema(args.input_schema) else None
    if out.exists():
        raise FormatError(f"{shorten(out)}: it is there already; expected a folder to make")
    table = tables.ClipTable(resolve(args.table), args.input_schema, args.first_sequence, text)
    with whole(out) as draft:
        records = tables.table_records(table, "train")
        for record in records:
            if leads_out(record.id):
                raise FormatError(f"{shorten(table.path)}: {record.id!r} is no name of a folder")
            (draft / record.id).mkdir(parents=True)
            for place, data in enumerate(tables.frames_at(table.path, *record.frames)):
                ending = ENDINGS.get(data[:2], ".jpg")
                (draft / record.id / f"{place:03d}{ending}").write_bytes(data)
        said = {record.id: record.captions for record in records if record.captions}
        write_json(draft / "captions.json", said, indent=1, ascii_only=False)
    print(f"{shorten(out)}: {len(records):,} clips")


COMMANDS = {"train": train_clips, "evaluate": evaluate_clips, "predict": predict_clips}
COMMANDS |= {"pack": pack_clips, "unpack": unpack_table}
