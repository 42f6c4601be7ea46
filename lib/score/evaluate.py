"""Every score of a set of captions, from one tokenisation and one table of n-grams.

Keys: `bleu1`..`bleu4` (COCO), `meteor` or `meteor_no_wordnet` (nltk), `rouge_l` (rouge_score),
`rouge_l_coco`, `rouge_l_rouge`, `cider_d`, `attribute_f1`, `attribute_precision`, `attribute_recall` and
`unique_attributes` (where attributes are given), `unique`, `distinct1`, `distinct2`, `mean_length` and
`bad_endings`; 95 % intervals as `<key>_ci: [low, high]`. The shares of distinct things have none: drawing
captions twice makes any set look poorer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from lib.data.text import tokenize
from lib.score.attributes import World, attribute_f1, attribute_rates, attribute_set
from lib.score.bleu import bleu_statistics, coco_bleu
from lib.score.bootstrap import intervals
from lib.score.cider import CiderD, DocumentFrequencies
from lib.score.diversity import diversity, ends_are_usual, ends_badly
from lib.score.meteor import Meteor, find_word_forms
from lib.score.ngrams import ORDERS, ReferenceTable
from lib.score.pairs import References, ScoredPairs, ScoreError, Texts, Tokenizer
from lib.score.rouge import rouge_l, rouge_l_coco, rouge_l_rouge, split_alphanumeric

BLEU_KEYS = tuple(f"bleu{n}" for n in range(1, ORDERS + 1))
NO_NLTK = "nltk is not installed, so METEOR is not reported"
NOT_LATIN = (
    "rouge_l reads a-z and 0-9 alone, and {} of {} pictures have a reference without any: see rouge_l_coco"
)


@dataclass(frozen=True)
class Measured:
    """What was measured of each caption: all that the scores of a set of captions are computed from."""

    bleu: np.ndarray  # [C, 10] its statistics
    means: dict[str, np.ndarray]  # every score that is a mean over captions
    notes: dict[str, str] = field(default_factory=dict)
    counts: np.ndarray | None = None  # [C, 3] statements right, statements, visible attributes

    def statistics(self) -> np.ndarray:
        """Everything that is summed over captions, side by side. [C, K]"""
        counts = [] if self.counts is None else [self.counts]
        return np.column_stack([self.bleu, *self.means.values(), *counts])

    def score(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """The scores of sets of captions from the sums of their statistics [..., K]."""
        bleu, means, counts = np.split(sums, np.cumsum([self.bleu.shape[1], len(self.means)]), axis=-1)
        scores = dict(zip(BLEU_KEYS, np.moveaxis(coco_bleu(bleu), -1, 0), strict=True))
        scores |= dict(zip(self.means, np.moveaxis(means / len(self.bleu), -1, 0), strict=True))
        if self.counts is not None:
            scores |= {f"attribute_{name}": rate for name, rate in attribute_rates(counts).items()}
        return scores


def evaluate(
    candidates: Texts,
    references: References,
    *,
    attributes: Mapping | Sequence | None = None,
    world: World | None = None,
    document_frequencies: DocumentFrequencies | None = None,
    end_token: bool = False,
    tokenizer: Tokenizer = tokenize,
    more: Mapping[str, np.ndarray] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> dict:
    """Score texts against lists of texts, given both by id or both in order.

    `attributes` are what each picture shows in a `world`, keyed like the candidates. CIDEr-D takes its
    document frequencies from the references unless given, and counts no end token unless asked to: the
    published way. `more`: further scores of each caption, in their order, whose means are reported alike
    (`Retriever.clip_scores`). `resamples=0` leaves the intervals out.
    """
    if resamples < 0:
        raise ScoreError(f"resamples must be 0 or more, not {resamples}")
    pairs = ScoredPairs(candidates, references, tokenizer)
    measured = measure(pairs, document_frequencies, end_token=end_token)
    measured.means.update(more or {})
    if attributes is not None:
        if world is None:
            raise ScoreError("attributes are scored in a world: give evaluate the world they are of")
        measured = replace(measured, counts=attribute_f1(candidates, attributes, world).counts)
    statistics = measured.statistics()
    scores = {key: float(value) for key, value in measured.score(statistics.sum(axis=0)).items()}
    scores |= diversity(pairs.candidates)
    if attributes is not None:
        stated = {attribute_set(text, world) for text in pairs.texts}
        scores["unique_attributes"] = len(stated) / len(pairs.texts)
    if resamples:
        scores |= intervals(statistics, measured.score, resamples=resamples, seed=seed)
    return scores | ({"notes": measured.notes} if measured.notes else {})


def score_captions(
    candidates: Texts,
    references: References,
    *,
    document_frequencies: DocumentFrequencies | None = None,
    tokenizer: Tokenizer = tokenize,
) -> dict[str, np.ndarray]:
    """Each score of each caption, in the order of the candidates: to look at, sort by, correlate."""
    measured = measure(ScoredPairs(candidates, references, tokenizer), document_frequencies)
    return dict(zip(BLEU_KEYS, coco_bleu(measured.bleu).T, strict=True)) | measured.means


def measure(
    pairs: ScoredPairs, frequencies: DocumentFrequencies | None = None, *, end_token: bool = False
) -> Measured:
    """Measure every caption once."""
    ready = prepare(pairs.references, frequencies, end_token)
    counted, means, notes = ready.table.count(pairs.candidates), {}, {}
    if ready.meteor:
        means[ready.meteor.forms.key] = ready.meteor.scores(pairs.candidates)
    else:
        notes["meteor"] = NO_NLTK
    means["rouge_l"] = rouge_l(pairs.candidates, pairs.references)
    if ready.unread:
        notes["rouge_l"] = NOT_LATIN.format(ready.unread, len(pairs.ids))
    means["rouge_l_coco"] = rouge_l_coco(pairs.candidates, pairs.references)
    means["rouge_l_rouge"] = rouge_l_rouge(pairs.candidates, pairs.references)
    same = ready.cider.table is ready.table
    means["cider_d"] = ready.cider.score_counted(counted) if same else ready.cider.scores(pairs.candidates)
    means["mean_length"] = np.array([len(tokens) for tokens in pairs.candidates], float)
    means["bad_endings"] = np.array([ends_badly(tokens, ready.closed) for tokens in pairs.candidates], float)
    return Measured(bleu_statistics(ready.table, counted), means, notes)


class Prepared(NamedTuple):
    """References made ready for every score."""

    table: ReferenceTable
    cider: CiderD
    meteor: Meteor | None
    unread: int  # pictures that rouge_score cannot read
    closed: bool  # whether they end with a sentence end


@lru_cache(maxsize=2)  # the rows of a table are held against the same references, one after the other
def prepare(references: tuple, frequencies: DocumentFrequencies | None, end_token: bool) -> Prepared:
    table = ReferenceTable(references, index=frequencies.index if frequencies else None)
    if end_token or (frequencies and frequencies.end_token):
        cider = CiderD(references, frequencies, end_token=True)
    else:
        cider = CiderD(table, frequencies)
    try:
        meteor = Meteor(references, find_word_forms())
    except ImportError:
        meteor = None
    unread = sum(not all(map(split_alphanumeric, group)) for group in references)
    return Prepared(table, cider, meteor, unread, ends_are_usual(references))
