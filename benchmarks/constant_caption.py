"""What the scores say when nobody looks at the picture: baselines on DeepFashion-MultiModal's captions.

    python -m benchmarks.constant_caption --dataset dataset/deepfashion-multimodal

Needs the caption files only. ROUGE-L stands twice: who published on this data used the package `rouge`,
others use `rouge_score`. CIDEr-D takes its document frequencies from the test captions.
"""

import argparse

from benchmarks.results import record
from lib.data import open_dataset
from lib.data.split import category_of, group_of, outfit_of
from lib.score import baselines, evaluate

COMMAND = "python -m benchmarks.constant_caption --dataset dataset/deepfashion-multimodal"
COLUMNS = {"bleu4": "BLEU-4", "rouge_l_rouge": "ROUGE-L (rouge)", "rouge_l": "ROUGE-L", "cider_d": "CIDEr-D"}

# The best cell of each column in its own README: github.com/SamuraiBUPT/Image-Caption-nndl-2023
PUBLISHED = ["the best captioner published on it", "0.37", "0.652", "–", "–"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="dataset/deepfashion-multimodal")
    dataset = open_dataset(parser.parse_args().dataset, need_images=False)
    train, test = dataset.split("train"), dataset.split("test")
    rows = baselines(train, test, category=category_of, product=group_of, outfit=outfit_of)
    table = {
        "title": f"{len(test):,} test pictures, captions chosen on {len(train):,} training captions",
        "columns": ["caption", *COLUMNS.values()],
        "rows": [PUBLISHED, *(score_row(name, texts, test) for name, texts in rows.items())],
    }
    text = "Rows that never look at the picture, and one that copies (`same_product`)."
    record("constant_caption", title="Captions that never looked", command=COMMAND, text=text, tables=[table])


def score_row(name: str, texts: list[str], test: list) -> list[str]:
    """A row as shown."""
    scores = evaluate(texts, [record.captions for record in test], resamples=0)
    return [name.replace("_", " "), *(f"{scores[key]:.3f}" for key in COLUMNS)]


if __name__ == "__main__":
    main()
