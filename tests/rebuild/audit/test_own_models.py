"""Our own models as a backend: their answers in a store, their beliefs as the judge reads them."""

import pytest
import torch
from PIL import Image
from torch import nn

from lib import checkpoint
from lib.data.images import Preprocess, load_image
from lib.data.text import Vocab
from lib.models import AttributeReader, Captioner, Decoding, build_decoder, build_encoder
from originals.deepfashion import generate_numbers
from rebuild.ask.describe_folder import describe_folder
from rebuild.audit.judge import NONE, Evidence
from rebuild.audit.own_models import CAPTION, EVIDENCE, OwnModels, open_own_models
from rebuild.backends.shape import BackendError

PREPROCESS = Preprocess(resize=32, crop=32)
SCHEMA = {"upper_color": ("red", "blue"), "hat": ("cap",)}


class Reader(nn.Module):
    """Sees red by the red in a picture."""

    schema = SCHEMA

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(4.0))

    def judge(self, images):
        red, blue = images[:, 0].mean((1, 2)), images[:, 2].mean((1, 2))
        zero = torch.zeros_like(red)
        return [torch.stack([zero, self.gain * red, self.gain * blue], 1), torch.stack([zero, zero - 9], 1)]


@pytest.fixture
def paths(tmp_path):
    for name, color in (("a.png", "red"), ("b.png", "blue")):
        Image.new("RGB", (8, 8), color).save(tmp_path / name)
    return [tmp_path / "a.png", tmp_path / "b.png"]


@pytest.fixture
def captioner():
    torch.manual_seed(0)
    vocab = Vocab.build(["a woman wears the red shirt"])
    encoder = build_encoder({"kind": "atelier", "channels": 4})
    sizes = {"vocab_size": len(vocab), "memory_width": encoder.width, "width": 16, "heads": 2, "layers": 1}
    return Captioner(encoder, build_decoder({"kind": "transformer", **sizes}), vocab, PREPROCESS)


def test_its_evidence_is_what_its_reader_believes(paths):
    own_models = OwnModels(Reader(), None, PREPROCESS)
    red, blue = (Evidence.from_text(text) for text in own_models(paths, [EVIDENCE] * 2))
    assert max(red.read["upper_color"], key=red.read["upper_color"].get) == "red"
    assert max(blue.read["upper_color"], key=blue.read["upper_color"].get) == "blue"
    assert set(red.read["hat"]) == {NONE, "cap"} and red.read["hat"][NONE] > 0.99
    assert sum(red.read["upper_color"].values()) == pytest.approx(1, abs=1e-3) and red.captions == ()


def test_its_answers_stand_in_a_store_under_its_weights(paths, tmp_path):
    first = OwnModels(Reader(), None, PREPROCESS)
    rows = list(describe_folder(paths[0].parent, tmp_path / "w", first, {"evidence": EVIDENCE}).rows())
    assert [Evidence.from_text(row["texts"]["evidence"]).captions for row in rows] == [(), ()]
    other = Reader()
    other.gain.data += 1
    assert OwnModels(other, None, PREPROCESS).fingerprint != first.fingerprint
    assert OwnModels(Reader(), None, PREPROCESS).fingerprint == first.fingerprint
    assert OwnModels(Reader(), None, PREPROCESS, seed=1).fingerprint != first.fingerprint


def test_its_captioner_tells_and_is_sampled(paths, captioner):
    decoding, sampling = Decoding(max_length=5), Decoding(method="sample", samples=4, max_length=5)
    own_models = OwnModels(Reader(), captioner, PREPROCESS, decoding=decoding, sampling=sampling)
    told = own_models([paths[0], paths[0], paths[1]], [CAPTION, EVIDENCE, CAPTION])
    batch = torch.stack([PREPROCESS(load_image(path)) for path in paths])
    best = generate_numbers(captioner, batch, beam_k=5, max_len=5)
    assert [told[0], told[2]] == [captioner.decode(ids) for ids in best]
    captions = Evidence.from_text(told[1]).captions
    assert len(captions) == 4 and len(set(captions)) > 1
    assert own_models([paths[0]], [EVIDENCE]) == own_models([paths[0]], [EVIDENCE])


def test_what_it_cannot_answer_is_named(paths):
    with pytest.raises(BackendError, match="cannot answer 'Where"):
        OwnModels(Reader(), None, PREPROCESS)(paths[:1], ["Where?"])
    with pytest.raises(BackendError, match="cannot answer 'caption'"):
        OwnModels(Reader(), None, PREPROCESS)(paths[:1], [CAPTION])
    with pytest.raises(BackendError, match="a reader, a captioner or both"):
        OwnModels(None, None, PREPROCESS)


def test_it_is_opened_from_checkpoints_and_reads_where_a_reader_was_trained(captioner, paths, tmp_path):
    models = tmp_path / "model_ckpt"
    checkpoint.save(models / "attn" / "attributes" / "best", captioner.state_dict(), captioner.meta())
    checkpoint.choose(models / "attn", "attributes")
    alone = open_own_models(models, "attn")
    [evidence] = alone(paths[:1], [EVIDENCE])
    assert Evidence.from_text(evidence).read == {} and alone(paths[:1], [CAPTION])[0]
    reader = AttributeReader(build_encoder({"kind": "atelier", "channels": 4}), SCHEMA, cells=1)
    checkpoint.save(models / "reader" / "attributes" / "best", reader.state_dict(), reader.meta())
    both = open_own_models(models, "attn", seed=1)
    [evidence] = both(paths[:1], [EVIDENCE])
    assert set(Evidence.from_text(evidence).read) == set(SCHEMA) and both.seed == 1
