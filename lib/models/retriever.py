"""Retrievers: whichever model finds pictures by sentences, opened and asked in one way."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from lib import checkpoint
from lib.data.images import load_image, stack_pictures
from lib.data.loader import Batch, CaptionPairs, Loader, View
from lib.data.record import Record
from lib.data.subwords import open_sentencepiece
from lib.models.beit3 import SIZES, Beit3, fill_beit3, read_sizes
from lib.models.clip import Clip
from lib.models.errors import ModelError
from lib.models.features import hash_weights
from lib.models.generate import eval_mode
from lib.models.two_towers import TwoTowers
from lib.paths import resolve, shorten
from lib.score.clip_score import PROMPT, clip_scores

BATCH = 64  # sentences or pictures at once
# kind in meta.json -> whose checkpoint it is
KINDS = {model.kind: model for model in (TwoTowers, Clip, Beit3)}


@dataclass(frozen=True, eq=False)
class Retriever:
    """A model of retrieval for use: texts and files in, arrays [N, E] of length one out."""

    model: nn.Module

    @cached_property
    def fingerprint(self) -> str:
        """What an index is bound to: other weights see other places."""
        return hash_weights(self.model)[:16]

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        return embed_texts(self.model, texts)

    def embed_images(self, paths: Sequence[Path]) -> np.ndarray:
        parts = [paths[start : start + BATCH] for start in range(0, len(paths), BATCH)]
        with torch.no_grad(), eval_mode(self.model):
            return np.concatenate([self.model.see(self.open(part)).cpu().numpy() for part in parts])

    def clip_scores(
        self, texts: Sequence[str], paths: Sequence[Path], references: Sequence[Sequence[str]]
    ) -> dict[str, np.ndarray]:
        """CLIPScore and RefCLIPScore of each caption, as this model sees them."""
        prompt = PROMPT if isinstance(self.model, Clip) else ""
        said = [prompt + text for text in texts]
        own = self.embed_texts([prompt + text for group in references for text in group])
        groups = np.split(own, np.cumsum([len(group) for group in references])[:-1])
        return clip_scores(self.embed_texts(said), self.embed_images(paths), groups)

    def open(self, paths: Sequence[Path]) -> Tensor:
        pictures = [self.model.preprocess(load_image(path)) for path in paths]
        return stack_pictures(pictures).to(self.model.logit_scale.device)


@torch.no_grad()
def embed_texts(model: nn.Module, texts: Sequence[str]) -> np.ndarray:
    """A point for each text [N, E]; those of like length are read together, which changes none of them."""
    if empty := [place for place, text in enumerate(texts) if not text.strip()]:
        raise ModelError(f"text {empty[0] + 1} of {len(texts)} is empty: it says nothing to look for")
    rows = [torch.tensor(model.text.encode(text)) for text in texts]
    order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
    found, device = {}, model.logit_scale.device
    with eval_mode(model):
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            lengths = torch.tensor([[len(rows[place])] for place in places])
            tokens = pad_sequence([rows[p] for p in places], batch_first=True, padding_value=model.text.pad)
            real = torch.arange(tokens.shape[1]) < lengths
            found |= zip(places, model.read(tokens.to(device), real.to(device)).cpu().numpy(), strict=True)
    return np.stack([found[place] for place in range(len(rows))])


@torch.no_grad()
def embed_pictures(model: nn.Module, records: Sequence[Record], view: View) -> np.ndarray:
    """A point for each record's picture as a view shows it, [R, E]."""
    loader = Loader(CaptionPairs(records, None, view), batch_size=BATCH, shuffle=False)
    device, found = model.logit_scale.device, []
    with eval_mode(model):
        for batch in loader.batches():
            batch = batch.to(device)
            seen = model.see(batch.images) if batch.memory is None else model.look(batch.memory, batch.mask)
            found.append(seen.cpu().numpy())
    return np.concatenate(found)


@torch.no_grad()
def match_pairs(
    model: nn.Module, texts: Sequence[str], view: View, pairs: Sequence[tuple[int, int]]
) -> np.ndarray:
    """What the matcher says of each pair of a text and a picture, by their places: the logit of a yes."""
    rows, found = [torch.tensor(model.text.encode(text)) for text in texts], []
    with eval_mode(model):
        for start in range(0, len(pairs), BATCH):
            some = pairs[start : start + BATCH]
            told = [rows[text] for text, _ in some]
            tokens = pad_sequence(told, batch_first=True, padding_value=model.text.pad)
            seen = torch.stack([view(picture, 0) for _, picture in some])
            shown = {"tokens": tokens, "lengths": torch.tensor([len(row) for row in told]), view.field: seen}
            batch = Batch(("",) * len(some), torch.tensor([picture for _, picture in some]), **shown)
            found.append(model.match(batch.to(model.logit_scale.device)).cpu().numpy())
    return np.concatenate(found)


def rerank(
    model: nn.Module,
    likeness: np.ndarray,
    texts: Sequence[str],
    view: View,
    *,
    k: int = 10,
    back: bool = False,
) -> np.ndarray:
    """`likeness` [texts, pictures] with the first `k` pictures of each text (with `back`, texts of each
    picture) in the order that towers and matcher give together; all others stand behind them as they were."""
    table = likeness.T if back else likeness
    first = np.argsort(-table, axis=1, kind="stable")[:, :k]
    pairs = [(row, place) for row, places in enumerate(first.tolist()) for place in places]
    said = match_pairs(model, texts, view, [pair[::-1] for pair in pairs] if back else pairs)
    both = np.take_along_axis(table, first, 1) * model.logit_scale.exp().item() + said.reshape(first.shape)
    ordered = table.astype(float)
    np.put_along_axis(ordered, first, both - both.min() + table.max() + 1, 1)
    return ordered.T if back else ordered


def open_retriever(path: str | Path) -> Retriever:
    """The retriever of a checkpoint (its name, variant or folder) or of a published CLIP, on the CPU."""
    place = checkpoint.locate(resolve(path))
    if not (place / "meta.json").exists() and (place / "config.json").exists():
        return Retriever(Clip.published(str(path)).eval())
    kind = checkpoint.read_meta(place).get("model", {}).get("kind")
    if kind not in KINDS:
        raise ModelError(f"{shorten(place)}: a {kind} is no model of retrieval; known: {', '.join(KINDS)}")
    return Retriever(KINDS[kind].load(place))


def open_named(name: str, checkpoint: str | None = None, spm: str | None = None) -> Retriever:
    """BEiT-3 by its size (or a JSON file of its sizes), weights and words; all others by where they lie."""
    if name not in SIZES and not name.endswith(".json"):
        if checkpoint or spm:
            raise ModelError(f"{name} brings its weights and words; only BEiT-3 takes others")
        return open_retriever(name)
    if not (checkpoint and spm):
        raise ModelError(f"{name} needs a checkpoint (its weights) and a .spm file (its words)")
    model = Beit3(read_sizes(name), open_sentencepiece(spm)).eval()
    fill_beit3(model, checkpoint)
    return Retriever(model)
