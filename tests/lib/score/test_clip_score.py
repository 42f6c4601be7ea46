"""CLIPScore against its definition, worked by hand."""

import numpy as np
import pytest

from lib.score import evaluate
from lib.score.clip_score import clip_scores


def test_known_answers():
    right, up = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    between = np.array([0.6, 0.8])
    found = clip_scores(
        np.stack([right, right, right]),
        np.stack([between, up, -right]),
        [np.stack([up, between]), up[None], right[None]],
    )
    assert found["clip_score"] == pytest.approx([2.5 * 0.6, 0, 0])
    harmonic = 2 * 1.5 * 0.6 / (1.5 + 0.6)
    assert found["ref_clip_score"] == pytest.approx([harmonic, 0, 0])


def test_evaluate_reports_further_scores_as_means_with_intervals():
    more = {"clip_score": np.array([0.2, 0.8])}
    found = evaluate(["a dog", "a cat"], [["a dog"], ["a bird"]], more=more)
    assert found["clip_score"] == pytest.approx(0.5)
    low, high = found["clip_score_ci"]
    assert low == pytest.approx(0.2) and high == pytest.approx(0.8)
