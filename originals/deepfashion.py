"""The DeepFashion course project: its call `generate(images, beam_k, max_len)` and its loss under rewards."""

from typing import Any

from torch import Tensor, nn

from lib.models.captioner import Captioner
from lib.models.decoding import Decoding
from lib.models.generate import eval_mode
from lib.train.objectives import IGNORED, Objective, next_tokens, sum_losses
from lib.train.reinforce import Scores, rewards_of


def generate_numbers(model: Captioner, images: Tensor, beam_k: int = 5, max_len: int = 80) -> list[list[int]]:
    """The numbers of the words of each picture's caption, without marks."""
    decoding = Decoding(method="beam", beam=beam_k, max_length=max_len)
    with eval_mode(model):
        found = model.search(model.encode(images), decoding)
    rows = zip(found.tokens[:, 0].tolist(), found.lengths[:, 0].tolist(), strict=True)
    return [[number for number in row[:length] if number != model.vocab.end] for row, length in rows]


def reward_on_truth(reward: Scores, *, scale: float = 0.2, beam: int = 5, max_length: int = 60) -> Objective:
    """The course project's loss, errors kept, as a row to compare with: what rewards do to the wrong words.

    The reward is a beam caption's, standardised over the batch; what it multiplies is the log-probability of
    the true caption, padding included, and of another picture's at that: rewards stand in the order of the
    batch, captions sorted by length. Only the search differs, in which the project left dropout on.
    """
    searching = Decoding(method="beam", beam=beam, max_length=max_length)

    def objective(model: nn.Module, batch: Any) -> dict[str, Any]:
        memory = model.remember(batch)
        found = model.search(memory, searching, mask=batch.mask, start=batch.prefix)
        earned = rewards_of(reward, found, model.vocab, batch.indices)[:, 0]  # [B]
        standard = ((earned - earned.mean()) / (earned.std() + 1e-9)).to(memory)
        logits = model.decoder(memory, batch.tokens[:, :-1], batch.mask, attention=False).logits
        targets = next_tokens(batch)
        supervised = sum_losses(logits, targets) / (targets != IGNORED).sum()
        sort = batch.lengths.argsort(descending=True, stable=True)
        words = batch.tokens[sort, 1:, None]
        said = logits[sort].float().log_softmax(2).gather(2, words)[..., 0]  # [B, T]
        wrong = -(said * standard[:, None]).sum(1).mean()
        loss = (supervised + scale * wrong) * len(earned)
        return {"loss": loss, "count": len(earned), "reward": earned.mean(), "cross_entropy": supervised}

    return objective
