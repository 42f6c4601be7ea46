"""Clean: what large models get wrong in the way they write, mended or dropped, each time with its reason.

A text is worked on sentence by sentence: marks and labels before it, the prompt said back, refusals, repeats,
clothes where the background was asked for, a broken end; then its language and length are judged. Whether
what it says is true is another question (`judge`).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal

from lib.config import ConfigError
from lib.data.text import CJK, CJK_CHARACTER, tokenize
from lib.score.diversity import OPEN_WORDS, PUNCTUATION
from rebuild.audit.cleaning_counts import Tally
from rebuild.audit.clothing import cut_sentences
from rebuild.sentences import ENDS, filter_sentences, join_sentences, split_sentences

LEADING = "leading punctuation"
LEAK = "prompt leakage"
REFUSAL = "refusal"
REPEAT = "repeat inside the text"
CLOTHING = "clothing in background"
BROKEN, NO_STOP = "broken-off sentence", "no full stop"
LANGUAGE = "wrong language"
SHORT, LONG = "too short", "too long"
ALIKE = "same text on many pictures"
EMPTY = "empty"

BACKGROUND = "background"  # the kind of text in which no clothes are wanted
MARKS_BEFORE = re.compile(r"^[\s.,;:!?。，、；：！？…·*#>\-–—_|/\\~=]+")
LABEL_BEFORE = re.compile(
    r"^(?:(?:answer|caption|description|response|assistant|output|a|回答|答|描述|助手)\s*[:：]|(?i:sure|certainly)[,!.][^.:]*:)\s*",
    re.IGNORECASE,
)
TEMPLATE = re.compile(
    r"</?s>|<\|[^|>]*\|>|\[/?INST\]|<image>|<unk>|<pad>|(?:^|\n)\s*(?:###|(?:USER|Human|Question|Instruction|问|用户)\s*[:：])[^\n]*",
    re.IGNORECASE,
)
REFUSING = re.compile(
    r"\b(?:I(?:'|’)?m sorry|I am sorry|I apologi[sz]e|as an? (?:AI|artificial|language model)|"
    r"I(?: am|(?:'|’)m) (?:unable|not able)|I (?:cannot|can(?:'|’)?t|can not|do not|don(?:'|’)t) "
    r"(?:see|view|provide|describe|help|assist|determine|identify|have access)|"
    r"no (?:image|picture|photo) (?:was |is |has been )?(?:provided|attached|given|visible))"
    r"|抱歉|对不起|我无法|我不能|作为(?:一个|一名)?(?:人工智能|AI|语言模型)|没有提供(?:图片|图像)",
    re.IGNORECASE,
)  # fmt: skip
QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|「[^」]*」")  # what a shirt says refuses nothing
LOOP = re.compile(r"(\b.{2,60}?\b)(?:[\s,]+\1){2,}(?!\w)", re.IGNORECASE)
CJK_LOOP = re.compile(rf"([{CJK}]{{1,12}}?[，、]?)\1{{2,}}")
# words that English sentences hold and other languages written in Latin letters do not
ENGLISH_WORDS = (
    "the of and is are with in on at to an it its this that there has have from by for behind front which "
    "as her his she he wearing wears features shows taken was were"
)
ENGLISH = frozenset(ENGLISH_WORDS.split())


@dataclass(frozen=True, kw_only=True)
class Cleaning:
    """What is asked of a text."""

    language: Literal["en", "zh"] | None = "en"  # None asks for none
    min_words: int = 3
    max_words: int = 80
    leak_words: int = 6  # so many words of the prompt in a row are no accident
    most_alike: int | None = None  # a text on more pictures than this is dropped; None only counts

    def __post_init__(self):
        if not 0 < self.min_words <= self.max_words:
            raise ConfigError(f"cleaning.min_words must lie between 1 and max_words ({self.max_words})")
        if self.leak_words < 1 or (self.most_alike is not None and self.most_alike < 1):
            raise ConfigError("cleaning.leak_words and cleaning.most_alike must be at least 1")
        if self.language not in ("en", "zh", None):
            raise ConfigError(f"cleaning.language must be 'en', 'zh' or None, not {self.language!r}")


@dataclass(frozen=True)
class Cleaned:
    """What is left of a text, empty where it was dropped, and all that was wrong with it."""

    text: str
    reasons: tuple[str, ...] = ()


def clean_text(text: str, kind: str, *, prompt: str = "", settings: Cleaning | None = None) -> Cleaned:
    """One text of a kind ("garments", "background"), cleaned by itself."""
    settings = settings or Cleaning()
    reasons: list[str] = [] if text.strip() else [EMPTY]
    for reason, mend in (
        (LEADING, remove_leading),
        (LEAK, lambda said: remove_leaks(said, prompt, settings.leak_words)),
        (REFUSAL, remove_refusals),
        (REPEAT, remove_repeats),
        (CLOTHING, cut_clothes if kind == BACKGROUND else str.strip),
        (BROKEN, mend_end),
    ):
        after = mend(text)
        if after != text.strip():
            reasons.append(NO_STOP if after[:-1] == text.strip() else reason)
        text = after
    if text:
        wrong, text = judge_whole(text, settings)
        reasons += wrong
    return Cleaned(text, tuple(reasons))


def clean_rows(
    rows: Iterable[Mapping[str, Any]],
    settings: Cleaning | None = None,
    *,
    tally: Tally | None = None,
    alike: Counter[tuple[str, bytes]] | None = None,
) -> Iterator[dict[str, Any]]:
    """Rows of a run with clean texts (a dropped one is gone) and the reasons among their flags.

    `alike`, from `count_alike` over the same rows, finds texts that stand on many pictures.
    """
    settings = settings or Cleaning()
    for row in rows:
        texts, flags = {}, list(row["flags"])
        for kind, text in row["texts"].items():
            prompt = row.get("prompts", {}).get(kind, "")
            cleaned = clean_text(text, kind, prompt=prompt, settings=settings)
            if alike and settings.most_alike and alike[kind, hash_words(text)] > settings.most_alike:
                cleaned = Cleaned("", (*cleaned.reasons, ALIKE))
            if tally is not None:
                tally.note(kind, text, cleaned.text, cleaned.reasons)
            flags += [f"{kind}: {reason}" for reason in cleaned.reasons]
            if cleaned.text:
                texts[kind] = cleaned.text
        yield {**row, "texts": texts, "flags": flags}


def count_alike(rows: Iterable[Mapping[str, Any]]) -> Counter[tuple[str, bytes]]:
    """How many pictures have each text, by a short hash: a million texts need some hundred megabytes."""
    return Counter((kind, hash_words(text)) for row in rows for kind, text in row["texts"].items())


def hash_words(text: str) -> bytes:
    return blake2b(words_alone(text).encode("utf-8", "backslashreplace"), digest_size=8).digest()


def words_alone(text: str) -> str:
    """A text as it is compared: its words alone."""
    return " ".join(re.findall(r"\w+", text.lower()))


def remove_leading(text: str) -> str:
    """Marks, labels and quotes before the text: ". The background ..." is the course project's trouble."""
    text, before = text.strip(), None
    while text != before:
        before = text
        text = LABEL_BEFORE.sub("", MARKS_BEFORE.sub("", text))
        if len(text) > 1 and text[0] in "\"'“‘「" and text[-1] in "\"'”’」" and text.count(text[0]) <= 2:
            text = text[1:-1].strip()
    return text


def remove_leaks(text: str, prompt: str, words: int) -> str:
    """The prompt said back, and the marks of chat templates."""
    whole = text.strip()
    text = TEMPLATE.sub(" ", whole).strip()
    asked = pieces(prompt)
    if len(asked) >= 3:  # a shorter prompt proves nothing
        text = re.sub(re.escape(prompt.strip()), " ", text, flags=re.IGNORECASE).strip()
        size = min(words, len(asked))
        runs = {tuple(asked[at : at + size]) for at in range(len(asked) - size + 1)}

        def is_own(sentence: str) -> bool:
            said = pieces(sentence)
            return not any(tuple(said[at : at + size]) in runs for at in range(len(said) - size + 1))

        text = filter_sentences(text, is_own)
    return text if text == whole else remove_leading(text)


def pieces(text: str) -> list[str]:
    return [token for token in tokenize(text) if token not in PUNCTUATION]


def remove_refusals(text: str) -> str:
    return filter_sentences(text, lambda sentence: not REFUSING.search(QUOTED.sub("", sentence)))


def remove_repeats(text: str) -> str:
    """A sentence said again, and words that go round in circles."""
    seen: set[str] = set()

    def is_new(sentence: str) -> bool:
        key = words_alone(sentence)
        new = key not in seen
        seen.add(key)
        return new

    return filter_sentences(CJK_LOOP.sub(r"\1", LOOP.sub(r"\1", text.strip())), is_new)


def cut_clothes(text: str) -> str:
    """Background sentences without what they say of clothes."""
    sentences = split_sentences(text)
    cut = cut_sentences(sentences)
    return text.strip() if cut == sentences else join_sentences(cut)


def mend_end(text: str) -> str:
    """An open last sentence goes where whole ones stand before it; a single one loses its loose end."""
    text = text.strip()
    if not text or text.rstrip("\"'”’)」")[-1:] in tuple(ENDS):
        return text
    *whole, last = split_sentences(text)
    if whole:
        return join_sentences(whole)
    words = last.rstrip(" ,;:，、；：-–—(").split()
    while words and words[-1].lower().strip(",;:") in OPEN_WORDS | {"in", "on", "by", "front", "a"}:
        words.pop()
    mended = " ".join(words).rstrip(",;:，、；：")
    return mended + ("。" if CJK_CHARACTER.search(mended[-1:]) else ".") if mended else ""


def judge_whole(text: str, settings: Cleaning) -> tuple[list[str], str]:
    """Language and length: the reasons, and the text, shortened or dropped."""
    said = pieces(text)
    if settings.language and not is_in(text, said, settings.language):
        return [LANGUAGE], ""
    if len(said) < settings.min_words:
        return [SHORT], ""
    if len(said) <= settings.max_words:
        return [], text
    kept: list[str] = []
    for sentence in split_sentences(text):
        if len(pieces(join_sentences([*kept, sentence]))) > settings.max_words:
            break
        kept.append(sentence)
    return [LONG], join_sentences(kept)


def is_in(text: str, words: list[str], language: str) -> bool:
    """Whether a text is in a language, as far as its letters and small words tell."""
    letters = [character for character in text if character.isalpha()]
    chinese = sum(bool(CJK_CHARACTER.match(letter)) for letter in letters)
    if language == "zh":
        return 2 * chinese >= len(letters)
    latin = sum(letter.isascii() for letter in letters)
    return 10 * latin >= 9 * len(letters) and (len(words) < 6 or any(word in ENGLISH for word in words))
