"""EasyNLP's video to text as a user runs it: pack, train, finetune, evaluate, predict, unpack."""

import csv
import json
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from absent import DATA, needs
from PIL import Image

from lib.checkpoint import read_meta
from lib.data.clips import open_frames
from lib.data.formats.easynlp import ClipTable, read_generated, table_records
from lib.data.images import Preprocess
from lib.data.text import Vocab
from lib.models.encoders import build_encoder
from lib.models.eye import save_eye
from lib.paths import ROOT
from originals.easynlp import main, read_clip_parameters, read_command
from originals.easynlp_runs import open_model

CLIPS = DATA / "clips"
SCHEMA = "idx:str:1,imgbase64:str:1,text:str:1"
SAID = {"red": "一个人在切东西。", "green": "A green thing grows.", "blue": "a = b, the blue sea"}
README = """--mode=train --tables=./tmp/VC_train_base64.txt,./tmp/VC_val_base64.txt
    --input_schema=idx:str:1,imgbase64:str:1,text:str:1 --first_sequence=imgbase64 --second_sequence=text
    --checkpoint_dir=./tmp/v2t_gen_model_pretrain --learning_rate=4e-5 --epoch_num=1 --random_seed=42
    --logging_steps=100 --save_checkpoint_steps=200 --sequence_length=288 --micro_batch_size=8
    --app_name=video2text_generation"""
PRETRAIN = """
        frame_num=4
        vit_ckpt_path=ViT-L/14
        img_size=224
        img_len=256
        text_len=32
        pretrain_model_name_or_path=bert-base-chinese
        block_size=288
        n_layer=12
        n_head=12
        n_embd=768
      """
PREDICT = """--mode=predict --tables=./tmp/VC_test_base64.txt --input_schema=idx:str:1,imgbase64:str:1
    --first_sequence=imgbase64 --outputs=./tmp/VC_outputs.txt --output_schema=idx,gen_text
    --checkpoint_dir=./tmp/v2t_gen_model_finetune --sequence_length=288 --micro_batch_size=8
    --app_name=video2text_generation"""
TRAIN = ["--mode=train", "--tables=a,b", "--checkpoint_dir=c"]
BY = "--user_defined_parameters"
TINY = "img_size=32 img_len=8 text_len=24 block_size=48 n_layer=2 n_head=2 n_embd=64"


def gif(path, colour, frames):
    """A white bar that wanders over a colour."""
    pictures = [Image.new("RGB", (40, 40), colour) for _ in range(frames)]
    for place, picture in enumerate(pictures):
        picture.paste("white", (4 * place, 0, 4 * place + 4, 40))
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Three clips of 2, 4 and 6 frames, a tiny CLIP, a tokenizer of characters."""
    from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModel

    root = tmp_path_factory.mktemp("easynlp")
    (root / "clips").mkdir()
    for number, colour in enumerate(SAID, start=1):
        gif(root / "clips" / f"{colour}.gif", colour, 2 * number)
    for name, times in (("t", 1), ("often", 120)):  # an epoch of several steps, before it is validated
        said = {f"{name}.gif": [text] * times for name, text in SAID.items()}
        (root / "captions.json").write_text(json.dumps(said))
        pack = ["pack", str(root / "clips"), "--out", str(root / f"{name}.txt"), "--frames", "6"]
        assert main([*pack, "--captions", str(root / "captions.json")]) == 0
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    CLIPVisionModel(CLIPVisionConfig(**sizes, image_size=32, patch_size=8)).save_pretrained(root / "clip")
    CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=32).save_pretrained(root / "clip")
    write_tokenizer(root / "words")
    return root


def write_tokenizer(folder):
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    said = "".join(SAID.values())
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    words = [*marks, *dict.fromkeys(re.findall(r"[A-Za-z]+|[^A-Za-z\s]", said))]
    tokenizer = Tokenizer(models.WordLevel({w: n for n, w in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)  # a Chinese character is a word
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    named = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token"), marks, strict=True))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **named).save_pretrained(folder)


def train(place, run, *parameters, table="t.txt", **options):
    given = {"tables": f"{place / table},{place / 't.txt'}", "checkpoint_dir": place / run}
    given |= {"input_schema": SCHEMA, "sequence_length": 32, "micro_batch_size": 3} | options
    parameters = ["--user_defined_parameters", " ".join(parameters)]
    return main(["--mode=train", *(f"--{name}={value}" for name, value in given.items()), *parameters])


def predict(place, run, *parameters, **options):
    given = {"tables": place / "t.txt", "checkpoint_dir": place / run, "outputs": place / "out.txt"}
    given |= {"input_schema": SCHEMA, "micro_batch_size": 2} | options
    flags = [f"--{name}={value}" if value != "" else f"--{name}" for name, value in given.items()]
    return main(["--mode=predict", *flags, "--user_defined_parameters", " ".join(parameters)])


@pytest.fixture(scope="module")
def trained(place):
    new = [TINY, f"vit_ckpt_path={place / 'clip'}", f"pretrain_model_name_or_path={place / 'words'}"]
    how = {"learning_rate": 0.01, "epoch_num": 2, "logging_steps": 5, "table": "often.txt"}
    assert train(place, "run", "frame_num=4", *new, **how) == 0
    return place


def test_a_run_learns_what_is_said_of_each_clip(trained, capsys):
    """Clips of 2, 4 and 6 frames in one batch; what comes back has its blanks."""
    assert predict(trained, "run", "max_generated_num=3 text_len=24 img_len=8", sequence_length=32) == 0
    assert "out.txt: 3 clips" in capsys.readouterr().out
    found = read_generated(trained / "out.txt", ("idx", "gen_text"))
    spelled = {row["idx"]: row["gen_text"][0].replace(" ", "").lower() for row in found}
    assert spelled == {f"{n}.gif": text.replace(" ", "").lower() for n, text in SAID.items()}
    assert all(len(row["gen_text"]) == len(set(row["gen_text"])) == 3 for row in found)
    assert "A green thing grows" in next(row["gen_text"][0] for row in found if row["idx"] == "green.gif")
    assert (trained / "out.txt").read_text("utf-8").split("\t")[1].startswith('["')
    training = read_meta(trained / "run" / "best")["run_key"]["training"]
    assert (training["learning_rate"], training["batch_size"], training["seed"]) == (0.01, 3, 42)
    encoder = read_meta(trained / "run" / "best")["model"]["encoder"]
    assert (encoder["frames"], encoder["choose"], encoder["eye"]["view"]) == (4, "uniform", "pooled")


def test_evaluate_scores_and_trains_nothing(trained, capsys):
    before = {path: path.stat().st_mtime_ns for path in (trained / "run").rglob("*.safetensors")}
    given = [f"--tables={trained / 't.txt'}", f"--checkpoint_dir={trained / 'run'}"]
    assert main(["--mode=evaluate", *given, "--user_defined_parameters", "text_len=24"]) == 0
    scores = json.loads((trained / "run" / "evaluation.json").read_text())
    assert scores["bleu1"] > 0.95 and f"bleu1 {scores['bleu1']}" in capsys.readouterr().out
    assert before == {path: path.stat().st_mtime_ns for path in (trained / "run").rglob("*.safetensors")}


def test_any_number_of_frames_is_taken_in_any_way(trained):
    """Each clip's own, one in the other's batch; as the run learnt, where nothing is said."""
    ways = {"": (4, "uniform"), "frame_num=1": (1, "uniform"), "frame_num=9 frame_choice=first": (9, "first")}
    for given, known in ways.items():
        assert predict(trained, "run", given, "text_len=24") == 0
        assert len(read_generated(trained / "out.txt", ("idx", "gen_text"))) == 3
        args = read_command(["--mode=evaluate", "--tables=a", "--checkpoint_dir=b", BY, given])
        encoder = open_model(args, trained / "run").encoder
        assert (encoder.frames, encoder.choose) == known


def test_an_eye_of_notebook_00_and_words_of_ours_serve_too(place, tmp_path):
    save_eye(
        tmp_path / "eye",
        build_encoder({"kind": "atelier", "channels": 4}),
        Preprocess(resize=32, crop=32),
        origin="x",
    )
    (tmp_path / "vocab.json").write_text(json.dumps(Vocab.build(SAID.values()).numbers))
    new = [
        TINY,
        f"vit_ckpt_path={tmp_path / 'eye'}",
        f"pretrain_model_name_or_path={tmp_path / 'vocab.json'}",
    ]
    assert train(place, tmp_path / "run", *new) == 0
    model = read_meta(tmp_path / "run" / "best")["model"]
    assert model["encoder"]["eye"]["kind"] == "atelier" and model["encoder"]["frames"] == 3
    assert model["decoder"]["config"]["n_layer"] == 2


def test_further_columns_and_pythons_own_spelling(trained):
    options = {"append_cols": "text", "output_schema": "gen_text,idx", "repr": ""}
    assert predict(trained, "run", "text_len=24", **options) == 0
    found = read_generated(trained / "out.txt", ("gen_text", "idx", "text"))
    assert {row["idx"]: row["text"] for row in found} == {f"{n}.gif": text for n, text in SAID.items()}
    assert (trained / "out.txt").read_text("utf-8").startswith("['")


def test_finetuning_starts_from_an_earlier_run(trained, capsys):
    start, same = f"pretrain_model_name_or_path={trained / 'run'}", "img_size=32 img_len=8 text_len=24"
    for run, frames in (("tuned", 4), ("fewer", 2)):
        told = f"frame_num={frames}" if frames == 2 else ""  # else as it was
        assert train(trained, run, start, same, told, learning_rate=1e-5) == 0
        key = read_meta(trained / run / "best")["run_key"]
        assert key["start"] == read_meta(trained / "run" / "best")["weights_sha256"]
        assert key["model"]["encoder"]["frames"] == frames
    first, *_ = csv.DictReader((trained / "tuned" / "history.csv").open())
    assert float(first["loss"]) < 0.5  # above 3 at random
    assert train(trained, "other", start, same, "n_layer=3") == 2
    assert "n_layer is given, and" in capsys.readouterr().err


def test_frames_may_be_paths(place, tmp_path):
    assert main(["unpack", str(place / "t.txt"), "--out", str(tmp_path / "frames")]) == 0
    folders = {path.name: sorted(path.iterdir()) for path in (tmp_path / "frames").iterdir() if path.is_dir()}
    lines = [
        f"{name}\t{json.dumps([f'{name}/{f.name}' for f in files])}\t{SAID[name[:-4]]}\n"
        for name, files in folders.items()
    ]
    (tmp_path / "paths.txt").write_text("".join(lines), encoding="utf-8")
    new = [TINY, f"vit_ckpt_path={place / 'clip'}", f"pretrain_model_name_or_path={place / 'words'}"]
    new += ["enable_img_path=True", f"img_root_dir={tmp_path / 'frames'}"]
    table = {"tables": f"{tmp_path / 'paths.txt'},{tmp_path / 'paths.txt'}"}
    assert train(place, tmp_path / "run", *new, **table) == 0


def test_clips_are_packed_and_unpacked(place, tmp_path, capsys):
    records = table_records(ClipTable(place / "t.txt", SCHEMA, text="text"), "train")
    assert {r.id: r.captions for r in records} == {f"{n}.gif": (text,) for n, text in SAID.items()}
    assert main(["unpack", str(place / "t.txt"), "--out", str(tmp_path / "frames")]) == 0
    counts = {
        path.name: len(list(path.iterdir())) for path in (tmp_path / "frames").iterdir() if path.is_dir()
    }
    assert counts == {"red.gif": 2, "green.gif": 4, "blue.gif": 6}
    for name in counts:
        pairs = zip(
            open_frames(place / "clips" / name, 6), open_frames(tmp_path / "frames" / name, 6), strict=True
        )
        assert all(
            np.abs(np.asarray(a.picture, int) - np.asarray(b.picture, int)).mean() < 12 for a, b in pairs
        )
    again = ["pack", str(tmp_path / "frames"), "--out", str(tmp_path / "again.txt")]
    assert main([*again, "--captions", str(tmp_path / "frames" / "captions.json")]) == 0
    again = table_records(ClipTable(tmp_path / "again.txt", SCHEMA, text="text"), "train")
    assert {r.id: r.captions for r in again} == {r.id: r.captions for r in records}
    assert main(["pack", str(place / "clips" / "red.gif"), "--out", str(tmp_path / "bare.txt")]) == 0
    assert len(list(ClipTable(tmp_path / "bare.txt", "idx:str:1,imgbase64:str:1"))) == 1
    capsys.readouterr()
    assert main(["unpack", str(place / "t.txt"), "--out", str(tmp_path / "frames")]) == 2
    assert "frames: it is there already" in capsys.readouterr().err


@needs(CLIPS)
def test_the_real_clips_are_packed(tmp_path):
    names = json.loads((CLIPS / "captions_zh.json").read_text(encoding="utf-8"))
    out, clips = tmp_path / "msvd.txt", [str(CLIPS / name) for name in names]
    assert main(["pack", *clips, "--out", str(out), "--captions", str(CLIPS / "captions_zh.json")]) == 0
    records = table_records(ClipTable(out, SCHEMA, text="text"), "train")
    assert {r.id: list(r.captions) for r in records} == names


@pytest.mark.parametrize(
    ("captions", "told"),
    [
        ({"red.gif": ["x"], "green.gif": ["y"]}, "'blue.gif': no text for this clip"),
        (dict.fromkeys(["red.gif", "green.gif", "blue.gif", "pink.gif"], "x"), "'pink.gif': no such clip"),
        (dict.fromkeys(["red.gif", "green.gif", "blue.gif"], "x\ty"), "holds a tab"),
    ],
)
def test_clips_and_captions_must_fit(place, tmp_path, capsys, captions, told):
    (tmp_path / "c.json").write_text(json.dumps(captions))
    pack = ["pack", str(place / "clips"), "--out", str(tmp_path / "x.txt"), "--captions"]
    assert main([*pack, str(tmp_path / "c.json")]) == 2
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1 and not (tmp_path / "x.txt").exists()


def test_the_readmes_own_commands_are_taken_and_their_numbers_are_the_defaults(capsys):
    args = read_command([*README.split(), f"--user_defined_parameters={PRETRAIN}", "--worker_gpu=1"])
    assert "--worker_gpu has no place here: `accelerate launch" in capsys.readouterr().out
    assert args.clip.frame_num == 4 and args.clip.vit_ckpt_path == "ViT-L/14" and len(args.tables) == 2
    least = read_command(["--mode=train", "--tables=a,b", "--checkpoint_dir=c"])
    same = ("input_schema", "first_sequence", "second_sequence", "learning_rate", "epoch_num", "random_seed")
    same += ("logging_steps", "save_checkpoint_steps", "micro_batch_size", "app_name")
    assert all(getattr(args, name) == getattr(least, name) for name in same)
    args = read_command([*PREDICT.split(), "--user_defined_parameters=max_generated_num=4 frame_num=4"])
    assert args.second_sequence is None and args.clip.max_generated_num == 4


def test_a_value_may_hold_an_equals_sign():
    found = read_clip_parameters("img_root_dir=./a=b/c= vit_ckpt_path=x==y\n  enable_img_path=True")
    assert (found.img_root_dir, found.vit_ckpt_path, found.enable_img_path) == ("./a=b/c=", "x==y", True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([*TRAIN, "--epoch_nums=3"], "unknown parameter --epoch_nums=3; did you mean --epoch_num?"),
        ([*TRAIN, BY, "frame_nmu=4"], "unknown parameter frame_nmu; did you mean frame_num?"),
        ([*TRAIN, BY, "frame_num=four"], "frame_num must be int or None, not 'four'"),
        ([*TRAIN, BY, "frame_num=0"], "frame_num must be at least 1"),
        ([*TRAIN, BY, "frame_num"], "'frame_num': expected name=value"),
        ([*TRAIN, BY, "n_head=2 n_head=3"], "each name once"),
        ([*TRAIN, BY, "frame_choice=random"], "frame_choice must be"),
        ([*TRAIN, BY, "enable_img_path=True"], "belong together"),
        ([*TRAIN, "--sequence_length=280"], "--sequence_length 280: expected img_len 256 + text_len 32"),
        ([*TRAIN, "--app_name=image2text_generation"], "expected video2text_generation"),
        (["--mode=train", "--tables=a", "--checkpoint_dir=c"], "--tables: expected two, TRAIN,VALID, not 1"),
        (["--mode=predict", "--tables=a", "--checkpoint_dir=c"], "--mode=predict needs --outputs"),
        ([*TRAIN, "--input_schema=idx:str:1,text:str:1"], "no column 'imgbase64'; it has idx, text"),
        ([], "a call without pack or unpack needs --mode, --tables, --checkpoint_dir"),
        (["unpack", "a", "--out", "b", "--input_shema=c"], "did you mean --input_schema?"),
        (TRAIN, "a: No such file or directory"),
        (["pack", "nowhere.mp4", "--out", "x"], "nowhere.mp4: no such clip"),
    ],
)
def test_what_is_wrong_is_one_line(capsys, arguments, told):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1 and error.startswith("easynlp: ")


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        (
            "vit_ckpt_path=ViT-L/14",
            "vit_ckpt_path=ViT-L/14: expected the folder of a CLIP as transformers saves it",
        ),
        ("", "vit_ckpt_path=...: expected the folder of a CLIP"),
        (
            "vit_ckpt_path={clip}",
            "pretrain_model_name_or_path: expected a tokenizer's folder, or a vocab.json",
        ),
        (
            "vit_ckpt_path={clip} pretrain_model_name_or_path=bert-base-chinese",
            "bert-base-chinese: no folder with a tok",
        ),
        (
            "vit_ckpt_path={clip} pretrain_model_name_or_path={words} img_size=64",
            "reads pictures of 32 pixels, not 64",
        ),
    ],
)
def test_what_a_model_lacks_is_one_line(place, capsys, parameters, told):
    given = parameters.format(clip=place / "clip", words=place / "words")
    assert train(place, "none", "img_len=8 text_len=24", given) == 2
    error = capsys.readouterr().err.splitlines()[-1]  # how far it came may stand before it
    assert error.startswith("easynlp: ") and told in error


def test_the_command_line_says_what_it_knows():
    command = [sys.executable, "-m", "originals.easynlp"]
    done = subprocess.run([*command, "--help"], cwd=ROOT, capture_output=True, text=True)
    assert (
        done.returncode == 0 and "frame_choice=uniform" in done.stdout and "pack CLIPS --out" in done.stdout
    )
    done = subprocess.run([*command, "pack", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "--captions" in done.stdout
