"""The rules of the houses that a machine can check. Every check is shown to fail on a planted offence."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from lib.paths import ROOT

# Who may import whom. In lib only the drawn dataset names the atelier, for worlds are handed in; the pipeline
# knows the roots of lib and no torch.
HOUSES = {
    "atelier": (),
    "lib": ("atelier",),
    "rebuild": ("lib", "atelier"),
    "pipeline": ("lib",),
    "originals": ("lib", "atelier", "rebuild"),
    "course": ("lib", "atelier", "rebuild", "pipeline", "originals"),
    "run_all": ("pipeline",),
    "notebooks": ("lib", "atelier", "rebuild", "originals"),
}
NAMES_THE_ATELIER = {"lib/data/drawn.py", "lib/data/street.py", "lib/data/motion.py"}
ROOTS = ("paths", "files", "config", "progress", "environment")
OTHERS = ("course", "tests", "benchmarks", "absent")  # nothing imports these

# One direction within a house too: a module imports only what stands above it here.
ORDER = {
    "lib": (
        "paths",
        "files",
        "config",
        "progress",
        "wordnet",
        "environment",
        "checkpoint",
        "data",
        "score",
        "models",
        "train",
        "index",
        "publish",
    ),
    "lib/data": (
        "record",
        "formats",
        "text",
        "subwords",
        "images",
        "films",
        "clips",
        "split",
        "drawn",
        "street",
        "motion",
        "loader",
        "command",
    ),
    "rebuild": ("errors", "sentences", "backends", "ask", "audit", "write", "retrain"),
}

# Ceilings in physical lines. Growth is a decision, taken here, and cutting comes first.
CEILINGS = {
    "lib": 13_300,
    "rebuild": 3_900,
    "atelier": 6_300,
    "pipeline": 2_000,
    "originals": 1_400,
    "course": 1_900,
}
MODULE = 250  # lines of a module that are neither blank nor comment
FUNCTION = 60  # of a function: one that reads well is better than four that must be read together

# Calls that may stand in one place only.
ONLY_HERE = {
    "backward": ("lib", "train"),
    "zero_grad": ("lib", "train"),
    "save_file": ("lib", "checkpoint"),
    "load_file": ("lib", "checkpoint"),
}
POSITIONAL = 6
# of a command: each has its own
COMMANDS = {f"lib/{where}.py" for where in ("data/command", "score/command", "publish/predict")}
COMMANDS |= {"lib/index/command.py", "lib/index/embed.py", "course/grade.py", "course/handout.py"}
COMMANDS |= {"course/demo.py", "course/report.py", "course/site.py"}
PROGRAMS = {"lib/__main__.py", "lib/environment.py", "pipeline/command.py", "pipeline/kernel.py"}
PROGRAMS |= {"rebuild/backends/lavis_worker.py", "rebuild/backends/layer.py", "course/__main__.py"}
PROGRAMS |= {"originals/beit3.py", "originals/easynlp.py", "originals/ofastyle.py"}
ENTRY_POINTS = {"main": PROGRAMS, "run": COMMANDS, "add_arguments": COMMANDS}
THE_ENGINES = {
    "papermill",
    "nbformat",
    "nbclient",
    "jupyter_client",
    "psutil",
    "zmq",
}  # what the pipeline runs on


def modules(root: Path) -> dict[Path, ast.Module]:
    """Every module of the houses, parsed."""
    files = [path for house in CEILINGS for path in sorted((root / house).rglob("*.py"))]
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in files}


def place(path: Path, root: Path) -> tuple[str, str]:
    """The house that a file stands in, and the name under it that the file belongs to."""
    house, *rest = path.relative_to(root).parts
    return house, rest[0].removesuffix(".py")


def code_lines(source: str) -> int:
    return sum(1 for line in source.splitlines() if line.strip() and not line.strip().startswith("#"))


def imported(tree: ast.Module):
    """Dotted names of everything a module imports, at the top, inside a function, or named in a text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            yield from (f"{origin}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
            "import_module",
            "__import__",
        ):
            yield from (
                a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)
            )


def importers(root: Path) -> dict[str, ast.Module]:
    """By its path all that stands under the rule of imports: the houses, run_all.py and the notebooks."""
    found = {path.relative_to(root).as_posix(): tree for path, tree in modules(root).items()}
    if (root / "run_all.py").exists():
        found["run_all.py"] = ast.parse((root / "run_all.py").read_text(encoding="utf-8"))
    for path in (root / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        found[path.relative_to(root).as_posix()] = ast.parse(code)
    return found


def wrong_imports(root: Path) -> list[str]:
    found = []
    for file, tree in importers(root).items():
        house = file.partition("/")[0].removesuffix(".py")
        for name in imported(tree):
            there = name.partition(".")[0]
            if there == house or there not in (*HOUSES, *OTHERS):
                continue
            allowed = there in HOUSES[house]
            if house == "lib":
                allowed = allowed and file in NAMES_THE_ATELIER
            if house == "pipeline":
                allowed = allowed and name.split(".")[1:2] != [] and name.split(".")[1] in ROOTS
            if not allowed:
                found.append(f"{file} imports {name}")
    return found


def wrong_order(root: Path) -> list[str]:
    """Imports within a house that go up instead of down."""
    found = []
    for path, tree in modules(root).items():
        file = path.relative_to(root).as_posix()
        for folder, order in ORDER.items():
            here = file.removeprefix(f"{folder}/").partition("/")[0].removesuffix(".py")
            if not file.startswith(f"{folder}/") or here not in order:
                continue
            prefix = folder.replace("/", ".") + "."
            for name in imported(tree):
                there = name.removeprefix(prefix).partition(".")[0]
                if name.startswith(prefix) and there in order and order.index(there) > order.index(here):
                    found.append(f"{file} imports {name}, which stands below it")
    return found


def unplaced(root: Path) -> list[str]:
    """Modules that the order of their folder does not name."""
    found = []
    for path in modules(root):
        for folder, order in ORDER.items():
            rest = path.relative_to(root).as_posix().removeprefix(f"{folder}/")
            name = rest.partition("/")[0].removesuffix(".py")
            inside = path.is_relative_to(root / folder)
            if inside and name not in (*order, "__init__", "__main__"):
                found.append(path.relative_to(root).as_posix())
    return found


def relative_imports(root: Path) -> list[str]:
    """A full name tells a reader where a module stands, and these checks which way it imports."""
    return [
        f"{file} imports {name}"
        for file, tree in importers(root).items()
        for name in imported(tree)
        if name[0] == "."
    ]


def through_its_own_door(root: Path) -> list[str]:
    """A module that asks its own package for what stands beside it may ask before it is there."""
    found = []
    for path, tree in modules(root).items():
        package = ".".join(path.relative_to(root).parent.parts)
        names = {name for name in imported(tree) if name.startswith(f"{package}.")}
        beside = {p.stem for p in path.parent.iterdir()} if path.name != "__init__.py" else set()
        asked = [name for name in names if name.count(".") == package.count(".") + 1]
        found += [
            f"{path.relative_to(root)} imports {n}"
            for n in asked
            if beside and n.rpartition(".")[2] not in beside
        ]
    return found


def heavy_pipeline(root: Path) -> list[str]:
    """The pipeline runs on the standard library and on what runs notebooks."""
    known = {*sys.stdlib_module_names, *HOUSES, *OTHERS, *THE_ENGINES}
    return [
        f"{file} imports {name}"
        for file, tree in importers(root).items()
        for name in imported(tree)
        if file.startswith("pipeline/") and name[0] != "." and name.partition(".")[0] not in known
    ]


def over_budget(root: Path) -> list[str]:
    found, totals = [], dict.fromkeys(CEILINGS, 0)
    for path, tree in modules(root).items():
        source = path.read_text(encoding="utf-8")
        totals[place(path, root)[0]] += len(source.splitlines())
        if (size := code_lines(source)) > MODULE:
            found.append(f"{path.relative_to(root)} has {size} lines (budget {MODULE})")
        for node in functions(tree):
            length = code_lines(ast.get_source_segment(source, node))
            if length > FUNCTION:
                found.append(f"{path.relative_to(root)}:{node.name} has {length} lines (budget {FUNCTION})")
    over = {house: total for house, total in totals.items() if total > CEILINGS[house]}
    return found + [
        f"{house}/ has {total} lines (ceiling {CEILINGS[house]})" for house, total in over.items()
    ]


def names_defined_twice(root: Path) -> list[str]:
    """Public functions and classes of one name in several places: a reader has to find the one meant."""
    places: dict[str, list[str]] = {}
    for path, tree in modules(root).items():
        for node in tree.body:
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
                and node.name[0] != "_"
            ):
                places.setdefault(node.name, []).append(path.relative_to(root).as_posix())
    return [
        f"{name} is defined in {' and '.join(files)}"
        for name, files in places.items()
        if len(files) > 1 and not set(files) <= ENTRY_POINTS.get(name, set())
    ]


def functions(tree: ast.Module) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def misplaced_calls(root: Path) -> list[str]:
    found = []
    for path, tree in modules(root).items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", None))
            if name in ONLY_HERE and place(path, root) != ONLY_HERE[name]:
                found.append(
                    f"{path.relative_to(root)} calls {name}, which belongs in {'/'.join(ONLY_HERE[name])}"
                )
            if ast.unparse(node.func) in ("optimizer.step", "optimiser.step") and place(path, root) != (
                "lib",
                "train",
            ):
                found.append(f"{path.relative_to(root)} steps an optimiser outside train")
            if ast.unparse(node.func) in ("torch.save", "pickle.load", "pickle.loads", "eval", "exec"):
                found += (
                    []
                    if allowed_to_run_code(path, node, root)
                    else [f"{path.relative_to(root)} calls {name}"]
                )
            if ast.unparse(node.func) == "torch.load" and not reads_weights_only(path, node, root):
                found.append(
                    f"{path.relative_to(root)}: torch.load without weights_only, or not in checkpoint"
                )
    return found


def allowed_to_run_code(path: Path, node: ast.Call, root: Path) -> bool:
    """The inline engine runs cells: exec and eval are its work."""
    return place(path, root)[0] == "pipeline" and ast.unparse(node.func) in ("eval", "exec")


def reads_weights_only(path: Path, node: ast.Call, root: Path) -> bool:
    safe = any(k.arg == "weights_only" and ast.unparse(k.value) == "True" for k in node.keywords)
    return safe and place(path, root) == ("lib", "checkpoint")


def equal_bodies(root: Path) -> list[str]:
    """Functions whose bodies are the same, names of the functions aside."""
    seen, found = {}, []
    for path, tree in modules(root).items():
        for node in functions(tree):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            text = "\n".join(ast.unparse(statement) for statement in body)
            if code_lines(text) >= 6:
                if text in seen:
                    found.append(f"{path.relative_to(root)}:{node.name} equals {seen[text]}")
                seen.setdefault(text, f"{path.relative_to(root)}:{node.name}")
    return found


def crowded_signatures(root: Path) -> list[str]:
    found = []
    for path, tree in modules(root).items():
        for node in functions(tree):
            names = [a.arg for a in node.args.posonlyargs + node.args.args if a.arg not in ("self", "cls")]
            if len(names) > POSITIONAL:
                found.append(f"{path.relative_to(root)}:{node.name} takes {len(names)} positional parameters")
    return found


def refused_names(root: Path) -> list[str]:
    refused = {"utils", "util", "helpers", "helper", "common", "base", "manager", "new", "v2", "misc"}
    return [str(p.relative_to(root)) for p in modules(root) if p.stem in refused or p.parent.name in refused]


def wildcard_imports(root: Path) -> list[str]:
    return [
        f"{path.name} imports {name}"
        for path, tree in modules(root).items()
        for name in imported(tree)
        if name.endswith(".*")
    ]


CHECKS = (
    wrong_imports,
    wrong_order,
    unplaced,
    relative_imports,
    through_its_own_door,
    heavy_pipeline,
    over_budget,
    names_defined_twice,
    misplaced_calls,
    equal_bodies,
    crowded_signatures,
    refused_names,
    wildcard_imports,
)

BODY = "    a = 1\n    b = 2\n    c = a + b\n    d = c * c\n    e = d - 1\n    return e\n"
OFFENCES = {
    "wrong_imports": ("atelier/hats.py", "from lib.files import write_json\n"),
    "wrong_order": ("lib/data/text.py", "from lib.train import fit\n"),
    "unplaced": ("lib/extras.py", "x = 1\n"),
    "relative_imports": ("lib/data/text.py", "from ..train import fit\n"),
    "through_its_own_door": ("lib/data/record.py", "from lib.data import open_dataset\n"),
    "heavy_pipeline": ("pipeline/plan.py", "def f():\n    import torch\n"),
    "over_budget": ("lib/score/long.py", "def f():\n" + "    x = 1\n" * 61),
    "names_defined_twice": ("lib/score/twice.py", "def f():\n    pass\n\n\nclass f:\n    pass\n"),
    "misplaced_calls": ("lib/models/sly.py", "def f(loss):\n    loss.backward()\n"),
    "equal_bodies": ("lib/score/twice.py", f"def f():\n{BODY}\n\ndef g():\n{BODY}"),
    "crowded_signatures": ("lib/score/wide.py", "def f(a, b, c, d, e, g, h):\n    return a\n"),
    "refused_names": ("lib/score/utils.py", "x = 1\n"),
    "wildcard_imports": ("lib/score/star.py", "from lib.paths import *\n"),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_house_holds(check):
    assert check(ROOT) == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_each_check_finds_a_planted_offence(check, tmp_path):
    file, source = OFFENCES[check.__name__]
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(source)
    assert check(tmp_path) != []


@pytest.mark.parametrize(
    "source",
    [
        "def f(optimizer):\n    optimizer.step()\n",
        "import torch\ntorch.load('x')\n",
        "import pickle\npickle.load(open('x', 'rb'))\n",
        "exec('1')\n",
        "from safetensors.torch import load_file\nload_file('x')\n",
    ],
)
def test_forbidden_calls_are_found(source, tmp_path):
    (tmp_path / "lib" / "models").mkdir(parents=True)
    (tmp_path / "lib" / "models" / "sly.py").write_text(source)
    assert misplaced_calls(tmp_path) != []


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("atelier/hats.py", "import rebuild\n"),
        ("lib/score/bleu.py", "from atelier import parse\n"),
        ("lib/data/drawn.py", "import pipeline\n"),
        ("lib/train/fit.py", "from rebuild import backends\n"),
        ("rebuild/judge.py", "def f():\n    from pipeline import main\n"),
        ("pipeline/plan.py", "from lib.models import generate\n"),
        ("pipeline/plan.py", "import lib\n"),
        ("pipeline/plan.py", "import rebuild\n"),
        ("run_all.py", "from lib.paths import ROOT\n"),
        ("lib/files.py", "import tests.absent\n"),
        ("lib/files.py", "import course\n"),
        ("lib/files.py", "import importlib\nimportlib.import_module('rebuild.audit.judge')\n"),
        ("pipeline/plan.py", "from lib import wordnet\n"),
    ],
)
def test_an_import_against_the_direction_is_found(file, source, tmp_path):
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    assert wrong_imports(tmp_path) != []


def test_a_notebook_that_imports_the_pipeline_is_found(tmp_path):
    (tmp_path / "notebooks").mkdir()
    cell = {"cell_type": "code", "source": ["from pipeline import main\n"]}
    (tmp_path / "notebooks" / "00_x.ipynb").write_text(json.dumps({"cells": [cell]}))
    assert wrong_imports(tmp_path) != []


def test_a_ceiling_counts_blank_lines_and_comments(tmp_path):
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline" / "long.py").write_text("\n# why\n" * (CEILINGS["pipeline"] // 2 + 1))
    assert "ceiling" in over_budget(tmp_path)[0]


LIGHT = (
    "lib", "lib.data", "lib.data.formats", "lib.score", "lib.index", "lib.publish",
    "atelier", "atelier.clips", "atelier.moods", "atelier.street",
    "rebuild", "rebuild.ask", "rebuild.audit", "rebuild.backends", "rebuild.write", "pipeline", "originals",
    "course",
)  # fmt: skip


HEAVY = {"lib.checkpoint", "lib.models", "lib.train"}  # all that stands in these is made of torch


def test_every_front_door_is_light_or_known_as_heavy():
    packages = {
        ".".join(path.relative_to(ROOT).parent.parts) for path in modules(ROOT) if path.stem == "__init__"
    }
    assert packages == {*LIGHT, *HEAVY}


@pytest.mark.parametrize("package", LIGHT)
def test_a_front_door_imports_nothing_heavy(package):
    heavy = ["torch", "matplotlib", "transformers", "nltk", "accelerate", "IPython", "pandas"]
    code = f"import sys, {package}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_importing_lib_is_quick():
    code = "import time; t = time.perf_counter(); import lib; print(time.perf_counter() - t)"
    took = [
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True) for _ in "123"
    ]
    assert min(float(done.stdout) for done in took) < 0.2


def test_each_module_says_what_it_is_for():
    silent = [
        str(p.relative_to(ROOT))
        for p, tree in modules(ROOT).items()
        if tree.body and not ast.get_docstring(tree)
    ]
    assert silent == []
