"""The set-up as a user meets it: pins that agree, prepare.sh on good and broken ground, WordNet offline."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from absent import WORDNET
from packaging.requirements import Requirement

from lib import environment, wordnet
from lib.paths import ROOT

PINS = environment.pins()


def lock() -> dict[str, set[str]]:
    """Package -> the versions the lock allows (several where they depend on the Python version)."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / "requirements-lock.txt").read_text().splitlines():
        if match := environment.PIN.match(line):
            found.setdefault(match[1].lower(), set()).add(match[2])
    return found


def test_conda_environment_has_the_same_pins():
    content = yaml.safe_load((ROOT / "environment.yml").read_text())
    pip = next(item["pip"] for item in content["dependencies"] if isinstance(item, dict))
    assert {m[1].lower(): m[2] for line in pip if (m := environment.PIN.match(line))} == PINS
    assert "python=3.11" in content["dependencies"]


def test_lock_contains_every_pin_and_pins_everything_exactly():
    locked = lock()
    assert {name: locked[name] for name in PINS} == {name: {version} for name, version in PINS.items()}
    lines = [x for x in (ROOT / "requirements-lock.txt").read_text().splitlines() if x and x[0] not in "# "]
    assert all("==" in line and "://" not in line for line in lines)


def test_torch_and_torchvision_are_pinned_together():
    """torch 2.N goes with torchvision 0.(N+15), patch by patch."""
    torch, vision = PINS["torch"].split("."), PINS["torchvision"].split(".")
    assert (int(torch[1]) + 15, torch[2]) == (int(vision[1]), vision[2])


def test_this_python_satisfies_the_pins_and_a_wrong_one_is_named():
    assert environment.mismatches(PINS) == []
    assert environment.mismatches({"numpy": "0.0.1"})[0].startswith("numpy==0.0.1 wanted, ")
    assert environment.mismatches({"no-such-package": "1"}) == ["no-such-package==1 wanted, not installed"]


@pytest.fixture
def checkout(tmp_path):
    """A checkout with a set-up of its own that needs no network: one pin, which this Python can satisfy."""
    for name in ("prepare.sh", "pyproject.toml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    (tmp_path / "lib").mkdir()
    for name in ("__init__", "paths", "environment", "wordnet"):
        (tmp_path / "lib" / f"{name}.py").write_text((ROOT / "lib" / f"{name}.py").read_text())
    (tmp_path / "requirements.txt").write_text("pip==0.0.0\n")
    (tmp_path / "requirements-lock.txt").write_text("")
    return tmp_path


def prepare(checkout: Path, *command: str, **extra: str) -> subprocess.CompletedProcess:
    clean = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHON")}
    return subprocess.run(
        ["bash", str(checkout / "prepare.sh"), *command],
        env=clean | extra, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def finish_by_hand(checkout: Path) -> None:
    """Bring the folder into the state that a completed set-up leaves, around this test's own interpreter."""
    (checkout / "requirements.txt").write_text(f"torch=={PINS['torch']}\n")
    binaries = checkout / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (binaries / "python").chmod(0o755)
    made_from = "printf '%s\\n' \"$0\"; cat requirements{,-lock}.txt; grep '^packages' pyproject.toml"
    stamp = f"{{ {made_from}; }} | cksum > .venv/.lookbook-ready"
    subprocess.run(["bash", "-c", stamp, str(checkout)], cwd=checkout, check=True)


def test_second_call_is_quick_and_runs_the_command(checkout):
    finish_by_hand(checkout)
    start = time.monotonic()
    answer = prepare(checkout, "python", "-c", "print('in it')")
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "in it\n", "")
    assert time.monotonic() - start < 2


def test_the_commands_exit_code_is_handed_on(checkout):
    finish_by_hand(checkout)
    assert prepare(checkout, "python", "-c", "raise SystemExit(7)").returncode == 7
    answer = prepare(checkout, "no-such-command-here")
    assert (answer.returncode, answer.stderr) == (
        1,
        "prepare: command not found in the environment: no-such-command-here\n",
    )


def test_a_foreign_venv_is_left_alone(checkout):
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "mine").write_text("keep")
    answer = prepare(checkout, "python", "-V")
    assert answer.returncode == 1
    assert ".venv exists and was not made by prepare.sh" in answer.stderr
    assert (checkout / ".venv" / "mine").read_text() == "keep"


def test_a_link_to_another_environment_is_left_alone(checkout, tmp_path):
    (tmp_path / "theirs").mkdir()
    (checkout / ".venv").symlink_to(tmp_path / "theirs")
    answer = prepare(checkout, "python", "-V")
    assert answer.returncode == 1 and ".venv is a link to an environment without these pins" in answer.stderr
    assert (checkout / ".venv").is_symlink() and not any((tmp_path / "theirs").iterdir())


def test_an_interrupted_set_up_is_noticed_and_begun_again(checkout):
    """The pin cannot be installed, so the second try fails too: but it did start from an empty folder."""
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / ".lookbook-building").touch()
    (checkout / ".venv" / "debris").touch()
    answer = prepare(checkout, "python", "-V", PYTHON=sys.executable, PIP_NO_INDEX="1")
    assert answer.returncode != 0
    assert "an earlier set-up was interrupted; starting it again" in answer.stderr
    assert not (checkout / ".venv" / "debris").exists()
    assert (checkout / ".venv" / ".lookbook-building").exists(), "the next call must notice this one too"


def test_changed_pins_or_a_moved_checkout_are_noticed(checkout):
    finish_by_hand(checkout)
    (checkout / "requirements-lock.txt").write_text("# changed\n")
    answer = prepare(checkout, "python", "-V", PYTHON=sys.executable, PIP_NO_INDEX="1")
    assert "making .venv" in answer.stderr


def test_an_active_environment_that_satisfies_the_pins_is_used(checkout):
    (checkout / "requirements.txt").write_text(f"torch=={PINS['torch']}\n")
    answer = prepare(checkout, "python", "-c", "import sys; print(sys.prefix)", VIRTUAL_ENV=sys.prefix)
    assert (answer.returncode, answer.stdout.strip()) == (0, sys.prefix)
    assert not (checkout / ".venv").exists()


OPTIONAL = pytest.mark.parametrize(
    ("name", "what"),
    [
        ("photos", "the eye for photographs"),
        ("qdrant", "Qdrant's client"),
        ("demo", "the demo's page"),
        ("site", "the maker of the book"),
    ],
)


@OPTIONAL
def test_what_is_optional_is_there_already(checkout, name, what):
    finish_by_hand(checkout)
    (checkout / f"requirements-{name}.txt").write_text(f"timm=={PINS['timm']}\n")
    answer = prepare(checkout, f"--{name}")
    assert (answer.returncode, answer.stderr) == (0, f"prepare: {what} is ready\n")


@OPTIONAL
def test_an_active_environment_stays_without_what_is_optional(checkout, name, what):
    (checkout / "requirements.txt").write_text(f"torch=={PINS['torch']}\n")
    (checkout / f"requirements-{name}.txt").write_text("pip==0.0.0\n")
    answer = prepare(checkout, f"--{name}", VIRTUAL_ENV=sys.prefix)
    assert answer.returncode == 1
    assert answer.stderr.endswith(f"in it: pip install --no-deps -r requirements-{name}.txt\n")


@OPTIONAL
def test_what_is_optional_and_cannot_be_fetched_is_said(checkout, name, what):
    finish_by_hand(checkout)
    (checkout / f"requirements-{name}.txt").write_text("pip==0.0.0\n")
    answer = prepare(checkout, f"--{name}", "python", "-V", PIP_NO_INDEX="1", UV_NO_INDEX="1")
    assert answer.returncode == 1
    assert answer.stderr.endswith(f"{what} cannot be fetched; see the lines above\n")


@pytest.mark.parametrize("name", ["qdrant", "demo", "site"])
def test_what_is_optional_needs_nothing_that_is_not_pinned(name):
    """It is installed with --no-deps, so what it asks for must stand in its file or in the lock."""
    pinned = environment.pins(ROOT / f"requirements-{name}.txt")
    if environment.mismatches(pinned):
        pytest.skip(f"{environment.mismatches(pinned)[0]}: bash prepare.sh --{name}")
    asked = [line for package in pinned for line in importlib.metadata.requires(package) or []]
    here = [Requirement(line) for line in asked]
    needed = {r.name for r in here if r.marker is None or r.marker.evaluate({"extra": ""})}
    known = {re.sub(r"[-_.]+", "-", package) for package in (*pinned, *lock())}
    assert {re.sub(r"[-_.]+", "-", package).lower() for package in needed} - known == set()


def test_the_packages_of_weights_are_those_that_are_pinned():
    from lib.models.packages import FOLDERS, PACKAGES

    pinned = environment.pins(ROOT / "requirements-photos.txt")
    assert list(pinned) == [*PACKAGES, *FOLDERS]


def test_no_usable_python_is_one_clear_line(checkout):
    answer = prepare(checkout, "python", "-V", PYTHON="/bin/false")
    assert answer.returncode == 1
    assert re.search(r"no Python 3\.11, 3\.12 or 3\.13 found at /bin/false", answer.stderr)
    assert not (checkout / ".venv").exists()


def test_help_and_unknown_options(checkout):
    assert "usage: bash prepare.sh" in prepare(checkout, "--help").stdout
    assert prepare(checkout, "--nonsense").returncode == 2


def test_wordnet_is_built_from_debians_files(tmp_path):
    if not wordnet.DEBIAN.is_dir():
        pytest.skip(WORDNET)
    assert wordnet.from_debian(tmp_path)
    question = "from nltk.corpus import wordnet as w; print(w.synset('dress.n.01').lexname())"
    answer = subprocess.run(
        [sys.executable, "-c", question],
        env=os.environ | {"NLTK_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert answer.stdout.strip() == "noun.artifact", answer.stderr


@pytest.mark.parametrize("packed", [False, True])
def test_wordnet_opened_quickly_says_what_nltks_says(tmp_path, monkeypatch, packed):
    import nltk
    from nltk.corpus.reader.wordnet import WordNetCorpusReader

    if not wordnet.from_debian(tmp_path):
        pytest.skip(WORDNET)
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    theirs = WordNetCorpusReader(nltk.data.find("corpora/wordnet"), None)
    words = [*sorted(theirs.words())[::997], "ran", "better", "wolves", "no such word"]
    expected = [[synset.lemma_names() for synset in theirs.synsets(word)] for word in words]
    if packed:
        folder = tmp_path / "corpora" / "wordnet"
        shutil.make_archive(str(folder), "zip", tmp_path / "corpora", "wordnet")
        shutil.rmtree(folder)
    ours = wordnet.open_reader()
    assert [[synset.lemma_names() for synset in ours.synsets(word)] for word in words] == expected


def test_wordnet_to_open_that_is_nowhere_is_a_lookup_error(tmp_path, monkeypatch):
    import nltk

    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    with pytest.raises(LookupError):
        wordnet.open_reader()


def test_half_a_wordnet_is_not_available(tmp_path, monkeypatch):
    import nltk

    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    if not wordnet.from_debian(tmp_path):
        pytest.skip(WORDNET)
    assert wordnet.available()
    (tmp_path / "corpora" / "wordnet" / "data.noun").write_text("")  # as on a full disk
    with pytest.warns(UserWarning, match="No WordNet synset"):
        assert not wordnet.available()


def test_wordnet_absent_is_said_and_nothing_is_written(tmp_path):
    assert wordnet.from_debian(tmp_path / "nltk", source=tmp_path) is False
    assert not (tmp_path / "nltk").exists()


def test_lexnames_number_the_45_lexicographer_files():
    rows = [line.split("\t") for line in wordnet.LEXNAMES.read_text().splitlines()]
    assert [row[0] for row in rows] == [f"{n:02d}" for n in range(45)]
    assert (rows[4][1:], rows[29][1:], rows[44][1:]) == (
        ["noun.act", "1"],
        ["verb.body", "2"],
        ["adj.ppl", "3"],
    )
