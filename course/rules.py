"""What each rule of a rubric gives: a share of its points, and why, in plain words."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from course.cells import CodeCell, begin, match_cells, read_cells, same_code, strip_solutions
from course.handed import Folder, Refused, in_a_line
from course.rubric import Rule

CHECK = re.compile(r"\bcheck\(\s*(\d+)\s*,")


class Course(NamedTuple):
    """What submissions are held against."""

    notebooks: Mapping[str, tuple[CodeCell, ...]]
    title: str
    rules: Sequence[Rule]


@dataclass(frozen=True)
class StageWork:
    """One stage of a submission, as far as it could be read."""

    stage: str
    folder: Folder
    given: tuple[CodeCell, ...]  # the course's
    cells: tuple[CodeCell, ...] | None  # those handed in
    places: list[int | None]  # of each of the course's cells among them
    added: list[int]
    metrics: dict[str, Any] | None
    run: dict[str, Any]

    def why_not(self, name: str) -> str:
        return self.folder.unread.get(name, f"{name} is missing")

    def handed(self, k: int) -> CodeCell | None:
        """What was handed in as the course's cell `k`."""
        return None if self.places[k] is None else self.cells[self.places[k]]

    def shown(self, k: int) -> tuple[tuple[str, str], ...]:
        return cell.shown if (cell := self.handed(k)) else ()


def open_work(folder: Folder, stage: str, given: tuple[CodeCell, ...]) -> StageWork:
    """Read a stage's notebook, metrics and run record; what is refused is told in `folder.unread`."""
    page, numbers = f"notebooks/{stage}.ipynb", f"metrics/{stage}.json"
    partial = f"notebooks/{stage}.partial.ipynb"  # what the pipeline keeps of a run that failed
    if not folder.holds(page) and folder.holds(partial):
        page = partial
    cells, metrics = folder.once(read_cells, page), folder.once(read_rows, numbers)
    run = within(folder.once(Folder.json, "run.json"), "stages", stage)
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


def grade_rule(rule: Rule, work: StageWork) -> dict[str, Any]:
    told = (OF_CELLS | OF_FILES)[rule.kind](rule, work)
    if work.cells is None and told["possible"] and rule.kind in OF_CELLS:
        told["reason"] = work.why_not(f"notebooks/{work.stage}.ipynb")
    return told


def tell(rule: Rule, share: float | None, reason: str, **more: Any) -> dict[str, Any]:
    """What grade.json holds of a rule; no share is one of a notebook with nothing that it could ask for."""
    possible = 0.0 if share is None else rule.points
    told = {"name": rule.name, "stage": rule.stage, "points": round((share or 0.0) * possible, 2)}
    return told | {"possible": possible, "reason": in_a_line(reason, 600), **more}


def earn_run(rule: Rule, work: StageWork) -> dict[str, Any]:
    """Up to the first cell that failed, was left out or ran out of order; missing cells count as such."""
    cells = work.cells or ()
    missing, all_given, total = work.places.count(None), len(work.given), len(cells)
    here = 1 - missing / all_given if all_given else 1.0
    tail = f"; {missing} of the course's {all_given} code cells are missing" if missing else ""
    for k, cell in enumerate(cells, 1):
        error = next((text for kind, text in cell.shown if kind == "error"), None)
        if error is None and cell.count == k:
            continue
        why = f"has the count {cell.count}: it ran out of order" if cell.count else "never ran"
        why = f"ended in {error}" if error is not None else why
        return tell(rule, here * (k - 1) / total, f"code cell {k} of {total} {why}{tail}")
    return tell(rule, here * bool(total), f"all {total} code cells ran, in order and without an error{tail}")


def earn_outputs(rule: Rule, work: StageWork) -> dict[str, Any]:
    """Cells that show something where the course's end in a value; exercises have a rule of their own."""
    own = [k for k, cell in enumerate(work.given) if not cell.tags & {"exercise", "check"}]
    wanted = [k for k in own if isinstance(ast.parse(work.given[k].source).body[-1], ast.Expr)]
    if not wanted:
        return tell(rule, None, "no cell of this notebook shows anything")
    lacking = [work.given[k] for k in wanted if all(kind == "error" for kind, _ in work.shown(k))]
    there = len(wanted) - len(lacking)
    first = f"; the first that does not: {begin(lacking[0])}" if lacking else ""
    told = f"{there} of {len(wanted)} cells show what they should by their code{first}"
    return tell(rule, min(1.0, there / len(wanted) / rule.full_at), told)


def earn_files(rule: Rule, work: StageWork) -> dict[str, Any]:
    lacking = [name for name in rule.files if not work.folder.holds(name)]
    told = "; ".join(map(work.why_not, lacking)) if lacking else "there: " + ", ".join(rule.files)
    return tell(rule, 1 - len(lacking) / max(1, len(rule.files)), told)


def earn_exercises(rule: Rule, work: StageWork) -> dict[str, Any]:
    answers = list(read_exercises(work))
    if not answers:
        return tell(rule, None, "this notebook has no exercises")
    told = "; ".join(f"exercise {answer['number']}: {answer['verdict']}" for answer in answers)
    return tell(rule, sum(answer["verdict"] == "right" for answer in answers) / len(answers), told)


def read_exercises(work: StageWork) -> Iterator[dict[str, Any]]:
    """Each exercise: its verdict, which counts below an unchanged check cell only, and what was written."""
    asked = source = ""
    for k, cell in enumerate(work.given):
        found, number = work.handed(k), CHECK.search(cell.source)
        if "exercise" in cell.tags:
            asked, source = strip_solutions(cell.source, work.stage)[0], found.source if found else ""
        if "check" not in cell.tags or not number:
            continue
        start = f"exercise {number[1]}: "
        told = [text for kind, text in work.shown(k) if kind == "execute_result"]
        said = [text.removeprefix(start) for text in told if text.startswith(start)]
        if found is None:
            verdict = "its check cell is missing"
        elif not same_code(cell.source, found.source):
            verdict = "its check cell was changed, so it does not count"
        elif not said:
            verdict = "its check cell says nothing"
        elif said[-1] != "right" and same_code(asked, source):
            verdict = "no answer yet"  # though a function that was left as it is given has answered something
        else:
            verdict = said[-1]
        yield {"number": int(number[1]), "verdict": in_a_line(verdict), "source": source}


def earn_way(rule: Rule, work: StageWork) -> dict[str, Any]:
    """How far the row has come from its floor to its ceiling."""
    where, key = f"metrics/{rule.stage}.json", rule.key
    if work.metrics is None:
        return tell(rule, 0.0, work.why_not(where))
    rows = [row for row in work.metrics["rows"] if is_number(row.get(key))]
    roles = {r["name"]: "blind" if r["name"].startswith("blind") else r.get("kind") for r in rows}
    ends = []
    for own, role in ((rule.row, "model"), (rule.floor, "blind"), (rule.ceiling, "ceiling")):
        found = [row for row in rows if (row["name"] == own if own else roles[row["name"]] == role)]
        if not found:
            return tell(rule, 0.0, f"{where} has no {own or role} row with a {key}")
        best = max(found, key=lambda row: row[key])
        ends.append((in_a_line(best["name"], 60), best[key]))
    (name, value), low, high = ends
    floor, ceiling = (f"{end} ({number:.3f})" for end, number in (low, high))
    if high[1] <= low[1]:
        return tell(rule, 0.0, f"{where}: {key} of {ceiling} is not above that of {floor}")
    way = min(1.0, max(0.0, (value - low[1]) / (high[1] - low[1])))
    told = f"{name} has {key} {value:.3f}: {way:.0%} of the way from {floor} to {ceiling}"
    told += f"; {rule.full_at:.0%} earn all points" if rule.full_at < 1 else ""
    strip = {"row": name, "key": key, "value": value, "floor": low, "ceiling": high, "way": way}
    return tell(rule, min(1.0, way / rule.full_at), told, strip=strip | {"full_at": rule.full_at})


OF_CELLS = {"ran": earn_run, "outputs": earn_outputs, "exercises": earn_exercises}  # by the kind of rule
OF_FILES = {"files": earn_files, "metric": earn_way}
