"""What this machine and this Python have: pins, torch and CUDA, disk. Used by prepare.sh and by reports."""

import functools
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from lib.paths import ROOT

PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;#]+)(?: ; python_version >= '3\.(\d+)')?")
SUPPORTED = ((3, 11), (3, 13))
DISK_NEEDED_GB = 8  # torch's CUDA build alone unpacks to more than five


def pins(requirements: Path = ROOT / "requirements.txt") -> dict[str, str]:
    """Package -> the exact version it is pinned to."""
    matches = (PIN.match(line) for line in requirements.read_text(encoding="utf-8").splitlines())
    here = [match for match in matches if match and sys.version_info[1] >= int(match[3] or 0)]
    return {match[1].lower(): match[2] for match in here}


def mismatches(wanted: dict[str, str]) -> list[str]:
    """The pins that this Python does not meet, in words; empty when it meets all."""
    found = {name: installed(name).split("+")[0] for name in wanted}
    unmet = [name for name, version in wanted.items() if found[name] != version]
    return [f"{name}=={wanted[name]} wanted, {found[name]}" for name in unmet]


def versions(*packages: str) -> dict[str, str]:
    """Versions worth printing at the top of a notebook."""
    return {"python": platform.python_version()} | {name: installed(name) for name in packages}


def installed(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


@functools.cache
def commit() -> str | None:
    """The code's git commit, with `+` where the tree has changes; None outside a checkout."""
    try:
        asked = ["git", "describe", "--always", "--exclude=*", "--abbrev=12", "--dirty=+"]
        told = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return told.stdout.strip() if told.returncode == 0 else None


def python_verdict() -> str:
    low, high = SUPPORTED
    fine = low <= sys.version_info[:2] <= high
    note = "" if fine else f" (Lookbook is tested on {low[0]}.{low[1]} to {high[0]}.{high[1]})"
    return f"Python {platform.python_version()}{note}"


def disk_verdict(folder: Path = ROOT) -> str:
    free = shutil.disk_usage(folder).free / 1e9
    return f"{free:.0f} GB of disk free" + ("" if free >= DISK_NEEDED_GB else f" (under {DISK_NEEDED_GB} GB)")


def torch_verdict() -> str:
    """Imports the pair for real: a mismatched torchvision breaks at import, not at install."""
    try:
        import torch
        import torchvision
        from torchvision.ops import nms

        nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
    except Exception as error:  # any failure here is the finding itself
        return f"torch and torchvision do not work together: {type(error).__name__}: {error}"
    return f"torch {torch.__version__} with torchvision {torchvision.__version__}: {cuda_verdict()}"


def cuda_verdict() -> str:
    """The driver's CUDA against the CUDA that torch was built for."""
    import torch

    built = torch.version.cuda
    if built is None:
        return "a build without CUDA" + (", Apple GPU usable" if torch.backends.mps.is_available() else "")
    driver = driver_cuda()
    if driver is None:
        return f"built for CUDA {built}, no NVIDIA driver found: everything runs on the CPU"
    if torch.cuda.is_available():
        return f"built for CUDA {built}, the driver offers {driver}: {torch.cuda.get_device_name(0)}"
    return f"built for CUDA {built}, but the driver offers {driver}: update it, or training runs on the CPU"


def driver_cuda() -> str | None:
    """The newest CUDA the installed NVIDIA driver serves, as nvidia-smi says it."""
    try:
        text = subprocess.run(["nvidia-smi"], capture_output=True, text=True, timeout=20).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"CUDA Version:\s*([\d.]+)", text)
    return match[1] if match else None


def offline() -> None:
    """Announce to Hugging Face libraries, before they are imported, that nothing is to be fetched."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")


def main(arguments: list[str]) -> int:
    """`pins [FILE]`: does this Python satisfy the pins; `report`: every check, with WordNet provided;
    `look`: the same in an environment that is not ours, where nothing is written."""
    if arguments[:1] == ["pins"]:
        problems = mismatches(pins(*map(ROOT.joinpath, arguments[1:])))
        print("\n".join(problems))
        return 1 if problems else 0
    from lib import wordnet

    words = wordnet.verdict() if arguments == ["look"] else wordnet.provide(Path(sys.prefix) / "nltk_data")
    for line in (python_verdict(), disk_verdict(), torch_verdict(), words):
        print(f"  {line}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
