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
        decoded = model(batch)
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
        if doubly_stochastic:
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
    """Several classifications of one picture at once. Items are attributes that can be told.

    `targets[i, a]` is the value of attribute a of picture i (`batch.indices` are pictures), IGNORED where it
    is not known. The model returns logits, one tensor [B, values] for each attribute.
    """

    def objective(model: nn.Module, batch: Any) -> dict[str, Any]:
        logits = model(batch)
        wanted = targets.to(batch.indices.device)[batch.indices]  # [B, A]
        losses = [
            F.cross_entropy(scores.float(), values, ignore_index=IGNORED, reduction="sum")
            for scores, values in zip(logits, wanted.unbind(1), strict=True)
        ]
        guesses = torch.stack([scores.argmax(dim=1) for scores in logits], dim=1)
        known = wanted != IGNORED
        count = known.sum()
        accuracy = ((guesses == wanted) & known).sum() / count.clamp(min=1)
        return {"loss": torch.stack(losses).sum(), "count": count, "accuracy": accuracy}

    return objective
