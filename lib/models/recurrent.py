"""Recurrent decoders: a GRU told of one vector, and a GRU that looks at cells by additive attention."""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from lib.models.attention import AdditiveAttention, MemoryProjection, mean_cell
from lib.models.state import Decoded, State


class Cell(nn.Module):
    """A GRU cell whose input has two parts: a word, known ahead in training, and a context, which is not."""

    def __init__(self, word: int, context: int, hidden: int):
        super().__init__()
        self.word_gates = nn.Linear(word, 3 * hidden)
        self.context_gates = nn.Linear(context, 3 * hidden, bias=False)
        self.hidden_gates = nn.Linear(hidden, 3 * hidden)

    def forward(self, gates: Tensor, hidden: Tensor) -> Tensor:
        """`gates` is the sum of word_gates and context_gates [R, 3 * hidden]; the new hidden state."""
        reset, update, fresh = gates.chunk(3, -1)
        old_reset, old_update, old_fresh = self.hidden_gates(hidden).chunk(3, -1)
        reset = torch.sigmoid(reset + old_reset)
        update = torch.sigmoid(update + old_update)
        fresh = torch.tanh(fresh + reset * old_fresh)
        return fresh + update * (hidden - fresh)


class Words(nn.Module):
    """Words in and words out: the embedding, and the scores over the vocabulary."""

    def __init__(self, vocab_size: int, word: int, hidden: int, dropout: float):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, word)
        self.out = nn.Linear(hidden, vocab_size)
        self.dropout = nn.Dropout(dropout)
        nn.init.normal_(self.embedding.weight, std=1 / math.sqrt(word))

    def embed(self, tokens: Tensor) -> Tensor:
        return self.dropout(self.embedding(tokens))

    def forward(self, hidden: Tensor) -> Tensor:
        return self.out(self.dropout(hidden))


class Recurrent(nn.Module):
    """Takes one word after the other: `advance` says where it looked [R, N], and the next state."""

    max_length = None

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        _, state = self.advance(self.cell.word_gates(self.words.embed(tokens)), state)
        return self.words(state.hypothesis[0]), state

    def forward(
        self, memory: Tensor, tokens: Tensor, mask: Tensor | None = None, *, attention: bool = True
    ) -> Decoded:
        state = repeat_rows(self.start(memory, mask), len(tokens))
        looks, hidden = [], []
        # unbound at once: the way back from T slices would fill T tensors as large as all of them
        for gates in self.cell.word_gates(self.words.embed(tokens)).unbind(1):
            look, state = self.advance(gates, state)
            looks.append(look)
            hidden.append(state.hypothesis[0])
        shown = None if looks[0] is None else torch.stack(looks, 1)
        return Decoded(self.words(torch.stack(hidden, 1)), shown)


@dataclass(frozen=True, kw_only=True)
class GRUSettings:
    """The DeepFashion course project's CNN + GRU."""

    vocab_size: int
    memory_width: int
    word: int = 512
    hidden: int = 512
    dropout: float = 0.3


class GRUDecoder(Recurrent):
    """Sees one vector, the mean of the memory: as its first hidden state, and again beside each word."""

    kind = "gru"

    def __init__(self, settings: GRUSettings):
        super().__init__()
        self.settings = settings
        self.reader = MemoryProjection(settings.memory_width, settings.hidden, dropout=settings.dropout)
        self.first = nn.Linear(settings.hidden, settings.hidden)
        self.words = Words(settings.vocab_size, settings.word, settings.hidden, settings.dropout)
        self.cell = Cell(settings.word, settings.hidden, settings.hidden)

    def start(self, memory: Tensor, mask: Tensor | None = None) -> State:
        seen = self.reader(mean_cell(memory, mask)[:, None])[:, 0]
        hidden = torch.tanh(self.first(seen))
        return State(image=(self.cell.context_gates(seen),), hypothesis=(hidden,))

    def advance(self, word_gates: Tensor, state: State) -> tuple[None, State]:
        """There is one thing to look at, so there is no attention to show."""
        gates = word_gates.unflatten(0, (state.images, -1)) + state.image[0][:, None]
        hidden = self.cell(gates.flatten(0, 1), state.hypothesis[0])
        return None, replace(state, hypothesis=(hidden,), step=state.step + 1)


@dataclass(frozen=True, kw_only=True)
class AttentionGRUSettings:
    """The course project's attention model: 512 everywhere, cells as the backbone gives them where None."""

    vocab_size: int
    memory_width: int
    word: int = 512
    hidden: int = 512
    attention: int = 512
    cells: int | None = 512  # width the memory is brought to
    positions: int = 0  # cells with a learned mark of their place
    layers: int = 1  # rounds in which cells attend to each other
    heads: int = 1
    dropout: float = 0.3


class AttentionGRUDecoder(Recurrent):
    """Looks at self-attended cells before each word. `Decoded.attention` feeds the doubly stochastic term."""

    kind = "attention_gru"

    def __init__(self, settings: AttentionGRUSettings):
        super().__init__()
        self.settings = settings
        inside = {"positions": settings.positions, "layers": settings.layers, "heads": settings.heads}
        inside |= {"dropout": settings.dropout}
        self.reader = MemoryProjection(settings.memory_width, settings.cells, **inside)
        self.first = nn.Linear(self.reader.width, settings.hidden)
        self.words = Words(settings.vocab_size, settings.word, settings.hidden, settings.dropout)
        self.attention = AdditiveAttention(self.reader.width, settings.hidden, settings.attention)
        self.cell = Cell(settings.word, self.reader.width, settings.hidden)

    def start(self, memory: Tensor, mask: Tensor | None = None) -> State:
        cells = self.reader(memory, mask)
        hidden = torch.tanh(self.first(mean_cell(cells, mask)))
        return State(image=(cells, self.attention.keys(cells), mask), hypothesis=(hidden,))

    def advance(self, word_gates: Tensor, state: State) -> tuple[Tensor, State]:
        """Look, then take one word in."""
        cells, keys, mask = state.image
        hidden = state.hypothesis[0]
        weights = self.attention(hidden.unflatten(0, (state.images, -1)), keys, mask)  # [B, K, N]
        context = (weights.to(cells.dtype) @ cells).flatten(0, 1)  # [R, width]
        hidden = self.cell(word_gates + self.cell.context_gates(context), hidden)
        return weights.flatten(0, 1), replace(state, hypothesis=(hidden,), step=state.step + 1)


def repeat_rows(state: State, rows: int) -> State:
    """The first state of several texts an image, in the order of the images."""
    per_image = rows // state.images
    images = torch.arange(state.images, device=state.hypothesis[0].device)
    return state if per_image == 1 else state.reorder(images.repeat_interleave(per_image))
