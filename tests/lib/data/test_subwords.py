"""Other libraries' tokenizers in the place of our vocabulary: the same calls, kept in checkpoints, strict."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from absent import DATA, needs
from tiny_models import word_tokeniser

from lib import checkpoint
from lib.data.loader import CachedFeatures, CaptionPairs, Loader
from lib.data.record import Caption, Record
from lib.data.subwords import open_huggingface, open_sentencepiece, open_text
from lib.data.text import TextError, Vocab
from lib.models import Captioner, Decoding, ModelError, build_decoder, build_encoder
from lib.train.objectives import IGNORED, next_tokens

SENTENCES = ["a man in a red shirt .", "a woman in a blue coat .", "the dog runs in the park ."] * 20
GOLDEN = DATA / "beit3" / "tiny_spm_expected.json"


@pytest.fixture(scope="module")
def sentencepiece_file(tmp_path_factory):
    from sentencepiece import SentencePieceTrainer

    prefix = tmp_path_factory.mktemp("spm") / "small"
    options = {"vocab_size": 40, "model_type": "bpe", "minloglevel": 2, "num_threads": 1}
    SentencePieceTrainer.train(sentence_iterator=iter(SENTENCES), model_prefix=str(prefix), **options)
    return prefix.with_suffix(".model")


@pytest.fixture(scope="module")
def tokenizer_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    word_tokeniser().save_pretrained(folder)
    return folder


@pytest.fixture(params=["words", "huggingface", "sentencepiece"])
def text(request, sentencepiece_file, tokenizer_folder):
    if request.param == "words":
        return Vocab.build(SENTENCES)
    if request.param == "huggingface":
        return open_huggingface(tokenizer_folder)
    return open_sentencepiece(sentencepiece_file)


def test_a_text_comes_back_and_opens_again_from_its_description(text):
    said = "a man in a red shirt."
    numbers = text.encode(said)
    assert numbers[0] == text.start and numbers[-1] == text.end and max(numbers) < len(text)
    words = text.tokens(numbers)
    if not isinstance(text, Vocab) and "red" not in words:
        said = text.decode(numbers)  # the small Hugging Face tokenizer knows few words
    assert text.decode(numbers) and text.tokens([*numbers, text.pad, 5]) == words
    again = open_text(json.loads(json.dumps(text.describe())))
    assert again.encode(said) == text.encode(said) and again.digest == text.digest and len(again) == len(text)
    assert text.end not in text.marks and {text.pad, text.start} <= set(text.marks)
    assert text.encode(said, max_tokens=2) == [*text.encode(said)[:3], text.end]


def test_pieces_of_a_prefix_are_given(sentencepiece_file):
    text = open_sentencepiece(sentencepiece_file)
    rows = [Caption("a man", ("the dog",))]
    view = CachedFeatures([torch.ones(1, 1, 4).half().numpy()])
    pairs = CaptionPairs([Record("0", "x.jpg", (), "train")], text, view, rows=lambda _: rows)
    [batch] = Loader(pairs, batch_size=1, shuffle=False).batches()
    given = len(text.begin(("the dog",)))
    assert batch.prefix.tolist() == [text.encode("the dog")[:-1]] and given > 2
    targets = next_tokens(batch)[0].tolist()
    assert (
        targets[: given - 1] == [IGNORED] * (given - 1) and targets[given - 1 :] == text.encode("a man")[1:]
    )


def test_a_captioner_keeps_its_text(text, tmp_path):
    torch.manual_seed(0)
    encoder = build_encoder({"kind": "atelier", "channels": 4})
    sizes = {"vocab_size": len(text), "memory_width": encoder.width, "word": 8, "hidden": 8}
    model = Captioner(encoder, build_decoder({"kind": "gru", **sizes}), text, None).eval()
    checkpoint.save(tmp_path / "best", model.state_dict(), model.meta())
    again = Captioner.load(tmp_path / "best")
    decoding = Decoding(method="beam", beam=2, max_length=6)
    images = torch.randn(2, 3, 16, 16)
    found, other = (each.search(each.encode(images), decoding).tokens for each in (model, again))
    assert torch.equal(found, other) and not set(found.flatten().tolist()) & (set(text.marks) - {0, text.pad})
    assert [model.decode(row) for row in found[:, 0].tolist()] == [
        again.decode(row) for row in other[:, 0].tolist()
    ]


def test_a_hub_id_is_found_in_the_cache(tokenizer_folder, tmp_path, monkeypatch):
    place = tmp_path / "models--some--model"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("abc")
    shutil.copytree(tokenizer_folder, place / "snapshots" / "abc")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    text = open_huggingface("some/model")
    assert text.encode("a dog") == open_huggingface(tokenizer_folder).encode("a dog")
    assert text.source["path"] == "some/model"


def test_another_tokenizer_than_the_checkpoints_is_refused(tokenizer_folder, sentencepiece_file, tmp_path):
    for opened in (open_huggingface(tokenizer_folder), open_sentencepiece(sentencepiece_file)):
        with pytest.raises(TextError, match="another tokenizer than the model was trained with"):
            open_text(opened.describe() | {"sha256": "0" * 64})
    with pytest.raises(TextError, match="no folder with a tokenizer"):
        open_huggingface(tmp_path / "none")
    with pytest.raises(TextError, match="no tokenizer can be read there") as error:
        open_huggingface(tmp_path)
    assert "\n" not in str(error.value)
    with pytest.raises(TextError, match="no sentencepiece model"):
        open_sentencepiece(tmp_path / "none.model")
    encoder = build_encoder({"kind": "atelier", "channels": 4})
    text = open_sentencepiece(sentencepiece_file)
    sizes = {"vocab_size": len(text), "memory_width": encoder.width, "word": 8, "hidden": 8}
    model = Captioner(encoder, build_decoder({"kind": "gru", **sizes}), text, None)
    moved = text.describe() | {"path": str(tmp_path / "gone.model")}
    checkpoint.save(tmp_path / "best", model.state_dict(), model.meta() | {"text": moved})
    with pytest.raises(ModelError, match="no sentencepiece model"):
        Captioner.load(tmp_path / "best")


@needs(GOLDEN)
def test_beit3s_numbers_are_those_of_its_own_code():
    text, golden = open_sentencepiece(DATA / "beit3" / "tiny.spm"), json.loads(GOLDEN.read_text())
    assert (text.start, text.pad, text.end, text.unknown) == tuple(
        golden["specials"][mark] for mark in ("<s>", "<pad>", "</s>", "<unk>")
    )
    assert len(text) == golden["specials"]["<mask>"] + 1
    for case in golden["cases"]:
        assert text.encode(case["text"], max_tokens=10_000)[1:-1] == case["ids_xlmr_no_specials"]


def test_a_broken_or_foreign_sentencepiece_model_is_one_line(sentencepiece_file, tmp_path):
    from sentencepiece import SentencePieceTrainer

    whole = sentencepiece_file.read_bytes()
    for length in (0, 7, len(whole) // 2, len(whole) - 1):
        (tmp_path / "beit3.spm").write_bytes(whole[:length])
        with pytest.raises(TextError, match=r"beit3\.spm: truncated, or no sentencepiece model$"):
            open_sentencepiece(tmp_path / "beit3.spm")
    options = {"vocab_size": 30, "pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1, "minloglevel": 2}
    prefix = str(tmp_path / "t5")
    SentencePieceTrainer.train(sentence_iterator=iter(SENTENCES), model_prefix=prefix, **options)
    with pytest.raises(TextError, match=r"t5\.model: expected <unk>, <s>, </s> as pieces 0, 1, 2"):
        open_sentencepiece(tmp_path / "t5.model")


def test_a_text_may_be_as_long_as_its_model_reads(sentencepiece_file):
    text = replace(open_sentencepiece(sentencepiece_file), longest=5)
    assert text.encode(SENTENCES[0]) == text.encode(SENTENCES[0], max_tokens=5)
    assert (
        len(text.encode(SENTENCES[0], max_tokens=80)) == 7
        and len(text.encode(SENTENCES[0], max_tokens=2)) == 4
    )
