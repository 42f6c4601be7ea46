"""The command: one submission, a class, exit codes, and a class of 200 within its minute."""

import base64
import csv
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest
from PIL import Image
from toy_course import STAGE, cell, change_notebook, hand_in, write

from course import grade as command
from course.__main__ import main
from lib.paths import ROOT


def ask(home, *arguments):
    course = ["--notebooks", str(home / "given"), "--rubric", str(home / "rubric.toml"), "--jobs", "2"]
    return main(["grade", *map(str, arguments), *course])


def rows_of(path):
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_one_submission(folder, home, capsys):
    assert ask(home, folder) == 0
    said = capsys.readouterr().out
    assert "10.5" in said and "ada" in said
    found = json.loads((folder / "grades" / "grade.json").read_text())
    assert found["points"] == 10.5 and "shown" not in found
    assert "10.5" in (folder / "grades" / "grade.html").read_text()
    assert not (folder / "grades" / "grades.csv").exists()


def test_what_disagrees_in_one_submission_is_on_the_screen(folder, home, capsys):
    change_notebook(folder, lambda nb: cell(nb, "value").update(source="[red]2[/red]"))
    assert ask(home, folder, "--out", folder.parent / "elsewhere") == 0
    assert "code cell 4 was changed: `[red]2[/red]`" in capsys.readouterr().out
    assert (folder.parent / "elsewhere" / "grade.html").exists() and not (folder / "grades").exists()


def test_a_class(folder, home, capsys):
    others = folder.parent
    hand_in(others / "=cmd()")
    (others / "nobody").mkdir()
    (others / "readme.txt").write_text("no student")
    (others / "eve").symlink_to(folder)
    (hand_in(others / "mallory") / "notebooks" / f"{STAGE}.ipynb").write_text("{")
    for _ in range(2):  # the folder of grades is no student
        assert ask(home, others) == 0
    rows = rows_of(others / "grades" / "grades.csv")
    assert [(r["student"], r["total"]) for r in rows] == [
        ("'=cmd()", "10.5"), ("ada", "10.5"), ("eve", "0.0"), ("mallory", "4.5"), ("nobody", "0.0"),
    ]  # fmt: skip
    assert rows[1]["01 ran"] == "2.0" and rows[1]["possible"] == "12" and rows[3]["not read"] == "1"
    for name in ("=cmd()", "ada", "eve", "mallory", "nobody"):
        assert json.loads((others / "grades" / name / "grade.json").read_text())["name"] == name
        assert (others / "grades" / name / "grade.html").stat().st_size > 5000


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere"], "no such folder"),
        (["given"], "neither notebooks/ or metrics/ in it nor folders of students"),
        (["class", "--rubric", "none.toml"], "No such file"),
        (["class", "--out", "rubric.toml"], "a link or a file; name another place by --out"),
        (["class", "--notebooks", "class"], "no notebooks there to hold submissions against"),
    ],
)
def test_a_wish_that_cannot_be_met_is_one_line_and_exit_2(folder, home, capsys, arguments, told):
    shutil.copytree(folder.parent, home / "class")
    words = [word if word.startswith("--") else str(home / word) for word in arguments]
    given = ["--notebooks", str(home / "given"), "--rubric", str(home / "rubric.toml")]
    assert main(["grade", *given, *words]) == 2
    said = capsys.readouterr()
    assert told in said.err and said.err.count("\n") == 1 and said.out == ""


def test_a_link_laid_where_grades_go_is_not_written_through(tmp_path, folder, home, capsys):
    (tmp_path / "target").mkdir()
    (folder / "grades").symlink_to(tmp_path / "target")
    assert ask(home, folder) == 2
    (folder.parent / "grades").mkdir()
    (folder.parent / "grades" / "ada").symlink_to(tmp_path / "target")
    assert ask(home, folder.parent) == 2
    assert list((tmp_path / "target").iterdir()) == []


def test_help_says_what_there_is():
    for words, expected in ((["--help"], "handout"), (["grade", "--help"], "--rederive")):
        done = subprocess.run(
            [sys.executable, "-m", "course", *words], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0 and expected in done.stdout
    done = subprocess.run([sys.executable, "-m", "course"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2


def test_a_worker_that_dies_takes_nobody_with_it(folder, home, monkeypatch, capsys):
    for name in ("bob", "cleo"):
        shutil.copytree(folder, folder.parent / name)
    grade = command.grade_submission

    def deadly(place, *rest, **options):  # workers are forked with it
        return os._exit(9) if place.name == "bob" else grade(place, *rest, **options)

    monkeypatch.setattr(command, "grade_submission", deadly)
    assert ask(home, folder.parent) == 0
    graded = {
        name: json.loads((folder.parent / "grades" / name / "grade.json").read_text())
        for name in ("ada", "bob", "cleo")
    }
    assert graded["bob"]["points"] == 0 and graded["bob"]["possible"] == graded["ada"]["possible"]
    assert graded["bob"]["unread"] == ["all of it: the process that read it died"]
    assert graded["ada"]["points"] == graded["cleo"]["points"] > 0
    assert (folder.parent / "grades" / "bob" / "grade.html").is_file()


def test_ctrl_c_does_not_grade_the_rest_first(tmp_path, home):
    first = hand_in(tmp_path / "class" / "000")
    change_notebook(first, lambda nb: cell(nb, "silent").update(outputs=[picture(noise(random.Random(0)))]))
    for number in range(1, 600):
        shutil.copytree(first, tmp_path / "class" / f"{number:03d}", copy_function=os.link)
    words = ["grade", tmp_path / "class", "--notebooks", home / "given", "--rubric", home / "rubric.toml"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    program = [sys.executable, "-m", "course", *map(str, words), "--jobs", "1"]
    running = subprocess.Popen(program, cwd=ROOT, start_new_session=True, **quiet)
    while not (tmp_path / "class" / "grades" / "020").exists():
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)
    assert running.wait(timeout=20) == 130
    assert len(list((tmp_path / "class" / "grades").iterdir())) < 400


def picture(png: str) -> dict:
    return {"output_type": "display_data", "metadata": {}, "data": {"image/png": png}}


def noise(draw) -> str:
    """A picture of the size that a real notebook has, which does not pack well."""
    image = Image.frombytes("RGB", (320, 240), draw.randbytes(320 * 240 * 3))
    image.resize((960, 720)).save(drawn := io.BytesIO(), "PNG")
    return base64.b64encode(drawn.getvalue()).decode()


def test_a_class_of_200_takes_less_than_a_minute(tmp_path, home, capsys):
    first = hand_in(tmp_path / "class" / "000")
    change_notebook(first, lambda nb: cell(nb, "silent").update(outputs=[picture(noise(random.Random(0)))]))
    (first / "model_ckpt" / "toy" / "best" / "weights.safetensors").write_bytes(bytes(4 * 2**20))
    for number in range(1, 200):
        shutil.copytree(first, tmp_path / "class" / f"{number:03d}", copy_function=os.link)
    (tmp_path / "class" / "100" / "run.json").unlink()
    write(tmp_path / "class" / "100" / "run.json", [])
    began = time.monotonic()
    assert ask(home, tmp_path / "class") == 0
    took = time.monotonic() - began
    assert took < 30, f"{took:.1f} s"
    rows = rows_of(tmp_path / "class" / "grades" / "grades.csv")
    assert len(rows) == 200 and {row["total"] for row in rows} == {"10.5"}
