"""What a policy needs to be taught by rewards: captions drawn, what they are worth, how likely they were."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from lib.data.record import Record
from lib.data.text import Text, tokenize
from lib.models.decoding import Decoding
from lib.models.generate import Generated, as_prefix
from lib.score.attributes import World
from lib.score.reward import Reward

Baseline = Literal["greedy", "leave_one_out", "none"]
BROKEN_OFF = "<cut>"  # no reference has it
NEVER = -1e4  # a logit that leaves no probability, yet is a number: 0 * NEVER is 0


class Scores(Protocol):
    """What rewards captions, given as words, of the pictures at these places; a `Reward` of the records."""

    def scores(self, candidates: Sequence[Sequence[str]], indices: Sequence[int]) -> np.ndarray: ...


def reward_of(records: Sequence[Record], weights: dict[str, float], world: World | None = None) -> Reward:
    """The reward of captions of these pictures; document frequencies are theirs, the end token counts."""
    references = [[tokenize(text) for text in record.captions] for record in records]
    attributes = [record.attributes for record in records]
    return Reward(references, weights, attributes=attributes, world=world)


def rewards_of(reward: Scores, found: Generated, vocab: Text, pictures: Tensor) -> Tensor:
    """[B, K] what each caption earns; `pictures` [B] are the places of their pictures in the reward."""
    images, per_image, _ = found.tokens.shape
    texts = [caption_words(row, vocab) for row in found.tokens.flatten(0, 1).tolist()]
    earned = reward.scores(texts, pictures.repeat_interleave(per_image).tolist())
    return torch.as_tensor(np.asarray(earned, dtype=np.float64)).view(images, per_image)


def caption_words(numbers: Sequence[int], vocab: Text) -> list[str]:
    """The words of a caption. One that had to break off ends with a word that no reference has: CIDEr-D puts
    an end behind every caption, and would count one that never came."""
    words = vocab.tokens(numbers)
    return words if vocab.end in numbers else [*words, BROKEN_OFF]


class Drawn(NamedTuple):
    """K captions of each of B images, what they earn and what earning the model is used to."""

    found: Generated
    earned: Tensor  # [B, K]
    usual: Tensor  # [B, K] the baseline


def draw_rewarded(
    model: nn.Module, memory: Tensor, batch: Any, sampling: Decoding, reward: Scores, baseline: Baseline
) -> Drawn:
    """Captions of a batch, its pictures known by their places in the reward. A search has no gradient."""
    shown = {"mask": batch.mask, "start": batch.prefix}
    found = model.search(memory, sampling, **shown)
    earned = rewards_of(reward, found, model.vocab, batch.indices)
    if baseline == "leave_one_out":
        usual = leave_one_out(earned)
    elif baseline == "greedy":
        greedy = model.search(memory, replace(sampling, method="greedy"), **shown)
        usual = rewards_of(reward, greedy, model.vocab, batch.indices)
    else:
        usual = torch.zeros(1, 1)
    return Drawn(found, earned, usual.expand_as(earned))


def leave_one_out(earned: Tensor) -> Tensor:
    """[B, K] -> [B, K] for each caption the mean reward of the others of its image."""
    return (earned.sum(1, keepdim=True) - earned) / (earned.shape[1] - 1)


class Scored(NamedTuple):
    """Captions as the model sees them now, with gradients. R = B * K, an image's captions side by side."""

    said: Tensor  # [R, T] log-probability of each word, 0 behind the end
    logprobs: Tensor  # [R, T, V] of every word that might have come
    real: Tensor  # [R, T] up to the end, and the end itself


def score(model: nn.Module, memory: Tensor, batch: Any, found: Generated, temperature: float = 1.0) -> Scored:
    """The captions once more, teacher-forced, so that gradients flow: each word as the search drew it,
    among those that may come and at its temperature."""
    tokens, lengths = found.tokens.flatten(0, 1), found.lengths.flatten()
    start = as_prefix(model.vocab.start if batch.prefix is None else batch.prefix, memory)
    start = start.repeat_interleave(found.tokens.shape[1], 0)
    rows = torch.cat([start, tokens[:, :-1]], 1)
    logits = model.decoder(memory, rows, batch.mask, attention=False).logits[:, start.shape[1] - 1 :].float()
    banned = torch.tensor(model.banned, device=logits.device)
    logprobs = logits.index_fill(2, banned, NEVER).div(temperature).log_softmax(2)
    real = torch.arange(tokens.shape[1], device=tokens.device) < lengths[:, None]
    said = logprobs.gather(2, tokens[..., None])[..., 0].masked_fill(~real, 0)
    return Scored(said, logprobs, real)


def entropy(scored: Scored) -> Tensor:
    """[R] how open the choice of each word was, in nats, summed over the caption."""
    open_ = -(scored.logprobs.exp() * scored.logprobs).sum(2)
    return (open_ * scored.real).sum(1)


def divergence(scored: Scored, start: Scored) -> Tensor:
    """[R] Kullback-Leibler divergence from the start model, word by word, summed over the caption."""
    apart = (scored.logprobs.exp() * (scored.logprobs - start.logprobs)).sum(2)
    return (apart * scored.real).sum(1)


@torch.no_grad()
def step_report(drawn: Drawn, scored: Scored) -> dict[str, Tensor]:
    """What a run writes down of a step, each a mean: rewards of captions, entropy of a word, words."""
    words = scored.real.sum()
    return {
        "reward": drawn.earned.mean(),
        "baseline": drawn.usual.mean(),
        "entropy": entropy(scored).sum() / words,
        "words": words / len(scored.real),
    }
