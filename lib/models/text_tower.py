"""A text tower of Hugging Face's: sentences in, one vector each out, with the tokenizer of its own folder."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from lib.config import read_settings
from lib.data.text import Text
from lib.models.attention import mean_cell
from lib.models.backbones import open_body
from lib.models.errors import ModelError, as_model_error

# [B, T, width], [B, T] which are real -> [B, width]; CLIP's causal tower has read all at its last word
POOLINGS = {
    "mean": mean_cell,
    "class": lambda found, real: found[:, 0],
    "last": lambda found, real: found[torch.arange(len(found)), real.sum(1) - 1],
}


@dataclass(frozen=True, kw_only=True)
class TextTowerSettings:
    """Everything a tower is rebuilt from, weights and tokenizer aside."""

    name: str  # a local path, or an id
    pooling: Literal["mean", "class", "last"] = "mean"
    max_tokens: int = 64  # never used; checkpoints have it
    tower: dict | None = None  # the model's own configuration; found out when loaded


class TextTower(nn.Module):
    """BERT and its kin, CLIP's or SigLIP's text side."""

    def __init__(self, config: dict[str, Any], text: Text):
        """From TextTowerSettings as a plain dict, names strict."""
        super().__init__()
        with as_model_error():
            settings = read_settings(TextTowerSettings, config, where="text tower.")
        self.body, config = open_body("text tower", settings.name, settings.tower, clip="CLIPTextModel")
        self.settings, self.text = replace(settings, tower=config), text
        self.width, kind = config.get("hidden_size"), config.get("model_type")
        if self.width is None or "vocab_size" not in config:
            raise ModelError(f"{settings.name}: a {kind} is no text tower; give a BERT or CLIP")
        if config["vocab_size"] < len(text):
            raise ModelError(f"{settings.name}: {config['vocab_size']} words; the text has {len(text)}")

    def states(self, tokens: Tensor, real: Tensor) -> Tensor:  # [B, T] -> [B, T, width]
        return self.body(input_ids=tokens, attention_mask=real.long()).last_hidden_state

    def pool(self, states: Tensor, real: Tensor) -> Tensor:  # -> [B, width]
        return POOLINGS[self.settings.pooling](states, real)

    def describe(self) -> dict[str, Any]:
        return asdict(self.settings)
