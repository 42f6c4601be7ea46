"""Captions that need no model, for every table: what the scores say when nobody looks at the picture.

Each function learns from the training records alone and gives one caption a test record. What a record's
category, product or outfit is, the caller says with a function of the record.
"""

import random
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import cache

import numpy as np

from lib.data.record import Record
from lib.data.text import tokenize
from lib.score.bleu import coco_bleu, nearest_lengths
from lib.score.ngrams import ORDERS, ReferenceNgrams, ReferenceTable, Tokens, count_pairs, split_keys
from lib.score.pairs import ScoreError, Tokenizer
from lib.score.rouge import rouge_l_rouge

Key = Callable[[Record], Hashable]

SHORTLIST, JUDGES = 10, 150  # captions and pictures that decide on the best constant


def random_caption(train: Sequence[Record], test: Sequence[Record], seed: int = 0) -> list[str]:
    """Some caption of some training record for each test record."""
    captions = [caption for record in train for caption in record.captions]
    return random.Random(seed).choices(captions, k=len(test))


def blind(test: Sequence[Record], seed: int = 0) -> list[str]:
    """For each test picture another one's caption (Sattolo's shuffle: a single cycle, so never its own)."""
    if len(test) < 2:
        raise ScoreError("the blind baseline needs at least two pictures")
    order = list(range(len(test)))
    generator = random.Random(seed)
    for i in range(len(order) - 1, 0, -1):
        j = generator.randrange(i)
        order[i], order[j] = order[j], order[i]
    return [test[i].captions[0] for i in order]


def best_constant(train: Sequence[Record], tokenizer: Tokenizer = tokenize) -> str:
    """The training caption that does best when it is said of every training picture.

    Best is the largest product of corpus BLEU-4 (on all of them) and ROUGE-L (`rouge`, on some hundred, among
    the captions that lead in BLEU): a caption chosen by one of the two alone can be weak in the other.
    """
    references = [[tokenizer(text) for text in record.captions] for record in train if record.captions]
    if not references:
        raise ScoreError("a constant caption cannot be chosen without training captions")
    texts = {tuple(tokenizer(text)): text for record in train for text in record.captions}
    captions = list(texts)
    bleu = constant_bleu(captions, ReferenceTable(references))
    judges = references[:: -(-len(references) // JUDGES)]
    shortlist = np.argsort(-bleu, kind="stable")[:SHORTLIST]
    said = [captions[i] for i in shortlist for _ in judges]
    rouge = rouge_l_rouge(said, judges * len(shortlist)).reshape(len(shortlist), len(judges)).mean(axis=1)
    return texts[captions[shortlist[int(np.argmax(bleu[shortlist] * rouge))]]]


def constant_per(
    train: Sequence[Record], test: Sequence[Record], key: Key, tokenizer: Tokenizer = tokenize
) -> list[str]:
    """The best constant of the training records with the same key; of all where none has it."""
    groups: dict[Hashable, list[Record]] = {}
    for record in train:
        groups.setdefault(key(record), []).append(record)
    wanted = {key(record) for record in test}
    constants = {k: best_constant(records, tokenizer) for k, records in groups.items() if k in wanted}
    overall = best_constant(train, tokenizer) if wanted - set(groups) else ""
    return [constants.get(key(record), overall) for record in test]


def copy_nearest(
    train: Sequence[Record], test: Sequence[Record], keys: Iterable[Key], otherwise: Sequence[str]
) -> list[str]:
    """The leak: the caption of the first training record with an equal key, trying the keys in order."""
    told = [record for record in reversed(train) if record.captions]  # so that the first one is kept
    tables = [(key, {key(record): record.captions[0] for record in told}) for key in keys]
    return [
        next((known[key(record)] for key, known in tables if key(record) in known), fallback)
        for record, fallback in zip(test, otherwise, strict=True)
    ]


def baselines(
    train: Sequence[Record],
    test: Sequence[Record],
    *,
    category: Key | None = None,
    product: Key | None = None,
    outfit: Key | None = None,
    tokenizer: Tokenizer = tokenize,
    seed: int = 0,
) -> dict[str, list[str]]:
    """The rows of every table: `random_caption`, `best_constant`, `blind`, and what the given keys allow."""
    tokenizer = cache(tokenizer)
    constant = [best_constant(train, tokenizer)] * len(test)
    rows = {"random_caption": random_caption(train, test, seed), "best_constant": constant}
    if category:
        constant = rows["constant_per_category"] = constant_per(train, test, category, tokenizer)
    keys = [key for key in (outfit, product) if key]
    if keys:
        rows["same_product"] = copy_nearest(train, test, keys, constant)
    return rows | {"blind": blind(test, seed)}


def constant_bleu(captions: Sequence[Tokens], table: ReferenceTable) -> np.ndarray:
    """Corpus BLEU-4 of each caption if it were said of every item: exact, without going through the pairs."""
    numbered = table.index.number(captions)
    statistics = np.zeros((len(captions), 2 * ORDERS + 2))
    for n, order in enumerate(table.orders):
        number, row, count = count_pairs(numbered.numbers[n], numbered.rows[n])
        correct = count_correct(number, count, order)
        statistics[:, n] = np.bincount(row, correct, minlength=len(captions))
        statistics[:, ORDERS + n] = np.maximum(numbered.lengths - n, 0) * len(table)
    lengths, which = np.unique(numbered.lengths, return_inverse=True)
    statistics[:, -2] = numbered.lengths * len(table)
    rows, real = table.rows_of(np.arange(len(table)))
    closest = [nearest_lengths(table.lengths[rows], real, length).sum() for length in lengths]
    statistics[:, -1] = np.array(closest)[which]
    return coco_bleu(statistics)[:, 3]


def count_correct(number: np.ndarray, count: np.ndarray, order: ReferenceNgrams) -> np.ndarray:
    """Correct n-grams over all items for n-grams that occur `count` times in a caption.

    The k-th occurrence is correct in every item with at least k of them.
    """
    correct = np.zeros(number.size)
    of_group, _ = split_keys(order.groups)
    for k in range(1, int(count.max(initial=0)) + 1):
        items = np.bincount(of_group[order.most >= k], minlength=order.documents.size)
        repeated = (count >= k) & (number < items.size)
        correct[repeated] += items[number[repeated]]
    return correct
