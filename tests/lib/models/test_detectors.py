"""Detectors: who fills more of a picture; each kind opened as a user would, on models made in code."""

import pytest
import torch
from PIL import Image
from tiny_models import draw
from torchvision import models
from transformers import YolosConfig, YolosForObjectDetection, YolosImageProcessor

from lib import checkpoint
from lib.data import Preprocess
from lib.models import AttributeReader, ModelError, build_encoder
from lib.models.detectors import COCO, Sighting, open_detector, weigh


def test_the_category_that_fills_more_of_the_picture():
    numbers = {name: number for number, name in COCO.items()}

    def weighed(*boxes):
        """By what, how surely and how much of the picture was found."""
        corners = torch.tensor([[1.0, 2.0, 1.0 + 20 * share, 12.0] for _, _, share in boxes]).view(-1, 4)
        labels = torch.tensor([numbers.get(name, 18) for name, _, _ in boxes], dtype=torch.long)
        scores = torch.tensor([score for _, score, _ in boxes], dtype=torch.float)
        return weigh(Image.new("RGB", (20, 10)), {"boxes": corners, "labels": labels, "scores": scores}, COCO)

    category, likely = weighed(("person", 0.9, 0.4), ("car", 0.95, 0.1), ("dog", 0.99, 0.9))
    assert category == "people" and likely == pytest.approx(0.36 / (0.36 + 0.095))
    assert weighed(("bus", 0.7, 0.5), ("person", 0.9, 0.1)).category == "car"
    assert weighed(("person", 0.3, 0.9)) == Sighting(None, 0.0)  # too unsure to count
    assert weighed() == Sighting(None, 0.0)


def reader(schema, folder):
    torch.manual_seed(0)
    made = AttributeReader(build_encoder({"kind": "atelier", "channels": 4}), schema, cells=16).eval()
    shown = Preprocess(resize=64, crop=64, squash=True)
    checkpoint.save(folder, made.state_dict(), made.meta() | {"preprocess": shown.to_json()})
    return made


def test_our_own_reader_says_its_likeliest_category(tmp_path):
    made = reader({"hat": ("cap",), "category": ("people", "car")}, tmp_path / "reader" / "best")
    with torch.no_grad():
        made.heads.values[1].bias.copy_(torch.tensor([0.0, 0.0, 9.0]))
    checkpoint.save(
        tmp_path / "reader" / "best",
        made.state_dict(),
        made.meta() | {"preprocess": Preprocess(resize=64, crop=64, squash=True).to_json()},
    )
    sightings = open_detector(str(tmp_path / "reader"))(draw(tmp_path, "a.png", "b.png"))
    assert [sighting.category for sighting in sightings] == ["car", "car"] and sightings[0].likely > 0.9
    reader({"hat": ("cap",)}, tmp_path / "blind" / "best")
    with pytest.raises(ModelError, match="a detector must know a category"):
        open_detector(str(tmp_path / "blind"))


def test_a_hugging_face_detector_by_its_folder(tmp_path):
    torch.manual_seed(0)
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 24}
    labels = {"id2label": {0: "person", 1: "car"}, "label2id": {"person": 0, "car": 1}}
    config = YolosConfig(**small, **labels, image_size=[64, 64], patch_size=16, num_detection_tokens=3)
    model = YolosForObjectDetection(config)
    with torch.no_grad():
        model.class_labels_classifier.layers[-1].bias.copy_(torch.tensor([0.0, 9.0, 0.0]))
    model.save_pretrained(tmp_path / "yolos")
    YolosImageProcessor(size={"height": 64, "width": 64}).save_pretrained(tmp_path / "yolos")
    sightings = open_detector(str(tmp_path / "yolos"))(draw(tmp_path, "a.png"))
    assert sightings[0].category == "car" and sightings[0].likely == 1.0


def test_a_torchvision_detector_by_name_and_weights(tmp_path):
    torch.manual_seed(0)
    name = "ssdlite320_mobilenet_v3_large"
    model = models.get_model(name, weights=None, weights_backbone=None)
    torch.save(model.state_dict(), tmp_path / "ssd.pth")
    assert open_detector(name, str(tmp_path / "ssd.pth"))(draw(tmp_path, "a.png"))[0].category is None
    with pytest.raises(ModelError, match="without weights sees nothing"):
        open_detector(name)
    with pytest.raises(ModelError, match="unknown detector"):
        open_detector("no_such_detector", "x.pth")
