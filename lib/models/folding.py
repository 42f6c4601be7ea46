"""A frozen encoder made fast: its backbone in half precision, batch norms folded into their convolutions."""

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from lib.models.decoding import PRECISIONS

ALIKE = 1e-3  # of the largest number: what adding in another order may change


@torch.no_grad()
def halved(encoder: nn.Module, sample: Tensor, precision: str) -> nn.Module:
    """A copy to see through and not to train; what it shows comes in fp32 again.

    A module does not say what it is fed with. Where the norm that stands behind a convolution is not the one
    that it feeds, the `sample` [B, 3, H, W] comes out otherwise, and the copy keeps its norms.
    """
    model = copy.deepcopy(encoder)
    plain, model.backbone = model.backbone, copy.deepcopy(model.backbone)
    fold_norms(model.backbone)
    expected, found = plain(sample), model.backbone(sample)
    if not (found - expected).abs().max() <= ALIKE * expected.abs().max():
        model.backbone = plain
    kind = PRECISIONS[precision]
    # folded weights are made anew: channels last again, as the pictures are
    model.backbone.to(dtype=kind, memory_format=torch.channels_last)
    model.backbone.register_forward_pre_hook(lambda _, given: (given[0].to(kind),))
    model.backbone.register_forward_hook(lambda _, given, shown: shown.float())
    return model


def fold_norms(model: nn.Module) -> None:
    """Each batch norm that stands behind a convolution becomes part of it; what else it did remains."""
    before = None
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.BatchNorm2d) and before and before.out_channels == module.num_features:
            numbers = module.running_mean, module.running_var, module.eps, module.weight, module.bias
            before.weight, before.bias = fuse_conv_bn_weights(before.weight, before.bias, *numbers)
            place, _, own = name.rpartition(".")
            setattr(model.get_submodule(place), own, nn.Sequential(*module.children()))
        before = module if isinstance(module, nn.Conv2d) else None
