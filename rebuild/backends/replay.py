"""Answers from a recorded file, such as the course project's image_caption.json: no model, the same shape."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from lib.files import FileError, read_json
from lib.paths import resolve, shorten
from rebuild.backends.settings import ReplaySettings
from rebuild.backends.shape import Answer, BackendError, NoAnswer, backend_fingerprint, check_questions


class Replay:
    """Gives back what was recorded for a picture's file name, for its prompt where files are told apart."""

    name = "replay"
    batch_size = 1024

    def __init__(self, settings: ReplaySettings):
        files = {prompt: resolve(file) for prompt, file in settings.by_prompt.items()}
        self.any_prompt = read_answers(resolve(settings.file)) if settings.file else None
        self.by_prompt = {prompt: read_answers(file) for prompt, file in files.items()}
        named = [*([resolve(settings.file)] if settings.file else []), *files.values()]
        self.model = ", ".join(shorten(file) for file in named)
        self.fingerprint = backend_fingerprint(list(files), *named)

    def __call__(self, pictures: Sequence[Path], prompts: Sequence[str]) -> list[Answer]:
        check_questions(pictures, prompts)
        return [self.recall(Path(path).name, prompt) for path, prompt in zip(pictures, prompts, strict=True)]

    def recall(self, name: str, prompt: str) -> Answer:
        """The recorded text. A name never recorded fails its row, a prompt never recorded concerns all."""
        answers = self.by_prompt.get(prompt, self.any_prompt)
        if answers is None:
            raise BackendError(
                f"replay has no recording for the prompt {prompt!r}; recorded: {list(self.by_prompt)}"
            )
        missing = NoAnswer(f"no answer is recorded for {name} in {self.model}")
        return answers.get(same_name(name), missing)

    def close(self) -> None:
        """Nothing is held open."""


def read_answers(file: Path) -> dict[str, str]:
    """File name -> text, as the course project writes it."""
    try:
        recorded = read_json(file)
    except FileError as error:
        raise BackendError(str(error)) from None
    if not isinstance(recorded, dict):
        raise BackendError(
            f'{shorten(file)}: expected {{"picture.jpg": "text"}}, not {type(recorded).__name__}'
        )
    for name, text in recorded.items():
        if not isinstance(text, str):
            raise BackendError(f"{shorten(file)}: key {name!r}: expected a text, not {type(text).__name__}")
    return {same_name(name): text for name, text in recorded.items()}


def same_name(name: str) -> str:
    """One spelling of a name: macOS writes é as two characters, others as one."""
    return unicodedata.normalize("NFC", name)
