"""Executed copies: prepared for an engine, checked cell by cell, tidied, marked complete or partial."""

import copy
import re
from dataclasses import dataclass
from typing import Any

from pipeline.notebook import code_cells, has_tag
from pipeline.plan import Job

MARK = "lookbook"  # the metadata key: stage, profile, engine, whether all cells ran, whether all was kept
LONGEST = 100_000  # characters of one text output; the middle of a longer one is left out
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ERASE = re.compile(r"\x1b\[[0-9]*K")  # what a progress bar writes to empty its line


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a stage failed, as far as a reader needs it to find the place."""

    kind: str
    message: str
    cell: int | None = None  # counted from 1 over the code cells that run
    lines: tuple[str, ...] = ()  # the end of the traceback

    def to_json(self) -> dict[str, Any]:
        told = {"kind": self.kind, "message": self.message, "cell": self.cell}
        return told | {"traceback": "\n".join(self.lines)}


def prepare_copy(job: Job, engine: str) -> dict[str, Any]:
    """The notebook to run: no outputs, and a cell after the parameters with all that differs from them."""
    notebook = copy.deepcopy(job.notebook)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    changed = {name: value for name, value in job.parameters.items() if value != job.literals[name]}
    if changed:
        where = next(k for k, cell in enumerate(notebook["cells"]) if has_tag(cell, "parameters"))
        source = "\n".join(f"{name} = {value!r}" for name, value in changed.items())
        notebook["cells"].insert(where + 1, new_cell("code", source, "injected-parameters"))
    mark = {"stage": job.name, "profile": job.parameters["profile"], "engine": engine}
    notebook["metadata"][MARK] = {**mark, "ended": False, "complete": False}
    return notebook


def new_cell(kind: str, source: str, tag: str) -> dict[str, Any]:
    cell = {"cell_type": kind, "id": tag, "metadata": {"tags": [tag]}, "source": source}
    return cell | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def find_failure(sent: dict[str, Any], back: dict[str, Any]) -> Failure | None:
    """What is wrong with the copy an engine hands back; None if every cell ran, in order, to the end."""
    cells = code_cells(back)
    for k, cell in enumerate(cells, 1):
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                told = without_escapes("\n".join(output["traceback"])).splitlines()
                last = tuple([line for line in told if line.strip("- ")][-8:])
                message = without_escapes(output["evalue"])
                return Failure(kind=output["ename"], message=message, cell=k, lines=last)
    if [cell["source"] for cell in cells] != [cell["source"] for cell in code_cells(sent)]:
        return Failure(kind="CellsLost", message="the executed copy does not hold the cells that were sent")
    for k, cell in enumerate(cells, 1):
        if cell["execution_count"] is None:
            return Failure(kind="CellSkipped", message=f"code cell {k} never ran", cell=k)
        if cell["execution_count"] != k:
            message = f"code cell {k} has the count {cell['execution_count']}: the kernel was restarted"
            return Failure(kind="KernelRestarted", message=message, cell=k)
    if not back["metadata"].get(MARK, {}).get("ended"):
        return Failure(kind="NoEnd", message="the executed copy has no end mark: the run broke off")
    return None


def join_streams(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Streams joined with their progress bars folded, and texts capped."""
    joined: list[dict[str, Any]] = []
    for output in outputs:
        if output["output_type"] == "stream":
            output = {**output, "text": "".join(output["text"])}
            if joined and joined[-1].get("name") == output["name"]:
                joined[-1]["text"] += output["text"]
                continue
        joined.append(output)
    for output in joined:
        if output["output_type"] == "stream":
            output["text"] = cap(fold(output["text"]))
        elif "text/plain" in output.get("data", {}):
            output["data"]["text/plain"] = cap("".join(output["data"]["text/plain"]))
    return joined


def fold(text: str) -> str:
    """What a terminal would show in the end: of a line rewritten with \\r, the last writing."""
    lines = ERASE.sub("", text).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def last_line(text: str) -> str:
    """The last line that says anything: what a progress bar shows now."""
    lines = [line.strip() for line in re.split(r"[\r\n]", without_escapes(text))]
    return next((line[:200] for line in reversed(lines) if line), "")


def cap(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    half = LONGEST // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"


def without_escapes(text: str) -> str:
    return ESCAPES.sub("", text)


def seal_copy(notebook: dict[str, Any], failure: Failure | None) -> dict[str, Any]:
    """The copy as it is kept, without the engine's own notes: complete, or partial with the reason on top."""
    notebook["metadata"].pop("papermill", None)
    for cell in notebook["cells"]:
        for key in ("papermill", "execution"):
            cell["metadata"].pop(key, None)
        if cell["cell_type"] == "code":
            cell["outputs"] = join_streams(cell["outputs"])
    notebook["metadata"][MARK]["complete"] = failure is None
    if failure:
        where = f" in code cell {failure.cell}" if failure.cell else ""
        text = f"**This run did not finish: {failure.kind}{where}.** {failure.message}"
        notebook["cells"].insert(0, new_cell("markdown", text, "partial"))
    return notebook
