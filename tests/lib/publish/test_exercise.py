"""Exercises are judged by type, shape and value, and the right answer is not given away."""

import numpy as np
import pytest
import torch

from lib.publish import check


@pytest.mark.parametrize("answer", [1.0, 1, np.float32(1), torch.tensor(1.0), 1 + 1e-9])
def test_a_right_number_is_right_whatever_holds_it(answer):
    assert repr(check(2, answer, 1.0)) == "exercise 2: right"


@pytest.mark.parametrize(
    ("answer", "expected", "verdict"),
    [
        (..., 1, "no answer yet"),
        (None, 1, "no answer yet"),
        ([None, None], [1, 2], "no answer yet"),
        ([], [1, 2], "not yet: its shape is [0]; it should be [2]"),
        (1.1, 1.0, "not yet: 1 of 1 numbers are wrong"),
        ([1, 2, 4], [1, 2, 3], "not yet: 1 of 3 numbers are wrong"),
        ([1, 2], [1, 2, 3], "not yet: its shape is [2]; it should be [3]"),
        ("red", 1.0, "not yet: numbers are asked for, not a str"),
        ([[1], [1, 2]], [1, 2], "not yet: numbers are asked for, not a list"),
        (float("nan"), 1.0, "not yet: 1 of 1 numbers are wrong"),
        ("blue", "red", "not yet: another one is right"),
        ("red", "red", "right"),
        (["red"], {"red"}, "not yet: a set is asked for, not a list"),
        ({"red"}, {"red"}, "right"),
        (torch.ones(2, 3), torch.ones(2, 3), "right"),
        (torch.ones(2, requires_grad=True), [1, 1], "right"),
    ],
)
def test_verdicts(answer, expected, verdict):
    assert repr(check(1, answer, expected)) == f"exercise 1: {verdict}"


def test_tolerance_is_what_was_asked_for():
    assert "right" in repr(check(1, 1.01, 1.0, tolerance=0.02))
    assert "wrong" in repr(check(1, 1.01, 1.0))
