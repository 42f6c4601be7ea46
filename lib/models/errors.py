"""What can be wrong with a model that somebody asked for, in one line."""

import contextlib
import difflib
from collections.abc import Iterable, Iterator

from lib.checkpoint import CheckpointError
from lib.config import ConfigError
from lib.files import FileError
from lib.paths import some


class ModelError(ValueError):
    """A model that cannot be built, fed or loaded as asked; the message says what was expected."""


@contextlib.contextmanager
def as_model_error(theirs: str = "", ours: str = "") -> Iterator[None]:
    """What is wrong with settings or files is wrong with the model; `ours` is what it calls `theirs`."""
    try:
        yield
    except (ConfigError, CheckpointError, FileError) as error:
        raise ModelError(str(error).replace(theirs, ours) if theirs else str(error)) from None


def check_known(what: str, name: object, known: Iterable[str]) -> None:
    """Refuse a name that does not exist, and name the nearest that does."""
    known = sorted(known)
    if name not in known:
        close = difflib.get_close_matches(str(name), known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {some(known, 40)}"
        raise ModelError(f"unknown {what} {name!r}; {hint}")
