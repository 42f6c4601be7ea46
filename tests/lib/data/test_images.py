"""Pictures load or fail in one line; preprocessing equals torchvision's and depends on its seed alone."""

import io
import json

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import v2

from lib.config import ConfigError
from lib.data.images import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    MAX_PIXELS,
    ImageError,
    Preprocess,
    load_image,
    stack_pictures,
)


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def refuses(path, match):
    with pytest.raises(ImageError, match=match) as caught:
        load_image(path)
    assert path.name in str(caught.value) and "\n" not in str(caught.value)


def test_truncated_picture_is_named(tmp_path):
    path = tmp_path / "cut.jpg"
    noise(200, 200).save(path)
    path.write_bytes(path.read_bytes()[:6000])
    refuses(path, "broken picture.*truncated")


def test_things_that_are_no_pictures(tmp_path):
    (tmp_path / "empty.jpg").touch()
    refuses(tmp_path / "empty.jpg", "empty")
    (tmp_path / "page.jpg").write_text("<html>404</html>")
    refuses(tmp_path / "page.jpg", "not a picture")
    refuses(tmp_path / "gone.jpg", "no such picture")
    (tmp_path / "dir.jpg").mkdir()
    refuses(tmp_path / "dir.jpg", "no such picture")


def test_program_in_a_picture_is_not_started(tmp_path):
    """PIL would hand PostScript to an interpreter, whatever the file is called."""
    (tmp_path / "x.jpg").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"
    )
    refuses(tmp_path / "x.jpg", "not a picture")


def test_decompression_bombs(tmp_path):
    path = tmp_path / "bomb.png"
    Image.new("1", (12_000, 10_000)).save(path)
    assert path.stat().st_size < 100_000 and MAX_PIXELS < 12_000 * 10_000
    with pytest.warns(Image.DecompressionBombWarning):
        refuses(path, "12000 x 10000 is too large")
    Image.new("1", (14_000, 14_000)).save(path)
    refuses(path, "decompression bomb")
    Image.new("1", (50_000, 20)).save(path)
    refuses(path, "too narrow")


@pytest.mark.filterwarnings("ignore::UserWarning")  # PIL grumbles at some damage and reads on
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"]), data=st.data())
def test_damaged_files_end_in_a_picture_or_one_line(tmp_path, kind, data):
    buffer = io.BytesIO()
    noise(24, 16).save(buffer, kind)
    content = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "x.jpg"
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    try:
        assert load_image(path).mode == "RGB"
    except ImageError as error:
        assert "x.jpg" in str(error) and "\n" not in str(error)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "BMP", "TIFF"])
def test_content_decides_and_not_the_name(tmp_path, kind):
    Image.new("RGB", (9, 5), "red").save(tmp_path / "x.jpg", kind, lossless=True)
    image = load_image(tmp_path / "x.jpg")
    assert (image.mode, image.size, image.getpixel((4, 2))) == ("RGB", (9, 5), (255, 0, 0))


def test_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "x.gif", save_all=True, append_images=frames[1:])
    assert load_image(tmp_path / "x.gif").getpixel((0, 0)) == (255, 0, 0)


def test_every_mode_becomes_rgb(tmp_path):
    Image.new("L", (4, 4), 90).save(tmp_path / "l.png")
    assert load_image(tmp_path / "l.png").getpixel((0, 0)) == (90, 90, 90)
    Image.new("CMYK", (4, 4), (0, 255, 255, 0)).save(tmp_path / "c.jpg", quality=95)
    red, green, _ = load_image(tmp_path / "c.jpg").getpixel((0, 0))
    assert red > 200 and green < 60
    Image.fromarray(np.full((4, 4), 128 * 257, dtype=np.uint16)).save(tmp_path / "w.png")
    assert load_image(tmp_path / "w.png").getpixel((0, 0)) == (128, 128, 128)
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(tmp_path / "t.png")
    assert load_image(tmp_path / "t.png").getpixel((0, 0)) == (255, 255, 255)
    Image.new("RGBA", (4, 4), (255, 0, 0, 255)).quantize().save(tmp_path / "p.png")
    assert load_image(tmp_path / "p.png").getpixel((0, 0)) == (255, 0, 0)


def test_picture_stands_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees to show
    Image.new("RGB", (30, 10)).save(tmp_path / "x.jpg", exif=exif)
    assert load_image(tmp_path / "x.jpg").size == (10, 30)


@pytest.mark.parametrize("size", [(300, 500), (500, 333), (224, 224), (100, 777), (259, 256)])
@pytest.mark.parametrize("squash", [False, True])
def test_evaluation_equals_torchvision(size, squash):
    image = noise(*size)
    reference = v2.Compose([
        v2.Resize((256, 256) if squash else 256),
        v2.CenterCrop(224),
        v2.PILToTensor(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(IMAGENET_MEAN, IMAGENET_STD),
    ])  # fmt: skip
    ours = Preprocess(squash=squash)(image)
    assert ours.shape == (3, 224, 224) and ours.dtype == torch.float32
    torch.testing.assert_close(ours, reference(image), atol=2e-6, rtol=0)


def test_training_crop_depends_on_the_seed_alone():
    image, preprocess = noise(80, 60), Preprocess(resize=32, crop=24)
    crops = [preprocess(image, seed) for seed in range(30)]
    torch.manual_seed(1)
    assert all(torch.equal(preprocess(image, seed), crop) for seed, crop in enumerate(crops))
    assert len({crop.numpy().tobytes() for crop in crops}) > 20
    whole = Preprocess(resize=32, crop=32, squash=True)
    assert torch.equal(whole(image, 5), whole(image))  # nothing to choose


def test_flip_is_off_unless_asked():
    image = noise(32, 32)
    plain, flipping = Preprocess(resize=32, crop=32), Preprocess(resize=32, crop=32, flip=True)
    seen = {flipping(image, seed).numpy().tobytes() for seed in range(20)}
    assert seen == {plain(image).numpy().tobytes(), plain(image).flip(2).contiguous().numpy().tobytes()}
    assert torch.equal(flipping(image), plain(image))  # never in evaluation


def test_saved_settings_are_the_same_and_strict():
    preprocess = Preprocess(resize=64, crop=48, mean=(0.5, 0.5, 0.5), squash=True)
    assert Preprocess.from_json(json.loads(json.dumps(preprocess.to_json()))) == preprocess
    with pytest.raises(ConfigError, match=r"preprocess.resise; did you mean preprocess.resize"):
        Preprocess.from_json({"resise": 3})
    with pytest.raises(ConfigError, match=r"preprocess.crop must be int"):
        Preprocess.from_json({"crop": "224"})
    with pytest.raises(ValueError, match="crop must be between 1 and resize"):
        Preprocess(resize=100)
    with pytest.raises(ValueError, match="three values"):
        Preprocess(mean=(0.5,))


@pytest.mark.parametrize("mean, std", [(IMAGENET_MEAN, IMAGENET_STD), ((0.5,) * 3, (0.25,) * 3)])
def test_numbers_are_those_of_each_pixel_and_lie_channel_last(mean, std):
    image = noise(40, 32)
    found = Preprocess(resize=32, crop=32, mean=mean, std=std, squash=True)(image.resize((32, 32)))
    pixels = np.asarray(image.resize((32, 32)), np.float32) / 255
    assert np.array_equal(found.numpy(), ((pixels - np.float32(mean)) / np.float32(std)).transpose(2, 0, 1))
    assert found.permute(1, 2, 0).is_contiguous()
    batch = stack_pictures([found, found + 1])
    assert torch.equal(batch, torch.stack([found, found + 1]))
    assert batch.is_contiguous(memory_format=torch.channels_last)


def test_an_interpolation_is_pillows_and_a_saved_one_is_read_strictly():
    image = noise(40, 40)
    found = Preprocess(resize=24, crop=24, interpolation="bicubic")(image)
    assert torch.equal(
        found, Preprocess(resize=24, crop=24)(image.resize((24, 24), Image.Resampling.BICUBIC))
    )
    assert not torch.equal(found, Preprocess(resize=24, crop=24)(image))
    with pytest.raises(ValueError, match=r"preprocess\.interpolation must be one of"):
        Preprocess.from_json({"interpolation": "cubic"})


def test_padding_stands_black_beside_the_picture_and_only_where_asked_for():
    tall = Image.new("RGB", (60, 200), "white")
    shown = Preprocess(resize=100, crop=100, squash=True, pad=70, mean=(0.0,) * 3, std=(1.0,) * 3)
    columns = shown(tall)[0, 50]  # 70 black, 60 white, 70 black on a width of 200
    assert columns[:34].max() == 0 and columns[37:63].min() == 1 and columns[66:].max() == 0
    assert Preprocess.from_json(shown.to_json()) == shown and "pad" not in Preprocess().to_json()
