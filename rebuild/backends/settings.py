"""What each backend can be told. `open_backend` builds these from a notebook's literals, strictly."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from lib.config import ConfigError

Dtype = Literal["auto", "float32", "bfloat16", "float16"]


@dataclass(frozen=True, kw_only=True)
class TransformersSettings:
    """InstructBLIP, or any image-text-to-text model the transformers library loads."""

    model: str  # a local folder; with `hub` also an id
    hub: bool = False  # whether the model hub may be asked
    revision: str | None = None  # of a model on the hub
    dtype: Dtype = "auto"  # auto: bfloat16 on a GPU that has it, else float32
    quantize: Literal["4bit"] | None = None  # needs a CUDA GPU and the package bitsandbytes
    device: str | None = None  # None: the GPU if there is one
    device_map: str | None = None  # "auto" spreads a model over all GPUs, and memory where they are full
    batch_size: int = 8
    max_tokens: int = 80
    beams: int = 1
    repetition_penalty: float = 1.0
    give_up_after: int = 50  # rows without an answer, one after the other

    def __post_init__(self):
        at_least(self, 1, "batch_size", "max_tokens", "beams", "give_up_after")
        at_least(self, 0, "repetition_penalty")
        if self.device and self.device_map:
            raise ConfigError("backend: give device or device_map, not both")


@dataclass(frozen=True, kw_only=True)
class LavisSettings:
    """A model of salesforce-lavis, in an environment of its own (`bash prepare.sh --lavis`)."""

    model: str = "blip_caption"  # or blip2_vicuna_instruct, blip2_t5_instruct where LAVIS has them
    model_type: str | None = None  # of those LAVIS lists for the model; None: the first
    config: str | None = None  # a YAML of your own instead of a model_type
    checkpoint: str | None = None  # local weights (.pth) instead of the URL in LAVIS's YAML
    bert: str | None = None  # local folder of bert-base-uncased
    language_model: str | None = None  # local folder of vicuna or flan-t5
    vit_checkpoint: str | None = None  # local eva_vit_g.pth
    register: str | None = None  # a Python file that registers a model of your own with LAVIS
    checkout: str | None = None  # a git checkout of LAVIS to use instead of the released 1.0.2
    python: str | None = None  # another interpreter that has LAVIS; None: the layer
    hub: bool = False  # whether the worker may reach any network
    device: str | None = None
    batch_size: int = 8
    max_tokens: int = 60
    beams: int = 3
    start_seconds: float = 900.0  # for loading
    answer_seconds: float = 300.0  # for one batch; a worker that takes longer is started anew
    lost_workers: int = 5  # that end the run when no row was answered between them
    give_up_after: int = 50

    def __post_init__(self):
        at_least(self, 1, "batch_size", "max_tokens", "beams", "lost_workers", "give_up_after")
        above_zero(self, "start_seconds", "answer_seconds")
        if self.config and self.model_type:
            raise ConfigError("backend: give model_type or config, not both")


@dataclass(frozen=True, kw_only=True)
class OpenAISettings:
    """Any endpoint that speaks OpenAI's chat completions: vLLM, TGI, a cloud."""

    url: str  # up to and including the version: http://localhost:8000/v1
    model: str
    key_variable: str | None = None  # environment variable that holds the key; None: no key is sent
    concurrency: int = 8  # requests under way at once
    batch_size: int = 32
    requests_per_minute: float | None = None
    timeout: float = 120.0  # seconds for one whole request, however slowly it drips
    retries: int = 5  # after the first attempt
    backoff: float = 1.0  # seconds before the first retry; doubles
    longest_wait: float = 120.0  # between two attempts, whatever Retry-After says
    max_tokens: int = 120
    temperature: float = 0.0
    system: str | None = None  # an instruction that stands before every prompt
    extra: dict = field(default_factory=dict)  # more fields of the request; a None leaves one out
    max_side: int = 1024  # pictures are made smaller than this
    give_up_after: int = 50

    def __post_init__(self):
        at_least(self, 1, "concurrency", "batch_size", "max_tokens", "max_side", "give_up_after")
        at_least(self, 0, "retries", "temperature")
        above_zero(self, "timeout", "backoff", "longest_wait", "requests_per_minute")
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError("backend.url must look like http://localhost:8000/v1")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ConfigError("backend.url must hold no key: name an environment variable in key_variable")


@dataclass(frozen=True, kw_only=True)
class ReplaySettings:
    """Recorded answers: {"picture.jpg": "text"}."""

    file: str | None = None  # for every prompt
    by_prompt: dict = field(default_factory=dict)  # prompt -> file

    def __post_init__(self):
        if not self.file and not self.by_prompt:
            raise ConfigError("backend.file must name a recording, or backend.by_prompt one for each prompt")


def at_least(settings: Any, least: float, *names: str) -> None:
    for name in names:
        if not least <= getattr(settings, name) < math.inf:
            raise ConfigError(f"backend.{name} must be at least {least}, not {getattr(settings, name)}")


def above_zero(settings: Any, *names: str) -> None:
    for name in names:
        value = getattr(settings, name)
        if value is not None and not 0 < value < math.inf:
            raise ConfigError(f"backend.{name} must be above 0, not {value}")


def shaping(settings: Any, *names: str) -> dict[str, Any]:
    """The settings that change what is answered, for the fingerprint."""
    return {name: value for name, value in asdict(settings).items() if name in names}
