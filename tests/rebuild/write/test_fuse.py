"""One caption from two parts, and the files it is written into."""

import random

import pytest
from asked_folder import fill

from atelier.describe import describe, describe_background
from atelier.parse import parse
from atelier.sample import sample_look
from atelier.visible import visible
from lib.data.formats import open_dataset, read_captions
from lib.files import read_json
from rebuild.errors import RebuildError
from rebuild.write.fuse import (
    fuse,
    merge_rows,
    plain_name,
    split_by_content,
    write_course_files,
    write_rebuilt,
)


def row(name, number=0, **texts):
    return {"id": f"{number:016x}", "name": name, "texts": texts, "flags": [], "failed": {}}


def test_a_fused_caption_says_what_its_two_parts_say():
    rng = random.Random(1)
    for product in range(60):
        attributes = visible(sample_look(product, 1, 0), "4_full")
        garments, background = describe(attributes, rng), describe_background(attributes, rng)
        fused = fuse(garments, background)
        assert parse(fused).attributes == parse(garments).attributes | parse(background).attributes
        assert (
            parse(fused).attributes["background"] == attributes["background"] and not parse(fused).conflicts
        )
        assert fused == f"{garments} {background}"


def test_the_walls_colour_does_not_become_the_shirts():
    fused = fuse("A man wears a red shirt.", "the wall is white")
    assert fused == "The wall is white. A man wears a red shirt."
    assert parse(fused).attributes["upper_color"] == "red"


@pytest.mark.parametrize(
    ("garments", "background", "fused"),
    [
        ("a red shirt", "in a park", "A red shirt. In a park."),
        ("", "in a park.", "In a park."),
        ("A red shirt!", " ", "A red shirt!"),
        ("", "", ""),
        ("男子穿着红色衬衫。", "背景是街道。", "男子穿着红色衬衫。背景是街道。"),
    ],
)
def test_parts_become_sentences_and_either_may_be_missing(garments, background, fused):
    assert fuse(garments, background) == fused


def test_two_runs_over_one_folder_become_rows_that_know_who_wrote_what():
    ours = {"backend": "own models", "model": "ours", "fingerprint": "1", "prompts": {"garments": "caption"}}
    theirs = {"backend": "openai", "model": "theirs", "fingerprint": "2", "prompts": {"background": "Where?"}}
    told = row("b.jpg", 2, garments="A shirt.") | ours
    other = row("b.jpg", 2, background="A park.") | theirs | {"flags": ["odd"]}
    alone = row("a.jpg", 1, background="A street.") | {"failed": {"garments": "no"}}
    refused = {"id": None, "name": "z.jpg", "texts": {}, "failed": {"picture": "empty"}, "flags": ["refused"]}
    merged = merge_rows([told, refused], [other, alone, refused])
    assert [each["name"] for each in merged] == ["a.jpg", "b.jpg", "z.jpg"]
    both = merged[1]
    assert both["texts"] == {"garments": "A shirt.", "background": "A park."} and both["flags"] == ["odd"]
    wrote = {kind: who["model"] for kind, who in both["sources"].items()}
    assert wrote == {"garments": "ours", "background": "theirs"}
    assert both["sources"]["background"]["prompt"] == "Where?" and "model" not in both
    assert told["texts"] == {"garments": "A shirt."}


def test_the_seeds_files_and_its_dataset_layout_are_written_and_read_back(tmp_path):
    names = fill(tmp_path / "raw", 12, names=["子 目录/深 蓝.png", "a b.png"])
    rows = [
        row(name, n, garments=f"Shirt number {n}.", background="In a park.") for n, name in enumerate(names)
    ]
    rows[3]["texts"] = {}
    files = write_course_files(tmp_path, rows)
    assert {name: file.name for name, file in files.items()} == {
        "garments": "image_caption.json", "background": "background_caption.json",
    }  # fmt: skip
    assert read_captions(files["garments"])[names[0]] == ("Shirt number 0.",)
    assert len(read_json(files["background"])) == 11
    rebuilt = write_rebuilt(tmp_path / "rebuilt", rows, tmp_path / "raw", split=lambda r: "train")
    dataset = open_dataset(tmp_path / "rebuilt")
    assert rebuilt.sizes == {"train": 11} and rebuilt.without_text == 1
    assert {r.id: r.captions for r in dataset} == {
        r["name"]: (f"{r['texts']['garments']} In a park.",) for r in rows if r["texts"]
    }
    assert all(r.path.read_bytes() == (tmp_path / "raw" / r.id).read_bytes() for r in dataset)


def test_writing_again_with_other_splits_leaves_nothing_of_the_first(tmp_path):
    names = fill(tmp_path / "raw", 4)
    rows = [row(name, n, garments="A shirt.") for n, name in enumerate(names)]
    write_rebuilt(tmp_path / "rebuilt", rows, tmp_path / "raw", split=lambda r: "test")
    write_rebuilt(tmp_path / "rebuilt", rows, tmp_path / "raw", split=None)
    assert [file.name for file in (tmp_path / "rebuilt").glob("*.json")] == ["captions.json"]
    assert {r.split for r in open_dataset(tmp_path / "rebuilt")} == {"unassigned"}


def test_nothing_to_write_is_one_line(tmp_path):
    with pytest.raises(RebuildError, match="no picture has a text"):
        write_rebuilt(tmp_path / "rebuilt", [row("x.jpg")], tmp_path)


@pytest.mark.parametrize("name", ["a\\..\\b.JPG", "c:d.JPG", "\udcd0.JPG"])
def test_names_that_no_other_system_takes_become_ids(name):
    assert plain_name(row(name, 7)) == "0000000000000007.jpg"


def test_splits_hang_on_content_or_product_alone_and_have_their_sizes():
    rows = [row(f"{n}.jpg", n * 7919 + 3) for n in range(2000)]
    splits = [split_by_content(each) for each in rows]
    assert 0.77 < splits.count("train") / 2000 < 0.83 and 0.07 < splits.count("val") / 2000 < 0.13
    views = ("01_1_front", "01_4_full", "02_2_side")
    names = [f"WOMEN-Dresses-id_0000636{product}-{view}.jpg" for product in range(8) for view in views]
    by_product = {}
    for number, name in enumerate(names):
        by_product.setdefault(name[:25], set()).add(split_by_content(row(name, number)))
    assert all(len(splits) == 1 for splits in by_product.values())
