"""The contrastive objective against its definition, in chunks and in two processes alike."""

import math

import pytest
import torch
import torch.distributed as dist
from torch import multiprocessing, nn
from torch.nn import functional as F

from lib.data.loader import Batch
from lib.train.contrastive import contrastive, spread_loss, take
from lib.train.processes import sum_gradients


class Table(nn.Module):
    """Looks its points up: of pictures by their number, of texts by their first word."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.pictures, self.words = nn.Embedding(9, 4), nn.Embedding(9, 4)
        self.logit_scale = nn.Parameter(torch.tensor(1.5))

    def forward(self, batch):
        points = self.pictures(batch.indices), self.words(batch.tokens[:, 0])
        return tuple(F.normalize(found, dim=1) for found in points)

    def match(self, batch):
        return 5 * (self.pictures(batch.indices) * self.words(batch.tokens[:, 0])).sum(1)


def batch_of(pictures, words):
    tokens = torch.tensor([[word, 2, 0] for word in words])
    count = len(pictures)
    ids = tuple(map(str, pictures))
    return Batch(ids, torch.tensor(pictures), tokens=tokens, lengths=torch.full((count,), 2))


def test_strangers_give_the_symmetric_cross_entropy_of_clip():
    model, batch = Table(), batch_of([1, 4, 2], [3, 0, 7])
    pictures, texts = model(batch)
    logits = math.exp(1.5) * pictures @ texts.T
    truth = torch.arange(3)
    wanted = (F.cross_entropy(logits, truth) + F.cross_entropy(logits.T, truth)) / 2
    found = contrastive()(model, batch)
    torch.testing.assert_close(found["loss"] / found["count"], wanted)


def test_equal_texts_and_equal_pictures_are_no_negatives():
    """Whoever says what another pair says, or shows its picture, is right; the rest are wrong."""
    model, batch = Table(), batch_of([1, 4, 4, 2], [3, 3, 5, 6])
    pictures, texts = model(batch)
    logits = math.exp(1.5) * pictures @ texts.T
    same = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1.0]])
    wanted = sum(
        -(same[row] / same[row].sum() * side[row].log_softmax(0)).sum() / 2
        for side in (logits, logits.T)
        for row in range(4)
    )
    torch.testing.assert_close(contrastive()(model, batch)["loss"], wanted)
    one_text = batch_of([1, 2, 3], [5, 5, 5])
    assert contrastive()(model, one_text)["right"] == 1


def gradients(model, batch, **options):
    model.zero_grad(set_to_none=True)
    found = contrastive(**options)(model, batch)
    found["loss"].backward()
    return found["loss"].detach(), [p.grad for p in model.parameters()]


@pytest.mark.parametrize("chunk", [1, 2, 3, 7])
def test_chunks_change_neither_loss_nor_gradient(chunk):
    batch = batch_of([1, 4, 4, 2, 6], [3, 3, 5, 6, 1])
    whole, parts = gradients(Table(), batch), gradients(Table(), batch, chunk=chunk)
    torch.testing.assert_close(whole, parts)


def of_one_process(rank, folder, result):
    """Three pairs for the first process, two for the second."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    batch = take(batch_of([1, 4, 4, 2, 6], [3, 3, 5, 6, 1]), torch.arange(rank, 5, 2))
    model = Table()
    loss = contrastive()(model, batch)["loss"]
    loss.backward()
    dist.all_reduce(total := loss.detach().clone())
    parameters = list(model.parameters())
    sum_gradients(parameters)
    if rank == 0:
        torch.save([total, *(p.grad for p in parameters)], result)
    dist.destroy_process_group()


def test_two_processes_see_each_others_negatives_and_gradients(tmp_path):
    multiprocessing.spawn(of_one_process, (str(tmp_path), str(tmp_path / "found.pt")), nprocs=2)
    total, *grads = torch.load(tmp_path / "found.pt", weights_only=True)
    wanted, own = gradients(Table(), batch_of([1, 4, 4, 2, 6], [3, 3, 5, 6, 1]))
    torch.testing.assert_close(total, wanted)
    torch.testing.assert_close(grads, own)


def test_the_matcher_learns_from_wrong_ones_alone_that_are_wrong():
    """All of one text: nobody is wrong, so there is nothing to tell apart."""
    model = Table()
    found = contrastive(matching=1.0)(model, batch_of([1, 2, 3], [5, 5, 5]))
    assert found["matching"] == 0
    batch, optimizer = batch_of([1, 2, 3, 4], [5, 6, 7, 8]), torch.optim.Adam(model.parameters(), 0.05)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        found = contrastive(matching=1.0)(model, batch)
        found["loss"].backward()
        optimizer.step()
        losses.append(float(found["matching"]))
    assert losses[-1] < losses[0] / 3


def test_the_loss_of_a_row_is_spread_over_its_positives():
    logits = torch.tensor([[2.0, 1.0, 0.0]])
    same = torch.tensor([[True, True, False]])
    logs = logits.log_softmax(1)[0]
    torch.testing.assert_close(spread_loss(logits, same), -(logs[0] + logs[1]) / 2)
