"""A training session: how a run begins, is logged and validated, what it keeps, how it ends."""

import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor, nn

from lib import checkpoint
from lib.config import Training
from lib.progress import Progress
from lib.train import run_identity, state
from lib.train.log import History, HistoryRow, Meter, plain_row
from lib.train.optimise import Average, build_optimizer, parameter_groups, set_trainable
from lib.train.processes import align_weights, first_says
from lib.train.run_identity import FitError

PAUSE = 10.0  # seconds from one `last` to the next: an epoch may take less time than the disk

# validate(model) -> {"score": higher is better, "stop": why the run should end or None, and more columns}
Validator = Callable[[nn.Module], dict[str, Any]]


@dataclass(frozen=True)
class Fitted:
    """How a run ended. The model holds the weights of `best`, in eval mode."""

    best: Path
    history: list[HistoryRow]
    state: Literal["finished", "stopped", "found"]  # found: an equal run had ended before
    reason: str | None = None  # why it stopped before its last step
    resumed: int = 0  # the step at which this call took over


@dataclass(kw_only=True, eq=False)
class TrainingSession:
    """One run of `fit`: what it was given, and where it is."""

    model: nn.Module
    training: Training
    folder: Path
    key: dict[str, Any]
    total: int
    validator: Validator | None
    meta: dict[str, Any]
    encoder: nn.Module | None
    accelerator: Accelerator
    position: state.Position = field(default_factory=state.Position)
    resumed: int = 0

    def __post_init__(self) -> None:
        self.writes = self.accelerator.is_main_process
        self.name = f"fit {self.folder.parent.name}/{self.folder.name}"
        self.meter = Meter(self.accelerator.device)
        self.average: Average | None = None
        self.progress: Progress | None = None

    def look_up(self) -> run_identity.Start:
        """How to start; the first process tidies the folder before all of them look."""
        if self.writes:
            run_identity.settle_run(self.folder)
        self.accelerator.wait_for_everyone()
        start = run_identity.find_start(self.folder, self.key, self.training.resume)
        if start.told and self.writes:
            print(f"{self.name}: {start.told}", flush=True)
        return start

    def begin(self, start: run_identity.Start) -> None:
        """Seed, build what trains, and take over where a run broke off."""
        run_identity.remember(self.model, self.key, fresh=start.kind == "fresh")
        training = self.training
        state.seed_everything(training.seed + self.accelerator.process_index)
        align_weights(self.model)
        set_trainable(self.model, self.encoder, training)
        groups = parameter_groups(self.model, self.encoder, training, self.accelerator.num_processes)
        self.parameters = [parameter for group in groups for parameter in group["params"]]
        self.optimizer = self.accelerator.prepare_optimizer(build_optimizer(groups, training))
        rows = self.take_over(start.source) if start.source else []
        if start.source is None and training.ema:
            self.average = Average(self.model, training.ema)
        self.accelerator.wait_for_everyone()  # nobody still reads what is removed now
        if self.writes:
            run_identity.clear(self.folder, after=self.position.step if start.source else None)
        self.history = History(self.folder, rows, writes=self.writes)
        self.resumed = self.position.step
        self.pictures, self.begun = 0, time.monotonic()
        self.saved_at = self.begun
        if self.writes:
            self.progress = Progress(self.name, self.total, "steps", done=self.resumed)

    def take_over(self, source: Path) -> list[HistoryRow]:
        """Put everything back as it was when `source` was written; its rows come back."""
        checkpoint.load_into(self.model, checkpoint.load(source).weights, source)
        saved = self.read_position(source)
        if not (self.folder / "best").exists():
            self.position.best_score = self.position.best_step = None
        self.optimizer.load_state_dict(saved["optimizer"])
        if self.accelerator.scaler is not None:
            self.accelerator.scaler.load_state_dict(saved["scaler"])
        if self.training.ema:
            self.average = Average(self.model, self.training.ema)
            self.average.put(saved["raw"])
        device = self.accelerator.device
        self.meter.sums = {name: pair.to(device) * self.writes for name, pair in saved["meter"].items()}
        state.restore_random(saved["random"][self.accelerator.process_index])
        return saved["history"]

    def read_position(self, source: Path) -> dict[str, Any]:
        """Take the place in a run at which `source` was written; all else of its state comes back."""
        tensors, tree = checkpoint.read_state(source)
        saved = state.unflatten(tree, tensors)
        self.position = state.Position(**saved["position"])
        return saved

    @property
    def over(self) -> bool:
        return self.position.stopped is not None or self.position.step >= self.total

    def due(self, every: int | None) -> bool:
        """Whether the step just made ends a stretch of `every` steps, or an epoch where that is None."""
        return self.position.step % every == 0 if every else self.position.batch == 0

    @property
    def validation_due(self) -> bool:
        return self.validator is not None and (self.due(self.training.validate_every) or self.over)

    def log_step(self, pictures: int) -> None:
        """The line moves; every so many steps a row is written."""
        self.pictures += pictures * self.accelerator.num_processes
        if self.progress is not None:
            rate = self.pictures / max(time.monotonic() - self.begun, 1e-9)
            self.progress.update(loss=self.meter, seeing=f"{rate:.0f} pictures/s")
        if self.due(self.training.log_every) or self.over or self.validation_due:
            means = self.meter.empty()
            self.history.add({**self.where(), **means, "learning_rate": self.optimizer.param_groups[0]["lr"]})
            self.check_health(means["loss"])

    def check_health(self, loss: float) -> None:
        """Nothing good comes after a loss that is no number, and nothing of it shall be saved."""
        if not math.isfinite(loss):
            trouble = f"{self.name}: the loss is {loss} at step {self.position.step}"
            raise FitError(f"{trouble}; a lower training.learning_rate or training.clip may help")

    def where(self) -> HistoryRow:
        return {"step": self.position.step, "epoch": self.position.epoch}

    def validate(self) -> None:
        """Validate, with the averaged weights where there are any; keep the best, and see whether to stop."""
        align_weights(self.model, buffers_only=True)
        with self.averaged_weights():
            self.model.eval()
            with state.untouched_random(), torch.no_grad():
                result = first_says(plain_row(self.validator(self.model)))
            if "score" not in result:
                raise FitError(f'validate must return "score", not {", ".join(result)}')
            self.history.add({**self.where(), **{f"val_{name}": value for name, value in result.items()}})
            self.keep_best(result["score"], result.get("stop"))
        set_trainable(self.model, self.encoder, self.training)
        self.history.write()

    def keep_best(self, score: float, stop: str | None) -> None:
        """A model that made validation say stop is never the best one, whatever its score."""
        position, patience = self.position, self.training.patience
        if stop is None and score > (-math.inf if position.best_score is None else position.best_score):
            position.best_score, position.best_step, position.worse = score, position.step, 0
            self.save("best")
            return
        position.worse += 1
        if stop is not None:
            position.stopped = stop
        elif patience is not None and position.worse >= patience:
            position.stopped = f"no better score in {position.worse} validations"

    def averaged_weights(self) -> contextlib.AbstractContextManager[dict[str, Tensor]]:
        """The weights that are used later: averaged ones where the run averages."""
        return self.average.in_place() if self.average else contextlib.nullcontext({})

    def save_if_due(self) -> None:
        """Save what a broken run goes on from: every so many steps, or after an epoch now and then."""
        every = self.training.checkpoint_every
        if not self.due(every):
            return
        if every:
            self.save_state(f"step-{self.position.step}")
            if self.writes:
                run_identity.prune(self.folder, self.training.checkpoints_kept)
        elif not self.over and first_says(time.monotonic() - self.saved_at >= PAUSE):
            self.save_state("last")
            self.saved_at = time.monotonic()

    def save_state(self, name: str, *, finished: bool = False) -> None:
        """A checkpoint with all that a run needs to go on."""
        self.check_health(self.meter.read().get("loss", 0.0))
        self.meter.pool(keep=self.writes)
        align_weights(self.model, buffers_only=True)
        scaler = self.accelerator.scaler
        with self.averaged_weights() as raw:
            kept = {
                "position": asdict(self.position),
                "optimizer": self.optimizer.state_dict(),
                "scaler": scaler.state_dict() if scaler is not None else None,
                "raw": raw,
                "meter": self.meter.sums,
                "random": gather_object([state.random_states()]),
                "history": self.history.rows,
            }
            tensors: dict[str, Tensor] = {}
            tree = state.flatten(kept, "state", tensors)
            self.save(name, (tensors, tree), finished=finished)
        self.history.write()

    def save(self, name: str, kept: checkpoint.SavedState | None = None, *, finished: bool = False) -> None:
        """Write one checkpoint, on the first process; the others wait."""
        if self.writes:
            row = self.history.rows[-1] if self.history.rows else {}
            odd = [name for name, value in row.items() if value in (math.inf, -math.inf) or value != value]
            row = row | dict.fromkeys(odd)  # JSON knows no infinity
            own = {"step": self.position.step, "finished": finished, "metrics": row, "run_key": self.key}
            checkpoint.save(self.folder / name, self.model.state_dict(), {**self.meta, **own}, kept)
        self.accelerator.wait_for_everyone()

    def end(self) -> Fitted:
        """Mark the run as ended, once its best is safe."""
        if self.validator is None:
            with self.averaged_weights():
                self.save("best")
        elif self.position.best_step is None:
            reason = self.position.stopped or "no validation gave a score"
            raise FitError(f"{self.name}: ended without a healthy checkpoint: {reason}")
        self.save_state("last", finished=True)
        return self.hand_over("stopped" if self.position.stopped else "finished", self.history.rows)

    def find(self, start: run_identity.Start) -> Fitted:
        """An equal run has ended before: its best is the answer."""
        return self.hand_over("found", self.read_position(start.source)["history"])

    def hand_over(self, how: str, rows: list[HistoryRow]) -> Fitted:
        """Give the model the best weights, so that it is the same whether it was trained now or before."""
        best = self.folder / "best"
        checkpoint.load_into(self.model, checkpoint.load(best).weights, best)
        self.model.eval()
        run_identity.remember(self.model, self.key)
        return Fitted(best, rows, how, self.position.stopped, self.resumed)

    def close(self) -> None:
        """Leave the last line and an up-to-date history, however the run went."""
        self.history.close()
        if self.progress is not None:
            self.progress.__exit__()
