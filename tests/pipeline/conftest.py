"""The toy pipeline that most of these tests run."""

import sys

import pytest
from toy_pipeline import Toy


@pytest.fixture
def toy(tmp_path, monkeypatch) -> Toy:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # an inline failure puts its own there
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    return Toy(tmp_path)


@pytest.fixture
def pair(toy) -> Toy:
    """Two stages, the second needing what the first makes."""
    toy.stage("00_first", "seed * 2", makes=("{output}/first.txt",))
    toy.stage("01_second", "print('second')", needs=("{output}/first.txt",), makes=("{output}/second.txt",))
    return toy
