"""output/report.html: what ran, with which data, code and seed, and what came out. Nothing is fetched."""

import argparse
import html
from pathlib import Path
from typing import Any

from lib.files import read_json, write_text
from lib.paths import NOTEBOOKS, Output, shorten
from lib.progress import clock
from lib.publish.metrics import read_metrics
from lib.publish.pages import figures_of, heading_of, write_page
from lib.publish.show import Table

STYLE = Path(__file__).with_name("report.css")
SCORES = (
    "bleu4", "meteor", "meteor_no_wordnet", "rouge_l", "cider_d", "attribute_f1", "background_f1",
    "unique", "unique_attributes", "bad_endings",
)  # fmt: skip
MEBIBYTE = 2**20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output", default="output", metavar="DIR", help="the output folder (default: output)"
    )


def run(arguments: argparse.Namespace) -> int:
    """The command: write the report and say where it is."""
    print(f"report: {shorten(write_report(arguments.output))}")
    return 0


def write_report(output: str | Path) -> Path:
    """Write report.html, and a page of each executed notebook, from what lies in the output folder."""
    place = Output(output)
    record = read_json(place.run_json) if place.run_json.exists() else {}
    metrics, stages = read_metrics(output), record.get("stages", {})
    names = sorted({path.stem for path in NOTEBOOKS.glob("*.ipynb")} | stages.keys() | metrics.keys())
    for path in sorted(place.notebooks.glob("*.ipynb")):
        write_page(path)  # a partial copy too: it is what a reader wants after a failure
    sections = [section(name, stages.get(name, {}), metrics.get(name), place) for name in names]
    body = header(record.get("run", {}), metrics) + overview(names, stages, place) + "".join(sections)
    return write_text(place.report, page("Lookbook report", STYLE.read_text(encoding="utf-8"), body))


def page(title: str, style: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{style}</style></head><body><main>{body}"
        "<footer>Written by <code>python -m lib report</code> from run.json, metrics/ and notebooks/. "
        "Grey rows are baselines and controls, italic ones references; small figures are 95 % intervals."
        "</footer></main></body></html>\n"
    )


def header(run: dict[str, Any], metrics: dict[str, Any]) -> str:
    """What ran, in one line of settings."""
    commit = (run.get("commit") or "unknown")[:12] + (" with local changes" if run.get("dirty") else "")
    datasets = sorted({record["dataset"] for record in metrics.values()})
    settings = {
        "profile": run.get("profile"),
        "state": run.get("state"),
        "started": str(run.get("started", "")).replace("T", " "),
        "took": clock(run["seconds"]) if "seconds" in run else None,
        "code": commit,
        "data": ", ".join(datasets),
        "Python": run.get("python"),
    }
    return f"<h1>Lookbook</h1>{settings_line(settings)}"


def settings_line(settings: dict[str, Any]) -> str:
    items = "".join(f"<span>{k} <b>{html.escape(str(v))}</b></span>" for k, v in settings.items() if v)
    return f'<div class="settings">{items}</div>'


def overview(names: list[str], stages: dict[str, Any], place: Output) -> str:
    """All notebooks on one card: state, time, memory, where to read them."""
    rows = "".join(overview_row(name, stages.get(name, {}), place) for name in names)
    heads = "".join(f"<th>{head}</th>" for head in ("Notebook", "State", "Took", "Memory", "Started", ""))
    return f'<div class="card scroll"><table class="stages"><tr>{heads}</tr>{rows}</table></div>'


def overview_row(name: str, stage: dict[str, Any], place: Output) -> str:
    state = stage.get("state", "waiting")
    memory = stage.get("peak_memory")
    cells = (
        f'<a href="#{name}">{html.escape(title_of(name, place))}</a>',
        f'<span class="badge {state}">{state}</span>',
        clock(stage["seconds"]) if stage.get("seconds") is not None else "–",
        f"{memory / MEBIBYTE:,.0f} MiB" if memory else "–",
        str(stage.get("started", "–")).replace("T", " ")[:19],
        page_link(name, place, "read"),
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def title_of(name: str, place: Output) -> str:
    """The notebook's own title."""
    candidates = (place.notebooks / f"{name}.ipynb", NOTEBOOKS / f"{name}.ipynb")
    return next((heading_of(path) for path in candidates if path.exists()), name)


def page_link(name: str, place: Output, text: str) -> str:
    """A link to the executed notebook, and to the partial one of a run that failed since."""
    pages = {f"{name}.html": text, f"{name}.partial.html": f"{text} (partial)"}
    found = [(file, words) for file, words in pages.items() if (place.notebooks / file).exists()]
    return " ".join(f'<a href="notebooks/{file}">{words}</a>' for file, words in found)


def section(name: str, stage: dict[str, Any], metrics: dict[str, Any] | None, place: Output) -> str:
    """One stage: what went wrong if it did, its table, its pictures, its parameters."""
    if not stage and not metrics:
        return ""
    parts = [f'<section class="card" id="{name}"><h2>{html.escape(title_of(name, place))}</h2>']
    if metrics:
        settings = {
            "dataset": metrics["dataset"],
            "scored on": metrics["split"],
            "profile": metrics["profile"],
        }
        parts.append(settings_line(settings))
    parts.append(failure_of(stage))
    if metrics and metrics["rows"]:
        parts.append(f'<div class="scroll">{score_table(metrics["rows"])._repr_html_()}</div>')
    parts.append(figure_strip(name, place))
    parts.append(parameter_list(stage.get("parameters", {})))
    return "".join(parts) + f"<p>{page_link(name, place, 'Read the executed notebook')}</p></section>"


def score_table(rows: list[dict[str, Any]]) -> Table:
    """The scores that every stage shares, where it has them; full precision stays in metrics/."""
    present = [key for key in SCORES if any(key in row for row in rows)]
    return Table(rows, ["name", *present])


def failure_of(stage: dict[str, Any]) -> str:
    """Where it broke and the last lines of why."""
    failure = stage.get("failure")
    if not failure:
        return ""
    where = f" in code cell {failure['cell']}" if failure.get("cell") else ""
    text = f"{failure['kind']}{where}: {failure['message']}\n\n{failure.get('traceback', '')}"
    return f'<div class="error">{html.escape(text.strip())}</div>'


def figure_strip(name: str, place: Output) -> str:
    """The pictures of the executed notebook under their headings; a click enlarges one."""
    path = place.notebooks / f"{name}.ipynb"
    items = []
    for number, (heading, png) in enumerate(figures_of(path) if path.exists() else []):
        mark = f"{name}-{number}"
        image = f'<img alt="{html.escape(heading)}" src="data:image/png;base64,{png}">'
        links = f'<a href="#{mark}">{image}</a><a class="close" href="#{name}">close</a>'
        items.append(f'<figure id="{mark}">{links}<figcaption>{html.escape(heading)}</figcaption></figure>')
    return f'<div class="figures">{"".join(items)}</div>' if items else ""


def parameter_list(parameters: dict[str, Any]) -> str:
    if not parameters:
        return ""
    items = "".join(f"<code>{html.escape(f'{k} = {v!r}')}</code>" for k, v in parameters.items())
    return f"<details><summary>Parameters</summary><p>{items}</p></details>"
