"""Scores of style: does a text sound like the style that was asked for, by what the references sound like.

Captions told in styles are scored in the words of each, and rewarded for content and style at once.
The judge is naive Bayes over the words and word pairs of a text, each counted once; how well it knows the
styles itself, `ceiling`, stands beside every accuracy. Perplexity is that of a style's own trigram model.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property
from itertools import chain, pairwise

import numpy as np

from lib.data.formats.styles import style_of
from lib.data.record import Record
from lib.data.text import detokenize, tokenize
from lib.paths import some
from lib.score.attributes import World
from lib.score.diversity import diversity
from lib.score.evaluate import evaluate
from lib.score.ngrams import END
from lib.score.pairs import ScoreError, Tokens, tokens_of
from lib.score.reward import Reward

Row = dict[str, float | list[float]]

UNKNOWN = "<unk>"  # every word that no reference has
HELD_OUT = 10  # one text in so many measures the ceiling: the last ones, for a picture's texts stand together


class StyleJudge:
    """Learns from the training references of each style; equal references make equal judges."""

    def __init__(self, texts_by_style: Mapping[str, Sequence[str]]):
        self.styles = tuple(texts_by_style)
        self.references = {s: [tokens_of(t, tokenize) for t in texts] for s, texts in texts_by_style.items()}
        if len(self.styles) < 2 or not all(self.references.values()):
            given = ", ".join(f"{style} {len(texts)}" for style, texts in self.references.items()) or "none"
            raise ScoreError(f"a judge needs two styles or more with texts each; given: {given}")
        words = {word for texts in self.references.values() for tokens in texts for word in tokens}
        self.models = {style: Trigrams(texts, words) for style, texts in self.references.items()}
        self.classifier = NaiveBayes(self.references)

    @cached_property
    def ceiling(self) -> float:
        """The accuracy on the last tenth of each style's references, by a classifier without them.

        Where the texts to be judged come from elsewhere, their own references judged alike say it better.
        """
        cuts = {style: len(texts) - len(texts) // HELD_OUT for style, texts in self.references.items()}
        seen = NaiveBayes({style: texts[: cuts[style]] for style, texts in self.references.items()})
        held = [(s, tokens) for s, texts in self.references.items() for tokens in texts[cuts[s] :]]
        if not held:
            raise ScoreError(f"no style has {HELD_OUT} references, so none can be held out")
        return sum(seen.classify(tokens) == style for style, tokens in held) / len(held)

    def classify(self, texts: Iterable[str]) -> list[str | None]:
        """The style that each text sounds like; None where no word of it tells anything."""
        return [self.classifier.classify(tokens_of(text, tokenize)) for text in texts]

    def scores(self, texts: Sequence[str], styles: Sequence[str]) -> dict[str, np.ndarray]:
        """Of each text against the style asked for, 1 or 0 and its perplexity: `more` of `evaluate`."""
        if isinstance(texts, str) or not texts or len(texts) != len(styles):
            found = f"{len(texts)} and {len(styles)}"
            raise ScoreError(f"expected a list of texts and a style for each, not {found}")
        if unknown := [style for style in styles if style not in self.styles]:
            near = get_close_matches(unknown[0], self.styles, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {some(self.styles)}"
            raise ScoreError(f"unknown style {unknown[0]!r}; {hint}")
        right = [found == style for found, style in zip(self.classify(texts), styles, strict=True)]
        told = [tokens_of(text, tokenize) for text in texts]
        surprise = [self.models[s].perplexity(tokens) for s, tokens in zip(styles, told, strict=True)]
        return {"style_accuracy": np.array(right, float), "style_perplexity": np.array(surprise)}

    def accuracy(self, texts: Sequence[str], styles: Sequence[str]) -> float:
        """The share of texts that sound like the style asked for."""
        return float(self.scores(texts, styles)["style_accuracy"].mean())


class NaiveBayes:
    """Which style words and word pairs speak for; all styles are as likely before a word is read."""

    def __init__(self, texts_by_style: Mapping[str, Sequence[Tokens]]):
        self.styles = tuple(texts_by_style)
        counts: dict[tuple, Counter] = defaultdict(Counter)
        for number, texts in enumerate(texts_by_style.values()):
            for feature in chain.from_iterable(map(features, texts)):
                counts[feature][number] += 1
        # kept sparse: of two hundred styles few have a given pair of words
        self.weights, totals = {}, np.zeros(len(self.styles))
        for feature, seen in counts.items():
            styles, times = np.array(list(seen)), np.array(list(seen.values()), float)
            self.weights[feature] = styles, np.log1p(times)
            totals[styles] += times
        self.unseen = -np.log(totals + len(counts))  # what one feature more or less says where it never stood

    def classify(self, tokens: Tokens) -> str | None:
        known = [self.weights[feature] for feature in features(tokens) if feature in self.weights]
        if not known:
            return None
        score = self.unseen * len(known)
        for styles, weight in known:
            score[styles] += weight
        return self.styles[int(score.argmax())]


def features(tokens: Tokens) -> set[tuple[str, ...]]:
    """The words and the word pairs of a text."""
    return {*((word,) for word in tokens), *pairwise(tokens)}


class Trigrams:
    """Trigrams, bigrams, words and a uniform floor, interpolated with Witten and Bell's weights.

    A context gives as much weight to the shorter one as it has kinds of words after it. With no text to learn
    from every word is as likely, and the perplexity is the number of words.
    """

    def __init__(self, texts: Iterable[Tokens], words: Iterable[str]):
        self.words = {*words, END, UNKNOWN}
        self.after: dict[tuple[str, ...], Counter] = defaultdict(Counter)
        for context, word in (pair for tokens in texts for pair in self.places(tokens)):
            for start in range(len(context) + 1):
                self.after[context[start:]][word] += 1

    def places(self, tokens: Tokens) -> Iterator[tuple[tuple[str, str], str]]:
        """Every word, the end among them, behind the two before it."""
        line = [word if word in self.words else UNKNOWN for word in tokens]
        line = [None, None, *line, END]
        return (((a, b), word) for a, b, word in zip(line, line[1:], line[2:], strict=False))

    def probability(self, word: str, context: tuple) -> float:
        floor = self.probability(word, context[1:]) if context else 1 / len(self.words)
        seen = self.after.get(context)
        return (seen[word] + len(seen) * floor) / (seen.total() + len(seen)) if seen else floor

    def perplexity(self, tokens: Tokens) -> float:
        """How many words the model wavers among at each place of a text, its end counted."""
        surprise = [-math.log(self.probability(word, context)) for context, word in self.places(tokens)]
        return math.exp(sum(surprise) / len(surprise))


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
