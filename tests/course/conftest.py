"""The toy course, written once for each test."""

import pytest
from toy_course import hand_in, write_course


@pytest.fixture
def home(tmp_path):
    return write_course(tmp_path / "home")


@pytest.fixture
def folder(tmp_path):
    """A right submission, to be spoiled."""
    return hand_in(tmp_path / "class" / "ada")
