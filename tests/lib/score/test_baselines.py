"""Captions without a model: chosen on train alone, and on real captions as strong as was measured before."""

import json
from functools import cache

import numpy as np
import pytest
from caption_cases import DATA, as_coco, corpora, need, split_corpus
from hypothesis import given, settings
from nltk.stem.porter import PorterStemmer
from nltk_bleu import nltk_bleu
from pycocoevalcap.bleu.bleu import Bleu

from lib.data.formats.deepfashion import parse_name
from lib.data.record import Record
from lib.data.text import MAX_TOKENS, tokenize
from lib.score.baselines import (
    baselines,
    best_constant,
    blind,
    constant_bleu,
    constant_per,
    copy_nearest,
    random_caption,
)
from lib.score.bleu import bleu_statistics
from lib.score.cider import CiderD
from lib.score.meteor import Meteor, WordForms
from lib.score.ngrams import ReferenceTable
from lib.score.pairs import ScoreError
from lib.score.rouge import rouge_l_rouge


def record(name, *captions):
    return Record(name, f"{name}.jpg", captions, "train")


TRAIN = [
    record("dress-1-1", "a red dress with long sleeves"),
    record("dress-1-2", "a red dress with short sleeves"),
    record("dress-2-1", "a blue dress with long sleeves"),
    record("shirt-3-1", "some shirt of denim"),
]
TEST = [
    record("dress-1-2", "one"),
    record("dress-2-9", "two"),
    record("dress-7-1", "three"),
    record("hat-8-1", "four"),
]


def part(position):
    return lambda r: r.id.split("-")[position]


CATEGORY, PRODUCT, OUTFIT = part(0), part(1), lambda r: r.id


@given(corpora)
@settings(max_examples=40, deadline=None)
def test_bleu_of_a_constant_is_exact(corpus):
    captions, references = split_corpus(corpus)
    captions = [c for c in captions if c] + [group[0] for group in references]
    mine = constant_bleu(captions, ReferenceTable(references))
    for caption, score in zip(captions, mine, strict=True):
        same = [caption] * len(references)
        corpus_bleu = Bleu().compute_score(*as_coco(same, references), verbose=0)[0][3]
        assert score == pytest.approx(corpus_bleu, abs=1e-9)


def test_the_constant_is_what_most_say():
    train = [record(str(i), "a dog runs in the park .") for i in range(3)] + [record("9", "x y z w v")]
    assert best_constant(train) == "a dog runs in the park ."
    with pytest.raises(ScoreError, match="without training captions"):
        best_constant([record("0")])


def test_a_category_has_its_own_constant_and_a_new_one_the_constant_of_all():
    constants = constant_per(TRAIN, [*TEST, record("shirt-4-4", "five")], CATEGORY)
    overall = best_constant(TRAIN)
    assert constants[0] == constants[1] == constants[2] == best_constant(TRAIN[:3])
    assert constants[3:] == [overall, "some shirt of denim"]


def test_the_leak_prefers_the_outfit_then_the_product_then_what_is_left():
    copied = copy_nearest(TRAIN, TEST, [OUTFIT, PRODUCT], ["w", "x", "y", "z"])
    assert copied == [TRAIN[1].captions[0], TRAIN[2].captions[0], "y", "z"]


@pytest.mark.parametrize("count", [2, 3, 50])
def test_blind_gives_each_picture_the_caption_of_another(count):
    test = [record(str(i), f"caption {i}") for i in range(count)]
    for seed in range(10):
        shuffled = blind(test, seed=seed)
        assert sorted(shuffled) == sorted(f"caption {i}" for i in range(count))
        assert all(text != r.captions[0] for text, r in zip(shuffled, test, strict=True))


def test_rows_depend_on_the_keys_that_are_given():
    assert list(baselines(TRAIN, TEST)) == ["random_caption", "best_constant", "blind"]
    rows = baselines(TRAIN, TEST, category=CATEGORY, product=PRODUCT, outfit=OUTFIT)
    assert list(rows) == ["random_caption", "best_constant", "constant_per_category", "same_product", "blind"]
    assert all(len(captions) == len(TEST) for captions in rows.values())
    written = {text for r in TRAIN for text in r.captions}
    assert all(set(captions) <= written for name, captions in rows.items() if name != "blind")


def test_a_seed_says_which_captions_are_drawn():
    assert random_caption(TRAIN, TEST * 9, 1) == random_caption(TRAIN, TEST * 9, 1)
    assert random_caption(TRAIN, TEST * 9, 1) != random_caption(TRAIN, TEST * 9, 2)


@cache
def seed_tokens(text):
    return tokenize(text)[:MAX_TOKENS]


def read_deepfashion(split):
    path = need(DATA / "deepfashion_text" / f"{split}_captions.json")
    texts = json.loads(path.read_text(encoding="utf-8"))
    return [Record(name, name, (text,), split) for name, text in texts.items()]


@pytest.fixture(scope="module")
def measured():
    """Each row on the real captions: BLEU-4, ROUGE-L, CIDEr-D, METEOR by the figures' implementations."""
    train, test = read_deepfashion("train"), read_deepfashion("test")
    rows = baselines(
        train,
        test,
        category=lambda r: parse_name(r.id)[:2],
        product=lambda r: parse_name(r.id).product,
        outfit=lambda r: parse_name(r.id).outfit,
        tokenizer=seed_tokens,
    )
    references = [[seed_tokens(r.captions[0])] for r in test]
    table, meteor = ReferenceTable(references), Meteor(references, WordForms(PorterStemmer().stem))
    cider = CiderD(table, end_token=False)

    def score(captions):
        candidates = [seed_tokens(text) for text in captions]
        bleu = nltk_bleu(bleu_statistics(table, table.count(candidates)))[3]
        means = [f.mean() for f in (rouge_l_rouge(candidates, references), cider.scores(candidates))]
        return np.array([bleu, *means, meteor.scores(candidates).mean()])

    return {name: score(captions) for name, captions in rows.items()}


def test_a_random_caption_of_train(measured):
    bleu, rouge, cider, meteor = measured["random_caption"]
    assert bleu == pytest.approx(0.298, abs=0.006)
    assert rouge == pytest.approx(0.588, abs=0.006)
    assert cider == pytest.approx(0.417, abs=0.03)
    assert meteor >= 0.49


def test_one_sentence_for_every_picture_beats_what_was_published(measured):
    bleu, rouge, cider, meteor = measured["best_constant"]
    assert bleu >= 0.38
    assert rouge >= 0.665
    assert cider == pytest.approx(0.666, abs=0.06)
    assert meteor >= 0.57


def test_one_sentence_a_category_is_better_still(measured):
    bleu, rouge, cider, meteor = measured["constant_per_category"]
    assert (bleu >= 0.39, rouge >= 0.675, cider >= 0.9, meteor >= 0.60) == (True,) * 4


def test_the_leak(measured):
    bleu, rouge, cider, meteor = measured["same_product"]
    assert bleu == pytest.approx(0.427, abs=0.01)
    assert rouge == pytest.approx(0.704, abs=0.01)
    assert cider == pytest.approx(1.46, abs=0.06)
    assert meteor >= 0.62


def test_another_pictures_caption_is_a_random_caption(measured):
    assert measured["blind"] == pytest.approx(measured["random_caption"], abs=0.03)
