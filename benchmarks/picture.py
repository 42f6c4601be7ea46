"""README's picture: what the demo's best captioner says of every so many test pictures.

    python run_all.py && python -m benchmarks.picture

None is chosen: good ones and bad ones come as they stand.
"""

import argparse
import re
from pathlib import Path

from lib.data import load_image
from lib.models import Captioner, Decoding
from lib.publish import plots
from lib.train import caption_all, open_study

PLACE = Path(__file__).parent.parent / "docs" / "lookbook.png"
SHOWN = 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("output"))
    parser.add_argument("--dataset", type=Path, default=Path("dataset/atelier"))
    arguments = parser.parse_args()
    captioner = Captioner.load(arguments.output / "model_ckpt" / "attn")
    view = captioner.encoder.settings.view
    study = open_study(arguments.output, arguments.dataset, split="by_product", view=view)
    texts = caption_all(captioner, study.test, study.views["test"], Decoding(method="beam"))
    every = len(texts) // SHOWN
    chosen = range(0, every * SHOWN, every)
    pictures = [load_image(study.test[place].path) for place in chosen]
    plots.gallery(pictures, [capitalise(texts[place]) for place in chosen], columns=SHOWN).save(PLACE)
    print(f"every {every}th of {len(texts)} test pictures: {PLACE.name}")


def capitalise(text: str) -> str:
    """Captions are of lower case; sentences begin with a capital."""
    return re.sub(r"(?:^|(?<=\. ))\w", lambda letter: letter[0].upper(), text)


if __name__ == "__main__":
    main()
