"""`python -m course COMMAND`: the command line. A command's module is imported only when it is asked for."""

import argparse
import sys

from lib.__main__ import choose_command

# command -> (module with add_arguments(parser) and run(arguments) -> exit code, one line of help)
COMMANDS = {
    "demo": ("course.demo", "a page on this machine that asks the trained models"),
    "grade": ("course.grade", "grade what was handed in from executed notebooks and the files beside them"),
    "handout": ("course.handout", "copy the notebooks for students, solutions taken out"),
    "report": ("course.report", "write report.html for an output folder"),
    "site": ("course.site", "the executed notebooks as a book of pages"),
}


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    about = "Lookbook's commands for those who teach and show; each has its own --help."
    parser = argparse.ArgumentParser(prog="python -m course", description=about)
    module, chosen = choose_command(parser, COMMANDS, arguments)
    try:
        return module.run(chosen)
    except (ValueError, OSError) as error:  # bad input, in one line
        print(f"course {chosen.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
