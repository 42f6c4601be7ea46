"""Clips as memory: frames one by one, marked with their time, and what a clip lacks is never seen."""

import pytest
import torch
from PIL import Image

from lib.data.images import Preprocess
from lib.data.loader import CachedFeatures
from lib.data.record import Record
from lib.models import Captioner, ModelError, build_encoder, cache_features
from lib.models import clip_encoder as module
from lib.models.clip_encoder import ClipEncoder, FramesView, build_clip_encoder, shuffle_frames

PREPROCESS = Preprocess(resize=40, crop=32)


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    eye = build_encoder({"kind": "atelier", "channels": 4})
    return ClipEncoder(eye, frames=4, marks=6).eval()


def film(folder, name, frames):
    """A GIF whose frames are of different greys."""
    pictures = [Image.new("RGB", (48, 48), ((37 * n + 20) % 256,) * 3) for n in range(frames)]
    path = folder / f"{name}.gif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100)
    return Record(name, str(path), ("a",), "train")


@torch.no_grad()
def test_each_frame_is_what_the_eye_sees_with_its_time_beside_it(encoder):
    clips = torch.randn(2, 4, 3, 32, 32)
    memory = encoder(clips)
    cells = encoder.eye(clips[1, 2:3])[0]  # [N, D]
    shown = memory[1].unflatten(0, (4, -1))[2]
    assert memory.shape == (2, 4 * 4, encoder.eye.width + 6) and memory.shape[-1] == encoder.width
    torch.testing.assert_close(shown[:, :-6], cells)
    expected = torch.cos(torch.arange(1, 7) * torch.pi * 2.5 / 4)
    torch.testing.assert_close(shown[:, -6:], expected.expand(4, -1))


@torch.no_grad()
def test_a_short_clip_is_seen_as_if_it_stood_alone_in_any_batch(encoder, tmp_path):
    long, short = film(tmp_path, "long", 6), film(tmp_path, "short", 2)
    shown = [encoder.open(record, PREPROCESS) for record in (long, short)]
    assert not shown[0].isnan().any() and shown[1].isnan().flatten(1).all(1).tolist() == [0, 0, 1, 1]
    together = encoder(torch.stack(shown))
    alone = encoder(shown[1][None, :2])[0]
    present = module.present(together[1])
    torch.testing.assert_close(together[1][present], alone)
    torch.testing.assert_close(together[0], encoder(shown[0][None])[0])


def test_features_of_clips_are_cached_and_come_without_what_is_lacking(encoder, tmp_path):
    records = [film(tmp_path, "long", 6), film(tmp_path, "short", 2)]
    found = cache_features(records, encoder, PREPROCESS, tmp_path / "features", views=2)
    view = CachedFeatures(found)
    assert view(0, 0).shape == (16, encoder.width) and view(1, 0).shape == (8, encoder.width)
    with torch.no_grad():
        expected = encoder(encoder.open(records[1], PREPROCESS)[None, :2])[0]
    torch.testing.assert_close(view(1, 0), expected, atol=2e-2, rtol=2e-2)
    pooled = ClipEncoder(encoder.eye.viewed("pooled"), frames=4, marks=6).eval()
    short = CachedFeatures(cache_features(records, pooled, PREPROCESS, tmp_path / "features"))
    with torch.no_grad():
        alone = pooled(pooled.open(records[1], PREPROCESS)[None, :2])[0]
    torch.testing.assert_close(short(1, 0), alone, atol=2e-2, rtol=2e-2)


def test_half_precision_sees_clips_as_full_precision_does(encoder, tmp_path):
    records = [film(tmp_path, "one", 4), film(tmp_path, "two", 3)]
    plain, half = (
        CachedFeatures(cache_features(records, encoder, PREPROCESS, tmp_path / "features", precision=kind))
        for kind in ("fp32", "bf16")
    )
    for clip in (0, 1):
        assert (plain(clip, 0) - half(clip, 0)).abs().max() < 0.05 * plain(clip, 0).abs().max()


def test_a_seed_chooses_other_frames_and_the_same_seed_the_same(encoder, tmp_path):
    record = film(tmp_path, "long", 40)
    plain, first, again = (encoder.open(record, PREPROCESS, seed) for seed in (None, 5, 5))
    assert torch.equal(first, again) and not torch.equal(plain, first)


def test_frames_are_taken_averaged_or_shuffled_without_their_times():
    frames = torch.randn(4, 3, 5)
    memory = frames.flatten(0, 1).numpy()[None]
    view = CachedFeatures([memory])
    middle = FramesView(view, 3, lambda cells: cells[2:3])
    torch.testing.assert_close(middle(0, 0), frames[2])
    shuffled = shuffle_frames(frames, marks=2)
    assert torch.equal(shuffled[..., 3:], frames[..., 3:])
    assert sorted(shuffled[:, 0, 0].tolist()) == sorted(frames[:, 0, 0].tolist())
    orders = [shuffle_frames(torch.randn(4, 3, 5), marks=2)[:, 0, 0] for _ in range(9)]
    assert len({tuple(order.argsort().tolist()) for order in orders}) > 1


def test_an_encoder_is_built_again_from_its_description(encoder):
    again = build_clip_encoder(encoder.describe())
    assert again.describe() == encoder.describe()
    with pytest.raises(ModelError, match="frame"):
        ClipEncoder(encoder.eye, frames=0)
    with pytest.raises(ModelError, match="choose"):
        build_clip_encoder({"kind": "clip", "eye": encoder.eye.describe(), "frames": 4, "marks": 2})


def test_a_captioner_of_clips_is_saved_and_opened(encoder, tmp_path):
    from lib import checkpoint
    from lib.data import Vocab
    from lib.models import build_decoder

    vocab = Vocab.build(["a man walks", "a man sits down"])
    config = {"kind": "transformer", "width": 16, "layers": 1, "heads": 2}
    decoder = build_decoder(config | {"vocab_size": len(vocab), "memory_width": encoder.width})
    model = Captioner(encoder, decoder, vocab, PREPROCESS).eval()
    checkpoint.save(tmp_path / "clip", model.state_dict(), model.meta())
    opened = Captioner.load(tmp_path / "clip")
    clips = torch.randn(1, 4, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(opened.encode(clips), model.encode(clips))
