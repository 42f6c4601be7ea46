"""The real salesforce-lavis, as a worker process in its own environment, restarted when it dies or hangs."""

import collections
import contextlib
import json
import os
import queue
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from lib.paths import resolve, shorten
from rebuild.backends import layer
from rebuild.backends.pictures import answer_in_batches, pack
from rebuild.backends.settings import LavisSettings, shaping
from rebuild.backends.shape import Answer, BackendError, NoAnswer, Patience, backend_fingerprint, one_line

WORKER = Path(__file__).with_name("lavis_worker.py")
FILES = ("config", "checkpoint", "vit_checkpoint", "register")
FOLDERS = ("bert", "language_model", "checkout")
SHAPING = ("model", "model_type", "max_tokens", "beams")
LAST_WORDS = 20  # lines of stderr that are kept


class WorkerLost(Exception):
    """The worker died, hung or spoke nonsense; the message says which."""


class Worker:
    """One running worker program and the two threads that listen to it."""

    def __init__(self, command: list[str]):
        self.folder = tempfile.TemporaryDirectory(prefix="lavis-")
        environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment | {"TOKENIZERS_PARALLELISM": "false"},
            start_new_session=True,  # a Ctrl-C is ours to handle
        )
        self.lines: queue.Queue[bytes | None] = queue.Queue()
        self.last_words: collections.deque[str] = collections.deque(maxlen=LAST_WORDS)
        ears = (self.process.stdout, self.lines.put), (self.process.stderr, self.hear)
        self.listeners = [threading.Thread(target=listen, args=ear, daemon=True) for ear in ears]
        for listener in self.listeners:
            listener.start()
        self.count = 0

    def greet(self, settings: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Tell it what to load; it answers when it has."""
        with self.within(seconds):
            self.send(settings | {"folder": self.folder.name})
            return self.receive()

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """A worker that hangs is killed: it may neither answer nor even read what it is asked."""
        late = threading.Event()
        watchdog = threading.Timer(seconds, lambda: (late.set(), self.process.kill()))
        watchdog.daemon = True
        watchdog.start()
        try:
            yield
        except WorkerLost:
            if late.is_set():
                raise WorkerLost(f"the LAVIS worker gave no answer in {seconds:g} s") from None
            raise
        finally:
            watchdog.cancel()

    def hear(self, line: bytes | None) -> None:
        if line is not None and line.strip():
            self.last_words.append(line.decode("utf-8", "replace"))

    def send(self, message: dict[str, Any]) -> None:
        try:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            raise WorkerLost(self.death()) from None

    def receive(self) -> dict[str, Any]:
        """The next message; an end and nonsense are both a lost worker."""
        line = self.lines.get()
        if line is None:
            raise WorkerLost(self.death())
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            raise WorkerLost(f"the LAVIS worker sent no message: {one_line(line.decode('utf-8', 'replace'))}")
        return message

    def death(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=10)
        self.listeners[1].join(timeout=5)
        said = f": {one_line(self.last_words[-1])}" if self.last_words else ""
        return f"the LAVIS worker ended with code {self.process.poll()}{said}"

    def ask(self, images: list[Image.Image], prompts: list[str], seconds: float) -> list[Answer]:
        """One batch; an answer that is not exactly its rows is nonsense too."""
        self.count += 1
        pictures = [pack(image, "PNG") for image in images]
        with self.within(seconds):
            self.send({"id": self.count, "pictures": pictures, "prompts": prompts})
            reply = self.receive()
        answers = reply.get("answers")
        if reply.get("id") != self.count or not isinstance(answers, list) or len(answers) != len(images):
            raise WorkerLost("the LAVIS worker answered something else than it was asked")
        return [read_answer(answer) for answer in answers]

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        for listener in self.listeners:
            listener.join(timeout=5)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(OSError):
                pipe.close()
        self.folder.cleanup()


class Lavis:
    """Keeps a worker alive. Rows it was lost with are asked again one by one, then recorded as failed."""

    name = "lavis"

    def __init__(self, settings: LavisSettings):
        self.settings, self.batch_size = settings, settings.batch_size
        paths = named_paths(settings)
        python = str(resolve(settings.python)) if settings.python else str(layer.interpreter())
        self.command = [python, "-W", "ignore", "-u", str(WORKER)]
        self.message = asdict(settings) | {name: str(path) for name, path in paths.items()}
        newer = settings.checkout and not settings.python and settings.model.startswith("blip2_")
        self.message["packages"] = str(layer.LAYER / "git") if newer else None  # BLIP refuses them
        self.patience = Patience(settings.give_up_after)
        self.lost = 0  # workers in a row, without an answer between
        self.worker: Worker | None = None
        self.worker = self.start()
        shown = [paths[name] for name in ("config", "checkpoint") if name in paths]
        self.model = " ".join(filter(None, (settings.model, settings.model_type, *map(shorten, shown))))
        self.fingerprint = backend_fingerprint(self.greeting, shaping(settings, *SHAPING), *deciding(paths))

    def start(self) -> Worker:
        """A worker that has loaded its model. One that says why it cannot will not do better next time."""
        try:
            worker = Worker(self.command)
        except OSError as error:
            raise BackendError(f"the LAVIS worker does not start: {error}") from None
        self.closing = weakref.finalize(self, worker.stop)
        try:
            greeting = worker.greet(self.message, self.settings.start_seconds)
        except WorkerLost as error:
            greeting = {"error": str(error)}
        except BaseException:
            self.closing()
            raise
        if "ready" not in greeting:
            self.closing()
            raise BackendError(f"LAVIS: {greeting.get('error', 'an unknown greeting')}")
        self.greeting = greeting["ready"]
        return worker

    def __call__(self, pictures: Sequence[Path], prompts: Sequence[str]) -> list[Answer]:
        return answer_in_batches(pictures, prompts, self.ask, self.batch_size)

    def ask(self, images: list[Image.Image], prompts: list[str]) -> list[Answer]:
        """A batch that loses its worker is asked again row by row: only the row that does it fails."""
        answers = self.try_once(images, prompts)
        if self.worker is None:
            rows = zip(images, prompts, strict=True)
            answers = [self.try_once([image], [prompt])[0] for image, prompt in rows]
        self.patience.note(answers)
        return answers

    def try_once(self, images: list[Image.Image], prompts: list[str]) -> list[Answer]:
        """Ask; a lost worker is replaced before the next question, and gives up only where none answers."""
        if self.worker is None:
            self.worker = self.start()
        try:
            answers = self.worker.ask(images, prompts, self.settings.answer_seconds)
        except WorkerLost as error:
            self.close()
            self.lost += 1
            if self.lost >= self.settings.lost_workers:
                raise BackendError(f"{self.lost} workers in a row were lost; the last: {error}") from None
            return [NoAnswer(str(error))] * len(images)
        except BaseException:
            self.close()  # a question without its answer read would shift all later ones
            raise
        self.lost = 0
        return answers

    def close(self) -> None:
        self.closing()
        self.worker = None


def listen(pipe: Any, put: Any) -> None:
    """Hand on lines until the pipe ends, then None."""
    with contextlib.suppress(ValueError, OSError):
        for line in pipe:
            put(line)
    put(None)


def read_answer(answer: Any) -> Answer:
    if isinstance(answer, dict) and isinstance(answer.get("text"), str):
        return answer["text"]
    if isinstance(answer, dict) and isinstance(answer.get("failure"), str):
        return NoAnswer(answer["failure"])
    raise WorkerLost("the LAVIS worker answered neither a text nor a failure")


def named_paths(settings: LavisSettings) -> dict[str, Path]:
    """The local files and folders of the settings, all there."""
    paths = {name: getattr(settings, name) for name in (*FILES, *FOLDERS)}
    found = {name: resolve(path) for name, path in paths.items() if path is not None}
    for name, path in found.items():
        if not (path.is_file() if name in FILES else path.is_dir()):
            kind = "file" if name in FILES else "folder"
            raise BackendError(f"backend.{name}: no such {kind}: {shorten(path)}")
    return found


def deciding(paths: dict[str, Path]) -> list[Path]:
    """The files that decide the answers; of a checkout, its models' code."""
    return [path / "lavis" / "models" if name == "checkout" else path for name, path in paths.items()]
