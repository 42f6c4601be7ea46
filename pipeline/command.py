"""The command line of the pipeline: `run_all.py` hands its PIPELINE to `main`."""

import argparse
import contextlib
import os
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from lib.paths import ROOT
from pipeline import closing, lock
from pipeline.listing import listing
from pipeline.plan import Request, make_plan
from pipeline.runner import PipelineRun
from pipeline.screen import open_screen
from pipeline.stage import PROFILES, PipelineError, Stage

EXAMPLES = """\
examples:
  python run_all.py                                   every notebook as it stands (the demo profile), in order
  python run_all.py --profile smoke                   the same in a minute or two, into output/smoke
  python run_all.py --list                            the stages, what they need and make, how they last ran
  python run_all.py --only 00,02                      two of them; what has not changed is skipped
  python run_all.py --from 03 --force                 from one on, even where nothing has changed
  python run_all.py --only 02 -p training.max_steps 500 -p seed 1
  python run_all.py --profile full --output output/trial --keep-going --jobs 2
  torchrun --standalone --nproc-per-node 8 run_all.py --inline --only 03 --profile full

A stage is skipped when its notebook, its parameters, the lib modules it imports and its inputs are those of
its last good run and what it made is still there. Exit code: 0 all good, 1 a stage or the report failed,
2 refused before anything ran, 130 interrupted."""


def main(pipeline: Sequence[Stage], argv: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Do what the command line asks; `root` holds notebooks/ and lib/. Returns the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    rank = int(os.environ.get("RANK", 0))
    several = rank > 0 or int(os.environ.get("WORLD_SIZE", 1)) > 1
    try:
        request = Request(root=root, **vars(make_parser().parse_args(argv)))
        if request.listing:
            print(listing(pipeline, request), flush=True)
            return 0
        check_combination(request, several=several)
        return run_pipeline(pipeline, request, argv, rank=rank, several=several)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except PipelineError as error:
        if rank == 0:
            print(f"run_all.py: {error}", file=sys.stderr)
        return 2


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run_all.py",
        description="Run the numbered notebooks headless, in order, and record what happened.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add, flag = parser.add_argument, {"action": "store_true"}
    add("--profile", choices=tuple(PROFILES), default="demo", help="which sizes and data (default: demo)")
    one = parser.add_mutually_exclusive_group().add_argument
    one("--only", metavar="STAGES", type=split_names, default=(), help="run these alone: 00,02 or 00_dataset")
    one("--from", metavar="STAGE", dest="start", help="run this one and all after it")
    add("--force", **flag, help="run even what has not changed")
    add("--keep-going", **flag, help="after a failure, run what does not depend on it")
    add("--jobs", type=int, default=1, metavar="N", help="run up to N independent stages at once")
    add("--list", **flag, dest="listing", help="show the stages, their state and what would run; run nothing")
    add("--inline", **flag, help="run the cells in this process: torchrun, accelerate, a debugger")
    add("--output", default="", metavar="DIR", help="where results go (default: output, or output/PROFILE)")
    pair = {"nargs": 2, "action": "append", "default": [], "metavar": ("NAME", "VALUE"), "dest": "changes"}
    add("-p", **pair, help="set a notebook parameter, or one key of it: -p training.max_steps 500")
    return parser


def split_names(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(",") if name.strip())


def check_combination(request: Request, *, several: bool) -> None:
    if request.jobs < 1 or (request.jobs > 1 and request.inline):
        raise PipelineError("--jobs takes a number from 1 on, and with --inline only 1")
    if several and not request.inline:
        raise PipelineError("torchrun and accelerate run cells in their own processes: add --inline")
    if several and request.keep_going:
        raise PipelineError("--keep-going needs a single process: the others cannot know that a cell failed")


def run_pipeline(
    pipeline: Sequence[Stage], request: Request, argv: Sequence[str], *, rank: int, several: bool
) -> int:
    """Plan, lock the output folder, run, report; the exit code."""
    started = time.monotonic()
    jobs = make_plan(pipeline, request)
    with lock.take_lock(request.place.root) if rank == 0 else contextlib.nullcontext() as holder:
        screen = open_screen(silent=rank > 0, inline=request.inline)
        for stage in pipeline:
            if not stage.runs_in(request.profile):
                screen.say(f"{stage.notebook:<24} does not run in the profile {request.profile}")
        work = PipelineRun(jobs, request, screen, several=several, silent=rank > 0)
        state = work.execute(holder, argv)
        reported = rank > 0 or state == "interrupted" or closing.refresh_report(request, screen)
        seconds = time.monotonic() - started
        screen.say(closing.summary(work.outcome, [job.name for job in jobs], seconds, request))
        return conclude(work, state, reported=reported)


def conclude(work: PipelineRun, state: str, *, reported: bool) -> int:
    """The last lines: failures, and how to go on. A cell's error in this process goes up to a debugger."""
    lines = closing.last_lines(work.failures, state, work.request)
    if isinstance(work.raised, Exception) and not work.request.keep_going:

        def show(kind: type, error: BaseException, trace: object) -> None:
            traceback.print_exception(error)
            work.screen.say(lines)

        sys.excepthook = show  # so that these stay the last lines, below the traceback
        raise work.raised
    if lines:
        work.screen.say(lines)
    return {"interrupted": 130, "failed": 1}.get(state, 0 if reported else 1)
