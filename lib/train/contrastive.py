"""Contrastive learning: each sentence finds its picture among all of the batch, each picture its sentences.

Negatives come from all processes, and their gradients go back there. A batch larger than memory is embedded
in chunks that are forgotten and computed again on the way back.
"""

from dataclasses import replace
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.nn.functional import all_gather
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from lib.models.two_towers import WARMEST
from lib.train.objectives import Objective
from lib.train.processes import several


def contrastive(*, chunk: int | None = None, matching: float = 0.0) -> Objective:
    """The symmetric cross-entropy of CLIP (Radford et al. 2021), equal texts and pictures all positives.

    `chunk`: how many pairs are held at once. `matching` weighs the loss of the model's matcher, which tells
    each pair from the likeliest wrong picture and the likeliest wrong sentence (Li et al. 2021). Items are
    pairs.
    """

    def objective(model: nn.Module, batch: Any) -> dict[str, Any]:
        pictures, texts = embed_batch(model, batch, chunk)  # each [B, E]
        named = torch.stack([batch.indices.to(texts.device), name_texts(batch)], 1)  # [B, 2]
        others = [all_rows(part) for part in (pictures, texts, named)]
        scale = model.logit_scale.clamp(max=torch.tensor(WARMEST).log()).exp()
        same = (named[:, None] == others[2]).any(2)  # [B, all]: one picture, or one text
        to_texts, to_pictures = scale * pictures @ others[1].T, scale * texts @ others[0].T
        loss = (spread_loss(to_texts, same) + spread_loss(to_pictures, same)) / 2
        right = same.gather(1, to_pictures.argmax(1, keepdim=True)).float().mean()
        result = {"loss": loss, "count": len(batch), "right": right, "scale": scale.detach()}
        if matching:
            here = (named[:, None] == named).any(2)  # [B, B]
            told = match_loss(model, batch, (texts @ pictures.T).detach(), here)
            result |= {"loss": loss + matching * told, "matching": told.detach() / len(batch)}
        return result

    return objective


def spread_loss(logits: Tensor, same: Tensor) -> Tensor:
    """Cross-entropy towards all positives of a row alike, summed over rows."""
    wanted = same / same.sum(1, keepdim=True)
    return -(wanted * logits.float().log_softmax(1)).sum()


def embed_batch(model: nn.Module, batch: Any, chunk: int | None) -> tuple[Tensor, Tensor]:
    """Pictures and texts of a batch, held at once or in chunks."""
    if chunk is None or chunk >= len(batch):
        return model(batch)
    places = torch.arange(len(batch)).split(chunk)
    found = [checkpoint(model, take(batch, part), use_reentrant=False) for part in places]
    return torch.cat([pictures for pictures, _ in found]), torch.cat([texts for _, texts in found])


def take(batch: Any, places: Tensor) -> Any:
    """Some pairs of a batch."""
    ids = tuple(batch.ids[place] for place in places.tolist())
    return replace(batch.change(lambda tensor: tensor[places.to(tensor.device)]), ids=ids)


def name_texts(batch: Any) -> Tensor:
    """A number for each text of a batch, [B]: equal texts have equal ones, in every process."""
    rows = zip(batch.tokens.tolist(), batch.lengths.tolist(), strict=True)
    return torch.tensor([hash(tuple(row[:length])) for row, length in rows], device=batch.tokens.device)


def all_rows(mine: Tensor) -> Tensor:
    """The rows of all processes, this one's gradient kept; they may have unequally many."""
    if not several():
        return mine
    counts = [torch.zeros((), dtype=torch.long, device=mine.device) for _ in range(dist.get_world_size())]
    dist.all_gather(counts, torch.tensor(len(mine), device=mine.device))
    most = int(max(counts))
    padded = torch.cat([mine, mine.new_zeros(most - len(mine), mine.shape[1])])
    parts = all_gather(padded)
    return torch.cat([part[:count] for part, count in zip(parts, map(int, counts), strict=True)])


def match_loss(model: nn.Module, batch: Any, likeness: Tensor, same: Tensor) -> Tensor:
    """Yes to each pair, no to its picture with a wrong text and to its text with a wrong picture: the
    likelier one is by `likeness` [texts, pictures], the likelier it is drawn."""
    own = torch.arange(len(batch), device=likeness.device)
    scores = (likeness * model.logit_scale.detach().exp()).float().masked_fill(same, float("-inf"))
    keep = (~same).any(1)  # a batch of one picture has no wrong one
    if not keep.any():
        return likeness.new_zeros(())
    wrong_pictures = scores[keep].softmax(1).multinomial(1)[:, 0]
    wrong_texts = scores.T[keep].softmax(1).multinomial(1)[:, 0]
    pictures = torch.cat([own, wrong_pictures, own[keep]])
    texts = torch.cat([own, own[keep], wrong_texts])
    words = take(batch, texts)
    pairs = replace(take(batch, pictures), tokens=words.tokens, lengths=words.lengths)
    truth = (torch.arange(len(pictures), device=own.device) < len(own)).float()
    return F.binary_cross_entropy_with_logits(model.match(pairs).float(), truth, reduction="sum") / 3
