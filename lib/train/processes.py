"""One process or several: the device, and what they must agree on."""

import atexit
import os
from typing import Any

import torch
import torch.distributed as dist
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import broadcast_object_list
from torch import Tensor, nn

from lib.config import Training
from lib.train.run_identity import FitError


def accelerate(training: Training, shares: int) -> Accelerator:
    """A fresh Accelerator (its state is global, and the run before may have had another precision)."""
    world, wanted = this_process()["world"], training.mixed_precision
    if shares != world:
        trouble = f"batches are shared among {shares} processes, and {world} run"
        raise FitError(f"{trouble}: Loader(..., **this_process())")
    launched = os.environ.get("ACCELERATE_MIXED_PRECISION", "no")
    if launched not in ("no", wanted):
        says = f"accelerate launch says mixed precision {launched!r}, training.mixed_precision {wanted!r}"
        raise FitError(f"{says}: the settings decide, so say it there")
    AcceleratorState._reset_state()
    torch.backends.cuda.matmul.allow_tf32 = training.allow_tf32
    torch.backends.cudnn.allow_tf32 = training.allow_tf32
    no_gpu = not torch.cuda.is_available()
    try:  # without being told, accelerate runs launched processes as strangers where there is no GPU
        accelerator = Accelerator(cpu=world > 1 and no_gpu, mixed_precision=wanted)
    except ValueError as error:
        raise FitError(f"training.mixed_precision {wanted!r}: {error}") from None
    if wanted == "fp16" and accelerator.scaler is None:
        trouble = f"training.mixed_precision 'fp16' needs a GPU, not {accelerator.device}"
        raise FitError(f"{trouble}; 'bf16' runs here")
    if accelerator.num_processes != world:
        raise FitError(f"{world} processes were launched and accelerate sees {accelerator.num_processes}")
    if world > 1:  # threads of a group that still stands can abort a process that ends
        atexit.register(lambda: dist.is_initialized() and dist.destroy_process_group())
    return accelerator


def this_process() -> dict[str, int]:
    """Which process this is, of how many, as torchrun or accelerate says: `Loader(..., **this_process())`."""
    return {"rank": int(os.environ.get("RANK", 0)), "world": int(os.environ.get("WORLD_SIZE", 1))}


def several() -> bool:
    """Whether there are other processes to agree with."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def first_says(value: Any) -> Any:
    """The first process's value, on all of them."""
    return broadcast_object_list([value])[0] if several() else value


def total(value: Tensor) -> Tensor:
    """The sum over all processes."""
    if several():
        value = value.clone()
        dist.all_reduce(value)
    return value


@torch.no_grad()
def align_weights(model: nn.Module, *, buffers_only: bool = False) -> None:
    """Give every process the first one's weights; later only what the optimiser does not keep equal."""
    if several():
        for tensor in model.buffers() if buffers_only else model.state_dict().values():
            dist.broadcast(tensor, 0)


@torch.no_grad()
def sum_gradients(parameters: list[Tensor]) -> None:
    """Add up the gradients of all processes, in one message. What no process used keeps no gradient. No
    wrapper does this, so that an objective sees the model itself and may call any method, however often."""
    if not several():
        return
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    used = torch.tensor([p.grad is not None for p in parameters], dtype=torch.float32).to(gradients[0].device)
    message = torch.cat([*(gradient.float().flatten() for gradient in gradients), used])
    dist.all_reduce(message)
    *sums, used = message.split([*(gradient.numel() for gradient in gradients), len(parameters)])
    for parameter, added, count in zip(parameters, sums, used.tolist(), strict=True):
        parameter.grad = added.view_as(parameter).to(parameter.dtype) if count else None
