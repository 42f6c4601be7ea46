"""Qdrant's local mode searches exactly: it is the judge of our index, and answers the same calls."""

import numpy as np
import pytest
from gallery import clustered, embeddings
from test_index_command import call, index, names, pictures  # noqa: F401

from lib.index import GalleryError, build_index

pytest.importorskip("qdrant_client", reason="no qdrant-client: bash prepare.sh --qdrant")
from lib.index.qdrant import open_qdrant


def test_qdrant_judges_the_index(tmp_path):
    data, queries = embeddings(800), clustered(400, seed=1)
    exact = build_index(tmp_path / "exact", data)
    coded = build_index(tmp_path / "coded", data, exact_below=300)
    with open_qdrant(f"qdrant:{tmp_path}/store") as (collection, _):
        judge = collection(tmp_path / "gallery", data)
        for gone in ([], list(data.ids[:100])):
            for each in (exact, coded, judge) if gone else ():
                each.remove(gone)
            scores, true = judge.search(queries, 10)
            assert len(exact) == len(coded) == len(judge) == 800 - len(gone)
            assert exact.search(queries, 10)[0] == pytest.approx(scores, abs=2e-3)
            for index, least in ((exact, 0.99), (coded, 0.94)):  # asked for .95; 400 queries tell a hundredth
                found = index.search(queries, 10)[1]
                assert np.mean([len({*a} & {*b}) / 10 for a, b in zip(found, true, strict=True)]) >= least


def test_the_command_over_qdrant(call, pictures, tmp_path):  # noqa: F811
    place = ["--store", f"qdrant:{tmp_path}/store"]
    model = ["--model", "ckpt"]
    assert call("build", pictures, "--out", "cars", *model, *place)[:2] == (0, ["cars: 4 pictures"])
    assert names(call("search", "cars", "red", "--k", 2, *model, *place)[1]) == ["red.png", "yellow.png"]
    assert call("remove", "cars", f"{pictures}/red.png", *place)[1] == ["cars: 3 pictures"]
    assert names(call("search", "cars", "red", "--k", 1, *model, *place)[1]) == ["yellow.png"]
    for words, told in (
        (("remove", "cars", "nowhere.png", *place), "not in the index: nowhere.png"),
        (("search", "boats", "red", *model, *place), "no collection 'boats'"),
        (("add", "cars", pictures, *model, *place), "in the index already"),
        (("search", "cars", "red", *model, "--store", "qdrant:http://localhost:1"), "refused"),
    ):
        code, out, err = call(*words)
        assert (code, out) == (2, []) and err.splitlines()[-1].startswith("lookbook index: ") and told in err
        assert words[0] == "add" or err.count("\n") == 1  # which embeds first, with its line of progress


def test_another_models_vectors_are_refused(tmp_path):
    with open_qdrant(f"qdrant:{tmp_path}/store") as (collection, _):
        gallery = collection(tmp_path / "gallery", embeddings(5))
        with pytest.raises(GalleryError, match="another"):
            gallery.add(embeddings(5, first=10, model="another"))
