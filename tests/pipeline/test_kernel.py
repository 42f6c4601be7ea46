"""The kernel engine: the outputs that the inline engine gives, and no loss that passes for a success."""

import os
import time

import nbformat
from toy_pipeline import WRITE, Toy

from pipeline import launch, main, screen

SPEAKING = (
    "import sys\nprint('one')\nprint('two')\n{'b': 1, 'a': [1, 2]}",
    "print('to stderr', file=sys.stderr)",
    "for i in range(5):\n    print(f'\\repoch {i}', end='')",
    "display('shown', 5)",
    "list(range(60))",
    "seed / 4",
    "None",
    "import matplotlib.pyplot as plt\nfig, axes = plt.subplots(figsize=(1, 1))",
)


def run(toy: Toy, *arguments: str) -> int:
    return main(toy.pipeline, ["--output", str(toy.output), *arguments], root=toy.root)


def outputs(copy: dict) -> list:
    """What a reader sees, cell by cell; pictures are compared by being there."""
    return [
        [(*map(o.get, ("output_type", "name", "text")), seen(o.get("data", {}))) for o in cell["outputs"]]
        for cell in copy["cells"]
        if cell["cell_type"] == "code"
    ]


def seen(data: dict) -> tuple:
    return data.get("text/plain"), sorted(data)


def test_both_engines_leave_the_same_copy(toy, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")  # as on a build server; a kernel must show figures all the same
    toy.stage("00_first", *SPEAKING, makes=("{output}/x.txt",))
    assert run(toy, "-p", "seed", "3") == 0
    kernel, stage = toy.copy("00_first"), toy.record()["stages"]["00_first"]
    assert stage["engine"] == "papermill" and stage["peak_memory"] > 3e7
    nbformat.validate(nbformat.from_dict(kernel))
    assert toy.run("-p", "seed", "3") == 0 and toy.states() == {"00_first": "skipped"}
    assert toy.run("-p", "seed", "3", "--force") == 0
    inline = toy.copy("00_first")
    nbformat.validate(nbformat.from_dict(inline))
    assert outputs(inline) == outputs(kernel)
    assert [c["source"] for c in inline["cells"]] == [c["source"] for c in kernel["cells"]]
    assert inline["cells"][2]["source"] == f"output = {str(toy.output)!r}\nseed = 3"


SPOILT = {
    "00_exits": ("import os\nos._exit(3)", "DeadKernel", "exit code 3"),
    "01_killed": (
        "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
        "DeadKernel",
        "killed by SIGKILL",
    ),
    "02_skipped": (("x = 1", "skip-execution"), "CellSkipped", "code cell 3 never ran"),
    "03_mute": ("get_ipython().kernel.iopub_thread.stop()", "OutputsLost", "did not all arrive"),
    "04_raises": (("1 / 0", "raises-exception"), "ZeroDivisionError", "division by zero"),
}


def test_nothing_lost_passes_for_a_success(toy, monkeypatch, capsys):
    monkeypatch.setattr(launch, "OUTPUT_TIMEOUT", 2)
    for name, (cell, _, _) in SPOILT.items():
        toy.stage(name, cell, "'the last cell'")
    assert run(toy, "--keep-going", "--jobs", "2") == 1
    said = capsys.readouterr().out
    for name, (_, kind, message) in SPOILT.items():
        stage = toy.record()["stages"][name]
        assert (stage["state"], stage["failure"]["kind"]) == ("failed", kind), name
        assert message in stage["failure"]["message"] and stage["failure"]["cell"] == 3, name
        mark = toy.copy(f"{name}.partial")["metadata"]["lookbook"]
        assert mark["complete"] is False and mark["ended"] is (name == "02_skipped")
        assert f"{name} failed in code cell 3: {kind}" in said
    assert said.splitlines()[-1].endswith(f"python run_all.py --output {toy.output} --keep-going --jobs 2")


MEET = """import os, time
from pathlib import Path
Path(output).mkdir(exist_ok=True)
Path(output, str(os.getpid()) + '.here').touch()
while len(list(Path(output).glob('*.here'))) < 2 and time.sleep(0.05) is None:
    pass"""


def test_independent_stages_run_at_once_and_dependent_ones_wait(toy):
    toy.stage("00_one", MEET, makes=("{output}/one.txt",))
    toy.stage("01_two", MEET)
    toy.stage("02_after", "assert Path(output, 'one.txt').exists()", needs=("{output}/one.txt",))
    toy.write("02_after", WRITE + "\nassert Path(output, 'one.txt').exists()")
    started = time.monotonic()
    assert run(toy, "--jobs", "3") == 0, "the first two only end if they meet"
    stages = toy.record()["stages"]
    assert stages["02_after"]["started"] >= stages["00_one"]["ended"]
    assert time.monotonic() - started < 60


def test_the_kernel_is_this_python_in_the_notebooks_folder(toy, monkeypatch):
    monkeypatch.setenv("JUPYTER_PATH", str(toy.root / "kernels"))
    other = toy.root / "kernels" / "kernels" / "python3"
    other.mkdir(parents=True)
    (other / "kernel.json").write_text('{"argv": ["/bin/false"], "display_name": "x", "language": "python"}')
    toy.stage("00_first", "import os, sys, lib\n(sys.executable, os.getcwd(), lib.__file__)")
    toy.run("--only", "00")
    inline = outputs(toy.copy("00_first"))
    assert run(toy, "--force") == 0
    assert outputs(toy.copy("00_first")) == inline
    assert repr(os.path.realpath(toy.root / "notebooks")) in inline[-2][0][3][0]


def test_the_time_left_is_that_of_the_last_run(toy, monkeypatch, capsys):
    """Two long cells after two short ones: a first run makes up no total, the next one counts it down."""
    monkeypatch.setattr(screen, "PLAIN_EVERY", 0.2)
    toy.stage("00_first", "import time", "time.sleep(1.5)", "print('two  0:01 left')\ntime.sleep(1.5)")
    assert run(toy) == 0
    first = capsys.readouterr().out
    assert ", about" not in first and ", over" not in first and ", longer" not in first
    assert "cell 5/6  two  0:01 left  0:" in first, "what the step itself knows is shown"
    begun, ended = (toy.record()["stages"]["00_first"][key] for key in ("starts", "seconds"))
    assert len(begun) == 7 and begun == sorted(begun) and begun[-1] <= ended
    assert begun[5] - begun[4] > 1.4 and toy.record()["stages"]["00_first"]["reasons"] == ["first run"]
    assert run(toy, "--force") == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "cell 4/6" in line]
    told = [int(line.split("about 0:")[1][:2]) for line in lines if "about" in line]
    assert told and told == sorted(told, reverse=True) and 1 <= told[-1] <= told[0] <= ended
