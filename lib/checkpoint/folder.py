"""A checkpoint is a folder, written under another name, synced and renamed; read only if it is all there.

<name>/best                            one line of text: the variant that later stages read
<name>/<variant>/{best,last,step-N}/   weights.safetensors and meta.json;
                                       to resume, state.safetensors and state.json too
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from lib import environment
from lib.checkpoint.weights import CheckpointError, load_weights
from lib.files import FileError, hash_file, read_json, replaced, settle, sync, whole, write_json, write_text
from lib.paths import shorten

FORMAT = 1
WEIGHTS, META = "weights.safetensors", "meta.json"
STATE_TENSORS, STATE_JSON = "state.safetensors", "state.json"
FOREIGN = (".bin", ".pth", ".pt", ".ckpt")

# what a run needs to go on: tensors, and the rest as JSON
SavedState = tuple[dict[str, Tensor], dict[str, Any]]


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint in memory, on the CPU: its weights and what is known about them."""

    folder: Path
    weights: dict[str, Tensor]
    meta: dict[str, Any]


def save(
    folder: Path, weights: Mapping[str, Tensor], meta: Mapping[str, Any], state: SavedState | None = None
) -> Path:
    """Write a checkpoint; whatever happens meanwhile, `folder` holds the old one or the new one, whole."""
    folder = Path(folder)
    try:
        settle(folder)
        with whole(folder) as draft:
            draft.mkdir()
            known = {"format": FORMAT, "code": environment.commit(), **meta}
            known["weights_sha256"] = _write_tensors(draft / WEIGHTS, weights)
            if state is not None:
                known["state_sha256"] = _write_tensors(draft / STATE_TENSORS, state[0])
                write_json(draft / STATE_JSON, state[1])
            write_json(draft / META, known, indent=1)
    except (OSError, SafetensorError, FileError) as error:
        raise CheckpointError(f"{shorten(folder)}: cannot be written ({error}); nothing changed") from None
    return folder


def _write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """Write and sync; the SHA-256 of the file comes back."""
    safetensors.torch.save_file(_separate(tensors), path)
    path.chmod(0o644)  # the library lets nobody else read
    sync(path)
    return hash_file(path)


def _separate(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """CPU tensors that share no memory: tied weights do, which the format refuses. Each keeps its name."""
    separate: dict[str, Tensor] = {}
    taken = set()
    for name, tensor in tensors.items():
        tensor = tensor.detach().cpu().contiguous()
        place = tensor.untyped_storage().data_ptr()
        separate[name] = tensor.clone() if place in taken else tensor
        taken.add(place)
    return separate


def _present(folder: str | Path) -> Path:
    """For those who read: the folder, or the one it was about to replace when its writer was killed."""
    folder = Path(folder)
    return replaced(folder) if replaced(folder).exists() and not folder.exists() else folder


def load(folder: str | Path) -> Checkpoint:
    """Weights and meta of one checkpoint, on the CPU; what is broken or foreign is named in one line."""
    folder = _present(folder)
    meta = read_meta(folder)
    return Checkpoint(folder, _read_tensors(folder / WEIGHTS, meta["weights_sha256"]), meta)


def read_meta(folder: str | Path) -> dict[str, Any]:
    """What a checkpoint says about itself, without reading its weights."""
    folder = _present(folder)
    path = folder / META
    if not path.is_file():
        raise CheckpointError(_explain_absence(folder))
    meta = _read(path)
    if not isinstance(meta, dict) or not isinstance(meta.get("weights_sha256"), str):
        raise CheckpointError(f'{shorten(path)}: "weights_sha256" is missing')
    if meta.get("format") != FORMAT:
        raise CheckpointError(f"{shorten(path)}: format {meta.get('format')!r}; this code reads {FORMAT}")
    return meta


def read_state(folder: str | Path) -> SavedState:
    """The optimiser, random states and position that a run needs to go on from here."""
    folder = _present(folder)
    meta = read_meta(folder)
    if "state_sha256" not in meta:
        raise CheckpointError(f"{shorten(folder)}: no state to resume from in it; give a step-N or last")
    return _read_tensors(folder / STATE_TENSORS, meta["state_sha256"]), _read(folder / STATE_JSON)


def _read(path: Path) -> Any:
    try:
        return read_json(path)
    except FileError as error:
        raise CheckpointError(str(error)) from None


def _read_tensors(path: Path, digest: str) -> dict[str, Tensor]:
    if not path.is_file():
        raise CheckpointError(f"{shorten(path)}: missing")
    if hash_file(path) != digest:
        raise CheckpointError(f"{shorten(path)}: truncated or changed (its SHA-256 is not {META}'s)")
    return safetensors.torch.load_file(path, device="cpu")


def _explain_absence(folder: Path) -> str:
    """Why this is no checkpoint: nothing there, a file, or another program's weights."""
    wanted = f"a checkpoint is a folder with {WEIGHTS} and {META}"
    files = sorted(folder.iterdir()) if folder.is_dir() else [folder]
    foreign = next((path for path in files if path.suffix in FOREIGN and path.is_file()), None)
    if foreign is None:
        return f"{shorten(folder)}: {'not a checkpoint' if folder.exists() else 'does not exist'}; {wanted}"
    theirs = f"{shorten(foreign)}: another program's weights, which need the model class they came from"
    try:
        parts = list(dict.fromkeys(name.split(".")[0] for name in load_weights(foreign)))
    except CheckpointError as error:
        return f"{theirs}; {wanted} ({error})"
    return f"{theirs} (the one with the parts {', '.join(parts[:6])}); {wanted}"


def choose(name: str | Path, variant: str) -> Path:
    """Say in `<name>/best` which variant the later stages read; it must be there."""
    read_meta(Path(name) / variant / "best")
    return write_text(Path(name) / "best", f"{variant}\n")


def locate(path: str | Path) -> Path:
    """The checkpoint meant: a name means its chosen variant, a variant its best, a checkpoint itself."""
    path = Path(path)
    chosen = path / "best"
    if chosen.is_file():
        path = path / chosen.read_text(encoding="utf-8").strip()
    best = _present(path / "best")
    return best if best.is_dir() else _present(path)
