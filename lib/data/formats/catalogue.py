"""The datasets that have a name here: where they belong, and where their authors publish them."""

import difflib
from dataclasses import dataclass
from pathlib import Path

from lib.data.formats.deepfashion import SPELLINGS
from lib.paths import DATASET, shorten


@dataclass(frozen=True, kw_only=True)
class KnownDataset:
    """One dataset a user can bring (or, for the atelier, make)."""

    name: str
    folders: tuple[str, ...]  # below dataset/, any one of them
    layout: tuple[str, ...]  # what belongs in the folder
    get: str


KNOWN_DATASETS = (
    KnownDataset(
        name="atelier",
        folders=("atelier",),
        layout=(
            "images/",
            "train_captions.json",
            "val_captions.json",
            "test_captions.json",
            "attributes.json",
        ),
        get="drawn by notebooks/00_dataset.ipynb; nothing to download",
    ),
    KnownDataset(
        name="deepfashion",
        folders=SPELLINGS,
        layout=("images/", "train_captions.json and test_captions.json, or captions.json"),
        get="DeepFashion-MultiModal (Jiang et al. 2022): https://github.com/yumingj/DeepFashion-MultiModal",
    ),
    KnownDataset(
        name="fashion-new",
        folders=("fashion-new",),
        layout=("images-raw/",),
        get="any collection of pictures without captions; notebooks/04_llm_rebuild.ipynb describes them",
    ),
    KnownDataset(
        name="flickr8k",
        folders=("flickr8k", "Flickr8k"),
        layout=(
            "images/ (or Flicker8k_Dataset/)",
            "captions.txt or Flickr8k.token.txt",
            "train.txt, val.txt, test.txt",
        ),
        get="Flickr8k (Hodosh et al. 2013), on request from its authors: "
        "https://forms.illinois.edu/sec/1713398 ; splits are in its text archive",
    ),
    KnownDataset(
        name="coco",
        folders=("coco",),
        layout=("annotations/captions_train2014.json, captions_val2014.json", "train2014/", "val2014/"),
        get="COCO (Lin et al. 2014): https://cocodataset.org/#download",
    ),
    KnownDataset(
        name="karpathy",
        folders=("karpathy",),
        layout=(
            "dataset_coco.json, dataset_flickr8k.json or dataset_flickr30k.json",
            "its pictures, as COCO or in images/",
        ),
        get="Karpathy's splits (2015): https://cs.stanford.edu/people/karpathy/deepimagesent/",
    ),
)
NAMES = tuple(known.name for known in KNOWN_DATASETS)


def find_known_dataset(name: str) -> KnownDataset | None:
    return next((known for known in KNOWN_DATASETS if known.name == name), None)


def guess_name(wrong: str, dataset: Path = DATASET) -> str | None:
    """The name, or the folder in dataset/, that was probably meant; None where nothing is near."""
    here = sorted(dataset.iterdir()) if dataset.is_dir() else []
    meant = {folder.name.lower(): shorten(folder) for folder in here if folder.is_dir()}
    for known in KNOWN_DATASETS:
        meant |= dict.fromkeys((known.name, *map(str.lower, known.folders)), known.name)
    near = difflib.get_close_matches(wrong.lower(), meant, n=1, cutoff=0.7)
    return meant[near[0]] if near else None


def place_of(known: KnownDataset, dataset: Path = DATASET) -> Path:
    """The folder that exists, or the one to make."""
    places = [dataset / folder for folder in known.folders]
    return next((place for place in places if place.is_dir()), places[0])
