"""A task opens what 00 left, and starts every captioner of the course."""

import json

import pytest
import torch

from atelier.plan import Recipe
from atelier.wardrobe import SCHEMA
from atelier.world import WARDROBE
from lib import checkpoint
from lib.checkpoint import CheckpointError
from lib.config import Training
from lib.data import Preprocess, Vocab
from lib.data.drawn import make_dataset
from lib.data.formats import open_dataset
from lib.files import write_json
from lib.models import Captioner, build_encoder, save_eye
from lib.paths import Output
from lib.train import cross_entropy, open_caption_task, oracle_task

GRU = {"kind": "gru", "word": 16, "hidden": 16}


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """What 00 leaves: a dataset, its words and an eye."""
    folder = tmp_path_factory.mktemp("task")
    make_dataset(folder / "atelier", Recipe(train=24, val=6, test=8, size=64), processes=1)
    texts = [text for record in open_dataset(folder / "atelier").split("train") for text in record.captions]
    write_json(folder / "out" / "vocab.json", Vocab.build(texts).numbers)
    torch.manual_seed(0)
    encoder = build_encoder({"kind": "atelier", "channels": 4})
    preprocess = Preprocess(resize=64, crop=64, squash=True)
    save_eye(Output(folder / "out").model_ckpt / "eye", encoder, preprocess, origin="a test")
    return folder


def task(left, view="grid"):
    return open_caption_task(left / "out", left / "atelier", split="by_product", view=view, world=WARDROBE)


@pytest.mark.parametrize("view, cells", [("pooled", 1), ("grid", 16), ("regions", 14)])
def test_each_view_has_its_cells(left, view, cells):
    opened = task(left, view)
    assert [len(opened.splits[name]) for name in ("train", "val", "test")] == [24, 6, 8]
    assert opened.views["test"](3, 0).shape == (cells, opened.encoder.width)
    assert opened.preprocess.crop == 64


def test_features_are_computed_once(left, monkeypatch):
    task(left)
    monkeypatch.setattr("lib.models.features.Work.compute", lambda *_: pytest.fail("computed again"))
    assert task(left).seen == task(left).seen


def test_a_captioner_learns_on_it_and_an_equal_run_is_found_again(left):
    opened = task(left, "pooled")
    settings = Training(max_steps=3, batch_size=8)
    folder = left / "out" / "model_ckpt" / "x" / "gru"

    def learn(**more):
        return opened.learn(opened.captioner(GRU), cross_entropy(), settings, folder, called="ce", **more)

    run = learn()
    assert run.state == "finished" and "val_cider_d" in run.history[-1]
    assert "val_attribute_f1" in run.history[-1]
    assert Captioner.load(run.best).vocab == opened.vocab
    assert learn().state == "found"
    meta = checkpoint.read_meta(run.best)
    wanted = json.loads(json.dumps(opened.run_key(opened.captioner(GRU), "ce")))
    assert meta["run_key"] == meta["run_key"] | wanted and "start" not in meta["run_key"]
    begun = opened.learn(
        opened.captioner(GRU), cross_entropy(), settings, folder.with_name("other"), called="ce",
        start=run.best, validate=lambda model: {"score": 1.0}, loader=opened.loader(settings, per="picture"),
    )  # fmt: skip
    key = checkpoint.read_meta(begun.best)["run_key"]
    assert key["start"] == meta["weights_sha256"] and key["batches"] == 3
    assert begun.history[-1]["val_score"] == 1.0


def test_training_pictures_may_be_shown_in_variants(left, tmp_path):
    eye = build_encoder({"kind": "atelier", "channels": 4})
    preprocess = Preprocess(resize=80, crop=64, squash=True)
    save_eye(Output(tmp_path).model_ckpt / "eye", eye, preprocess, origin="a test")
    (tmp_path / "vocab.json").write_text((left / "out" / "vocab.json").read_text())
    plain, varied = (
        open_caption_task(tmp_path, left / "atelier", split="by_product", view="grid", variants=n)
        for n in (1, 3)
    )
    shown = {varied.views["train"](0, seed).numpy().tobytes() for seed in range(40)}
    assert len(shown) == 3 and plain.views["train"](0, 7).numpy().tobytes() in shown
    assert len({varied.views["test"](0, seed).numpy().tobytes() for seed in range(40)}) == 1
    assert plain.seen != varied.seen


def test_variants_of_pictures_that_cannot_vary_are_refused(left):
    with pytest.raises(ValueError, match="uncropped and unmirrored"):
        open_caption_task(left / "out", left / "atelier", split="by_product", view="grid", variants=2)


def test_a_run_key_tells_eyes_words_and_decoders_apart(left):
    one, other = task(left, "pooled"), task(left, "grid")
    keys = [one.run_key(one.captioner(GRU), "ce"), other.run_key(other.captioner(GRU), "ce")]
    keys.append(one.run_key(one.captioner(GRU | {"hidden": 32}), "ce"))
    assert len({repr(key) for key in keys}) == 3


def test_the_oracle_is_told_the_visible_attributes(left):
    plain = task(left)
    oracle = oracle_task(plain)
    rows = oracle.views["test"](0, 0)
    assert rows.shape[0] == len(SCHEMA) and bool((rows.sum(1) == 1).all())
    values = [None, *SCHEMA["gender"]]
    assert values[int(rows[0].argmax())] == plain.test[0].attributes["gender"]


def test_no_eye_is_one_clear_line(tmp_path, left):
    (tmp_path / "vocab.json").write_text((left / "out" / "vocab.json").read_text())
    with pytest.raises(CheckpointError) as error:
        open_caption_task(tmp_path, left / "atelier", split="by_product", view="grid")
    assert "\n" not in str(error.value) and "eye" in str(error.value)
