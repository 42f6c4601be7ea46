"""The openai backend against a real HTTP server on this machine, which behaves as badly as servers do."""

import base64
import contextlib
import io
import json
import os
import signal
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image
from tiny_models import draw

from lib.config import ConfigError
from rebuild.backends import BackendError, NoAnswer, open_backend

KEY = "sk-do-not-show-0123456789"


class Endpoint(ThreadingHTTPServer):
    """Answers as `behave(count, request)` says: (status, headers, body), or a function of the handler."""

    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.behave, self.seen, self.times, self.lock = echo, [], [], threading.Lock()
        self.under_way = self.most_at_once = 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        with server.lock:
            server.seen.append((self.path, dict(self.headers), request))
            server.times.append(time.monotonic())
            count = len(server.seen)
            server.under_way += 1
            server.most_at_once = max(server.most_at_once, server.under_way)
        reply = server.behave(count, request)
        with server.lock:  # before the reply: whoever has it may ask again at once
            server.under_way -= 1
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            if callable(reply):
                reply(self)
            else:
                self.reply(*reply)

    def reply(self, status, headers, body):
        self.send_response(status)
        for name, value in ({"Content-Length": len(body)} | headers).items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *parts):
        pass


def prompt_of(request):
    return request["messages"][-1]["content"][1]["text"]


def said(text):
    body = {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}
    return 200, {"Content-Type": "application/json"}, json.dumps(body, ensure_ascii=False).encode()


def echo(count, request):
    return said(f"on {prompt_of(request)}")


def error(status, message="no", **headers):
    body = json.dumps({"error": {"message": message}}).encode()
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, body


def at_first(times, bad):
    """Bad for the first requests, then good."""
    return lambda count, request: bad if count <= times else echo(count, request)


@pytest.fixture
def endpoint():
    server = Endpoint()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def pictures(tmp_path):
    return draw(tmp_path, *[f"外套 {i}.jpg" for i in range(6)])


def ask(endpoint, pictures, prompts=None, **settings):
    quick = {"backoff": 0.01, "timeout": 5.0, "retries": 3}
    backend = open_backend({"kind": "openai", "url": endpoint.url, "model": "llava"} | quick | settings)
    return backend(pictures, prompts or [f"prompt {i}" for i in range(len(pictures))])


def test_what_is_sent_is_a_chat_completion_with_the_picture_in_it(endpoint, pictures):
    answers = ask(
        endpoint, pictures[:1], ["这张照片的背景是什么?"], system="Be brief.", max_tokens=7, max_side=32
    )
    assert answers == ["on 这张照片的背景是什么?"]
    path, headers, request = endpoint.seen[0]
    assert path == "/v1/chat/completions" and "Authorization" not in headers
    assert (request["model"], request["max_tokens"], request["temperature"]) == ("llava", 7, 0)
    assert request["messages"][0] == {"role": "system", "content": "Be brief."}
    kind, _, data = request["messages"][1]["content"][0]["image_url"]["url"].partition(",")
    assert kind == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        assert max(image.size) == 32 and image.format == "JPEG"


def test_extra_fields_are_added_and_none_leaves_one_out(endpoint, pictures):
    ask(endpoint, pictures[:1], extra={"max_tokens": None, "max_completion_tokens": 9, "top_p": 0.5})
    request = endpoint.seen[0][2]
    assert "max_tokens" not in request and request["max_completion_tokens"] == 9 and request["top_p"] == 0.5


def test_rows_stay_in_order_whichever_comes_first(endpoint, pictures):
    def late_first(count, request):
        time.sleep(0.25 if prompt_of(request) == "prompt 0" else 0)
        return echo(count, request)

    endpoint.behave = late_first
    assert ask(endpoint, pictures) == [f"on prompt {i}" for i in range(6)]


def test_requests_are_under_way_together_but_no_more_than_allowed(endpoint, pictures):
    def slow(count, request):
        time.sleep(0.15)
        return echo(count, request)

    endpoint.behave = slow
    ask(endpoint, pictures * 2, concurrency=3)
    assert endpoint.most_at_once == 3


def test_a_rate_limit_spaces_requests(endpoint, pictures):
    ask(endpoint, pictures[:4], requests_per_minute=600)
    gaps = [later - sooner for sooner, later in zip(endpoint.times, endpoint.times[1:], strict=False)]
    assert endpoint.times[-1] - endpoint.times[0] >= 0.28 and min(gaps) > 0.03


@pytest.mark.parametrize("status", [500, 502, 503, 529, 408, 429])
def test_a_passing_trouble_is_waited_out(endpoint, pictures, status):
    endpoint.behave = at_first(2, error(status))
    assert ask(endpoint, pictures[:1]) == ["on prompt 0"]
    assert len(endpoint.seen) == 3


@pytest.mark.parametrize("after", ["1", lambda: formatdate(time.time() + 2, usegmt=True)])
def test_retry_after_is_honoured(endpoint, pictures, after):
    value = after if isinstance(after, str) else after()
    endpoint.behave = at_first(1, error(429, Retry_After=value))
    assert ask(endpoint, pictures[:1]) == ["on prompt 0"]
    assert endpoint.times[1] - endpoint.times[0] >= 0.9


def test_retry_after_is_never_longer_than_the_longest_wait(endpoint, pictures):
    endpoint.behave = at_first(1, error(429, Retry_After="86400"))
    start = time.monotonic()
    assert ask(endpoint, pictures[:1], longest_wait=0.2) == ["on prompt 0"]
    assert time.monotonic() - start < 4


def test_pauses_grow_and_are_spread(endpoint, pictures):
    endpoint.behave = at_first(4, error(500))
    ask(endpoint, pictures[:1], retries=4, backoff=0.1)
    gaps = [later - sooner for sooner, later in zip(endpoint.times, endpoint.times[1:], strict=False)]
    for attempt, gap in enumerate(gaps):
        assert 0.5 * 0.1 * 2**attempt <= gap <= 1.5 * 0.1 * 2**attempt + 0.4


def test_a_row_that_stays_without_answer_is_a_failure_and_costs_no_other(endpoint, pictures):
    endpoint.behave = lambda count, request: (
        error(500, "worker 3 crashed") if prompt_of(request) == "prompt 2" else echo(count, request)
    )
    answers = ask(endpoint, pictures)
    assert answers[2] == NoAnswer(f"{endpoint.url} answered 500: worker 3 crashed (after 4 attempts)")
    assert [a for i, a in enumerate(answers) if i != 2] == [f"on prompt {i}" for i in (0, 1, 3, 4, 5)]


@pytest.mark.parametrize(
    "body",
    [b"<html>bad gateway</html>", b"{", b"", b"[]", b"{}", b'{"choices": []}',
     b'{"choices": [{"message": 3}]}',
     b'{"choices": [{"message": {"content": null}}]}', b'{"choices": [{"message": {"content": 5}}]}',
     b'{"choices": [{"message": {"content": "  "}}]}', b"\xff\xfe\x00", b"[" * 100_000],
)  # fmt: skip
def test_garbage_is_asked_again_then_a_failure(endpoint, pictures, body):
    endpoint.behave = lambda count, request: (200, {}, body)
    [answer] = ask(endpoint, pictures[:1], retries=1)
    assert isinstance(answer, NoAnswer) and "(after 2 attempts)" in answer.reason
    assert len(endpoint.seen) == 2
    endpoint.seen.clear()
    endpoint.behave = at_first(1, (200, {}, body))
    assert ask(endpoint, pictures[:1]) == ["on prompt 0"]


def test_content_in_parts_is_joined_and_a_refusal_is_a_failure(endpoint, pictures):
    endpoint.behave = lambda count, request: said(
        [{"type": "text", "text": "a "}, {"type": "text", "text": "b"}]
    )
    assert ask(endpoint, pictures[:1]) == ["a b"]
    body = json.dumps({"choices": [{"message": {"content": None, "refusal": "I will not."}}]}).encode()
    endpoint.behave = lambda count, request: (200, {}, body)
    assert ask(endpoint, pictures[:1]) == [NoAnswer("refused: I will not.")]


def never(handler):
    time.sleep(3)


def drip(handler):
    """A byte now and then: no single read is ever late, the whole is."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(30):
        handler.wfile.write(b" ")
        time.sleep(0.1)


def drip_headers(handler):
    handler.wfile.write(b"HTTP/1.0 200 OK\r\n")
    for index in range(30):
        handler.wfile.write(f"X-{index}: y\r\n".encode())
        handler.wfile.flush()
        time.sleep(0.1)


def hang_up(handler):
    handler.connection.close()


@pytest.mark.parametrize("how", [never, drip, drip_headers])
def test_an_endpoint_that_never_answers_costs_its_timeout_and_no_more(endpoint, pictures, how):
    endpoint.behave = lambda count, request: how
    start = time.monotonic()
    [answer] = ask(endpoint, pictures[:1], retries=1, timeout=0.4)
    assert answer.reason.endswith("TimeoutError: no whole answer in 0.4 s (after 2 attempts)")
    assert time.monotonic() - start < 2.5


def test_a_slow_endpoint_is_waited_for(endpoint, pictures):
    def slow(count, request):
        time.sleep(0.5)
        return echo(count, request)

    endpoint.behave = slow
    assert ask(endpoint, pictures[:2]) == ["on prompt 0", "on prompt 1"]


def test_a_line_that_breaks_is_tried_again(endpoint, pictures):
    endpoint.behave = at_first(1, hang_up)
    assert ask(endpoint, pictures[:1]) == ["on prompt 0"]


def test_nobody_listening_is_a_failure_of_the_row(endpoint, pictures):
    endpoint.url = "http://127.0.0.1:9/v1"
    [answer] = ask(endpoint, pictures[:1], retries=1)
    assert "127.0.0.1:9" in answer.reason and "refused" in answer.reason.lower()


@pytest.mark.parametrize("status", [401, 403, 404, 302])
def test_what_every_row_would_be_told_ends_the_run(endpoint, pictures, status):
    endpoint.behave = lambda count, request: error(status, "no such model: llava", Location="http://else")
    with pytest.raises(BackendError, match=f"answered {status}: no such model: llava"):
        ask(endpoint, pictures, concurrency=1)
    assert len(endpoint.seen) == 1


def test_a_bad_request_fails_its_row_at_once(endpoint, pictures):
    endpoint.behave = lambda count, request: error(400, "image too large")
    assert ask(endpoint, pictures[:1]) == [NoAnswer(f"{endpoint.url} answered 400: image too large")]
    assert len(endpoint.seen) == 1


def test_an_endpoint_that_is_gone_ends_the_run_instead_of_failing_a_million_rows(endpoint, pictures):
    endpoint.behave = lambda count, request: error(500, "out of order")
    with pytest.raises(BackendError, match=r"4 rows in a row have no answer; .*out of order"):
        ask(endpoint, pictures, retries=0, give_up_after=4)


def test_a_picture_that_cannot_be_opened_is_not_asked_about(endpoint, pictures):
    pictures[1].write_bytes(b"")
    answers = ask(endpoint, pictures[:3])
    assert isinstance(answers[1], NoAnswer) and [answers[0], answers[2]] == ["on prompt 0", "on prompt 2"]
    assert len(endpoint.seen) == 2


def test_the_key_is_sent_and_shown_nowhere(endpoint, pictures, monkeypatch, caplog, capfd):
    monkeypatch.setenv("MY_KEY", KEY + "\n")
    padding = "x" * 70  # a key that begins where messages are cut

    def indiscreet(count, request):
        shown = endpoint.seen[-1][1]["Authorization"]
        return [
            error(500, f"{padding} bad key: {shown}"),
            (200, {}, f"{padding[:-5]} {shown}".encode()),
            error(400, f"{'y' * 130} {shown} {'z' * 400} {shown}"),
            error(401, f"Incorrect API key provided: {shown}"),
        ][(count - 1) % 4]

    endpoint.behave = indiscreet
    settings = {"key_variable": "MY_KEY", "retries": 0, "concurrency": 1}
    answers = ask(endpoint, pictures[:3], **settings)
    with pytest.raises(BackendError) as caught:
        ask(endpoint, pictures[:1], **settings)
    backend = open_backend({"kind": "openai", "url": endpoint.url, "model": "m", "key_variable": "MY_KEY"})
    shown = [repr(answers), str(caught.value), repr(caught.value), caplog.text, *capfd.readouterr(),
             repr(backend), backend.model, backend.fingerprint, repr(backend.settings)]  # fmt: skip
    assert endpoint.seen[0][1]["Authorization"] == f"Bearer {KEY}"
    assert all("[key]" in text for text in (answers[0].reason, answers[2].reason, str(caught.value)))
    assert not any(KEY[:9] in text for text in shown)


def test_a_key_that_is_missing_or_no_key_is_named_by_its_variable(endpoint, pictures, monkeypatch):
    monkeypatch.delenv("MY_KEY", raising=False)
    with pytest.raises(BackendError, match="MY_KEY, named by key_variable, is not set"):
        ask(endpoint, pictures[:1], key_variable="MY_KEY")
    monkeypatch.setenv("MY_KEY", f"{KEY}\nX-Other: {KEY}")
    with pytest.raises(BackendError, match="MY_KEY holds no key") as caught:
        ask(endpoint, pictures[:1], key_variable="MY_KEY")
    assert KEY not in str(caught.value) and endpoint.seen == []


@pytest.mark.parametrize(
    "url", ["localhost:8000", "ftp://x/v1", "https://user:secret@host/v1", "https://host/v1?key=secret"]
)
def test_a_url_that_is_none_or_holds_a_key_is_refused_without_showing_it(url):
    with pytest.raises(ConfigError, match=r"backend\.url") as caught:
        open_backend({"kind": "openai", "url": url, "model": "m"})
    assert "secret" not in str(caught.value)


def test_the_fingerprint_tells_models_apart_and_ignores_speed():
    def printed(**changes):
        settings = {"kind": "openai", "url": "http://localhost:1/v1", "model": "m"} | changes
        return open_backend(settings).fingerprint

    assert printed() == printed(concurrency=2, timeout=9.0, retries=1)
    assert len({printed(), printed(model="n"), printed(temperature=0.5), printed(system="x")}) == 4


def test_an_interrupt_ends_the_waiting_at_once(endpoint, pictures):
    """Ctrl-C while one request hangs and others wait for their turn."""
    endpoint.behave = lambda count, request: never
    threading.Timer(0.4, os.kill, (os.getpid(), signal.SIGINT)).start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        ask(endpoint, pictures, timeout=30.0, concurrency=2)
    assert time.monotonic() - start < 3
