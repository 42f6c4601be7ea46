"""Drawing: the same pixels for a seed, nothing hidden leaks, everything visible shows, and it is fast."""

import hashlib
from dataclasses import replace
from io import BytesIO
from itertools import combinations
from time import perf_counter

import numpy as np
import pytest
from PIL import Image

from lib.atelier.draw import draw
from lib.atelier.palette import CLOTH
from lib.atelier.sample import sample_look
from lib.atelier.visible import visible
from lib.atelier.wardrobe import SCHEMA, VIEWS, Facts, Look

# (product, view, seed) -> the start of sha256 over the raw RGB bytes, and the mean colours of a 4 x 4 grid
PINNED = {
    (0, "1_front", 0): (
        "e5f9616378c4219d",
        "e4deeacfbec1cfbfc6ddd5e6eae4ee78a48081ab8bded7e7e6e0ec648d70809e8cddd6e6d2cbdcaf93c3b79fcad1c9db",
    ),
    (8, "4_full", 3): (
        "9809fe694e193037",
        "c9d1c4bab8a3c2cabcc4d1c5d3d9c9b6aa6bc7c08dc5d2c6cfd9d0d1d5caced5cac4d1c5bac6bdb2b6acb2b7acb9c5bb",
    ),
    (16, "2_side", 1): (
        "4eea0fb26f51d95f",
        "7d988582937da0a1897894816c8a77879580abaf9d6a8875889785a0a494c4c5b685907f8a8c76a6a48dbdb49f898b74",
    ),
    (17, "3_back", 4): (
        "f06773771ea63b14",
        "c4d8debdc0c3bdc2c0c3d7dc8fbb86606f5a67776194bd8eb5cfafc49d8abd9d89b3b8a5a9ce89d2c2a2c8c39ba6cb87",
    ),
    (35, "7_additional", 2): (
        "ddcd6d5f2fbd4a22",
        "cdc6bccbc2b8bfb5aad1cac0cec7bdada096a0897dd0c9bfccc5bbaf7d81bb7574b9a5a5cbc2b9a96977af656ab6919b",
    ),
    (41, "4_full", 0): (
        "838dd51b634c95d7",
        "a0b2cc9093a29cacc69caecaa3b0c5b8b5b7a8acb7a4b5cda9b9c2a194b8a7a9c6afc0c8dee4ebc3c1d5c8c7dadee4eb",
    ),
    (54, "2_side", 9): (
        "5d6ef09d8beb49ec",
        "aec2e0b0bacfa7aab7adc1e0b6c8e2babcc1c3c0bbb7c9e2bdd0d7c8c7c6cbbfb0c1d3dbf5fbffefe3e5eccfcef5fbff",
    ),
    (63, "1_front", 5): (
        "62499d46833852cb",
        "ead9e3e6d2d4e2c9c2f2e3e8ebdae38596ca6b7eb5f8eaebead9e37080be4c64b5f3e5e8dacbd5e2b1c5e4a1b5dbccd6",
    ),
    (77, "3_back", 1): (
        "def8fb73b68c5b91",
        "e2d4dcd4c8cccec1c8ded0dae6dadfcf8085cd8087e1d3dbe3d6dddfb296dbaa8cdfd1dad1c4cfcbaa9ecaa79ad1c3ce",
    ),
    (90, "7_additional", 6): (
        "c3d90d7b0b02cf88",
        "b4bcc4a89d94a8a4a0aeb6beaeb6be9f7a5f9f856faeb6beb2b4b8bb756abc8481b5bdc4b3a8a4d5888dc78691b8b9bd",
    ),
}

GARMENTS = ("t-shirt", "shirt", "sweater", "hoodie")  # uppers that can stand in for each other


def pixels(look: Look, view: str, seed: int = 0) -> np.ndarray:
    return np.asarray(draw(look, view, seed=seed)).astype(int)


def grid(picture: Image.Image) -> bytes:
    """Mean colours of 4 x 4 fields, computed in exact integers by Pillow's box filter."""
    return picture.reduce(picture.width // 4).tobytes()


def altered(look: Look, **changes: str | None) -> Look:
    return replace(look, facts={**look.facts, **changes})


def others(name: str, facts: Facts) -> list[str]:
    """The values that could stand in the attribute's place on the same look."""
    values = GARMENTS if name == "upper" and facts["upper"] in GARMENTS else SCHEMA[name]
    return [value for value in values if value != facts[name]]


@pytest.mark.parametrize("case", PINNED, ids=str)
def test_a_seed_gives_the_same_pixels_everywhere(case):
    """Equal by hash; where another Pillow or libm rounds an edge differently, equal to the eye: every field of
    a 4 x 4 grid within 2 of 255 levels, which no other picture of this table meets."""
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


def test_a_hidden_fact_leaves_no_trace():
    compared = 0
    for product in range(130):
        look, view = sample_look(product, 1, 11), VIEWS[product % 5]
        shown = visible(look, view)
        before = draw(look, view, seed=product).tobytes()
        hidden = [name for name in SCHEMA if look.facts[name] is not None and shown[name] is None]
        for name in hidden:
            other = altered(look, **{name: others(name, look.facts)[0] if len(SCHEMA[name]) > 1 else None})
            if visible(other, view) == shown:
                compared += 1
                assert draw(other, view, seed=product).tobytes() == before, (product, view, name)
    assert compared > 300


def test_a_visible_fact_changes_what_one_sees():
    compared = 0
    for product in range(90):
        look, view = sample_look(product, 1, 12), VIEWS[product % 5]
        before = pixels(look, view)
        for name, value in visible(look, view).items():
            choices = others(name, look.facts)
            if value is None or (name == "upper" and value not in GARMENTS):
                continue
            other = altered(look, **{name: choices[product % len(choices)] if choices else None})
            changed = (np.abs(pixels(other, view) - before).max(axis=2) > 20).sum()
            compared += 1
            assert changed >= 8, (product, view, name, value, other.facts[name], int(changed))
    assert compared > 700


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
