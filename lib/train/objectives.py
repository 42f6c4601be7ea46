"""What is minimised: closures `objective(model, batch) -> {"loss": sum over items, "count": items, ...}`.

`fit` divides the loss by the count over all batches and processes of an update, so a token weighs the same
wherever it falls. What else an objective returns is a mean worth a column in history.csv.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from lib.models.decoding import Decoding
from lib.train.reinforce import Baseline, RewardedSampler, Scores, divergence, entropy, score, step_report
from lib.train.run_identity import FitError

Objective = Callable[[nn.Module, Any], dict[str, Any]]
IGNORED = -100  # a target that counts nowhere


def cross_entropy(*, label_smoothing: float = 0.0, doubly_stochastic: float = 0.0) -> Objective:
    """Each next token of the caption, the end token counted. Items are tokens.

    `doubly_stochastic` weighs the term of Show, Attend and Tell by which a caption looks at every cell about
    once: the mean over cells of (1 - the attention it got from all words), squared.
    """

    def objective(model: nn.Module, batch: Any) -> dict[str, Any]:
        decoded = model(batch, attention=doubly_stochastic > 0)
        targets = next_tokens(batch)
        loss = sum_losses(decoded.logits, targets, label_smoothing)
        words = (targets != IGNORED).sum(dim=1)  # [B]
        result = {"loss": loss, "count": words.sum()}
        if doubly_stochastic > 0:
            missed = uneven_attention(decoded.attention.float(), targets != IGNORED, batch.mask)  # [B]
            result["loss"] = loss + doubly_stochastic * (missed * words).sum()
            result["uneven_attention"] = missed.mean()
        return result

    return objective


def sum_losses(logits: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Cross-entropy summed over all targets [B, T] that count."""
    how = {"ignore_index": IGNORED, "label_smoothing": label_smoothing, "reduction": "sum"}
    return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), **how)


def next_tokens(batch: Any) -> Tensor:
    """[B, T-1] the token to follow each of the captions': none after the end, and what is given is free."""
    places = torch.arange(1, batch.tokens.shape[1], device=batch.tokens.device)
    free = (places >= batch.lengths[:, None]) | (places < batch.given[:, None])
    return batch.tokens[:, 1:].masked_fill(free, IGNORED)


def uneven_attention(attention: Tensor, real: Tensor, mask: Tensor | None = None) -> Tensor:
    """[B, T, N] attention, [B, T] which words are real -> [B] how far its sums over words are from one, over
    the cells that are real (`mask` [B, N])."""
    sums = (attention * real[:, :, None]).sum(dim=1)  # [B, N]
    missed = (1 - sums).square()
    return missed.mean(dim=1) if mask is None else (missed * mask).sum(1) / mask.sum(1)


def attribute_loss(targets: Tensor) -> Objective:
    """Every attribute of a picture classified at once. Items are pairs of picture and attribute.

    `targets` [pictures, A] are all records' attributes as numbers; `batch.indices` say which are seen. The
    model gives the logits of each attribute, [B, its values].
    """

    def objective(model: nn.Module, batch: Any) -> dict[str, Any]:
        wanted = targets.to(batch.indices.device)[batch.indices]  # [B, A]
        # side by side [values, A, B]; a value that an attribute lacks is out of the question
        logits = pad_sequence([given.float().T for given in model(batch)], padding_value=-math.inf)
        loss = F.cross_entropy(logits.permute(2, 0, 1), wanted, reduction="sum")
        right = wanted == logits.argmax(0).T
        return {"loss": loss, "count": wanted.numel(), "accuracy": right.float().mean()}

    return objective


def self_critical(
    reward: Scores,
    *,
    baseline: Baseline = "leave_one_out",
    samples: int = 5,
    temperature: float = 1.0,
    max_length: int = 60,
    xe_weight: float = 0.0,
    entropy_weight: float = 0.0,
    kl_weight: float = 0.0,
    start: nn.Module | None = None,
) -> Objective:
    """Captions that the model draws itself become likelier by how much they earn above a baseline.

    The baseline of an image is what its greedy caption earns (Rennie et al. 2017), or for each caption the
    mean of its other `samples`. A lower `temperature` teaches the policy that greedy and beam search are near
    to. `batch.indices` are places of pictures in the reward. Beside it: cross-entropy on the true captions, a
    bonus for open choices, a pull to the `start` model, each summed over a caption. Items are pictures.
    """
    sampling = Decoding(method="sample", samples=samples, temperature=temperature, max_length=max_length)
    sampler = RewardedSampler(reward, baseline, sampling)
    if kl_weight and start is None:
        raise FitError("kl_weight pulls to the model that training starts from: give start")
    reference = start.eval().requires_grad_(False) if kl_weight else None

    def objective(model: nn.Module, batch: Any) -> dict[str, Any]:
        # Dropout sleeps: the captions are drawn without it, and their likelihood under a model with it would
        # be another policy's. It sleeps until `fit` wakes it, so that recomputed activations are the same.
        model.decoder.eval()
        memory = model.remember(batch)
        drawn = sampler.draw(model, memory, batch)
        scored = score(model, memory, batch, drawn.found, temperature)
        gain = (drawn.earned - drawn.usual).flatten().to(scored.said)  # [B * K]
        wanted = gain * scored.said.sum(1)
        if entropy_weight:
            wanted = wanted + entropy_weight * entropy(scored)
        if reference is not None:
            with torch.no_grad():
                beside = reference.to(memory.device)
                before = score(beside, beside.remember(batch), batch, drawn.found, temperature)
            wanted = wanted - kl_weight * divergence(scored, before)
        loss = -wanted.sum() / samples
        if xe_weight:
            logits = model.decoder(memory, batch.tokens[:, :-1], batch.mask, attention=False).logits
            loss = loss + xe_weight * sum_losses(logits, next_tokens(batch))
        return {"loss": loss, "count": len(memory), **step_report(drawn, scored)}

    return objective
