"""Detectors: whether a picture shows people or a car, by whichever model is there to ask.

A torchvision detector by its name and weights, a Hugging Face one by its folder, or an attribute reader that
learnt the category of its pictures (notebook 06 trains one). All are asked alike, with paths.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from PIL.Image import Image
from torch import Tensor

from lib import checkpoint
from lib.data.images import Preprocess, load_image
from lib.models.attributes import AttributeReader
from lib.models.backbones import fill_torchvision, open_body
from lib.models.errors import ModelError, as_model_error, check_known
from lib.paths import resolve

CATEGORIES = {"people": {"person"}, "car": {"car", "bus", "truck", "train", "motorcycle"}}
COCO = {1: "person", 3: "car", 4: "motorcycle", 6: "bus", 7: "train", 8: "truck"}  # as torchvision counts
LEAST = 0.5  # of a box's score


class Sighting(NamedTuple):
    """What a picture shows most of, and how sure that is; None where nothing of the kind is seen."""

    category: str | None
    likely: float


See = Callable[[Image], Sighting]
Detector = Callable[[Sequence[Path]], list[Sighting]]


def weigh(picture: Image, found: dict[str, Tensor], names: Mapping[int, str]) -> Sighting:
    """The category with more of the picture, sure boxes (x1, y1, x2, y2) in pixels counting more."""
    left, top, right, bottom = found["boxes"].unbind(1)
    shares = (right - left) * (bottom - top) / (picture.height * picture.width)
    parts = (part.tolist() for part in (found["labels"], found["scores"], shares))
    seen = dict.fromkeys(CATEGORIES, 0.0)
    for number, score, share in zip(*parts, strict=True):
        for category, labels in CATEGORIES.items():
            seen[category] += score * share * (names.get(number) in labels and score >= LEAST)
    best = max(seen, key=seen.get)
    total = sum(seen.values())
    return Sighting(best, seen[best] / total) if total else Sighting(None, 0.0)


def open_detector(name: str, weights: str = "") -> Detector:
    """`name`: a checkpoint of ours, a folder of Hugging Face's, or torchvision's name of a detector."""
    place = checkpoint.locate(resolve(name))
    if (place / "meta.json").exists():
        see = ask_reader(AttributeReader.load(place), checkpoint.read_meta(place)["preprocess"])
    elif (place / "config.json").exists():
        see = ask_huggingface(name)
    else:
        see = ask_torchvision(name, weights)

    @torch.no_grad()
    def detect(paths: Sequence[Path]) -> list[Sighting]:
        return [see(load_image(path)) for path in paths]  # of all sizes, so each is shown alone

    return detect


def ask_reader(reader: AttributeReader, preprocess: dict) -> See:
    """The likeliest category that our own attribute reader sees."""
    if "category" not in reader.schema:
        raise ModelError(f"this reader knows {', '.join(reader.schema)}; a detector must know a category")
    prepare, values = Preprocess.from_json(preprocess), [None, *reader.schema["category"]]
    place = list(reader.schema).index("category")

    def see(picture: Image) -> Sighting:
        likely, chosen = reader.judge(prepare(picture)[None])[place].softmax(1).max(1)
        return Sighting(values[chosen.item()], likely.item())

    return see


def ask_torchvision(name: str, weights: str) -> See:
    from torchvision import models
    from torchvision.transforms.functional import pil_to_tensor

    check_known("detector", name, models.list_models(module=models.detection))
    if not weights:
        raise ModelError(f"{name} without weights sees nothing: give a file or a name such as COCO_V1")
    model = models.get_model(name, weights=None, weights_backbone=None).eval()
    with as_model_error():
        fill_torchvision(model, name, weights)

    def see(picture: Image) -> Sighting:
        (found,) = model([pil_to_tensor(picture).float() / 255])
        return weigh(picture, found, COCO)

    return see


def ask_huggingface(folder: str) -> See:
    body, config = open_body("detector", folder, None, auto="AutoModelForObjectDetection")
    from transformers import AutoImageProcessor

    processor, body = AutoImageProcessor.from_pretrained(resolve(folder), local_files_only=True), body.eval()
    names = {int(number): label for number, label in config["id2label"].items()}

    def see(picture: Image) -> Sighting:
        how = {"threshold": LEAST, "target_sizes": [(picture.height, picture.width)]}
        shown = body(**processor(picture, return_tensors="pt"))
        (found,) = processor.post_process_object_detection(shown, **how)
        return weigh(picture, found, names)

    return see
