"""The decoders by name. Each offers `start`, `step` and a teacher-forced `forward`: the seam of memories."""

from dataclasses import asdict
from typing import Any

from torch import nn

from lib.config import read_settings
from lib.models.errors import ModelError, as_model_error, check_known
from lib.models.image_to_text import Telling, TellingSettings
from lib.models.language import LanguageDecoder, LanguageSettings
from lib.models.recurrent import AttentionGRUDecoder, AttentionGRUSettings, GRUDecoder, GRUSettings
from lib.models.transformer import TransformerDecoder, TransformerSettings

DECODERS = {
    "gru": (GRUSettings, GRUDecoder),
    "attention_gru": (AttentionGRUSettings, AttentionGRUDecoder),
    "transformer": (TransformerSettings, TransformerDecoder),
    "huggingface": (LanguageSettings, LanguageDecoder),
    "image_to_text": (TellingSettings, Telling),
}


def build_decoder(config: dict[str, Any]) -> nn.Module:
    """A fresh decoder from `{"kind", "vocab_size", "memory_width", settings...}`; names are strict."""
    settings = dict(config)
    kind = settings.pop("kind", None)
    check_known("decoder", kind, DECODERS)
    missing = {"vocab_size", "memory_width"} - set(settings)
    if missing:
        raise ModelError(f"decoder {kind!r} needs {' and '.join(sorted(missing))}")
    kind_of_settings, kind_of_decoder = DECODERS[kind]
    with as_model_error():
        return kind_of_decoder(read_settings(kind_of_settings, settings, where="decoder."))


def describe_decoder(decoder: nn.Module) -> dict[str, Any]:
    """The plain JSON that `build_decoder` builds an equal one from."""
    return {"kind": decoder.kind, **asdict(decoder.settings)}
