"""`python -m course demo`: a page on this machine that asks the trained models about pictures and sentences.

Nothing leaves the machine. Whoever else can reach the page needs the token that is printed.
"""

import argparse
import contextlib
import errno
import ipaddress
import os
import secrets
import socket
import tempfile
import time
from typing import Any

from course.handed import CourseError
from course.pins import need_pins
from lib import environment
from lib.paths import Output

TRIED = 100  # ports above one that is taken
ALLOWED = "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'"
COOKIE, OPEN = "lookbook", "/manifest.json"  # the page's name, which browsers ask for without the cookie


def add_arguments(parser: argparse.ArgumentParser) -> None:
    about = "the folder with the trained models (%(default)s)"
    parser.add_argument("--output", default="output", metavar="DIR", help=about)
    parser.add_argument("--host", default="127.0.0.1", help="who can reach it; 0.0.0.0 is all (%(default)s)")
    parser.add_argument("--port", type=int, default=7860, help="(%(default)s); 0 is any that is free")
    parser.add_argument("--token", action="store_true", help="ask for a token on this machine too")
    about = "an index of a folder of pictures to search (else the retrieval notebook's test pictures)"
    parser.add_argument("--index", metavar="DIR", help=about)


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    need_pins("demo")
    place = Output(arguments.output)
    with open_port(arguments.host, arguments.port) as door, tempfile.TemporaryDirectory() as uploads:
        os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_TEMP_DIR": uploads}
        environment.offline()
        alone = ipaddress.ip_address(door.getsockname()[0]).is_loopback
        token = secrets.token_urlsafe(16) if arguments.token or not alone else None
        from course.demo_page import open_page

        began = time.perf_counter()
        page, first = open_page(place, arguments.index)
        opened = time.perf_counter() - began - first
        print(f"demo: models opened and warmed in {opened:.1f} s; first caption after {first:.2f} s")
        print(f"demo: {address(door, token)} (Ctrl-C ends it)", flush=True)
        serve(page, door, token)
    return 0


def open_port(host: str, port: int) -> socket.socket:
    """The port, held from now on; where it is taken, the error names the next free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OverflowError:
        raise CourseError(f"--port {port}: expected 0 to 65535") from None
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise CourseError(f"--host {host} --port {port}: {error.strerror or error}") from None
    for free in range(port + 1, min(port + TRIED, 65536)):
        with contextlib.suppress(OSError), socket.create_server((host, free), family=family):
            raise CourseError(f"port {port} is taken; give the next free one: --port {free}")
    raise CourseError(f"port {port} is taken, and so are the {TRIED} above it; give another with --port")


def address(door: socket.socket, token: str | None) -> str:
    """What to type into a browser."""
    host, port = door.getsockname()[:2]
    shown = socket.gethostname() if ipaddress.ip_address(host).is_unspecified else host
    shown = f"[{shown}]" if ":" in shown else shown
    return f"http://{shown}:{port}/" + (f"?token={token}" if token else "")


def serve(page: Any, door: socket.socket, token: str | None) -> None:
    """Until it is interrupted."""
    import fastapi
    import gradio
    import uvicorn

    from course.demo_page import LOOKS

    app = gradio.mount_gradio_app(
        fastapi.FastAPI(), page, path="/", max_file_size="100mb", footer_links=[], ssr_mode=False, pwa=False,
        mcp_server=False, **LOOKS,
    )  # fmt: skip
    config = uvicorn.Config(guard(app, token), log_level="warning", timeout_graceful_shutdown=2)
    uvicorn.Server(config).run(sockets=[door])


def guard(app: Any, token: str | None) -> Any:
    """The app, with a browser forbidden to fetch from elsewhere, for those alone who bring the token.

    It comes in the address once, and is kept in a cookie then, so that it stands in no other address.
    """
    from starlette.datastructures import MutableHeaders
    from starlette.requests import HTTPConnection
    from starlette.responses import PlainTextResponse, RedirectResponse

    def same(given: str | None) -> bool:
        return secrets.compare_digest((given or "").encode(), (token or "").encode())

    async def guarded(scope, receive, send):
        async def send_on(message):
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["content-security-policy"] = ALLOWED
            await send(message)

        if scope["type"] == "lifespan" or token is None or scope["path"] == OPEN:
            return await app(scope, receive, send_on)
        asked = HTTPConnection(scope)
        if same(asked.cookies.get(COOKIE)):
            return await app(scope, receive, send_on)
        if not same(asked.query_params.get("token")):
            refusal = PlainTextResponse("Lookbook: open the address with the token that was printed.\n", 401)
            return await refusal(scope, receive, send)
        welcome = RedirectResponse(asked.url.path, 303)
        welcome.set_cookie(COOKIE, token, httponly=True, samesite="strict")
        return await welcome(scope, receive, send)

    return guarded
