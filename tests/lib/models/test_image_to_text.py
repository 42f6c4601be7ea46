"""Hugging Face's whole captioners in the place of ours: their logits, our search, fit and checkpoint."""

import json

import pytest
import torch
from PIL import Image
from tiny_captioners import KINDS, image_to_text_folder
from transformers import AutoModelForImageTextToText

from lib.config import Training
from lib.data.loader import CaptionPairs, Loader, PictureView
from lib.data.record import Caption, Record
from lib.data.subwords import open_text
from lib.data.text import TextError, Vocab
from lib.models import Captioner, Decoding, ModelError
from lib.train import by_captions, cross_entropy, fit, reward_of, self_critical

TEXTS = (
    "a picture of the street",
    "the park",
    "the sea",
    "a wall of the room",
    "a room",
    "the street of the sea",
)
GREEDY = Decoding(method="greedy", max_length=8)


@pytest.fixture(scope="module", params=KINDS)
def folder(request, tmp_path_factory):
    return image_to_text_folder(tmp_path_factory.mktemp(request.param), request.param, padded=2)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    place = tmp_path_factory.mktemp("pictures")
    for number in range(8):
        image = Image.new("RGB", (20, 16), (30 * number, 255 - 30 * number, 90 * number % 256))
        image.save(place / f"{number}.png")
    return [Record(f"{n}", str(place / f"{n}.png"), (TEXTS[n % 6],), "train") for n in range(8)]


def pictures(images=3):
    return torch.randn(images, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def test_words_are_scored_as_the_library_scores_them_at_once_and_one_by_one(folder):
    model = Captioner.published(str(folder))
    own = AutoModelForImageTextToText.from_pretrained(folder).eval()
    tokens = torch.tensor([[2, 5, 6, 7, 8], [2, 9, 9, 5, 3], [2, 8, 7, 6, 5]])
    name = "decoder_input_ids" if own.config.model_type.startswith("vision") else "input_ids"
    with torch.no_grad():
        wanted = own(pixel_values=pictures(), **{name: tokens}).logits[:, -5:]
        memory = model.encode(pictures())
        torch.testing.assert_close(model.decoder(memory, tokens).logits, wanted)
        state, found = model.decoder.start(memory), []
        for column in tokens.unbind(1):
            logits, state = model.decoder.step(column, state)
            found.append(logits)
        torch.testing.assert_close(torch.stack(found, 1), wanted, atol=1e-5, rtol=1e-4)
        assert (wanted[0] - wanted[2])[0].abs().max() > 1e-3  # the picture counts


@pytest.mark.parametrize("beams", [1, 3])
def test_our_search_finds_what_the_librarys_finds(folder, beams):
    model = Captioner.published(str(folder))
    own = AutoModelForImageTextToText.from_pretrained(folder).eval()
    how = {"max_new_tokens": 7, "num_beams": beams, "do_sample": False, "early_stopping": False}
    begin = torch.tensor([[2]])
    start = {
        "git": {"input_ids": begin},
        "vision-encoder-decoder": {"decoder_input_ids": begin, "eos_token_id": 3},
        "blip": {"input_ids": torch.tensor([[2, 3]])},  # it leaves the last one away
    }[own.config.model_type]
    bad = [[number] for number in model.banned]
    with torch.no_grad():
        for picture in pictures(4).split(1):
            wanted = own.generate(pixel_values=picture, bad_words_ids=bad, **start, **how)[0, 1:]
            found = model.search(model.encode(picture), Decoding(beam=beams, max_length=7))
            length = int(found.lengths[0, 0])
            assert found.tokens[0, 0, :length].tolist() == wanted[:length].tolist()


def teach(model, records, folder, validate=True, **how):
    view = PictureView(records, model.preprocess)
    check = by_captions(records, view, GREEDY) if validate else None
    pairs = CaptionPairs(records, model.vocab, view, **how)
    settings = {"epochs": 60, "learning_rate": 1e-2, "encoder_learning_rate": 1e-2, "validate_every": 20}
    return fit(
        model, cross_entropy(), Loader(pairs, batch_size=8), training=Training(**settings),
        folder=folder, run_key={"data": "d", "model": model.describe(), "objective": "xe"},
        validate=check, meta=model.meta(), encoder=model.encoder,
    )  # fmt: skip


def test_it_learns_and_its_checkpoint_opens_alone(folder, records, tmp_path):
    model = Captioner.published(str(folder))
    fitted = teach(model, records, tmp_path / "m" / "a")
    losses = [row["loss"] for row in fitted.history if "loss" in row]
    assert losses[-1] < 0.5 * losses[0]
    assert max(row["val_cider_d"] for row in fitted.history if "val_cider_d" in row) > 0
    away = (folder / "model.safetensors").rename(folder / "away")
    try:
        again = Captioner.load(tmp_path / "m" / "a")
    finally:
        away.rename(folder / "model.safetensors")
    batch = next(
        Loader(
            CaptionPairs(records, again.vocab, PictureView(records, again.preprocess)), batch_size=8
        ).batches()
    )
    with torch.no_grad():
        assert torch.equal(again(batch).logits, model(batch).logits)
    assert again.describe() == model.describe() and not again.training
    for decoding in (GREEDY, Decoding(beam=3, max_length=8)):
        assert again.caption(batch, decoding) == model.caption(batch, decoding)


def test_marks_of_styles_change_nothing_that_was_learnt_and_are_never_said(folder, records, tmp_path):
    plain = Captioner.published(str(folder))
    torch.manual_seed(0)
    model = plain.marked(["<code_0>", "<code_1>"]).eval()
    assert len(model.vocab) == len(plain.vocab) + 2 and set(range(24, 26)) <= set(model.banned)
    given = ("a picture of", "<code_1>", "?")
    words = plain.vocab.split
    assert model.vocab.begin(given) == [2, *words("a picture of"), 25, *words("?")]
    assert model.vocab.decode([5, 25, 6, 3]) == plain.vocab.decode([5, 6, 3])
    memory, tokens = plain.encode(pictures()), torch.tensor([[2, 5, 6]] * 3)
    with torch.no_grad():
        assert torch.equal(
            model.decoder(memory, tokens).logits[..., :24], plain.decoder(memory, tokens).logits
        )
    rows = [Caption("the sea", ("<code_0>",)), Caption("a room", ("<code_1>",))]
    teach(model, records, tmp_path / "m" / "a", validate=False, rows=lambda _: rows)
    again, decoding = Captioner.load(tmp_path / "m" / "a"), Decoding(beam=2, max_length=4, guidance=2.0)
    assert again.vocab.digest == model.vocab.digest != plain.vocab.digest
    start, without = ([again.vocab.begin((mark,))] * 3 for mark in ("<code_0>", "<code_1>"))
    found = again.search(
        again.encode(pictures()), decoding, start=torch.tensor(start), without=torch.tensor(without)
    )
    assert {again.decode(row) for row in found.tokens[:, 0].tolist()} == {"the sea"}
    assert again.marked(["<code_0>"]).vocab.added == ("<code_0>", "<code_1>")  # known ones stay


def test_our_own_captioners_take_marks_too(tmp_path):
    from test_captioner import build

    vocab = Vocab.build(["a man runs . the sea"])
    for kind in ("gru", "attention_gru", "transformer"):
        plain = build(vocab, kind).eval()
        model = plain.marked(["<sad>", "a", "gladly"]).eval()
        assert [model.vocab.words[1:9], model.vocab.words[-3:]] == [
            [*vocab.words[1:7], "<sad>", "gladly"], ["<unk>", "<start>", "<end>"],
        ]  # fmt: skip
        memory, said = torch.randn(2, 4, plain.encoder.width), "the man runs"
        with torch.no_grad():
            rows = [torch.tensor([text.encode(said)] * 2) for text in (plain.vocab, model.vocab)]
            own, found = (m.decoder(memory, row).logits for m, row in zip((plain, model), rows, strict=True))
        places = [model.vocab.numbers[word] for word in vocab.words]
        torch.testing.assert_close(found[..., places], own)


def test_it_learns_from_rewards(folder, records):
    model = Captioner.published(str(folder))
    pairs = CaptionPairs(records, model.vocab, PictureView(records, model.preprocess), per="picture")
    batch = next(Loader(pairs, batch_size=4).batches())
    result = self_critical(reward_of(records, {"cider_d": 1.0}), samples=3, max_length=5)(model, batch)
    result["loss"].backward()
    grown = [p.grad.abs().sum() for p in model.decoder.parameters() if p.grad is not None]
    assert result["count"] == 4 and torch.isfinite(torch.stack(grown)).all()


def spoil(folder, file, **changes):
    told = json.loads((folder / file).read_text()) | changes
    (folder / file).write_text(json.dumps({key: value for key, value in told.items() if value is not ...}))


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (
            lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"),
            "expected model.safetensors; weights",
        ),
        (
            lambda f: spoil(f, "config.json", eos_token_id=None),
            "config.json does not say bos_token_id and eos",
        ),
        (lambda f: spoil(f, "config.json", model_type="git2"), "image-to-text model .* cannot be loaded"),
        (lambda f: (f / "preprocessor_config.json").unlink(), "no preprocessor_config.json, which says"),
        (lambda f: (f / "config.json").unlink(), "image-to-text model .* cannot be loaded"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, broken, told):
    folder = image_to_text_folder(tmp_path / "git", "git")
    broken(folder)
    with pytest.raises(ModelError, match=told) as error:
        Captioner.published(str(folder))
    assert "\n" not in str(error.value)


def test_other_models_and_what_is_not_here(tmp_path):
    from transformers import Blip2Config, Blip2ForConditionalGeneration

    tiny = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    eye, text = tiny | {"image_size": 16}, {"model_type": "gpt2", "n_embd": 8, "n_layer": 1, "n_head": 1}
    config = Blip2Config(vision_config=eye, qformer_config=tiny, text_config=text | {"vocab_size": 20})
    Blip2ForConditionalGeneration(config).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="unknown image-to-text model 'blip-2'; did you mean 'blip'"):
        Captioner.published(str(tmp_path))
    with pytest.raises(TextError, match="no folder"):
        Captioner.published("nobody/no-such-captioner", revision="v1")


def test_a_text_with_its_own_numbers_opens_again(folder):
    text = Captioner.published(str(folder)).vocab.marked(["<x>"])[0]
    again = open_text(json.loads(json.dumps(text.describe())))
    assert (
        again.digest == text.digest
        and len(again) == len(text)
        and again.begin(("<x>",)) == text.begin(("<x>",))
    )
