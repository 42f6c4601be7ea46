"""Captions told in styles: scored in the words of each, and rewarded for content and style at once."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from lib.data.formats.styles import style_of
from lib.data.record import Record
from lib.data.text import detokenize, tokenize
from lib.score.attributes import World
from lib.score.diversity import diversity
from lib.score.evaluate import evaluate
from lib.score.ngrams import Tokens
from lib.score.reward import Reward
from lib.score.style import StyleJudge

Row = dict[str, float | list[float]]


class StyledReward:
    """Each item's reward against what was said of it in its own style, and whether the judge hears that."""

    def __init__(
        self,
        records: Sequence[Record],
        weights: Mapping[str, float],
        worlds: Mapping[str, World],
        judge: StyleJudge,
        *,
        style: float = 1.0,
    ):
        self.judge, self.weight, self.styles = judge, style, [style_of(record) for record in records]
        self.places, self.rewards = np.zeros(len(records), int), {}
        for name, own in by_style(self.styles).items():
            self.places[own] = range(len(own))
            references = [[tokenize(text) for text in records[place].captions] for place in own]
            known = {"attributes": [records[place].attributes for place in own], "world": worlds.get(name)}
            self.rewards[name] = Reward(references, weights, **known)

    def scores(self, candidates: Sequence[Tokens], indices: Sequence[int]) -> np.ndarray:
        styles = [self.styles[index] for index in indices]
        heard = self.judge.classify([detokenize(words) for words in candidates])
        found = self.weight * np.array([a == b for a, b in zip(heard, styles, strict=True)], float)
        for name, own in by_style(styles).items():
            given = [self.places[indices[place]] for place in own]
            found[own] += self.rewards[name].scores([candidates[place] for place in own], given)
        return found


def by_style(styles: Sequence[str]) -> dict[str, list[int]]:
    """The places of each style, in the order in which they come first."""
    places: dict[str, list[int]] = {}
    for place, style in enumerate(styles):
        places.setdefault(style, []).append(place)
    return places


def score_styles(
    texts: Sequence[str],
    records: Sequence[Record],
    judge: StyleJudge,
    worlds: Mapping[str, World],
    *,
    seed: int = 0,
) -> tuple[Row, dict[str, Row]]:
    """The mean over the styles of every score, each read in its own words, and the scores of each style.

    How varied captions are is counted over all styles together: one caption for all of them is one caption.
    """
    styles = [style_of(record) for record in records]
    heard, rows = judge.scores(texts, styles), {}
    for name, own in by_style(styles).items():
        attributes, world = [records[place].attributes for place in own], worlds.get(name)
        known = {"attributes": attributes, "world": world} if world and all(attributes) else {}
        more = {"style_accuracy": heard["style_accuracy"][own]}
        given = [texts[place] for place in own], [records[place].captions for place in own]
        surprise = float(np.exp(np.log(heard["style_perplexity"][own]).mean()))
        rows[name] = evaluate(*given, **known, more=more, seed=seed) | {"style_perplexity": surprise}
    return mean_row(list(rows.values())) | diversity([tokenize(text) for text in texts]), rows


def mean_row(rows: Sequence[Row]) -> Row:
    """The mean of every score that all rows have; an interval's ends are means of ends, which is wide."""
    keys = [key for key in rows[0] if all(isinstance(row.get(key), float | list) for row in rows)]
    return {key: np.mean([row[key] for row in rows], axis=0).tolist() for key in keys}


def stock_phrase(caption: str) -> str:
    """The last words of a caption, from its last full stop, exclamation mark or comma on."""
    return re.split(r"(?<=[.!?,])\s", caption)[-1].strip()
