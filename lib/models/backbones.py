"""Backbones: images [B, 3, H, W] in, a map of features [B, width, h, w] out."""

import contextlib
import json
from collections.abc import Collection, Iterator
from itertools import pairwise
from typing import Any
from urllib.error import URLError

import torch
from torch import Tensor, nn
from torchvision.ops import Conv2dNormActivation

from lib import environment
from lib.checkpoint import load_into, load_weights
from lib.models.errors import ModelError, as_model_error, check_known
from lib.paths import resolve

# where a torchvision network's last map lies, by what its family calls it; the first that is there
ENDS = ["permute", "features", "trunk_output", "layer4", "layers", "conv5", "Mixed_7c", "inception5b"]
ENDS += ["encoder"]  # a row of patches
FILES = (".safetensors", ".pth", ".pt", ".bin")


class TorchvisionBackbone(nn.Module):
    """A torchvision classifier without its last part. `weights`: a file, a name of torchvision's, or None."""

    def __init__(self, name: str, weights: str | None = None):
        super().__init__()
        from torchvision import models
        from torchvision.models.feature_extraction import create_feature_extractor

        check_known("backbone", name, models.list_models(module=models))
        whole = models.get_model(name, weights=None)
        end = next((end for end in ENDS if hasattr(whole, end)), None)
        if end is None:
            raise ModelError(f"backbone {name!r} has no map of features that Lookbook knows how to find")
        self.patch = whole.patch_size if end == "encoder" else None
        self.body = create_feature_extractor(whole, {end: "map"}, suppress_diff_warning=True)
        if weights is not None:  # the classifier's may be among them or not
            fill_torchvision(self.body, name, weights, spare=set(whole.state_dict()))
        with torch.no_grad():
            shape = self.body.eval()(torch.zeros(1, 3, 224, 224))["map"].shape[1:]
        self.body.train()
        self.width = shape[0] if len(shape) == 3 else shape[-1]

    def forward(self, images: Tensor) -> Tensor:
        found = self.body(images)["map"]
        return found if found.ndim == 4 else to_map(found, images, self.patch)


def open_body(
    what: str, name: str, config: dict | None, *, hub: bool = False, auto: str = "AutoModel", clip: str = ""
) -> tuple[nn.Module, dict[str, Any]]:
    """A model of Hugging Face's in fp32, and its configuration as JSON: from a local path or an id, or anew
    from a configuration. `auto` names the class that finds it, `clip` the one that is half of a CLIP."""
    if not hub:
        environment.offline()
    import transformers
    from transformers import AutoConfig

    family = getattr(transformers, auto)
    if config is not None:
        with explain_loading(what, name or str(config.get("model_type"))):
            body = family.from_config(AutoConfig.for_model(**config))
    else:
        where = str(resolve(name)) if resolve(name).exists() else name
        with explain_loading(what, name):
            known = AutoConfig.from_pretrained(where, local_files_only=not hub)
            if clip and known.model_type.startswith("clip"):
                family = getattr(transformers, clip)
            body, told = family.from_pretrained(where, local_files_only=not hub, output_loading_info=True)
        missing = sorted(key for key in told["missing_keys"] if "pooler" not in key)
        if missing:
            raise ModelError(f"{name}: the weights lack {', '.join(missing[:3])}")
    return body.float(), json.loads(body.config.to_json_string(use_diff=False))


class Tower(nn.Module):
    """A Hugging Face vision tower (CLIP, ViT, DINOv2) from a local path, an id, or the JSON of its config."""

    def __init__(self, name: str, config: dict | None, weights: str | None, *, hub: bool):
        super().__init__()
        if weights is not None:
            raise ModelError(f"encoder.name {name!r} brings its own weights; give no others")
        self.body, self.config = open_body("vision tower", name, config, hub=hub, clip="CLIPVisionModel")
        self.width = getattr(self.body.config, "hidden_size", None)
        if self.width is None:
            known = self.config["model_type"]
            raise ModelError(f"{name}: a {known} is no vision tower; give a CLIP, ViT or DINOv2")

    def forward(self, images: Tensor) -> Tensor:
        size = self.body.config.image_size
        if images.shape[-1] != size and self.body.config.model_type != "dinov2":
            raise ModelError(f"this tower reads pictures of {size} pixels, not {images.shape[-1]}")
        return to_map(self.body(pixel_values=images).last_hidden_state, images, self.body.config.patch_size)


def to_map(tokens: Tensor, images: Tensor, patch: int) -> Tensor:
    """Patches as a map, without the class and register tokens before them: [B, L, C] -> [B, C, h, w]."""
    height, width = images.shape[-2] // patch, images.shape[-1] // patch
    return tokens[:, -height * width :].transpose(1, 2).unflatten(2, (height, width))


class AtelierCNN(nn.Module):
    """A small fast eye of our own: 128 pixels in, 8 x 8 cells out; about a million weights at 24 channels."""

    def __init__(self, channels: int = 24, weights: str | None = None):
        super().__init__()
        c = channels
        self.width = 8 * c
        first = [Conv2dNormActivation(a, b, stride=2) for a, b in pairwise((3, c, 2 * c, 4 * c))]
        last = Residual(4 * c), Conv2dNormActivation(4 * c, 8 * c, stride=2), Residual(8 * c)
        self.body = nn.Sequential(*first, *last)
        if weights is not None:
            load_into(self, load_weights(resolve(weights)), resolve(weights))

    def forward(self, images: Tensor) -> Tensor:
        return self.body(images)


class Residual(nn.Module):
    """Two convolutions beside a straight way through."""

    def __init__(self, width: int):
        super().__init__()
        self.first = Conv2dNormActivation(width, width)
        self.second = Conv2dNormActivation(width, width, activation_layer=None)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.second(self.first(x)))


def fill_torchvision(model: nn.Module, name: str, weights: str, *, spare: Collection[str] = ()) -> None:
    """Strictly, from a file or from what torchvision offers; `spare` ones may be left over."""
    if weights.endswith(FILES):
        where, table = resolve(weights), load_weights(resolve(weights))
    else:
        where, table = f"{name} weights {weights}", fetch_weights(name, weights)
    own = model.state_dict()
    with as_model_error(type(model).__name__, name):
        load_into(model, {k: v for k, v in table.items() if k in own or k not in spare}, where)


def fetch_weights(name: str, weights: str) -> dict[str, Tensor]:
    """Weights under torchvision's own name, from its cache or its server."""
    from torchvision import models

    offered = {entry.name: entry for entry in models.get_model_weights(name)}
    offered["DEFAULT"] = models.get_model_weights(name).DEFAULT
    check_known(f"weights of {name}", weights.rpartition(".")[2], offered)
    entry = offered[weights.rpartition(".")[2]]
    try:
        return entry.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (URLError, OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(
            f"{weights} of {name} cannot be had ({reason}); download {entry.url} and give the file's path"
        ) from None


@contextlib.contextmanager
def explain_loading(what: str, name: str) -> Iterator[None]:
    """What transformers says in a page, in a line; nothing of weights that a part leaves unused."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"{what} {name!r} cannot be loaded: {reason}") from None
    finally:
        logging.set_verbosity(level)
        logging.enable_progress_bar()
