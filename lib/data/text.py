"""Words: captions into tokens, tokens into numbers, and back. Needs no downloaded data and no torch."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Protocol

from lib.data.formats.homework import END, PAD, SPECIAL, START, UNKNOWN, check_vocab, number_words, read_vocab
from lib.files import sha256

MAX_TOKENS = 80  # what the course project keeps of a caption

# Chinese, Japanese and Korean characters stand alone, and so does their punctuation.
CJK = "\u1100-\u11ff\u2e80-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"
CJK += "\U00020000-\U0003ffff"
CJK_CHARACTER = re.compile(f"[{CJK}]")
CJK_GAP = re.compile(f"(?<=[{CJK}]) (?=[{CJK}])")

# Where a sentence may end: a mark, what closes after it, a space.
CLOSING = r"""["')\]}\u2018\u2019\u201c\u201d\xab\xbb]"""
SENTENCE_END = re.compile(rf"[.?!](?:\s*{CLOSING}+(?=\s|\Z))?(?:\s+|\Z)")
INITIAL_OR_NUMBER = re.compile(r"""["'(\[{]*(?:[^\W\d_]|-?[.,]?\d[\d,.-]*)""")

# Most sentences are plain: Treebank splits them at spaces, commas and the full stop. nltk has the others.
PLAIN = re.compile(r"(?:[a-z0-9 ]|-(?!-)|,(?![0-9,]))*\.?")
WORD_OR_SIGN = re.compile(r"[a-z0-9-]+|[.,]")
TAKEN_APART = re.compile(r"\b(?:cannot|gimme|gonna|gotta|lemme|wanna)\b")

NO_SPACE_BEFORE = frozenset({".", ",", ";", ":", "!", "?", "%", ")", "]", "}", "''"})
NO_SPACE_AFTER = frozenset({"(", "[", "{", "``", "$", "#"})
CONTRACTED = re.compile(r"n't|'(?:s|m|d|re|ve|ll)")
SHORT = re.compile(r"[^\W_]|[\d,.-]+")  # right after these a full stop would read as an abbreviation's
QUOTES = {"``": '"', "''": '"'}


def tokenize(text: str) -> list[str]:
    """What nltk's `word_tokenize(text.lower())` gives for captions; one token a character for CJK text.

    Sentences first, then Treebank's rules. nltk's list of abbreviations ("mr.") is data and is not used.
    """
    text = text.lower()
    if not text.isascii():
        text = CJK_CHARACTER.sub(r" \g<0> ", text)
    return [token for sentence in sentences_of_lower_case(text) for token in tokenize_sentence(sentence)]


def sentences_of_lower_case(text: str) -> Iterator[str]:
    """The sentences of a lower-case text, white space around them left out."""
    start = 0
    for mark in SENTENCE_END.finditer(text):
        if text[mark.start()] == "." and ends_none(text, mark.start()):
            continue
        yield text[start : mark.end()].strip()
        start = mark.end()
    if rest := text[start:].strip():
        yield rest


def ends_none(text: str, dot: int) -> bool:
    """Whether a full stop ends no sentence: after dots; after an initial or number, before a small letter."""
    word = text[max(0, dot - 40) : dot].rpartition(" ")[2]
    if word.endswith("."):
        return True
    following = text[dot + 1 : dot + 12].lstrip()[:1]
    return (following.islower() or following in ";:,.!?") and INITIAL_OR_NUMBER.fullmatch(word) is not None


def tokenize_sentence(sentence: str) -> list[str]:
    """Treebank's tokens of one lower-case sentence."""
    if PLAIN.fullmatch(sentence) and not TAKEN_APART.search(sentence):
        return WORD_OR_SIGN.findall(sentence)
    return treebank()(sentence)


@cache
def treebank() -> Callable[[str], list[str]]:
    from nltk.tokenize import NLTKWordTokenizer

    return NLTKWordTokenizer().tokenize


def detokenize(tokens: Iterable[str]) -> str:
    """Tokens as a person would write them; `tokenize` gives them back, but for nltk's quirks in quotes."""
    text, last, glued, quoted = "", "", True, False
    for token in tokens:
        if token in QUOTES:  # nltk takes many a closing quote for an opening one: they simply alternate here
            quoted = not quoted
            token = "``" if quoted else "''"
        space = not glued and not (last and attaches(token, last))
        text += (" " if space else "") + QUOTES.get(token, token)
        last, glued = token, token in NO_SPACE_AFTER
    return text if text.isascii() else CJK_GAP.sub("", text)


def attaches(token: str, last: str) -> bool:
    """Whether a token is written right after the last one."""
    if token == "." and SHORT.fullmatch(last):
        return False
    if last == "." and token != "''":
        return False
    return token in NO_SPACE_BEFORE or CONTRACTED.fullmatch(token) is not None


class TextError(ValueError):
    """Words that cannot be had, or are not those that were asked for."""


class Text(Protocol):
    """Captions as numbers and back: our own words, or the pieces of another library's tokenizer."""

    pad: int
    start: int
    end: int
    marks: tuple[int, ...]  # what no caption says
    digest: str

    def __len__(self) -> int: ...
    def marked(self, marks: Sequence[str]) -> tuple["Text", list[int]]: ...
    def begin(self, prefix: Sequence[str] = ()) -> list[int]: ...
    def encode(self, text: str, *, prefix: Sequence[str] = (), max_tokens: int = MAX_TOKENS) -> list[int]: ...
    def decode(self, numbers: Iterable[int]) -> str: ...
    def tokens(self, numbers: Iterable[int]) -> list[str]: ...
    def describe(self) -> dict[str, Any]: ...


MARK = re.compile(r"<[^<>\s]+>")  # a text has no such token: its brackets stand apart


class Vocab:
    """Words and their numbers, as in the course project: words from 1, then the marks; padding is 0."""

    def __init__(self, numbers: Mapping[str, int]):
        self.numbers = check_vocab(dict(numbers), "vocabulary")
        self.pad, self.unknown = self.numbers[PAD], self.numbers[UNKNOWN]
        self.start, self.end = self.numbers[START], self.numbers[END]
        self.words = sorted(self.numbers, key=self.numbers.__getitem__)  # a number's word is words[number]

    @classmethod
    def build(
        cls,
        captions: Iterable[str],
        *,
        min_count: int = 1,
        max_tokens: int = MAX_TOKENS,
        tokenize: Callable[[str], list[str]] = tokenize,
        prefixes: Iterable[str] = (),
    ) -> "Vocab":
        """Number the words of the training captions in the order in which they are first seen, and then the
        `prefixes` that captions may begin with, such as `<funny>`."""
        counts = Counter(token for caption in captions for token in tokenize(caption)[:max_tokens])
        words = [word for word, count in counts.items() if count >= min_count and word not in SPECIAL]
        return cls(number_words([*words, *prefixes]))

    @property
    def marks(self) -> tuple[int, ...]:
        """What no caption says: padding, start, unknown, and every `<prefix>`."""
        return tuple(number for word, number in self.numbers.items() if MARK.fullmatch(word) and word != END)

    def marked(self, marks: Sequence[str]) -> tuple["Vocab", list[int]]:
        """The same and further tokens that captions may begin with, and where its numbers have gone."""
        wider = Vocab(number_words([w for w in dict.fromkeys([*self.words, *marks]) if w not in SPECIAL]))
        return wider, [wider.numbers[word] for word in self.words]

    def begin(self, prefix: Sequence[str] = ()) -> list[int]:
        """What is given before a caption: <start>, and tokens that say how to tell it."""
        for token in prefix:
            if token not in self.numbers:
                raise TextError(f"the vocabulary has no {token!r} to begin a caption with")
        return [self.start, *(self.numbers[token] for token in prefix)]

    def number(
        self, tokens: Sequence[str], *, prefix: Sequence[str] = (), max_tokens: int = MAX_TOKENS
    ) -> list[int]:
        """<start> and what else is given, the tokens' numbers (<unk> for strangers), <end>."""
        middle = [self.numbers.get(token, self.unknown) for token in tokens[:max_tokens]]
        return [*self.begin(prefix), *middle, self.end]

    def encode(self, text: str, *, prefix: Sequence[str] = (), max_tokens: int = MAX_TOKENS) -> list[int]:
        """A caption as numbers."""
        return self.number(tokenize(text), prefix=prefix, max_tokens=max_tokens)

    def tokens(self, numbers: Iterable[int]) -> list[str]:
        """The words up to <end>, without <start> and padding."""
        words = []
        for number in numbers:
            if number == self.end:
                break
            if number not in (self.pad, self.start):
                words.append(self.words[number])
        return words

    def decode(self, numbers: Iterable[int]) -> str:
        """Numbers (a list, or a row of a tensor turned into one) as text that reads well."""
        return detokenize(self.tokens(numbers))

    def describe(self) -> dict[str, Any]:
        """What `open_text` makes an equal vocabulary from."""
        return {"kind": "words", "words": self.words}

    @classmethod
    def load(cls, path: str | Path) -> "Vocab":
        return cls(read_vocab(path))

    @cached_property
    def digest(self) -> str:
        """Short fingerprint: equal for equal vocabularies, whatever the order of their files."""
        return sha256(json.dumps(self.words))[:16]

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.numbers

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocab) and self.numbers == other.numbers

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"Vocab({len(self)} entries, {self.digest})"
