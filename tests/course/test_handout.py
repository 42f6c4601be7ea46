"""Handouts: solutions are gone, and everything else is as it was."""

import copy
import importlib.util
import json

import pytest
from toy_course import STAGE, cell, change, code, given_notebook, grade, result, told, write

from course.__main__ import main
from course.handed import CourseError
from course.handout import strip_solutions
from lib.paths import NOTEBOOKS

FUNCTION = """def rank(totals):
    # BEGIN SOLUTION
    order = sorted(totals)

    return order
    # END SOLUTION

x = rank([1])"""


def make(home, *, of="given"):
    assert main(["handout", "--notebooks", str(home / of), "--out", str(home / "out")]) == 0
    return json.loads((home / "out" / f"{STAGE}.ipynb").read_text(encoding="utf-8"))


def test_solutions_and_outputs_are_gone_and_the_rest_stays(home, capsys):
    def fill(notebook):
        cell(notebook, "value").update(outputs=[result("2")], execution_count=7)
        notebook["metadata"] = {"kernelspec": {"name": "python3"}}

    change(home, f"given/{STAGE}.ipynb", fill)
    out, expected = make(home), given_notebook()
    cell(expected, "answer")["source"] = "answer = ...\n...  # your answer"
    for there in out["cells"]:
        there["source"] = "".join(there["source"])
    assert out["cells"] == expected["cells"] and out["metadata"] == {"kernelspec": {"name": "python3"}}
    assert "1 solution taken out" in capsys.readouterr().out


def test_what_stands_in_a_function_keeps_its_indentation():
    stripped, count = strip_solutions(FUNCTION, "here")
    assert (stripped, count) == ("def rank(totals):\n    ...  # your answer\n\nx = rank([1])", 1)
    compile(stripped, "here", "exec")
    twice, count = strip_solutions(f"{FUNCTION}\n{FUNCTION}", "here")
    assert count == 2 and "sorted" not in twice


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("# BEGIN SOLUTION\nx = 1", "each BEGIN SOLUTION needs one END SOLUTION"),
        ("x = 1\n# END SOLUTION", "each BEGIN SOLUTION needs one END SOLUTION"),
        (
            "# BEGIN SOLUTION\n# BEGIN SOLUTION\n# END SOLUTION\n# END SOLUTION",
            "each BEGIN SOLUTION needs one END SOLUTION",
        ),
        (
            "# BEGIN SOLUTION\nx = 1\n# END SOLUTION\n# END SOLUTION",
            "each BEGIN SOLUTION needs one END SOLUTION",
        ),
    ],
)
def test_pairs_that_do_not_close_are_named_and_nothing_is_written(home, capsys, source, why):
    write(home / "given" / "02_other.ipynb", given_notebook())
    change(home, "given/02_other.ipynb", lambda nb: cell(nb, "silent").update(source=source))
    assert main(["handout", "--notebooks", str(home / "given"), "--out", str(home / "out")]) == 2
    said = capsys.readouterr().err
    assert "02_other.ipynb, cell 6: " in said and why in said and said.count("\n") == 1
    assert not (home / "out").exists()


def test_a_solution_outside_of_code_is_refused(home, capsys):
    text = "# BEGIN SOLUTION\n42\n# END SOLUTION"
    change(home, f"given/{STAGE}.ipynb", lambda nb: cell(nb, "title").update(source=text))
    assert main(["handout", "--notebooks", str(home / "given"), "--out", str(home / "out")]) == 2
    assert "cell 1: a solution in a cell that is no code" in capsys.readouterr().err


def test_the_handout_may_not_replace_what_it_is_made_of(home, capsys):
    assert (
        main(["handout", "--notebooks", str(home / "given"), "--out", str(home / "given" / ".." / "given")])
        == 2
    )
    assert "would replace the notebooks" in capsys.readouterr().err


def test_the_courses_own_notebooks_hold_no_broken_pair(tmp_path):
    assert main(["handout", "--out", str(tmp_path / "out")]) == 0
    assert {p.name for p in (tmp_path / "out").iterdir()} == {p.name for p in NOTEBOOKS.glob("*.ipynb")}
    assert not any("SOLUTION" in path.read_text() for path in (tmp_path / "out").iterdir())


def test_a_filled_handout_is_held_against_the_course_without_a_disagreement(folder, home):
    """Students work on the handout; the grader holds their work against the notebooks with solutions."""
    out = make(home)
    filled = json.loads((folder / "notebooks" / f"{STAGE}.ipynb").read_text())
    for there in filled["cells"]:
        if there["id"] not in ("answer", "injected-parameters"):
            there["source"] = cell(out, there["id"])["source"]
    write(folder / "notebooks" / f"{STAGE}.ipynb", filled)
    assert told(grade(folder, home)) == []


# ---- the strippers of other systems agree


def needs(package):
    there = importlib.util.find_spec(package.replace("-grader", "")) is not None
    return pytest.mark.skipif(not there, reason=f"{package} is not installed: pip install {package}")


def kept_lines(source: str, placeholders: tuple[str, ...]) -> list[str]:
    return [line for line in source.splitlines() if line.strip() not in placeholders]


def exercises() -> dict:
    """The toy's cells and every solution of the course's own notebooks."""
    notebook = copy.deepcopy(given_notebook())
    notebook["cells"].append(code("rank", FUNCTION, tags=["exercise"]))
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        for there in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if "exercise" in there["metadata"].get("tags", []):
                name = f"{path.stem[:2]}-{there['id']}"
                notebook["cells"].append(code(name, "".join(there["source"]), tags=["exercise"]))
    return notebook


@needs("nbgrader")
def test_nbgrader_takes_out_the_same_lines():
    import nbformat
    from nbgrader.preprocessors import ClearSolutions

    notebook = nbformat.from_dict(exercises())
    cleared, _ = ClearSolutions(enforce_metadata=False).preprocess(notebook, {})
    for ours, theirs in zip(exercises()["cells"], cleared.cells, strict=True):
        left = kept_lines(theirs.source, ("# YOUR CODE HERE", "raise NotImplementedError()"))
        assert left == kept_lines(strip_solutions(ours["source"], "x")[0], ("...  # your answer",))


@needs("otter-grader")
def test_otter_takes_out_the_same_lines():
    from otter.assign.solutions import replace_solutions

    for there in exercises()["cells"]:
        theirs = "\n".join(replace_solutions(there["source"].splitlines(), "python"))
        ours, _ = strip_solutions(there["source"], "x")
        assert kept_lines(theirs, ("...",)) == kept_lines(ours, ("...  # your answer",))


def test_a_broken_notebook_is_one_line(home, capsys):
    (home / "given" / f"{STAGE}.ipynb").write_text("{")
    assert main(["handout", "--notebooks", str(home / "given"), "--out", str(home / "out")]) == 2
    assert "is no notebook of format 4" in capsys.readouterr().err
    with pytest.raises(CourseError):
        strip_solutions("# END SOLUTION", "x")
