"""What a run records while it runs: means on the device, history.csv, event files for TensorBoard."""

import csv
import io
import math
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lib.files import write_text
from lib.train.processes import total
from lib.train.run_identity import FitError

CSV_SECONDS = 5.0  # at most so old is history.csv while a run is on

HistoryRow = dict[str, Any]


class Meter:
    """Means since the last row, kept on the device so that logging makes no step wait for it."""

    def __init__(self, device: torch.device):
        self.device = device
        self.sums: dict[str, Tensor] = {}  # name -> [sum, weight]
        self.loss = math.nan  # the last row's

    def add(self, name: str, value: Tensor | float, weight: Tensor | float = 1.0) -> None:
        """Take in a sum over `weight` items."""
        parts = (torch.as_tensor(part, dtype=torch.float32, device=self.device) for part in (value, weight))
        pair = torch.stack([part.detach() for part in parts])
        self.sums[name] = self.sums[name] + pair if name in self.sums else pair

    def note(self, result: dict[str, Any]) -> Tensor:
        """Take in what an objective returned; the number of items comes back."""
        if "loss" not in result or "count" not in result:
            raise FitError(f'an objective returns "loss" (a sum) and "count", not {", ".join(result)}')
        count = torch.as_tensor(result["count"], dtype=torch.float32, device=self.device)
        self.add("loss", result["loss"], count)
        for name, value in result.items():
            if name not in ("loss", "count"):
                self.add(name, value)
        return count

    def read(self) -> dict[str, float]:
        """Name -> mean."""
        if not self.sums:
            return {}
        pairs = zip(self.sums, torch.stack(list(self.sums.values())).tolist(), strict=True)
        return {name: value / max(weight, 1e-12) for name, (value, weight) in pairs}

    def empty(self) -> dict[str, float]:
        """The means over all processes, which must all ask; then start again."""
        self.sums = {name: total(pair) for name, pair in self.sums.items()}
        means = self.read()
        self.loss, self.sums = means["loss"], {}
        return means

    def pool(self, *, keep: bool) -> None:
        """Bring the sums of all processes to the one that keeps them, for a checkpoint to hold."""
        self.sums = {name: total(pair) * keep for name, pair in self.sums.items()}

    def __str__(self) -> str:
        """The loss, read from the device only when a progress line is drawn."""
        return f"{self.read().get('loss', self.loss):.3f}"


def plain_row(values: dict[str, Any]) -> HistoryRow:
    """What a validation said as numbers and text, fit for a table and for JSON."""
    row = {name: value.item() if hasattr(value, "item") else value for name, value in values.items()}
    if odd := [name for name, value in row.items() if not isinstance(value, float | int | str | None)]:
        raise FitError(f"validate returns numbers and text; {odd[0]} is a {type(row[odd[0]]).__name__}")
    return row


class History:
    """The rows of a run: in memory, in history.csv and, for TensorBoard, in event files."""

    def __init__(self, folder: Path, rows: list[HistoryRow], *, writes: bool):
        self.folder, self.rows, self.writes = folder, rows, writes
        self.written = time.monotonic()
        self.board = None
        if writes:
            from torch.utils.tensorboard import SummaryWriter

            last = rows[-1]["step"] + 1 if rows else None
            self.board = SummaryWriter(str(folder / "tensorboard"), purge_step=last)

    def add(self, row: HistoryRow) -> None:
        """Append a row; one for a step that has a row already completes it."""
        if self.rows and self.rows[-1]["step"] == row["step"]:
            self.rows[-1] |= row
        else:
            self.rows.append(row)
        if self.writes:
            for name, value in row.items():
                if name not in ("step", "epoch") and isinstance(value, int | float):
                    self.board.add_scalar(name, value, row["step"])
            if time.monotonic() - self.written >= CSV_SECONDS:
                self.write()

    def write(self) -> None:
        """Bring history.csv up to date, as a whole: a validation may bring columns nobody knew before."""
        if not self.writes:
            return
        names = dict.fromkeys(name for row in self.rows for name in row)
        text = io.StringIO()
        table = csv.DictWriter(text, names, lineterminator="\n")
        table.writeheader()
        table.writerows(self.rows)
        write_text(self.folder / "history.csv", text.getvalue())
        self.board.flush()
        self.written = time.monotonic()

    def close(self) -> None:
        self.write()
        if self.board is not None:
            self.board.close()
