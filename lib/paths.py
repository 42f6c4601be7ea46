"""Where things are. Every path in Lookbook is either given by the user or named here."""

from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
DATASET = ROOT / "dataset"


def resolve(path: str | Path) -> Path:
    """A path as the user wrote it: absolute, or relative to the project (never to the working directory)."""
    path = Path(path).expanduser()
    return path if path.is_absolute() else ROOT / path


def shorten(path: str | Path) -> str:
    """A path as it should be shown: relative to the project where it lies in it."""
    path = Path(path)
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)


class Output:
    """The shape of an output folder; `output/`, `output/smoke/` and `output/full/` all have it."""

    def __init__(self, root: str | Path):
        self.root = root = resolve(root)
        self.notebooks, self.metrics = root / "notebooks", root / "metrics"
        self.model_ckpt, self.features = root / "model_ckpt", root / "features"
        self.run_json, self.report = root / "run.json", root / "report.html"


def some(things: Iterable, shown: int = 3, *, between: str = ", ") -> str:
    """A few of them in words, and how many more there are."""
    things = list(things)
    more = f" and {len(things) - shown} more" if len(things) > shown else ""
    return between.join(map(str, things[:shown])) + more
