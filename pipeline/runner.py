"""The run: starts the planned jobs in order, skips what still holds, checks each promise, records all."""

import time
from collections.abc import Sequence
from typing import Any, TextIO

from lib.files import write_json
from lib.paths import shorten
from lib.progress import clock
from pipeline import closing
from pipeline.executed import Failure, seal_copy
from pipeline.fingerprint import reasons_to_run, spell_reasons, state_of, take_fingerprint
from pipeline.inline import InlineRun
from pipeline.launch import GRACE, KernelRun
from pipeline.notebook import code_cells
from pipeline.plan import Job, Request
from pipeline.record import RunRecord, now, surroundings
from pipeline.screen import Lines, StageProgress, spell_bytes
from pipeline.stopping import on_stop

GOOD = ("ok", "skipped")
POLL = 0.1  # seconds between two looks at the running stages
HURRY = f"stopping, {GRACE:.0f} s at most; Ctrl-C again ends it at once"


class PipelineRun:
    """One call of the pipeline.

    `several` says that torchrun or accelerate started this process among others: then nothing is skipped,
    since all must run the same cells. `silent` marks those after the first: they run cells and write nothing.
    """

    def __init__(self, jobs: Sequence[Job], request: Request, screen: Lines, *, several: bool, silent: bool):
        self.jobs, self.request, self.screen = jobs, request, screen
        self.several, self.silent = several, silent
        self.record = RunRecord(request.place.run_json, silent=silent)
        self.about = {} if silent else surroundings()
        self.outcome: dict[str, str] = {}
        self.failures: dict[str, Failure] = {}
        self.running: list[KernelRun | InlineRun] = []
        self.drafts: dict[str, dict[str, Any]] = {}  # the records of the stages that were started
        self.before: dict[str, list[float]] = {}  # when their last good runs began each cell, and ended
        self.stops: list[float] = []  # when the user asked to stop
        self.raised: BaseException | None = None  # by a cell in this process
        self.lock: TextIO | None = None

    def execute(self, lock: TextIO | None, argv: Sequence[str]) -> str:
        """Run all that can run; what became of it: ok, failed or interrupted."""
        started = time.monotonic()
        self.lock = lock
        self.record.begin({"arguments": list(argv), "profile": self.request.profile, **self.about})
        with on_stop(self.ask_to_stop):
            try:
                while self.start_ready():
                    self.tend()
            except KeyboardInterrupt:  # between two cells of this process, so no cell could take it in
                for name in self.drafts.keys() - self.outcome.keys():
                    self.outcome[name] = "interrupted"
                    self.record.put(name, {**self.drafts[name], "state": "interrupted"})
                    self.screen.mark(name, "interrupted", "")
        self.record.end(self.state(), time.monotonic() - started)
        return self.state()

    def state(self) -> str:
        return "interrupted" if self.stops else "failed" if self.failures else "ok"

    def start_ready(self) -> bool:
        """Start, skip or block every job whose turn it is; whether anything runs."""
        for k, job in enumerate(self.jobs):
            if job.name in self.drafts or job.name in self.outcome:
                continue
            ending = self.stops or (self.failures and not self.request.keep_going)
            if ending or len(self.running) >= self.request.jobs:
                break
            feeders = [earlier.name for earlier in self.jobs[:k] if earlier.feeds(job)]
            if bad := [name for name in feeders if self.outcome.get(name, "ok") not in GOOD]:
                self.block(job, bad[0])
            elif all(name in self.outcome for name in feeders):
                self.consider(job)
        return bool(self.running)

    def block(self, job: Job, feeder: str) -> None:
        self.outcome[job.name] = "blocked"
        self.record.put(job.name, {**self.record.stage(job.name), "state": "blocked", "blocked_by": feeder})
        self.screen.mark(job.name, "blocked", f"{feeder} did not succeed")

    def consider(self, job: Job) -> None:
        """Skip the job if its last good run still holds, else start it and say why."""
        last = self.record.stage(job.name)
        marks = {} if self.silent else take_fingerprint(job, self.request.root, last)
        reasons = ["several processes"] if self.several else reasons_to_run(job, last, marks, self.request)
        if not reasons:
            self.outcome[job.name] = "skipped"
            last.pop("blocked_by", None)
            self.record.put(job.name, {**last, **marks, "state": "skipped"})  # an input's time may be new
            since = last["started"][:16].replace("T", " ")
            self.screen.mark(job.name, "skipped", f"nothing changed since {since}")
            return
        self.screen.mark(job.name, "runs", spell_reasons(reasons))
        alike = last.get("complete") and last.get("parameters", {}).get("profile") == self.request.profile
        self.before[job.name] = [*last.get("starts", [0.0]), last["seconds"]] if alike else []
        draft = {"state": "running", "complete": False, "started": now(), "reasons": reasons}
        self.drafts[job.name] = draft = {**draft, "literals": job.literals, **self.about, **marks}
        self.record.put(job.name, draft)
        if not (self.silent or self.request.place.report.exists()):
            closing.refresh_report(self.request, self.screen)  # to look at while the first stage runs
        self.running.append(self.launch(job))

    def launch(self, job: Job) -> KernelRun | InlineRun:
        partial = self.request.copies(job.name)[1]
        if self.request.inline:
            return InlineRun(job, partial, silent=self.silent, stopping=lambda: bool(self.stops))
        return KernelRun(job, partial, self.request.root, self.lock.fileno())

    def tend(self) -> None:
        """Hear of every running stage, settle those that are over, end the rest if the user wants to stop."""
        for run in [run for run in self.running if run.poll()]:
            self.running.remove(run)
            self.settle(run)
        if self.stops:
            impatient = len(self.stops) > 1 or time.monotonic() - self.stops[0] > GRACE + 2
            for run in self.running:
                run.kill() if impatient else run.stop()
        self.screen.show([self.progress(run) for run in self.running])
        if self.running:
            time.sleep(POLL)

    def progress(self, run: KernelRun | InlineRun) -> StageProgress:
        told = {"stage": run.job.name, "line": HURRY if self.stops else run.line, "starts": run.starts}
        told |= {"seconds": time.monotonic() - run.started, "before": self.before[run.job.name]}
        return StageProgress(cells=len(code_cells(run.sent)), **told)

    def settle(self, run: KernelRun | InlineRun) -> None:
        """Check the executed copy and the promises, keep the copy, and record the outcome."""
        job, seconds = run.job, time.monotonic() - run.started
        copy, failure = run.result()
        failure = failure or self.broken_promise(job)
        state = "ok" if not failure else "interrupted" if self.stops else "failed"
        self.outcome[job.name] = state
        if state == "failed":
            self.failures[job.name] = failure
            self.raised = self.raised or run.error
        if self.silent:
            return
        whole, partial = self.request.copies(job.name)
        write_json(partial if failure else whole, seal_copy(copy, failure), indent=1)
        if not failure:
            partial.unlink(missing_ok=True)
        makes = {} if failure else {name: state_of(path) for name, path in job.makes.items()}
        told = {"state": state, "complete": failure is None, "ended": now(), "engine": run.engine}
        told |= {"seconds": round(seconds, 3), "peak_memory": run.peak, "cells": len(code_cells(run.sent))}
        told |= {"makes": makes, "failure": failure and failure.to_json(), "starts": run.starts}
        self.record.put(job.name, {**self.drafts[job.name], **told})
        self.screen.mark(job.name, state, f"{clock(seconds)}, {spell_bytes(run.peak)}")
        if any(job.name not in self.outcome for job in self.jobs) and not self.stops:
            closing.refresh_report(self.request, self.screen)

    def broken_promise(self, job: Job) -> Failure | None:
        """A file that the stage promised and that is not there. One from an earlier run will do: training
        that found its work done writes nothing anew."""
        missing = [shorten(path) for path in job.makes.values() if not path.exists()]
        if not missing or self.silent:
            return None
        return Failure(kind="PromiseBroken", message=f"every cell ran, but {', '.join(missing)} is missing")

    def ask_to_stop(self) -> None:
        self.stops.append(time.monotonic())
        if self.request.inline:
            raise KeyboardInterrupt  # in the cell that is running in this process
