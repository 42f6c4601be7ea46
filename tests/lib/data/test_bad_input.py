"""One test for each thing that can be wrong with a dataset: named by file and key, or counted."""

import os

import pytest
from small_datasets import GOOD, WRITERS, add_pictures, encode, write_coco, write_deepfashion_rows

from lib.data.formats import (
    FormatError,
    open_dataset,
    read_deepfashion,
    read_flickr,
    read_folder,
    write_deepfashion,
)

JSON_FORMATS = ("deepfashion", "coco", "karpathy")
LONE = b"\xff".decode("utf-8", "surrogateescape")


def check(folder, file, reason, place, *, kept=3):
    """Raises naming file and place; skips with one counted reason, and keeps the good rows."""
    with pytest.raises(FormatError) as caught:
        open_dataset(folder)
    message = str(caught.value)
    assert file.name in message and place in message and reason in message and "expected" in message
    assert "\n" not in message and message.isprintable()
    found = open_dataset(folder, on_bad="skip")
    assert dict(found.report.counts) == {reason: 1}
    assert found.report.examples[reason] == [message]
    assert len(found) == kept and [r.captions[0] for r in found] == [caption for _, caption in GOOD][:kept]


def place_of(kind: str, name: str) -> str:
    """How each format names the fourth picture: COCO by id, the others by its name."""
    return "images id 10" if kind == "coco" else name


@pytest.mark.parametrize("kind", WRITERS)
def test_missing_image(house, kind):
    file = WRITERS[kind](house, [*GOOD, ("gone.jpg", "A ghost.")])
    check(house, file, "missing image", place_of(kind, "gone.jpg"))


@pytest.mark.parametrize("kind", WRITERS)
def test_folder_with_the_name_of_a_picture_is_no_image(house, kind):
    (house / "images" / "dir.jpg").mkdir()
    file = WRITERS[kind](house, [*GOOD, ("dir.jpg", "A folder.")])
    check(house, file, "missing image", place_of(kind, "dir.jpg"))


@pytest.mark.parametrize("kind", WRITERS)
def test_empty_caption(house, kind):
    add_pictures(house / "images", ["d.jpg"])
    file = WRITERS[kind](house, [*GOOD, ("d.jpg", "  ")])
    place = {
        "deepfashion": "d.jpg",
        "karpathy": "d.jpg",
        "coco": "annotations id 103",
        "flickr-tokens": "line 4",
    }
    check(house, file, "empty caption", place.get(kind, "line 5"))


@pytest.mark.parametrize("value", [7, None, {"text": "x"}, [["nested"]], True])
@pytest.mark.parametrize("kind", JSON_FORMATS)
def test_caption_of_wrong_type(house, kind, value):
    add_pictures(house / "images", ["d.jpg"])
    file = WRITERS[kind](house, [*GOOD, ("d.jpg", value)])
    check(house, file, "wrong type", "annotations id 103" if kind == "coco" else "d.jpg")


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("flickr-tabs", "d.jpg\tno number"),
        ("flickr-tokens", "d.jpg no number"),
        ("flickr-commas", "d.jpg,a,b"),
    ],
)
def test_row_of_wrong_shape(house, kind, line):
    file = WRITERS[kind](house, GOOD)
    file.write_text(f"{file.read_text()}\n{line}\n")
    check(house, file, "wrong type", "line 4" if kind == "flickr-tokens" else "line 5")


def test_quote_that_never_closes(house):
    file = WRITERS["flickr-commas"](house, GOOD)
    file.write_text(f'{file.read_text()}\nd.jpg,"open\nand on')
    check(house, file, "wrong type", "line 5")


@pytest.mark.parametrize("kind", JSON_FORMATS)
def test_not_json(house, kind):
    file = WRITERS[kind](house, GOOD)
    text = file.read_text()
    file.write_text(text.rstrip("}] \n"))
    with pytest.raises(FormatError, match=rf"{file.name}: line \d+: not JSON"):
        open_dataset(house)
    assert open_dataset(house, on_bad="skip").report.counts["not JSON"] == 1
    file.write_text("this is no JSON")
    with pytest.raises(FormatError, match=rf"{file.name}: line 1: not JSON"):
        open_dataset(house)
    file.write_text(text + "{}")
    with pytest.raises(FormatError, match="more text after the object"):
        open_dataset(house)


def test_line_of_broken_json_is_named(house):
    write_deepfashion_rows(house, GOOD)
    file = house / "train_captions.json"
    file.write_text(file.read_text().replace('"b.jpg": ', '"b.jpg" '))
    with pytest.raises(FormatError, match=r"line 2"):
        open_dataset(house)


def outside_names(house):
    (house / "images" / "link.jpg").symlink_to(house.parent / "secret.jpg")
    (house / "images" / "way").symlink_to(house.parent, target_is_directory=True)
    absolute = (house.parent / "secret.jpg").as_posix()
    return [
        "../../secret.jpg",
        absolute,
        "link.jpg",
        "way/secret.jpg",
        "..\\..\\secret.jpg",
        "C:\\secret.jpg",
    ]


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("case", range(6))
def test_path_that_leads_out(house, kind, case):
    name = outside_names(house)[case]
    file = WRITERS[kind](house, [*GOOD, (name, "Not yours.")])
    shown = name.replace("\\", "\\\\")
    check(house, file, "path leads out of the folder", place_of(kind, shown))


def test_link_that_stays_inside_is_read(house):
    (house / "images" / "d.jpg").symlink_to(house / "images" / "a.jpg")
    write_deepfashion_rows(house, [*GOOD, ("d.jpg", "The same again.")])
    assert len(open_dataset(house)) == 4


def test_folder_of_pictures_may_be_a_link(house, tmp_path):
    (house / "images").rename(tmp_path / "big disk")
    (house / "images").symlink_to(tmp_path / "big disk", target_is_directory=True)
    write_deepfashion_rows(house, GOOD)
    assert len(open_dataset(house)) == 3


@pytest.mark.parametrize("kind", WRITERS)
def test_duplicate_id(house, kind):
    file = WRITERS[kind](house, [*GOOD, GOOD[1]])
    place = {"coco": "images id 8", "flickr-tabs": "line 5", "flickr-tokens": "line 4"}
    if kind == "flickr-commas":  # no numbers: the same row twice is two captions
        assert [len(record.captions) for record in open_dataset(house)] == [1, 2, 1]
        return
    check(house, file, "duplicate id", place.get(kind, "b.jpg"))


def test_duplicate_over_two_splits(house):
    write_deepfashion_rows(house, GOOD)
    (house / "val_captions.json").write_bytes(encode({"b.jpg": "Again."}))
    check(house, house / "val_captions.json", "duplicate id", "b.jpg")


def test_duplicate_annotation_and_stray_annotation(house):
    file = write_coco(house, GOOD)
    good = file.read_text()
    file.write_text(good.replace('"id": 101', '"id": 100'))
    with pytest.raises(FormatError, match=r"annotations id 100.*duplicate id"):
        open_dataset(house)
    file.write_text(good.replace('"image_id": 8', '"image_id": 5'))
    with pytest.raises(FormatError, match=r"image_id 5"):
        open_dataset(house)


def test_coco_id_of_wrong_type_in_karpathys_file(house):
    file = WRITERS["karpathy"](house, GOOD)
    good = file.read_text()
    assert good.count('"filename"') == 3
    file.write_text(good.replace('"filename"', '"cocoid": null, "filename"'))
    assert [record.id for record in open_dataset(house)] == ["a.jpg", "b.jpg", "c.jpg"]
    file.write_text(good.replace('"filename": "c.jpg"', '"cocoid": [1], "filename": "c.jpg"'))
    check(house, file, "wrong type", "c.jpg", kept=2)


def test_key_twice_inside_an_element(house):
    file = write_coco(house, GOOD)
    file.write_text(file.read_text().replace('"id": 7,', '"id": 7, "id": 9,'))
    with pytest.raises(FormatError, match="each key once"):
        open_dataset(house)


@pytest.mark.parametrize("kind", WRITERS)
def test_not_utf8(house, kind):
    add_pictures(house / "images", ["d.jpg"])
    file = WRITERS[kind](house, [*GOOD, ("d.jpg", f"caf{LONE}")])
    place = {
        "deepfashion": "d.jpg",
        "karpathy": "d.jpg",
        "coco": "annotations id 103",
        "flickr-tokens": "line 4",
    }
    check(house, file, "not UTF-8", place.get(kind, "line 5"))


def test_half_a_character_written_as_a_json_escape(house):
    add_pictures(house / "images", ["d.jpg"])
    file = house / "train_captions.json"
    write_deepfashion_rows(house, GOOD)
    file.write_text(file.read_text()[:-1] + ', "d.jpg": "half \\ud83d"}')
    check(house, file, "not UTF-8", "d.jpg")


def test_utf16_file(house):
    file = write_deepfashion_rows(house, GOOD)
    file.write_bytes(file.read_text().encode("utf-16"))
    with pytest.raises(FormatError, match=r"train_captions.json: line 1: not UTF-8"):
        open_dataset(house)


def test_folder_spelled_two_ways(tmp_path):
    for spelling in ("deepfashion-multimodal", "deepfashion-multimodel"):
        add_pictures(tmp_path / spelling / "images")
        write_deepfashion_rows(tmp_path / spelling, GOOD)
    for path in (tmp_path, tmp_path / "deepfashion-multimodal", tmp_path / "deepfashion-multimodel"):
        with pytest.raises(FormatError, match=r"deepfashion-multimod.l and deepfashion-multimod.l.*two ways"):
            read_deepfashion(path)
    found = read_deepfashion(tmp_path / "deepfashion-multimodel", on_bad="skip")
    assert len(found) == 3 and found.folder.name == "deepfashion-multimodel"
    assert found.report.counts == {"folder spelled two ways": 1}


@pytest.mark.parametrize(
    "spelling", ["deepfashion-multimodal", "deepfashion-multimodel", "deepfasion-multimodel"]
)
def test_each_spelling_is_taken(tmp_path, spelling):
    add_pictures(tmp_path / spelling / "images")
    write_deepfashion_rows(tmp_path / spelling, GOOD)
    assert len(read_deepfashion(tmp_path / "deepfashion-multimodal")) == 3
    assert len(read_deepfashion(tmp_path)) == 3
    assert open_dataset(tmp_path).format == "deepfashion"


def test_one_spelling_linked_to_the_other_is_one_folder(tmp_path):
    add_pictures(tmp_path / "deepfashion-multimodal" / "images")
    write_deepfashion_rows(tmp_path / "deepfashion-multimodal", GOOD)
    (tmp_path / "deepfashion-multimodel").symlink_to(tmp_path / "deepfashion-multimodal")
    assert len(read_deepfashion(tmp_path)) == 3


def test_pictures_of_flickr_in_two_folders(house):
    WRITERS["flickr-tabs"](house, GOOD)
    (house / "Flicker8k_Dataset").mkdir()
    with pytest.raises(FormatError, match=r"images and Flicker8k_Dataset.*two ways"):
        read_flickr(house)


def test_split_files_of_flickr(house):
    WRITERS["flickr-tabs"](house, GOOD)
    (house / "train.txt").write_text("a.jpg\n")
    (house / "val.txt").write_text("a.jpg\nghost.jpg\nb.jpg\n")
    with pytest.raises(FormatError, match=r"val.txt: line 1: duplicate id"):
        read_flickr(house)
    found = read_flickr(house, on_bad="skip")
    assert [(r.id, r.split) for r in found] == [("a.jpg", "train"), ("b.jpg", "val"), ("c.jpg", "unassigned")]
    assert found.report.counts == {"duplicate id": 1, "empty caption": 1}
    assert "1 pictures are in no split file" in found.report.notes[0]


def test_unknown_header(house):
    (house / "captions.txt").write_text("picture;text\na.jpg;A dress.\n")
    with pytest.raises(FormatError, match=r"captions.txt: line 1: expected the header"):
        read_flickr(house)


def test_attributes_of_wrong_type(house):
    write_deepfashion_rows(house, GOOD)
    (house / "attributes.json").write_bytes(encode({"a.jpg": {"upper": "dress", "hat": 3}}))
    check(house, house / "attributes.json", "wrong type", "a.jpg")


def test_missing_folder_of_pictures(house):
    write_deepfashion_rows(house, GOOD)
    for picture in (house / "images").iterdir():
        picture.unlink()
    (house / "images").rmdir()
    with pytest.raises(FormatError, match=r"images: no such folder"):
        open_dataset(house)
    assert len(open_dataset(house, need_images=False)) == 3


def test_sidecars(tmp_path):
    add_pictures(tmp_path / "x", ["a.jpg", "b.jpg", "c.jpg"])
    (tmp_path / "x" / "a.txt").write_text("One.\n\nTwo.\n")
    (tmp_path / "x" / "b.txt").write_text("\n")
    with pytest.raises(FormatError, match=r"b.txt.*empty caption"):
        read_folder(tmp_path / "x")
    (tmp_path / "secret.txt").write_text("Not yours.")
    (tmp_path / "x" / "c.txt").symlink_to(tmp_path / "secret.txt")
    found = read_folder(tmp_path / "x", on_bad="skip")
    assert [(r.id, r.captions) for r in found] == [("a.jpg", ("One.", "Two."))]
    assert found.report.counts == {"empty caption": 1, "path leads out of the folder": 1}


def test_several_bad_rows_are_counted_and_some_shown(house):
    write_deepfashion_rows(house, [*GOOD, *((f"gone{i}.jpg", "x") for i in range(9)), ("a.jpg", "again")])
    report = open_dataset(house, on_bad="skip").report
    assert report.counts == {"missing image": 9, "duplicate id": 1} and report.skipped == 10
    assert len(report.examples["missing image"]) == 5


def test_bad_caption_among_good_ones_costs_only_itself(house):
    write_deepfashion_rows(house, [("a.jpg", ["Good.", "", "Also good."]), *GOOD[1:]])
    found = open_dataset(house, on_bad="skip")
    assert found[0].captions == ("Good.", "Also good.") and found.report.counts == {"empty caption": 1}


@pytest.mark.parametrize(
    ("captions", "complaint"),
    [
        ({"train": {"a.jpg": ""}}, "empty caption"),
        ({"train": {"a.jpg": []}}, "empty caption"),
        ({"train": {"../a.jpg": "x"}}, "leads out"),
        ({"train": {"a.jpg": "x"}, "test": {"a.jpg": "y"}}, "duplicate id"),
        ({"dev": {"a.jpg": "x"}}, "dev"),
    ],
)
def test_writer_refuses_what_the_reader_would(tmp_path, captions, complaint):
    with pytest.raises(FormatError, match=complaint):
        write_deepfashion(tmp_path, captions)
    assert not list(tmp_path.iterdir())


def test_on_bad_takes_two_words(house):
    write_deepfashion_rows(house, GOOD)
    with pytest.raises(ValueError, match="on_bad"):
        open_dataset(house, on_bad="ignore")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a system with named pipes")
def test_named_pipe_is_no_picture(house):
    os.mkfifo(house / "images" / "d.jpg")
    write_deepfashion_rows(house, [*GOOD, ("d.jpg", "A trap.")])
    check(house, house / "train_captions.json", "missing image", "d.jpg")
