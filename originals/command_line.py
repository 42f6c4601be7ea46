"""What the command lines here share: options that stand in tables, and a failure told in one line."""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from lib.data.formats.report import printable

BAD_INPUT = 2
# flags; what they take: a type, a tuple of choices, bool for nothing, list for several, None for what has no
# place here; the default (... is none, and needed); what they are for, or why they have no place
Option = tuple[str, Any, Any, str]
HOW = {None: {"nargs": "?", "const": ""}, bool: {"action": "store_true"}, list: {"nargs": "+"}}


def add_options(parser: argparse.ArgumentParser, options: Iterable[Option]) -> None:
    for flags, kind, default, told in options:
        how = {"choices": kind} if isinstance(kind, tuple) else HOW.get(kind, {"type": kind})
        needed = {"required": True} if default is ... else {"default": default} if default is not None else {}
        told = f"has no place here: {told}" if kind is None else told
        shown = "" if default in (None, ..., False, "") else " (%(default)s)"
        parser.add_argument(*flags.split(), **how, **needed, help=told + shown)


def build_program(
    name: str, about: str, commands: Mapping[str, Iterable[Option]], options: Sequence[Option] = ()
) -> argparse.ArgumentParser:
    """The parser of `python -m originals.NAME COMMAND ...`; without a command `options` may be given."""
    shown = {"description": about, "formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = argparse.ArgumentParser(f"python -m originals.{name}", allow_abbrev=False, **shown)
    add_options(parser, options)
    places = parser.add_subparsers(dest="command", required=not options)
    for command, own in commands.items():
        add_options(places.add_parser(command, allow_abbrev=False), own)
    return parser


def tell_no_place(args: argparse.Namespace, options: Iterable[Option]) -> None:
    for option, kind, _, reason in options:
        if kind is None and getattr(args, option.removeprefix("--")) is not None:
            print(f"{option} has no place here: {reason}")


def exit_code(name: str, work: Callable[[Any], None], given: Any) -> int:
    """0, or 2 where something given is wrong, said in one line."""
    try:
        work(given)
    except (ValueError, OSError) as error:  # all that lib raises for a user to put right are ValueErrors
        print(f"{name}: {printable(str(error))}", file=sys.stderr)
        return BAD_INPUT
    return 0
