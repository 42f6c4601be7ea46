"""Registers with LAVIS a blip_caption small enough for a test; run by LAVIS's own interpreter, not by pytest.

Everything but its size is LAVIS's: the class, the loading, the tokeniser, the generation.
"""

import sys
from pathlib import Path
from typing import ClassVar

import torch
from lavis.common.registry import registry
from lavis.models.blip_models.blip_caption import BlipCaption
from lavis.models.med import BertConfig, XBertLMHeadDecoder
from lavis.models.vit import VisionTransformerEncoder
from omegaconf import OmegaConf

YAML = """
model: {arch: tiny_blip_caption, load_finetuned: True, finetuned: none, prompt: "a picture of "}
preprocess: {vis_processor: {eval: {name: blip_image_eval, image_size: 32}}}
"""
SIZES = {
    "hidden_size": 32, "encoder_width": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 48, "max_position_embeddings": 128, "add_cross_attention": True,
    "add_type_embeddings": False, "pad_token_id": 0,
}  # fmt: skip


@registry.register_model("tiny_blip_caption")
class TinyBlipCaption(BlipCaption):
    PRETRAINED_MODEL_CONFIG_DICT: ClassVar = {"tiny": str(Path.cwd() / "tiny.yaml")}

    @classmethod
    def from_config(cls, cfg):
        vision = VisionTransformerEncoder(img_size=32, patch_size=8, embed_dim=32, depth=2, num_heads=2)
        words = XBertLMHeadDecoder(BertConfig(vocab_size=len(cls.init_tokenizer()), **SIZES))
        model = cls(vision, words, prompt=cfg.prompt)
        model.load_checkpoint_from_config(cfg)
        return model


def write_checkpoint(path: str) -> None:
    """Random weights in the form LAVIS saves; run in a folder where bert-base-uncased lies."""

    class Unloaded(TinyBlipCaption):
        def load_checkpoint_from_config(self, cfg):
            pass

    torch.manual_seed(0)
    model = Unloaded.from_config(OmegaConf.create({"prompt": "a picture of "}))
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.4)
    torch.save({"model": model.state_dict()}, path)


Path("tiny.yaml").write_text(YAML)  # the working directory is the worker's own
if __name__ == "__main__":
    write_checkpoint(sys.argv[1])
