"""Batches. Batch k of epoch e depends on (seed, e, k) alone, so runs repeat, resume and can be shared.

pairs = Pairs(records, vocab, Pictures(records, preprocess, augment=True))
loader = Loader(pairs, batch_size=32, seed=0, workers=2)
for k, batch in enumerate(loader.batches(epoch, start=k0), start=k0): ...
"""

import hashlib
import random
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

from lib.data.images import ImageError, Preprocess, load_image, stack_pictures
from lib.data.record import STYLELESS, Caption, Record, plain_captions
from lib.data.text import MAX_TOKENS, Text

Per = Literal["caption", "picture"]
BUCKET = 50  # batches among which pairs are sorted by length


@dataclass(frozen=True)
class Batch:
    """What a model sees of several pairs at once. Either `images` or `memory` is there."""

    ids: tuple[str, ...]
    indices: torch.Tensor  # [B] places of the pictures in the records
    images: torch.Tensor | None = None  # [B, 3, H, W]
    memory: torch.Tensor | None = None  # [B, N, D] features of a frozen backbone
    mask: torch.Tensor | None = None  # [B, N] True where a cell is real; None where all are
    tokens: torch.Tensor | None = None  # [B, T] <start> ... <end>, padded; None where nothing is to be learnt
    lengths: torch.Tensor | None = None  # [B] tokens before the padding
    given: torch.Tensor | None = None  # [B] tokens that a caption begins with and that cost no loss

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def real(self) -> torch.Tensor:
        """Which tokens are no padding, [B, T]."""
        return torch.arange(self.tokens.shape[1], device=self.tokens.device) < self.lengths[:, None]

    @property
    def prefix(self) -> torch.Tensor | None:
        """What the captions begin with, [B, P]; None where nothing is known of captions."""
        if self.given is None:
            return None
        if (self.given != self.given[0]).any():
            found = sorted(set(self.given.tolist()))
            raise ValueError(f"prefixes of {found} tokens in one batch; expected one length")
        return self.tokens[:, : int(self.given[0])]

    def change(self, act: Callable[[torch.Tensor], torch.Tensor]) -> "Batch":
        """The same batch with `act` done to each tensor."""
        tensors = {name: v for name, v in vars(self).items() if isinstance(v, torch.Tensor)}
        return replace(self, **{name: act(tensor) for name, tensor in tensors.items()})

    def to(self, device: torch.device | str) -> "Batch":
        return self.change(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> "Batch":
        """Called by torch's DataLoader, so that copies to a GPU overlap with work."""
        return self.change(torch.Tensor.pin_memory)


class View(Protocol):
    """How a model is shown picture number `index`; a seed asks for a training variant."""

    field: Literal["images", "memory"]

    def __call__(self, index: int, seed: int) -> torch.Tensor: ...


@dataclass(frozen=True)
class PictureView:
    """Pictures loaded from their files, augmented for training if asked."""

    records: Sequence[Record]
    preprocess: Preprocess
    augment: bool = False
    field: Literal["images"] = "images"

    def __call__(self, index: int, seed: int) -> torch.Tensor:
        return self.preprocess(load_image(self.records[index].path), seed if self.augment else None)


@dataclass(frozen=True)
class CachedFeatures:
    """Features computed before, in one or several views of each picture; the first view is the plain one."""

    views: Sequence  # each [pictures, N, D], memory-mapped or not
    augment: bool = False
    field: Literal["memory"] = "memory"

    def __call__(self, index: int, seed: int) -> torch.Tensor:
        view = random.Random(seed).randrange(len(self.views)) if self.augment else 0
        seen = torch.from_numpy(np.array(self.views[view][index])).float()
        lacking = seen[:, 0].isnan()  # a clip may have fewer frames than others
        return seen[~lacking] if lacking.any() else seen


class CaptionPairs:
    """Every (picture, caption) pair of some records, captions as numbers; a picture without any has none.

    Without a vocabulary each picture stands once, for predicting. With `per="picture"` an epoch takes one
    caption of each picture, drawn anew each time.
    """

    def __init__(
        self,
        records: Sequence[Record],
        vocab: Text | None,
        view: View,
        *,
        per: Per = "caption",
        rows: Callable[[Record], Sequence[Caption]] = plain_captions,
        max_tokens: int = MAX_TOKENS,
        style_dropout: float = 0.0,  # share of the captions that begin with STYLELESS, drawn anew each epoch
    ):
        self.records, self.view, self.per = records, view, per
        self.pad = vocab.pad if vocab else None
        self.style_dropout = style_dropout
        self.styleless = np.array(vocab.begin(STYLELESS) if style_dropout else (), dtype=np.int32)
        self.counts = np.array([len(rows(record)) if vocab else 1 for record in records], dtype=np.int64)
        self.owner = np.repeat(np.arange(len(records)), self.counts)  # pair -> picture
        self.first = np.cumsum(self.counts) - self.counts  # picture -> its first pair
        if not len(self.owner):
            raise ValueError(f"no pairs to load: {len(records)} pictures and no caption")
        self.lengths = np.ones(len(self.owner), dtype=np.int64)
        self.given = np.ones(len(self.owner), dtype=np.int64)
        numbers = array("i")  # of all captions end to end: a list for each would need ten times the room
        for pair, caption in enumerate(c for record in records for c in rows(record)) if vocab else ():
            row = vocab.encode(caption.text, prefix=caption.prefix, max_tokens=max_tokens)
            row = row[:-1] if caption.open_end else row
            self.lengths[pair], self.given[pair] = len(row), len(vocab.begin(caption.prefix))
            numbers.extend(row)
        self.numbers = np.array(numbers, dtype=np.int32)
        self.starts = np.cumsum(self.lengths) - self.lengths

    def __len__(self) -> int:
        """Pairs in an epoch."""
        return int(np.count_nonzero(self.counts)) if self.per == "picture" else len(self.owner)

    def choose(self, chance: np.random.Generator) -> np.ndarray:
        """The pairs of one epoch, in the order of the records."""
        if self.per == "caption":
            return np.arange(len(self.owner))
        has = self.counts > 0
        return self.first[has] + chance.integers(0, self.counts[has])

    def batch(self, pairs: Sequence[int], seeds: Sequence[int]) -> Batch:
        """Load and collate; a seed for each pair decides its augmentation."""
        pictures = self.owner[pairs]
        seen, mask = stack([self.view(int(p), seed) for p, seed in zip(pictures, seeds, strict=True)])
        ids = tuple(self.records[picture].id for picture in pictures)
        batch = Batch(ids, torch.from_numpy(pictures), mask=mask, **{self.view.field: seen})
        if self.pad is None:
            return batch
        rows, given = zip(*map(self.tell, pairs, seeds), strict=True)
        lengths = torch.tensor([len(row) for row in rows])
        tokens = torch.full((len(ids), int(lengths.max())), self.pad)
        for place, row in enumerate(rows):
            tokens[place, : len(row)] = torch.from_numpy(row)
        return replace(batch, tokens=tokens, lengths=lengths, given=torch.tensor(given))

    def tell(self, pair: int, seed: int) -> tuple[np.ndarray, int]:
        """A caption as numbers, and how many of them are given."""
        given = int(self.given[pair])
        row = self.numbers[self.starts[pair] :][: self.lengths[pair]]
        if given == 1 or not self.style_dropout:
            return row, given
        if random.Random(mix_seeds(seed, 1)).random() < self.style_dropout:  # not what chooses the view
            return np.concatenate([self.styleless, row[given:]]), len(self.styleless)
        return row, given


def stack(seen: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor | None]:
    """What is seen of several pictures or clips, with a mask [B, N] where they differ in length."""
    if len({each.shape for each in seen}) == 1:
        return stack_pictures(seen), None
    lengths = torch.tensor([len(each) for each in seen])
    padded = pad_sequence(list(seen), batch_first=True)
    return padded, torch.arange(padded.shape[1]) < lengths[:, None]


class Loader:
    """Hands out batches of pairs; with several processes each gets its share of the same global batch."""

    def __init__(
        self,
        pairs: CaptionPairs,
        *,
        batch_size: int,  # on one process
        seed: int = 0,
        shuffle: bool = True,
        bucket: bool = False,  # captions of like length together: less padding
        workers: int = 0,
        rank: int = 0,
        world: int = 1,
        pin: bool = False,
    ):
        if batch_size < 1 or not 0 <= rank < world or workers < 0 or seed < 0:
            raise ValueError(f"impossible loader: {batch_size=}, {rank=}, {world=}, {workers=}, {seed=}")
        if bucket and not shuffle:
            raise ValueError("bucket=True reorders the pairs, so it needs shuffle=True")
        if len(pairs) < world:
            raise ValueError(f"{len(pairs)} pairs cannot be shared among {world} processes")
        self.pairs, self.seed, self.shuffle, self.bucket = pairs, seed, shuffle, bucket
        self.workers, self.rank, self.world, self.pin = workers, rank, world, pin
        # batches of nearly equal size (never a tiny last one), and at least one pair for each process
        self.count = max(1, min(-(-len(pairs) // (batch_size * world)), len(pairs) // world))

    def __len__(self) -> int:
        """Batches in an epoch, the same on each process."""
        return self.count

    def plan(self, epoch: int) -> list[np.ndarray]:
        """The pairs of each global batch of an epoch."""
        chance = np.random.default_rng([self.seed, epoch])
        order = self.pairs.choose(chance)
        if self.shuffle:
            order = chance.permutation(order)
        batches = np.array_split(order, self.count)
        if not self.bucket:
            return batches
        sorted_batches: list[np.ndarray] = []
        for place in range(0, self.count, BUCKET):
            window = batches[place : place + BUCKET]
            near = np.concatenate(window)
            near = near[np.argsort(self.pairs.lengths[near], kind="stable")]
            sorted_batches.extend(np.split(near, np.cumsum([len(batch) for batch in window])[:-1]))
        return [sorted_batches[place] for place in chance.permutation(self.count)]

    def batches(self, epoch: int = 0, start: int = 0) -> Iterator[Batch]:
        """This process's share of each batch from `start` on; (epoch, start) is all that a resume needs."""
        work, places = Epoch(self, epoch), range(start, self.count)
        items = map(work.__getitem__, places)
        if self.workers:
            items = DataLoader(
                work,
                batch_size=None,
                sampler=places,
                num_workers=self.workers,
                pin_memory=self.pin,
                generator=torch.Generator(),  # torch would draw from the global one: a resume would differ
            )
        for item in items:
            if isinstance(item, ImageError):
                raise item
            yield item


class Epoch:
    """What a worker process needs to make batch k of one epoch."""

    def __init__(self, loader: Loader, epoch: int):
        self.pairs, self.seed, self.epoch = loader.pairs, loader.seed, epoch
        self.shares = [batch[loader.rank :: loader.world] for batch in loader.plan(epoch)]

    def __getitem__(self, place: int) -> Batch | ImageError:
        """An unreadable picture is handed over: raised in a worker it would arrive as a page of traceback."""
        share = self.shares[place]
        try:
            return self.pairs.batch(share, [mix_seeds(self.seed, self.epoch, int(pair)) for pair in share])
        except ImageError as error:
            return error


def mix_seeds(*numbers: int) -> int:
    """One seed from several numbers, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(repr(numbers).encode(), digest_size=8).digest())
