"""Pictures and models small enough to be made in code: a real InstructBLIP, a tokeniser's folder."""

from pathlib import Path

import torch
from PIL import Image

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    *["a", "picture", "of", "the", "street", "park", "sea", "wall", "room", "?"],
]
WORDS += list("背景是什么街道")


def draw(folder: Path, *names: str, size: int = 40) -> list[Path]:
    """Pictures that differ, in files of these names."""
    paths = []
    for index, name in enumerate(names):
        colour = (40 * index % 256, 255 - 30 * index % 256, 90 * index % 256)
        image = Image.new("RGB", (size, size + 8), colour)
        image.paste((255, 255, 255), (index % size, 3, index % size + 9, 30))
        image.save(folder / name)
        paths.append(folder / name)
    return paths


def bert_folder(folder: Path) -> Path:
    """What a local bert-base-uncased is to a tokeniser: its vocabulary."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    return folder


def word_tokeniser(**special):
    """A tokeniser of the library over WORDS, words and single Chinese signs."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokeniser = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokeniser.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokeniser.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "bos_token": "[CLS]", "eos_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=tokeniser, **(names | special))


def saved_model(folder: Path, family, kind: str, *, padded: int = 0, **config) -> Path:
    """A small random model and the word tokeniser, as the library saves them; `padded` words are nobody's."""
    from transformers import AutoConfig

    tokeniser = word_tokeniser()
    tokeniser.save_pretrained(folder)
    torch.manual_seed(3)
    known = AutoConfig.for_model(kind, vocab_size=len(tokeniser) + padded, **config)
    family.from_config(known).save_pretrained(folder)
    return folder


def instruct_blip(folder: Path, seed: int = 0) -> Path:
    """A real InstructBLIP of some ten thousand weights, saved as the library saves it."""
    from transformers import (
        BlipImageProcessor,
        InstructBlipConfig,
        InstructBlipForConditionalGeneration,
        InstructBlipProcessor,
    )

    torch.manual_seed(seed)
    queries = 4
    processor = InstructBlipProcessor(
        BlipImageProcessor(size={"height": 32, "width": 32}),
        word_tokeniser(),
        word_tokeniser(),
        num_query_tokens=queries,
    )
    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
    words = len(processor.tokenizer)
    config = InstructBlipConfig(
        vision_config=small | {"image_size": 32, "patch_size": 8},
        qformer_config=small
        | {"vocab_size": words, "encoder_hidden_size": 32, "cross_attention_frequency": 1},
        text_config={
            "model_type": "opt", "vocab_size": words, "hidden_size": 32, "word_embed_proj_dim": 32,
            "num_hidden_layers": 2, "num_attention_heads": 2, "ffn_dim": 48, "max_position_embeddings": 128,
            "bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0,
        },
        num_query_tokens=queries,
        image_token_index=processor.tokenizer.convert_tokens_to_ids("<image>"),
    )  # fmt: skip
    network = InstructBlipForConditionalGeneration(config)
    for parameter in network.parameters():  # livelier than the library's start, so that answers differ
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.4)
    network.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
