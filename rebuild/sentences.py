"""Sentences of English and Chinese texts: taken apart, put together again, some left out."""

import re
from collections.abc import Callable, Iterable

from lib.data.text import CJK_CHARACTER

ENDS = ".!?。！？…"
SENTENCE = re.compile(r"[^.!?。！？…\n]+(?:\.(?=\w)[^.!?。！？…\n]*)*[.!?。！？…]*[\"'”’)」]*")


def split_sentences(text: str) -> list[str]:
    """Sentences with their marks, CJK ones too; "v1.5" and "2.5 m" stay whole."""
    return [found for match in SENTENCE.finditer(text) if (found := match[0].strip())]


def join_sentences(sentences: Iterable[str]) -> str:
    """Sentences as one text; no space between two that are written without."""
    text = ""
    for sentence in sentences:
        glued = not text or (CJK_CHARACTER.match(sentence) and text[-1] in "。！？…")
        text += sentence if glued else f" {sentence}"
    return text


def filter_sentences(text: str, good: Callable[[str], bool]) -> str:
    """The text without the sentences that are not good; as it is where all are."""
    sentences = split_sentences(text)
    kept = [sentence for sentence in sentences if good(sentence)]
    return text.strip() if len(kept) == len(sentences) else join_sentences(kept)
