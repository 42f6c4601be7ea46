"""A folder of real pictures, and backends that need no model; also a worker process that tests kill."""

import argparse
import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from rebuild.backends.shape import NoAnswer, check_questions

PROMPTS = {"garments": "Which clothes?", "background": "描述背景。"}


class Fake:
    """Answers with a text made from the picture's bytes and the prompt; counts what it is asked."""

    name, model = "fake", "a model"

    def __init__(self, *, batch_size: int = 4, seconds: float = 0.0, failing: Sequence[str] = (), tag="1"):
        self.batch_size, self.seconds, self.failing = batch_size, seconds, failing
        self.fingerprint = f"fingerprint-{tag}"
        self.asked: list[tuple[str, str]] = []
        self.sizes: list[int] = []

    def __call__(self, pictures, prompts):
        check_questions(pictures, prompts)
        time.sleep(self.seconds)
        self.sizes.append(len(pictures))
        self.asked += [(path.name, prompt) for path, prompt in zip(pictures, prompts, strict=True)]
        return [
            NoAnswer("will not") if path.name in self.failing else answer(path, prompt)
            for path, prompt in zip(pictures, prompts, strict=True)
        ]

    def close(self):
        pass


def answer(path: Path, prompt: str) -> str:
    return f"{hashlib.sha256(path.read_bytes()).hexdigest()[:8]} 说 {prompt}"


def fill(folder: Path, count: int, *, names: Sequence[str] = ()) -> list[str]:
    """Small pictures, each of another content."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [*names, *(f"男士服饰 COZY_{n:04d}.png" for n in range(count - len(names)))]
    for n, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (n % 256, n // 256, 7)).save(folder / name)
    return sorted(names)


if __name__ == "__main__":
    from rebuild.ask.describe_folder import describe_folder

    options = argparse.ArgumentParser()
    options.add_argument("folder")
    options.add_argument("work")
    options.add_argument("--seconds", type=float, default=0.02)
    given = options.parse_args()
    answers = describe_folder(given.folder, given.work, Fake(seconds=given.seconds), PROMPTS)
    print(len(list(answers.rows())))
