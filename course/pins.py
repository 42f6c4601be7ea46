"""What only some commands need: packages that prepare.sh fetches when it is asked to."""

from course.handed import CourseError
from lib import environment
from lib.paths import ROOT


def need_pins(name: str) -> None:
    """The pins of requirements-NAME.txt are all there, or one line says what to run."""
    wrong = environment.mismatches(environment.pins(ROOT / f"requirements-{name}.txt"))
    if wrong:
        raise CourseError(f"{wrong[0]}; run: bash prepare.sh --{name}")
