"""BEiT-3 against golden outputs of its reference code; its published layout; what may be wrong with files."""

import argparse
import json
import os
from dataclasses import replace

import pytest
import torch
from absent import DATA, need, needs
from safetensors.torch import load_file
from torch.nn import functional as F

from lib import checkpoint
from lib.checkpoint import CheckpointError
from lib.config import Training
from lib.data.loader import Batch
from lib.data.subwords import Subwords, open_sentencepiece
from lib.models import ModelError
from lib.models.beit3 import PLACES, SIZES, Beit3, Beit3Settings, fill_beit3, read_sizes
from lib.train.contrastive import contrastive
from lib.train.optimise import parameter_groups, recomputing

GOLDEN = DATA / "beit3"
SMALL = {"image_size": 32, "patch": 8, "width": 32, "heads": 4, "inner": 64, "layers": 3, "words": 60}
TINY = Beit3Settings(**SMALL, places=40, longest=16)
WORDS = Subwords(start=0, pad=1, end=2, unknown=3, size=60, split=str.split, join=str, source={})
golden = needs(GOLDEN / "tiny_a.pth")


def tiny(**changes):
    torch.manual_seed(0)
    return Beit3(replace(TINY, **changes), WORDS).eval()


@pytest.fixture(scope="module")
def given():
    found = load_file(need(GOLDEN) / "tiny_a_expected.safetensors")
    return found | {"real": found.pop("padding_mask") == 0}


@pytest.fixture(scope="module")
def model(given):
    found = tiny()
    fill_beit3(found, GOLDEN / "tiny_a.pth")
    return found


def batch_of(given):
    lengths = given["real"].sum(1)
    ids = tuple(map(str, range(len(lengths))))
    return Batch(ids, torch.arange(len(ids)), given["image"], tokens=given["ids"], lengths=lengths)


def near(found, wanted):
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)


@torch.no_grad()
def test_heads_and_encoders_are_the_references(model, given):
    image, words = given["image"], (given["ids"], given["real"])
    assert not given["real"].all()
    near(model.encode(image), given["image_encoder_out"])
    near(model.encode(None, *words), given["text_encoder_out"])
    near(model.encode(image, *words), given["fused_encoder_out"])
    pictures, texts = model(batch_of(given))
    near(pictures, given["vision_cls"])
    near(texts, given["language_cls"])
    logits, truth = model.logit_scale.exp() * pictures @ texts.T, torch.arange(4)
    loss = (F.cross_entropy(logits, truth) + F.cross_entropy(logits.T, truth)) / 2
    near(loss[None], given["loss"])
    near(contrastive()(model, batch_of(given))["loss"][None] / 4, given["loss"])


@torch.no_grad()
def test_a_larger_picture_has_interpolated_places(given):
    larger = tiny(image_size=48)
    fill_beit3(larger, GOLDEN / "tiny_a.pth")
    near(larger.state_dict()[PLACES], given["position_larger"])
    near(larger.see(given["image_larger"]), given["vision_cls_larger"])


@torch.no_grad()
@pytest.mark.parametrize("part", ["self_attn.q_proj", "self_attn.inner_attn_ln", "ffn", "final_layer_norm"])
def test_a_swapped_expert_shows(model, given, part):
    swapped = tiny()
    weights = model.state_dict()
    start = f"beit3.encoder.layers.1.{part}."
    other = {"A": "B", "B": "A"}
    mine = [name for name in weights if name.startswith(start)]
    exchanged = {name: weights[f"{start}{other[name[len(start)]]}{name[len(start) + 1 :]}"] for name in mine}
    assert len(exchanged) >= 4
    swapped.load_state_dict(weights | exchanged)
    assert (swapped.see(given["image"]) - given["vision_cls"]).abs().max() > 1e-3
    assert (swapped.read(given["ids"], given["real"]) - given["language_cls"]).abs().max() > 1e-3


@torch.no_grad()
@pytest.mark.parametrize(("name", "near"), [("checkpoint-3.pth", 1e-5), ("mp_rank_00_model_states.pt", 2e-3)])
def test_training_programs_wrappers_are_read(given, name, near):
    model = tiny()
    fill_beit3(model, GOLDEN / f"tiny_a_{name}")
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())
    assert (model.see(given["image"]) - given["vision_cls"]).abs().max() < near


def test_options_are_read_beside_weights_and_code_is_not(tmp_path):
    class Hostile:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'it-ran'}",)

    weights, file = tiny().state_dict(), tmp_path / "checkpoint-1.pth"
    torch.save({"model": weights, "args": argparse.Namespace(lr=1.0)}, file)
    fill_beit3(tiny(), file)
    torch.save({"model": weights, "args": argparse.Namespace(lr=Hostile())}, file)
    with pytest.raises(CheckpointError, match=r"checkpoint-1\.pth: not a plain table .*could run code"):
        fill_beit3(tiny(), file)
    assert not (tmp_path / "it-ran").exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"language_head.weight": None}, r"missing: language_head\.weight$"),
        ({"mlm_head.weight": torch.ones(1)}, r"unexpected: mlm_head\.weight$"),
        ({"vision_head.weight": torch.ones(32, 31)}, r"vision_head\.weight \[32, 31\] instead of \[32, 32\]"),
        ({PLACES: torch.ones(21, 32)}, r"A\.weight \[21, 32\] instead of \[19, 32\]"),
        ({PLACES: None}, r"missing: beit3\.encoder\.embed_positions\.A\.weight$"),
    ],
)
def test_weights_that_do_not_fit_are_named(tmp_path, change, told):
    weights = tiny().state_dict() | change
    torch.save({"model": {name: w for name, w in weights.items() if w is not None}}, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match=f"w\\.pth: does not fit Beit3; .*{told}"):
        fill_beit3(tiny(), tmp_path / "w.pth")


@pytest.mark.parametrize(
    ("size", "keys", "numbers"), [("base", 494, 222_458_881), ("large", 974, 675_188_737)]
)
def test_published_sizes(size, keys, numbers):
    settings = read_sizes(f"beit3_{size}_patch16_384")
    with torch.device("meta"):
        model = Beit3(settings, WORDS)
    assert len(model.state_dict()) == keys == 14 + 40 * settings.layers
    assert sum(weight.numel() for weight in model.state_dict().values()) == numbers


@golden
def test_the_tiny_ones_keys_are_the_published_ones():
    wanted = json.loads((GOLDEN / "tiny_a.json").read_text())["keys"]
    assert {name: list(weight.shape) for name, weight in tiny().state_dict().items()} == wanted


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ({"layer": 3}, r"unknown parameter beit3\.layer; did you mean beit3\.layers\?"),
        ({"width": "32"}, r"beit3\.width must be int, not '32'"),
        ({"layers": 0}, r"beit3\.layers must be at least 1, not 0"),
        ({"width": 32, "heads": 3}, "width one of heads"),
        ({"image_size": 30}, "image_size must be a multiple of patch"),
        ({"places": 10}, "longest must fit 10 places"),
        ({"drop_path": 1.0}, "drop_path be from 0 to below 1"),
        ([1], "no sizes of BEiT-3"),
    ],
)
def test_sizes_are_read_strictly(tmp_path, sizes, told):
    path = tmp_path / "sizes.json"
    path.write_text(json.dumps(sizes))
    with pytest.raises(ModelError, match=rf"sizes\.json: .*{told}"):
        read_sizes(path)


def test_a_size_by_file_and_by_name(tmp_path):
    (tmp_path / "sizes.json").write_text(json.dumps(SMALL))
    assert read_sizes(tmp_path / "sizes.json") == Beit3Settings(**SMALL)
    with pytest.raises(ModelError, match="did you mean 'beit3_large_patch16_384'"):
        read_sizes("beit3_large_patch16_385")
    assert read_sizes("beit3_base_patch16_384") is SIZES["beit3_base_patch16_384"]


@torch.no_grad()
def test_a_point_depends_neither_on_padding_nor_on_neighbours():
    model = tiny()
    tokens = torch.tensor([[0, 9, 8, 2], [0, 7, 2, 1]])
    real = tokens != 1
    both = model.read(tokens, real)
    torch.testing.assert_close(model.read(tokens[1:, :3], real[1:, :3]), both[1:])
    torch.testing.assert_close(model.read(tokens.masked_fill(~real, 33), real), both)
    pictures = torch.randn(3, 3, 32, 32)
    torch.testing.assert_close(model.see(pictures)[1:2], model.see(pictures[1:2]))
    torch.testing.assert_close(both.norm(dim=1), torch.ones(2))


def test_what_it_cannot_see_or_read_is_one_line():
    model = tiny()
    with pytest.raises(ModelError, match=r"pictures of \[32, 40\]; this BEiT-3 sees 32 x 32"):
        model.see(torch.zeros(1, 3, 32, 40))
    with pytest.raises(ModelError, match="a text of 39 tokens; this BEiT-3 knows 38 places"):
        model.read(torch.zeros(1, 39, dtype=torch.long), torch.ones(1, 39, dtype=torch.bool))
    with pytest.raises(ModelError, match=r"beit3\.words: 50 rows; the text has 60 words"):
        tiny(words=50)


def test_drop_path_drops_branches_of_whole_items_in_training_alone():
    model = tiny(drop_path=0.5)
    assert [layer.drop.p for layer in model.beit3.encoder.layers] == [0, 0.25, 0.5]
    pictures = torch.randn(1, 3, 32, 32).expand(64, -1, -1, -1)
    assert model.see(pictures).unique(dim=0).shape[0] == 1
    # of two layers both branches stay or go: sixteen ways for equal pictures to come out
    ways = model.train().see(pictures).detach().round(decimals=4).unique(dim=0)
    assert 4 < len(ways) <= 16


def test_recomputed_activations_give_the_same_gradients():
    images = torch.randn(2, 3, 32, 32)
    found = []
    for wanted in (False, True):
        model = tiny().train()
        with recomputing(model, wanted):
            model.see(images)[:, 0].sum().backward()
        found.append(model.beit3.vision_embed.proj.weight.grad)
    assert found[0].abs().max() > 0
    torch.testing.assert_close(*found)


def test_rates_and_decay_by_place():
    model, training = tiny(), Training(learning_rate=1.0, layer_decay=0.5, weight_decay=0.05)
    groups = {id(p): group for group in parameter_groups(model, None, training) for p in group["params"]}
    named = {name: groups[id(p)] for name, p in model.named_parameters()}
    decayed = {name for name, group in named.items() if group["weight_decay"]}
    assert {group["weight_decay"] for group in named.values()} == {0, 0.05}
    assert decayed == {
        name
        for name, p in model.named_parameters()
        if p.ndim > 1 and "embed_positions.A" not in name and "cls_token" not in name
    }
    rates = {name: group["lr"] for name, group in named.items()}
    assert {rates[n] for n in rates if "embed" in n} == {0.5**4}
    for layer in range(3):
        assert {rates[n] for n in rates if f"layers.{layer}." in n} == {0.5 ** (3 - layer)}
    heads = {n for n in rates if "head" in n or "encoder.layer_norm" in n or n == "logit_scale"}
    assert len(heads) == 7 and {rates[n] for n in heads} == {1.0}


@needs(GOLDEN / "tiny.spm")
def test_a_checkpoint_opens_alone_and_gives_the_same_points(tmp_path):
    text = open_sentencepiece(GOLDEN / "tiny.spm")
    model = Beit3(replace(TINY, words=220), text).eval()
    checkpoint.save(tmp_path / "beit3" / "best", model.state_dict(), model.meta())
    again = Beit3.load(tmp_path / "beit3" / "best")
    tokens = torch.tensor([again.text.encode("This is a white Audi SUV.")])
    assert tokens.shape[1] == 16 and model.text.encode("This is a white Audi SUV.") == tokens[0].tolist()
    real = torch.ones_like(tokens, dtype=torch.bool)
    with torch.no_grad():
        assert torch.equal(again.read(tokens, real), model.read(tokens, real))
    assert again.preprocess == model.preprocess and again.preprocess.squash
