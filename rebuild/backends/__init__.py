"""Backends: whatever describes pictures, behind one small shape. `open_backend` is the way in."""

from dataclasses import MISSING, fields
from typing import Any

from lib.config import ConfigError, read_settings
from rebuild.backends.settings import LavisSettings, OpenAISettings, ReplaySettings, TransformersSettings
from rebuild.backends.shape import Answer, Backend, BackendError, NoAnswer

KINDS = {
    "transformers": TransformersSettings,
    "lavis": LavisSettings,
    "openai": OpenAISettings,
    "replay": ReplaySettings,
}


def open_backend(settings: dict[str, Any]) -> Backend:
    """A backend from a notebook's literals: `{"kind": "transformers", "model": "...", ...}`."""
    kind = settings.get("kind")
    if kind not in KINDS:
        raise ConfigError(f"backend.kind must be one of {', '.join(map(repr, KINDS))}, not {kind!r}")
    rest = {name: value for name, value in settings.items() if name != "kind"}
    for entry in fields(KINDS[kind]):
        if entry.name not in rest and entry.default is entry.default_factory is MISSING:
            raise ConfigError(f"backend.{entry.name} is needed by the {kind} backend")
    return start(kind, read_settings(KINDS[kind], rest, where="backend."))


def start(kind: str, settings: Any) -> Backend:
    """Imports only the backend that is asked for: torch and LAVIS are slow to come."""
    if kind == "transformers":
        from rebuild.backends.transformers import Transformers as chosen
    elif kind == "lavis":
        from rebuild.backends.lavis import Lavis as chosen
    elif kind == "openai":
        from rebuild.backends.openai import OpenAI as chosen
    else:
        from rebuild.backends.replay import Replay as chosen
    return chosen(settings)
