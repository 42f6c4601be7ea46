"""InstructBLIP and every image-text-to-text model of the transformers library, from a local folder."""

import gc
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from lib import environment
from lib.paths import resolve, shorten
from rebuild.backends.pictures import answer_in_batches
from rebuild.backends.settings import TransformersSettings, shaping
from rebuild.backends.shape import Answer, BackendError, NoAnswer, Patience, backend_fingerprint, one_line

SHAPING = ("max_tokens", "beams", "repetition_penalty", "quantize", "revision")


class Transformers:
    """Answers in batches; greedy or by beams, so that a row's answer does not depend on chance."""

    name = "transformers"

    def __init__(self, settings: TransformersSettings):
        self.settings, self.batch_size = settings, settings.batch_size
        source, folder = locate_model(settings)
        announce_hub(settings.hub)
        self.model = shorten(folder) if folder else settings.model
        self.network, self.processor = load_model(source, settings)
        self.patience = Patience(settings.give_up_after)
        weights = folder or getattr(self.network.config, "_commit_hash", None)
        dtype = str(self.network.dtype)
        self.fingerprint = backend_fingerprint(settings.model if not folder else None, weights, dtype,
                                       shaping(settings, *SHAPING))  # fmt: skip

    def __call__(self, pictures: Sequence[Path], prompts: Sequence[str]) -> list[Answer]:
        return answer_in_batches(pictures, prompts, self.ask, self.batch_size)

    def ask(self, images: list[Image.Image], prompts: list[str]) -> list[Answer]:
        answers = self.try_together(images, prompts)
        self.patience.note(answers)
        return answers

    def try_together(self, images: list[Image.Image], prompts: list[str]) -> list[Answer]:
        """A batch that fails (memory, one odd row) is halved until the row that fails stands alone."""
        try:
            return self.generate(images, prompts)
        except Exception as error:  # a model's own code may raise anything; one row must not cost the others
            reason = f"{type(error).__name__}: {one_line(error)}"
        release_memory()
        if len(images) == 1:
            return [NoAnswer(reason)]
        half = len(images) // 2
        return self.try_together(images[:half], prompts[:half]) + self.try_together(
            images[half:], prompts[half:]
        )

    def generate(self, images: list[Image.Image], prompts: list[str]) -> list[str]:
        import torch

        inputs = self.prepare(images, prompts).to(self.network.device)
        inputs["pixel_values"] = inputs["pixel_values"].to(self.network.dtype)
        with torch.inference_mode():
            ids = self.network.generate(
                **inputs,
                max_new_tokens=self.settings.max_tokens,
                num_beams=self.settings.beams,
                repetition_penalty=self.settings.repetition_penalty,
                do_sample=False,
            )
        told = inputs["input_ids"]
        if ids.shape[1] >= told.shape[1] and torch.equal(ids[:, : told.shape[1]], told):
            ids = ids[:, told.shape[1] :]  # some models repeat what they were told, some do not
        texts = self.processor.batch_decode(ids, skip_special_tokens=True)
        return [text.strip() for text in texts]

    def prepare(self, images: list[Image.Image], prompts: list[str]) -> Any:
        """Rows as tensors: in the model's own chat form where it has one, else picture and plain text."""
        if getattr(self.processor, "chat_template", None):
            talks = [
                [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": prompt}]}]
                for prompt in prompts
            ]
            texts = self.processor.apply_chat_template(talks, add_generation_prompt=True)
            pictures = [[image] for image in images]
        else:
            texts, pictures = prompts, images
        return self.processor(images=pictures, text=texts, padding=True, return_tensors="pt")

    def close(self) -> None:
        self.network = self.processor = None
        release_memory()


def locate_model(settings: TransformersSettings) -> tuple[str, Path | None]:
    """Where the model is loaded from, and its folder if it lies on this machine."""
    folder = resolve(settings.model)
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise BackendError(f"{shorten(folder)} holds no model: expected a config.json in it")
        return str(folder), folder
    if settings.hub:
        return settings.model, None
    raise BackendError(f"no model folder at {shorten(folder)} (hub=True would look for it on the model hub)")


def announce_hub(hub: bool) -> None:
    """The library reads once, when it is imported, whether it may use the network."""
    if not hub:
        environment.offline()
    elif os.environ.get("HF_HUB_OFFLINE", "0") not in ("0", ""):
        if "huggingface_hub" in sys.modules:
            raise BackendError("hub=True, but HF_HUB_OFFLINE was set first: start anew with HF_HUB_OFFLINE=0")
        os.environ["HF_HUB_OFFLINE"] = "0"


def load_model(source: str, settings: TransformersSettings) -> tuple[Any, Any]:
    """The model, ready to answer, and its processor; whatever is wrong with the folder is one line."""
    from transformers import AutoModelForImageTextToText, AutoProcessor

    where = {"local_files_only": not settings.hub, "trust_remote_code": False, "revision": settings.revision}
    placed = placement(settings)
    try:
        processor = AutoProcessor.from_pretrained(source, **where)
        network = AutoModelForImageTextToText.from_pretrained(source, use_safetensors=True, **where, **placed)
    except Exception as error:  # broken JSON, missing weights, an unknown model: each has its own type
        raise BackendError(f"{settings.model}: cannot be loaded: {one_line(error)}") from None
    if "device_map" not in placed:
        network = network.to(pick_device(settings))
    tokenizer = processor.tokenizer
    if not network.config.is_encoder_decoder and not decodes_from_encoder(network):
        tokenizer.padding_side = "left"  # or padding would stand between the prompt and its answer
    return network.eval(), processor


def decodes_from_encoder(network: Any) -> bool:
    """Whether the language model inside reads the prompt with an encoder, as flan-t5 does."""
    return bool(getattr(network.config.get_text_config(), "is_encoder_decoder", False))


def placement(settings: TransformersSettings) -> dict[str, Any]:
    """Precision and place, as from_pretrained takes them."""
    import torch

    device = pick_device(settings)
    if settings.dtype == "auto":
        good = device.startswith("cuda") and torch.cuda.is_bf16_supported()
        dtype = torch.bfloat16 if good else torch.float32
    else:
        dtype = getattr(torch, settings.dtype)
    placed: dict[str, Any] = {"dtype": dtype}
    if settings.device_map:
        placed["device_map"] = settings.device_map
    if settings.quantize:
        placed["quantization_config"] = four_bits(dtype)
        placed.setdefault("device_map", {"": device})
    return placed


def four_bits(dtype: Any) -> Any:
    import torch

    if not torch.cuda.is_available():
        raise BackendError("quantize='4bit' needs a CUDA GPU, and this machine shows none")
    if importlib.util.find_spec("bitsandbytes") is None:
        raise BackendError("quantize='4bit' needs the package bitsandbytes: pip install bitsandbytes")
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype)


def pick_device(settings: TransformersSettings) -> str:
    import torch

    device = settings.device or ("cuda" if torch.cuda.is_available() else "cpu")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise BackendError(f"device={device!r}, but torch sees no CUDA GPU")
    return device


def release_memory() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
