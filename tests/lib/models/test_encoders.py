"""Encoders: known backbones, their weights from files, three views; what does not fit is named in a line."""

import pytest
import torch
from absent import SHARED, needs
from safetensors.torch import save_file

from lib.models import Encoder, ModelError, build_encoder
from lib.models.encoders import EncoderSettings, pool_regions, pyramid

SQUEEZENET = SHARED / "weights" / "squeezenet1_1_features.safetensors"


class Echo(torch.nn.Module):
    """A backbone whose map is its picture."""

    width = 3

    def forward(self, images):
        return images


def picture(side: int = 12) -> torch.Tensor:
    """Each pixel holds its own place, so that means are known."""
    rows, columns = torch.meshgrid(torch.arange(side) + 0.5, torch.arange(side) + 0.5, indexing="ij")
    return torch.stack([columns, rows, torch.ones(side, side)])[None]


def test_the_views_of_a_map():
    pooled = Encoder(EncoderSettings(view="pooled"), Echo())(picture())
    assert pooled.tolist() == [[[6.0, 6.0, 1.0]]]
    cells = Encoder(EncoderSettings(view="grid"), Echo())(picture())
    assert cells.shape == (1, 144, 3)
    assert cells[0, 13].tolist() == [1.5, 1.5, 1.0]
    four = Encoder(EncoderSettings(view="grid", grid=2), Echo())(picture())
    assert four[0, :, :2].tolist() == [[3.0, 3.0], [9.0, 3.0], [3.0, 9.0], [9.0, 9.0]]


def test_regions_are_the_means_of_their_boxes():
    boxes = pyramid((1, 2))
    assert boxes.shape == (5, 4)
    assert boxes[0].tolist() == [0.0, 0.0, 1.0, 1.0]
    regions = Encoder(EncoderSettings(view="regions", levels=(1, 2)), Echo())(picture())
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2 * 12
    assert torch.allclose(regions[0, :, :2], centres, atol=1e-5)


def test_each_picture_has_its_own_boxes():
    boxes = torch.tensor([[[0.0, 0.0, 0.5, 0.5]], [[0.5, 0.5, 1.0, 1.0]]])
    found = pool_regions(picture().expand(2, -1, -1, -1), boxes)
    assert torch.allclose(found[:, 0, :2], torch.tensor([[3.0, 3.0], [9.0, 9.0]]), atol=1e-5)


@pytest.mark.parametrize(
    ("config", "side", "shape"),
    [
        ({"kind": "atelier", "channels": 4}, 128, (2, 64, 32)),
        ({"name": "squeezenet1_1", "view": "regions"}, 96, (2, 14, 512)),
        ({"name": "resnet18", "grid": 2}, 96, (2, 4, 512)),
    ],
    ids=lambda value: str(value) if isinstance(value, tuple) else "",
)
def test_an_encoder_is_rebuilt_from_its_description(config, side, shape):
    encoder = build_encoder(config).eval()
    images = torch.randn(2, 3, side, side)
    again = build_encoder(encoder.describe()).eval()
    again.load_state_dict(encoder.state_dict(), strict=True)
    with torch.no_grad():
        memory = encoder(images)
        assert memory.shape == shape
        assert shape[-1] == encoder.width
        assert torch.allclose(memory, again(images), atol=1e-5)
        assert torch.allclose(memory[:1], encoder(images[:1]), atol=1e-4)  # no picture sees another


def test_patches_of_a_vision_transformer_become_cells():
    encoder = build_encoder({"name": "vit_b_32"}).eval()
    images = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        tokens = encoder.backbone.body(images)["map"]
        assert tokens.shape == (1, 50, 768)
        assert torch.equal(encoder(images), tokens[:, 1:])


def test_another_view_shares_the_weights():
    grid = build_encoder({"kind": "atelier", "channels": 4}).eval()
    pooled = grid.viewed("pooled")
    images = torch.randn(2, 3, 64, 64)
    assert torch.allclose(grid(images).mean(1, keepdim=True), pooled(images), atol=1e-5)
    assert next(pooled.parameters()) is next(grid.parameters())


@pytest.mark.parametrize("family", ["CLIPVision", "ViT", "Dinov2"])
def test_a_tiny_vision_tower_from_a_local_path(family, tmp_path):
    from lib import environment

    environment.offline()
    import transformers

    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    config = getattr(transformers, f"{family}Config")(**sizes, image_size=32, patch_size=8)
    tower = getattr(transformers, f"{family}Model")(config).eval()
    tower.save_pretrained(tmp_path)
    encoder = build_encoder({"kind": "huggingface", "name": str(tmp_path)}).eval()
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        patches = tower(pixel_values=images).last_hidden_state[:, 1:]
        assert torch.allclose(encoder(images), patches, atol=1e-5)
        again = build_encoder(encoder.describe() | {"name": "gone"}).eval()  # needs no file any more
        again.load_state_dict(encoder.state_dict(), strict=True)
        assert torch.allclose(again(images), patches, atol=1e-5)
    if family == "ViT":
        with pytest.raises(ModelError, match="reads pictures of 32 pixels, not 48"):
            encoder(torch.zeros(1, 3, 48, 48))


def test_weights_with_and_without_the_classifier(tmp_path):
    from torchvision import models

    torch.manual_seed(0)  # with channels last in memory, one seed in four adds up 1e-5 apart
    whole = models.squeezenet1_1(weights=None).eval()
    body = {name: tensor for name, tensor in whole.state_dict().items() if name.startswith("features")}
    images = torch.randn(1, 3, 64, 64)
    torch.save(whole.state_dict(), tmp_path / "whole.pth")
    save_file(body, tmp_path / "body.safetensors")
    for file in ("whole.pth", "body.safetensors"):
        encoder = build_encoder({"name": "squeezenet1_1"}, weights=str(tmp_path / file)).eval()
        with torch.no_grad():
            assert torch.allclose(
                encoder(images), whole.features(images).flatten(2).transpose(1, 2), atol=1e-5
            )


@needs(SQUEEZENET)
def test_the_shared_weights_load():
    build_encoder({"name": "squeezenet1_1"}, weights=str(SQUEEZENET))


def refuse(message, config, **weights):
    with pytest.raises(ModelError, match=message) as error:
        build_encoder(config, **weights)
    assert "\n" not in str(error.value)


def test_what_does_not_fit_is_refused_in_a_line(tmp_path):
    save_file({"features.0.weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    (tmp_path / "broken.pth").write_bytes(b"nothing")
    refuse("unknown backbone 'resnet_18'; did you mean 'resnet18'", {"name": "resnet_18"})
    refuse("no map of features", {"name": "maxvit_t"})
    refuse(
        "other.safetensors: does not fit resnet18; missing",
        {"name": "resnet18"},
        weights=f"{tmp_path}/other.safetensors",
    )
    refuse("broken.pth", {"name": "resnet18"}, weights=f"{tmp_path}/broken.pth")
    refuse("gone.pth: no such file", {"name": "resnet18"}, weights=f"{tmp_path}/gone.pth")
    refuse("unknown weights of resnet18 'IMAGENET'", {"name": "resnet18"}, weights="IMAGENET")
    refuse("did you mean encoder.view", {"vieww": "grid"})
    refuse("encoder.view must be one of", {"view": "cells"})
    refuse("cannot be loaded", {"kind": "huggingface", "name": str(tmp_path / "none")})
    refuse("brings its own weights", {"kind": "huggingface", "name": "x"}, weights="y.pth")
