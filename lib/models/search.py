"""What happens between two steps of a decoder: which words come next, on tensors, for all images at once.

Both searches take logits [B * K, V] for the K hypotheses of B images side by side (one each at first), say
from which rows the hypotheses go on, and set finished texts aside.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from lib.models.decoding import Decoding
from lib.models.state import hypothesis_rows

GONE = -math.inf


class Finished:
    """Finished texts of all images, K places each, the best first."""

    def __init__(self, images: int, places: int, length: int, device: torch.device):
        self.tokens = torch.zeros(images, places, length, dtype=torch.long, device=device)
        self.lengths = torch.zeros(images, places, dtype=torch.long, device=device)
        self.scores = torch.full((images, places), GONE, device=device)

    def add(self, images: Tensor, tokens: Tensor, lengths: Tensor, scores: Tensor) -> None:
        """Texts [b, k, t] that compete with those of the same images for the places."""
        tokens = F.pad(tokens, (0, self.tokens.shape[-1] - tokens.shape[-1]))
        scores, best = torch.cat([self.scores[images], scores], 1).topk(self.scores.shape[1], 1)
        self.scores[images] = scores
        self.lengths[images] = torch.cat([self.lengths[images], lengths], 1).gather(1, best)
        both = torch.cat([self.tokens[images], tokens], 1)
        self.tokens[images] = both.gather(1, best[..., None].expand(-1, -1, both.shape[-1]))


class Hypotheses:
    """The hypotheses in play: their words so far, and the images they belong to."""

    def __init__(self, decoding: Decoding, prefix: Tensor, banned: Sequence[int]):
        self.decoding = decoding
        self.banned = torch.tensor(list(banned), dtype=torch.long, device=prefix.device)
        self.last = prefix[:, -1]  # [R]
        self.written = prefix[:, :0]  # [R, t]
        self.images = torch.arange(len(prefix), device=prefix.device)  # [B], of the whole batch

    @property
    def length(self) -> int:
        return self.written.shape[1]

    def score_words(self, logits: Tensor) -> Tensor:
        """The model's own log-probabilities [R, V]; words that must not come have none."""
        logprobs = logits.log_softmax(-1, dtype=torch.float32).index_fill_(1, self.banned, GONE)
        size = self.decoding.no_repeat_ngram
        return forbid_repeats(logprobs, self.written, size) if size and self.length >= size else logprobs

    def append(self, words: Tensor, rows: Tensor | None) -> None:
        """One word more, for hypotheses that go on from these rows."""
        written = self.written if rows is None else self.written.index_select(0, rows)
        self.written, self.last = torch.cat([written, words[:, None]], 1), words

    def keep(self, images: Tensor) -> Tensor:
        """Go on with these images only; their rows come back."""
        rows = hypothesis_rows(images, len(self.last) // len(self.images))
        self.written, self.last, self.images = self.written[rows], self.last[rows], self.images[images]
        return rows


class Sampling:
    """Greedy and sampling: each text goes its own way."""

    def __init__(self, hypotheses: Hypotheses, *, end: int, generator: torch.Generator | None):
        self.hypotheses, self.end, self.chances = hypotheses, end, None
        self.decoding = decoding = hypotheses.decoding
        images, device = len(hypotheses.images), hypotheses.last.device
        self.per_image = decoding.samples if decoding.method == "sample" else 1
        rows = images * self.per_image
        if decoding.method == "sample":
            # one number a word, drawn ahead: what an image says does not depend on when others finish
            where = device if generator is None else generator.device
            shape = rows, decoding.max_length
            chances = torch.rand(shape, generator=generator, dtype=torch.float64, device=where)
            self.chances = chances.to(device)
        self.over = torch.zeros(rows, dtype=torch.bool, device=device)
        self.spoken = torch.zeros(rows, 0, device=device)  # [R, t] log-probabilities of the words
        self.finished = Finished(images, self.per_image, decoding.max_length, device)
        self.logprobs = torch.zeros(self.finished.tokens.shape, device=device)

    def advance(self, logits: Tensor) -> Tensor | None:
        """Take the next word of each text; before the first one the images' rows are multiplied."""
        hypotheses, rows = self.hypotheses, None
        if hypotheses.length == 0 and self.per_image > 1:
            rows = torch.arange(len(logits), device=logits.device).repeat_interleave(self.per_image)
            logits = logits.index_select(0, rows)
        logprobs = hypotheses.score_words(logits)
        words = logprobs.argmax(-1) if self.chances is None else self.draw(logprobs)
        said = logprobs.gather(1, words[:, None])
        self.spoken = torch.cat([self.spoken, said.masked_fill(self.over[:, None], 0)], 1)
        hypotheses.append(words.masked_fill(self.over, 0), rows)
        self.over = self.over | (words == self.end)
        return rows

    def draw(self, logprobs: Tensor) -> Tensor:
        """Where a random number falls in the running sum of probabilities: one number a text."""
        probabilities = narrow(logprobs / self.decoding.temperature, self.decoding.top_k, self.decoding.top_p)
        edges = probabilities.double().cumsum(-1)
        goal = self.chances[:, self.hypotheses.length, None] * edges[:, -1:]
        return torch.searchsorted(edges, goal, right=True)[:, 0]

    def unfinished(self) -> Tensor:
        """Places of the images that still have something to say."""
        return (~self.over.view(-1, self.per_image).all(1)).nonzero()[:, 0]

    def keep(self, images: Tensor) -> None:
        leaving = torch.ones_like(self.hypotheses.images, dtype=torch.bool).index_fill_(0, images, False)
        self.put(leaving.nonzero()[:, 0])
        rows = self.hypotheses.keep(images)
        self.spoken, self.over = self.spoken[rows], self.over[rows]
        self.chances = None if self.chances is None else self.chances[rows]

    def close(self) -> None:
        self.put(torch.arange(len(self.hypotheses.images), device=self.over.device))

    def put(self, images: Tensor) -> None:
        """The texts of these images are done, be it that they may not be longer."""
        rows = hypothesis_rows(images, self.per_image)
        words, spoken = (
            x[rows].unflatten(0, (-1, self.per_image)) for x in (self.hypotheses.written, self.spoken)
        )
        ends = (words == self.end).long()
        lengths = (ends.cumsum(-1) == ends).sum(-1)  # up to the first <end>
        scores = spoken.sum(-1) / lengths**self.decoding.length_penalty
        places = self.hypotheses.images[images]
        self.finished.lengths[places], self.finished.scores[places] = lengths, scores
        self.finished.tokens[places, :, : words.shape[-1]] = words
        self.logprobs[places, :, : words.shape[-1]] = spoken

    def results(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        length = int(self.finished.lengths.max())
        finished = self.finished
        return finished.tokens[..., :length], finished.lengths, finished.scores, self.logprobs[..., :length]


class BeamSearch:
    """Beam search. An image is done when `beam` texts have ended and no other, as it is, scores better."""

    def __init__(self, hypotheses: Hypotheses, *, end: int):
        self.hypotheses, self.end = hypotheses, end
        self.decoding, self.width = hypotheses.decoding, hypotheses.decoding.beam
        images, device = len(hypotheses.images), hypotheses.last.device
        self.totals = torch.zeros(images, 1, device=device)  # [B, K] sums of log-probabilities
        self.done = torch.zeros(images, dtype=torch.bool, device=device)
        self.finished = Finished(images, self.width, self.decoding.max_length, device)
        self.ended = False  # whether any text has: before that there is nothing to compare

    def advance(self, logits: Tensor) -> Tensor:
        """Of an image's best 2 * beam continuations, those among the first `beam` that end are finished;
        the first `beam` that do not end go on."""
        totals, words, rows = self.propose(self.hypotheses.score_words(logits))
        ending = words == self.end
        if ending.any():
            self.finish(totals, rows, ending & ~self.done[:, None])
            totals, chosen = totals.masked_fill(ending, GONE).topk(self.width, 1)
            words, rows = words.gather(1, chosen), rows.gather(1, chosen)
        self.totals, words, rows = (x[:, : self.width] for x in (totals, words, rows))
        rows = rows.flatten()
        self.hypotheses.append(words.flatten(), rows)
        if self.ended:
            worst = self.finished.scores[self.hypotheses.images, -1]
            self.done = self.done | (self.normalise(self.totals[:, 0]) <= worst)
        return rows

    def propose(self, logprobs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Sums, words and rows of the best continuations, each [B, 2 * beam]; `logprobs` is used up."""
        (images, now), vocabulary = self.totals.shape, logprobs.shape[1]
        every = logprobs.view(images, now, vocabulary).add_(self.totals[..., None]).flatten(1)
        totals, places = every.topk(min(2 * self.width, every.shape[1]), 1)
        if totals.shape[1] < 2 * self.width:  # a tiny vocabulary has fewer continuations
            missing = (0, 2 * self.width - totals.shape[1])
            totals, places = F.pad(totals, missing, value=GONE), F.pad(places, missing)
        first = torch.arange(0, images * now, now, device=logprobs.device)[:, None]
        return totals, places % vocabulary, first + places // vocabulary

    def finish(self, totals: Tensor, rows: Tensor, ending: Tensor) -> None:
        """Texts that end now, of images that are not done."""
        self.ended = True
        images = ending[:, : self.width].any(1).nonzero()[:, 0]
        ending, rows, totals = (x[images, : self.width] for x in (ending, rows, totals))
        ends = torch.full((*rows.shape, 1), self.end, device=rows.device)
        tokens = torch.cat([self.hypotheses.written[rows], ends], -1)
        lengths = torch.full_like(rows, tokens.shape[-1])
        scores = self.normalise(totals, 1).masked_fill(~ending, GONE)
        self.finished.add(self.hypotheses.images[images], tokens, lengths, scores)

    def normalise(self, totals: Tensor, more: int = 0) -> Tensor:
        return totals / (self.hypotheses.length + more) ** self.decoding.length_penalty

    def unfinished(self) -> Tensor:
        """Places of the images that go on; before any text has ended, all of them, none having left."""
        return (~self.done).nonzero()[:, 0] if self.ended else self.hypotheses.images

    def keep(self, images: Tensor) -> None:
        self.hypotheses.keep(images)
        self.totals, self.done = self.totals[images], self.done[images]

    def close(self) -> None:
        """Texts that may not be longer compete as they are."""
        images = self.unfinished()
        if len(images):
            written = self.hypotheses.written.unflatten(0, (-1, self.width))[images]
            lengths = torch.full(written.shape[:2], self.hypotheses.length, device=written.device)
            scores = self.normalise(self.totals[images])
            self.finished.add(self.hypotheses.images[images], written, lengths, scores)

    def results(self) -> tuple[Tensor, Tensor, Tensor, None]:
        n, finished = self.decoding.n_best, self.finished
        length = max(1, int(finished.lengths[:, :n].max()))
        return finished.tokens[:, :n, :length], finished.lengths[:, :n], finished.scores[:, :n], None


def narrow(logits: Tensor, top_k: int, top_p: float) -> Tensor:
    """Probabilities among the `top_k` likeliest words, and of those the fewest that hold `top_p`."""
    if 0 < top_k < logits.shape[1]:
        least = logits.topk(top_k, 1).values[:, -1:]
        logits = logits.masked_fill(logits < least, GONE)
    probabilities = logits.softmax(-1)
    if top_p < 1:
        ordered, words = probabilities.sort(1, descending=True)
        before = ordered.cumsum(1) - ordered
        ordered = ordered.masked_fill(before >= top_p, 0)
        probabilities = torch.zeros_like(ordered).scatter_(1, words, ordered)
    return probabilities


def forbid_repeats(logprobs: Tensor, written: Tensor, size: int) -> Tensor:
    """Take away the words that would end a sequence of `size` words that a text already has."""
    if size == 1:
        return logprobs.scatter(1, written, GONE)
    starts = written.unfold(1, size - 1, 1)  # [R, windows, size - 1]; the last one is how the text ends now
    same = (starts[:, :-1] == starts[:, -1:]).all(-1)
    rows, places = same.nonzero(as_tuple=True)
    return logprobs.index_put((rows, written[rows, places + size - 1]), logprobs.new_tensor(GONE))
