"""`python -m course COMMAND`: the command line. A command's module is imported only when it is asked for."""

import argparse
import importlib
import sys

from course.handed import CourseError

# command -> (module with add_arguments(parser) and run(arguments) -> exit code, one line of help)
COMMANDS = {
    "grade": ("course.grade", "grade what was handed in from executed notebooks and the files beside them"),
    "handout": ("course.handout", "copy the notebooks for students, solutions taken out"),
}


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    about = "Lookbook's commands for those who teach; each has its own --help."
    parser = argparse.ArgumentParser(prog="python -m course", description=about)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, line) in COMMANDS.items():
        command = commands.add_parser(name, help=line, description=line[0].upper() + line[1:] + ".")
        if arguments[:1] == [name]:
            importlib.import_module(module).add_arguments(command)
    chosen = parser.parse_args(arguments)
    try:
        return importlib.import_module(COMMANDS[chosen.command][0]).run(chosen)
    except CourseError as error:
        print(f"course {chosen.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
