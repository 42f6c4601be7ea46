"""What is minimised: closures `objective(model, batch) -> {"loss": sum over items, "count": items, ...}`.

`fit` divides the loss by the count over all batches and processes of an update, so a token weighs the same
wherever it falls. What else an objective returns is a mean worth a column in history.csv.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Objective = Callable[[nn.Module, Any], dict[str, Any]]
IGNORED = -100  # a target that counts nowhere


def cross_entropy(*, label_smoothing: float = 0.0, doubly_stochastic: float = 0.0) -> Objective:
    """Each next token of the caption, the end token counted. Items are tokens.

    `doubly_stochastic` weighs the term of Show, Attend and Tell by which a caption looks at every cell about
    once: the mean over cells of (1 - the attention it got from all words), squared.
    """

    def objective(model: nn.Module, batch: Any) -> dict[str, Any]:
        decoded = model(batch, attention=doubly_stochastic > 0)
        targets = next_tokens(batch.tokens, batch.lengths)
        loss = F.cross_entropy(
            decoded.logits.float().flatten(0, 1),
            targets.flatten(),
            ignore_index=IGNORED,
            label_smoothing=label_smoothing,
            reduction="sum",
        )
        words = (targets != IGNORED).sum(dim=1)  # [B]
        result = {"loss": loss, "count": words.sum()}
        if doubly_stochastic > 0:
            missed = uneven_attention(decoded.attention.float(), targets != IGNORED)  # [B]
            result["loss"] = loss + doubly_stochastic * (missed * words).sum()
            result["uneven_attention"] = missed.mean()
        return result

    return objective


def next_tokens(tokens: Tensor, lengths: Tensor) -> Tensor:
    """[B, T] padded captions -> [B, T-1] the token to follow each one; nothing follows the end."""
    targets = tokens[:, 1:]
    places = torch.arange(1, tokens.shape[1], device=tokens.device)
    return targets.masked_fill(places >= lengths[:, None], IGNORED)


def uneven_attention(attention: Tensor, real: Tensor) -> Tensor:
    """[B, T, N] attention, [B, T] which words are real -> [B] how far its sums over words are from one."""
    sums = (attention * real[:, :, None]).sum(dim=1)  # [B, N]
    return (1 - sums).square().mean(dim=1)


def attribute_loss(targets: Tensor) -> Objective:
    """Every attribute of a picture classified at once. Items are pairs of picture and attribute.

    `targets` [pictures, A] are the facts of all records as numbers; `batch.indices` say which are seen. The
    model gives the logits of each attribute, [B, its values].
    """

    def objective(model: nn.Module, batch: Any) -> dict[str, Any]:
        logits = model(batch)
        wanted = targets.to(batch.indices.device)[batch.indices]  # [B, A]
        pairs = list(zip(logits, wanted.unbind(1), strict=True))
        loss = torch.stack([F.cross_entropy(given.float(), facts, reduction="sum") for given, facts in pairs])
        right = torch.stack([given.argmax(1) == facts for given, facts in pairs])
        return {"loss": loss.sum(), "count": wanted.numel(), "accuracy": right.float().mean()}

    return objective
