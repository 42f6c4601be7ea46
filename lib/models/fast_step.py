"""The fast step of a Transformer decoder: what its blocks do with one word of each text, product by product.

It equals the plain form in `transformer`, which is the one to read; here all is split by heads by hand.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def fan_out(layer: nn.Linear, parts: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """A layer as products side by side: weights [parts, in, out / parts], biases [parts, 1, out / parts]."""
    weight, bias = (x.to(dtype).unflatten(0, (parts, -1)) for x in (layer.weight, layer.bias))
    return weight.transpose(1, 2), bias[:, None]


def fan_in(layer: nn.Linear, parts: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """A layer as a sum of products: weights [parts, in / parts, out], and to each its share of the bias."""
    weight = layer.weight.to(dtype).unflatten(1, (parts, -1)).permute(1, 2, 0)
    return weight, (layer.bias / parts).to(dtype).expand(parts, 1, -1)


def spread_out(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:  # [R, in] -> [parts, R, out / parts]
    return torch.baddbmm(bias, x.to(weight.dtype).expand(weight.shape[0], -1, -1), weight)


def bring_back(parts: Tensor, weight: Tensor, bias: Tensor) -> Tensor:  # [parts, R, in / parts] -> [R, out]
    return torch.baddbmm(bias, parts, weight).sum(0)


def attend(query: Tensor, keys: Tensor, values: Tensor, hidden: Tensor) -> Tensor:
    """What few queries [heads, R, size] see of keys and values [heads * B, N, size], all but what is `hidden`
    by minus infinity. Two batched products are several times as fast here as the fused kernel."""
    asked = query.view(keys.shape[0], -1, keys.shape[2])
    scores = torch.baddbmm(hidden, asked, keys.transpose(1, 2), alpha=keys.shape[2] ** -0.5)
    return torch.bmm(scores.softmax(-1), values).view(query.shape)


def look_back(qkv: Tensor, past: Tensor, hidden: Tensor) -> Tensor:
    """Queries, keys and values of words [3 * heads, R, size] -> what they see of `past` [2, heads * B, slots,
    size], whose last slots are their own and filled here."""
    query, now = qkv.tensor_split((qkv.shape[0] // 3,))
    now = now.view(2, past.shape[1], -1, past.shape[3])
    past[:, :, past.shape[2] - now.shape[2] :] = now
    return attend(query, *past.unbind(0), hidden)


def advance(x: Tensor, parts: tuple, past: Tensor, unseen: Tensor, memory: Tensor, hidden: Tensor) -> Tensor:
    """What a sleeping Block does with one word of each text, x [R, width], without asking its modules. All is
    done head by head: a batch of small products keeps all threads busy, one product of few rows does not."""
    norm_words, qkv, out_words, norm_memory, query, out_memory, norm_think, widen, narrow = parts
    width = x.shape[1:]
    seen = look_back(spread_out(torch.layer_norm(x, width, *norm_words), *qkv), past, unseen)
    x = x + bring_back(seen, *out_words)
    asked = spread_out(torch.layer_norm(x, width, *norm_memory), *query)
    x = x + bring_back(attend(asked, *memory.unbind(0), hidden), *out_memory)
    return x + bring_back(F.gelu(spread_out(torch.layer_norm(x, width, *norm_think), *widen)), *narrow)


def grow(cache: Tensor | None, memory: Tensor, slots: int) -> Tensor:
    """Room for so many slots; what was there stays: [layers, 2, heads, B, slots, width / heads]."""
    room = memory.new_empty(*memory.shape[:4], slots, memory.shape[-1])
    if cache is not None:
        room[..., : cache.shape[-2], :] = cache
    return room
