"""Files of embeddings: what is written is read, and nothing that is not whole and plain."""

import json
import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy
from gallery import clustered

from lib import checkpoint
from lib.index import Embeddings, GalleryError, read_embeddings, write_embeddings
from lib.paths import ROOT


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_what_is_written_is_read(tmp_path, kind):
    ids = ("a.png", 'quo"te.png', "line\nbreak.png", "schön/猫.png", "bad\udcff.png")
    vectors = clustered(5).astype(kind)
    write_embeddings(tmp_path / "e.safetensors", Embeddings(vectors, ids, "model one"))
    found = read_embeddings(tmp_path / "e.safetensors")
    assert np.array_equal(found.vectors, vectors) and found.vectors.dtype == kind
    assert (found.ids, found.model) == (ids, "model one")
    assert isinstance(found.vectors, np.memmap) and not found.vectors.flags.writeable


def test_any_reader_of_safetensors_reads_the_vectors(tmp_path):
    vectors = clustered(7)
    write_embeddings(tmp_path / "e.safetensors", Embeddings(vectors, tuple("abcdefg"), "m"))
    found = safetensors.numpy.load_file(tmp_path / "e.safetensors")
    assert np.array_equal(found["vectors"], vectors) and json.loads(found["ids"].tobytes()) == [*"abcdefg"]


@pytest.mark.parametrize(
    ("vectors", "ids", "model", "told"),
    [
        (clustered(2), ("a",), "m", "1 ids"),
        (clustered(2), ("a", "a"), "m", "twice: 'a' and 'a'"),
        (clustered(3), ("b", "x/../a.png", "a.png"), "m", "'x/../a.png' and 'a.png'"),
        (clustered(2), ("a", ""), "m", "empty or not a text"),
        (clustered(2), ("a", 3), "m", "empty or not a text"),
        (clustered(2), ("a", "b"), "", "empty or not a text"),
        (clustered(2).astype(np.float64), ("a", "b"), "m", "float64"),
        (clustered(2)[0], ("a",) * 16, "m", r"\[16\]"),
        (np.empty((0, 4), np.float32), (), "m", r"\[0, 4\]"),
    ],
)
def test_ids_and_vectors_must_fit(vectors, ids, model, told):
    with pytest.raises(GalleryError, match=told):
        Embeddings(vectors, ids, model)


@pytest.mark.parametrize("keep", [0, 5, 100, -1])
def test_a_file_that_was_cut_short_is_refused(tmp_path, keep):
    path = tmp_path / "e.safetensors"
    write_embeddings(path, Embeddings(clustered(9), tuple("abcdefghi"), "m"))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(GalleryError, match=r"e\.safetensors: not a whole file of embeddings") as error:
        read_embeddings(path)
    assert "\n" not in str(error.value)


def test_foreign_and_missing_files_are_refused(tmp_path):
    safetensors.numpy.save_file({"vectors": clustered(2)}, tmp_path / "theirs.safetensors")
    with pytest.raises(GalleryError, match="its format is None"):
        read_embeddings(tmp_path / "theirs.safetensors")
    with pytest.raises(GalleryError, match=r"none\.safetensors"):
        read_embeddings(tmp_path / "none.safetensors")


def test_ids_of_another_count_in_the_file_are_refused(tmp_path):
    ids = np.frombuffer(b'["a"]', np.uint8)
    about = {"format": "lookbook embeddings 1", "model": "m"}
    checkpoint.write_arrays(tmp_path / "e.safetensors", {"vectors": clustered(2), "ids": ids}, about)
    with pytest.raises(GalleryError, match="1 ids"):
        read_embeddings(tmp_path / "e.safetensors")


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "e.safetensors"
    write_embeddings(path, Embeddings(clustered(2), ("a", "b"), "m"))
    with pytest.raises(ValueError, match="cannot be written"):
        checkpoint.write_arrays(path / "below", {"vectors": clustered(2)}, {})
    assert read_embeddings(path).ids == ("a", "b") and [p.name for p in tmp_path.iterdir()] == [path.name]


def test_reading_and_searching_need_no_torch():
    code = "import sys, lib.index; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
