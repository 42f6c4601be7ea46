"""Clips: frames in, a memory [B, T * N, D] out: what an eye sees in each frame, and marks of its time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from lib.data.clips import open_frames
from lib.data.images import Preprocess, load_image, stack_pictures
from lib.data.loader import View
from lib.data.record import Record
from lib.models.encoders import build_encoder
from lib.models.errors import ModelError

NOTHING = float("nan")  # what is seen of a frame that a clip does not have


class ClipEncoder(nn.Module):
    """An eye that looks at several frames of a clip, one by one; beside each cell stands the frame's time.

    A clip with fewer frames is filled up with pictures of NaN, and so are its cells: no later step can take
    them for seen ones, and `present` tells them apart.
    """

    def __init__(self, eye: nn.Module, *, frames: int = 8, choose: str = "uniform", marks: int = 16):
        super().__init__()
        if frames < 1 or marks < 0:
            raise ModelError(f"a clip is shown in at least one frame, not {frames}, with 0 marks or more")
        self.eye, self.frames, self.choose, self.marks = eye, frames, choose, marks
        self.width = eye.width + marks

    def open(self, record: Record, preprocess: Preprocess, seed: int | None = None) -> Tensor:
        """A clip as it is shown, [T, 3, H, W]; with a seed any frame of each part, all cut alike."""
        choose = "random" if seed is not None and self.choose == "uniform" else self.choose
        found = open_frames(record, self.frames, choose=choose, seed=seed)
        shown = stack_pictures([preprocess(picture, seed) for _, picture in found])
        lacking = shown.new_full((self.frames - len(shown), *shown.shape[1:]), NOTHING)
        return torch.cat([shown, lacking])

    def forward(self, clips: Tensor) -> Tensor:  # [B, T, 3, H, W] -> [B, T * N, D]
        return self.mark(self.eye(clips.flatten(0, 1)).unflatten(0, clips.shape[:2]))

    def mark(self, cells: Tensor) -> Tensor:  # [B, T, N, D] -> [B, T * N, D + marks]
        """Each cell with its frame's time, from 0 at the clip's start to 1 at its end, as waves."""
        count = present(cells[:, :, 0]).sum(1, keepdim=True)  # [B, 1]
        times = (torch.arange(cells.shape[1], device=cells.device) + 0.5) / count  # [B, T]
        waves = torch.arange(1, self.marks + 1, device=cells.device) * torch.pi
        marks = torch.cos(times[..., None] * waves).to(cells.dtype)  # [B, T, marks]
        marks = marks[:, :, None].expand(-1, -1, cells.shape[2], -1)
        return torch.cat([cells, marks.masked_fill(~present(cells)[..., None], NOTHING)], -1).flatten(1, 2)

    def whole(self) -> "ClipEncoder | None":
        """The encoder whose cells tell this one all it needs, if its eye has one."""
        eye = self.eye.whole()
        return eye and self.through(eye, marks=0)

    def through(self, eye: nn.Module, *, marks: int | None = None) -> "ClipEncoder":
        """The same frames, seen through another eye."""
        marks = self.marks if marks is None else marks
        return ClipEncoder(eye, frames=self.frames, choose=self.choose, marks=marks)

    def recall(self, cells: Tensor) -> Tensor:
        """What `forward` gives of clips of which `whole` has given these cells."""
        frames = cells.unflatten(1, (self.frames, -1))
        return self.mark(self.eye.recall(frames.flatten(0, 1)).unflatten(0, frames.shape[:2]))

    def describe(self) -> dict[str, Any]:
        how = {"frames": self.frames, "choose": self.choose, "marks": self.marks}
        return {"kind": "clip", "eye": self.eye.describe(), **how}


def show_record(
    encoder: nn.Module, record: Record, preprocess: Preprocess, seeds: Sequence[int | None] = (None,)
) -> list[Tensor]:
    """A picture [3, H, W] or, where the encoder looks at clips, a clip [T, 3, H, W], once for each seed."""
    if isinstance(encoder, ClipEncoder):
        return [encoder.open(record, preprocess, seed) for seed in seeds]
    image = preprocess.resized(load_image(record.path))
    return [preprocess.cut(image, seed) for seed in seeds]


def present(cells: Tensor) -> Tensor:
    """Which cells were seen at all: [..., D] -> [...]."""
    return ~cells[..., 0].isnan()


def build_clip_encoder(config: dict[str, Any]) -> ClipEncoder:
    """An encoder from what `describe` said of it, names strict."""
    plain = {key: value for key, value in config.items() if key not in ("kind", "eye")}
    if wrong := sorted(set(plain) ^ {"frames", "choose", "marks"}):
        raise ModelError(f"no clip encoder: {', '.join(wrong)} in its config, or missing")
    return ClipEncoder(build_encoder(config["eye"]), **plain)


@dataclass(frozen=True)
class FramesView:
    """A view of clips in which something is done to the frames of each, given as [T, N, D]: `act(frames)`."""

    view: View
    cells: int  # of a frame
    act: Callable[[Tensor], Tensor]
    field: Literal["memory"] = "memory"

    def __call__(self, index: int, seed: int) -> Tensor:
        return self.act(self.view(index, seed).unflatten(0, (-1, self.cells))).flatten(0, 1)


def one_vector(frames: Tensor) -> Tensor:
    """What was seen of each frame in one vector, as EasyNLP has it: [T, N, D] -> [T, 1, D]."""
    return frames.mean(1, keepdim=True)


def shuffle_frames(frames: Tensor, marks: int) -> Tensor:
    """What was seen, in another order of time; the marks of time stay where they are."""
    numbers = frames[..., :-marks].double().sum((1, 2))  # an order of each clip's own, the same in each run
    return torch.cat([frames[numbers.frac().argsort(), :, :-marks], frames[..., -marks:]], -1)
