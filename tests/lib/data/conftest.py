"""A house of pictures, and real little photos."""

from pathlib import Path

import pytest
from PIL import Image
from small_datasets import add_pictures


@pytest.fixture
def house(tmp_path):
    """A folder with `images/` of the good rows, and a picture outside that must not be reached."""
    (tmp_path / "secret.jpg").touch()
    folder = tmp_path / "house"
    add_pictures(folder / "images")
    return folder


@pytest.fixture
def photo(tmp_path):
    """Save a small real picture and give its path."""

    def save(name: str = "x.jpg", size=(40, 60), color="red", **options) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new(options.pop("mode", "RGB"), size, color).save(path, **options)
        return path

    return save
