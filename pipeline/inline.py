"""Engine 2: the same cells in this process, by the standard library: for torchrun, accelerate, a debugger."""

import ast
import base64
import contextlib
import io
import linecache
import os
import pprint
import resource
import sys
import time
import traceback
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from lib.files import write_json
from pipeline.executed import MARK, Failure, find_failure, prepare_copy
from pipeline.notebook import code_cells, has_tag
from pipeline.plan import Job

RICH = {"text/html": "_repr_html_", "text/markdown": "_repr_markdown_"}
RICH |= {"image/svg+xml": "_repr_svg_", "image/png": "_repr_png_"}


class InlineRun:
    """A notebook run on the spot; it is over when it is made."""

    engine = "inline"
    line = ""

    def __init__(self, job: Job, copy: Path, *, silent: bool, stopping: Callable[[], bool]):
        self.job, self.copy, self.silent, self.stopping = job, copy, silent, stopping
        self.error: BaseException | None = None
        self.started, self.starts = time.monotonic(), [0.0]
        self.sent, self.notebook = prepare_copy(job, self.engine), prepare_copy(job, self.engine)
        with contextlib.chdir(job.path.parent), fresh_main() as namespace:
            self.run_cells(namespace)
        self.peak = largest_process(resource.RUSAGE_SELF)

    def run_cells(self, namespace: dict[str, Any]) -> None:
        self.save()
        for k, cell in enumerate(code_cells(self.notebook), 1):
            self.starts.append(round(time.monotonic() - self.started, 3))
            if has_tag(cell, "skip-execution"):  # as papermill does; the check of the copy then says so
                continue
            cell["execution_count"] = k
            try:
                run_cell(cell, f"{self.job.name}[{k}]", namespace, silent=self.silent)
                if self.stopping():  # a cell that took the interrupt for itself does not keep the run alive
                    raise KeyboardInterrupt
            except BaseException as error:
                self.error = error
                cell["outputs"].append(error_output(error))
                break
            finally:
                self.save()
        self.notebook["metadata"][MARK]["ended"] = self.error is None

    def save(self) -> None:
        if not self.silent:
            write_json(self.copy, self.notebook, indent=1)

    def poll(self) -> bool:
        return True

    def result(self) -> tuple[dict[str, Any], Failure | None]:
        return self.notebook, find_failure(self.sent, self.notebook)


def largest_process(who: int) -> int:
    """Bytes that this process, or the largest of its children that ended, held at most."""
    return resource.getrusage(who).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@contextlib.contextmanager
def fresh_main() -> Iterator[dict[str, Any]]:
    """A new `__main__` for a notebook, so that what it defines can be pickled and does not outlive it."""
    os.environ["MPLBACKEND"] = "agg"  # a window would wait for somebody to close it
    module, before = types.ModuleType("__main__"), sys.modules["__main__"]
    sys.modules["__main__"] = module
    try:
        yield module.__dict__
    finally:
        sys.modules["__main__"] = before


def run_cell(cell: dict[str, Any], name: str, namespace: dict[str, Any], *, silent: bool) -> None:
    """Execute a cell; what it prints, displays and ends in becomes its outputs."""
    source, outputs = cell["source"], cell["outputs"]
    lines = source.splitlines(keepends=True)
    linecache.cache[name] = (len(source), None, lines, name)  # tracebacks and inspect find the source
    body = ast.parse(source, name).body
    shown = body and isinstance(body[-1], ast.Expr) and not source.rstrip().endswith(";")
    last = body.pop() if shown else None

    def display(*values: Any) -> None:
        outputs.extend({"output_type": "display_data", "data": bundle(v), "metadata": {}} for v in values)

    namespace["display"] = display
    with capture(outputs, silent=silent):
        exec(compile(ast.Module(body, []), name, "exec", dont_inherit=True), namespace)
        value = None
        if last:
            value = eval(compile(ast.Expression(last.value), name, "eval", dont_inherit=True), namespace)
        if value is not None:
            result = {"output_type": "execute_result", "data": bundle(value), "metadata": {}}
            outputs.append({**result, "execution_count": cell["execution_count"]})
        for figure in open_figures():
            display(figure)


class Tee(io.TextIOBase):
    """Writes to the notebook, and through to the terminal unless this process is a silent one."""

    encoding = "utf-8"
    mid_line = False

    def __init__(self, name: str, outputs: list[dict[str, Any]], through: TextIO, *, silent: bool):
        self.name, self.outputs, self.through, self.silent = name, outputs, through, silent

    def write(self, text: str) -> int:
        self.outputs.append({"output_type": "stream", "name": self.name, "text": text})
        if not self.silent:
            self.through.write(text)
            self.mid_line = not text.endswith("\n") if text else self.mid_line
        return len(text)

    def end(self) -> None:
        """Leave the terminal at the start of a line, wherever a progress bar stopped."""
        if self.mid_line:
            self.through.write("\n")

    def flush(self) -> None:
        self.through.flush()

    def fileno(self) -> int:
        return self.through.fileno()

    def isatty(self) -> bool:
        return self.through.isatty()


@contextlib.contextmanager
def capture(outputs: list[dict[str, Any]], *, silent: bool) -> Iterator[None]:
    out = Tee("stdout", outputs, sys.stdout, silent=silent)
    errors = Tee("stderr", outputs, sys.stderr, silent=silent)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            yield
        finally:
            out.end()
            errors.end()


def bundle(value: Any) -> dict[str, str]:
    """What Jupyter would keep of a displayed value: its text, and the rich forms it offers."""
    plain = type(value) in (dict, list, tuple, set, frozenset)
    data = {"text/plain": pprint.pformat(value, width=79, sort_dicts=False) if plain else repr(value)}
    for mime, method in RICH.items():
        form = None if isinstance(value, type) else getattr(value, method, None)
        content = form() if callable(form) else None
        if isinstance(content, tuple):  # with metadata, which is of no use here
            content = content[0]
        if content is not None:
            data[mime] = base64.b64encode(content).decode() if isinstance(content, bytes) else content
    if callable(getattr(value, "savefig", None)):  # a matplotlib figure draws itself only for IPython
        buffer = io.BytesIO()
        value.savefig(buffer, format="png", bbox_inches="tight")
        data["image/png"] = base64.b64encode(buffer.getvalue()).decode()
    return data


def open_figures() -> Iterator[Any]:
    """The pyplot figures a cell leaves open; a kernel shows and closes them too."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    for number in pyplot.get_fignums() if pyplot else ():
        yield pyplot.figure(number)
        pyplot.close(number)


def error_output(error: BaseException) -> dict[str, Any]:
    """An error as a notebook's output: the traceback from the cell on."""
    place = error.__traceback__
    while place and place.tb_frame.f_code.co_filename == __file__:
        place = place.tb_next
    lines = [line.rstrip("\n") for line in traceback.format_exception(type(error), error, place)]
    told = {"ename": type(error).__name__, "evalue": str(error), "traceback": lines}
    return {"output_type": "error", **told}
