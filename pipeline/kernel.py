"""Engine 1, the child: one notebook run by papermill in a kernel of this very Python.

`launch` starts it as `python -m pipeline.kernel FD TASK`. Events go as JSON lines to the descriptor FD.
Standard input is the lifeline: when it closes, the kernel is interrupted, and killed if that is not enough.
"""

import contextlib
import itertools
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import nbformat
import psutil
import zmq
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NotebookExecutionManager

from lib.files import write_json
from pipeline.executed import MARK, last_line
from pipeline.inline import largest_process
from pipeline.launch import GRACE, kill_group
from pipeline.notebook import code_cells, read

TICK = 0.3  # seconds between two looks at the last line of output
MEMORY_EVERY = 5  # ticks; looking at all processes is not free


class Wire:
    """What the parent is told, from any thread: the kernel, the cell, its last line of output, the memory."""

    def __init__(self, descriptor: int):
        self.descriptor = descriptor
        self.lock = threading.Lock()
        self.line = ""
        self.kernel: subprocess.Popen | None = None
        self.peak = 0

    def send(self, **event: Any) -> None:
        with self.lock, contextlib.suppress(BrokenPipeError):
            os.write(self.descriptor, json.dumps(event).encode() + b"\n")

    def watch(self) -> None:
        """Tell of the last line and of the memory now and then, however fast the cells print."""
        told = ("", 0)
        for tick in itertools.count():
            time.sleep(TICK)
            if self.kernel and tick % MEMORY_EVERY == 0:
                self.peak = max(self.peak, tree_memory(self.kernel.pid))
            if (self.line, self.peak) != told:
                told = (self.line, self.peak)
                self.send(line=self.line, peak=self.peak)

    def hold(self, runtime: str) -> None:
        """End the kernel when the parent closes the lifeline or is no more."""
        os.read(sys.stdin.fileno(), 1)
        if self.kernel:
            kill_group(self.kernel.pid, signal.SIGINT)
        time.sleep(GRACE)
        if self.kernel:
            kill_group(self.kernel.pid, signal.SIGKILL)
        shutil.rmtree(runtime, ignore_errors=True)
        os._exit(130)


class ThisPython(AsyncKernelManager):
    """A kernel of this interpreter, whatever kernels are registered, on sockets in a private folder."""

    def __init__(self, wire: Wire, runtime: str):
        super().__init__(transport="ipc", connection_file=f"{runtime}/kernel.json", kernel_name="python3")
        self.wire = wire

    @property
    def kernel_spec(self) -> KernelSpec:
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=command, display_name="Python 3", language="python")

    def client(self, **options: Any) -> Any:
        client = super().client(**options)
        client.context.setsockopt(zmq.RCVHWM, 0)  # a full queue would drop outputs without a word
        return client

    async def _async_launch_kernel(self, kernel_cmd: list[str], **options: Any) -> None:
        await super()._async_launch_kernel(kernel_cmd, **options)
        self.wire.kernel = self.provisioner.process
        self.wire.send(kernel=self.wire.kernel.pid)


class Copy(NotebookExecutionManager):
    """The executed copy while it grows: every save is atomic, every cell is told of."""

    def __init__(self, nb: Any, path: Path, wire: Wire):
        super().__init__(nb, output_path=str(path), progress_bar=False)
        self.wire = wire

    def save(self, **_: Any) -> None:
        write_json(self.output_path, self.nb, indent=1)
        self.last_save_time = self.now()

    def cell_start(self, cell: Any, cell_index: int | None = None, **_: Any) -> None:
        for k, code in enumerate(code_cells(self.nb), 1):
            if code is cell:
                self.wire.line = ""
                self.wire.send(cell=k)
        super().cell_start(cell, cell_index)


class Client(PapermillNotebookClient):
    """papermill's client; it also hands the last line that a cell prints to the wire."""

    def process_message(self, msg: dict[str, Any], *rest: Any) -> Any:
        content = msg["content"]
        data = content.get("data", {})
        if msg["msg_type"] == "stream":
            self.nb_man.wire.line = last_line(content["text"]) or self.nb_man.wire.line
        elif msg["msg_type"] in ("display_data", "update_display_data") and [*data] == ["text/plain"]:
            self.nb_man.wire.line = last_line(data["text/plain"])  # a bar that replaces its own output
        return super().process_message(msg, *rest)


def tree_memory(pid: int) -> int:
    """Bytes a process and its descendants hold now; pages they share count once where the system can tell."""
    total = 0
    with contextlib.suppress(psutil.Error):
        top = psutil.Process(pid)
        tree = [top, *top.children(recursive=True)]
        for process in tree:
            with contextlib.suppress(psutil.Error):
                alone = len(tree) == 1 or sys.platform != "linux"
                total += process.memory_info().rss if alone else process.memory_full_info().pss
    return total


def execute(task: dict[str, Any], wire: Wire) -> None:
    """Run every cell; the end mark is set only if none failed."""
    path = Path(task["copy"])
    content = nbformat.from_dict(read(path))
    content.metadata.papermill = nbformat.NotebookNode()
    copy = Copy(content, path, wire)
    environment = {**os.environ, "PYTHONPATH": task["python_path"], "IPYTHONDIR": task["runtime"]}
    environment.pop("MPLBACKEND", None)  # a kernel shows figures unless the user's shell says otherwise
    kernel = ThisPython(wire, task["runtime"])
    client = Client(copy, km=kernel, force_raise_errors=True, iopub_timeout=task["output_timeout"])
    copy.notebook_start()
    try:
        client.execute(cwd=task["folder"], env=environment, cleanup_kc=True)
        content.metadata[MARK]["ended"] = not content.metadata.papermill.exception
    finally:
        copy.notebook_complete()


def cause_of_death(kernel: subprocess.Popen | None) -> str:
    code = kernel.poll() if kernel else None
    if code is None or code >= 0:
        return f"the kernel ended by itself with exit code {code}"
    name = signal.Signals(-code).name
    return f"the kernel was killed by {name}{' (out of memory?)' if name == 'SIGKILL' else ''}"


def main() -> None:
    wire = Wire(int(sys.argv[1]))
    task = json.loads(sys.argv[2])
    threading.Thread(target=wire.hold, args=(task["runtime"],), daemon=True).start()
    threading.Thread(target=wire.watch, daemon=True).start()
    try:
        execute(task, wire)
    except DeadKernelError:
        wire.send(failed="DeadKernel", message=cause_of_death(wire.kernel))
    except CellTimeoutError:
        wire.send(failed="OutputsLost", message="the kernel's outputs did not all arrive")
    except Exception as error:  # whatever else stops an engine is the parent's to tell
        wire.send(failed=type(error).__name__, message=str(error)[-1500:])
    wire.send(ended=True, peak=max(wire.peak, largest_process(resource.RUSAGE_CHILDREN)))


if __name__ == "__main__":
    main()
