"""The LAVIS backend: its protocol against a fake worker always, the real LAVIS where its layer is built."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image
from tiny_models import bert_folder, draw

from lib.config import ConfigError
from rebuild.backends import BackendError, NoAnswer, layer, open_backend
from rebuild.backends import lavis as lavis_backend

HERE = Path(__file__).parent


@pytest.fixture
def fake(monkeypatch, tmp_path):
    """Opens a backend whose worker program is the fake; pictures are told apart by their width."""
    monkeypatch.setattr(lavis_backend, "WORKER", HERE / "fake_lavis_worker.py")
    starts = tmp_path / "starts"
    monkeypatch.setenv("FAKE_LAVIS_STARTS", str(starts))
    opened = []

    def open_fake(behaviour=None, **settings):
        monkeypatch.setenv("FAKE_LAVIS", json.dumps(behaviour or {}))
        backend = open_backend(
            {"kind": "lavis", "python": sys.executable, "batch_size": 4, "answer_seconds": 20.0} | settings
        )
        opened.append(backend)
        return backend

    open_fake.starts = lambda: [int(pid) for pid in starts.read_text().split()]
    yield open_fake
    for backend in opened:
        backend.close()
    if starts.exists():
        assert not [pid for pid in open_fake.starts() if alive(pid)]


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def widths(folder, *sizes):
    paths = []
    for index, size in enumerate(sizes):
        path = folder / f"图 {index}.png"
        Image.new("RGB", (size, 8)).save(path)
        paths.append(path)
    return paths


def test_rows_are_answered_in_order_over_several_batches(fake, tmp_path):
    pictures = widths(tmp_path, *range(10, 19))
    prompts = [f"背景是什么? {i}" for i in range(9)]
    assert fake()(pictures, prompts) == [f"{prompt} {10 + i}" for i, prompt in enumerate(prompts)]
    assert len(fake.starts()) == 1


@pytest.mark.parametrize("how", ["die", "hang", "garbage", "short", "wrong"])
def test_a_row_that_loses_the_worker_fails_and_the_others_are_answered(fake, tmp_path, how):
    backend = fake({"12": how}, answer_seconds=1.0 if how == "hang" else 20.0)
    answers = backend(widths(tmp_path, 10, 11, 12, 13, 14, 15), ["x"] * 6)
    assert isinstance(answers[2], NoAnswer)
    assert answers[:2] + answers[3:] == ["x 10", "x 11", "x 13", "x 14", "x 15"]
    assert len(fake.starts()) == 3  # the first, after the batch, after the row alone


def test_the_reason_holds_the_workers_last_words(fake, tmp_path):
    [answer] = fake({"12": "die"})(widths(tmp_path, 12), ["x"])
    assert answer == NoAnswer("the LAVIS worker ended with code 139: Segmentation fault (core dumped)")
    [answer] = fake({"12": "hang"}, answer_seconds=1.0)(widths(tmp_path, 12), ["x"])
    assert answer == NoAnswer("the LAVIS worker gave no answer in 1 s")


def test_a_row_that_the_model_fails_on_costs_no_worker(fake, tmp_path):
    answers = fake({"11": "fail"})(widths(tmp_path, 10, 11), ["x", "y"])
    assert answers == ["x 10", NoAnswer("no words")] and len(fake.starts()) == 1


def test_workers_that_die_one_after_the_other_end_the_run(fake, tmp_path):
    backend = fake({str(width): "die" for width in range(10, 16)}, lost_workers=4)
    with pytest.raises(BackendError, match=r"4 workers in a row were lost; .*Segmentation fault"):
        backend(widths(tmp_path, *range(10, 16)), ["x"] * 6)


def test_a_worker_that_does_not_read_is_killed_in_time(fake, tmp_path):
    """A question larger than a pipe holds would otherwise be written for ever."""
    noise = tmp_path / "noise.png"
    Image.frombytes("RGB", (300, 300), os.urandom(270_000)).save(noise)
    backend = fake({"start": "deaf"}, answer_seconds=1.0)
    start = time.monotonic()
    [answer] = backend([noise], ["x"])
    assert answer == NoAnswer("the LAVIS worker gave no answer in 1 s") and time.monotonic() - start < 15


def test_a_worker_that_floods_its_errors_is_not_stuck(fake, tmp_path):
    assert fake({"10": "flood"})(widths(tmp_path, 10), ["x"]) == ["x 10"]


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [({"error": "no bert here"}, "LAVIS: no bert here"), ({"start": "die"}, "code 139"),
     ({"start": "hang"}, "gave no answer in 1 s"), ({"start": "garbage"}, "sent no message: Loading")],
)  # fmt: skip
def test_a_worker_that_cannot_start_is_one_line(fake, behaviour, message):
    with pytest.raises(BackendError, match=message):
        fake(behaviour, start_seconds=1.0 if behaviour.get("start") == "hang" else 20.0)


def test_a_killed_worker_is_replaced(fake, tmp_path):
    backend = fake()
    pictures = widths(tmp_path, 10, 11)
    assert backend(pictures, ["a", "b"]) == ["a 10", "b 11"]
    os.kill(fake.starts()[0], 9)
    assert backend(pictures, ["a", "b"]) == ["a 10", "b 11"]
    assert len(fake.starts()) == 2


def test_a_worker_ends_with_its_parent(tmp_path, monkeypatch):
    """Kill -9 of the run leaves no worker behind."""
    starts = tmp_path / "starts"
    program = (
        "import sys, time; from rebuild.backends import lavis, open_backend; from pathlib import Path;"
        f"lavis.WORKER = Path({str(HERE / 'fake_lavis_worker.py')!r});"
        "b = open_backend({'kind': 'lavis', 'python': sys.executable}); "
        "print('up', flush=True); time.sleep(60)"
    )
    environment = os.environ | {"FAKE_LAVIS": "{}", "FAKE_LAVIS_STARTS": str(starts)}
    parent = subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, cwd=HERE.parents[2]
    )
    assert parent.stdout.readline() == b"up\n"
    parent.kill()
    parent.wait()
    parent.stdout.close()
    worker = int(starts.read_text())
    deadline = time.monotonic() + 10
    while running(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not running(worker)


def running(pid):
    """Whether a process that is not our child still works; one that nobody buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_picture_that_cannot_be_opened_is_not_asked_about(fake, tmp_path):
    pictures = widths(tmp_path, 10, 11)
    pictures[0].write_bytes(b"GIF89a")
    answers = fake()(pictures, ["x", "y"])
    assert isinstance(answers[0], NoAnswer) and answers[1] == "y 11"


def test_paths_that_are_not_there_and_a_layer_that_is_not_built_are_named(tmp_path, monkeypatch):
    with pytest.raises(BackendError, match=r"backend\.bert: no such folder"):
        open_backend({"kind": "lavis", "bert": str(tmp_path / "gone"), "python": sys.executable})
    with pytest.raises(BackendError, match=r"backend\.checkpoint: no such file"):
        open_backend({"kind": "lavis", "checkpoint": str(tmp_path), "python": sys.executable})
    with pytest.raises(BackendError, match="the LAVIS worker does not start"):
        open_backend({"kind": "lavis", "python": str(tmp_path / "python")})
    with pytest.raises(BackendError, match=r"build it with `bash prepare\.sh --lavis`"):
        layer.interpreter(tmp_path / "layer")
    with pytest.raises(ConfigError, match="model_type or config"):
        open_backend({"kind": "lavis", "model_type": "base_coco", "config": "x.yaml"})


def test_a_layer_for_other_pins_is_not_used(tmp_path, monkeypatch):
    (tmp_path / "ready").write_text(layer.stamp())
    assert layer.interpreter(tmp_path).is_relative_to(tmp_path)
    (tmp_path / "pins.txt").write_text("salesforce-lavis==9\n")
    monkeypatch.setattr(layer, "REQUIREMENTS", tmp_path / "pins.txt")
    with pytest.raises(BackendError, match="was made for other pins"):
        layer.interpreter(tmp_path)


def test_another_python_gets_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(layer, "PYTHON", (3, 8))
    with pytest.raises(BackendError, match=r"LAVIS needs Python 3\.8, this is"):
        layer.build(tmp_path / "layer")


def test_a_build_that_fails_leaves_no_layer_and_one_line(tmp_path, monkeypatch):
    pins = tmp_path / "pins.txt"
    pins.write_text(f"{tmp_path}/no-such-package.whl\n")
    monkeypatch.setattr(layer, "REQUIREMENTS", pins)
    monkeypatch.setattr(layer, "PYTHON", sys.version_info[:2])
    with pytest.raises(BackendError, match="the LAVIS layer cannot be built"):
        layer.build(tmp_path / "layer")
    assert not (tmp_path / "layer").exists()


def test_every_pin_of_the_layer_is_exact():
    files = (layer.REQUIREMENTS, layer.FOR_CHECKOUTS)
    lines = "\n".join(file.read_text() for file in files).splitlines()
    lines = [line for line in lines if line and line[0] != "#"]
    assert "salesforce-lavis==1.0.2" in lines and all("==" in line and "://" not in line for line in lines)


# --- the real LAVIS ---


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """Settings of a tiny blip_caption in the real layer, with a checkpoint that LAVIS's own classes wrote."""
    try:
        python = layer.interpreter()
    except BackendError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("lavis")
    bert = bert_folder(folder / "bert-base-uncased")
    checkpoint = folder / "tiny.pth"
    made = subprocess.run(
        [python, "-W", "ignore", HERE / "tiny_lavis.py", checkpoint],
        cwd=folder, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr[-2000:]
    return {
        "kind": "lavis", "model": "tiny_blip_caption", "register": str(HERE / "tiny_lavis.py"),
        "bert": str(bert), "checkpoint": str(checkpoint), "max_tokens": 12, "batch_size": 3,
    }  # fmt: skip


@pytest.fixture(scope="module")
def captioner(real):
    backend = open_backend(real)
    yield backend
    backend.close()


def test_the_real_lavis_captions_in_batches_as_one_by_one(captioner, tmp_path):
    pictures = draw(tmp_path, *[f"{i} 号.png" for i in range(5)])
    together = captioner(pictures, [""] * 5)
    assert together == [captioner([path], [""])[0] for path in pictures]
    assert all(isinstance(text, str) and text for text in together) and len(set(together)) > 1
    assert captioner.greeting == {"model": "tiny_blip_caption", "lavis": "1.0.2"}


def test_a_prompt_is_the_beginning_that_a_caption_continues(captioner, tmp_path):
    [picture] = draw(tmp_path, "a.png")
    answers = captioner([picture] * 4, ["", "背景是", "the sea", ""])
    assert answers[0] == answers[3] and len(set(answers)) > 1
    assert all(isinstance(answer, str) for answer in answers)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"model": "blip2_vicuna_instruct"},
            r"LAVIS 1\.0\.2 has no model blip2_vicuna_instruct; a git checkout",
        ),
        ({"bert": None}, "bert-base-uncased is not here: name its folder with bert="),
        ({"model": "blip_caption", "checkpoint": None}, "the network is closed to the worker"),
    ],
)
def test_what_keeps_the_real_lavis_from_starting_is_one_line(real, change, message):
    with pytest.raises(BackendError, match=message) as caught:
        open_backend(real | change)
    assert "\n" not in str(caught.value)


def test_weights_that_leave_a_part_of_the_model_to_chance_are_refused(real, tmp_path):
    import torch

    saved = torch.load(real["checkpoint"], weights_only=True)
    del saved["model"]["text_decoder.cls.predictions.bias"]
    torch.save(saved, tmp_path / "partial.pth")
    with pytest.raises(BackendError, match=r"lacks 1 weights of the model, such as text_decoder\.cls"):
        open_backend(real | {"checkpoint": str(tmp_path / "partial.pth")})


def test_a_checkout_is_used_instead_and_opened_only_as_far_as_needed(real, captioner, tmp_path):
    """The released code, laid out as a checkout is; its `import lavis` would fail here, as git's does."""
    package = next((layer.LAYER / "lib").glob("*/site-packages/lavis"))
    (tmp_path / "lavis").mkdir()
    for part in package.iterdir():
        (tmp_path / "lavis" / part.name).symlink_to(part)
    (tmp_path / "lavis" / "__init__.py").unlink()
    (tmp_path / "lavis" / "__init__.py").write_text("import diffusers_of_long_ago\n")
    backend = open_backend(real | {"checkout": str(tmp_path)})
    [picture] = draw(tmp_path, "a.png")
    assert backend.greeting["lavis"] == "git"
    assert backend([picture], [""]) == captioner([picture], [""])
    assert backend.fingerprint != captioner.fingerprint
    backend.close()
    with pytest.raises(BackendError, match=r"LAVIS git has no model blip2_t5_instruct$"):
        open_backend(real | {"checkout": str(tmp_path), "model": "blip2_t5_instruct"})
    with pytest.raises(BackendError, match="is no checkout of LAVIS"):
        open_backend(real | {"checkout": real["bert"]})


def test_the_layer_serves_its_own_transformers_and_our_torch():
    try:
        python = layer.interpreter()
    except BackendError as error:
        pytest.skip(str(error))
    program = "import torch, transformers; print(transformers.__version__, torch.__version__)"
    found = subprocess.run(
        [python, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=120
    )
    import torch

    assert found.stdout.split() == ["4.26.1", torch.__version__]
