"""Validation, while a model trains and after: what keeps the best, and the captions that a table scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from lib.data.loader import CaptionPairs, Loader, View
from lib.data.record import Caption, Record
from lib.data.text import tokenize
from lib.models.attributes import number_attributes
from lib.models.captioner import Captioner, Choose
from lib.models.decoding import Decoding
from lib.models.retriever import embed_pictures, embed_texts
from lib.score.attributes import World, attribute_f1, attribute_set
from lib.score.cider import CiderD
from lib.score.diversity import diversity, ends_are_usual, ends_badly
from lib.score.retrieval import AT, relevance, retrieve
from lib.train.session import Validator

BATCH = 64  # pictures captioned or read at once
# how captions are to be told: all alike, or each record's in its own way
Prefix = tuple[str, ...] | Callable[[Record], tuple[str, ...]]


@dataclass(frozen=True)
class PartView:
    """Some of a view's pictures, in another order."""

    view: View
    places: Sequence[int]

    @property
    def field(self) -> str:
        return self.view.field

    def __call__(self, index: int, seed: int) -> Tensor:
        return self.view(self.places[index], seed)


def blind_view(view: View, pictures: int) -> PartView:
    """The blind control: shows in each picture's place one from the other half of the dataset."""
    return PartView(view, [(index + pictures // 2) % pictures for index in range(pictures)])


def caption_all(
    model: Captioner,
    records: Sequence[Record],
    view: View,
    decoding: Decoding,
    *,
    prefix: Prefix = (),
    batch_size: int = BATCH,
    workers: int = 0,
    choose: Choose | None = None,
) -> list[str]:
    """A caption for each record, in their order, told as the `prefix` says."""
    tell = prefix if callable(prefix) else lambda _: prefix
    vocab, device = model.vocab if prefix else None, next(model.parameters()).device
    groups: dict[int, list[int]] = {}  # a search needs beginnings of one length
    for place, record in enumerate(records):
        groups.setdefault(len(vocab.begin(tell(record))) if vocab else 0, []).append(place)
    found: dict[int, str] = {}
    for places in groups.values():
        shown, part = PartView(view, places), [records[place] for place in places]
        pairs = CaptionPairs(part, vocab, shown, rows=lambda record: [Caption("", tell(record))])
        loader = Loader(pairs, batch_size=batch_size, shuffle=False, workers=workers)
        batches = (batch.to(device) for batch in loader.batches())
        texts = [text for batch in batches for text in model.caption(batch, decoding, choose)]
        found |= zip(places, texts, strict=True)
    return [found[place] for place in range(len(records))]


def select(
    models: Mapping[str, Captioner],
    names: Sequence[str],
    records: Sequence[Record],
    view: View,
    search: Decoding,
    penalties: Sequence[float],
) -> tuple[str, Decoding]:
    """The name and length penalty with which captions of these pictures have the best CIDEr-D."""
    rate = rating(records, None)
    pairs = [(name, replace(search, length_penalty=penalty)) for name in names for penalty in penalties]
    return max(pairs, key=lambda pair: rate(caption_all(models[pair[0]], records, view, pair[1]))["score"])


def by_captions(
    records: Sequence[Record],
    view: View,
    decoding: Decoding,
    world: World | None = None,
    *,
    prefix: Prefix = (),
) -> Validator:
    """Validate a captioner by the CIDEr-D of what it says of some pictures, its variety beside it."""
    rate = rating(records, world)
    return lambda model: rate(caption_all(model, records, view, decoding, prefix=prefix))


def rating(
    records: Sequence[Record], world: World | None, *, closely: bool = False
) -> Callable[[Sequence[str]], dict[str, Any]]:
    """How good captions of these pictures are, in order; `closely` tells how varied and finished too."""
    references = [[tokenize(text) for text in record.captions] for record in records]  # prepared once
    cider, closed = CiderD(references, end_token=False), ends_are_usual(references)
    attributes = [record.attributes for record in records]

    def rate(texts: Sequence[str]) -> dict[str, Any]:
        tokens = [tokenize(text) for text in texts]
        score, varied = float(cider.scores(tokens).mean()), diversity(tokens)
        result = {"score": score, "cider_d": score, "unique": varied["unique"]}
        if world and all(attributes):
            result["attribute_f1"] = attribute_f1(texts, attributes, world).f1
            if closely:
                result["unique_attributes"] = len({attribute_set(text, world) for text in texts}) / len(texts)
        if closely:
            broken = sum(ends_badly(words, closed) for words in tokens) / len(tokens)
            result |= varied | {"bad_endings": broken}
        return result

    return rate


def by_attributes(records: Sequence[Record], view: View, schema: Mapping[str, Sequence[str]]) -> Validator:
    """Validate an attribute reader by the micro F1 of the attributes it reads off some pictures."""
    truth = number_attributes(records, schema)  # [R, A], 0 where nothing is visible
    loader = Loader(CaptionPairs(records, None, view), batch_size=BATCH, shuffle=False)

    def validate(model: nn.Module) -> dict[str, Any]:
        device = next(model.parameters()).device
        shown = (model(batch.to(device)) for batch in loader.batches())
        read = torch.cat([torch.stack([each.argmax(1) for each in logits], 1).cpu() for logits in shown])
        right = ((read == truth) & (truth > 0)).sum(0)
        stated, visible = (read > 0).sum(0), (truth > 0).sum(0)
        each = 2 * right / (stated + visible).clamp(min=1)
        f1 = 2 * right.sum() / (stated.sum() + visible.sum())
        return {"score": float(f1)} | {name: float(v) for name, v in zip(schema, each, strict=True)}

    return validate


def by_retrieval(records: Sequence[Record], view: View) -> Validator:
    """Validate a model of retrieval by the mean of Recall@1, 5 and 10 among some pictures, in both ways."""
    texts, of_text, of_picture = relevance([record.captions for record in records])

    def validate(model: nn.Module) -> dict[str, Any]:
        likeness = embed_texts(model, texts) @ embed_pictures(model, records, view).T
        found = {"t2i": retrieve(likeness, of_text), "i2t": retrieve(likeness.T, of_picture)}
        each = {f"{way}_recall{k}": scores[f"recall{k}"] for way, scores in found.items() for k in AT}
        return {"score": sum(each.values()) / len(each)} | each

    return validate
