"""`python -m lib embed` as a user runs it: our towers from their checkpoint, BEiT-3 from the golden files."""

import numpy as np
import pytest
import torch
from tiny_models import draw

from lib import checkpoint
from lib.__main__ import main
from lib.data import Preprocess, Vocab
from lib.index.embeddings import read_embeddings
from lib.models import build_encoder
from lib.models.two_towers import TwoTowers, TwoTowersSettings
from lib.paths import ROOT

GOLDEN = ROOT.parent / "shared" / "data" / "beit3"


@pytest.fixture
def towers(tmp_path):
    torch.manual_seed(0)
    eye, shown = (
        build_encoder({"kind": "atelier", "channels": 4}),
        Preprocess(resize=64, crop=64, squash=True),
    )
    sizes = TwoTowersSettings(embedding=16, width=16, heads=2, looks=2, layers=1)
    model = TwoTowers(eye, Vocab.build(["a red car"]), shown, sizes)
    checkpoint.save(tmp_path / "towers" / "best", model.state_dict(), model.meta())
    return str(tmp_path / "towers")


def embed(tmp_path, *arguments):
    code = main(["embed", *map(str, arguments), "--out", str(tmp_path / "x.safetensors")])
    return read_embeddings(tmp_path / "x.safetensors") if code == 0 else code


def test_pictures_and_texts_come_with_their_ids(tmp_path, towers, capsys):
    (tmp_path / "pictures").mkdir()
    draw(tmp_path / "pictures", "b.png", "a.png")
    found = embed(tmp_path, tmp_path / "pictures", "--model", towers)
    assert [id.rsplit("/", 1)[1] for id in found.ids] == ["a.png", "b.png"] and found.vectors.shape == (2, 16)
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-5)
    (tmp_path / "lines.txt").write_text("a car\n\nred\na car\n")
    texts = embed(tmp_path, tmp_path / "lines.txt", "--model", towers)
    assert texts.ids == ("a car", "red") and texts.model == found.model
    assert "2 vectors of 16 numbers" in capsys.readouterr().out


def test_trouble_is_one_line(tmp_path, towers, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.txt").write_text("\n")
    cases = [
        (("nowhere", "--model", towers), "nowhere"),
        ((tmp_path / "empty", "--model", towers), "no pictures in it"),
        ((tmp_path / "empty.txt", "--model", towers), "no text in it"),
        ((tmp_path / "empty.txt", "--model", towers, "--spm", "x.spm"), "only BEiT-3 takes others"),
        ((tmp_path / "empty.txt", "--model", "beit3_base_patch16_384"), "needs a checkpoint"),
        ((tmp_path / "empty.txt", "--model", str(tmp_path / "empty")), "meta.json|not a checkpoint"),
    ]
    for arguments, message in cases:
        assert embed(tmp_path, *arguments) == 2
        told = capsys.readouterr().err
        assert told.count("\n") == 1
        assert any(part in told for part in message.split("|")), told
