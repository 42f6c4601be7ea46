"""Predictions: what is printed is what the model says of each picture alone, and bad input is one line."""

import argparse
import io
import json
import os
import random
import shutil
import subprocess
import sys
import weakref
from pathlib import Path

import pytest
import torch
from absent import GPU
from one_thread import one_thread  # noqa: F401
from PIL import Image

from lib import checkpoint
from lib.__main__ import main
from lib.config import ConfigError
from lib.data.images import ImageError, Preprocess, load_image
from lib.data.text import Vocab
from lib.models import AttributeEncoder, Captioner, Decoding, build_decoder, build_encoder, save_eye
from lib.paths import ROOT
from lib.publish import predict as command
from lib.publish.captioning import PredictError, check_device, predict
from lib.score.command import read_candidates
from originals.homework import img_predict

WORDS = "a woman wears the red shirt with long sleeves and blue jeans"
PREPROCESS = Preprocess(resize=20, crop=16)
KNOWN = 12  # words the decoder can say


@pytest.fixture(scope="module")
def model():
    """An untrained captioner whose captions do depend on the picture."""
    torch.manual_seed(2)
    vocab, encoder = Vocab.build([WORDS]), build_encoder({"kind": "atelier", "channels": 4})
    sizes = {"vocab_size": len(vocab), "memory_width": encoder.width, "max_length": KNOWN}
    decoder = build_decoder({"kind": "transformer", "width": 16, "heads": 2, "layers": 1, **sizes})
    for _ in range(20):
        encoder.train()(torch.randn(8, 3, 1, 1) + torch.randn(8, 3, 16, 16))  # its norms learn what is usual
    for weight in decoder.parameters():
        torch.nn.init.normal_(weight, std=1.0)
    return Captioner(encoder, decoder, vocab, PREPROCESS).eval()


@pytest.fixture(scope="module")
def trained(model, tmp_path_factory):
    """The run's folder, with a variant chosen, as `fit` leaves it."""
    folder = tmp_path_factory.mktemp("runs") / "attn"
    checkpoint.save(folder / "small" / "best", model.state_dict(), model.meta())
    checkpoint.choose(folder, "small")
    return folder


def draw(path: Path, seed: int) -> str:
    """A picture of noise over a colour."""
    chance = random.Random(seed)
    base = [chance.randrange(256) for _ in range(3)]
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", (24, 30), tuple(base))
    for _ in range(300):
        place = chance.randrange(24), chance.randrange(30)
        image.putpixel(place, tuple(chance.randrange(256) for _ in range(3)))
    image.save(path)
    return str(path)


@pytest.fixture
def folder(tmp_path):
    """Seven pictures, two of them in a sub-folder, beside something that is none."""
    names = ["c.png", "a.png", "b.png", "sub/z.png", "sub/y.png", "d.png", "e.png"]
    for seed, name in enumerate(names):
        draw(tmp_path / "pictures" / name, seed)
    (tmp_path / "pictures" / "notes.txt").write_text("no picture")
    return tmp_path / "pictures"


@pytest.fixture
def call(trained, capfd):
    """Run the command; (exit code, lines of the standard output, text of the standard error)."""

    def call(*arguments, model=trained):
        code = main(["predict", *map(str, arguments), "--checkpoint", str(model)])
        out, err = capfd.readouterr()
        return code, out.splitlines(), err

    return call


def alone(model, path, **decoding) -> list[str]:
    """What the model says of one picture by itself, the best first."""
    memory = model.encode(PREPROCESS(load_image(path))[None])
    found = model.search(memory, Decoding(max_length=KNOWN, **decoding))
    return [model.decode(ids) for ids in found.tokens[0].tolist()]


def feed(monkeypatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


SORTED = ["a.png", "b.png", "c.png", "d.png", "e.png", "sub/y.png", "sub/z.png"]


def test_a_folder_in_sorted_order_each_picture_as_if_it_were_alone(call, folder, model):
    code, out, err = call(folder, "--k", 3, "--batch-size", 3)
    assert code == 0 and "captioning" in err and "7/7" in err
    expected = [f"{folder}/{name}\t{alone(model, folder / name, beam=3)[0]}" for name in SORTED]
    assert out == expected
    assert len({line.split("\t")[1] for line in out}) > 1  # or the order of the captions would not show


def test_pictures_and_folders_in_the_order_given(call, folder):
    _, out, err = call(folder / "e.png", f"{folder}/sub/", folder / "a.png")
    names = [line.split("\t")[0].removeprefix(f"{folder}/") for line in out]
    assert names == ["e.png", "sub/y.png", "sub/z.png", "a.png"]
    assert "captioning" in err


def test_one_picture_needs_no_progress_line(call, folder, model):
    code, out, err = call(folder / "a.png", "--method", "greedy")
    assert (code, err) == (0, "")
    assert out == [f"{folder}/a.png\t{alone(model, folder / 'a.png', method='greedy')[0]}"]


def test_several_captions_come_with_their_scores_the_best_first(call, folder, model):
    _, out, _ = call(folder / "b.png", "--k", 4, "--n-best", 3)
    paths, scores, captions = zip(*(line.split("\t") for line in out), strict=True)
    assert set(paths) == {f"{folder}/b.png"}
    assert list(captions) == alone(model, folder / "b.png", beam=4, n_best=3)
    values = [float(score) for score in scores]
    assert values == sorted(values, reverse=True) and len(set(values)) > 1


def test_places_that_no_text_could_fill_are_left_out(call, folder):
    code, out, _ = call(folder / "b.png", "--k", 40, "--n-best", 40, "--max-len", 1)
    assert code == 0
    assert 0 < len(out) <= len(WORDS.split()) + 1
    assert "inf" not in "".join(out)


def test_draws_depend_on_the_seed_and_not_on_the_batches(call, folder):
    draws = [
        call(folder, "--method", "sample", "--n-best", 3, "--batch-size", size, "--seed", seed)[1]
        for size, seed in ((1, 5), (3, 5), (32, 5), (32, 6))
    ]
    texts, scores = [], []
    for draw in draws:
        rows = [line.split("\t") for line in draw]
        texts.append([(path, text) for path, _, text in rows])
        scores.append([float(score) for _, score, _ in rows])
    assert texts[0] == texts[1] == texts[2] != texts[3]
    assert scores[0] == pytest.approx(scores[1], abs=2e-4)
    assert scores[0] == pytest.approx(scores[2], abs=2e-4)
    assert all(scores[0][i : i + 3] == sorted(scores[0][i : i + 3], reverse=True) for i in range(0, 21, 3))


def test_narrow_sampling_is_greedy(call, folder):
    _, greedy, _ = call(folder, "--method", "greedy", "--max-len", 6)
    for option in (("--top-k", 1), ("--top-p", 1e-6), ("--temperature", 1e-4)):
        assert call(folder, "--method", "sample", "--max-len", 6, *option)[1] == greedy


def test_json_holds_captions_and_scores(call, folder, model, tmp_path):
    place = tmp_path / "made" / "out.json"
    code, out, _ = call(folder, "--json", place, "--k", 3, "--n-best", 2)
    assert (code, out) == (0, [])
    rows = json.loads(place.read_text())
    assert [row["path"] for row in rows] == [f"{folder}/{name}" for name in SORTED]
    for row in rows:
        assert list(row) == ["path", "captions", "scores"]
        assert row["captions"] == alone(model, row["path"], beam=3, n_best=2)
        assert len(row["scores"]) == 2 and row["scores"][0] >= row["scores"][1]
    assert list(place.parent.iterdir()) == [place]


def test_captions_by_file_name_are_what_the_scores_take(call, folder, model, tmp_path):
    place, twice = tmp_path / "captions.json", tmp_path / "twice" / "again"
    assert call(folder, "--captions", place, "--k", 3, "--length-penalty", 1.4)[:2] == (0, [])
    captions = read_candidates(place)
    assert captions == {
        Path(name).name: alone(model, f"{folder}/{name}", beam=3, length_penalty=1.4)[0] for name in SORTED
    }
    twice.mkdir(parents=True)
    shutil.copy(Path(folder) / SORTED[0], twice)
    code, _, err = call(folder, twice, "--captions", tmp_path / "more.json")
    assert code == 2 and "two pictures are called" in err and not (tmp_path / "more.json").exists()


def test_json_is_whole_or_as_it_was(call, folder, tmp_path, monkeypatch):
    place = tmp_path / "out.json"
    place.write_text("older")

    def stop(*_):
        raise OSError("the disk fails")

    monkeypatch.setattr("lib.publish.captioning.caption", stop)
    code, _, err = call(folder, "--json", place)
    assert code == 2 and "the disk fails" in err
    assert place.read_text() == "older"


def test_paths_from_standard_input(call, folder, monkeypatch):
    feed(monkeypatch, f"{folder}/b.png\r\n\n{folder}/a.png\n{folder}/c.png".encode())
    code, out, _ = call(folder / "e.png", "-")
    assert code == 0
    names = [line.split("\t")[0].removeprefix(f"{folder}/") for line in out]
    assert names == ["e.png", "b.png", "a.png", "c.png"]


def test_a_name_that_is_not_utf_8_is_read_and_can_be_shown(call, folder, monkeypatch):
    name = os.fsencode(folder) + b"/\xff\tx.png"
    (folder / "a.png").rename(os.fsdecode(name))
    feed(monkeypatch, name + b"\n")
    code, out, _ = call("-")
    assert code == 0
    assert out[0].startswith(rf"{folder}/\udcff\tx.png" + "\t")


def test_no_more_than_a_batch_is_taken_or_held(folder, model):
    """Paths are asked for lazily, and the pictures of a finished batch are let go."""
    taken, held, most = [], weakref.WeakSet(), []

    class Counting:
        def resized(self, image):
            return PREPROCESS.resized(image)

        def cut(self, image, seed):
            tensor = PREPROCESS.cut(image, seed)
            held.add(tensor)
            most.append(len(held))
            return tensor

    def paths():
        for number in range(1000):
            taken.append(number)
            yield f"{folder}/{SORTED[number % 7]}"

    watched = Captioner(model.encoder, model.decoder, model.vocab, Counting())
    predictions = predict(watched.eval(), paths(), Decoding(method="greedy", max_length=3), batch_size=4)
    assert taken == []
    for asked in range(1, 26):
        next(predictions)
        assert len(taken) == 4 * -(-asked // 4)
    assert max(most) == 4


BROKEN = {
    "gone.png": (None, "no such picture"),
    "empty.png": (b"", "the picture is empty (0 bytes)"),
    "text.png": (b"not a picture", "not a picture; expected one of JPEG"),
}


def test_unreadable_pictures_are_named_and_the_others_go_on(call, folder, tmp_path):
    whole = (folder / "a.png").read_bytes()
    for name, (content, _) in (BROKEN | {"cut.png": (whole[: len(whole) // 2], "")}).items():
        if content is not None:
            (folder / name).write_bytes(content)
    place = tmp_path / "out.json"
    code, out, err = call(folder, folder / "gone.png", "--batch-size", 2)
    named = [line for line in err.splitlines() if line.startswith("lookbook predict: ")]
    assert code == 1
    assert [line.split("\t")[0].removeprefix(f"{folder}/") for line in out] == SORTED
    assert len(named) == 4 and "unreadable 4" in err
    assert f"{folder}/cut.png: broken picture" in err
    for name, (_, reason) in BROKEN.items():
        assert f"lookbook predict: {folder}/{name}: {reason}" in err
    assert call(folder, "--json", place)[0] == 1
    assert [row["path"] for row in json.loads(place.read_text())] == [f"{folder}/{n}" for n in SORTED]


@pytest.mark.parametrize("name", BROKEN)
def test_one_broken_picture_is_one_line(call, tmp_path, name):
    content, reason = BROKEN[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    code, out, err = call(tmp_path / name)
    assert (code, out) == (1, [])
    assert err.startswith(f"lookbook predict: {tmp_path}/{name}: {reason}") and err.count("\n") == 1


@pytest.mark.parametrize(
    "options, message",
    [
        (["--k", 0], "--k must be at least 1, not 0"),
        (["--n-best", 0], "--n-best must be at least 1, not 0"),
        (["--k", 2, "--n-best", 3], "--n-best 3 is more than --k 2"),
        (["--n-best", 6], "--n-best 6 is more than --k 5"),
        (["--method", "greedy", "--n-best", 2], "--n-best 2 needs --method beam or sample; greedy finds one"),
        (["--method", "greedy", "--k", 3], "--k is for --method beam, not greedy"),
        (["--method", "greedy", "--length-penalty", 2], "--length-penalty is for --method beam, not greedy"),
        (["--top-k", 3], "--top-k is for --method sample, not beam"),
        (["--seed", 3], "--seed is for --method sample, not beam"),
        (["--method", "sample", "--temperature", 0], "decoding.temperature must be above 0, not 0"),
        (["--method", "sample", "--top-p", 2], "decoding.top_p must be above 0 and at most 1, not 2"),
        (["--max-len", 0], "--max-len must be at least 1, not 0"),
        (["--max-len", 90], f"--max-len 90 is too long; this decoder knows {KNOWN} words"),
        (["--batch-size", 0], "--batch-size must be at least 1, not 0"),
        (["--device", "gpu"], "unknown device 'gpu'; expected cpu, cuda"),
        (["--device", "meta"], "device 'meta' is not served; expected cpu, cuda"),
        (["--device", "cuda:99"], "no device 'cuda:99' on this machine (torch is "),
        (["--json", ROOT], f"{ROOT}: cannot be written; expected the name of a file"),
        (["--json", ROOT / "pyproject.toml" / "x"], "pyproject.toml"),
    ],
    ids=lambda value: " ".join(map(str, value))[-40:] if isinstance(value, list) else "",
)
def test_an_option_that_makes_no_sense_is_one_line(call, folder, options, message):
    code, out, err = call(folder, *options)
    assert (code, out, err.count("\n")) == (2, [], 1), err
    assert err.startswith("lookbook predict: ") and message in err


def test_cuda_where_there_is_none_is_one_line(call, folder, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    code, out, err = call(folder, "--device", "cuda")
    assert (code, out, err.count("\n")) == (2, [], 1)
    assert "no device 'cuda' on this machine (torch is " in err


def test_where_there_are_two_gpus_the_third_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [check_device(name).index for name in ("cuda", "cuda:0", "cuda:1")] == [None, 0, 1]
    with pytest.raises(PredictError, match="no device 'cuda:2'"):
        check_device("cuda:2")


@pytest.mark.skipif(not torch.cuda.is_available(), reason=GPU)
def test_a_gpu_says_what_the_processor_says(call, folder):
    assert call(folder, "--device", "cuda")[1] == call(folder)[1]


def test_a_folder_without_pictures_is_one_line(call, tmp_path):
    (tmp_path / "notes.txt").write_text("no picture")
    code, out, err = call(tmp_path)
    assert (code, out, err.count("\n")) == (2, [], 1)
    assert f"{tmp_path}: no pictures in it; expected .jpg, .png, .webp or the like" in err


def test_an_empty_standard_input_is_one_line(call, monkeypatch):
    feed(monkeypatch, b"\n\n")
    code, out, err = call("-")
    assert (code, out, err.count("\n")) == (2, [], 1)
    assert "no pictures: standard input names none" in err


def spoil(place: Path, model: Captioner, how: str) -> None:
    """A checkpoint with one thing wrong."""
    if how == "eye":
        save_eye(place, model.encoder, PREPROCESS, origin="a test")
        return
    weights = {"encoder.stem": torch.zeros(2), "decoder.gru": torch.zeros(2)}
    if how == "foreign":
        place.mkdir()
        torch.save(weights, place / "pytorch_model.bin")
        return
    checkpoint.save(place, model.state_dict(), model.meta())
    file = place / "weights.safetensors"
    content = file.read_bytes()
    if how == "truncated":
        file.write_bytes(content[:-100])
    elif how == "tampered":
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif how == "no weights":
        file.unlink()
    else:
        meta = json.loads((place / "meta.json").read_text())
        fewer = {"kind": "words", "words": meta["text"]["words"][:-1]}
        meta |= {"other words": {"text": fewer}, "no words": {"text": 3}}[how]
        (place / "meta.json").write_text(json.dumps(meta))


@pytest.mark.parametrize(
    "how, message",
    [
        ("eye", "no captioner; meta.json lacks text"),
        ("foreign", "another program's weights, which need the model class they came from"),
        ("truncated", "weights.safetensors: truncated or changed (its SHA-256 is not meta.json's)"),
        ("tampered", "weights.safetensors: truncated or changed (its SHA-256 is not meta.json's)"),
        ("no weights", "weights.safetensors: missing"),
        ("other words", "no captioner can be built as its meta.json says"),
        ("no words", "no captioner can be built as its meta.json says"),
    ],
)
def test_a_broken_or_foreign_checkpoint_is_one_line(call, folder, tmp_path, model, how, message):
    spoil(tmp_path / "ckpt", model, how)
    code, out, err = call(folder, model=tmp_path / "ckpt")
    assert (code, out, err.count("\n")) == (2, [], 1), err
    assert message in err and str(tmp_path) in err


def test_a_checkpoint_that_is_not_there_is_one_line(call, folder, tmp_path):
    code, out, err = call(folder, model=tmp_path / "none")
    assert (code, out, err.count("\n")) == (2, [], 1)
    assert f"{tmp_path}/none: does not exist; a checkpoint is a folder with weights.safetensors" in err


def test_an_oracle_cannot_see_pictures(call, folder, tmp_path, model):
    encoder = AttributeEncoder({"color": ("red", "blue")})
    sizes = {"vocab_size": len(model.vocab), "memory_width": encoder.width, "word": 4, "hidden": 4}
    oracle = Captioner(encoder, build_decoder({"kind": "gru", **sizes}), model.vocab, None)
    checkpoint.save(tmp_path / "oracle", oracle.state_dict(), oracle.meta())
    code, _, err = call(folder, model=tmp_path / "oracle")
    assert (code, err.count("\n")) == (2, 1)
    assert f"{tmp_path}/oracle: this captioner is told attributes; it cannot see pictures" in err


def test_the_rl_homeworks_call(trained, folder, model):
    picture = str(folder / "a.png")
    said = img_predict(model_path=str(trained), img_path=picture, opt={})
    assert isinstance(said, str) and said == alone(model, picture, beam=5)[0]
    assert img_predict(trained, picture) == said
    options = {"predict_method": "beam-k", "k_value": 1, "device": "cpu"}
    assert img_predict(trained / "small", picture, options) == alone(model, picture, method="greedy")[0]


def test_the_rl_homeworks_random_sample_draws_from_torchs_own_numbers(trained, folder):
    drawn = []
    for seed in (0, 0, 1, 2, 3):
        torch.manual_seed(seed)
        drawn.append(
            img_predict(trained, folder / "a.png", {"predict_method": "random_sample", "k_value": 5})
        )
    assert drawn[0] == drawn[1] and len(set(drawn)) > 1


@pytest.mark.parametrize(
    "opt, message",
    [
        ({"k_valeu": 3}, r"unknown parameter opt\.k_valeu; did you mean opt\.k_value\?"),
        ({"k_value": 0}, r"opt\.k_value must be at least 1, not 0"),
        ({"k_value": "5"}, r"opt\.k_value must be int, not '5'"),
        (
            {"predict_method": "beam"},
            r"opt\.predict_method must be one of 'beam-k', 'random_sample', not 'beam'",
        ),
    ],
)
def test_the_rl_homeworks_options_are_strict(trained, folder, opt, message):
    with pytest.raises(ConfigError, match=message):
        img_predict(trained, folder / "a.png", opt)


def test_the_rl_homeworks_own_weights_are_told_which_class_they_need(folder, tmp_path):
    file = tmp_path / "pytorch_model.bin"
    torch.save({"encoder.stem": torch.zeros(2)}, file)
    with pytest.raises(
        PredictError, match=r"pytorch_model\.bin: another program's weights, which need the m"
    ):
        img_predict(str(file), folder / "a.png", {})


def test_the_rl_homeworks_call_names_what_is_missing(trained, tmp_path, folder, monkeypatch):
    with pytest.raises(ImageError, match=r"none\.png: no such picture"):
        img_predict(trained, tmp_path / "none.png")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(PredictError, match="no device 'cuda' on this machine"):
        img_predict(trained, folder / "a.png", {"device": "cuda"})


def test_exit_codes_are_in_the_help():
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    text = " ".join(parser.format_help().split())
    assert "Exit code: 0 where every picture has its caption; 1 where some could not be read" in text


PIPE = """
import sys
from lib.__main__ import main
from lib.publish import predict
assert "torch" not in sys.modules, "importing lib.publish must not load torch"
sys.exit(main(["predict", *sys.argv[1:]]))
"""


def test_a_reader_that_leaves_early_is_no_error_and_the_import_is_light(trained, folder):
    """`| head -0`: the pipe's other end is closed before the first line."""
    command_line = [sys.executable, "-c", PIPE, str(folder), "--checkpoint", str(trained)]
    with subprocess.Popen(
        command_line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        process.stdout.close()
        err = process.stderr.read()
    assert process.returncode == 1
    assert "Traceback" not in err and "Error" not in err, err
