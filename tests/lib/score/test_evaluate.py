"""One call scores everything: the keys that later stages read, equal to the scores themselves."""

import importlib
import subprocess
import sys

import numpy as np
import pytest
from caption_cases import EDGES, REAL, as_coco, split_corpus
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge

from atelier.parse import parse
from atelier.wardrobe import SCHEMA
from atelier.world import WARDROBE
from lib.paths import ROOT
from lib.score import DocumentFrequencies, ScoreError, evaluate, score_captions
from lib.score import evaluate as by_name
from lib.score.attributes import attribute_f1
from lib.score.meteor import find_word_forms

evaluating = importlib.import_module("lib.score.evaluate")  # its own name is also the function's
MEANS = ["rouge_l", "rouge_l_coco", "rouge_l_rouge", "cider_d", "mean_length", "bad_endings"]
ATTRIBUTES = ["attribute_f1", "attribute_precision", "attribute_recall"]
WITH_INTERVAL = ["bleu1", "bleu2", "bleu3", "bleu4", find_word_forms().key, *MEANS]
DRESS = "The woman wears a red dress."
SHIRT = "The man wears a blue cotton shirt."


def texts_of(corpus):
    candidates, references = split_corpus(corpus)
    return [" ".join(c) for c in candidates], [[" ".join(r) for r in group] for group in references]


def attributes_of(text):
    return {name: parse(text).attributes.get(name) for name in SCHEMA}


def test_references_are_prepared_once_for_all_rows_of_a_table(monkeypatch):
    made = []
    meteor = evaluating.Meteor
    monkeypatch.setattr(evaluating, "Meteor", lambda *given: made.append(given) or meteor(*given))
    references = [["A dog of this test runs."], ["Two cats of this test sit."]]
    rows = [["a dog runs", "two cats"], ["a cat", "a dog of this test"], ["A dog of this test runs."] * 2]
    together = [evaluate(row, references, resamples=0) for row in rows]
    assert len(made) == 1
    for row, scores in zip(rows, together, strict=True):
        evaluating.prepare.cache_clear()
        assert evaluate(row, references, resamples=0) == scores
    assert evaluate(rows[0], references[::-1], resamples=0) != together[0]


def test_keys_are_those_that_are_promised():
    scores = evaluate(*texts_of(EDGES["one word"]))
    intervals = [f"{key}_ci" for key in WITH_INTERVAL]
    assert sorted(scores) == sorted([*WITH_INTERVAL, *intervals, "unique", "distinct1", "distinct2"])
    for key in WITH_INTERVAL:
        low, high = scores[f"{key}_ci"]
        assert low <= scores[key] + 1e-12 and scores[key] <= high + 1e-12, key


def test_attributes_add_the_attribute_scores():
    attributes = [attributes_of(DRESS), attributes_of(SHIRT)]
    assert attributes[0] != attributes[1]
    true = evaluate(
        [DRESS, SHIRT], [["a dress"], ["a shirt"]], attributes=attributes, world=WARDROBE, resamples=0
    )
    swapped = evaluate(
        [SHIRT, DRESS], [["a dress"], ["a shirt"]], attributes=attributes, world=WARDROBE, resamples=0
    )
    same = evaluate(
        [DRESS, DRESS], [["a dress"], ["a shirt"]], attributes=attributes, world=WARDROBE, resamples=0
    )
    assert true["attribute_f1"] == true["attribute_precision"] == true["attribute_recall"] == 1
    assert swapped["attribute_f1"] < 1
    assert (true["unique_attributes"], same["unique_attributes"]) == (1, 0.5)


def attribute_case(pictures):
    """Captions that are right about some pictures, half right about others and wrong about the rest."""
    said = [DRESS, SHIRT, "The woman wears a red shirt.", DRESS + " She wears a ring.", "A man."]
    true = [DRESS, DRESS, DRESS, DRESS, SHIRT]
    return [said[i % 5] for i in range(pictures)], [attributes_of(true[i % 5]) for i in range(pictures)]


def evaluate_attributes(pictures, **options):
    captions, attributes = attribute_case(pictures)
    return evaluate(captions, [["a dress"]] * pictures, attributes=attributes, world=WARDROBE, **options)


def test_attribute_intervals_are_those_of_a_plain_bootstrap():
    """Draw captions, score what was drawn, take the middle: the long way, with the same draws."""
    scores = evaluate_attributes(20, resamples=50, seed=3)
    captions, attributes = attribute_case(20)
    drawn = np.random.default_rng(3).integers(20, size=(50, 20))
    again = [
        attribute_f1([captions[i] for i in draw], [attributes[i] for i in draw], WARDROBE) for draw in drawn
    ]
    for key, name in zip(ATTRIBUTES, ("f1", "precision", "recall"), strict=True):
        values = [getattr(score, name) for score in again]
        assert scores[f"{key}_ci"] == pytest.approx(np.quantile(values, [0.025, 0.975]), abs=1e-12)
        assert scores[key] == pytest.approx(
            getattr(attribute_f1(captions, attributes, WARDROBE), name), abs=1e-12
        )


def test_attribute_intervals_cover_the_score_and_shrink_with_more_captions():
    few, many = evaluate_attributes(20), evaluate_attributes(320)
    for key in ATTRIBUTES:
        assert few[key] == pytest.approx(many[key])
        widths = []
        for scores in (few, many):
            low, high = scores[f"{key}_ci"]
            assert low < scores[key] < high
            widths.append(high - low)
        assert widths[1] == pytest.approx(widths[0] / 4, rel=0.15)  # by the root of 16


def test_attributes_leave_the_other_intervals_alone():
    captions, attributes = attribute_case(20)
    references = [["a dress"]] * 20
    without = evaluate(captions, references)
    with_attributes = evaluate(captions, references, attributes=attributes, world=WARDROBE)
    assert with_attributes.keys() - without.keys() == {
        *ATTRIBUTES, *(f"{key}_ci" for key in ATTRIBUTES), "unique_attributes"
    }  # fmt: skip
    for key, value in without.items():
        assert with_attributes[key] == pytest.approx(value, abs=1e-12), key


def test_attributes_must_match():
    with pytest.raises(ScoreError):
        evaluate([DRESS], [["a dress"]], attributes=[attributes_of(DRESS)] * 2, world=WARDROBE)


@pytest.mark.parametrize("name", REAL)
def test_equal_to_pycocoevalcap_in_one_call(name):
    candidates, references = REAL[name](80)
    scores = evaluate(
        [" ".join(c) for c in candidates],
        [[" ".join(r) for r in group] for group in references],
        tokenizer=str.split,
        resamples=0,
    )
    coco = as_coco(candidates, references)
    assert [scores[f"bleu{n}"] for n in range(1, 5)] == pytest.approx(
        Bleu().compute_score(*coco, verbose=0)[0]
    )
    assert scores["rouge_l_coco"] == pytest.approx(Rouge().compute_score(*coco)[0], abs=1e-9)
    assert scores["cider_d"] == pytest.approx(Cider().compute_score(*coco)[0], abs=1e-9)


def test_ids_or_positions_give_the_same():
    candidates, references = texts_of(EDGES["repeated words"])
    by_id = evaluate(dict(zip("ab", candidates, strict=True)), dict(zip("ba", references[::-1], strict=True)))
    assert by_id == evaluate(candidates, references)


def test_every_text_is_tokenised_once():
    seen = []

    def tokenizer(text):
        seen.append(text)
        return text.split()

    evaluate(["a dog", "a cat"], [["one dog", "two dogs"], ["some cat"]], tokenizer=tokenizer)
    assert sorted(seen) == sorted(["a dog", "a cat", "one dog", "two dogs", "some cat"])


def test_scores_of_captions_average_to_those_of_the_set():
    candidates, references = texts_of(EDGES["full stops"] + EDGES["one word"])
    captions = score_captions(candidates, references)
    scores = evaluate(candidates, references, resamples=0)
    for key in MEANS:
        assert captions[key].mean() == pytest.approx(scores[key])
    assert len(captions["bleu4"]) == len(candidates)


def test_end_token_and_given_frequencies_reach_cider():
    candidates, references = texts_of(EDGES["one word"])
    plain = evaluate(candidates, references, resamples=0)
    ended = evaluate(candidates, references, end_token=True, resamples=0)
    tokens = [[text.split() for text in group] for group in [*references, ["an owl"], ["an ox"]]]
    given = evaluate(candidates, references, document_frequencies=DocumentFrequencies.of(tokens), resamples=0)
    changed = {key for key in plain if plain[key] != ended[key]}
    assert changed == {key for key in plain if plain[key] != given[key]} == {"cider_d"}
    both = DocumentFrequencies.of(tokens, end_token=True)
    given = {"document_frequencies": both, "resamples": 0}
    asked = evaluate(candidates, references, end_token=True, **given)["cider_d"]
    assert asked == evaluate(candidates, references, **given)["cider_d"] > 0
    each = score_captions(candidates, references, document_frequencies=both)["cider_d"]
    assert each.mean() == pytest.approx(asked)


def test_without_nltk_meteor_is_absent_and_a_note_says_why(monkeypatch):
    def missing():
        raise ImportError("no nltk")

    monkeypatch.setattr(sys.modules[by_name.__module__], "find_word_forms", missing)
    scores = evaluate(["a dog"], [["a dog"]])
    assert not [key for key in scores if key.startswith("meteor")]
    assert "nltk is not installed" in scores["notes"]["meteor"]


def test_a_note_says_where_rouge_score_cannot_read():
    """It drops all but a-z and 0-9: Chinese captions would score 0 and nobody would know why."""
    scores = evaluate(["一只狗在跑。", "a dog runs"], [["一只狗在跑。"], ["a dog runs"]], resamples=0)
    assert (scores["rouge_l"], scores["rouge_l_coco"]) == (0.5, 1)
    assert "1 of 2 pictures" in scores["notes"]["rouge_l"]


def test_importing_the_scores_is_light():
    """A notebook imports them first of all: nothing heavy may come along."""
    code = (
        "import sys, lib.score; print([m for m in ('nltk', 'torch', 'pandas', 'scipy') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
