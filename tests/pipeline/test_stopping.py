"""Stopping: Ctrl-C, SIGTERM, kill -9. Nothing survives, the record tells the truth, the next run goes on."""

import os
import signal
import tempfile
import time
from pathlib import Path

import psutil
import pytest
from toy_pipeline import WRITE, Toy

from lib.files import write_json
from pipeline import inline

LONG = """import os, subprocess, time
pids = [os.getpid(), os.getppid()]
if not Path(output, 'rested').exists():
    quiet = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}
    pids.append(subprocess.Popen(['sleep', '600'], **quiet).pid)
Path(output, 'pids.tmp').write_text(' '.join(map(str, pids)))"""
BEGUN = "Path(output, 'pids.tmp').rename(Path(output, 'pids'))\n"  # an interrupt between two cells meets none
SLEEP = BEGUN + "if not Path(output, 'rested').exists():\n    time.sleep(600)"


@pytest.fixture
def sleeper(toy) -> Toy:
    """A stage that is done, then one that sleeps in its last cell until it is stopped; it does so once."""
    toy.stage("00_first", makes=("{output}/first.txt",))
    toy.stage("01_sleeps", needs=("{output}/first.txt",))
    toy.write("01_sleeps", WRITE, LONG, SLEEP)
    assert toy.run("--only", "00") == 0
    return toy


def wait_for(path: Path, seconds: float = 40) -> str:
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.05)
    return path.read_text()


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def all_gone(pids: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not all(gone(int(pid)) for pid in pids.split()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def go_on(toy: Toy, *engine: str) -> str:
    """The next run: it skips what is done and runs what was stopped."""
    (toy.output / "rested").touch()
    code, said = toy.call(*engine)
    assert code == 0, said
    assert toy.states() == {"00_first": "skipped", "01_sleeps": "ok"}
    return said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_leaves_no_process_and_can_be_resumed(sleeper, number):
    process = sleeper.start()
    pids = wait_for(sleeper.output / "pids")
    code, said = sleeper.call()
    assert code == 2 and f"another run is at work in {sleeper.output}: process {process.pid} since" in said
    process.send_signal(number)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert all_gone(pids, 1), "a process survived"
    assert_interrupted(sleeper, said)
    failure = sleeper.record()["stages"]["01_sleeps"]["failure"]
    assert failure["kind"] == "KeyboardInterrupt", "the cell was asked before it was killed"
    assert "01_sleeps                runs     last run interrupted" in go_on(sleeper, "--inline")


def test_a_stopped_inline_run_is_interrupted_too(sleeper):
    process = sleeper.start("--inline")
    pids = wait_for(sleeper.output / "pids").split()
    process.terminate()
    said, _ = process.communicate(timeout=30)
    os.kill(int(pids[2]), signal.SIGKILL)  # a cell's own child is the user's where cells run in place
    assert process.returncode == 130
    assert_interrupted(sleeper, said)


def test_an_interrupt_between_two_cells_is_recorded(toy, monkeypatch):
    toy.stage("00_first", "x = 1")
    saves = []

    def interrupted_save(path, notebook, **how):
        saves.append(path)
        if len(saves) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        write_json(path, notebook, **how)

    monkeypatch.setattr(inline, "write_json", interrupted_save)
    assert toy.run() == 130
    assert toy.states() == {"00_first": "interrupted"}


def assert_interrupted(toy: Toy, said: str) -> None:
    assert toy.states() == {"00_first": "skipped", "01_sleeps": "interrupted"}
    assert toy.record()["run"]["state"] == "interrupted"
    assert "to go on (what is done is skipped): python run_all.py" in said.splitlines()[-1]
    assert toy.copy("01_sleeps.partial")["metadata"]["lookbook"]["complete"] is False


def test_a_killed_run_leaves_the_truth_and_the_next_one_waits_for_its_kernels(sleeper):
    process = sleeper.start()
    pids = wait_for(sleeper.output / "pids")
    process.kill()
    process.wait()
    assert sleeper.states() == {"00_first": "skipped", "01_sleeps": "running"}
    code, listed = sleeper.call("--list")
    assert code == 0 and "interrupted, started" in listed
    said = go_on(sleeper, "--inline")
    assert "last run interrupted" in said
    assert all_gone(pids, 0), "the next run began before the killed one's kernel had ended"


def test_a_cell_that_ignores_the_interrupt_is_killed(toy):
    deaf = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + BEGUN + "time.sleep(600)"
    toy.stage("00_deaf")
    toy.write("00_deaf", WRITE, LONG, deaf)
    scratch = tempfile.mkdtemp(prefix="deaf-")  # a short path, since sockets lie there
    process = toy.start(env={"TMPDIR": scratch})
    pids = wait_for(toy.output / "pids")
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)  # impatient: at once
    process.communicate(timeout=30)
    assert process.returncode == 130 and all_gone(pids, 1)
    assert not list(Path(scratch).iterdir()), "its sockets lie about"
    Path(scratch).rmdir()
    assert toy.states() == {"00_deaf": "interrupted"}
