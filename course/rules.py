"""What each rule of a rubric gives: a share of its points, and why, in plain words."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from course.cells import CodeCell, CodeCells, begin, match_cells, read_cells, same_code
from course.handed import Folder, Refused, in_a_line
from course.rubric import Rubric, Rule

CHECK = re.compile(r"\bcheck\(\s*(\d+)\s*,")
REAL = ("iVBORw0KGgo", "/9j/")  # how PNG and JPEG begin in base64

Earned = tuple[float | None, str]  # None: this notebook has nothing that the rule could ask for


class Course(NamedTuple):
    """What submissions are held against: the course's notebooks, the rubric and perhaps the teacher's run."""

    notebooks: Mapping[str, CodeCells]
    rubric: Rubric
    expected: Mapping[str, Mapping[str, frozenset[str]]]  # stage -> cell's id -> what it shows in that run
    metrics: Mapping[str, Any]  # stage -> its metrics in that run
    truths: Mapping[str, Any]  # stage -> its pictures' references and attributes in that run


@dataclass(frozen=True)
class StageWork:
    """One stage of a submission, as far as it could be read."""

    stage: str
    folder: Folder
    given: CodeCells  # the course's
    cells: CodeCells | None  # those handed in
    places: list[int | None]  # of each of the course's cells among them
    added: list[int]
    metrics: dict[str, Any] | None
    run: dict[str, Any]

    def why_not(self, name: str) -> str:
        return self.folder.unread.get(name, f"{name} is missing")

    def handed(self, k: int) -> CodeCell | None:
        """What was handed in as the course's cell `k`."""
        return None if self.places[k] is None else self.cells[self.places[k]]


def open_work(folder: Folder, stage: str, given: CodeCells) -> StageWork:
    """Read a stage's notebook, metrics and run record; what is refused is told in `folder.unread`."""
    page, partial, numbers = (
        f"notebooks/{stage}.ipynb",
        f"notebooks/{stage}.partial.ipynb",
        f"metrics/{stage}.json",
    )
    if not folder.holds(page) and folder.holds(partial):
        page = partial  # what the pipeline keeps of a run that failed
    cells = folder.once(page, read_cells, folder, page)
    run = within(folder.once("run.json", folder.json, "run.json"), "stages", stage)
    metrics = folder.once(numbers, read_rows, folder, numbers)
    return StageWork(stage, folder, given, cells, *match_cells(given, cells or ()), metrics, run)


def within(value: Any, *keys: str) -> dict[str, Any]:
    """The object under some keys, empty where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def read_rows(folder: Folder, name: str) -> dict[str, Any] | None:
    """Metrics whose rows all have a name of their own."""
    if (metrics := folder.json(name)) is None:
        return None
    rows = within(metrics).get("rows")
    names = [within(row).get("name") for row in rows] if isinstance(rows, list) else [None]
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise Refused(f"{name}: no metrics: rows with names of their own are missing")
    return metrics


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def grade_rule(rule: Rule, work: StageWork, course: Course) -> dict[str, Any]:
    """Points, the reason for them, and where the rule is about a metric its strip."""
    if rule.kind == "metric":
        strip = find_strip(rule, work)
        return tell(rule, *earn_way(strip)) | ({} if isinstance(strip, str) else {"strip": strip})
    if rule.kind == "files":
        return tell(rule, *earn_files(rule, work))
    earn = {"ran": earn_run, "outputs": earn_outputs, "exercises": earn_exercises}[rule.kind]
    share, reason = earn(rule, work, course)
    if work.cells is None and share is not None:
        share, reason = 0.0, work.why_not(f"notebooks/{work.stage}.ipynb")
    return tell(rule, share, reason)


def tell(rule: Rule, share: float | None, reason: str) -> dict[str, Any]:
    possible = 0.0 if share is None else rule.points
    told = {"name": rule.name, "stage": rule.stage, "points": round((share or 0.0) * possible, 2)}
    return told | {"possible": possible, "reason": in_a_line(reason, 600)}


def earn_run(rule: Rule, work: StageWork, course: Course) -> Earned:
    """Up to the first cell that failed, was left out or ran out of order; missing cells count as such."""
    cells = work.cells or ()
    missing, all_given, total = work.places.count(None), len(work.given), len(cells)
    here = 1 - missing / all_given if all_given else 1.0
    tail = f"; {missing} of the course's {all_given} code cells are missing" if missing else ""
    for k, cell in enumerate(cells, 1):
        error = next((shown.text for shown in cell.shown if shown.kind == "error"), None)
        if error is None and cell.count == k:
            continue
        why = f"has the count {cell.count}: it ran out of order" if cell.count else "never ran"
        why = f"ended in {error}" if error is not None else why
        return here * (k - 1) / total, f"code cell {k} of {total} {why}{tail}"
    return here if total else 0.0, f"all {total} code cells ran, in order and without an error{tail}"


def earn_outputs(rule: Rule, work: StageWork, course: Course) -> Earned:
    """Cells that show what the teacher's run shows; without one, anything where they end in a value."""
    run = course.expected.get(work.stage)
    wanted = {k: forms for k, cell in enumerate(work.given) if (forms := expect(cell, run))}
    lacking = [k for k, forms in wanted.items() if not forms <= forms_of(work.handed(k))]
    if not wanted:
        return None, "no cell of this notebook shows anything"
    there, whose = len(wanted) - len(lacking), "by their code" if run is None else "by the reference run"
    first = f"; the first that does not: {begin(work.given[lacking[0]])}" if lacking else ""
    told = f"{there} of {len(wanted)} cells show what they should {whose}{first}"
    return min(1.0, there / len(wanted) / rule.full_at), told


def expect(cell: CodeCell, run: Mapping[str, frozenset[str]] | None) -> frozenset[str]:
    """What a given cell should show; exercises and their checks have a rule of their own."""
    if cell.tags & {"exercise", "check"}:
        return frozenset()
    if run is not None:
        return run.get(cell.id, frozenset())
    return frozenset({"any"} if isinstance(ast.parse(cell.source).body[-1], ast.Expr) else ())


def forms_of(cell: CodeCell | None) -> frozenset[str]:
    """What a cell shows: text, table, picture. What only says that it is a picture is none."""
    shown = [shown for shown in (cell.shown if cell else ()) if shown.kind != "error"]
    forms = {s.form for s in shown if not s.picture or s.picture.startswith(REAL)}
    return frozenset(forms | {"any"} if forms else ())


def earn_files(rule: Rule, work: StageWork) -> Earned:
    lacking = [name for name in rule.files if not work.folder.holds(name)]
    told = "; ".join(map(work.why_not, lacking)) if lacking else "there: " + ", ".join(rule.files)
    return 1 - len(lacking) / max(1, len(rule.files)), told


def earn_exercises(rule: Rule, work: StageWork, course: Course) -> Earned:
    answers = list(read_exercises(work))
    told = "; ".join(f"exercise {answer['number']}: {answer['verdict']}" for answer in answers)
    right = sum(answer["verdict"] == "right" for answer in answers)
    return (right / len(answers), told) if answers else (None, "this notebook has no exercises")


def read_exercises(work: StageWork) -> Iterator[dict[str, Any]]:
    """Each exercise: its verdict, which counts below an unchanged check cell only, and what was written."""
    source = ""
    for k, cell in enumerate(work.given):
        found, number = work.handed(k), CHECK.search(cell.source)
        if "exercise" in cell.tags:
            source = found.source if found else ""
        if "check" not in cell.tags or not number:
            continue
        start = f"exercise {number[1]}: "
        told = [s.text for s in (found.shown if found else ()) if s.kind == "execute_result"]
        said = [text for text in told if text.startswith(start)]
        if found is None:
            verdict = "its check cell is missing"
        elif not same_code(cell.source, found.source):
            verdict = "its check cell was changed, so it does not count"
        else:
            verdict = said[-1].removeprefix(start) if said else "its check cell says nothing"
        yield {"number": int(number[1]), "verdict": in_a_line(verdict), "source": source}


def earn_way(strip: dict[str, Any] | str) -> Earned:
    if isinstance(strip, str):
        return 0.0, strip
    told = (
        "{row} has {key} {value:.3f}: {way:.0%} of the way from {floor[0]} ({floor[1]:.3f}) to {ceiling[0]} "
    )
    told += "({ceiling[1]:.3f})" + ("; {full_at:.0%} earn all points" if strip["full_at"] < 1 else "")
    return min(1.0, strip["way"] / strip["full_at"]), told.format(**strip)


def find_strip(rule: Rule, work: StageWork) -> dict[str, Any] | str:
    """The row between its floor and its ceiling, or why that cannot be told."""
    name, key = f"metrics/{rule.stage}.json", rule.key
    if work.metrics is None:
        return work.why_not(name)
    rows = [row for row in work.metrics["rows"] if is_number(row.get(key))]
    ends = []
    for own, what, others in (
        (rule.row, "of kind model", [row for row in rows if row.get("kind") == "model"]),
        (rule.floor, "named blind", [row for row in rows if row["name"].startswith("blind")]),
        (rule.ceiling, "of kind ceiling", [row for row in rows if row.get("kind") == "ceiling"]),
    ):
        if not (found := [row for row in rows if row["name"] == own] if own else others):
            return f"{name} has no row {own or what} with a {key}"
        best = max(found, key=lambda row: row[key])
        ends.append((in_a_line(best["name"], 60), best[key]))
    (row, value), low, high = ends
    if high[1] <= low[1]:
        return f"{name}: {key} of {high[0]} ({high[1]:.3f}) is not above that of {low[0]} ({low[1]:.3f})"
    way = min(1.0, max(0.0, (value - low[1]) / (high[1] - low[1])))
    strip = {"row": row, "key": key, "value": value, "floor": low, "ceiling": high}
    return strip | {"full_at": rule.full_at, "way": way}
