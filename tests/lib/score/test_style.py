"""Style is judged by references: known probabilities, a ceiling, and no credit for saying nothing."""

import math
import random

import numpy as np
import pytest

from atelier.moods import MOODS, describe_moods
from atelier.sample import sample_look
from atelier.visible import visible
from lib.data.text import tokenize
from lib.score import ScoreError, evaluate
from lib.score.ngrams import END
from lib.score.style import UNKNOWN, NaiveBayes, StyleJudge, Trigrams

TOY = {"loud": ["hey you cat", "hey hey dog"], "calm": ["soft cat sleeps", "soft dog rests"]}
WORDS = ("red", "hat", "coat", "shoe")


@pytest.fixture(scope="module")
def moods():
    """Texts of four moods: for training, and of other pictures."""
    shown = [visible(sample_look(product, 1, 0), "1_front") for product in range(260)]
    told = {mood: [describe_moods(a, mood, n, 1)[0] for n, a in enumerate(shown)] for mood in MOODS}
    return {m: texts[:200] for m, texts in told.items()}, {m: texts[200:] for m, texts in told.items()}


def test_the_classifier_is_naive_bayes_by_hand():
    """a: x y, x; b: y z. Features of a: x x y xy = 4, of b: y z yz = 3, kinds: x y z xy yz = 5."""
    judge = NaiveBayes({"a": [("x", "y"), ("x",)], "b": [("y", "z")]})
    assert judge.unseen == pytest.approx([-math.log(9), -math.log(8)])
    assert judge.weights[("x",)][1] == pytest.approx([math.log(3)])
    assert judge.classify(("x",)) == "a"  # 3/9 against 1/8
    assert judge.classify(("y",)) == "b"  # 2/9 against 2/8
    assert judge.classify(("z", "z", "z")) == "b"
    assert judge.classify(("x", "y")) == "a"  # 3/9 2/9 2/9 against 1/8 2/8 1/8


def test_what_tells_nothing_has_no_style_and_earns_nothing():
    judge = StyleJudge(TOY)
    assert judge.classify(["hey there", "", "quux"]) == ["loud", None, None]
    assert judge.accuracy(["", ""], ["loud", "calm"]) == 0.0


def test_without_texts_perplexity_is_exactly_the_number_of_words():
    model = Trigrams([], WORDS)
    assert len(model.words) == len(WORDS) + 2
    for tokens in ((), ("red",), ("red", "hat", "nothing"), ("red",) * 40):
        assert model.perplexity(tokens) == pytest.approx(6, rel=1e-12)


def test_probabilities_are_those_worked_out_by_hand():
    """One text, red hat. Words: red, hat, end, each 1 of 3, three kinds: (1 + 3/6) / (3 + 3) = 1/4."""
    model = Trigrams([("red", "hat")], WORDS)
    assert model.probability("hat", ()) == pytest.approx((1 + 3 / 6) / 6)
    assert model.probability("coat", ()) == pytest.approx(3 / 6 / 6)
    assert model.probability("hat", ("red",)) == pytest.approx((1 + 1 / 4) / 2)
    assert model.probability("hat", (None, "red")) == pytest.approx((1 + 5 / 8) / 2)
    assert model.probability("coat", ("shoe", "shoe")) == pytest.approx(1 / 12)  # a context never seen


@pytest.mark.parametrize("context", [(), ("red",), (None, None), ("red", "hat"), (UNKNOWN, "red")])
def test_the_words_share_all_of_the_probability(context):
    model = Trigrams([("red", "hat"), ("red", "coat", "shoe"), ("hat", "red")], WORDS)
    assert sum(model.probability(word, context) for word in model.words) == pytest.approx(1)
    assert model.probability(END, context) > 0 < model.probability(UNKNOWN, context)


def test_a_text_in_another_order_surprises_more(moods):
    train, held = moods
    for mood, texts in held.items():
        model = Trigrams(map(tokenize, train[mood]), {w for t in train[mood] for w in tokenize(t)})
        told = [tokenize(text) for text in texts]
        mixed = [random.Random(1).sample(tokens, len(tokens)) for tokens in told]
        usual, odd = ([model.perplexity(tokens) for tokens in group] for group in (told, mixed))
        assert np.mean(usual) * 3 < np.mean(odd)
        assert np.mean(usual) < len(model.words) / 5


def test_moods_are_told_apart_and_their_own_surprises_least(moods):
    train, held = moods
    judge = StyleJudge(train)
    texts = [text for group in held.values() for text in group]
    styles = [mood for mood, group in held.items() for _ in group]
    assert judge.ceiling == 1.0 and judge.accuracy(texts, styles) == 1.0
    own = judge.scores(texts, styles)["style_perplexity"].mean()
    shifted = styles[60:] + styles[:60]
    assert judge.accuracy(texts, shifted) == 0.0
    assert own * 5 < judge.scores(texts, shifted)["style_perplexity"].mean()


def test_labels_without_meaning_have_a_ceiling_at_chance():
    rng = random.Random(2)
    texts = [" ".join(rng.choices(WORDS, k=6)) for _ in range(4000)]
    judge = StyleJudge({"a": texts[:2000], "b": texts[2000:]})
    assert 0.4 < judge.ceiling < 0.6
    assert judge.accuracy(texts[:400], ["a"] * 400) > judge.ceiling  # it has seen these


def test_the_ceiling_is_measured_on_texts_that_were_not_learnt():
    texts = [f"same word{n}" for n in range(20)]
    assert StyleJudge({"a": texts, "b": [f"word{n} same" for n in range(20)]}).ceiling < 1
    with pytest.raises(ScoreError, match="no style has 10 references"):
        _ = StyleJudge(TOY).ceiling


def test_they_are_columns_of_the_table():
    texts, styles = ["hey cat", "soft dog rests", "hey dog"], ["loud", "calm", "calm"]
    judge = StyleJudge(TOY)
    scores = evaluate(texts, [["a cat"], ["a dog"], ["a dog"]], more=judge.scores(texts, styles))
    assert scores["style_accuracy"] == pytest.approx(2 / 3) == judge.accuracy(texts, styles)
    assert scores["style_perplexity"] == pytest.approx(judge.scores(texts, styles)["style_perplexity"].mean())
    low, high = scores["style_perplexity_ci"]
    assert low < scores["style_perplexity"] < high


def test_what_cannot_be_judged_is_refused():
    judge = StyleJudge(TOY)
    with pytest.raises(ScoreError, match=r"unknown style 'lound'; did you mean 'loud'\?"):
        judge.accuracy(["x"], ["lound"])
    for texts, styles in ((["x"], []), ([], []), ("x", ["loud"])):
        with pytest.raises(ScoreError, match="expected a list of texts and a style for each"):
            judge.scores(texts, styles)
    for wrong, given in (({"loud": ["x"]}, "loud 1"), ({"a": ["x"], "b": []}, "a 1, b 0"), ({}, "none")):
        with pytest.raises(ScoreError, match=f"two styles or more with texts each; given: {given}"):
            StyleJudge(wrong)
