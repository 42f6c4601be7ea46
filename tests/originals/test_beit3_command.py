"""The retrieval system's commands as a user runs them: prepare, train on each category, infer."""

import csv
import json
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from absent import DATA, need
from PIL import Image

from lib.checkpoint import load_weights, read_meta
from lib.data.formats.labels import read_labels
from lib.data.images import load_image
from lib.models.beit3 import Beit3, Beit3Settings
from lib.paths import ROOT
from originals.beit3 import OPTIONS, main
from originals.beit3_runs import training_of
from originals.challenge import ResultRow, read_index
from originals.command_line import build_program

GOLDEN = DATA / "beit3"
COLOURS = ("red", "green", "blue", "white")
TINY = {"image_size": 32, "patch": 8, "width": 32, "heads": 4, "inner": 64, "layers": 3, "words": 120}
SIZES = Beit3Settings(**TINY, places=40, longest=38)
CARS = [f"A {colour} car" for colour in COLOURS]
PEOPLE = [f"A man. He wears {colour}" for colour in COLOURS]


def draw(folder, name, colour, kind):
    """A car fills the lower half, a person the middle."""
    picture = Image.new("RGB", (48, 64) if kind == "people" else (64, 40), "grey")
    width, height = picture.size
    box = (width // 3, 0, 2 * width // 3, height) if kind == "people" else (0, height // 2, width, height)
    picture.paste(colour, box)
    folder.mkdir(parents=True, exist_ok=True)
    picture.save(folder / name)


def label(kind, place, colour):
    """Names say nothing: cars and people are mixed."""
    name = f"{place:03}{kind[0]}.png"
    return name, f"{name}$1,0,2${PEOPLE[COLOURS.index(colour)] if kind == 'people' else f'A {colour} car'}"


@pytest.fixture(scope="module")
def spm(tmp_path_factory):
    from sentencepiece import SentencePieceTrainer

    prefix = tmp_path_factory.mktemp("spm") / "beit3"
    options = {"vocab_size": 60, "minloglevel": 2, "num_threads": 1, "hard_vocab_limit": False}
    sentences = [*CARS, *PEOPLE, "She sits"] * 20
    SentencePieceTrainer.train(sentence_iterator=iter(sentences), model_prefix=str(prefix), **options)
    return prefix.with_suffix(".model").rename(prefix.with_suffix(".spm"))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Raw files as the challenge gives them."""
    root = tmp_path_factory.mktemp("challenge")
    for split in ("train", "val"):
        lines = []
        for place, (kind, colour) in enumerate((k, c) for c in COLOURS for k in ("people", "car")):
            name, line = label(kind, 90 - place, colour)
            draw(root / "train" / f"{split}_images", name, colour, kind)
            lines.append(line)
        (root / "train" / f"{split}_label.txt").write_text("\n".join([*lines, f"{name}$x$A car$"]) + "\n")
    for place, colour in enumerate(COLOURS):
        draw(root / "test" / "test_images", f"c{place}.png", colour, "car")
        draw(root / "test" / "test_images", f"p{place}.png", colour, "people")
    texts = [text for pair in zip(PEOPLE, CARS, strict=True) for text in pair]
    (root / "test" / "test_text.txt").write_text("\n".join([*texts, PEOPLE[0]]))
    return root


@pytest.fixture
def prepared(drawn, spm, tmp_path, capsys):
    root = shutil.copytree(drawn, tmp_path / "challenge")
    for folder in ("train", "test"):
        assert main(["prepare", "--data_path", str(root / folder), "--sentencepiece_model", str(spm)]) == 0
    told = capsys.readouterr().out
    assert "train: 4 pictures, 5 texts about car\ntrain: 4 pictures, 4 texts about people" in told
    assert "test: 8 pictures, 9 texts" in told
    sizes = root / "tiny.json"
    sizes.write_text(json.dumps(asdict(SIZES)))
    return root


def model_of(root, spm):
    return ["--model", str(root / "tiny.json"), "--sentencepiece_model", str(spm), "--input_size", "32"]


def train(root, spm, category, *more):
    given = ["--task", "flickr30k", "--data_path", str(root / "train"), "--category", category]
    return main(["train", *model_of(root, spm), *given, "--output_dir", str(root / f"out_{category}"), *more])


def infer(root, spm, *weights):
    given = ["--task", "flickr30k", "--batch_size", "96", "--data_path", str(root / "test")]
    given += ["--eval", "--dist_eval", "--output_dir", str(root / "found")]
    return main(["infer", *model_of(root, spm), *given, *weights])


def test_prepare_writes_what_the_others_read(prepared, spm):
    folder = prepared / "train"
    cleaned = read_labels(folder / "fliter_train_labels.txt")
    assert [line.picture for line in cleaned] == sorted(line.picture for line in cleaned)
    assert {line.picture for line in cleaned} == {path.name for path in (folder / "train_images").iterdir()}
    rows = read_index(folder / "flickr30k_people.val.jsonl")
    assert len(rows) == 4 and all(row.image_path.startswith("val_images/") for row in rows)
    assert min(number for row in rows for number in row.text_segment) > 3  # no marks, and nothing unknown
    names = {"train_car.json", "train_people.json", "val_car.json", "val_people.json", "val_label.txt"}
    assert names < {path.name for path in folder.iterdir()}
    test = (prepared / "test" / "test.txt").read_text().splitlines()
    assert test == [*CARS, *PEOPLE, PEOPLE[0]]
    assert len(read_index(prepared / "test" / "flickr30k.test.jsonl")) == 9


def read_results(path):
    return [ResultRow(**row) for row in json.loads(path.read_text())["results"]]


def direct(checkpoint, texts, folder):
    """The ten nearest names of each text, by the model alone."""
    model = Beit3.load(checkpoint)
    names = sorted(path.name for path in folder.iterdir())
    with torch.no_grad():
        seen = model.see(torch.stack([model.preprocess(load_image(folder / name)) for name in names]))
        rows = [torch.tensor([model.text.encode(text)]) for text in texts]
        read = torch.cat([model.read(row, torch.ones_like(row, dtype=torch.bool)) for row in rows])
    return [[names[place] for place in row] for row in (read @ seen.T).argsort(1, descending=True)]


def test_from_labels_to_names(prepared, spm, capsys):
    """Each category's model learns colours from its own pictures, and answers its own texts alone."""
    learn = ["--epochs", "40", "--batch_size", "5", "--lr", "0.001", "--drop_path", "0", "--layer_decay", "1"]
    for category in ("car", "people"):
        assert train(prepared, spm, category, *learn, "--warmup_epochs", "2", "--log_dir", "logs") == 0
        *_, last = csv.DictReader((prepared / f"out_{category}" / "history.csv").open())
        assert float(last["val_t2i_recall1"]) == 1
    told = capsys.readouterr().out
    assert "--log_dir has no place here: history.csv" in told and "finished: " in told
    weights = [f"--finetune_{c}={prepared / f'out_{c}'}" for c in ("car", "people")]
    assert infer(prepared, spm, *weights) == 0
    told = capsys.readouterr().out
    assert all(f"{option} has no place here" in told for option in ("--eval", "--dist_eval", "--batch_size"))
    cars, people, everything = (
        read_results(prepared / "found" / f"infer_json_{name}.json") for name in ("car", "people", "all")
    )
    assert [row.text for row in cars] == CARS and everything == cars + people
    assert [row.text for row in people] == [*PEOPLE, PEOPLE[0]]
    for category, found in (("car", cars), ("people", people)):
        wanted = direct(
            prepared / f"out_{category}", [row.text for row in found], prepared / "test" / "test_images"
        )
        assert [row.image_names for row in found] == wanted
        own = [[name for name in row.image_names if name[0] == category[0]] for row in found]
        assert [names[0][1] for names in own] == list("01230")[: len(found)]  # the number of the colour
    other = direct(prepared / "out_people", CARS, prepared / "test" / "test_images")
    assert [row.image_names for row in cars] != other


def test_the_golden_model_as_its_users_give_it(drawn, tmp_path, capsys):
    """DeepSpeed's file, the seed's own arguments, an older index; the text's table widened to tiny.spm."""
    spm, root = need(GOLDEN / "tiny.spm"), shutil.copytree(drawn, tmp_path / "challenge")
    weights = load_weights(GOLDEN / "tiny_a_mp_rank_00_model_states.pt")
    words = weights["beit3.text_embed.weight"]
    weights["beit3.text_embed.weight"] = torch.cat([words] * 4)[:220]
    torch.save({"module": weights}, root / "mp_rank_00_model_states.pt")
    (root / "tiny.json").write_text(json.dumps(asdict(replace(SIZES, words=220))))
    for folder in ("train", "test"):
        assert main(["prepare", "--data_path", str(root / folder), "--sentencepiece_model", str(spm)]) == 0
    for split in ("train", "val"):
        (root / "train" / f"flickr30k_people.{split}.jsonl").rename(
            root / "train" / f"flickr30k_0.{split}.jsonl"
        )
    start = ["--finetune", str(root / "mp_rank_00_model_states.pt"), "--batch_size", "3", "--epochs", "2"]
    given = ["--layer_decay", "0.85", "--lr", "3e-5", "--warmup_epochs", "1", "--drop_path", "0.2"]
    given += ["--weight_decay", "0.05", "--seed", "42", "--save_ckpt_freq", "1", "--update_freq", "2"]
    given += ["--enable_deepspeed", "--checkpoint_activations"]
    assert train(root, spm, "people", *start, *given) == 0
    assert "accelerate launch -m originals.beit3 train" in capsys.readouterr().out
    out = root / "out_people"
    assert {path.name for path in out.iterdir()} >= {"best", "last", "step-1", "step-2", "history.csv"}
    training = read_meta(out / "last")["run_key"]["training"]
    assert training["warmup_steps"] == 1 and training["accumulate"] == 2
    assert (training["layer_decay"], training["final_learning_rate"]) == (0.85, 1e-6)
    file, folder = str(root / "mp_rank_00_model_states.pt"), str(out)
    assert infer(root, spm, "--finetune_car", file, "--finetune_people", folder) == 0
    assert len(read_results(root / "found" / "infer_json_all.json")) == 9


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda root: (root / "train" / "flickr30k_car.val.jsonl").unlink(), "flickr30k_car.val.jsonl"),
        (lambda root: next((root / "train" / "train_images").glob("*c.png")).unlink(), "missing image"),
        (lambda root: (root / "tiny.json").write_text('{"layer": 3}'), "did you mean beit3.layers?"),
        (lambda root: (root / "w.pth").write_text("x"), "w.pth: not a plain table of weights"),
        (
            lambda root: torch.save({"model": {"x": torch.ones(1)}}, root / "w.pth"),
            "does not fit Beit3; missing",
        ),
    ],
)
def test_what_is_wrong_is_one_line(prepared, spm, capsys, spoil, told):
    spoil(prepared)
    weights = prepared / "w.pth"
    assert train(prepared, spm, "car", *(["--finetune", str(weights)] if weights.exists() else [])) == 2
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1 and error.startswith("beit3 train: ")


def test_a_jsonl_of_another_tokenizer_is_refused(prepared, spm, capsys):
    path = prepared / "train" / "flickr30k_car.train.jsonl"
    rows = [row._replace(text_segment=[5000, *row.text_segment]) for row in read_index(path)]
    path.write_text("".join(json.dumps(row._asdict()) + "\n" for row in rows))
    assert train(prepared, spm, "car") == 2
    assert "flickr30k_car.train.jsonl: line 1: wrong type; expected numbers of the" in capsys.readouterr().err


def test_infer_needs_the_models_of_the_texts_that_there_are(prepared, spm, capsys):
    weights = prepared / "w.pth"
    assert infer(prepared, spm, f"--finetune_car={weights}") == 2
    assert "w.pth: no such file" in capsys.readouterr().err
    (prepared / "test" / "test.txt").write_text(f"{PEOPLE[0]}\n")
    assert infer(prepared, spm, f"--finetune_car={weights}") == 2
    assert "--finetune_people is needed: 1 of the texts are about people" in capsys.readouterr().err


TRAIN = """train --model beit3_large_patch16_384 --input_size 384 --task flickr30k --batch_size 80
    --layer_decay 0.85 --lr 3e-5 --epochs 17 --warmup_epochs 3 --drop_path 0.2
    --sentencepiece_model ./model_pth/beit3.spm
    --finetune ./model_pth/beit3_large_patch16_384_f30k_retrieval.pth
    --data_path ../dataset/train --output_dir ./pt_out_car --log_dir ./logs --weight_decay 0.05 --seed 42
    --save_ckpt_freq 1 --enable_deepspeed --checkpoint_activations --category car"""
INFER = """infer --model beit3_large_patch16_384 --input_size 384 --task flickr30k --batch_size 96
    --sentencepiece_model ./model_pth/beit3.spm --finetune_car car_lr3_s2_r75_16e.pt
    --finetune_people mp_rank_00_model_states.pt --data_path ../dataset/test/ --eval --dist_eval"""


def test_the_readmes_own_commands_are_taken_and_their_numbers_are_the_defaults():
    parse = build_program("beit3", "", OPTIONS).parse_args
    args = parse(TRAIN.split())
    assert args.log_dir == "./logs" and args.checkpoint_activations and args.category == "car"
    least = ["train", *model_of(Path("x"), "y"), "--data_path", "z", "--output_dir", "o", "--category", "car"]
    plain = parse(least)
    same = ("batch_size", "layer_decay", "lr", "warmup_epochs", "drop_path", "weight_decay", "seed")
    assert all(getattr(args, name) == getattr(plain, name) for name in same)
    assert training_of(plain, 10).epochs == args.epochs and training_of(plain, 10).warmup_steps == 30
    assert training_of(args, 10).checkpoint_every == 10
    people = parse([*least[:-1], "people"])
    assert training_of(people, 10).epochs == 15
    args = parse(INFER.split())
    assert args.finetune_people == "mp_rank_00_model_states.pt" and args.eval == args.dist_eval == ""


def test_the_command_line_says_what_it_knows():
    command = [sys.executable, "-m", "originals.beit3"]
    done = subprocess.run([*command, "train", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "accelerate launch" in " ".join(done.stdout.split())
    done = subprocess.run([*command, "train", "--epoch", "3"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("Traceback") == 0
