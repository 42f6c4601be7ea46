"""Where things are. Every path in Lookbook is either given by the user or named here."""

from dataclasses import dataclass
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


@dataclass(frozen=True)
class Output:
    """The shape of an output folder; `output/`, `output/smoke/` and `output/full/` all have it."""

    root: Path

    def __init__(self, root: str | Path):
        object.__setattr__(self, "root", resolve(root))

    @property
    def model_ckpt(self) -> Path:
        return self.root / "model_ckpt"

    @property
    def metrics(self) -> Path:
        return self.root / "metrics"

    @property
    def notebooks(self) -> Path:
        return self.root / "notebooks"

    @property
    def figures(self) -> Path:
        return self.root / "figures"

    @property
    def features(self) -> Path:
        return self.root / "features"

    @property
    def run_json(self) -> Path:
        return self.root / "run.json"

    @property
    def report(self) -> Path:
        return self.root / "report.html"
