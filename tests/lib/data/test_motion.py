"""The clips' dataset: films that hold what was drawn, timed truth, tables, two languages, made once."""

import base64
import io
import json
from itertools import pairwise

import av
import numpy as np
import pytest
from PIL import Image

from atelier.clips import LANGUAGES, draw_clip, read_clip, scene_lengths, stated_actions, true_actions
from atelier.clips.plan import ClipRecipe, plan_takes
from lib.data import motion
from lib.data.drawn import DrawnError
from lib.data.motion import make_clips, open_clips, open_stills, read_times

RECIPE = ClipRecipe(train=40, val=10, test=20, stills=12, size=48, base64=2)
CUTS = 10 + 2 + 5  # a quarter of each split


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("clips") / "drawn"
    assert make_clips(place, RECIPE, processes=1)
    return place


def read_film(path):
    with av.open(str(path)) as film:
        return [(frame.time, frame.to_image()) for frame in film.decode(video=0)]


def all_files(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_films_hold_the_frames_that_were_drawn(folder):
    for take in list(plan_takes(RECIPE))[:12]:
        drawn = draw_clip(take.clip, take.seed, scene_lengths(take.clip, take.seed), RECIPE.size)
        film = read_film(folder / "clips" / take.split / f"{take.name}.mp4")
        assert [time for time, _ in film] == pytest.approx([place / 12 for place in range(len(drawn))])
        gaps = [
            np.abs(np.asarray(one, int) - np.asarray(other, int)).mean()
            for (_, one), other in zip(film, drawn, strict=True)
        ]
        assert max(gaps) < 6, (take.name, max(gaps))


def test_records_tell_the_truth_in_both_languages(folder):
    told = {language: open_clips(folder, language) for language in LANGUAGES}
    assert {split: len(records) for split, records in told["en"].items()} == {
        "train": 40,
        "val": 10,
        "test": 20,
    }
    counts = set()
    for split, records in told["en"].items():
        for english, chinese in zip(records, told["zh"][split], strict=True):
            assert english.path.is_file() and english.frames == () and english.split == split
            assert (english.id, english.media, english.attributes) == (
                chinese.id,
                chinese.media,
                chinese.attributes,
            )
            for one, other in zip(english.captions, chinese.captions, strict=True):
                assert read_clip(one).attributes.items() <= english.attributes.items()
                assert stated_actions(one) == stated_actions(other, "zh") == true_actions(english.attributes)
            counts.add((split, len(english.captions)))
    assert counts == {("train", 1), ("train", 2), ("val", 3), ("test", 3)}
    with pytest.raises(DrawnError, match="no captions in 'fr'; there are en, zh"):
        open_clips(folder, "fr")


def test_scenes_are_timed_where_the_picture_changes(folder):
    times, cut = read_times(folder), 0
    for records in open_clips(folder).values():
        for record in records:
            scenes = times[record.id]
            assert len(scenes) == len(true_actions(record.attributes))
            assert scenes[0][0] == 0 and scenes[-1][1] == pytest.approx(
                24 / 12 if len(scenes) == 1 else 32 / 12
            )
            if len(scenes) == 2:
                film = read_film(record.path)
                jumps = [np.abs(np.asarray(b, int) - np.asarray(a, int)).mean()
                         for (_, a), (_, b) in pairwise(film)]  # fmt: skip
                cut += 1
                assert film[int(np.argmax(jumps)) + 1][0] == pytest.approx(scenes[0][1]) == scenes[1][0]
    assert cut == CUTS


def test_splits_are_balanced_and_share_no_clip():
    takes = list(plan_takes(ClipRecipe(stills=0)))
    for split, count in (("train", 1200), ("val", 100), ("test", 300)):
        own = [true_actions(take.clip) for take in takes if take.split == split]
        firsts = [actions[0] for actions in own]
        assert len(own) == count and {firsts.count(action) for action in set(firsts)} == {count / 10}
        cut = [actions[0] for actions in own if len(actions) == 2]
        assert len(cut) == count / 4 and max(map(cut.count, cut)) - min(map(cut.count, cut)) <= 1
    assert len({take.seed for take in takes}) == len({take.name for take in takes}) == 1600
    rare = [bool(take.clip["then"]) for take in plan_takes(ClipRecipe(stills=0, cuts=0.1))]
    assert sum(rare) == 160


def test_tables_have_a_line_for_each_text(folder):
    for language in LANGUAGES:
        for split, records in open_clips(folder, language).items():
            lines = (folder / f"{split}.{language}.tsv").read_text(encoding="utf-8").splitlines()
            rows = [line.split("\t") for line in lines]
            assert [(idx, text) for idx, _, text in rows] == [(r.id, c) for r in records for c in r.captions]
            assert all((folder / json.loads(media)[0]).is_file() for _, media, _ in rows)


def test_a_table_can_hold_frames_in_base64(folder):
    lines = (folder / "test.zh.base64.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    assert [idx for idx, _, _ in rows] == ["test_00000"] * 3 + ["test_00001"] * 3
    pictures = [Image.open(io.BytesIO(base64.b64decode(text))) for text in json.loads(rows[0][1])]
    film = [picture for _, picture in read_film(folder / "clips/test/test_00000.mp4")]
    assert len(pictures) == 4
    for picture, place in zip(pictures, (3, 9, 15, 21), strict=True):
        gaps = [np.abs(np.asarray(picture, int) - np.asarray(frame, int)).mean() for frame in film]
        assert gaps[place] <= min(gaps) + 0.2 < 8  # neighbours may be nearly the same picture


def test_stills_are_told_without_actions(folder):
    for english, chinese in zip(open_stills(folder), open_stills(folder, "zh"), strict=True):
        assert english.path.suffix == ".jpg" and Image.open(english.path).size == (48, 48)
        read = read_clip(english.captions[0])
        assert read == read_clip(chinese.captions[0], "zh") and stated_actions(english.captions[0]) == ()
        again = english.attributes["action"] in ("wave", "jump")
        assert (english.attributes["phase"] is None) == again and english.split == "train"
    assert len(open_stills(folder)) == 12


def test_it_is_made_once_and_the_same_by_any_number_of_processes(folder, tmp_path):
    assert not make_clips(folder, RECIPE)
    assert make_clips(tmp_path / "two", RECIPE, processes=2)
    assert all_files(tmp_path / "two") == all_files(folder)


def test_another_recipe_or_other_code_makes_it_anew(tmp_path, monkeypatch):
    tiny = ClipRecipe(train=1, val=0, test=0, stills=0, size=16)
    assert make_clips(tmp_path / "a", tiny, processes=1) and not make_clips(tmp_path / "a", tiny)
    assert make_clips(
        tmp_path / "a", ClipRecipe(train=1, val=0, test=0, stills=0, size=16, seed=1), processes=1
    )
    monkeypatch.setattr(motion, "sha256", lambda _: "other code")
    assert make_clips(tmp_path / "a", tiny, processes=1)


def test_a_size_that_no_film_has_is_refused(tmp_path):
    with pytest.raises(DrawnError, match="size 47: a film's must be even"):
        make_clips(tmp_path / "odd", ClipRecipe(size=47))
