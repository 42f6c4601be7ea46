"""Intervals: as wide as theory says, the same for a seed, and those of the captions that were drawn."""

import time

import numpy as np
import pytest
from caption_cases import EDGES, split_corpus

from lib.score import bootstrap
from lib.score.bleu import bleu_statistics, coco_bleu
from lib.score.bootstrap import intervals, resampled_sums
from lib.score.ngrams import ReferenceTable


def test_a_mean_has_the_interval_of_theory():
    values = np.random.default_rng(3).normal(5, 2, size=(1000, 1))
    low, high = intervals(values, lambda sums: {"mean": sums[:, 0] / 1000}, resamples=4000)["mean_ci"]
    half = 1.96 * values.std() / np.sqrt(1000)
    assert low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_sums_are_those_of_the_drawn_captions():
    """Corpus BLEU of a draw is that of the captions drawn, repeats included."""
    candidates, references = split_corpus([pair for corpus in EDGES.values() for pair in corpus])
    table = ReferenceTable(references)
    statistics = bleu_statistics(table, table.count(candidates))
    mine = coco_bleu(resampled_sums(statistics, resamples=5, seed=7))
    drawn = np.random.default_rng(7).integers(len(candidates), size=(5, len(candidates)))
    for scores, draw in zip(mine, drawn, strict=True):
        again = ReferenceTable([references[i] for i in draw])
        counted = again.count([candidates[i] for i in draw])
        assert scores == pytest.approx(coco_bleu(bleu_statistics(again, counted).sum(axis=0)), abs=1e-12)


def test_the_same_seed_draws_the_same_in_blocks_of_any_size(monkeypatch):
    values = np.arange(50.0)[:, None]
    whole = resampled_sums(values, resamples=20, seed=1)
    monkeypatch.setattr(bootstrap, "BLOCK", 150)
    assert np.array_equal(resampled_sums(values, resamples=20, seed=1), whole)
    assert not np.array_equal(resampled_sums(values, resamples=20, seed=2), whole)


def test_a_thousand_draws_are_quick():
    statistics = np.random.default_rng(0).random((2500, 20))
    start = time.process_time()
    resampled_sums(statistics)
    assert time.process_time() - start < 2  # 0.1 s on an idle core
