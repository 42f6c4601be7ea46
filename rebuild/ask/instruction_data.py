"""Instruction data: pictures of known attributes, questions about them, and answers told anew each time."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from atelier.describe import describe, describe_background
from atelier.wardrobe import Attributes
from lib.data.images import load_image
from lib.data.loader import mix_seeds
from lib.data.record import Record, digest
from lib.progress import Progress
from lib.train.objectives import IGNORED, Objective
from rebuild.ask.tiny_instructblip import TinyInstructBlip
from rebuild.errors import RebuildError

CHUNK = 256  # pictures prepared at once
TELL: dict[str, Callable[[Attributes, random.Random], str]] = {
    "background": describe_background,
    "garments": describe,
}


@dataclass(frozen=True)
class Questions:
    """What is asked of each picture: {"background": "Describe the background."}, kind by kind."""

    records: Sequence[Record]
    prompts: Mapping[str, str]

    def __post_init__(self):
        strange = [kind for kind in self.prompts if kind not in TELL]
        if strange or not self.prompts:
            expected = " and ".join(map(repr, TELL))
            raise RebuildError(f"prompts: expected {expected} or one of them, not {strange or 'none'}")
        unknown = [record.id for record in self.records if record.attributes is None]
        if unknown or not self.records:
            what = f"{unknown[0]}: no attributes are known of it" if unknown else "there are none"
            raise RebuildError(f"pictures to learn from: {what}")

    def __len__(self) -> int:
        return len(self.records) * len(self.prompts)

    def ask(self, number: int, seed: int) -> tuple[str, str]:
        """One question and a true answer, worded as `seed` decides."""
        record, kind = divmod(number, len(self.prompts))
        kind = list(self.prompts)[kind]
        return self.prompts[kind], TELL[kind](self.records[record].attributes, random.Random(seed))

    @cached_property
    def texts(self) -> list[str]:
        """One answer to each question, and the questions: the words that a model must know."""
        answers = [self.ask(number, mix_seeds(number))[1] for number in range(len(self))]
        return [*answers, *self.prompts.values()]

    def describe(self) -> dict[str, Any]:
        return {"records": digest(self.records), "prompts": dict(self.prompts)}


@dataclass(frozen=True)
class Instruction:
    """One batch: what the network is given, and what it should say after each token."""

    inputs: dict[str, Tensor]
    targets: Tensor  # [B, T]

    def __len__(self) -> int:
        return len(self.targets)

    def to(self, device: torch.device | str) -> "Instruction":
        moved = {name: tensor.to(device, non_blocking=True) for name, tensor in self.inputs.items()}
        return replace(self, inputs=moved, targets=self.targets.to(device, non_blocking=True))


class InstructionData:
    """Questions as `Loader` takes them: each picture prepared once and kept, small, in memory."""

    def __init__(self, questions: Questions, model: TinyInstructBlip):
        self.questions, self.model = questions, model
        self.told = {prompt: self.tell(prompt) for prompt in questions.prompts.values()}

    def __len__(self) -> int:
        return len(self.questions)

    @cached_property
    def pictures(self) -> Tensor:
        """All pictures, prepared when the first batch is asked for: a run found finished needs none."""
        return prepare_pictures(self.questions.records, self.model)

    def choose(self, chance: np.random.Generator) -> np.ndarray:
        """Every question, in each epoch."""
        return np.arange(len(self))

    def tell(self, prompt: str) -> dict[str, list[int]]:
        """A question as the processor gives it to the network, places for the picture first."""
        said = self.model.processor(images=Image.new("RGB", (8, 8)), text=[prompt])
        return {name: list(said[name][0]) for name in ("input_ids", "qformer_input_ids")}

    def batch(self, numbers: Sequence[int], seeds: Sequence[int]) -> Instruction:
        """Questions with their answers, padded on the right; only the answers are to be learnt."""
        asked = [self.questions.ask(int(number), seed) for number, seed in zip(numbers, seeds, strict=True)]
        words = self.model.processor.tokenizer
        answers = words([answer for _, answer in asked], add_special_tokens=False)["input_ids"]
        told = [self.told[prompt] for prompt, _ in asked]
        whole = [t["input_ids"] + a + [words.eos_token_id] for t, a in zip(told, answers, strict=True)]
        inputs, mask = pad_rows(whole, words.pad_token_id)
        queries, seen = pad_rows([t["qformer_input_ids"] for t in told], words.pad_token_id)
        targets = inputs.roll(-1, 1).masked_fill(mask.roll(-1, 1) == 0, IGNORED)
        targets[:, -1] = IGNORED
        targets[targets == words.unk_token_id] = IGNORED
        for row, question in enumerate(told):
            targets[row, : len(question["input_ids"]) - 1] = IGNORED
        pictures = self.pictures[[int(number) // len(self.questions.prompts) for number in numbers]]
        given = {"pixel_values": self.model.normalise(pictures), "input_ids": inputs, "attention_mask": mask}
        return Instruction(given | {"qformer_input_ids": queries, "qformer_attention_mask": seen}, targets)


def prepare_pictures(records: Sequence[Record], model: TinyInstructBlip) -> Tensor:
    """All pictures, resized by the processor, in bytes [R, 3, S, S]."""
    parts = []
    with Progress("preparing", len(records), "pictures") as progress:
        for start in range(0, len(records), CHUNK):
            images = [load_image(record.path) for record in records[start : start + CHUNK]]
            parts.append(model.shrink(images))
            progress.update(len(images))
    return torch.cat(parts)


def pad_rows(rows: Sequence[Sequence[int]], filler: int) -> tuple[Tensor, Tensor]:
    """Rows of tokens [B, T], and where they are real."""
    tokens = torch.full((len(rows), max(map(len, rows))), filler)
    mask = torch.zeros_like(tokens)
    for place, row in enumerate(rows):
        tokens[place, : len(row)] = torch.tensor(row)
        mask[place, : len(row)] = 1
    return tokens, mask


def answer_loss() -> Objective:
    """Each token of the answers, the end counted, the questions not. Items are answers.

    A long answer weighs as much as a short one: by tokens the garments would drown the background.
    """

    def objective(model: nn.Module, batch: Instruction) -> dict[str, Any]:
        logits = model(batch.inputs).float().transpose(1, 2)  # [B, words, T]
        losses = F.cross_entropy(logits, batch.targets, ignore_index=IGNORED, reduction="none")
        tokens = (batch.targets != IGNORED).sum(1)  # [B], the end at least
        return {"loss": (losses.sum(1) / tokens.clamp(min=1)).sum(), "count": len(batch)}

    return objective
