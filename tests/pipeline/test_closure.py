"""The closure finds every file of the houses that an import reaches, and no other."""

import ast

import pytest

from pipeline.closure import hashes

LIBRARY = {
    "lib/__init__.py": "",
    "lib/paths.py": "import os",
    "lib/data/__init__.py": "from lib.data.text import tokenize\nfrom lib.data.images import load",
    "lib/data/text.py": "from lib import paths",
    "lib/data/images.py": "def load():\n    import lib.heavy",
    "lib/heavy.py": "",
    "lib/lonely.py": "raise RuntimeError('never imported, only read')",
    "lib/room/__init__.py": "from lib.data.text import tokenize as cut\n__all__ = ['cut']",
    "lib/room/cut.py": "",
    "lib/busy/__init__.py": "from lib.paths import a\nfrom lib.data import text\na = text(a)",
    "lib/busy/deep.py": "",
    "lib/lazy/__init__.py": "WHERE = {'x': 'lib.lazy.one'}\ndef __getattr__(n):\n    import_module(WHERE[n])",
    "lib/lazy/one.py": "from .two import x",
    "lib/lazy/two.py": "",
    "lib/twice/__init__.py": "from lib.paths import f\nfrom lib.heavy import f",
    "lib/star/__init__.py": "from lib.paths import *\nfrom lib.heavy import h",
    "lib/lost.py": "from ...far import away",
    "lib/named.py": "import importlib\nTABLE = {'x': 'lib.heavy'}\nimportlib.import_module(TABLE['x'])",
    "lib/words.py": "open('words.txt')",
    "lib/words.txt": "a\nb",
    "lib/other.txt": "unused",
    "atelier/__init__.py": "from atelier.words import say",
    "atelier/words.py": "",
    "atelier/hats.py": "from lib import heavy",
    "rebuild/__init__.py": "",
    "rebuild/ask.py": "from atelier import say\nimport atelier.hats",
    "pipeline/__init__.py": "import lib.heavy",
    "lib/nested/deep/leaf.py": "from ... import paths\nfrom ...data import text",
    "lib/circle.py": "import lib.circle",
}


@pytest.fixture
def library(tmp_path):
    for name, text in LIBRARY.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import numpy, json\nfrom pathlib import Path", ""),
        ("import lib", "__init__"),
        ("from lib.data import tokenize", "__init__ data/__init__ data/text paths"),
        ("from lib.data import load", "__init__ data/__init__ data/images heavy"),
        ("from lib.data import images", "__init__ data/__init__ data/images heavy"),
        ("import lib.data.images as i", "__init__ data/__init__ data/images heavy"),
        ("from lib import data", "__init__ data/__init__ data/images data/text heavy paths"),
        ("from lib.data import *", "__init__ data/__init__ data/images data/text heavy paths"),
        ("def f():\n    from lib import paths", "__init__ paths"),
        ("from lib import room", "__init__ data/__init__ data/text paths room/__init__"),
        ("from lib.busy import a", "__init__ busy/__init__ data/__init__ data/text paths"),
        ("import lib.busy.deep", "__init__ busy/__init__ busy/deep data/__init__ data/text paths"),
        ("from lib.lazy import x", "__init__ lazy/__init__ lazy/one lazy/two"),
        ("from lib.twice import f", "__init__ heavy paths twice/__init__"),
        ("from lib.star import h", "__init__ heavy paths star/__init__"),
        ("import lib.lost", "__init__ lost"),
        ("from . import lib", ""),
        ("import_module('lib.paths')", "__init__ paths"),
        ("from lib.room import cut", "__init__ data/__init__ data/text paths room/__init__"),
        ("import lib.named", "__init__ heavy named"),
        ("import lib.nested.deep.leaf", "__init__ data/__init__ data/text nested/deep/leaf paths"),
        ("from atelier import say", "atelier/__init__ atelier/words"),
        (
            "import rebuild.ask",
            "atelier/__init__ atelier/hats atelier/words __init__ heavy rebuild/__init__ rebuild/ask",
        ),
        ("import lib.circle", "__init__ circle"),
        ("from pipeline import main", ""),
        ("import library, libfoo.paths", ""),
    ],
)
def test_what_an_import_reaches(library, code, expected):
    found = hashes([ast.parse(code)], library)
    assert [name.removeprefix("lib/").removesuffix(".py") for name in found] == expected.split()


def test_data_beside_a_module_counts_where_the_module_names_it(library):
    assert list(hashes([ast.parse("import lib.words")], library)) == [
        "lib/__init__.py",
        "lib/words.py",
        "lib/words.txt",
    ]


def test_hashes_follow_the_content(library):
    code = [ast.parse("from lib.data import tokenize")]
    before = hashes(code, library)
    (library / "lib" / "paths.py").write_text("import sys")
    after = hashes(code, library)
    assert {name for name in before if before[name] != after[name]} == {"lib/paths.py"}
    (library / "lib" / "paths.py").write_text("import lib.heavy")
    assert "lib/heavy.py" in hashes(code, library)
    (library / "lib" / "paths.py").write_text("half a line = (")
    assert "lib/paths.py" in hashes(code, library)
    (library / "lib" / "data" / "__init__.py").write_text("from lib.words import tokenize")
    assert "lib/words.txt" in hashes(code, library) and "lib/data/text.py" not in hashes(code, library)
