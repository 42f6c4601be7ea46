"""Hugging Face's image-to-text models small enough to be made in code, saved as the library saves them."""

import json
from pathlib import Path

import torch
from tiny_models import word_tokeniser

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
EYE = {**SMALL, "image_size": 16, "patch_size": 8}
SEES = {"size": {"height": 16, "width": 16}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 3}
KINDS = ("blip", "git", "vision-encoder-decoder")


def fresh(kind: str, words: int) -> torch.nn.Module:
    """[CLS] begins a caption, [SEP] ends it."""
    import transformers as hf

    marks = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "sep_token_id": 3}
    still = {"attention_probs_dropout_prob": 0.0, "hidden_dropout_prob": 0.0}
    if kind == "blip":
        text = {**SMALL, **marks, **still, "vocab_size": words, "encoder_hidden_size": 16}
        config = hf.BlipConfig(text_config=text, vision_config={**EYE, "hidden_size": 16})
        return hf.BlipForConditionalGeneration(config)
    if kind == "git":
        return hf.GitForCausalLM(hf.GitConfig(vision_config=EYE, vocab_size=words, **SMALL, **marks, **still))
    still = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    decoder = hf.GPT2Config(
        vocab_size=words, n_embd=24, n_layer=2, n_head=2, n_positions=64, add_cross_attention=True,
        is_decoder=True, bos_token_id=2, eos_token_id=3, pad_token_id=0, **still,
    )  # fmt: skip
    config = hf.VisionEncoderDecoderConfig.from_encoder_decoder_configs(hf.ViTConfig(**EYE), decoder)
    config.decoder_start_token_id, config.eos_token_id, config.pad_token_id = 2, 3, 0
    return hf.VisionEncoderDecoderModel(config=config)


def image_to_text_folder(folder: Path, kind: str, *, padded: int = 0) -> Path:
    """`padded` words of the model are nobody's."""
    tokeniser = word_tokeniser()
    tokeniser.save_pretrained(folder)
    torch.manual_seed(3)
    model = fresh(kind, len(tokeniser) + padded)
    for name, parameter in model.named_parameters():  # livelier than the library's start
        if parameter.ndim > 1 and "embed" not in name:
            torch.nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(SEES))
    return folder
