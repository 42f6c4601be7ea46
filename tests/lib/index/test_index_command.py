"""The command as a user calls it, with a model that sees colours in place of a trained one."""

import json
import subprocess
import sys

import pytest
from gallery import COLOURS, ColourModel, embeddings
from PIL import Image

from lib.__main__ import main
from lib.index import build_index, command, open_index, write_embeddings
from lib.models import retriever
from lib.paths import ROOT


class Stranger(ColourModel):
    fingerprint = "stranger"


@pytest.fixture
def pictures(tmp_path):
    """One picture of each colour, one of them in a sub-folder, beside something that is none."""
    for name, colour in COLOURS.items():
        path = tmp_path / "pictures" / ("sub" if name == "blue" else "") / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), tuple(255 * part for part in colour)).save(path)
    (tmp_path / "pictures" / "notes.txt").write_text("no picture")
    return tmp_path / "pictures"


@pytest.fixture
def call(capfd, monkeypatch):
    """Run an action; (exit code, lines of the standard output, text of the standard error)."""

    def call(*words, model=ColourModel):
        monkeypatch.setattr(retriever, "open_retriever", lambda folder: model())
        code = main(["index", *map(str, words)])
        out, err = capfd.readouterr()
        return code, out.splitlines(), err

    return call


@pytest.fixture
def index(call, pictures, tmp_path):
    assert call("build", pictures, "--out", tmp_path / "index", "--model", "ckpt")[:2] == (
        0,
        [f"{tmp_path}/index: 4 pictures"],
    )
    return tmp_path / "index"


def names(lines):
    return [line.split("\t")[1].rpartition("/")[2] for line in lines]


def test_a_text_finds_its_picture(call, index, pictures):
    code, out, _ = call("search", index, "red", "--k", 2)
    assert code == 0 and names(out) == ["red.png", "yellow.png"]
    score, path = out[0].split("\t")
    assert float(score) == pytest.approx(1, abs=1e-3) and path == f"{pictures}/red.png"


def test_fewer_pictures_than_asked_for_are_fewer_lines(call, index):
    assert len(call("search", index, "red")[1]) == 4


def test_a_picture_finds_itself_and_text_pulls_it_away(call, index, pictures):
    image = ["--image", pictures / "red.png"]
    assert names(call("search", index, *image)[1])[0] == "red.png"
    assert names(call("search", index, "green", *image)[1])[0] == "yellow.png"  # red and green
    assert names(call("search", index, "green", *image, "--weight", 1)[1])[0] == "green.png"
    assert names(call("search", index, "green", *image, "--weight", 0)[1])[0] == "red.png"


def test_json_says_the_same(call, index, pictures):
    _, out, _ = call("search", index, "sky blue", "--k", 1, "--json")
    found = json.loads("".join(out))
    assert found["results"][0]["id"] == f"{pictures}/sub/blue.png" and found["nothing_fits"] is None
    assert found["text"] == "sky blue" and found["image"] is None


def test_calibrated_it_says_whether_anything_fits(call, index, tmp_path):
    (tmp_path / "no.txt").write_text("red green blue\n" * 30)
    (tmp_path / "yes.txt").write_text("red\ngreen\nblue\n" * 10)
    assert (
        call("calibrate", index, "--unrelated", tmp_path / "no.txt", "--related", tmp_path / "yes.txt")[0]
        == 0
    )
    assert json.loads(call("search", index, "red", "--json")[1][0])["nothing_fits"] < 0.2
    assert json.loads(call("search", index, "red green blue", "--json")[1][0])["nothing_fits"] > 0.8
    assert call("search", index, "red")[1][-1].startswith("nothing fits: ")


def test_pictures_come_and_go(call, index, pictures, tmp_path):
    assert call("remove", index, f"{pictures}/red.png")[0] == 0
    assert names(call("search", index, "red")[1])[0] == "yellow.png"
    (tmp_path / "more").mkdir()
    (pictures / "red.png").rename(tmp_path / "more" / "again.png")
    assert call("add", index, tmp_path / "more")[1] == [f"{index}: 4 pictures"]
    assert names(call("search", index, "red")[1])[0] == "again.png"


def test_an_index_that_became_empty_goes_on(call, index, pictures):
    ids = [line.split("\t")[1] for line in call("search", index, "red")[1]]
    assert call("remove", index, *ids)[1] == [f"{index}: 0 pictures"]
    assert call("search", index, "red")[:2] == (0, [""])
    assert call("add", index, pictures)[1] == [f"{index}: 4 pictures"]


def test_embeddings_from_a_file_need_no_model(call, tmp_path):
    write_embeddings(tmp_path / "e.safetensors", embeddings(6))
    write_embeddings(tmp_path / "f.safetensors", embeddings(2, first=6))
    code, out, _ = call("build", tmp_path / "e.safetensors", "--out", tmp_path / "i", model=None)
    assert (code, out) == (0, [f"{tmp_path}/i: 6 pictures"])
    assert call("add", tmp_path / "i", tmp_path / "f.safetensors", model=None)[1] == [
        f"{tmp_path}/i: 8 pictures"
    ]
    assert "no model to embed with" in call("search", tmp_path / "i", "red")[2]


def test_another_models_index_is_refused(call, index, pictures, tmp_path):
    write_embeddings(tmp_path / "e.safetensors", embeddings(6, model="elder"))
    for words, model in (
        (("search", index, "red"), Stranger),
        (("add", index, pictures), Stranger),
        (("add", index, tmp_path / "e.safetensors"), ColourModel),
        (("build", tmp_path / "e.safetensors", "--out", tmp_path / "x", "--model", "ckpt"), ColourModel),
    ):
        code, out, err = call(*words, model=model)
        assert (code, out) == (2, []) and err.count("\n") == 1 and "model" in err
    assert len(open_index(index)) == 4 and not (tmp_path / "x").exists()


def test_bad_input_is_one_line(call, index, pictures, tmp_path):
    (tmp_path / "empty").mkdir()
    (pictures / "broken.png").write_bytes(b"\x89PNG")
    build_index(tmp_path / "cut", embeddings(3))
    file = next((tmp_path / "cut").glob("*/*.safetensors"))
    file.write_bytes(file.read_bytes()[:50])
    (tmp_path / "blank.txt").write_text("\n")
    for words, told in (
        (("search", index, " "), "a text or --image"),
        (("search", index), "a text or --image"),
        (("search", index, "red", "--k", 0), "--k from 1"),
        (("search", index, "red", "--weight", 2), "--weight from 0 to 1"),
        (("search", index, "red", "--recall", 2), "recall=2"),
        (("search", index, "--image", tmp_path / "none.png"), "none.png: no such picture"),
        (("search", tmp_path / "nowhere", "red"), "index.json: No such file"),
        (("search", tmp_path / "cut", "red", "--model", "ckpt"), "not a whole file"),
        (("build", tmp_path / "empty", "--out", tmp_path / "x", "--model", "ckpt"), "no pictures in it"),
        (("build", tmp_path / "gone", "--out", tmp_path / "x", "--model", "ckpt"), "no such folder"),
        (("build", pictures, "--out", tmp_path / "x", "--model", "ckpt"), "broken.png: "),
        (("build", pictures, "--out", tmp_path / "x"), "no model to embed with"),
        (("build", pictures / "sub", "--out", tmp_path / "x", "--model", "ckpt", "--recall", 0), "not 0"),
        (("remove", index, "nowhere.png"), "not in the index: nowhere.png"),
        (("calibrate", index, "--unrelated", tmp_path / "blank.txt"), "blank.txt: no text"),
    ):
        code, out, err = call(*words)
        assert (code, out) == (2, []) and err.splitlines()[-1].startswith("lookbook index: ") and told in err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("action", ["", "build", "add", "remove", "search", "calibrate"])
def test_help_is_complete(action):
    words = [sys.executable, "-m", "lib", "index", *action.split(), "--help"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "usage: python -m lib index" in done.stdout
    for option in command.ACTIONS[action][1].split() if action else command.ACTIONS:
        assert option in done.stdout or command.OPTIONS[option]["metavar"] in done.stdout
