"""Drawing: the same pixels for a seed, nothing hidden leaks, everything visible shows, and it is fast."""

import hashlib
from dataclasses import replace
from io import BytesIO
from itertools import combinations
from time import perf_counter

import numpy as np
import pytest
from PIL import Image

from atelier.draw import draw
from atelier.palette import CLOTH
from atelier.sample import sample_look
from atelier.visible import visible
from atelier.wardrobe import SCHEMA, VIEWS, Attributes, Look

# (product, view, seed) -> the start of sha256 over the raw RGB bytes, and the mean colours of a 4 x 4 grid
PINNED = {
    (0, "1_front", 0): (
        "e5fe44d6e21c4276",
        "e4deead1c0c3cfc0c7ddd5e6eae4ee7ca58387ad90ded7e7e6e0ec669072819f8cddd6e6d2cbdcad93c1b79fcad1c9db",
    ),
    (8, "4_full", 3): (
        "b39a5d540986023a",
        "cad2c6bbbba8c2cbbdc4d1c5d3d9c9b8ac6acbc68dc5d2c6cfd9d0d0d4c8ced4c9c4d1c5bac6bdb2b7adb2b7acb9c5bb",
    ),
    (16, "2_side", 1): (
        "8211945e0f78f7b4",
        "7d988582947e9ca1897894816c8a778c9884b0b19e6a8875889785a3a596cac8ba85907f8a8c76aba791bab19d898b74",
    ),
    (17, "3_back", 4): (
        "5280500814f8114a",
        "c4d8debfc3c6bfc5c3c3d7dc8fbb865f6f5a687a6294bd8eb5cfafc39e8bbc9c89b3b8a5a9ce89d2c3a2c8c39ba6cb87",
    ),
    (35, "7_additional", 2): (
        "411e7fc6e44ca8e2",
        "cdc6bccdc5bbc2b9afd1cac0cec7bdaea197a28a7ed0c9bfccc5bbb08384ba7a74bba9a8cbc3baae6673b25e65b7939d",
    ),
    (41, "4_full", 0): (
        "d8836a004393188a",
        "a0b2cc9095a59cacc69caecaa3b0c5b4b1b4a9adb9a4b5cda9b9c2a296b8a7aac6afc0c8dee4ebc3c1d5c9c8dbdee4eb",
    ),
    (54, "2_side", 9): (
        "0b49932b0d097a9a",
        "aec2e0b0bbd1a8abb9adc1e0b6c8e2b8b9bdc0bcb6b7c9e2bdd0d7c7c3c0c9bbaac1d3dbf5fbffefe2e4ebcccbf5fbff",
    ),
    (63, "1_front", 5): (
        "1d47de046a1ec0bd",
        "ead9e3e6d3d5e3cbc4f2e3e8ebdae38a99ca7181b4f8eaebead9e36e7fbf4b64b5f3e5e9dacbd5e2b2c5e4a1b5dbccd6",
    ),
    (77, "3_back", 1): (
        "0abaf9dfca03b7ec",
        "e2d4dcd5caced0c4c9ded0dae6dadfcf8288cd8189e1d3dbe3d6dddfb196dba98cdfd1dad1c4cfcbaa9ecaa89bd1c3ce",
    ),
    (90, "7_additional", 6): (
        "dcbdb72b2f58ec41",
        "b4bcc4a9a29ca9a7a6aeb6beaeb6be9f7b61a08772aeb6beb2b5bab47268b78481b5bdc4b3a9a5d4898cc6868fb8bbbf",
    ),
}

GARMENTS = ("t-shirt", "shirt", "sweater", "hoodie")  # uppers that can stand in for each other


def pixels(look: Look, view: str, seed: int = 0) -> np.ndarray:
    return np.asarray(draw(look, view, seed=seed)).astype(int)


def grid(picture: Image.Image) -> bytes:
    """Mean colours of 4 x 4 fields, computed in exact integers by Pillow's box filter."""
    return picture.reduce(picture.width // 4).tobytes()


def altered(look: Look, **changes: str | None) -> Look:
    return replace(look, attributes={**look.attributes, **changes})


def others(name: str, attributes: Attributes) -> list[str]:
    """The values that could stand in the attribute's place on the same look."""
    values = GARMENTS if name == "upper" and attributes["upper"] in GARMENTS else SCHEMA[name]
    return [value for value in values if value != attributes[name]]


@pytest.mark.parametrize("case", PINNED, ids=str)
def test_a_seed_gives_the_same_pixels_everywhere(case):
    """Equal by hash. Where another Pillow or libm rounds an edge differently, equal to the eye: each field
    of a 4 x 4 grid within 2 of 255 levels, which no other picture of this table meets."""
    product, view, seed = case
    picture = draw(sample_look(product, 1, 0), view, seed=seed)
    digest, colors = PINNED[case]
    if hashlib.sha256(picture.tobytes()).hexdigest()[:16] != digest:
        distance = np.abs(np.frombuffer(grid(picture), np.uint8).astype(int) - list(bytes.fromhex(colors)))
        assert distance.max() <= 2


def test_the_tolerance_tells_pictures_apart():
    grids = [np.frombuffer(bytes.fromhex(colors), np.uint8).astype(int) for _, colors in PINNED.values()]
    assert len(grids) >= 8
    assert all(np.abs(a - b).max() > 20 for a, b in combinations(grids, 2))


def test_drawing_twice_is_the_same_and_seeds_are_other_photos():
    look = sample_look(3, 1, 0)
    shots = [draw(look, "1_front", seed=seed).tobytes() for seed in (0, 1, 2, 3, 0)]
    assert shots[0] == shots[4]
    assert len(set(shots)) == 4


@pytest.mark.parametrize("size", [64, 128, 224])
def test_pictures_are_square_and_rgb_at_any_size(size):
    picture = draw(sample_look(5, 1, 0), "4_full", size=size)
    assert (picture.mode, picture.size) == ("RGB", (size, size))


def test_sizes_show_the_same_picture():
    small, large = (draw(sample_look(8, 1, 0), "1_front", size=size) for size in (128, 256))
    difference = np.abs(np.asarray(small).astype(int) - np.asarray(large.reduce(2)).astype(int))
    assert difference.mean() < 12


def test_a_hidden_attribute_leaves_no_trace():
    compared = 0
    for product in range(100):
        look, view = sample_look(product, 1, 11), VIEWS[product % 5]
        shown = visible(look, view)
        before = draw(look, view, seed=product).tobytes()
        hidden = [name for name in SCHEMA if look.attributes[name] is not None and shown[name] is None]
        for name in hidden:
            other = altered(
                look, **{name: others(name, look.attributes)[0] if len(SCHEMA[name]) > 1 else None}
            )
            if visible(other, view) == shown:
                compared += 1
                assert draw(other, view, seed=product).tobytes() == before, (product, view, name)
    assert compared > 230


def test_a_visible_attribute_changes_what_one_sees():
    compared = 0
    for product in range(60):
        look, view = sample_look(product, 1, 12), VIEWS[product % 5]
        before = pixels(look, view)
        for name, value in visible(look, view).items():
            choices = others(name, look.attributes)
            if value is None or (name == "upper" and value not in GARMENTS):
                continue
            other = altered(look, **{name: choices[product % len(choices)] if choices else None})
            changed = (np.abs(pixels(other, view) - before).max(axis=2) > 20).sum()
            compared += 1
            assert changed >= 8, (product, view, name, value, other.attributes[name], int(changed))
    assert compared > 450


@pytest.mark.parametrize("name", ["hat", "glasses", "neckwear", "wrist", "ring", "belt", "socks"])
def test_an_accessory_is_large_enough_to_see(name):
    seen = 0
    for product in range(400):
        look, view = sample_look(product, 1, 13), VIEWS[product % 5]
        if visible(look, view)[name] is None:
            continue
        bare = altered(look, **{name: None})
        changed = np.abs(pixels(look, view) - pixels(bare, view)).max(axis=2) > 32
        seen += 1
        assert changed.sum() >= 7, (product, view)
        if seen == 12:
            return
    pytest.fail(f"{name} was seen only {seen} times")


def test_a_hat_and_shoes_stay_inside_the_frame_of_a_full_picture():
    for product in range(40):
        look = altered(sample_look(product, 1, 14), hat="beanie", socks="socks")
        bare = altered(look, hat=None, socks=None)
        for seed in (product, product + 1):
            changed = np.abs(pixels(look, "4_full", seed) - pixels(bare, "4_full", seed)).max(axis=2) > 16
            rows, columns = np.nonzero(changed)
            assert rows.min() >= 1 and rows.max() < 126 and columns.min() >= 1 and columns.max() <= 126


def test_no_two_colours_look_alike():
    for (one, a), (other, b) in combinations(CLOTH.items(), 2):
        gap = sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5
        assert gap > 60, (one, other)


def test_it_draws_and_saves_fast_enough():
    looks = [sample_look(product, 1, 0) for product in range(60)]
    draw(looks[0], VIEWS[0])
    start = perf_counter()
    for index, look in enumerate(looks):
        draw(look, VIEWS[index % 5], seed=index).save(BytesIO(), "JPEG", quality=92)
    assert len(looks) / (perf_counter() - start) > 15  # 200 and more on an idle core


def test_the_light_of_a_photo_keeps_colours_apart():
    """A white shirt stays lighter than a gray one in every light."""
    look = sample_look(21, 1, 0)
    for seed in range(6):
        white = pixels(altered(look, upper_color="white", outer=None), "1_front", seed).sum()
        gray = pixels(altered(look, upper_color="gray", outer=None), "1_front", seed).sum()
        assert white > gray
