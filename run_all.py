"""Run Lookbook: every numbered notebook, headless, in order. `python run_all.py --help` says what to ask.

PIPELINE is the table of contents. A stage names its notebook, the files it needs from earlier stages and
those it makes, as paths over the notebook's own parameters, and what each profile changes in these.
The notebook's literals are the demo profile: no data, no GPU, a few minutes.
"""

import sys

from lib.pipeline import Stage, main

PIPELINE = (
    Stage(
        notebook="00_dataset",
        makes=("{output}/vocab.json", "{output}/model_ckpt/eye", "{output}/metrics/00_dataset.json"),
        profiles={
            "smoke": {
                "dataset": "dataset/atelier-smoke",
                "pictures": {"train": 240, "val": 40, "test": 60},
                "training": {"epochs": 1},
            },
        },
    ),
    Stage(
        notebook="01_cnn_rnn",
        needs=("{output}/vocab.json", "{output}/model_ckpt/eye", "{output}/metrics/00_dataset.json"),
        makes=("{output}/model_ckpt/cnngru/gru/best", "{output}/metrics/01_cnn_rnn.json"),
        profiles={
            "smoke": {"dataset": "dataset/atelier-smoke", "training": {"epochs": 2}, "beam": 2},
        },
    ),
    Stage(
        notebook="02_self_attention",
        needs=("{output}/vocab.json", "{output}/model_ckpt/eye", "{output}/metrics/01_cnn_rnn.json"),
        makes=("{output}/model_ckpt/attn/best", "{output}/metrics/02_self_attention.json"),
        profiles={
            "smoke": {
                "dataset": "dataset/atelier-smoke",
                "hidden": 64,
                "width": 48,
                "layers": 1,
                "training": {"epochs": 1},
                "beam": 2,
            },
        },
    ),
)

if __name__ == "__main__":
    sys.exit(main(PIPELINE))
