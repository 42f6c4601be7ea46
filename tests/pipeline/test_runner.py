"""What runs, what is skipped and why, what fails, what the record says. Inline: the engine makes no odds."""

import json
import os
from pathlib import Path

import pytest
from toy_pipeline import PARAMETERS, WRITE

from pipeline import closing, screen
from pipeline.lock import is_alive
from pipeline.runner import PipelineRun

DONE = {"00_first": "ok", "01_second": "ok"}
SKIPPED = {"00_first": "skipped", "01_second": "skipped"}


def test_a_run_leaves_record_copies_and_products(pair, capsys):
    assert pair.run() == 0
    record = pair.record()
    assert pair.states() == DONE
    assert (
        record["run"]["state"] == "ok" and record["run"]["profile"] == "demo" and "pid" not in record["run"]
    )
    stage = record["stages"]["00_first"]
    assert stage["complete"] and stage["engine"] == "inline" and stage["seconds"] >= 0
    assert stage["peak_memory"] > 1e6 and stage["cells"] == 4
    assert stage["parameters"]["seed"] == 0
    assert pair.copy("00_first")["metadata"]["lookbook"]["complete"] is True
    assert (pair.output / "second.txt").read_text() == "made by 01_second"
    assert sorted(path.name for path in (pair.output / "notebooks").iterdir()) == [
        "00_first.ipynb",
        "01_second.ipynb",
    ]
    assert "2 ok in" in capsys.readouterr().out


def test_nothing_changed_is_skipped_and_said(pair, capsys):
    pair.run()
    before = pair.record()["stages"]["00_first"]
    capsys.readouterr()
    assert pair.run() == 0
    assert pair.states() == SKIPPED
    after = pair.record()["stages"]["00_first"]
    assert {**after, "state": "ok"} == before, "a skipped stage keeps the record of its last run"
    said = capsys.readouterr().out
    assert "skipped  nothing changed since" in said and "2 skipped" in said
    assert pair.run("--only", "0") == 0 and pair.run() == 0, "skipping twice is as good as once"
    assert pair.states() == SKIPPED


def reason(toy, capsys, *arguments: str) -> str:
    """Why 00_first runs again."""
    capsys.readouterr()
    assert toy.run(*arguments) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("00_first"))
    return line.removeprefix("00_first").strip()


def test_changed_code_runs_again_and_changed_prose_does_not(pair, capsys):
    path = pair.root / "notebooks" / "00_first.ipynb"
    pair.run()
    notebook = json.loads(path.read_text())
    notebook["cells"][0]["source"] = "# Another title"
    notebook["cells"][2]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "run by hand"}]
    notebook["cells"][1]["source"] += "  # the same literal"
    path.write_text(json.dumps(notebook))
    assert reason(pair, capsys).startswith("skipped")
    assert reason(pair, capsys, "--force") and "by hand" not in str(pair.copy("00_first"))
    notebook["cells"][2]["source"] = "seed * 3"
    path.write_text(json.dumps(notebook))
    assert reason(pair, capsys).startswith("runs     notebook changed")
    assert pair.states() == {"00_first": "ok", "01_second": "skipped"}, "what it made did not change"


def test_reordered_cells_run_again(toy, capsys):
    toy.stage("00_first", "a = 1", "b = 2")
    toy.run()
    toy.write("00_first", "b = 2", "a = 1", WRITE + "\n")
    assert "notebook changed" in reason(toy, capsys)


def test_a_changed_parameter_is_named_with_both_values(pair, capsys):
    pair.run()
    assert reason(pair, capsys, "-p", "seed", "-1").startswith("runs     parameter seed: 0 -> -1")
    assert reason(pair, capsys, "-p", "seed", "-1").startswith("skipped")
    assert reason(pair, capsys).startswith("runs     parameter seed: -1 -> 0")


def test_a_changed_literal_is_a_changed_parameter(toy, capsys):
    toy.stage("00_first")
    toy.run()
    toy.write("00_first", WRITE, parameters=PARAMETERS.replace("seed = 0", "seed = 5\nsize = 2"))
    assert "parameter seed: 0 -> 5, parameter size: 'absent' -> 2" in reason(toy, capsys)


def test_only_modules_in_the_closure_count(toy, capsys):
    for name, text in {"__init__": "", "near": "from lib import far", "far": "x = 1", "other": ""}.items():
        path = toy.root / "lib" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    toy.stage("00_first", "if seed > 99:\n    import lib.near")
    toy.run()
    (toy.root / "lib" / "other.py").write_text("changed = True")
    assert reason(toy, capsys).startswith("skipped")
    (toy.root / "lib" / "far.py").write_text("x = 2")
    assert reason(toy, capsys).startswith("runs     lib/far.py changed")


def test_inputs_count_by_content_not_by_time(toy, capsys):
    brought = toy.root / "brought"
    brought.mkdir()
    (brought / "a.jpg").write_text("picture")
    toy.stage("00_first", inputs={"demo": (str(brought),)})
    toy.run()
    os.utime(brought / "a.jpg", (1, 1))
    assert reason(toy, capsys).startswith("skipped")
    (brought / "a.jpg").write_text("changed")
    assert reason(toy, capsys).startswith(f"runs     input {brought} changed")
    (brought / "b.jpg").write_text("new")
    assert "changed" in reason(toy, capsys)
    (brought / ".DS_Store").write_text("no input")
    assert reason(toy, capsys).startswith("skipped")


def test_what_a_stage_made_must_still_be_there_untouched(pair, capsys):
    made = pair.output / "first.txt"
    pair.run()
    made.unlink()
    assert reason(pair, capsys).startswith(f"runs     output {made} missing")
    made.write_text("by hand")
    assert reason(pair, capsys).startswith(f"runs     output {made} changed")
    (pair.output / "notebooks" / "00_first.ipynb").unlink()
    assert "00_first.ipynb missing" in reason(pair, capsys)


def test_a_changed_product_reaches_the_stage_that_needs_it(toy):
    toy.stage("00_first", makes=("{output}/x.txt",))
    toy.write("00_first", f"{WRITE}\nPath(output, 'x.txt').write_text(str(seed))")
    toy.stage("01_second", needs=("{output}/x.txt",), parameters=PARAMETERS.replace("seed = 0", "size = 1"))
    toy.run()
    toy.run("-p", "seed", "3")
    assert toy.states() == {"00_first": "ok", "01_second": "ok"}


def test_force_runs_what_has_not_changed(pair, capsys):
    pair.run()
    assert reason(pair, capsys, "--force").startswith("runs     --force")
    assert pair.states() == DONE


def test_only_and_from(pair):
    pair.run()
    for arguments in (("--only", "01"), ("--only", "1"), ("--only", "01_second"), ("--from", "01")):
        assert pair.run("--force", *arguments) == 0
        assert pair.states() == {"00_first": "ok", "01_second": "ok"}
    started = pair.record()["stages"]["00_first"]["started"]
    assert pair.run("--only", "1,0", "--force") == 0, (
        "in the pipeline's order, whatever the order they are named in"
    )
    assert pair.record()["stages"]["00_first"]["started"] >= started


def test_a_failing_cell(pair, capsys):
    pair.run()
    pair.write("00_first", "fine = 1", "numbers = [1]\nnumbers[seed + 5]", "never = 1")
    assert pair.run() == 1
    assert isinstance(pair.error, IndexError), "a debugger gets the real error"
    assert pair.error.__traceback__ is not None
    record = pair.record()
    assert record["run"]["state"] == "failed"
    assert pair.states() == {"00_first": "failed", "01_second": "ok"}
    stage = record["stages"]["00_first"]
    assert (
        not stage["complete"] and stage["failure"]["kind"] == "IndexError" and stage["failure"]["cell"] == 4
    )
    assert "numbers[seed + 5]" in stage["failure"]["traceback"]
    partial = pair.copy("00_first.partial")
    assert partial["metadata"]["lookbook"]["complete"] is False
    assert "did not finish: IndexError" in partial["cells"][0]["source"]
    assert [c["execution_count"] for c in partial["cells"] if c["cell_type"] == "code"] == [1, 2, 3, 4, None]
    capsys.readouterr()
    pair.write("00_first", WRITE)
    pair.run()
    assert "last run failed" in capsys.readouterr().out
    assert not (pair.output / "notebooks" / "00_first.partial.ipynb").exists()


def test_the_last_lines_of_a_failure_say_where_to_look(pair):
    pair.write("00_first", "1 / seed")
    code, said = pair.call("--inline")
    assert code == 1
    last = said.splitlines()[-6:]
    assert "ZeroDivisionError: division by zero" in said
    assert any(
        line.startswith("00_first failed in code cell 3: ZeroDivisionError") for line in said.splitlines()
    )
    assert last[-2] == f"  partial notebook: {pair.output / 'notebooks' / '00_first.partial.ipynb'}"
    assert last[-1].endswith(f"python run_all.py --output {pair.output} --inline")
    assert 'File "00_first[3]", line 1' in said, "the traceback names the cell"


def test_keep_going_runs_what_does_not_depend_on_it(pair):
    pair.stage("02_third")
    pair.write("00_first", "1 / 0")
    assert pair.run() == 1
    assert pair.states() == {"00_first": "failed"}
    assert pair.run("--keep-going") == 1
    assert pair.states() == {"00_first": "failed", "01_second": "blocked", "02_third": "ok"}
    assert pair.record()["stages"]["01_second"]["blocked_by"] == "00_first"


def test_a_blocked_stage_keeps_what_its_last_run_found(pair):
    pair.run()
    good = (pair.root / "notebooks" / "00_first.ipynb").read_text()
    pair.write("00_first", "1 / 0")
    pair.run("--keep-going")
    assert pair.states()["01_second"] == "blocked" and pair.record()["stages"]["01_second"]["complete"]
    (pair.root / "notebooks" / "00_first.ipynb").write_text(good)
    pair.run()
    assert pair.states() == {"00_first": "ok", "01_second": "skipped"}
    assert "blocked_by" not in pair.record()["stages"]["01_second"]


def test_a_promise_not_kept_is_a_failure(toy, capsys):
    toy.stage("00_first", makes=("{output}/model/best",))
    toy.write("00_first", WRITE)
    assert toy.run() == 1
    failure = toy.record()["stages"]["00_first"]["failure"]
    assert failure["kind"] == "PromiseBroken" and "model/best is missing" in failure["message"]
    assert toy.copy("00_first.partial")["metadata"]["lookbook"]["ended"] is True


def test_a_product_of_an_earlier_run_keeps_the_promise(toy):
    toy.stage("00_first", makes=("{output}/model.txt",))
    toy.run()
    toy.write("00_first", "'found trained'")
    assert toy.run() == 0


def test_sys_exit_in_a_cell_is_a_failure(toy):
    toy.stage("00_first", "import sys\nsys.exit(0)")
    assert toy.run() == 1
    assert toy.record()["stages"]["00_first"]["failure"]["kind"] == "SystemExit"


def test_the_record_survives_a_move_of_the_folder(pair):
    pair.run()
    pair.output.rename(pair.root / "elsewhere")
    assert pair.run("--output", str(pair.root / "elsewhere")) == 0
    record = json.loads((pair.root / "elsewhere" / "run.json").read_text())
    assert {stage["state"] for stage in record["stages"].values()} == {"skipped"}


def test_an_unreadable_record_is_refused(pair, capsys):
    pair.run()
    (pair.output / "run.json").write_text("{")
    assert pair.run() == 2
    assert "run.json" in capsys.readouterr().err


def add_report_command(pair, *, works: bool) -> None:
    """A `python -m course report` of the toy's own."""
    command = pair.root / "course" / "__main__.py"
    command.parent.mkdir()
    (command.parent / "__init__.py").touch()
    command.write_text(
        "import sys\nfrom pathlib import Path\nassert sys.argv[1:3] == ['report', '--output']\n"
        + ("Path(sys.argv[3], 'report.html').write_text('hello')" if works else "sys.exit('no template')")
    )


@pytest.mark.parametrize("works", [True, False])
def test_the_report_is_written_and_its_failure_is_loud(pair, works, capsys):
    add_report_command(pair, works=works)
    assert pair.run() == (0 if works else 1)
    assert pair.states() == DONE
    said = capsys.readouterr().out
    assert ("report.html" in said) == works
    assert ("WARNING: the report could not be written: no template" in said) == (not works)


def test_there_is_a_report_to_look_at_while_the_first_stage_runs(pair):
    add_report_command(pair, works=True)
    pair.write("00_first", "from pathlib import Path\nassert Path(output, 'report.html').exists()")
    assert pair.run("--only", "00") == 1, "what it makes is missing"
    assert "PromiseBroken" in (pair.output / "run.json").read_text()


def test_later_processes_of_several_run_and_write_nothing(pair, capsys, monkeypatch):
    pair.write("00_first", "from pathlib import Path\nprint('hello')\nPath(output + '-ran').touch()")
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert pair.run("--only", "00") == 0
    assert Path(f"{pair.output}-ran").exists() and not pair.output.exists()
    assert capsys.readouterr() == ("", "")
    assert pair.run("--keep-going") == 2
    monkeypatch.setenv("RANK", "0")
    assert pair.run("--only", "00") == 1, "the first process checks the promises"
    assert "several processes" in capsys.readouterr().out


def test_only_a_good_run_of_the_same_profile_tells_the_time_left(toy, monkeypatch):
    toy.stage("00_first", profiles={"smoke": {"seed": 3}})
    known, launch = [], PipelineRun.launch

    def look(work, job):
        known.append(len(work.before[job.name]))
        return launch(work, job)

    monkeypatch.setattr(PipelineRun, "launch", look)
    for arguments in ((), ("--force",), ("--profile", "smoke"), ("--profile", "smoke", "--force")):
        assert toy.run(*arguments) == 0
    cells = toy.record()["stages"]["00_first"]["cells"]
    assert known == [0, cells + 2, 0, cells + 2], "the start, each cell's start, and the end"


def test_the_wait_for_the_report_is_shown_and_ends(pair, monkeypatch, capsys):
    """A report that hangs: it is said while it lasts, given up in time, and its process is gone."""
    add_report_command(pair, works=True)
    command = pair.root / "course" / "__main__.py"
    command.write_text(
        "import os, pathlib, time\npathlib.Path('pid').write_text(str(os.getpid()))\ntime.sleep(60)"
    )
    monkeypatch.setattr(closing, "REPORT_TIMEOUT", 1.5)
    monkeypatch.setattr(screen, "PLAIN_EVERY", 0.3)
    assert pair.run("--only", "00") == 1
    said = capsys.readouterr().out
    assert "  report  is written anew  0:01" in said
    assert said.count("WARNING: the report could not be written: not done after 1.5 s") == 2
    assert not is_alive(int((pair.root / "pid").read_text()))
