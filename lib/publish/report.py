"""output/report.html: what ran, with which data, code and seed, and what came out. Nothing is fetched."""

import argparse
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from lib.files import read_json, write_text
from lib.paths import NOTEBOOKS, Output, shorten
from lib.progress import clock
from lib.publish.metrics import read_metrics
from lib.publish.pages import figures_of, heading_of, write_page
from lib.publish.show import Table, headline

TEMPLATE, STYLE = "report.html.j2", Path(__file__).with_name("report.css")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    about = "the output folder (default: output)"
    parser.add_argument("--output", default="output", metavar="DIR", help=about)


def run(arguments: argparse.Namespace) -> int:
    """The command: write the report and say where it is."""
    print(f"report: {shorten(write_report(arguments.output))}")
    return 0


def write_report(output: str | Path) -> Path:
    """Write report.html, and a page of each executed notebook, from what lies in the output folder."""
    place = Output(output)
    record = read_json(place.run_json) if place.run_json.exists() else {}
    metrics, runs = read_metrics(output), record.get("stages", {})
    names = sorted({path.stem for path in NOTEBOOKS.glob("*.ipynb")} | runs.keys() | metrics.keys())
    for path in sorted(place.notebooks.glob("*.ipynb")):
        write_page(path)  # a partial copy too: it is what a reader wants after a failure
    stages = [gather_stage(name, runs.get(name, {}), metrics.get(name, {}), place) for name in names]
    summary = gather_summary(record.get("run", {}), metrics)
    templates = Environment(
        loader=FileSystemLoader(STYLE.parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    templates.filters["clock"] = clock
    style = STYLE.read_text(encoding="utf-8")
    page = templates.get_template(TEMPLATE).render(style=style, summary=summary, stages=stages)
    return write_text(place.report, page.lstrip() + "\n")


def gather_summary(run: dict[str, Any], metrics: dict[str, Any]) -> dict[str, Any]:
    """What ran, in one line; those without a value are not shown."""
    return {
        "profile": run.get("profile"),
        "state": run.get("state"),
        "started": (run.get("started") or "").replace("T", " "),
        "took": clock(run["seconds"]) if "seconds" in run else None,
        "code": (run.get("commit") or "unknown")[:12] + (" with local changes" if run.get("dirty") else ""),
        "data": ", ".join(sorted({record["dataset"] for record in metrics.values()})),
        "Python": run.get("python"),
    }


def gather_stage(name: str, run: dict[str, Any], metrics: dict[str, Any], place: Output) -> dict[str, Any]:
    """One notebook: its own title, how it ran, its scores and pictures, and where to read it."""
    executed = place.notebooks / f"{name}.ipynb"
    titles = (heading_of(path) for path in (executed, NOTEBOOKS / executed.name) if path.exists())
    pages = (f"{name}.html", f"{name}.partial.html")  # the partial one is of a run that failed since
    return {
        "name": name,
        "title": next(titles, name),
        "run": run,
        "metrics": metrics,
        "table": score_table(metrics["rows"]) if metrics.get("rows") else None,
        "figures": list(figures_of(executed)) if executed.exists() else [],
        "pages": [page for page in pages if (place.notebooks / page).exists()],
    }


def score_table(rows: list[dict[str, Any]]) -> Table:
    """The scores that every stage shares, where it has them; full precision stays in metrics/."""
    extra = [key for key in ("unique_attributes", "bad_endings") if any(key in row for row in rows)]
    return Table(rows, headline(rows) + extra)
