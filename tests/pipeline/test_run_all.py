"""The command line as a user meets it: --list, --help, refusals, exit codes; and the real run_all.py."""

import importlib.util
import json
import os
import resource
import subprocess
import sys

import pytest
from pipeline_rules import check_pipeline

from lib.paths import NOTEBOOKS, ROOT
from pipeline import Stage, closure, notebook


def test_list_shows_titles_paths_and_states(pair):
    pair.write("00_first", "1 / seed", title="How it begins")
    pair.stage("02_late", profiles={"smoke": None})
    pair.run()
    (pair.root / "notebooks" / "01_second.ipynb").unlink()
    code, said = pair.call("--list")
    assert code == 0
    assert said.splitlines()[0] == f"profile demo, output in {pair.output}"
    assert "00_first  How it begins" in said and "ZeroDivisionError: division by zero" in said
    assert "01_second  (" in said and "01_second.ipynb is missing)" in said
    assert f"    makes  {pair.output / 'first.txt'}" in said and "    needs  {output}/first.txt" in said
    assert "state  never run" in said
    code, said = pair.call("--list", "--profile", "smoke")
    assert "02_late  (does not run in the profile smoke)" in said


def processor_seconds(*arguments: str) -> float:
    """What a Python process costs at best of three: not wall time, so that a busy machine matters less."""
    took = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(took)


def test_list_says_what_would_run_again_and_why(toy):
    """What it says is what the next run does."""
    (toy.root / "atelier").mkdir()
    (toy.root / "rebuild").mkdir()
    (toy.root / "atelier" / "hats.py").write_text("BRIM = 1")
    (toy.root / "rebuild" / "ask.py").write_text("WHOM = 1")
    toy.stage("00_first", "def draw():\n    from atelier import hats", makes=("{output}/first.txt",))
    toy.stage("01_second", "'second'", needs=("{output}/first.txt",), makes=("{output}/second.txt",))
    toy.stage("02_third", "def ask():\n    import rebuild.ask", makes=("{output}/third.txt",))

    def next_lines(*more: str) -> list[str]:
        return [line.strip() for line in toy.call("--list", *more)[1].splitlines() if "    next" in line]

    assert next_lines() == ["next   would run: first run"] * 3
    assert toy.run() == 0
    assert next_lines() == ["next   would be skipped"] * 3
    assert next_lines("-p", "seed", "3")[0] == "next   would run: parameter seed: 0 -> 3"
    (toy.root / "atelier" / "hats.py").write_text("BRIM = 2")
    assert next_lines() == [
        "next   would run: atelier/hats.py changed",
        "next   would be skipped, unless 00_first makes something else",
        "next   would be skipped",
    ]
    (toy.root / "rebuild" / "ask.py").write_text("WHOM = 2")
    assert next_lines()[2] == "next   would run: rebuild/ask.py changed"
    assert toy.run() == 0
    assert toy.states() == {"00_first": "ok", "01_second": "skipped", "02_third": "ok"}


def test_editing_a_hat_concerns_only_the_notebooks_that_draw():
    drawing = {"atelier/hats.py", "atelier/draw.py", "atelier/canvas.py"}
    for path in NOTEBOOKS.glob("*.ipynb"):
        found = closure.hashes(notebook.parse_code(notebook.read(path), path.name), ROOT)
        expected = drawing if path.stem[:2] in ("00", "04", "06", "07") else set()
        assert drawing & found.keys() == expected, path.stem


def test_the_real_list_is_quick(tmp_path):
    """Under 0.3 s; on a machine so loaded that a bare interpreter is slow, in proportion to that. With runs
    to compare with it reads what each notebook uses, in as much for each of them."""
    start = max(0.3, 10 * processor_seconds("-c", "pass"))
    asked = ("run_all.py", "--list", "--output", str(tmp_path))
    assert processor_seconds(*asked) < start
    names = [path.stem for path in NOTEBOOKS.glob("*.ipynb")]
    ended = {"state": "ok", "complete": True, "started": "2026-01-01T00:00:00", "seconds": 1.0}
    stored = {"format": 1, "run": {}, "stages": dict.fromkeys(names, ended)}
    (tmp_path / "run.json").write_text(json.dumps(stored))
    assert processor_seconds(*asked) < len(names) * start


def test_listing_imports_nothing_but_the_standard_library_and_lib():
    code = (
        "import sys, runpy\nsys.argv = ['run_all.py', '--list']\n"
        "try:\n    runpy.run_path('run_all.py', run_name='__main__')\nexcept SystemExit:\n    pass\n"
        "found = {m.partition('.')[0] for m in sys.modules} - set(sys.stdlib_module_names)\n"
        "print(sorted(m for m in found if not m.startswith('_') and hasattr(sys.modules[m], '__file__')))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    loaded = set(done.stdout.splitlines()[-1].strip("[]").replace("'", "").split(", "))
    assert loaded & {"papermill", "nbformat", "rich", "numpy", "torch", "psutil"} == set()


def test_help_gives_examples():
    done = subprocess.run([sys.executable, ROOT / "run_all.py", "--help"], capture_output=True, text=True)
    for option in ["profile", "only", "from", "force", "keep-going", "jobs", "list", "inline", "output"]:
        assert f"--{option}" in done.stdout
    assert "-p training.max_steps 500" in done.stdout and "torchrun" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--only", "9"), "unknown stage 9; known: 00_first, 01_second"),
        (("-p", "sead", "1"), "unknown parameter sead; did you mean seed? (-p)"),
        (("-p", "seed", "x"), "00_first: seed must be int, not 'x' (-p)"),
        (("-p", "output", "x"), "-p output is refused: use --output"),
        (("--only", "01"), "run 00_first first: python run_all.py"),
        (("--jobs", "0"), "--jobs takes a number from 1 on"),
        (("--jobs", "2"), "with --inline only 1"),
    ],
)
def test_refusals_are_one_line_before_anything_runs(pair, capsys, arguments, message):
    assert pair.run(*arguments) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1 and said.startswith("run_all.py: ")
    assert not pair.output.exists()


@pytest.mark.parametrize(
    "arguments", [("--only", "0", "--from", "1"), ("--profile", "huge"), ("--forc",), ("-p", "x")]
)
def test_what_argparse_refuses(pair, arguments):
    with pytest.raises(SystemExit) as refused:
        pair.run(*arguments)
    assert refused.value.code == 2


def test_several_processes_need_inline(pair):
    code, said = pair.call(env={"RANK": "0", "WORLD_SIZE": "2"})
    assert code == 2 and "add --inline" in said


def test_two_processes_of_torchrun_run_the_cells_and_write_once(pair):
    pair.write("00_first", "import os\nfrom pathlib import Path\nPath(output + os.environ['RANK']).touch()")
    pair.pipeline[:] = [Stage(notebook="00_first")]
    pair.start("--list").wait()
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*command, str(pair.root / "run_all.py"), "--output", str(pair.output), "--inline"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("1 ok in") == 1
    assert all(pair.output.with_name(f"out{rank}").exists() for rank in (0, 1))
    assert pair.states() == {"00_first": "ok"}


def test_the_real_pipeline_keeps_its_own_rules():
    spec = importlib.util.spec_from_file_location("run_all", ROOT / "run_all.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    check_pipeline(module.PIPELINE)
