"""Exercises: whether an answer is right, in a line that a grader reads too."""

from typing import Any

import numpy as np

from lib.publish.show import Note


def check(number: int, answer: Any, expected: Any, *, tolerance: float = 1e-6) -> Note:
    """`exercise 1: right`, or in what the answer differs, without giving the right one away."""
    parts = answer if isinstance(answer, list | tuple) and answer else [answer]
    if all(part is None or part is ... for part in parts):
        return Note(f"exercise {number}: no answer yet")
    trouble = find_trouble(answer, expected, tolerance)
    return Note(f"exercise {number}: not yet: {trouble}" if trouble else f"exercise {number}: right")


def find_trouble(answer: Any, expected: Any, tolerance: float) -> str | None:
    """What is wrong with an answer: its type, its shape, or its value."""
    right, given = as_numbers(expected), as_numbers(answer)
    if right is None:
        if type(answer) is not type(expected):
            return f"a {type(expected).__name__} is asked for, not a {type(answer).__name__}"
        return None if answer == expected else "another one is right"
    if given is None:
        return f"numbers are asked for, not a {type(answer).__name__}"
    if given.shape != right.shape:
        return f"its shape is {list(given.shape)}; it should be {list(right.shape)}"
    near = np.isclose(given, right, rtol=tolerance, atol=tolerance)
    return None if near.all() else f"{near.size - near.sum()} of {near.size} numbers are wrong"


def as_numbers(value: Any) -> Any:
    """An array from whatever holds numbers, a tensor too; None where there are none."""
    try:
        return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value, dtype=float)
    except (TypeError, ValueError):
        return None
