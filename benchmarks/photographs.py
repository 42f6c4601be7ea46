"""Photographs captioned by the command line: how fast, and whether an eye in half precision costs anything.

    python run_all.py --profile flickr8k && python -m benchmarks.photographs

Training and its tables saw features of the precision that the profile names; `python -m lib predict` opens
the files and looks in fp32. Both sets of captions come from one checkpoint and one search.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.results import record
from lib.data.formats import open_dataset
from lib.data.split import arrange, part
from lib.score import evaluate

SHOWN = {
    "bleu4": "BLEU-4",
    "meteor": "METEOR",
    "rouge_l": "ROUGE-L",
    "cider_d": "CIDEr-D",
    "unique": "unique",
}
ROW = "selected"


def read_row(output: Path) -> tuple[dict, dict[str, str], dict[str, list[str]]]:
    """Metrics, and of each test picture its caption in the row and its references."""
    metrics = json.loads((output / "metrics" / "03_rl_loss.json").read_text(encoding="utf-8"))
    lines = (output / "metrics" / "03_rl_loss.predictions.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    captions = {row["id"]: row["captions"][ROW] for row in rows}
    return metrics, captions, {row["id"]: row["references"] for row in rows}


def predict(output: Path, paths: list[Path], penalty: float) -> tuple[dict[str, str], float]:
    """Captions by file name, and the seconds of the whole command."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / "captions.json"
        command = [sys.executable, "-m", "lib", "predict", "-", "--captions", str(place)]
        command += ["--checkpoint", str(output / "model_ckpt" / "attn_rl"), "--length-penalty", str(penalty)]
        begun = time.perf_counter()
        subprocess.run(command, input="\n".join(map(str, paths)), text=True, check=True)
        return json.loads(place.read_text(encoding="utf-8")), time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("output/flickr8k"))
    output = parser.parse_args().output
    metrics, seen, references = read_row(output)
    splits = part(arrange(open_dataset(metrics["dataset"]), "original", seed=metrics["seeds"][0]))
    paths = [each.path for name in ("val", "test") for each in splits[name]]
    found, seconds = predict(output, paths, metrics["length_penalty"])
    again = {record.id: found[record.path.name] for record in splits["test"]}
    rows = []
    for name, captions in (("the table's own (bf16 eye)", seen), ("python -m lib predict (fp32 eye)", again)):
        scores = evaluate(captions, references, resamples=0)
        rows.append([name, *(f"{scores[key]:.3f}" if key in scores else "" for key in SHOWN)])
    same = sum(seen[key] == again[key] for key in seen) / len(seen)
    text = (
        f"Row `{ROW}` of 03 on {len(seen)} test pictures, length penalty {metrics['length_penalty']}; "
        f"{same:.0%} of the captions are the same in both. The command captioned {len(paths):,} pictures in "
        f"{seconds:.0f} s, start included. Load average at the end {os.getloadavg()[0]:.1f}."
    )
    record(
        "photographs",
        title="Photographs by the command line",
        command="python run_all.py --profile flickr8k && python -m benchmarks.photographs",
        text=text,
        tables=[
            {"title": "One checkpoint, two eyes", "columns": ["captions", *SHOWN.values()], "rows": rows}
        ],
    )
    print(text)


if __name__ == "__main__":
    main()
