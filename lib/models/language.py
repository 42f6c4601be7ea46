"""A causal language model of Hugging Face's as decoder: the memory stands before its words, as in ClipCap.

Each cell becomes one place of the prefix by a learned map. The model is opened by folder or id, with its own
tokenizer as the text (`CaptionTask.worded`), or made anew from its configuration, with any text.
"""

from dataclasses import dataclass, replace
from itertools import chain

import torch
from torch import Tensor, nn

from lib.models.attention import MemoryProjection
from lib.models.backbones import open_body
from lib.models.errors import ModelError
from lib.models.state import Decoded, State


@dataclass(frozen=True, kw_only=True)
class LanguageSettings:
    """`config` is the model's own configuration; of a model that is loaded by `name` it is found out."""

    vocab_size: int
    memory_width: int
    name: str = ""  # a folder, or a hub id that lies in the cache
    config: dict | None = None
    positions: int = 0  # cells with a learned mark of their place
    frozen: bool = False  # only the map learns
    max_length: int = 96  # words, <start> and prefix of words included
    dropout: float = 0.0  # of the map


class LanguageDecoder(nn.Module):
    """Keys and values of cells and words follow each hypothesis around."""

    kind = "huggingface"

    def __init__(self, settings: LanguageSettings):
        from transformers.modeling_layers import GradientCheckpointingLayer

        super().__init__()
        self.body, config = open_language_model(settings)
        self.settings, self.max_length = replace(settings, config=config), settings.max_length
        width = self.body.get_input_embeddings().embedding_dim
        own = {"positions": settings.positions, "dropout": settings.dropout}
        self.reader = MemoryProjection(settings.memory_width, width, **own)
        self.size = nn.Parameter(self.body.get_input_embeddings().weight.detach().std())
        self.body.requires_grad_(not settings.frozen)
        for block in self.body.modules():
            block.checkpointed = isinstance(block, GradientCheckpointingLayer)  # as our own blocks say it

    def train(self, mode: bool = True) -> "LanguageDecoder":
        super().train(mode)
        if self.settings.frozen:
            self.body.eval()
        return self

    def read(self, memory: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """The prefix [B, N, width], of the size of words, and which of its places are real [B, N]."""
        cells = self.reader(memory, mask) * self.size
        return cells, cells.new_ones(cells.shape[:2], dtype=torch.bool) if mask is None else mask

    def start(self, memory: Tensor, mask: Tensor | None = None) -> State:
        cells, real = self.read(memory, mask)
        _, kept = self.look(cells, real, ())
        return State(image=(real,), hypothesis=kept)

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        (real,) = state.image
        real = real.repeat_interleave(len(tokens) // len(real), 0)
        seen = torch.cat([real, real.new_ones(len(real), state.step + 1)], 1)
        words = self.body.get_input_embeddings()(tokens[:, None])
        logits, kept = self.look(words, seen, state.hypothesis)
        return logits[:, -1], replace(state, hypothesis=kept, step=state.step + 1)

    def forward(
        self, memory: Tensor, tokens: Tensor, mask: Tensor | None = None, *, attention: bool = False
    ) -> Decoded:
        """What such a model attends to is spread over its layers, cells and words: none is shown."""
        per_image = len(tokens) // len(memory)
        cells, real = (part.repeat_interleave(per_image, 0) for part in self.read(memory, mask))
        words = self.body.get_input_embeddings()(tokens)
        seen = torch.cat([real, torch.ones_like(tokens, dtype=torch.bool)], 1)
        logits, _ = self.look(torch.cat([cells, words.to(cells.dtype)], 1), seen, None)
        return Decoded(logits[:, cells.shape[1] :], None)

    def look(
        self, shown: Tensor, real: Tensor, kept: tuple[Tensor, ...] | None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Logits [R, T, V], and all keys and values, two tensors a layer; None keeps nothing."""
        from transformers import DynamicCache

        if real.shape[1] > (room := getattr(self.body.config, "max_position_embeddings", real.shape[1])):
            raise ModelError(f"{real.shape[1]} cells and words; this language model has room for {room}")
        past = None if kept is None else DynamicCache(list(zip(kept[::2], kept[1::2], strict=True)))
        places = (real.long().cumsum(1) - 1).clamp(min=0)[:, -shown.shape[1] :]  # cells that are none: none
        how = {"past_key_values": past, "use_cache": past is not None, "position_ids": places}
        found = self.body(inputs_embeds=shown, attention_mask=real.long(), **how)
        pairs = [(layer.keys, layer.values) for layer in past.layers] if past else []
        return found.logits[..., : self.settings.vocab_size], tuple(chain.from_iterable(pairs))


def open_language_model(settings: LanguageSettings) -> tuple[nn.Module, dict]:
    """The model in fp32, and its configuration as JSON; one made anew has the words of the text."""
    config = settings.config
    if not settings.name and config is None:
        raise ModelError("decoder 'huggingface' needs a name (a folder or id) or a config")
    if not settings.name:
        config = config | {"vocab_size": settings.vocab_size}
    body, config = open_body("language model", settings.name, config, auto="AutoModelForCausalLM")
    if (size := body.get_input_embeddings().num_embeddings) < settings.vocab_size:
        raise ModelError(f"{settings.name}: {size} words; the text has {settings.vocab_size}: use its own")
    return body, config
