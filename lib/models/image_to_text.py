"""Whole captioners of Hugging Face's (BLIP, GIT, ViT-GPT2), by folder or id, in two halves as ours are.

`Captioner.published` opens one; it is searched, trained and saved as any other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from lib.data.images import Preprocess
from lib.data.subwords import Subwords, open_huggingface, snapshot_folder
from lib.models.backbones import open_body
from lib.models.clip import read_preprocess
from lib.models.errors import ModelError, check_known
from lib.models.state import Decoded, State
from lib.paths import shorten

WHAT, AUTO = "image-to-text model", "AutoModelForImageTextToText"
WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
# model_type -> what its configuration calls the marks with which a caption starts and ends
MARKS = {
    "blip": ("bos_token_id", "sep_token_id"),
    "git": ("bos_token_id", "eos_token_id"),
    "vision-encoder-decoder": ("decoder_start_token_id", "eos_token_id"),
}


def open_image_to_text(
    name: str, *, revision: str | None = None, hub: bool = False
) -> tuple["Seeing", "Telling", Subwords, Preprocess]:
    """All that a `Captioner` is made of. From the hub only what is asked for, and never a pickle."""
    folder = snapshot_folder(name, revision=revision, hub=hub)
    if not any((folder / file).is_file() for file in WEIGHTS):
        raise ModelError(f"{shorten(folder)}: expected {WEIGHTS[0]}; weights in a pickle may hold code")
    body, config = open_body(WHAT, str(folder), None, auto=AUTO)
    see, tell = halves(body, config)
    told = config["text_config"] if config["model_type"] == "blip" else config
    names = MARKS[config["model_type"]]
    start, end = (told.get(key) for key in names)
    if start is None or end is None:
        raise ModelError(f"{shorten(folder)}: config.json does not say {' and '.join(names)}")
    pad = end if told.get("pad_token_id") is None else told["pad_token_id"]  # lengths tell
    words, room = tell.get_input_embeddings().num_embeddings, tell.config.max_position_embeddings
    text = open_huggingface(folder).renumbered(start=start, end=end, pad=pad, size=words)
    seeing = Seeing({"config": config}, see)
    sizes = {"vocab_size": words, "memory_width": seeing.width, "max_length": min(96, room)}
    return seeing, Telling(TellingSettings(config=config, **sizes), tell), text, read_preprocess(folder)


def halves(body: nn.Module, config: Mapping[str, Any]) -> tuple[nn.Module, nn.Module]:
    """What sees and what tells, of one model."""
    check_known(WHAT, config["model_type"], MARKS)
    if config["model_type"] == "blip":
        return body.vision_model, body.text_decoder
    if config["model_type"] == "git":
        seeing, body.git.image_encoder = body.git.image_encoder, Seen()
        return seeing, body
    body.encoder.bridge = getattr(body, "enc_to_dec_proj", None)
    return body.encoder, body.decoder


class Seen(nn.Module):
    """Stands where GIT's eye stood: what it is shown has been seen already."""

    def forward(self, pixel_values: Tensor, **_: Any) -> SimpleNamespace:
        return SimpleNamespace(last_hidden_state=pixel_values[:, 0])


class Seeing(nn.Module):
    """The half that sees: pictures [B, 3, H, W] -> memory [B, N, D]."""

    def __init__(self, description: Mapping[str, Any], body: nn.Module | None = None):
        super().__init__()
        self.config = description["config"]
        self.body = body or halves(*open_body(WHAT, "", self.config, auto=AUTO))[0]
        bridge = getattr(self.body, "bridge", None)
        self.width = bridge.out_features if bridge else self.body.config.hidden_size

    def forward(self, images: Tensor) -> Tensor:
        memory = self.body(pixel_values=images).last_hidden_state
        return self.body.bridge(memory) if memory.shape[-1] != self.width else memory

    def describe(self) -> dict[str, Any]:
        return {"kind": "image_to_text", "config": self.config}


@dataclass(frozen=True, kw_only=True)
class TellingSettings:
    """`config` is the whole model's."""

    vocab_size: int
    memory_width: int
    config: dict
    max_length: int = 96  # words, <start> and prefix included


class Telling(nn.Module):
    """The half that tells: a decoder whose keys and values follow each hypothesis around."""

    kind = "image_to_text"

    def __init__(self, settings: TellingSettings, body: nn.Module | None = None):
        super().__init__()
        self.body = body or halves(*open_body(WHAT, "", settings.config, auto=AUTO))[1]
        if settings.vocab_size != self.body.get_input_embeddings().num_embeddings:  # marks of styles
            self.body.resize_token_embeddings(settings.vocab_size, mean_resizing=False)
        self.settings, self.max_length = settings, settings.max_length

    def start(self, memory: Tensor, mask: Tensor | None = None) -> State:
        return State(image=(memory,), hypothesis=())

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        logits, kept = self.look(tokens[:, None], state)
        return logits[:, -1], replace(state, hypothesis=kept, step=state.step + 1)

    def forward(
        self, memory: Tensor, tokens: Tensor, mask: Tensor | None = None, *, attention: bool = False
    ) -> Decoded:
        """What such a model attends to is spread over its layers: none is shown."""
        logits, _ = self.look(tokens, self.start(memory.repeat_interleave(len(tokens) // len(memory), 0)))
        return Decoded(logits[:, -tokens.shape[1] :], None)

    def look(self, tokens: Tensor, state: State) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Logits [R, T, V], and all keys and values, two tensors a layer."""
        from transformers import DynamicCache, EncoderDecoderCache

        (memory,) = state.image
        pairs = list(zip(state.hypothesis[::2], state.hypothesis[1::2], strict=True))
        if self.settings.config["model_type"] == "git":  # cells stand before the words, and count as none
            caches = [past := DynamicCache(pairs)]
            places = torch.arange(state.step, state.step + tokens.shape[1], device=tokens.device)
            how = {} if state.step else {"pixel_values": memory[:, None]}
            how["position_ids"] = places.expand(len(tokens), -1)
        else:  # keys and values of words, then those of cells, which make the cells' shape all that is asked
            caches = [DynamicCache(part) for part in (pairs[: len(pairs) // 2], pairs[len(pairs) // 2 :])]
            past = EncoderDecoderCache(*caches)
            how = {"encoder_hidden_states": memory[:1].expand(len(tokens), -1, -1) if pairs else memory}
        logits = self.body(input_ids=tokens, past_key_values=past, use_cache=True, **how).logits
        layers = chain.from_iterable(cache.layers for cache in caches)
        return logits, tuple(chain.from_iterable((layer.keys, layer.values) for layer in layers))
