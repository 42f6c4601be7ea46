"""The inline engine: what a cell prints, displays and ends in is kept; tracebacks and pickles work."""

import base64

import pytest
from toy_pipeline import Toy, notebook

from pipeline.inline import bundle, fresh_main, run_cell


def run(*sources: str, silent: bool = False) -> list[list[dict]]:
    """The outputs of each cell, run one after the other in one namespace."""
    cells = [c for c in notebook(*sources)["cells"] if c["cell_type"] == "code"]
    with fresh_main() as namespace:
        for count, cell in enumerate(cells, 1):
            cell["execution_count"] = count
            run_cell(cell, f"toy[{count}]", namespace, silent=silent)
    return [cell["outputs"] for cell in cells[1:]]


def shown(*sources: str) -> list[str]:
    return [output["data"]["text/plain"] for output in run(*sources)[-1]]


def test_the_last_expression_is_the_result():
    (output,) = run("x = 20\nx * 2\nx + 1  # this one")[0]
    assert output["output_type"] == "execute_result" and output["execution_count"] == 2
    assert output["data"] == {"text/plain": "21"}


@pytest.mark.parametrize(
    "source", ["x = 1", "None", "5;", "for i in range(3):\n    i", "# nothing", "def f(): pass"]
)
def test_what_is_no_result_shows_nothing(source):
    assert run(source) == [[]]


def test_cells_share_one_namespace_with_a_docstring_and_display():
    assert shown("x = 3", "display(x, 'two')\nx") == ["3", "'two'", "3"]


def test_prints_go_to_the_notebook_and_through(capsys):
    outputs = run("import sys\nprint('out')\nprint('err', file=sys.stderr)\n1")[0]
    texts = {
        name: "".join(o["text"] for o in outputs if o.get("name") == name) for name in ("stdout", "stderr")
    }
    assert texts == {"stdout": "out\n", "stderr": "err\n"}
    assert capsys.readouterr() == ("out\n", "err\n")
    run("print('bar', end='')")
    assert capsys.readouterr() == ("bar\n", ""), "the next line starts on its own"
    run("print('out')", silent=True)
    assert capsys.readouterr() == ("", "")


def test_rich_forms_are_kept():
    class Rich:
        def _repr_html_(self):
            return "<b>x</b>"

        def _repr_png_(self):
            return b"\x89PNG"

        def _repr_markdown_(self):
            return ("*x*", {"meta": 1})

        def _repr_svg_(self):
            return None

    data = bundle(Rich())
    assert data.pop("text/plain").startswith("<")
    png = base64.b64encode(b"\x89PNG").decode()
    assert data == {"text/html": "<b>x</b>", "image/png": png, "text/markdown": "*x*"}
    assert set(bundle(Rich)) == {"text/plain"}, "a class is not an instance of itself"


def test_long_containers_are_wrapped_as_jupyter_wraps_them():
    assert bundle({"b": 1, "a": 2})["text/plain"] == "{'b': 1, 'a': 2}"
    assert bundle(list(range(40)))["text/plain"].splitlines()[:2] == ["[0,", " 1,"]


def test_figures_are_drawn_once_and_closed():
    cells = (
        "import matplotlib.pyplot as plt",
        "fig, ax = plt.subplots(figsize=(1, 1))\nax.plot([1, 2])\nplt.show()",
        "plt.get_fignums()",
        "fig",
    )
    outputs = run(*cells)
    assert [o["output_type"] for o in outputs[1]] == ["display_data"]
    assert outputs[1][0]["data"]["image/png"].startswith("iVBOR")
    assert outputs[2][0]["data"]["text/plain"] == "[]"
    assert outputs[3][0]["data"]["image/png"].startswith("iVBOR"), "a figure as a value"


def test_source_and_pickles_of_what_a_cell_defines():
    source = "import inspect, pickle\ndef double(x):\n    return 2 * x\n"
    assert shown(source + "inspect.getsource(double)") == ["'def double(x):\\n    return 2 * x\\n'"]
    assert shown(source + "pickle.loads(pickle.dumps(double))(4)") == ["8"]


def test_an_interrupt_that_a_cell_swallows_still_ends_the_run(toy: Toy):
    swallow = "try:\n    os.kill(os.getpid(), signal.SIGINT)\nexcept KeyboardInterrupt:\n    pass"
    toy.stage(
        "00_first", "import os, signal", swallow, "from pathlib import Path\nPath(output, 'never').touch()"
    )
    assert toy.run() == 130
    assert toy.states() == {"00_first": "interrupted"} and not (toy.output / "never").exists()
    assert toy.record()["run"]["state"] == "interrupted"


def test_workers_that_a_cell_forks_end_quietly(toy: Toy, capfd):
    pool = "with multiprocessing.get_context('fork').Pool(2) as pool:\n    print(pool.map(abs, [-1, 2]))"
    toy.stage("00_first", "import multiprocessing", pool)
    assert toy.run() == 0
    said = capfd.readouterr()
    assert "[1, 2]" in said.out and said.err == ""
