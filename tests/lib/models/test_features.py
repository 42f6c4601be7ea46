"""Cached features: equal to the encoder's, computed once, resumed after a kill, found again or made anew."""

import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lib.data.images import ImageError, Preprocess, load_image
from lib.data.loader import CachedFeatures
from lib.data.record import Record
from lib.models import ModelError, build_encoder, cache_features, clip_encoder, features
from lib.paths import ROOT

PREPROCESS = Preprocess(resize=40, crop=32)


@pytest.fixture
def records(tmp_path):
    chance = np.random.default_rng(0)
    made = []
    for number in range(7):
        path = tmp_path / f"{number}.png"
        Image.fromarray(chance.integers(0, 255, (40, 48, 3), dtype=np.uint8)).save(path)
        made.append(Record(f"{number}", str(path), (), "train"))
    return made


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return build_encoder({"kind": "atelier", "channels": 4})


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(features, "SHARD_BYTES", 2 * 2 * 4 * 32 * 2)  # 4 pictures


@pytest.fixture
def threads():
    """How many a test may change: the next one has as many as before."""
    together = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(together)


class Counting(torch.nn.Module):
    """An encoder that says how many pictures it was shown, and can break off."""

    def __init__(self, encoder, limit=10**9):
        super().__init__()
        self.encoder, self.shown, self.limit = encoder, [], limit

    @property
    def seen(self):
        return sum(self.shown)

    def forward(self, images):
        self.shown.append(len(images))  # by several threads at once
        if self.seen > self.limit:
            raise KeyboardInterrupt
        return self.encoder(images)

    def describe(self):
        return self.encoder.describe()

    def whole(self):
        return self.encoder.whole()

    def state_dict(self, *args, **kwargs):
        return self.encoder.state_dict(*args, **kwargs)


def wanted(records, encoder, seed=None):
    images = torch.stack([PREPROCESS(load_image(record.path), seed) for record in records])
    with torch.no_grad():
        return encoder.eval()(images).numpy()


def test_they_equal_the_encoders(records, encoder, small_shards, tmp_path):
    encoder.train()
    cached = cache_features(records, encoder, PREPROCESS, tmp_path / "f", views=2, batch_size=3)
    assert encoder.training
    assert len(cached) == 2
    assert len(cached[0]) == 7
    assert cached.shape == (4, 32)
    plain = wanted(records, encoder)
    assert len(list((tmp_path / "f" / cached.key).glob("view0-*.npy"))) == 2
    for index in range(7):
        assert cached[0][index].dtype == np.float16
        assert np.allclose(cached[0][index], plain[index], atol=2e-3)
        assert not np.allclose(cached[1][index], plain[index], atol=2e-3)  # another crop
    assert np.array_equal(cached.memory([5, 2])[1].numpy(), cached[0][2])
    assert np.array_equal(CachedFeatures(cached)(3, 0).numpy(), cached[0][3])


def test_they_are_computed_once_and_more_views_are_added(records, encoder, small_shards, tmp_path):
    counting = Counting(encoder)
    first = cache_features(records, counting, PREPROCESS, tmp_path / "f", batch_size=3)
    told = counting.seen
    assert told == 7 + 1  # one to learn the shape
    assert cache_features(records, counting, PREPROCESS, tmp_path / "f").key == first.key
    assert counting.seen == told
    cache_features(records, counting, PREPROCESS, tmp_path / "f", views=3, batch_size=3)
    assert counting.seen == told + 14 + 1


@pytest.mark.parametrize("view, cells", [("pooled", 1), ("regions", 14), ("attributes", 2)])
def test_pictures_are_opened_once_for_all_views(records, tmp_path, monkeypatch, view, cells):
    torch.manual_seed(0)
    schema = {"hat": ["cap", "beret"], "shoes": ["red"]}
    encoder = build_encoder(
        {"kind": "atelier", "channels": 4, "view": "attributes", "schema": schema, "cells": 4}
    )
    cache_features(records, encoder.viewed("grid"), PREPROCESS, tmp_path / "f", views=2)
    seen = []
    monkeypatch.setattr(clip_encoder, "load_image", lambda path: seen.append(path) or load_image(path))
    eye = encoder.viewed(view)
    cached = cache_features(records, eye, PREPROCESS, tmp_path / "f", views=2)
    assert not seen and cached.shape == (cells, eye.width)
    assert np.allclose(cached.memory(range(7)), wanted(records, eye), atol=4e-3)
    assert not np.allclose(cached.memory(range(7), view=1), wanted(records, eye), atol=4e-3)


def test_a_picture_is_opened_once_for_all_its_views(records, encoder, small_shards, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(clip_encoder, "load_image", lambda path: opened.append(path) or load_image(path))
    cache_features(records, encoder, PREPROCESS, tmp_path / "f", views=4, batch_size=3)
    assert len(opened) == len(records) + 1  # one to learn the shape


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_they_are_the_same_on_any_number_of_cores(records, encoder, threads, tmp_path, precision):
    found = []
    for cores in (1, 2, 3):
        threads(cores)
        how = {"views": 2, "batch_size": 2, "precision": precision}
        found.append(cache_features(records, encoder, PREPROCESS, tmp_path / f"{cores}", **how))
        with ThreadPoolExecutor(1) as pool:  # what comes later has all cores again
            assert torch.get_num_threads() == pool.submit(torch.get_num_threads).result() == cores
    for one, other in pairwise(found):
        assert all(torch.equal(one.memory(range(7), view), other.memory(range(7), view)) for view in (0, 1))


def test_batches_are_seen_side_by_side(records, encoder, threads, tmp_path):
    """Two cores work at two batches at once: a batch that waits for the other comes to its end."""
    both = threading.Barrier(2, timeout=20)

    class Meeting(Counting):
        def forward(self, images):
            if len(images) == 2:
                both.wait()
            return super().forward(images)

    threads(2)
    cached = cache_features(records[:4], Meeting(encoder), PREPROCESS, tmp_path / "f", batch_size=2)
    assert np.allclose(cached.memory(range(4)), wanted(records[:4], encoder), atol=2e-3)


def test_half_precision_is_near_and_leaves_the_encoder_as_it_was(records, encoder, tmp_path):
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    half = cache_features(records, encoder.train(), PREPROCESS, tmp_path / "f", precision="bf16")
    assert encoder.training and not encoder.backbone._forward_hooks
    assert all(torch.equal(tensor, before[name]) for name, tensor in encoder.state_dict().items())
    plain = cache_features(records, encoder, PREPROCESS, tmp_path / "f")
    exact, near = plain.memory(range(7)), half.memory(range(7))
    assert half.key != plain.key and not torch.equal(exact, near)
    assert (exact - near).norm() < 0.02 * exact.norm()


def test_a_killed_run_goes_on(records, encoder, small_shards, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        cache_features(records, Counting(encoder, limit=6), PREPROCESS, tmp_path / "f", batch_size=2)
    again = Counting(encoder)
    cached = cache_features(records, again, PREPROCESS, tmp_path / "f", batch_size=2)
    assert again.seen == 3 + 1  # the first shard of four was whole
    whole = cache_features(records, encoder, PREPROCESS, tmp_path / "g")
    assert cached.key == whole.key
    assert all(np.array_equal(cached[0][i], whole[0][i]) for i in range(7))


def test_whatever_changes_changes_the_key(records, encoder, tmp_path):
    def key(records=records, encoder=encoder, preprocess=PREPROCESS, **settings):
        return cache_features(records, encoder, preprocess, tmp_path / "f", **settings).key

    keys = [
        key(),
        key(records=records[:6]),
        key(preprocess=Preprocess(resize=44, crop=32)),
        key(precision="bf16"),
    ]
    keys += [key(encoder=encoder.viewed("pooled"))]
    with torch.no_grad():
        next(encoder.parameters()).add_(1)
    keys += [key()]
    Image.new("RGB", (40, 48), "red").save(records[3].path)
    keys += [key()]
    assert len(set(keys)) == len(keys)
    assert key() == keys[-1]


def test_a_worker_gets_paths_and_not_pages(records, encoder, tmp_path):
    cached = cache_features(records, encoder, PREPROCESS, tmp_path / "f")
    cached[0][0]
    copy = pickle.loads(pickle.dumps(cached))
    assert copy[0].open == {}
    assert np.array_equal(copy[0][6], cached[0][6])
    with pytest.raises(IndexError):
        copy[0][7]


def test_trouble_is_named(records, encoder, tmp_path):
    Path(records[4].media).write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"4\.png"):
        cache_features(records, encoder, PREPROCESS, tmp_path / "f")
    with pytest.raises(ModelError, match="nothing to compute"):
        cache_features([], encoder, PREPROCESS, tmp_path / "f")

    class Loud(Counting):
        def forward(self, images):
            return super().forward(images) + 1e6

    with pytest.raises(ModelError, match="do not fit into fp16"):
        cache_features(records[:2], Loud(encoder), PREPROCESS, tmp_path / "f")


def test_the_second_process_waits_for_the_first(records, encoder, tmp_path):
    """A second process, started before there is anything, ends with the first one's features."""
    torch.save((records, encoder.state_dict()), tmp_path / "given.pt")
    code = (
        "import sys, torch\n"
        "from lib.data.images import Preprocess\n"
        "from lib.models import build_encoder, cache_features\n"
        "records, weights = torch.load(sys.argv[1], weights_only=False)\n"
        "encoder = build_encoder({'kind': 'atelier', 'channels': 4})\n"
        "encoder.load_state_dict(weights)\n"
        "print('ready', flush=True)\n"
        "cached = cache_features(records, encoder, Preprocess(resize=40, crop=32), sys.argv[2])\n"
        "print(cached.key, float(cached[0][6].sum()), flush=True)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "given.pt"), str(tmp_path / "f")]
    environment = {**os.environ, "RANK": "1", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as second:
        assert second.stdout.readline().strip() == "ready"
        cached = cache_features(records, encoder, PREPROCESS, tmp_path / "f")
        told, _ = second.communicate(timeout=60)
    assert told.split() == [cached.key, str(float(cached[0][6].sum()))]
