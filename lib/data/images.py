"""Pictures: load one safely, and prepare it in the one way that training, prediction and the demo share."""

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from PIL import Image, ImageOps, UnidentifiedImageError

from lib.config import read_settings
from lib.files import FileError
from lib.paths import shorten

if TYPE_CHECKING:
    import torch

# no others: for some of them PIL would start a program (Ghostscript)
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
MAX_PIXELS = 80_000_000  # a file of a few kilobytes can claim more and eat all memory
MAX_RATIO = 100  # of its sides: resizing by the shorter one would do the same
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
Interpolation = Literal["nearest", "bilinear", "bicubic", "box", "hamming", "lanczos"]


class ImageError(FileError):
    """A picture that cannot be shown; the message names the file."""


def load_image(path: str | Path) -> Image.Image:
    """A picture in RGB, upright as its EXIF says; the first frame of several, white behind transparency."""
    path = Path(path)
    if not path.is_file():
        raise ImageError(f"{shorten(path)}: no such picture")
    if path.stat().st_size == 0:
        raise ImageError(f"{shorten(path)}: the picture is empty (0 bytes)")
    return decode_picture(path, path)


def decode_picture(
    source: Path | BinaryIO, path: Path, where: str = "", error: type = ImageError
) -> Image.Image:
    """A picture from its file, or from memory as it lies in one; `where` in it is told beside the path."""
    Image.init()  # or PIL knows only some of the formats
    try:
        with Image.open(source, formats=FORMATS) as image:
            check_size(image, path)
            ImageOps.exif_transpose(image, in_place=True)
            return to_rgb(image)
    except ImageError:
        raise
    except UnidentifiedImageError:
        told = f"not a picture; expected one of {', '.join(FORMATS)}"
    except Exception as found:  # a broken file can make a decoder raise nearly anything
        told = f"broken picture ({' '.join(str(found).split()) or type(found).__name__})"
    raise error(f"{shorten(path)}: {where}{told}")


def check_size(image: Image.Image, path: Path) -> None:
    """Refuse a picture too large or too narrow to be one, before its pixels are unpacked."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        told = f"{width} x {height} is too large; expected {MAX_PIXELS} pixels at most"
        raise ImageError(f"{shorten(path)}: {told}")
    if max(width, height) > MAX_RATIO * min(width, height):
        raise ImageError(f"{shorten(path)}: {width} x {height} is too narrow; expected 1:{MAX_RATIO} at most")


def to_rgb(image: Image.Image) -> Image.Image:
    """Three channels of eight bits from whatever the file holds."""
    if image.mode.startswith("I"):  # sixteen bits of grey, which PIL would clip to white
        image = image.convert("I").point(lambda value: value * (1 / 257) + 0).convert("L")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image.load()
    return image if image.mode == "RGB" else image.convert("RGB")


def to_jpeg(picture: Image.Image) -> bytes:
    """A picture as a file that others can read, its losses hard to see."""
    file = BytesIO()
    picture.save(file, "JPEG", quality=92)
    return file.getvalue()


@lru_cache
def across(values: tuple[float, ...], width: int) -> "torch.Tensor":  # [width * 3]
    """A channel's number beside each pixel of a row: a loop of three would be slow."""
    import torch

    return torch.tensor(values).repeat(width)


def stack_pictures(pictures: Sequence["torch.Tensor"]) -> "torch.Tensor":  # [B, 3, H, W]
    """A batch; channels that lie last in memory stay there, so that nothing is moved about."""
    import torch

    if pictures[0].ndim != 3:  # clips, or what was seen of them
        return torch.stack(list(pictures))
    return torch.stack([picture.permute(1, 2, 0) for picture in pictures]).permute(0, 3, 1, 2)


@dataclass(frozen=True, kw_only=True)
class Preprocess:
    """Resize and crop as evaluation does, or as training does given a seed; saved with each checkpoint."""

    resize: int = 256  # of the shorter side; of both where `squash`
    crop: int = 224
    squash: bool = False  # give up the aspect ratio, so that head and feet stay in a tall picture
    flip: bool = False  # mirror half of the training pictures; wrong where left and right mean something
    pad: int = 0  # black pixels left and right, before it is resized
    interpolation: Interpolation = "bilinear"
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD

    def __post_init__(self):
        if not 0 < self.crop <= self.resize:
            raise ValueError(f"crop must be between 1 and resize ({self.resize}), not {self.crop}")
        if len(self.mean) != 3 or len(self.std) != 3 or not all(value > 0 for value in self.std):
            raise ValueError("mean and std must have three values each, those of std above 0")

    def __call__(self, image: Image.Image, seed: int | None = None) -> "torch.Tensor":  # [3, crop, crop]
        """The middle of the picture; with a seed a crop (and flip) that depends on the seed alone."""
        return self.cut(self.resized(image), seed)

    def resized(self, image: Image.Image) -> Image.Image:
        """What all views of a picture are cut from."""
        image = image if image.mode == "RGB" else image.convert("RGB")
        image = ImageOps.expand(image, (self.pad, 0), "black") if self.pad else image
        if image.size == self.size(image.size):
            return image
        return image.resize(self.size(image.size), Image.Resampling[self.interpolation.upper()])

    def cut(self, image: Image.Image, seed: int | None) -> "torch.Tensor":  # [3, crop, crop]
        """One view of a resized picture."""
        spare = image.width - self.crop, image.height - self.crop
        chance = random.Random(seed)
        if seed is None:
            left, top = round(spare[0] / 2), round(spare[1] / 2)
        else:
            left, top = chance.randint(0, spare[0]), chance.randint(0, spare[1])
        image = image.crop((left, top, left + self.crop, top + self.crop))
        if self.flip and seed is not None and chance.random() < 0.5:
            image = ImageOps.mirror(image)
        return self.normalise(image)

    @property
    def varies(self) -> bool:
        """Whether a seed makes a difference to every picture."""
        return self.flip or self.crop < self.resize

    def size(self, original: tuple[int, int]) -> tuple[int, int]:
        """Width and height after resizing."""
        if self.squash:
            return self.resize, self.resize
        width, height = original
        short = min(width, height)
        return self.resize * width // short, self.resize * height // short

    def normalise(self, image: Image.Image) -> "torch.Tensor":
        """Pixels as numbers around 0, channels first; in memory they lie last, which convolutions like."""
        import numpy as np
        import torch

        pixels = torch.from_numpy(np.array(image))  # [H, W, 3]
        rows = pixels.flatten(1).float().div_(255)
        rows.sub_(across(self.mean, image.width)).div_(across(self.std, image.width))
        return rows.view(pixels.shape).permute(2, 0, 1)

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "pad" or value}

    @classmethod
    def from_json(cls, settings: dict[str, Any]) -> "Preprocess":
        """Strict: an unknown name or a wrong type is refused."""
        plain = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
        return read_settings(cls, plain, where="preprocess.")
