"""`python -m lib`: every command has help, and what is none is refused."""

import subprocess
import sys

from lib.paths import ROOT


def test_every_command_has_help():
    for command in ("", "data", "score"):
        words = [sys.executable, "-m", "lib", *command.split(), "--help"]
        answer = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
        assert answer.returncode == 0 and "usage: python -m lib" in answer.stdout


def test_an_unknown_command_is_refused_with_the_known_ones():
    words = [sys.executable, "-m", "lib", "dance"]
    answer = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 2 and "predict" in answer.stderr
