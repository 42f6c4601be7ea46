"""CLIP and SigLIP: the library's own points, one by one or together, and fine-tuned ones opened again."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_models import saved_model, word_tokeniser
from transformers import AutoModel, CLIPConfig, SiglipConfig

from lib import checkpoint
from lib.models import ModelError
from lib.models.clip import Clip, read_preprocess
from lib.models.retriever import open_retriever

SMALL = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 24}
SEEN = {"size": {"shortest_edge": 36}, "crop_size": {"height": 32, "width": 32}, "do_center_crop": True}
SQUASHED = {"size": {"height": 32, "width": 32}}
TEXTS = ["a picture of the street", "the sea"]


def published(folder, kind):
    """A small random one, as its authors would publish it."""
    tokeniser = word_tokeniser()
    tokeniser.save_pretrained(folder)
    words = {"vocab_size": len(tokeniser), "max_position_embeddings": 12, "num_hidden_layers": 2}
    words |= {"bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0, "projection_size": 8}
    eyes = {"image_size": 32, "patch_size": 8, "num_hidden_layers": 3}
    family = {"clip": CLIPConfig, "siglip": SiglipConfig}[kind]
    torch.manual_seed(1)
    AutoModel.from_config(family(text_config=SMALL | words, vision_config=SMALL | eyes)).save_pretrained(
        folder
    )
    colours = {"image_mean": [0.4] * 3, "image_std": [0.2] * 3, "resample": 3}
    shown = SEEN if kind == "clip" else SQUASHED
    (folder / "preprocessor_config.json").write_text(json.dumps(colours | shown))
    return folder


@pytest.fixture(params=["clip", "siglip"])
def folder(request, tmp_path):
    return published(tmp_path / request.param, request.param)


@torch.no_grad()
def test_points_are_those_of_the_library(folder, tmp_path):
    model, alone = open_retriever(folder), AutoModel.from_pretrained(folder).eval()
    tokeniser = word_tokeniser()
    found = model.embed_texts(TEXTS)
    for text, point in zip(TEXTS, found, strict=True):
        ids = tokeniser.encode(text, add_special_tokens=False)
        filled = [*ids, 3] + [0] * (11 - len(ids))
        ids = [2, *ids, 3] if folder.name == "clip" else filled
        wanted = alone.get_text_features(input_ids=torch.tensor([ids])).pooler_output[0]
        np.testing.assert_allclose(point, wanted / wanted.norm(), atol=1e-5)
    Image.effect_noise((50, 40), 80).convert("RGB").save(tmp_path / "a.png")
    point = model.embed_images([tmp_path / "a.png"])[0]
    shown = read_preprocess(folder)(Image.open(tmp_path / "a.png"))
    wanted = alone.get_image_features(pixel_values=shown[None]).pooler_output[0]
    np.testing.assert_allclose(point, wanted / wanted.norm(), atol=1e-5)


def test_a_fine_tuned_one_is_opened_again(folder, tmp_path):
    model = Clip.published(str(folder)).eval()
    with torch.no_grad():
        model.logit_scale.add_(0.5)
    checkpoint.save(tmp_path / "tuned" / "best", model.state_dict(), model.meta())
    again = open_retriever(tmp_path / "tuned")
    assert again.model.logit_scale == model.logit_scale
    assert again.model.preprocess == model.preprocess


def test_depths_rise_from_the_embeddings_to_the_heads(tmp_path):
    model = Clip.published(str(published(tmp_path / "clip", "clip")))
    assert model.depth == 4
    depths = {name: model.depth_of(name) for name, _ in model.named_parameters()}
    assert depths["body.text_model.embeddings.token_embedding.weight"] == 0
    assert depths["body.vision_model.encoder.layers.0.mlp.fc1.weight"] == 1
    assert depths["body.vision_model.encoder.layers.2.mlp.fc1.weight"] == 3
    assert depths["body.text_model.encoder.layers.0.mlp.fc1.weight"] == 2  # two layers only: they end level
    assert depths["body.text_model.encoder.layers.1.mlp.fc1.weight"] == 3
    assert depths["body.logit_scale"] == depths["body.text_projection.weight"] == 4


def test_trouble_is_named_in_a_line(tmp_path):
    folder = published(tmp_path / "clip", "clip")
    model = Clip.published(str(folder))
    with pytest.raises(ModelError, match=r"a sentence of 40 tokens; .* reads 12"):
        model.read(torch.ones(1, 40, dtype=torch.long), torch.ones(1, 40, dtype=torch.bool))
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(ModelError, match=r"no preprocessor_config\.json"):
        Clip.published(str(folder))
    bert = saved_model(tmp_path / "bert", AutoModel, "bert", num_hidden_layers=1, **SMALL)
    (bert / "preprocessor_config.json").write_text(json.dumps(SQUASHED | {"image_mean": [0]}))
    with pytest.raises(ModelError, match=r"does not say how pictures are seen .'image_std'."):
        Clip.published(str(bert))
    colours = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (bert / "preprocessor_config.json").write_text(json.dumps(SQUASHED | colours))
    with pytest.raises(ModelError, match="a bert is no CLIP"):
        Clip.published(str(bert))
