"""Recorded answers: the course project's image_caption.json and background_caption.json, and broken ones."""

import json
import unicodedata

import pytest

from lib.config import ConfigError
from rebuild.backends import BackendError, NoAnswer, open_backend

CAPTIONS = {"MEN_0000.jpg": "The man wears a coat.", "男士 一.jpg": "他穿着外套。", "MEN_0002.jpg": ""}


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "image_caption.json"
    path.write_text(json.dumps(CAPTIONS))
    return path


def test_a_recording_answers_by_file_name_whatever_the_prompt(recording):
    backend = open_backend({"kind": "replay", "file": str(recording)})
    pictures = [
        recording.parent / "images" / name for name in ("男士 一.jpg", "MEN_0000.jpg", "MEN_0002.jpg")
    ]
    assert backend(pictures, ["背景?", "x", "y"]) == ["他穿着外套。", "The man wears a coat.", ""]
    assert backend.model.endswith("image_caption.json")


def test_a_picture_that_was_not_recorded_is_a_failure(recording):
    [answer] = open_backend({"kind": "replay", "file": str(recording)})([recording.parent / "new.jpg"], ["x"])
    assert isinstance(answer, NoAnswer) and "new.jpg" in answer.reason


def test_each_prompt_may_have_its_own_recording(recording, tmp_path):
    other = tmp_path / "background_caption.json"
    other.write_text(json.dumps({"MEN_0000.jpg": "A street."}))
    backend = open_backend(
        {"kind": "replay", "by_prompt": {"clothes": str(recording), "background": str(other)}}
    )
    picture = tmp_path / "MEN_0000.jpg"
    assert backend([picture, picture], ["background", "clothes"]) == ["A street.", "The man wears a coat."]
    with pytest.raises(BackendError, match="no recording for the prompt 'weather'"):
        backend([picture], ["weather"])


def test_a_name_is_found_in_either_unicode_spelling(tmp_path):
    path = tmp_path / "captions.json"
    path.write_text(json.dumps({unicodedata.normalize("NFD", "café.jpg"): "found"}))
    backend = open_backend({"kind": "replay", "file": str(path)})
    assert backend([tmp_path / unicodedata.normalize("NFC", "café.jpg")], [""]) == ["found"]


@pytest.mark.parametrize(
    ("content", "message"),
    [("[1]", "not list"), ('{"a.jpg": 3}', "key 'a.jpg': expected a text, not int"), ("{", "not JSON"),
     ('{"a.jpg": "x", "a.jpg": "y"}', "stands there twice")],
)  # fmt: skip
def test_a_broken_recording_is_one_line(tmp_path, content, message):
    path = tmp_path / "captions.json"
    path.write_text(content)
    with pytest.raises(BackendError, match=message):
        open_backend({"kind": "replay", "file": str(path)})


def test_a_missing_recording_and_none_at_all_are_named(tmp_path):
    with pytest.raises(BackendError, match="No such file"):
        open_backend({"kind": "replay", "file": str(tmp_path / "gone.json")})
    with pytest.raises(ConfigError, match=r"backend\.file must name a recording"):
        open_backend({"kind": "replay"})


def test_the_fingerprint_is_that_of_the_content(recording, tmp_path):
    first = open_backend({"kind": "replay", "file": str(recording)}).fingerprint
    assert open_backend({"kind": "replay", "file": str(recording)}).fingerprint == first
    recording.write_text("{}")
    assert open_backend({"kind": "replay", "file": str(recording)}).fingerprint != first


def test_pictures_without_as_many_prompts_are_a_mistake_of_the_caller(recording):
    with pytest.raises(ValueError, match="1 pictures and 2 prompts"):
        open_backend({"kind": "replay", "file": str(recording)})([recording], ["a", "b"])
