"""`generate`: the only search. Greedy, sampling and beam, for all images and hypotheses at once.

A search proposes the next words, the decoder answers with logits, the search moves on. Whatever the method,
an image's result does not depend on the images beside it; a finished image leaves the batch when that pays.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lib.models.decoding import PRECISIONS, Decoding
from lib.models.errors import ModelError
from lib.models.search import BeamSearch, Hypotheses, Sampling
from lib.models.state import State

LEAVE = 0.25  # share of finished images at which the batch is made smaller


class Generated(NamedTuple):
    """Texts of B images, K each, the best first."""

    tokens: Tensor  # [B, K, T] without what they started from, <end> included, padded with 0
    lengths: Tensor  # [B, K] words, <end> included
    scores: Tensor  # [B, K] sum of log-probabilities / length ** length_penalty
    logprobs: Tensor | None  # [B, K, T] the model's own log-probability of each word; None for beam
    attention: Tensor | None  # [B, K, T, N] where it looked for each word


def generate(
    decoder: nn.Module,
    memory: Tensor,
    decoding: Decoding,
    *,
    start: int | Tensor,
    end: int,
    without: int | Tensor | None = None,
    mask: Tensor | None = None,
    banned: Sequence[int] = (0,),
    generator: torch.Generator | None = None,
    attention: bool = False,
) -> Generated:
    """Caption the images whose `memory` [B, N, D] this is (`mask` True where a cell is real).

    `start` is the first word, or a prefix of words for each image [B, P]; `without` is the same without its
    style, which `decoding.guidance` other than 1 leads away from (above 1) or back to. `banned` words never
    come; the others keep the log-probabilities that the model gives them. Sampling takes its random numbers
    from `generator` or torch's own, all at once.
    """
    prefixes = [as_prefix(start, memory)]
    if decoding.guidance != 1:
        if without is None:
            raise ModelError(f"decoding.guidance is {decoding.guidance}; it needs the start without a style")
        prefixes.append(as_prefix(without, memory))
    longest = max(prefix.shape[1] for prefix in prefixes)
    if decoder.max_length is not None and longest + decoding.max_length - 1 > decoder.max_length:
        raise ModelError(
            f"decoding.max_length is {decoding.max_length}; this decoder knows {decoder.max_length} words"
        )
    with torch.inference_mode(), eval_mode(decoder), autocast(memory.device, decoding.precision):
        states = [read_prefix(decoder, memory, prefix, mask) for prefix in prefixes]
        hypotheses = Hypotheses(decoding, prefixes[0], banned)
        if decoding.method == "beam":
            search = BeamSearch(hypotheses, end=end)
        else:
            search = Sampling(hypotheses, end=end, generator=generator)
        search_to_end(decoder, prefixes, states, search)
        found = search.results()
        looked = look(decoder, memory, prefixes[0], found[0], mask) if attention else None
    torch.clear_autocast_cache()  # weights cast in here are not for a training step around it
    # copies, since what inference mode makes cannot take part in training
    return Generated(*(None if tensor is None else tensor.clone() for tensor in (*found, looked)))


def read_prefix(decoder: nn.Module, memory: Tensor, prefix: Tensor, mask: Tensor | None) -> State:
    """A decoder's state before the last word of a prefix, the one that a search begins with."""
    state = decoder.start(memory, mask)
    for tokens in prefix.unbind(1)[:-1]:
        _, state = decoder.step(tokens, state)
    return state


def search_to_end(
    decoder: nn.Module, prefixes: list[Tensor], states: list[State], search: BeamSearch | Sampling
) -> None:
    """Step until all images are finished or the texts are as long as they may be.

    There is a state after each beginning of the texts: their own and, where they are guided, a plain one.
    """
    decoding, words = search.decoding, [prefix[:, -1] for prefix in prefixes]
    for step in range(1, decoding.max_length + 1):
        logits, states = zip(*map(decoder.step, words, states), strict=True)
        rows = search.advance(guide(*logits, weight=decoding.guidance))
        unfinished = search.unfinished()
        if step == decoding.max_length or len(unfinished) == 0:
            break
        if rows is not None:
            states = [state.reorder(rows) for state in states]
        if len(unfinished) <= (1 - LEAVE) * states[0].images:
            search.keep(unfinished)
            states = [state.keep(unfinished) for state in states]
        words = [search.hypotheses.last] * len(states)
    search.close()


def guide(styled: Tensor, plain: Tensor | None = None, *, weight: float) -> Tensor:
    """Logits in which what sets the styled beginning apart from the plain one counts `weight` times."""
    if plain is None:
        return styled
    styled, plain = (logits.log_softmax(-1, dtype=torch.float32) for logits in (styled, plain))
    return plain + weight * (styled - plain)


def as_prefix(start: int | Tensor, memory: Tensor) -> Tensor:
    """What each text begins with, [B, P]."""
    if isinstance(start, int):
        return torch.full((len(memory), 1), start, dtype=torch.long, device=memory.device)
    if start.ndim != 2 or len(start) != len(memory) or start.shape[1] < 1:
        raise ModelError(f"the prefix is {list(start.shape)}; expected [{len(memory)}, at least 1]")
    return start.to(memory.device)


def look(decoder: nn.Module, memory: Tensor, prefix: Tensor, tokens: Tensor, mask: Tensor | None) -> Tensor:
    """Attention of finished texts, by one pass over them: it equals what the search saw step by step."""
    images, per_image, _ = tokens.shape
    rows = torch.cat([prefix.repeat_interleave(per_image, 0), tokens.flatten(0, 1)[:, :-1]], 1)
    shown = decoder(memory, rows, mask, attention=True).attention
    if shown is None:
        raise ModelError(f"a {decoder.kind} decoder has no attention to show")
    return shown[:, prefix.shape[1] - 1 :].unflatten(0, (images, per_image))


@contextlib.contextmanager
def eval_mode(model: nn.Module) -> Iterator[None]:
    """Dropout off and batch norms still, and afterwards each part as it was."""
    awake = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in awake:
            module.training = True


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager:
    """Lower precision where asked for; the search itself counts in fp32."""
    if precision == "fp32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=PRECISIONS[precision])
