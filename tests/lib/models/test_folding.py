"""Folding: the same numbers with fewer layers, and none where a norm is fed by something else."""

import pytest
import torch
from torch import nn

from lib.models import build_encoder
from lib.models.folding import fold_norms, halved

IMAGES = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def shaken(model):
    """Norms that have seen something: a fresh one would hide a wrong fold."""
    torch.manual_seed(1)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.running_mean, module.weight.data, module.bias.data):
                tensor.add_(0.3 * torch.randn_like(tensor))
            module.running_var.mul_(1 + torch.rand_like(module.running_var))
    return model.eval()


def norms(model):
    return sum(isinstance(module, nn.BatchNorm2d) for module in model.modules())


@pytest.mark.parametrize(
    "config",
    [
        {"kind": "atelier", "channels": 4},
        {"name": "resnet18"},
        {"kind": "timm", "name": "tf_efficientnet_lite0"},
    ],
    ids=str,
)
@torch.no_grad()
def test_every_norm_goes_and_nothing_changes(config):
    model = shaken(build_encoder(config).backbone)
    expected = model(IMAGES)
    assert norms(model)
    fold_norms(model)
    assert norms(model) == 0
    torch.testing.assert_close(model(IMAGES), expected, rtol=1e-3, atol=1e-4)


class Crossed(nn.Module):
    """Its norm stands behind the one convolution and is fed by the other."""

    def __init__(self):
        super().__init__()
        self.second = nn.Conv2d(3, 4, 3)
        self.first = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, images):
        return self.first(images) + self.norm(self.second(images))


@pytest.mark.parametrize("crossed", [True, False])
@torch.no_grad()
def test_a_wrong_fold_is_noticed(crossed):
    encoder = nn.Module()
    encoder.backbone = shaken(Crossed() if crossed else nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)))
    copy = halved(encoder, IMAGES, "bf16")
    assert norms(copy.backbone) == int(crossed) and norms(encoder.backbone) == 1
    found, expected = copy.backbone(IMAGES), encoder.backbone(IMAGES)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=0.05, atol=0.05)
