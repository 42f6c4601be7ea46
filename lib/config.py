"""Settings: frozen, keyword-only, with defaults that are real. An unknown key or a wrong type is refused."""

import difflib
import math
import types
from dataclasses import asdict, dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

MixedPrecision = Literal["no", "fp16", "bf16"]
Schedule = Literal["constant", "linear", "cosine"]
Optimizer = Literal["adamw", "muon"]

# settings of Training that are numbers -> the least that makes sense
LEAST = (
    dict.fromkeys(("epochs", "max_steps", "batch_size", "accumulate", "validate_every", "patience"), 1)
    | dict.fromkeys(("log_every", "checkpoint_every", "checkpoints_kept"), 1)
    | dict.fromkeys(("learning_rate", "encoder_learning_rate", "warmup_steps", "weight_decay", "clip"), 0)
    | dict.fromkeys(("final_learning_rate", "layer_decay", "label_smoothing", "ema", "workers", "seed"), 0)
)


class ConfigError(ValueError):
    """A setting that does not exist, or has a value of the wrong type."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """How `fit` trains: every setting of every training run in Lookbook."""

    epochs: int = 3
    max_steps: int | None = None  # ends the run before `epochs` are through
    batch_size: int = 32  # on one process; a step sees processes x accumulate x batch_size
    accumulate: int = 1  # batches to one step of the optimiser
    learning_rate: float = 5e-4
    encoder_learning_rate: float | None = None  # None keeps the encoder frozen
    optimizer: Optimizer = "adamw"  # muon: a step of equal size for every direction of a hidden matrix
    schedule: Schedule = "cosine"
    warmup_steps: int = 0
    final_learning_rate: float = 0.0  # where a linear or cosine schedule ends
    layer_decay: float = 1.0  # a layer's rate is so much of the next higher one's; 1 is the same for all
    scale_learning_rate: bool = False  # times processes x accumulation x batch size, as diffusers does
    weight_decay: float = 0.01  # on matrices, not on biases and norms
    clip: float = 5.0  # greatest norm of all gradients together; 0 clips nothing
    label_smoothing: float = 0.0
    ema: float = 0.0  # decay of the averaged weights; 0 keeps none
    mixed_precision: MixedPrecision = "no"
    allow_tf32: bool = False
    adam_8bit: bool = False
    activation_checkpointing: bool = False
    workers: int = 0
    seed: int = 0
    validate_every: int | None = None  # steps; None validates after each epoch
    patience: int | None = None  # validations without a better score before the run ends
    validate_first: bool = False  # also before the first step, so that the start may stay the best
    log_every: int = 10  # steps from one row of history.csv to the next
    checkpoint_every: int | None = None  # steps; None saves `last`, after epochs, now and then
    checkpoints_kept: int | None = None  # the newest step-N; None keeps them all
    resume: str = "latest"  # "latest", "never" or the path of a step checkpoint

    def __post_init__(self) -> None:
        for name, least in LEAST.items():
            value = getattr(self, name)
            if value is not None and not least <= value < math.inf:
                raise ConfigError(f"training.{name} must be at least {least}, not {value}")
        for name in ("label_smoothing", "ema"):
            if getattr(self, name) >= 1:
                raise ConfigError(f"training.{name} must be below 1, not {getattr(self, name)}")
        for name, most in (("layer_decay", 1), ("final_learning_rate", self.learning_rate)):
            if getattr(self, name) > most:
                raise ConfigError(f"training.{name} must be at most {most}, not {getattr(self, name)}")


def read_settings(kind: type, settings: dict[str, Any], *, where: str = "") -> Any:
    """Build the frozen settings `kind` from a plain mapping; names and types must fit exactly."""
    hints = get_type_hints(kind)
    for name, value in settings.items():
        if name not in hints:
            raise ConfigError(unknown(f"{where}{name}", name, hints, where))
        if not fits(value, hints[name]):
            raise ConfigError(f"{where}{name} must be {spell_type(hints[name])}, not {value!r}")
    return kind(**settings)


def unknown(shown: str, name: str, known, where: str = "") -> str:
    """The message for a name that does not exist, with the nearest one that does."""
    close = difflib.get_close_matches(name, list(known), n=1)
    hint = f"did you mean {where}{close[0]}?" if close else f"known: {', '.join(sorted(known))}"
    return f"unknown parameter {shown}; {hint}"


def fits(value: Any, hint: Any) -> bool:
    """Whether a literal has the type; an int serves as a float, a bool never serves as a number."""
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if isinstance(hint, types.UnionType) or get_origin(hint) is Union:
        return any(fits(value, option) for option in get_args(hint))
    if hint in (int, float):
        return isinstance(value, int | hint) and not isinstance(value, bool)
    return isinstance(value, get_origin(hint) or hint)


def spell_type(hint: Any) -> str:
    """A type as a reader would say it."""
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(repr(option) for option in get_args(hint))
    if isinstance(hint, types.UnionType):
        return " or ".join("None" if one is type(None) else spell_type(one) for one in get_args(hint))
    return getattr(hint, "__name__", str(hint))


def to_json(settings: Any) -> dict[str, Any]:
    """Settings as plain JSON, for checkpoints and run records."""
    return asdict(settings)
