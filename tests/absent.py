"""What a machine may lack: each test that is skipped for it says how to get it."""

from pathlib import Path

import pytest

from lib.paths import ROOT

SHARED = ROOT.parent / "shared"
DATA = SHARED / "data"
WORDNET = "no WordNet: apt install wordnet-base wordnet-sense-index, then bash prepare.sh --check"
CHROMIUM = "no Chromium to click with: apt install chromium chromium-driver"
PHOTOS = "no weights of EfficientNet-Lite2: bash prepare.sh --photos"
GPU = "no CUDA GPU: run this test on a machine that has one"


# what lies beside the checkout, below ../shared, and where its authors publish it
PUBLISHED = {
    "data/beit3": "outputs of a small random BEiT-3, made with the code of https://github.com/microsoft/unilm",
    "data/cars": "augmented_ViT-bigG-14_train_label.txt, label lines of a challenge's cars",
    "data/deepfashion_text": "train_captions.json and test_captions.json of https://github.com/yumingj/DeepFashion-MultiModal",
    "data/flickr8k": "Flickr8k as dataset/README.md lists it, by its form at https://forms.illinois.edu/sec/1713398",
    "weights": "the features of SqueezeNet 1.1 in torchvision's names, squeezenet1_1_features.safetensors",
}


def how_to_get(path: Path) -> str:
    """Why a test on data that the project does not carry is skipped, and what to lay there."""
    name = path.relative_to(SHARED).as_posix()
    what = next(
        (text for place, text in PUBLISHED.items() if name.startswith(place)), "see dataset/README.md"
    )
    return f"no ../shared/{name}: lay there {what}"


def need(path: Path) -> Path:
    """The path, or this test is skipped."""
    if not path.exists():
        pytest.skip(how_to_get(path))
    return path


def needs(path: Path) -> pytest.MarkDecorator:
    """Skips a test where the path is not there."""
    return pytest.mark.skipif(not path.exists(), reason=how_to_get(path))
