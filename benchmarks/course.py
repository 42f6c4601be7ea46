"""What a run of the course came to: the table of a stage, beside its baselines and ceilings.

    python run_all.py && python -m benchmarks.course

Reads `metrics/<stage>.json` and `run.json` under `--output`; a figure stands here as the run wrote it.
"""

import argparse
import json
from pathlib import Path

from benchmarks.results import record

COLUMNS = {
    "bleu4": "BLEU-4",
    "meteor": "METEOR",
    "rouge_l": "ROUGE-L",
    "cider_d": "CIDEr-D",
    "attribute_f1": "attribute F1",
    "unique": "unique",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("output"))
    output = parser.parse_args().output
    stages = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in find_metrics(output)}
    profile = next(iter(stages.values()))["profile"]
    asked = "" if profile == "demo" else f" --profile {profile}"
    where = "" if profile == "demo" else f" --output output/{profile}"
    record(
        f"course_{profile}",
        title=f"The course, profile {profile}",
        command=f"python run_all.py{asked} && python -m benchmarks.course{where}",
        text=describe(stages, json.loads((output / "run.json").read_text(encoding="utf-8"))),
        tables=[table(name, stage) for name, stage in stages.items() if name in shown(stages)],
    )


def find_metrics(output: Path) -> list[Path]:
    """The stages' files in order."""
    found = sorted((output / "metrics").glob("*.json"))
    if not found:
        raise SystemExit(f"{output}: no metrics; run the course first: python run_all.py")
    return found


def shown(stages: dict) -> list[str]:
    """02 repeats the rows of 00 and 01, so those stand alone only while it has not run."""
    repeated = ("00_dataset", "01_cnn_rnn") if "02_self_attention" in stages else ()
    return [name for name in stages if name not in repeated]


def describe(stages: dict, run: dict) -> str:
    first = next(iter(stages.values()))
    sizes = ", ".join(f"{count:,} {split}" for split, count in first["pictures"].items())
    spent = ", ".join(f"{name[:2]} {run['stages'][name]['seconds']:.0f} s" for name in stages)
    code = ", ".join(sorted({run["stages"][name]["commit"] for name in stages}))
    what = f"{sizes} pictures, seed {first['seed']}; scored on {first['split']}"
    return f"{what}. Wall time: {spent}. Code: {code}."


def table(name: str, stage: dict) -> dict:
    keys = [key for key in COLUMNS if any(key in row for row in stage["rows"])]
    rows = [
        [row["name"], row["kind"], *(f"{row[key]:.3f}" if key in row else "–" for key in keys)]
        for row in stage["rows"]
    ]
    return {"title": name, "columns": ["captions", "kind", *(COLUMNS[key] for key in keys)], "rows": rows}


if __name__ == "__main__":
    main()
