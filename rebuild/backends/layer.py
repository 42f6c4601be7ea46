"""The environment that LAVIS needs for itself, layered over ours: `bash prepare.sh --lavis` builds it.

LAVIS pins a transformers of 2023 and an OpenCV that dies on today's numpy. The layer holds those it needs
older, and takes torch and the rest from the environment it is built with.
"""

import fcntl
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from lib.files import sha256, whole
from lib.paths import ROOT, shorten
from rebuild.backends.shape import BackendError

LAYER = ROOT / ".venv.lavis"
REQUIREMENTS = ROOT / "requirements-lavis.txt"
FOR_CHECKOUTS = ROOT / "requirements-lavis-git.txt"  # goes into the layer's folder `git`
PYTHON = (3, 11)  # tokenizers 0.13, which LAVIS's transformers needs, has no wheels for newer ones


def interpreter(layer: Path = LAYER) -> Path:
    """The layer's Python; a layer that is missing or made for other pins gets one line."""
    if not (layer / "ready").is_file():
        raise BackendError(f"no LAVIS at {shorten(layer)}: build it with `bash prepare.sh --lavis`")
    if (layer / "ready").read_text() != stamp():
        raise BackendError(
            f"{shorten(layer)} was made for other pins: `bash prepare.sh --lavis` makes it anew"
        )
    return layer / "bin" / "python"


def stamp() -> str:
    """What a layer is made from: its pins, and the environment under it."""
    below = f"{sys.version_info[:3]} {sysconfig.get_path('purelib')}"
    return sha256(REQUIREMENTS.read_bytes(), FOR_CHECKOUTS.read_bytes(), below)


def build(layer: Path = LAYER) -> bool:
    """Make the layer unless it is there; whole or not at all. False where nothing had to be done."""
    if sys.version_info[:2] != PYTHON:
        needed, here = (".".join(map(str, version[:2])) for version in (PYTHON, sys.version_info))
        raise BackendError(f"LAVIS needs Python {needed}, this is {here}: its backend is not available here")
    with REQUIREMENTS.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # of two builders the second waits, then finds it done
        if (layer / "ready").is_file() and (layer / "ready").read_text() == stamp():
            return False
        with whole(layer) as draft:
            run_command([sys.executable, "-m", "venv", "--without-pip", str(draft)])
            install_pins(draft)
            (draft / "ready").write_text(stamp())
    return True


def install_pins(draft: Path) -> None:
    """Install the pins alone, and name the environment below: its packages serve what the layer lacks."""
    python = str(draft / "bin" / "python")
    if shutil.which("uv"):
        install = ["uv", "pip", "install", "--quiet", "--compile-bytecode", "--python", python]
    else:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python]
        install = [*pip, "install", "--quiet"]
    run_command([*install, "--no-deps", "-r", str(REQUIREMENTS)])
    run_command([*install, "--no-deps", "-r", str(FOR_CHECKOUTS), "--target", str(draft / "git")])
    packages = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    below = dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    (Path(packages) / "zz_main.pth").write_text("\n".join(below) + "\n")


def run_command(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["nothing"]
        raise BackendError(f"the LAVIS layer cannot be built: {Path(command[0]).name} said: {said[-1]}")


def main() -> int:
    """For prepare.sh: build the layer and prove that LAVIS can be imported in it."""
    try:
        if build():
            run_command([str(interpreter()), "-W", "ignore", "-c", "import lavis.models"])
    except BackendError as error:
        print(f"prepare: {error}", file=sys.stderr)
        return 1
    print(f"prepare: LAVIS is ready in {shorten(LAYER)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
