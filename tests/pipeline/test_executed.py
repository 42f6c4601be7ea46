"""Executed copies: whatever an engine leaves out is found, bars are folded, huge outputs are capped."""

import copy

import pytest
from toy_pipeline import notebook

from pipeline.executed import LONGEST, MARK, cap, find_failure, fold, join_streams, last_line, seal_copy


def stream(text: str, name: str = "stdout") -> dict:
    return {"output_type": "stream", "name": name, "text": text}


@pytest.fixture
def sent() -> dict:
    return notebook("a = 1", "", "b = 2")


@pytest.fixture
def back(sent) -> dict:
    executed = copy.deepcopy(sent)
    ran = [c for c in executed["cells"] if c["cell_type"] == "code" and c["source"]]
    for count, cell in enumerate(ran, 1):
        cell["execution_count"] = count
    executed["metadata"][MARK] = {"ended": True}
    return executed


def test_a_whole_copy_has_no_failure(sent, back):
    assert find_failure(sent, back) is None


@pytest.mark.parametrize(
    ("spoil", "kind", "cell"),
    [
        (lambda cells, mark: cells[2].update(execution_count=None), "CellSkipped", 2),
        (lambda cells, mark: cells[4].update(execution_count=1), "KernelRestarted", 3),
        (lambda cells, mark: cells.pop(4), "CellsLost", None),
        (lambda cells, mark: cells[4].update(source="b = 3"), "CellsLost", None),
        (lambda cells, mark: mark.update(ended=False), "NoEnd", None),
        (lambda cells, mark: mark.clear(), "NoEnd", None),
        (
            lambda cells, mark: cells[2]["outputs"].append(
                {
                    "output_type": "error",
                    "ename": "E",
                    "evalue": "bad",
                    "traceback": ["----", "\x1b[31mE: bad"],
                }
            ),
            "E",
            2,
        ),
    ],
)
def test_what_is_missing_is_found(sent, back, spoil, kind, cell):
    spoil(back["cells"], back["metadata"][MARK])
    failure = find_failure(sent, back)
    assert (failure.kind, failure.cell) == (kind, cell)
    if failure.lines:
        assert failure.lines == ("E: bad",)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\repoch 1\repoch 2\repoch 3\ndone\n", "epoch 3\ndone\n"),
        ("a\r\nb\r\n", "a\nb\n"),
        ("bar 10%\r", "bar 10%"),
        ("\r\x1b[2Kone\r\x1b[2Ktwo", "two"),
        ("\x1b[31mred\x1b[0m stays\n", "\x1b[31mred\x1b[0m stays\n"),
        ("", ""),
    ],
)
def test_bars_are_folded(text, shown):
    assert fold(text) == shown


def test_streams_are_joined_and_capped():
    joined = join_streams(
        [stream("a"), stream("b\r"), stream(["c", "\n"]), stream("x", "stderr"), stream("d")]
    )
    assert joined == [stream("c\n"), stream("x", "stderr"), stream("d")]
    text = cap("x" * (LONGEST + 17))
    assert len(text) < LONGEST + 100 and "[... 17 characters left out ...]" in text
    assert cap("x" * LONGEST) == "x" * LONGEST


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nb\n", "b"),
        ("\r 5%\r10%", "10%"),
        ("\x1b[32mgreen\x1b[0m\n\n", "green"),
        ("\n", ""),
        ("y" * 500, "y" * 200),
    ],
)
def test_the_last_line_of_a_bar(text, line):
    assert last_line(text) == line


def test_engine_notes_are_removed_and_the_mark_set(sent, back):
    back["metadata"]["papermill"] = {"input_path": "/somewhere"}
    back["cells"][2]["metadata"] |= {"papermill": {"duration": 1.5}, "execution": {"idle": "now"}}
    whole = seal_copy(copy.deepcopy(back), None)
    assert "papermill" not in whole["metadata"] and set(whole["cells"][2]["metadata"]) == {"tags"}
    assert whole["metadata"][MARK]["complete"] is True and len(whole["cells"]) == len(back["cells"])
