"""Tokens equal nltk's, the course project's vocabulary comes out, and text survives being numbered."""

import json
import re
import subprocess
import sys

import pytest
from absent import DATA, need
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.tokenize import NLTKWordTokenizer, PunktSentenceTokenizer

from lib.data.formats import FormatError, open_dataset
from lib.data.text import MAX_TOKENS, Vocab, detokenize, tokenize, tokenize_sentence
from lib.files import write_json
from lib.paths import ROOT
from originals.homework import tokenize_homework

quick = settings(max_examples=150, deadline=None)

sentences = PunktSentenceTokenizer()  # without its trained data
words = NLTKWordTokenizer()


def by_nltk(text: str) -> list[str]:
    """`nltk.word_tokenize(text.lower())`, but for the abbreviations that its downloaded data knows."""
    return [token for sentence in sentences.tokenize(text.lower()) for token in words.tokenize(sentence)]


def captions_of(name: str) -> list[str]:
    found = open_dataset(need(DATA / name), need_images=False)
    return [text for record in found for text in record.captions]


@pytest.fixture(scope="module")
def fashion():
    return captions_of("deepfashion_text")


@pytest.fixture(scope="module")
def flickr():
    return captions_of("flickr8k")


def test_equals_nltk_on_fashion_captions(fashion):
    """Every 10th here; all 12,693 were compared once."""
    for text in fashion[::10]:
        assert tokenize(text) == by_nltk(text)


def test_equals_nltk_on_flickr_captions(flickr):
    """All that hold more than plain words, and every 40th of the others; all 35,430 were compared once."""
    odd = [
        text for text in flickr if re.search(r"[^A-Za-z0-9 ,.-]|[.?!].*\S|--|,\S|cannot|onna|otta", text[:-1])
    ]
    assert len(odd) > 500
    for text in odd + flickr[::40]:
        assert tokenize(text) == by_nltk(text)


CASES = [
    "Her v-shape T-shirt, with 3 or 4 stripes.",
    "A man. And a dog",
    'He says " oh ! " loudly. "Where?" she asks.',
    "Miami U. pushes forward. No. 5 runs",
    "Well ... yes. It can't be; they're gonna go!",
    "He is 5. 3 dogs run. U. (really) yes.",
    "One man's (blue) hat: $5, 10% off -- cheap",
    "wait...what? no, 3,000 dogs.",
    "",
    "   ",
    ".",
]


@pytest.mark.parametrize("text", CASES)
def test_equals_nltk_on_chosen_texts(text):
    assert tokenize(text) == by_nltk(text)


@quick
@given(st.text(alphabet="abcot gn0159 ,,..--'\"!?():;$%&", max_size=40))
def test_sentence_equals_treebank(text):
    """The short way for plain sentences gives what the long way gives."""
    assert tokenize_sentence(text) == words.tokenize(text)


@pytest.mark.parametrize(
    "word", ["cannot", "gonna", "wanna", "gimme", "lemme", "gotta", "a,b", "a,,b", "1,5", "a--b", "-", ",."]
)
def test_short_way_knows_its_limits(word):
    for text in (word, f"the {word} dress", f"the {word}."):
        assert tokenize_sentence(text) == words.tokenize(text)


def test_cjk_text_has_one_token_a_character():
    assert tokenize("一个女人穿着T恤。") == ["一", "个", "女", "人", "穿", "着", "t", "恤", "。"]
    assert tokenize("赤い dress") == ["赤", "い", "dress"]
    assert detokenize(tokenize("一个女人。")) == "一个女人。"


def test_homework_tokens():
    text = "It has a V-shape neckline, OK? 3 Rings!"
    assert tokenize_homework(text) == [
        "it",
        "has",
        "a",
        "v",
        "shape",
        "neckline",
        ",",
        "ok",
        "?",
        "rings",
        "!",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "the neckline of it is v-shape. there is a belt.",
        "her t-shirt, which isn't long, has a man's logo (red).",
        'a sign that says "red light." and a dog',
        "she wears it with a . the",
        "number 5 . the dress",
        "50% cotton; is it? yes!",
    ],
)
def test_text_reads_well_and_gives_its_tokens_back(text):
    assert detokenize(tokenize(text)) == text
    assert tokenize(detokenize(tokenize(text))) == tokenize(text)


def test_tokens_survive_on_real_captions(fashion, flickr):
    for text in fashion[::5] + [text for text in flickr[::3] if '"' not in text]:
        tokens = tokenize(text)
        assert tokenize(detokenize(tokens)) == tokens


@quick
@given(
    st.lists(
        st.sampled_from(["a", "dress", "v-shape", ".", ",", "the", "5", "'s", "n't", "(", ")", "!"]),
        max_size=12,
    )
)
def test_decoded_text_is_never_damaged(tokens):
    """Whatever a model says, its words are all in the text, in order."""
    assert detokenize(tokens).replace(" ", "") == "".join(tokens)


def test_vocabulary_of_the_seed_comes_out(fashion):
    vocab = Vocab.build(fashion[:10155])
    assert len(vocab) == 109
    assert [vocab.words[1], vocab.words[2], vocab.words[3]] == ["the", "upper", "clothing"]
    assert (vocab.pad, vocab.unknown, vocab.start, vocab.end) == (0, 106, 107, 108)
    assert list(vocab.numbers)[-4:] == ["<pad>", "<unk>", "<start>", "<end>"]
    assert "v-shape" in vocab


def test_numbers_and_back():
    vocab = Vocab.build(["The red dress.", "A red hat, a belt."])
    numbers = vocab.encode("The red hat, velvet.")
    assert numbers == [vocab.start, 1, 2, 6, 7, vocab.unknown, 4, vocab.end]
    assert vocab.decode([*numbers, vocab.pad, 1, 1]) == "the red hat, <unk>."
    assert vocab.decode([]) == "" and vocab.tokens([vocab.start, 1, 2]) == ["the", "red"]
    assert vocab.encode("red " * 100) == [vocab.start, *[2] * MAX_TOKENS, vocab.end]
    assert len(vocab.encode("red " * 100, max_tokens=5)) == 7


def test_a_caption_cannot_speak_in_marks():
    vocab = Vocab.build(["a <end> b <start> <pad>"])
    assert vocab.encode("<end>").count(vocab.end) == 1
    assert Vocab.build(["<end> <pad>"], tokenize=str.split).words == ["<pad>", "<unk>", "<start>", "<end>"]


def test_rare_words_can_be_left_out():
    vocab = Vocab.build(["a a b", "a c c"], min_count=2)
    assert list(vocab.numbers) == ["a", "c", "<pad>", "<unk>", "<start>", "<end>"]


def test_saved_vocabulary_is_the_same(tmp_path):
    vocab = Vocab.build(["Une robe d'été, 一个女人."])
    write_json(tmp_path / "vocab.json", vocab.numbers)
    again = Vocab.load(tmp_path / "vocab.json")
    assert again == vocab and hash(again) == hash(vocab) and again.digest == vocab.digest
    assert (tmp_path / "vocab.json").read_text() == json.dumps(vocab.numbers)
    other = Vocab.build(["robe une d'été, 一个女人."])
    assert other != vocab and other.digest != vocab.digest
    with pytest.raises(FormatError, match="number 5; expected 1"):
        Vocab({"a": 5, "<pad>": 0, "<unk>": 2, "<start>": 3, "<end>": 4})


def test_import_is_light():
    """No torch, no nltk: the command line and the pipeline start at once."""
    code = "import sys, lib.data.text; print(sorted({'torch', 'nltk', 'torchvision'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
