"""Detectors: whether a picture shows people or a car, by whichever model is there to ask.

A torchvision detector by its name and weights, a Hugging Face one by its folder, or an attribute reader that
learnt the category of its pictures (notebook 06 trains one). All are asked alike, with paths.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from lib import checkpoint
from lib.checkpoint import load_into
from lib.data.images import Preprocess, load_image
from lib.models.attributes import AttributeReader
from lib.models.backbones import FILES, fetch_weights, open_body
from lib.models.encoders import fill_weights
from lib.models.errors import ModelError, check_known
from lib.paths import resolve

CATEGORIES = {"people": {"person"}, "car": {"car", "bus", "truck", "train", "motorcycle"}}
COCO = {1: "person", 3: "car", 4: "motorcycle", 6: "bus", 7: "train", 8: "truck"}  # as torchvision counts
LEAST = 0.5  # of a box's score
BATCH = 16


class Sighting(NamedTuple):
    """What a picture shows most of, and how sure that is; None where nothing of the kind is seen."""

    category: str | None
    likely: float


class Box(NamedTuple):
    """Something found in a picture: what, how surely, and how much of the picture it covers."""

    label: str
    score: float
    share: float


Detector = Callable[[Sequence[Path]], list[Sighting]]


def weigh(boxes: Iterable[Box]) -> Sighting:
    """The category with more of the picture, sure boxes counting more."""
    seen = dict.fromkeys(CATEGORIES, 0.0)
    for box in boxes:
        for category, labels in CATEGORIES.items():
            seen[category] += box.score * box.share * (box.label in labels and box.score >= LEAST)
    best = max(seen, key=seen.get)
    total = sum(seen.values())
    return Sighting(best, seen[best] / total) if total else Sighting(None, 0.0)


def open_detector(name: str, weights: str = "") -> Detector:
    """`name`: a checkpoint of ours, a folder of Hugging Face's, or torchvision's name of a detector."""
    place = checkpoint.locate(resolve(name))
    if (place / "meta.json").exists():
        return ask_reader(AttributeReader.load(place), checkpoint.read_meta(place)["preprocess"])
    if (place / "config.json").exists():
        return ask_huggingface(name)
    return ask_torchvision(name, weights)


def ask_reader(reader: AttributeReader, preprocess: dict) -> Detector:
    """The likeliest category that our own attribute reader sees."""
    if "category" not in reader.schema:
        raise ModelError(f"this reader knows {', '.join(reader.schema)}; a detector must know a category")
    prepare, values = Preprocess.from_json(preprocess), [None, *reader.schema["category"]]
    place = list(reader.schema).index("category")

    @torch.no_grad()
    def detect(paths: Sequence[Path]) -> list[Sighting]:
        found = []
        for start in range(0, len(paths), BATCH):
            shown = torch.stack([prepare(load_image(path)) for path in paths[start : start + BATCH]])
            likely, chosen = reader.judge(shown)[place].softmax(1).max(1)
            found += [Sighting(values[c], p) for c, p in zip(chosen.tolist(), likely.tolist(), strict=True)]
        return found

    return detect


def ask_torchvision(name: str, weights: str) -> Detector:
    from torchvision import models
    from torchvision.transforms.functional import pil_to_tensor

    check_known("detector", name, models.list_models(module=models.detection))
    if not weights:
        raise ModelError(f"{name} without weights sees nothing: give a file or a name such as COCO_V1")
    model = models.get_model(name, weights=None, weights_backbone=None).eval()
    if weights.endswith(FILES):
        fill_weights(model, weights)
    else:
        load_into(model, fetch_weights(name, weights), f"{name} weights {weights}")

    def see(path: Path) -> Iterable[Box]:
        picture = pil_to_tensor(load_image(path)).float() / 255
        (found,) = model([picture])
        names = [COCO.get(number, "") for number in found["labels"].tolist()]
        return boxes_of(names, found["scores"], found["boxes"], picture[0].numel())

    return one_by_one(see)


def ask_huggingface(folder: str) -> Detector:
    body, config = open_body("detector", folder, None, auto="AutoModelForObjectDetection")
    from transformers import AutoImageProcessor

    processor, body = AutoImageProcessor.from_pretrained(resolve(folder), local_files_only=True), body.eval()
    names = {int(number): label for number, label in config["id2label"].items()}

    def see(path: Path) -> Iterable[Box]:
        picture = load_image(path)
        shown = body(**processor(picture, return_tensors="pt"))
        sizes = [(picture.height, picture.width)]
        (found,) = processor.post_process_object_detection(shown, threshold=LEAST, target_sizes=sizes)
        labels = [names[number] for number in found["labels"].tolist()]
        return boxes_of(labels, found["scores"], found["boxes"], picture.height * picture.width)

    return one_by_one(see)


def boxes_of(labels: Sequence[str], scores: Tensor, corners: Tensor, pixels: int) -> list[Box]:
    """Boxes (x1, y1, x2, y2) in pixels as parts of a picture."""
    areas = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1]) / pixels
    return [Box(*each) for each in zip(labels, scores.tolist(), areas.tolist(), strict=True)]


def one_by_one(see: Callable[[Path], Iterable[Box]]) -> Detector:
    """Detectors take pictures of all sizes, so each is shown alone."""

    @torch.no_grad()
    def detect(paths: Sequence[Path]) -> list[Sighting]:
        return [weigh(see(path)) for path in paths]

    return detect
