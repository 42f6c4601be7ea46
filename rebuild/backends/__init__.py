"""Backends: whatever describes pictures, behind one small shape. `open_backend` is the way in."""

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
    missing = [name for name in required(KINDS[kind]) if name not in rest]
    if missing:
        raise ConfigError(f"backend.{missing[0]} is needed by the {kind} backend")
    return start(kind, read_settings(KINDS[kind], rest, where="backend."))


def required(kind: type) -> list[str]:
    """Settings without a default."""
    return [name for name in kind.__dataclass_fields__ if not has_default(kind, name)]


def has_default(kind: type, name: str) -> bool:
    from dataclasses import MISSING

    entry = kind.__dataclass_fields__[name]
    return entry.default is not MISSING or entry.default_factory is not MISSING


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
