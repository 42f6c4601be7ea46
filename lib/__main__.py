"""`python -m lib COMMAND`: the command line. A command's module is imported only when it is asked for."""

import argparse
import importlib
import sys

# command -> (module with add_arguments(parser) and run(arguments) -> exit code, one line of help)
COMMANDS = {
    "data": ("lib.data.command", "check what a dataset folder holds and what is missing"),
    "score": ("lib.score.command", "score candidate captions against references"),
    "predict": ("lib.publish.predict", "caption pictures with a trained captioner"),
    "report": ("lib.publish.report", "write report.html for an output folder"),
}


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(
        prog="python -m lib",
        description="Lookbook's commands; each has its own --help.",
        epilog="The pipeline itself is run with: python run_all.py --help",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, line) in COMMANDS.items():
        command = commands.add_parser(name, help=line, description=line[0].upper() + line[1:] + ".")
        if arguments[:1] == [name]:
            importlib.import_module(module).add_arguments(command)
    chosen = parser.parse_args(arguments)
    return importlib.import_module(COMMANDS[chosen.command][0]).run(chosen)


if __name__ == "__main__":
    sys.exit(main())
