"""Texts in pieces of words: a Hugging Face tokenizer by its folder, a sentencepiece model by its file.

They offer what our own `Vocab` offers, and nothing is downloaded.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lib import environment
from lib.data.text import MAX_TOKENS, Text, TextError, Vocab, tokenize
from lib.files import hash_file, sha256
from lib.paths import resolve, shorten

SAFE = ("*.json", "*.txt", "*.model", "*.safetensors")  # files that hold no code
XLM_R = {"start": 0, "pad": 1, "end": 2, "unknown": 3}  # its marks stand before the pieces, one further each


@dataclass(frozen=True, eq=False, kw_only=True)
class Subwords:
    """A tokenizer of another library as a captioner uses it."""

    start: int
    pad: int
    end: int
    unknown: int
    size: int
    split: Callable[[str], list[int]]  # a text -> the numbers of its pieces, without marks
    join: Callable[[list[int]], str]
    source: Mapping[str, str]  # what `open_text` opens it from
    longest: int | None = None  # pieces of a text, whoever asks for more
    added: tuple[str, ...] = ()  # marks that captions may begin with, numbered behind the pieces

    def __len__(self) -> int:
        return self.size + len(self.added)

    def renumbered(self, **marks: int) -> "Subwords":
        """The same pieces for a model that has its own `start`, `end` and `pad`, and a `size` of its own."""
        return replace(self, **marks, source={**self.source, "marks": marks})

    def marked(self, marks: Sequence[str]) -> tuple["Subwords", list[int]]:
        """The same and further marks, and where its numbers have gone."""
        added = tuple(dict.fromkeys([*self.added, *marks]))
        return replace(self, added=added, source={**self.source, "added": added}), list(range(len(self)))

    @property
    def marks(self) -> tuple[int, ...]:
        """What no caption says."""
        own = dict.fromkeys(n for n in (self.pad, self.start, self.unknown) if n != self.end)
        return (*own, *range(self.size, len(self)))

    @property
    def digest(self) -> str:
        return sha256(json.dumps(self.source, sort_keys=True))[:16]

    def begin(self, prefix: Sequence[str] = ()) -> list[int]:
        """What is given before a caption: the start, and the pieces that say how to tell it."""
        return [self.start, *(number for text in prefix for number in self.give(text))]

    def give(self, text: str) -> list[int]:
        return [self.size + self.added.index(text)] if text in self.added else self.split(text)

    def encode(self, text: str, *, prefix: Sequence[str] = (), max_tokens: int = MAX_TOKENS) -> list[int]:
        """A caption as numbers."""
        return [*self.begin(prefix), *self.split(text)[:max_tokens][: self.longest], self.end]

    def decode(self, numbers: Iterable[int]) -> str:
        """Numbers up to the end as text."""
        row = list(numbers)
        row = row[: row.index(self.end)] if self.end in row else row
        return self.join([number for number in row if number not in self.marks])

    def tokens(self, numbers: Iterable[int]) -> list[str]:
        """The words that are scored: those of the text, whatever its pieces are."""
        return tokenize(self.decode(numbers))

    def describe(self) -> dict[str, Any]:
        return dict(self.source)


def snapshot_folder(name: str | Path, *, revision: str | None = None, hub: bool = False) -> Path:
    """A folder, or where the hub's cache has what a hub id names; with `hub` it is fetched."""
    if resolve(name).is_dir():
        return resolve(name)
    if not hub:
        environment.offline()
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        how = {"revision": revision, "local_files_only": not hub, "allow_patterns": SAFE}
        return Path(snapshot_download(str(name), **how))
    except (HFValidationError, LocalEntryNotFoundError):
        raise TextError(f"{shorten(resolve(name))}: no folder with a tokenizer") from None


def open_huggingface(folder: str | Path) -> Subwords:
    """A tokenizer that transformers saved, by its folder or by a hub id that lies in the cache."""
    environment.offline()
    place = snapshot_folder(folder)
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(place, local_files_only=True)
    except (OSError, ValueError) as error:  # which tell in a page what is wrong
        reason = str(error).strip().splitlines()[0]
        raise TextError(f"{shorten(place)}: no tokenizer can be read there: {reason}") from None
    # the first that there is: T5 and SigLIP begin bare, so their end does; GPT-2 has no padding, lengths tell
    choices = {"start": "bos cls eos sep", "end": "eos sep", "pad": "pad eos sep"}
    marks = dict.fromkeys(choices)
    for mark, names in choices.items():
        found = (getattr(tokenizer, f"{name}_token_id") for name in names.split())
        marks[mark] = next((number for number in found if number is not None), None)
    if lacking := [name for name, number in marks.items() if number is None]:
        raise TextError(f"{shorten(place)}: this tokenizer has no token for {', '.join(lacking)}")
    files = sorted(path for path in place.iterdir() if path.suffix in (".json", ".txt", ".model"))
    return Subwords(
        **marks,
        unknown=marks["pad"] if tokenizer.unk_token_id is None else tokenizer.unk_token_id,
        size=len(tokenizer),
        split=lambda text: tokenizer.encode(text, add_special_tokens=False),
        join=lambda numbers: tokenizer.decode(numbers, skip_special_tokens=True).strip(),
        source={"kind": "huggingface", "path": str(folder), "sha256": sha256(map(hash_file, files))},
    )


def open_sentencepiece(file: str | Path) -> Subwords:
    """A sentencepiece model numbered as XLM-R and BEiT-3 do: piece k is k + 1, and <mask> comes last."""
    from sentencepiece import SentencePieceProcessor

    place = resolve(file)
    if not place.is_file():
        raise TextError(f"{shorten(place)}: no sentencepiece model")
    try:
        model = SentencePieceProcessor(model_file=str(place))
    except (RuntimeError, OSError):
        raise TextError(f"{shorten(place)}: truncated, or no sentencepiece model") from None
    if (model.unk_id(), model.bos_id(), model.eos_id()) != (0, 1, 2):
        told = "expected <unk>, <s>, </s> as pieces 0, 1, 2, as XLM-R numbers them"
        raise TextError(f"{shorten(place)}: {told}")
    return Subwords(
        **XLM_R,
        size=model.get_piece_size() + 2,  # the pieces from 1 on, the mask
        split=lambda text: [number + 1 if number else XLM_R["unknown"] for number in model.encode(text)],
        join=lambda numbers: model.decode([n - 1 for n in numbers if n <= model.get_piece_size()]),
        source={"kind": "sentencepiece", "path": str(file), "sha256": sha256(hash_file(place))},
    )


OPENERS = {"huggingface": open_huggingface, "sentencepiece": open_sentencepiece}


def open_text(description: Mapping[str, Any]) -> Text:
    """The text that a checkpoint describes, strictly: the very files that it was trained with."""
    if description["kind"] == "words":
        return Vocab({word: number for number, word in enumerate(description["words"])})
    if description["kind"] not in OPENERS:
        raise TextError(f"no text of kind {description['kind']!r}; known: words, {', '.join(OPENERS)}")
    found = OPENERS[description["kind"]](description["path"])
    if found.describe()["sha256"] != description["sha256"]:
        raise TextError(f"{description['path']}: another tokenizer than the model was trained with")
    found = found.renumbered(**description["marks"]) if "marks" in description else found
    return found.marked(description["added"])[0] if "added" in description else found
