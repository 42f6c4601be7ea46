"""The judge's further voice: a real CLIP, small enough to be made in code."""

import pytest
import torch
from tiny_models import draw, word_tokeniser
from tokenizers.processors import TemplateProcessing

from atelier.wardrobe import SCHEMA
from rebuild.audit.image_text import open_image_text
from rebuild.errors import RebuildError


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor

    folder = tmp_path_factory.mktemp("clip")
    torch.manual_seed(0)
    small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = small | {"vocab_size": 64, "eos_token_id": 3, "bos_token_id": 2, "pad_token_id": 0}
    sight = small | {"image_size": 32, "patch_size": 16}
    CLIPModel(CLIPConfig(text_config=text, vision_config=sight, projection_dim=8)).save_pretrained(folder)
    size = {"height": 32, "width": 32}
    images = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=size)
    words = word_tokeniser()
    marks = [("[CLS]", 2), ("[SEP]", 3)]  # a text is known by what stands at its end
    words.backend_tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=marks)
    CLIPProcessor(images, words).save_pretrained(folder)
    return folder


def test_a_claim_is_weighed_among_the_values_it_could_have(clip, tmp_path):
    agree = open_image_text(str(clip))
    (picture,) = draw(tmp_path, "a.jpg")
    shares = [agree(picture, f"background: {value}") for value in SCHEMA["background"]]
    assert sum(shares) == pytest.approx(1, abs=1e-5) and all(0 < share < 1 for share in shares)
    assert len({round(share, 6) for share in shares}) > 1  # "street" and "park" are words it knows


def test_another_picture_another_answer(clip, tmp_path):
    agree = open_image_text(str(clip))
    first, second = draw(tmp_path, "a.jpg", "b.jpg")
    assert agree(first, "background: street") != agree(second, "background: street")
    assert agree(first, "background: street") == agree(first, "background: street")


@pytest.mark.parametrize("kind", ["nothing", "no pair"])
def test_what_is_no_such_model_gives_one_line(clip, tmp_path, kind):
    where = tmp_path / "model"
    if kind == "no pair":
        from transformers import ViTConfig, ViTImageProcessor, ViTModel

        small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
        ViTModel(ViTConfig(**small, image_size=32)).save_pretrained(where)
        ViTImageProcessor().save_pretrained(where)
    with pytest.raises(RebuildError, match="model") as told:
        open_image_text(str(where))
    assert "\n" not in str(told.value)
