"""output/report.html: what ran, with which data, code and seed, and what came out. Nothing is fetched."""

import argparse
import io
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from PIL import Image

from course.notebook_page import figures_of, heading_of, write_page
from lib.data.images import load_image
from lib.files import read_json, write_text
from lib.paths import NOTEBOOKS, Output, resolve, shorten
from lib.progress import clock
from lib.publish.metrics import read_metrics
from lib.publish.show import headline, label, spell_value

FIGURE, PICTURE = 1000, 192  # pixels across: a notebook page has its figures in full


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
    told = {"run": record.get("run", {}), "rows": gather_rows(metrics), "pictures": gather_pictures(place)}
    told["stages"] = [gather_stage(name, runs.get(name, {}), metrics.get(name, {}), place) for name in names]
    how = {"autoescape": True, "trim_blocks": True, "lstrip_blocks": True}
    templates = Environment(loader=FileSystemLoader(Path(__file__).parent), **how)
    templates.filters |= {"clock": clock, "label": label, "spell": spell_value, "headline": headline}
    page = templates.get_template("report.html.j2").render(told)
    return write_text(place.report, page.lstrip() + "\n")


def gather_rows(metrics: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of all stages, those that several stages repeat once: full precision stays in metrics/."""
    rows: dict[str, dict[str, Any]] = {}
    for stage, record in metrics.items():
        for row in record["rows"]:
            rows.setdefault(json.dumps(row, sort_keys=True), {"stages": [], **row})["stages"].append(stage)
    return list(rows.values())


def gather_pictures(place: Output) -> list[dict[str, Any]]:
    """What every row said of the pictures on show, those of the most stages first."""
    pictures: dict[str, dict[str, Any]] = {}
    for path in sorted(place.metrics.glob("*.predictions.jsonl")):
        stage = path.name.partition(".")[0]
        for known in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            if file := known.get("media"):
                seen = pictures.setdefault(file, {"file": file, "stages": [], "told": {}, **known})
                seen["stages"] += [stage] * (stage not in seen["stages"])
                for name, text in known["captions"].items():
                    marks = known.get("marks", {}).get(name, [[text], None, None])
                    manner = known["id"].partition("#")[2]  # one picture, told in several styles
                    seen["told"].setdefault((name, manner, text), (marks, []))[1].append(stage)
    for path, picture in ((resolve(file), picture) for file, picture in pictures.items()):
        picture["image"] = as_jpeg(load_image(path), PICTURE) if path.is_file() else None
    return sorted(pictures.values(), key=lambda picture: -len(picture["stages"]))


def gather_stage(name: str, run: dict[str, Any], metrics: dict[str, Any], place: Output) -> dict[str, Any]:
    """One notebook: its own title, how it ran, its scores and pictures, and where to read it."""
    executed = place.notebooks / f"{name}.ipynb"
    papers = [path for path in (executed, NOTEBOOKS / executed.name) if path.exists()]
    pages = (f"{name}.html", f"{name}.partial.html")  # the partial one is of a run that failed since
    figures = figures_of(executed) if executed.exists() else []
    return {
        "name": name,
        "title": next(map(heading_of, papers), name),
        "run": run,
        "metrics": metrics,
        "figures": [(head, as_jpeg(Image.open(io.BytesIO(b64decode(png))), FIGURE)) for head, png in figures],
        "pages": [page for page in pages if (place.notebooks / page).exists()],
    }


def as_jpeg(image: Image.Image, across: int) -> str:
    """A picture as a page holds it, no wider than so many pixels."""
    image, buffer = image.convert("RGB"), io.BytesIO()
    image.thumbnail((across, 4 * across))
    image.save(buffer, "JPEG", quality=75)
    return f"data:image/jpeg;base64,{b64encode(buffer.getvalue()).decode()}"
