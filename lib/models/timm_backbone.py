"""timm: any of its models as a backbone, with its own idea of pictures, and weights from four places."""

import math
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from lib import environment
from lib.checkpoint import load_into, load_weights
from lib.data.images import Preprocess
from lib.files import read_json
from lib.models.backbones import FILES
from lib.models.errors import ModelError, as_model_error, check_known
from lib.models.packages import PACKAGES, open_package
from lib.paths import resolve, shorten

SAVED = ("model.safetensors", "pytorch_model.bin")  # in a folder that timm wrote; the first that is there
PICTURES = ("input_size", "interpolation", "crop_pct", "crop_mode", "mean", "std")


class TimmBackbone(nn.Module):
    """A timm model up to its last map, patches as cells. Nothing is fetched unless `hub` allows it.

    `weights`: a file, a package of PACKAGES, a folder or hub id that timm wrote, "pretrained" for those that
    timm has under this name, or None.
    """

    def __init__(self, name: str, weights: str | None = None, *, hub: bool = False):
        super().__init__()
        if not hub:
            environment.offline()
        import timm

        check_known("timm model", name.partition(".")[0], timm.list_models())
        self.name = name
        self.body = build_body(name, *find_weights(name, weights, hub)) if weights else build_body(name)
        self.config = timm.data.resolve_model_data_config(self.body)
        self.width = self.body.num_features

    def forward(self, images: Tensor) -> Tensor:
        found = self.body.forward_features(images)
        if not isinstance(found, Tensor) or self.width not in found.shape[1:]:
            raise ModelError(f"backbone {self.name!r} has no map of features that Lookbook knows how to find")
        if found.ndim == 4:
            return found if found.shape[1] == self.width else found.permute(0, 3, 1, 2)
        if images.shape[-1] != images.shape[-2]:
            raise ModelError(f"{self.name} reads square pictures, not {list(images.shape[-2:])}")
        side = math.isqrt(found.shape[1])  # before the patches stand a few tokens, fewer than a row
        return found[:, -side * side :].transpose(1, 2).unflatten(2, (side, side))

    def preprocess(self, *, flip: bool = False) -> Preprocess:
        """How the model's own configuration wants a picture."""
        known = self.config
        size, other = known["input_size"][1:]
        if size != other or known["crop_mode"] not in ("center", "squash"):
            asked = f"{size} x {other} pixels, {known['crop_mode']}"
            raise ModelError(f"{self.name} asks for {asked}: not offered")
        return Preprocess(
            resize=math.floor(size / known["crop_pct"]),
            crop=size,
            squash=known["crop_mode"] == "squash",
            interpolation=known["interpolation"],
            mean=tuple(map(float, known["mean"])),
            std=tuple(map(float, known["std"])),
            flip=flip,
        )


def build_body(
    name: str, table: dict[str, Tensor] | None = None, where: str = "", told: dict[str, Any] | None = None
) -> nn.Module:
    """The model without its classifier, filled strictly; timm itself brings old names up to date."""
    import timm

    try:
        classifier = timm.models.get_pretrained_cfg(name, allow_unregistered=False).classifier or ()
    except RuntimeError as error:
        raise ModelError(f"timm model {name!r}: {error}") from None
    if table is None:
        return timm.create_model(name, num_classes=0)
    ends = tuple(f"{end}." for end in ([classifier] if isinstance(classifier, str) else classifier))
    table = {key: tensor for key, tensor in table.items() if not key.startswith(ends)}
    known = {"state_dict": dict(table), "num_classes": 0, **(told or {})}
    try:
        filled = timm.create_model(name, pretrained=True, num_classes=0, pretrained_cfg_overlay=known)
    except Exception as error:  # what timm makes of a foreign table can fail in any way
        body = timm.create_model(name, num_classes=0)
        with as_model_error(type(body).__name__, name):
            load_into(body, table, where)
        raise ModelError(f"{where}: does not fit {name}; {' '.join(str(error).split())[:200]}") from None
    del filled.pretrained_cfg["state_dict"]
    return filled


def find_weights(name: str, weights: str, hub: bool) -> tuple[dict[str, Tensor], str, dict[str, Any]]:
    """A table of weights, where it is from, and what stands beside it about pictures."""
    import timm

    if weights in PACKAGES:
        return open_package(weights, name), weights, {}
    if weights.endswith(FILES):
        return load_weights(resolve(weights)), shorten(resolve(weights)), {}
    if weights == "pretrained":
        known = timm.models.get_pretrained_cfg(name)
        if not known.hf_hub_id or known.hf_hub_filename or known.custom_load:
            more = f"; download {known.url} and give the file's path" if known.url else ""
            raise ModelError(f"timm has no weights of {name!r} in a form of its own{more}")
        return load_weights(find_saved(known.hf_hub_id, SAVED, hub)), f"timm's weights of {name}", {}
    if not resolve(weights).is_dir() and weights.count("/") != 1:
        known = f"a file ({', '.join(FILES)}), a folder, a hub id, 'pretrained' or {', '.join(PACKAGES)}"
        raise ModelError(f"weights {weights!r} of {name}: expected {known}")
    about = read_json(find_saved(weights, ("config.json",), hub))
    if about.get("architecture") != name.partition(".")[0]:
        raise ModelError(f"{weights} holds weights of {about.get('architecture')!r}, not of {name!r}")
    told = about.get("pretrained_cfg", about)
    pictures = {key: told[key] for key in PICTURES if key in told}
    return load_weights(find_saved(weights, SAVED, hub)), weights, pictures


def find_saved(place: str, files: tuple[str, ...], hub: bool) -> Path:
    """The first of the files that is there: in a folder, in the hub's cache or, if allowed, on the hub."""
    folder = resolve(place)
    paths = (folder / file if folder.is_dir() else ask_hub(place, file, hub) for file in files)
    if found := next((path for path in paths if path and path.is_file()), None):
        return found
    remote = "on the hub" if hub else "in the hub's cache, and nothing is fetched"
    raise ModelError(f"{place}: no {' or '.join(files)} {'in it' if folder.is_dir() else remote}")


def ask_hub(repository: str, file: str, hub: bool) -> Path | None:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    try:
        return Path(hf_hub_download(repository, file, local_files_only=not hub))
    except EntryNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ModelError(f"{repository}: {str(error).strip().splitlines()[0]}") from None
