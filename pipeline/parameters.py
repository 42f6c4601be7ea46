"""Parameters: names and types of every override are checked before any kernel starts."""

import ast
import contextlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lib.config import ConfigError, Training, fits, read_settings, spell_type, unknown
from pipeline.stage import PipelineError

GIVEN = ("profile", "output")  # every notebook has these two; the pipeline sets them itself
SCALAR = None | bool | int | float | str  # what may replace a literal None that carries no annotation


@dataclass(frozen=True)
class Override:
    """One change of a parameter (`seed`) or of one key of a dict parameter (`training.max_steps`)."""

    name: str
    value: Any
    origin: str

    @property
    def root(self) -> str:
        return self.name.partition(".")[0]


def read_text(text: str) -> Any:
    """A value of the command line: a literal of Python or JSON where it is one, otherwise the text itself."""
    for read in (ast.literal_eval, json.loads):
        with contextlib.suppress(ValueError, SyntaxError):
            return read(text.strip())
    return text


def from_command(pairs: Iterable[tuple[str, str]]) -> list[Override]:
    for name, _ in pairs:
        if name in GIVEN:
            raise PipelineError(f"-p {name} is refused: use --{name}")
    return [Override(name, read_text(text), "-p") for name, text in pairs]


def from_profile(changes: Mapping[str, Any] | None, profile: str) -> list[Override]:
    """A profile's changes; a dict changes only the keys it names."""
    flat: list[Override] = []
    for name, value in (changes or {}).items():
        keys = {f"{name}.{key}": v for key, v in value.items()} if isinstance(value, dict) else {name: value}
        flat += [Override(key, v, f"profile {profile}") for key, v in keys.items()]
    return flat


def apply(
    overrides: Iterable[Override], literals: dict[str, Any], hints: dict[str, Any], *, stage: str
) -> dict[str, Any]:
    """All parameters of a stage: the notebook's literals with the overrides, each checked."""
    for name in GIVEN:
        if not isinstance(literals.get(name), str):
            raise PipelineError(f'{stage}: its parameters cell must set {name} = "..."')
    values = dict(literals)
    for override in overrides:
        try:
            set_one(values, override, literals, hints)
        except ConfigError as error:
            raise PipelineError(f"{stage}: {error} ({override.origin})") from None
    try:
        if "training" in values:
            check_type("training", values["training"], dict)
            read_settings(Training, values["training"], where="training.")
    except ConfigError as error:
        raise PipelineError(f"{stage}: {error}") from None
    return values


def set_one(values: dict[str, Any], override: Override, literals: dict[str, Any], hints: dict) -> None:
    name, root, value = override.name, override.root, override.value
    key = name.removeprefix(root).removeprefix(".")
    if root not in literals:
        raise ConfigError(unknown(name, root, literals))
    if not key:
        check_type(name, value, hints.get(root, like(literals[root])))
        check_items(name, value, literals[root])
        values[root] = {**literals[root], **value} if isinstance(value, dict) else value
    elif not isinstance(literals[root], dict):
        raise ConfigError(f"{root} is no dict, so {name} cannot be set")
    else:
        check_items(root, {key: value}, literals[root])
        values[root] = {**values[root], key: value}


def check_items(name: str, value: Any, literal: Any) -> None:
    """What a container holds: the known keys of a dict (any, where it has none of its own), items of the type
    that a list's own items share."""
    if name == "training":
        read_settings(Training, value, where="training.")
    elif isinstance(value, dict) and literal:
        for key, item in value.items():
            if key not in literal:
                raise ConfigError(unknown(f"{name}.{key}", str(key), map(str, literal), f"{name}."))
            check_type(f"{name}.{key}", item, like(literal[key]))
    elif isinstance(value, list | tuple) and literal and len({type(item) for item in literal}) == 1:
        for k, item in enumerate(value):
            check_type(f"{name}[{k}]", item, like(literal[0]))


def check_type(shown: str, value: Any, hint: Any) -> None:
    if not fits(value, hint):
        raise ConfigError(f"{shown} must be {spell_type(hint)}, not {value!r}")


def like(literal: Any) -> Any:
    """The type that a literal stands for."""
    return SCALAR if literal is None else type(literal)
