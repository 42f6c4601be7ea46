"""A tiny InstructBLIP: small enough to be trained here, and a folder that opens like the great one's.

The classes are the library's own, and so are the files; only the sizes and the words are ours.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from lib.files import settle, sha256, whole, write_json
from lib.paths import resolve, shorten
from lib.train.processes import first_says, this_process
from rebuild.errors import RebuildError

if TYPE_CHECKING:
    from PIL import Image
    from transformers import PreTrainedTokenizerFast

PAD, UNKNOWN, ANSWER, END = "<pad>", "<unk>", "<s>", "</s>"  # <s> stands between question and answer
SPECIAL = {"pad_token": PAD, "unk_token": UNKNOWN, "bos_token": ANSWER, "eos_token": END}
PIECE = r" ?[\w'-]+| ?[^\w\s]"  # a word keeps the space before it, so that pieces end to end are the text
MARK = "tiny.json"  # says that a folder was written here and may be replaced

WIDTH = 128
SHAPE: dict[str, Any] = {
    "patch": 16,
    "queries": 8,
    "places": 200,  # tokens of queries, question and answer together
    "seeing": {"hidden_size": WIDTH, "num_hidden_layers": 3, "num_attention_heads": 4,
               "intermediate_size": 3 * WIDTH, "initializer_range": 0.06},
    "querying": {"hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 4,
                 "intermediate_size": 3 * WIDTH, "initializer_range": 0.06, "cross_attention_frequency": 1,
                 "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0},
    "saying": {"model_type": "opt", "hidden_size": WIDTH, "word_embed_proj_dim": WIDTH,
               "num_hidden_layers": 2, "num_attention_heads": 4, "ffn_dim": 3 * WIDTH, "init_std": 0.06,
               "dropout": 0.0},
}  # fmt: skip


class TinyInstructBlip(nn.Module):
    """The network and the processor that goes with it; `fit` trains it, `save` makes a folder of it."""

    def __init__(self, network: nn.Module, processor: Any):
        super().__init__()
        self.network, self.processor = network, processor

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Logits [B, T, words] of what follows each token."""
        return self.network(**inputs).logits

    def shrink(self, images: Sequence["Image.Image"]) -> Tensor:
        """Pictures as the processor resizes them, still in bytes [B, 3, S, S]: a quarter of the memory."""
        plain = {"do_rescale": False, "do_normalize": False}
        return self.processor.image_processor(list(images), **plain, return_tensors="pt")["pixel_values"]

    def normalise(self, pictures: Tensor) -> Tensor:
        """What the processor makes of pictures that it has resized before."""
        ready = self.processor.image_processor(list(pictures), do_resize=False, return_tensors="pt")
        return ready["pixel_values"]

    def describe(self) -> dict[str, Any]:
        """What its weights depend on before they are trained."""
        words = json.dumps(self.processor.tokenizer.get_vocab(), sort_keys=True)
        size = self.network.config.vision_config.image_size
        return {"kind": "instructblip", "size": size, "shape": SHAPE, "words": sha256(words)[:16]}

    def save(self, folder: str | Path) -> Path:
        """A folder that `from_pretrained` opens; whole or not at all, and equal for equal weights."""
        folder = resolve(folder)
        if folder.exists() and not (folder / MARK).is_file():
            raise RebuildError(f"{shorten(folder)}: expected no folder, or one that was saved here before")
        return first_says(self.write(folder) if this_process()["rank"] == 0 else folder)

    def write(self, folder: Path) -> Path:
        """The folder under another name, then renamed."""
        try:
            settle(folder)
            with whole(folder) as draft:
                self.network.save_pretrained(draft)
                self.processor.save_pretrained(draft)
                write_json(draft / MARK, self.describe(), indent=1)
        except OSError as error:
            raise RebuildError(f"{shorten(folder)}: cannot be written ({error}); nothing changed") from None
        return folder


def build_tiny_instructblip(texts: Sequence[str], *, size: int = 64, seed: int = 0) -> TinyInstructBlip:
    """An untrained InstructBLIP for pictures of `size` pixels that knows the words of `texts`."""
    import transformers

    if not any(text.strip() for text in texts):
        raise RebuildError("no texts to take words from: expected the questions and answers it shall know")
    if size <= 0 or size % SHAPE["patch"]:
        raise RebuildError(f"size must be a multiple of {SHAPE['patch']} pixels, not {size}")
    processor = transformers.InstructBlipProcessor(
        transformers.BlipImageProcessor(size={"height": size, "width": size}),
        build_tokenizer(texts),
        build_tokenizer(texts),
        num_query_tokens=SHAPE["queries"],
    )
    words = processor.tokenizer
    numbers = {name.replace("token", "token_id"): words.convert_tokens_to_ids(token)
               for name, token in SPECIAL.items() if token != UNKNOWN}  # fmt: skip
    room = {"vocab_size": len(words), "max_position_embeddings": SHAPE["places"]}
    config = transformers.InstructBlipConfig(
        vision_config=SHAPE["seeing"] | {"image_size": size, "patch_size": SHAPE["patch"]},
        qformer_config=SHAPE["querying"] | room,
        text_config=SHAPE["saying"] | room | numbers,
        num_query_tokens=SHAPE["queries"],
        image_token_index=words.convert_tokens_to_ids("<image>"),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = transformers.InstructBlipForConditionalGeneration(config)
        nn.init.normal_(network.query_tokens)  # the library's are all zero, hence all alike
    return TinyInstructBlip(network, processor)


def build_tokenizer(texts: Sequence[str]) -> "PreTrainedTokenizerFast":
    """Words as tokens; what it is told ends in <s>, after which the answer begins."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    cut = pre_tokenizers.Split(Regex(PIECE), behavior="isolated")
    pieces = sorted({piece for text in set(texts) for piece, _ in cut.pre_tokenize_str(text)})
    numbers = {word: n for n, word in enumerate(dict.fromkeys([*SPECIAL.values(), *pieces]))}
    words = Tokenizer(models.WordLevel(numbers, unk_token=UNKNOWN))
    words.pre_tokenizer, words.decoder = cut, decoders.Fuse()
    words.post_processor = processors.TemplateProcessing(
        single=f"$A {ANSWER}", special_tokens=[(ANSWER, numbers[ANSWER])]
    )
    return PreTrainedTokenizerFast(tokenizer_object=words, clean_up_tokenization_spaces=False, **SPECIAL)
