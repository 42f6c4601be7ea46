"""What a machine may lack: each test that is skipped for it says how to get it."""

from pathlib import Path

import pytest

from lib.paths import ROOT

SHARED = ROOT.parent / "shared"
DATA = SHARED / "data"
WORDNET = "no WordNet: apt install wordnet-base wordnet-sense-index, then bash prepare.sh --check"
CHROMIUM = "no Chromium to click with: apt install chromium chromium-driver"
GPU = "no CUDA GPU: run this test on a machine that has one"


def how_to_get(path: Path) -> str:
    """Why a test on data that the project does not carry is skipped."""
    name = path.relative_to(ROOT.parent).as_posix()
    return f"no ../{name}: lay it there (dataset/README.md says where its authors publish it)"


def need(path: Path) -> Path:
    """The path, or this test is skipped."""
    if not path.exists():
        pytest.skip(how_to_get(path))
    return path


def needs(path: Path) -> pytest.MarkDecorator:
    """Skips a test where the path is not there."""
    return pytest.mark.skipif(not path.exists(), reason=how_to_get(path))
