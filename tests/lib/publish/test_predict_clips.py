"""`python -m lib predict` on clips: folders of films, a scene's times, a model of the wrong kind."""

import pytest
import torch
from PIL import Image

from lib import checkpoint
from lib.__main__ import main
from lib.data import Preprocess, Vocab
from lib.models import Captioner, build_decoder, build_encoder
from lib.models.clip_encoder import ClipEncoder


def save_model(folder, encoder):
    torch.manual_seed(0)
    vocab = Vocab.build(["a man walks to the left", "a woman sits down"])
    config = {"kind": "transformer", "width": 16, "layers": 1, "heads": 2, "vocab_size": len(vocab)}
    decoder = build_decoder(config | {"memory_width": encoder.width})
    model = Captioner(encoder, decoder, vocab, Preprocess(resize=32, crop=32))
    return str(checkpoint.save(folder, model.state_dict(), model.meta()))


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Two GIFs: one of two scenes, one of one frame."""
    folder = tmp_path_factory.mktemp("clips")
    greys = [Image.new("RGB", (48, 48), c) for c in ("#101010", "#202020", "#e0f0a0", "#d0e0a0")]
    greys[0].save(folder / "two.gif", save_all=True, append_images=greys[1:], duration=500)
    greys[0].save(folder / "one.gif")
    (folder / "notes.txt").write_text("no clip")
    eye = build_encoder({"kind": "atelier", "channels": 4})
    save_model(folder.parent / "video", ClipEncoder(eye, frames=3, marks=4))
    save_model(folder.parent / "pictures", eye)
    return folder


def test_every_clip_of_a_folder_is_captioned_whatever_its_length(clips, capsys):
    model = str(clips.parent / "video")
    assert main(["predict", str(clips), "--checkpoint", model, "--n-best", "2"]) == 0
    together = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[0].rpartition("/")[2] for line in together] == ["one.gif"] * 2 + ["two.gif"] * 2
    assert main(["predict", str(clips / "one.gif"), "--checkpoint", model, "--n-best", "2"]) == 0
    alone = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[1:] for line in alone] == [line.split("\t")[1:] for line in together[:2]]


def test_a_scene_is_a_subtitle_with_its_times(clips, tmp_path, capsys):
    model = str(clips.parent / "video")
    assert main(["predict", str(clips), "--checkpoint", model, "--srt", str(tmp_path)]) == 0
    lines = (tmp_path / "two.srt").read_text().splitlines()
    assert lines[:2] == ["1", "00:00:00,000 --> 00:00:01,000"]
    assert lines[4:6] == ["2", "00:00:01,000 --> 00:00:02,000"]
    assert lines[2] and lines[6] and (tmp_path / "one.srt").is_file()


def test_broken_clips_and_models_of_pictures_are_named(clips, tmp_path, capsys):
    (tmp_path / "broken.mp4").write_bytes(b"nothing of a film")
    model = str(clips.parent / "video")
    assert main(["predict", str(tmp_path), "--checkpoint", model]) == 1
    assert "broken.mp4" in capsys.readouterr().err
    assert main(["predict", str(tmp_path), "--checkpoint", model, "--srt", str(tmp_path / "out")]) == 1
    assert "broken.mp4" in capsys.readouterr().err
    pictures = str(clips.parent / "pictures")
    assert main(["predict", str(clips), "--checkpoint", pictures, "--srt", str(tmp_path)]) == 2
    assert "captions pictures" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main(["predict", str(tmp_path / "empty"), "--checkpoint", model]) == 2
    assert "no clips in it" in capsys.readouterr().err
