"""Any OpenAI-compatible endpoint: vLLM, TGI, a cloud. Many requests at once, patient with a busy server."""

import contextlib
import email.utils
import http.client
import json
import math
import os
import random
import re
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image

from rebuild.backends.pictures import answer_in_batches, pack
from rebuild.backends.settings import OpenAISettings, shaping
from rebuild.backends.shape import Answer, BackendError, NoAnswer, Patience, backend_fingerprint, one_line

LARGEST_REPLY = 8 * 2**20  # bytes; a caption is far below it
FOR_ALL = {401, 403, 404, 405}  # statuses that the next row would get too
AGAIN = {408, 409, 425, 429}  # statuses worth another attempt, as every 5xx is
SHAPING = ("max_tokens", "temperature", "system", "extra", "max_side")


class TryAgain(Exception):
    """An attempt that failed in a way that may pass; `wait` is what the server asked for."""

    def __init__(self, reason: str, wait: float | None = None):
        super().__init__(reason)
        self.wait = wait


class Gate:
    """Lets requests through at the agreed rate, and none while the server asked for quiet."""

    def __init__(self, requests_per_minute: float | None):
        self.spacing = 60 / requests_per_minute if requests_per_minute else 0.0
        self.lock, self.next = threading.Lock(), 0.0

    def turn(self) -> float:
        """Seconds until this caller's turn; the turn is taken."""
        with self.lock:
            now = time.monotonic()
            mine = max(now, self.next)
            self.next = mine + self.spacing
            return mine - now

    def quiet(self, seconds: float) -> None:
        with self.lock:
            self.next = max(self.next, time.monotonic() + seconds)


class OpenAI:
    """Asks an endpoint about pictures, as data URLs, with up to `concurrency` requests under way."""

    name = "openai"

    def __init__(self, settings: OpenAISettings):
        self.settings, self.model, self.batch_size = settings, settings.model, settings.batch_size
        self.headers = {"Content-Type": "application/json"} | authorization(settings.key_variable)
        self.secrets = [value.split()[-1] for name, value in self.headers.items() if name == "Authorization"]
        self.endpoint = urlsplit(settings.url.rstrip("/") + "/chat/completions")
        self.gate, self.patience = Gate(settings.requests_per_minute), Patience(settings.give_up_after)
        self.stopped = threading.Event()
        self.lines: set[socket.socket] = set()  # under way, to be cut when the caller is interrupted
        self.fingerprint = backend_fingerprint(settings.url, settings.model, shaping(settings, *SHAPING))

    def __repr__(self) -> str:
        return f"OpenAI({self.settings.url}, {self.model})"

    def __call__(self, pictures: Sequence[Path], prompts: Sequence[str]) -> list[Answer]:
        return answer_in_batches(pictures, prompts, self.ask, self.batch_size)

    def ask(self, images: list[Image.Image], prompts: list[str]) -> list[Answer]:
        pool = ThreadPoolExecutor(min(self.settings.concurrency, len(images)))
        try:
            answers = list(pool.map(self.ask_one, images, prompts))
        except BaseException:
            self.stopped.set()  # the others end their waiting
            for line in tuple(self.lines):
                end_request(line)
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            self.stopped.clear()
        self.patience.note(answers)
        return answers

    def ask_one(self, image: Image.Image, prompt: str) -> Answer:
        """One row, with its retries. What the server said is kept, a key in it is not."""
        body = json.dumps(self.question(image, prompt)).encode()
        reason = ""
        for attempt in range(self.settings.retries + 1):
            if self.stopped.wait(self.gate.turn()):
                return NoAnswer("stopped")
            try:
                return self.attempt(body)
            except BackendError:
                self.stopped.set()  # before another thread takes the next row
                raise
            except TryAgain as error:
                reason = str(error)
                if attempt < self.settings.retries and self.stopped.wait(self.pause(attempt, error.wait)):
                    return NoAnswer("stopped")
        return NoAnswer(f"{reason} (after {self.settings.retries + 1} attempts)")

    def question(self, image: Image.Image, prompt: str) -> dict[str, Any]:
        picture = {"url": f"data:image/jpeg;base64,{pack(image, 'JPEG', self.settings.max_side)}"}
        content = [{"type": "image_url", "image_url": picture}, {"type": "text", "text": prompt}]
        messages: list[dict[str, Any]] = [{"role": "user", "content": content}]
        if self.settings.system:
            messages.insert(0, {"role": "system", "content": self.settings.system})
        request = {
            "model": self.model,
            "messages": messages,
            "max_tokens": self.settings.max_tokens,
            "temperature": self.settings.temperature,
        } | self.settings.extra
        return {name: value for name, value in request.items() if value is not None}

    def attempt(self, body: bytes) -> Answer:
        """One request and what its status means; never longer than the timeout."""
        try:
            status, headers, reply = self.post(body)
        except (OSError, http.client.HTTPException) as error:
            raise TryAgain(self.hide(f"{self.endpoint.netloc}: {type(error).__name__}: {error}")) from None
        if status == 200:
            return self.read(reply)
        said = self.hide(f"{self.settings.url} answered {status}: {complaint(reply)}")
        if status in FOR_ALL or 300 <= status < 400:
            raise BackendError(said)
        if status in AGAIN or status >= 500:
            wait = retry_after(headers)
            if wait is not None and status in (429, 503):
                self.gate.quiet(min(wait, self.settings.longest_wait))
            raise TryAgain(said, wait)
        return NoAnswer(said)

    def post(self, body: bytes) -> tuple[int, Any, bytes]:
        """Send and receive; a watchdog cuts the line, for a socket's own timeout restarts with each byte."""
        secure = self.endpoint.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        line = kind(self.endpoint.hostname, self.endpoint.port, timeout=self.settings.timeout)
        late = threading.Event()
        try:
            line.connect()
            (held := line.sock).settimeout(2 * self.settings.timeout)  # so that the watchdog rings first
            self.lines.add(held)
            watchdog = threading.Timer(self.settings.timeout, lambda: (late.set(), end_request(held)))
            watchdog.daemon = True
            watchdog.start()
            try:
                line.request("POST", self.endpoint.path, body, self.headers)
                response = line.getresponse()
                reply = response.read(LARGEST_REPLY)
            except Exception:
                if not late.is_set():  # else whatever was raised comes from the cut
                    raise
            finally:
                watchdog.cancel()
                self.lines.discard(held)
        finally:
            line.close()
        if late.is_set():
            raise TimeoutError(f"no whole answer in {self.settings.timeout:g} s")
        return response.status, response.headers, reply

    def read(self, reply: bytes) -> Answer:
        """The text of a chat completion; anything else may be a hiccup of a proxy, so it is asked again."""
        try:
            message = json.loads(reply)["choices"][0]["message"]
            content = message.get("content")
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
            shown = self.hide(reply.decode("utf-8", "replace"))[:80]
            raise TryAgain(f"{self.settings.url} sent no chat completion: {shown}") from None
        if isinstance(content, list):  # some servers send parts
            content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
        if isinstance(content, str) and content.strip():
            return content.strip()
        if isinstance(message.get("refusal"), str):
            return NoAnswer(self.hide(f"refused: {message['refusal']}"))
        raise TryAgain(f"{self.settings.url} sent an empty answer")

    def pause(self, attempt: int, asked: float | None) -> float:
        """What the server asked for, or twice as long each time, spread so that rows do not come at once."""
        if asked is None:
            asked = self.settings.backoff * 2**attempt * random.uniform(0.5, 1.5)
        return min(asked, self.settings.longest_wait)

    def hide(self, text: str) -> str:
        """A message without the key, should a server have echoed it; hidden before a cut could halve it."""
        for secret in self.secrets:
            text = text.replace(secret, "[key]")
        return one_line(text[:1000])

    def close(self) -> None:
        """Nothing is held open between calls."""


def authorization(variable: str | None) -> dict[str, str]:
    """The header that carries the key; only the variable's name is ever shown."""
    if variable is None:
        return {}
    key = os.environ.get(variable, "").strip()
    if not key:
        raise BackendError(f"the environment variable {variable}, named by key_variable, is not set")
    if not re.fullmatch(r"[!#-&(-\[\]-~]+", key):  # quotes and backslashes would look different in an echo
        raise BackendError(f"the environment variable {variable} holds no key: expected one word of ASCII")
    return {"Authorization": f"Bearer {key}"}


def end_request(line: socket.socket) -> None:
    """End a request from another thread: closing alone would leave its reader waiting."""
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def retry_after(headers: Any) -> float | None:
    """Seconds the server asked to wait, given as a number or as a date."""
    value = headers.get("Retry-After")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except (TypeError, ValueError):
            return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def complaint(reply: bytes) -> str:
    """What an error's body says, from JSON where it is JSON."""
    try:
        error = json.loads(reply)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError, RecursionError):
        return reply.decode("utf-8", "replace")
