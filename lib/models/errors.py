"""What can be wrong with a model that somebody asked for, in one line."""

import difflib
from collections.abc import Iterable

from lib.paths import some


class ModelError(ValueError):
    """A model that cannot be built, fed or loaded as asked; the message says what was expected."""


def check_known(what: str, name: object, known: Iterable[str]) -> None:
    """Refuse a name that does not exist, and name the nearest that does."""
    known = sorted(known)
    if name not in known:
        close = difflib.get_close_matches(str(name), known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {some(known, 40)}"
        raise ModelError(f"unknown {what} {name!r}; {hint}")
