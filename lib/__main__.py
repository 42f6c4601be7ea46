"""`python -m lib COMMAND`: the command line. A command's module is imported only when it is asked for."""

import argparse
import importlib
import os
import sys
from typing import Any

# command -> (module with add_arguments(parser) and run(arguments) -> exit code, one line of help)
COMMANDS = {
    "data": ("lib.data.command", "check what a dataset folder holds and what is missing"),
    "score": ("lib.score.command", "score candidate captions against references"),
    "embed": ("lib.index.embed", "write pictures or texts as vectors of a model of retrieval"),
    "predict": ("lib.publish.predict", "caption pictures with a trained captioner"),
    "index": ("lib.index.command", "build, grow, shrink and search an index of pictures"),
}


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(
        prog="python -m lib",
        description="Lookbook's commands; each has its own --help.",
        epilog="The pipeline itself is run with: python run_all.py --help",
    )
    module, chosen = choose_command(parser, COMMANDS, arguments)
    try:
        return module.run(chosen)
    except BrokenPipeError:  # who reads the lines has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, OSError) as error:  # bad input, in one line
        from lib.data.formats.report import printable

        print(f"lookbook {chosen.command}: {printable(str(error))}", file=sys.stderr)
        return 2


def choose_command(parser, commands: dict[str, tuple[str, str]], arguments: list[str]) -> tuple[Any, Any]:
    """The module of the command that is asked for, and its options; no other command's is imported."""
    known = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, line) in commands.items():
        command = known.add_parser(name, help=line, description=line[0].upper() + line[1:] + ".")
        if arguments[:1] == [name]:
            importlib.import_module(module).add_arguments(command)
    chosen = parser.parse_args(arguments)
    return importlib.import_module(commands[chosen.command][0]), chosen


if __name__ == "__main__":
    sys.exit(main())
