"""Clips: what is told is read back in both languages alike, and what only the order tells no frame tells."""

from collections import Counter
from random import Random

import numpy as np
import pytest

from atelier.clips import (
    CLIP_NAMES,
    CLIP_SCHEMA,
    CLIPS,
    LANGUAGES,
    ORDERED,
    draw,
    draw_clip,
    draw_still,
    played_backwards,
    read_clip,
    sample_clip,
    scene_lengths,
    scenes_of,
    seen_in_still,
    stated_actions,
    tell_clip,
    tell_many,
    tell_still,
    true_actions,
)
from atelier.clips.motion import MOTIONS, Manner
from atelier.clips.sample import MOVES
from atelier.figure import Figure, build_person
from lib.data.text import Vocab
from lib.score.attributes import attribute_f1

SEEDS = range(600)
ONE_OF_EACH = [sample_clip(number, 3) for number in range(len(MOVES))]
IN_ORDER = [clip for clip in ONE_OF_EACH if true_actions(clip)[0] in ORDERED]


def clip_of(number):
    return sample_clip(number, 5, cut=number % 3 == 0)


def visible(clip):
    return {name: value for name, value in clip.items() if value is not None}


def pixels(frames):
    return [frame.tobytes() for frame in frames]


def lowered(posture):
    """How far the body has come down on legs that bend, in centimetres."""
    figure = Figure(build_person("man", 0), posture.pose)
    return 163 - max(ankle[1] for _, _, ankle in figure.legs.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_state_truths_alone_and_are_read_back_whole(language):
    told = set()
    for number in SEEDS:
        clip = clip_of(number)
        text = tell_clip(clip, Random(number), language=language, omit=0)
        read = CLIPS.in_words(language).parse(text)
        assert read.attributes == visible(clip), text
        assert not read.conflicts and not read.unknown, text
        assert stated_actions(text, language) == true_actions(clip), text
        assert (" " in text) == (language == "en") and text.isascii() == (language == "en")
        told.add(text)
    assert len(told) > 0.95 * len(SEEDS)


def test_both_languages_state_the_same_and_leave_out_the_same():
    fewer = 0
    for number in SEEDS:
        clip = clip_of(number)
        texts = {name: tell_many(tell_clip, clip, number, 2, name) for name in LANGUAGES}
        for english, chinese in zip(texts["en"], texts["zh"], strict=True):
            assert read_clip(english, "en") == read_clip(chinese, "zh"), (english, chinese)
            stated = read_clip(english).attributes
            assert stated.items() <= clip.items() and stated_actions(english) == true_actions(clip)
            fewer += stated != visible(clip)
    assert 0.1 * 2 * len(SEEDS) < fewer < 0.5 * 2 * len(SEEDS)


def test_stills_are_told_without_any_action():
    for number in SEEDS:
        clip = sample_clip(number, 6)
        english, chinese = (tell_still(clip, Random(number), language=name, omit=0) for name in LANGUAGES)
        read = read_clip(english)
        assert read == read_clip(chinese, "zh") and not read.unknown, (english, chinese)
        assert read.attributes == visible(seen_in_still(clip)) and not stated_actions(english)


def test_known_texts_are_read_as_known():
    english = (
        "A man runs to the left in a park. After the cut he takes off a cap at the beach. He wears a red tee."
    )
    chinese = "一个男人在公园里向左跑。镜头切换后他在海边摘下一顶棒球帽。他穿着红色的短袖。"
    assert stated_actions(english) == stated_actions(chinese, "zh") == ("run left", "take off hat")
    known = {
        "action": "run",
        "direction": "left",
        "place": "park",
        "then": "take off hat",
        "then_place": "beach",
    }
    known |= {"gender": "man", "top": "t-shirt", "top_color": "red", "hat": "cap"}
    assert read_clip(english).attributes == read_clip(chinese, "zh").attributes == known
    turned = "A man takes off a cap, then runs to the left."
    assert stated_actions(turned) == ("take off hat", "run left")


def test_what_contradicts_itself_is_told_apart():
    found = read_clip(
        "A woman walks to the left to the right, then waves, then jumps with tusks in a red shirt"
    )
    assert found.conflicts == {"direction": ("left", "right"), "then": ("wave", "jump")}
    assert found.attributes["action"] == "walk" and found.unknown == ("with", "tusks")
    assert stated_actions("A woman walks to the left to the right") == ("walk left/right",)
    assert stated_actions("a woman in red waves to the left") == ("wave left",)
    assert stated_actions("") == () and read_clip("", "zh").attributes == {}
    assert stated_actions("一个女人走，然后跳跃，然后跑", "zh") == ("walk", "jump", "run")


def test_a_vocabulary_gives_the_chinese_text_back():
    texts = [tell_clip(clip_of(number), Random(number), language="zh") for number in range(200)]
    vocab = Vocab.build(texts)
    assert len(vocab) < 150
    assert [vocab.decode(vocab.encode(text)) for text in texts] == texts


def test_the_worlds_f1_is_the_same_in_both_languages_words():
    clips = [clip_of(number) for number in range(50)]
    texts = [tell_clip(clip, Random(place), omit=0) for place, clip in enumerate(clips)]
    assert attribute_f1(texts, clips, CLIPS).f1 == 1
    turned = [played_backwards(clip) for clip in clips]
    assert 0.7 < attribute_f1(texts, turned, CLIPS).f1 < 0.95


def test_clips_are_possible_and_moves_balanced():
    clips = [clip_of(number) for number in SEEDS]
    moves = Counter(true_actions(clip)[0] for clip in clips)
    assert len(moves) == len(MOVES) and set(moves.values()) == {len(SEEDS) // len(MOVES)}
    assert moves.keys() > ORDERED and len(ORDERED) == 8
    for clip in clips:
        assert tuple(clip) == CLIP_NAMES and all(v is None or v in CLIP_SCHEMA[n] for n, v in clip.items())
        for action, direction in (("action", "direction"), ("then", "then_direction")):
            assert (clip[direction] is not None) == (clip[action] in ("walk", "run"))
        assert clip["place"] != clip["then_place"] and len(set(true_actions(clip))) == 1 + bool(clip["then"])


def test_a_hat_that_is_handled_is_seen_in_that_scene_alone():
    clip = sample_clip(3, 0) | {"then": "wave", "then_place": "snow"}
    assert clip["action"] == "take off hat" and [bool(scene["hat"]) for scene in scenes_of(clip)] == [
        True,
        False,
    ]


@pytest.mark.parametrize("clip", IN_ORDER, ids=lambda clip: true_actions(clip)[0])
def test_the_frames_of_one_action_are_those_of_the_other_in_reverse_order(clip):
    other = played_backwards(clip)
    assert true_actions(other) != true_actions(clip) and true_actions(
        played_backwards(other)
    ) == true_actions(clip)
    for seed in (1, 2):
        one, two = pixels(draw_clip(clip, seed, (15,), 48)), pixels(draw_clip(other, seed, (15,), 48))
        assert one == two[::-1] and one != two


def test_a_cut_clip_played_backwards_keeps_its_scenes_in_place():
    clip = sample_clip(0, 0) | {"then": "sit down", "then_place": "snow"}
    one, two = (pixels(draw_clip(c, 7, (6, 9), 48)) for c in (clip, played_backwards(clip)))
    assert one == two[5::-1] + two[:5:-1]


@pytest.mark.parametrize("clip", ONE_OF_EACH, ids=lambda clip: true_actions(clip)[0])
def test_every_action_moves_and_repeats_itself(clip):
    frames = draw_clip(clip, 1, (24,))
    assert len(frames) == 24 and frames[0].size == (96, 96) and frames[0].mode == "RGB"
    assert pixels(frames) == pixels(draw_clip(clip, 1, (24,))) != pixels(draw_clip(clip, 2, (24,)))
    assert len(set(pixels(frames))) > 10


def test_walkers_and_runners_are_seen_to_cross_the_picture_the_way_they_are_said_to():
    crossed = {}
    for clip in ONE_OF_EACH:
        if clip["direction"]:
            film = np.stack([np.asarray(frame, int) for frame in draw_clip(clip, 4, (24,))])
            usual = np.median(film, axis=0)  # the background
            there = np.abs(film[[0, -1]] - usual).max(3) > 60
            first, last = (np.flatnonzero(frame.sum(0) > 8).mean() for frame in there)
            crossed[true_actions(clip)[0]] = last - first
    assert crossed["run left"] < crossed["walk left"] < -20
    assert crossed["run right"] > crossed["walk right"] > 20


def test_who_sits_comes_down_on_a_chair_that_is_there_before_and_who_jumps_leaves_the_ground():
    manner = Manner.of(Random(1))
    assert [round(lowered(MOTIONS["sit down"](t, manner))) for t in (0, 0.5, 1)] == [0, 8, 29]
    moments = [MOTIONS["jump"](place / 40, manner) for place in range(41)]
    assert sum(moment.rise > 15 for moment in moments) > 8 and max(map(lowered, moments)) > 15
    assert all(moment.rise == 0 or lowered(moment) < 1 for moment in moments)


def test_a_chair_is_seen_in_every_frame_and_tells_nothing(monkeypatch):
    for clip in ONE_OF_EACH:
        if clip["action"] in ("sit down", "stand up"):
            film = draw_clip(clip, 1, (12,))
            with monkeypatch.context() as patch:
                patch.setattr(draw, "draw_chair", lambda *_: None)
                without = draw_clip(clip, 1, (12,))
            for one, other in zip(film, without, strict=True):
                assert (np.abs(np.asarray(one, int) - np.asarray(other, int)).max(2) > 30).sum() > 100


def test_a_hat_goes_from_the_hand_to_the_head():
    manner = Manner.of(Random(1))
    moments = [MOTIONS["put on hat"](place / 40, manner) for place in range(41)]
    held = [moment.held for moment in moments if not moment.hat_on]
    assert held == sorted(held) and held[0] == 0 and held[-1] > 0.95 and 20 < len(held) < 30
    assert all((moment.held is None) == moment.hat_on for moment in moments)


def test_a_still_is_one_frame_of_its_clip_and_lengths_follow_the_cut():
    clip = sample_clip(8, 0)
    assert draw_still(clip, 3).tobytes() == draw_still(clip, 3).tobytes() != draw_still(clip, 4).tobytes()
    assert scene_lengths(clip, 1) == (24,)
    found = {scene_lengths(clip | {"then": "jump"}, seed) for seed in range(200)}
    assert {sum(pair) for pair in found} == {32} and {first for first, _ in found} == set(range(12, 21))
