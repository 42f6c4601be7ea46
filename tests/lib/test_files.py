"""Files are written whole or not at all, and read strictly."""

import json
import os
import stat

import pytest

from lib.files import FileError, read_json, settle, whole, write_json, write_text


def test_json_as_json_dump_writes_it(tmp_path):
    value = {"a": [1, 2.5, None], "é": "女"}
    write_json(tmp_path / "deep" / "x.json", value)
    assert (tmp_path / "deep" / "x.json").read_text() == json.dumps(value)
    write_json(tmp_path / "x.json", value, indent=2, ascii_only=False)
    assert "女" in (tmp_path / "x.json").read_text(encoding="utf-8")
    assert read_json(tmp_path / "x.json") == value


@pytest.mark.parametrize("value", [float("nan"), {"x": float("inf")}, {1, 2}, {("a",): 1}])
def test_what_is_not_json_is_refused_and_the_old_file_stays(tmp_path, value):
    write_json(tmp_path / "x.json", {"old": 1})
    with pytest.raises(FileError, match=r"x.json: cannot be written as JSON"):
        write_json(tmp_path / "x.json", value)
    assert read_json(tmp_path / "x.json") == {"old": 1}


def test_broken_off_writing_leaves_the_old_file_and_no_draft(tmp_path, monkeypatch):
    write_text(tmp_path / "x.txt", "old")

    def fail(handle):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_text(tmp_path / "x.txt", "new")
    assert (tmp_path / "x.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["x.txt"]


def test_synced_before_it_gets_its_name(tmp_path, monkeypatch):
    seen = []
    real = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda handle: (seen.append((tmp_path / "x.txt").exists()), real(handle))
    )
    write_text(tmp_path / "x.txt", "line\r\n")
    assert seen[0] is False and (tmp_path / "x.txt").read_bytes() == b"line\r\n"


def test_a_draft_takes_the_place_of_a_file_or_a_folder_only_when_it_is_whole(tmp_path):
    def write(path, text, *, fails=False):
        with whole(path) as draft:
            draft.mkdir() if path.name == "folder" else None
            (draft / "x" if path.name == "folder" else draft).write_text(text)
            assert not fails or 1 / 0
        return path

    for path, inside in ((tmp_path / "deep" / "file", "."), (tmp_path / "deep" / "folder", "x")):
        path.parent.mkdir(exist_ok=True)
        path.with_name(f".{path.name}.draft").touch()  # of a writer that was killed
        write(path, "old")
        with pytest.raises(ZeroDivisionError):
            write(path, "broken", fails=True)
        assert (path / inside).read_text() == "old"
        write(path, "new")
        assert (path / inside).read_text() == "new"
    assert {path.name for path in path.parent.iterdir()} == {"file", "folder"}


def test_a_file_never_takes_the_place_of_a_folder(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "x").touch()
    with pytest.raises(OSError, match="kept"):
        write_text(tmp_path / "kept", "text")
    assert [path.name for path in tmp_path.rglob("*")] == ["kept", "x"]


@pytest.mark.parametrize("left", [["old"], ["old", "now"]])
def test_what_a_kill_left_between_two_renames_is_settled(tmp_path, left):
    folder, old = tmp_path / "folder", tmp_path / ".folder.old"
    for which in left:
        place = old if which == "old" else folder
        place.mkdir()
        (place / which).touch()
    settle(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert [path.name for path in folder.iterdir()] == [left[-1]]


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_file_has_the_usual_permissions(tmp_path):
    write_text(tmp_path / "x.txt", "x")
    (tmp_path / "plain.txt").touch()
    assert stat.S_IMODE((tmp_path / "x.txt").stat().st_mode) == stat.S_IMODE(
        (tmp_path / "plain.txt").stat().st_mode
    )


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'{"a": 1, "a": 2}', "key 'a' stands there twice"),
        (b'{"a": ', "not JSON"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
        (b"[" * 200_000, "not JSON"),
    ],
)
def test_reading_is_strict(tmp_path, content, complaint):
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(FileError, match=complaint) as caught:
        read_json(tmp_path / "x.json")
    assert "x.json" in str(caught.value)
    with pytest.raises(FileError, match="No such file"):
        read_json(tmp_path / "gone.json")
