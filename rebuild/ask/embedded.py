"""Embedded: the backend that needs nothing from outside, taught here and opened as the large one is."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lib.config import Training
from lib.data.loader import Loader
from lib.data.record import Record
from lib.train.fit import fit
from lib.train.processes import this_process
from rebuild.ask.instruction_data import InstructionData, Questions, answer_loss
from rebuild.ask.tiny_instructblip import build_tiny_instructblip


def teach(
    records: Sequence[Record], prompts: Mapping[str, str], training: Training, folder: Path, *, size: int = 64
) -> tuple[Path, list[dict[str, Any]]]:
    """Teach a small InstructBLIP to answer the prompts: its folder, in the library's format, and its history.

    `records` are pictures whose attributes are known; the answers are told anew from these in each epoch.
    """
    questions = Questions(records, prompts)
    model = build_tiny_instructblip(questions.texts, size=size, seed=training.seed)
    loader = Loader(
        InstructionData(questions, model),
        batch_size=training.batch_size,
        seed=training.seed,
        **this_process(),
    )
    key = {"data": questions.describe(), "model": model.describe(), "objective": "answers"}
    run = fit(model, answer_loss(), loader, training=training, folder=folder / "tiny", run_key=key)
    return model.save(folder / "folder"), run.history
