"""README's picture: what the demo's best captioner says of every so many test pictures.

    python run_all.py && python -m benchmarks.picture

None is chosen: good ones and bad ones come as they stand.
"""

import argparse
from pathlib import Path

from lib.data import load_image, open_dataset
from lib.data.loader import PictureView
from lib.data.split import arrange, part
from lib.data.text import sentences_of_lower_case
from lib.models import Captioner, Decoding
from lib.paths import resolve
from lib.publish import plots
from lib.train import caption_all
from rebuild.write.fuse import finish_sentence

PLACE = "docs/lookbook.png"
SHOWN = 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("output"))
    parser.add_argument("--dataset", type=Path, default=Path("dataset/atelier"))
    arguments = parser.parse_args()
    captioner = Captioner.load(arguments.output / "model_ckpt" / "attn")
    test = part(arrange(open_dataset(arguments.dataset), "by_product"))["test"]
    every = len(test) // SHOWN
    shown = test[::every][:SHOWN]
    texts = caption_all(captioner, shown, PictureView(shown, captioner.preprocess), Decoding(method="beam"))
    captions = [" ".join(map(finish_sentence, sentences_of_lower_case(text))) for text in texts]
    pictures = [load_image(record.path) for record in shown]
    plots.gallery(pictures, captions, columns=SHOWN).save(resolve(PLACE))
    print(f"every {every}th of {len(test)} test pictures: {PLACE}")


if __name__ == "__main__":
    main()
