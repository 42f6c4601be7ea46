"""Reading what is right: every format gives the same records; what is written is read back; files stream."""

import gc
import json
import os
import tracemalloc

import pytest
from absent import DATA, needs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_datasets import GOOD, WRITERS, add_pictures, encode, write_coco, write_deepfashion_rows, write_tabs

from lib.data.formats import (
    FormatError,
    Report,
    open_dataset,
    parse_name,
    read_captions,
    read_coco,
    read_deepfashion,
    read_flickr,
    read_folder,
    read_homework,
    read_karpathy,
    read_vocab,
    stream,
    write_deepfashion,
    write_homework,
)
from lib.data.formats.stream import read_members
from lib.data.text import Vocab

FORMAT = {"flickr-tabs": "flickr", "flickr-tokens": "flickr", "flickr-commas": "flickr"}

caption = st.text(max_size=30).map(lambda text: f"a{text}")  # line ends, other scripts and all
file_name = st.from_regex(r"[A-Za-z0-9_\u4e00-\u4e10 -]{1,12}\.jpg", fullmatch=True)
quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("kind", WRITERS)
def test_every_format_gives_the_same_records(house, kind):
    WRITERS[kind](house, GOOD)
    found = open_dataset(house)
    assert found.format == FORMAT.get(kind, kind)
    assert [(record.path, record.captions) for record in found] == [
        (house / "images" / name, (text,)) for name, text in GOOD
    ]
    assert not found.report.counts


def test_one_listing_and_no_opening(house, monkeypatch):
    """Pictures are empty files here, so opening one would fail; and the folder is listed once."""
    calls = []
    listing = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: calls.append(path) or listing(path))
    write_deepfashion_rows(house, GOOD)
    assert len(read_deepfashion(house)) == 3 and len(calls) == 1


def test_deepfashion_splits_attributes_and_several_captions(house):
    write_deepfashion_rows(house, GOOD[:1])
    (house / "test_captions.json").write_bytes(encode({"b.jpg": ["One.", "Two."]}))
    (house / "attributes.json").write_bytes(encode({"b.jpg": {"hat": None, "upper": "shirt"}, "z.jpg": {}}))
    first, second = found = read_deepfashion(house)
    assert (first.split, first.attributes) == ("train", None)
    assert (second.captions, second.attributes) == (("One.", "Two."), {"hat": None, "upper": "shirt"})
    assert found.sizes == {"train": 1, "test": 1} and found.split("test") == [second]
    assert "attributes.json knows 1" in found.report.notes[0]
    with pytest.raises(FormatError, match="no split 'val'; it has train, test"):
        found.split("val")


def test_single_captions_file_names_no_split(house):
    (house / "captions.json").write_bytes(encode(dict(GOOD)))
    assert read_deepfashion(house).sizes == {"unassigned": 3}
    write_deepfashion_rows(house, GOOD[:2])
    found = read_deepfashion(house)
    assert found.sizes == {"train": 2} and "captions.json is left aside" in found.report.notes[0]


def test_parse_name():
    name = parse_name("WOMEN-Rompers_Jumpsuits-id_00002367-04_1_front.jpg")
    assert name == ("WOMEN", "Rompers_Jumpsuits", "00002367", "00002367-04", "1_front")
    assert parse_name("some/folder/MEN-Denim-id_00000080-01_7_additional.jpg").category == "Denim"
    assert parse_name("1000268201_693b08cb0e.jpg") is None


@quick
@given(
    data=st.dictionaries(file_name, st.one_of(caption, st.lists(caption, min_size=1, max_size=5)), max_size=6)
)
def test_deepfashion_round_trip(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("house")
    add_pictures(folder / "images", data)
    names = list(data)
    parts = {"train": dict(list(data.items())[:3]), "val": dict(list(data.items())[3:])}
    attributes = {name: {"hat": None, "upper": "dress"} for name in names[::2]}
    write_deepfashion(folder, parts, attributes)
    found = read_deepfashion(folder)
    assert [record.id for record in found] == names
    for record in found:
        value = data[record.id]
        assert record.captions == ((value,) if isinstance(value, str) else tuple(value))
        assert record.attributes == attributes.get(record.id) and record.id in parts[record.split]
    assert not list(folder.glob(".*"))


@quick
@given(
    captions=st.lists(
        st.lists(st.from_regex(r"[a-z]{1,6}( [a-z]{1,6}){0,5}", fullmatch=True), min_size=2, max_size=2),
        min_size=1,
        max_size=5,
    )
)
def test_homework_round_trip(tmp_path_factory, captions):
    project = tmp_path_factory.mktemp("project")
    names = [f"{place}.jpg" for place in range(len(captions))]
    add_pictures(project / "dataset" / "images", names)
    vocab = Vocab.build(text for several in captions for text in several)
    rows = {
        str(project / "dataset" / "images" / name): [vocab.encode(text) for text in several]
        for name, several in zip(names, captions, strict=True)
    }
    write_homework(project / "output", {"train": rows}, vocab.numbers)
    found = read_homework(project / "output")
    assert Vocab.load(project / "output" / "vocab.json") == vocab
    for record, several in zip(found, captions, strict=True):
        assert [vocab.encode(text) for text in record.captions] == [vocab.encode(text) for text in several]


def test_homework_files_byte_for_byte(tmp_path):
    """As the course project's own json.dump writes them, without a line end."""
    vocab = Vocab.build(["The red dress.", "The hat, blue."])
    captions = {"../dataset/deepfashion/images/x.jpg": [vocab.encode("the dress . velvet")]}
    write_homework(tmp_path, {"train": captions}, vocab.numbers)
    assert (tmp_path / "vocab.json").read_bytes() == (
        b'{"the": 1, "red": 2, "dress": 3, ".": 4, "hat": 5, ",": 6, "blue": 7, '
        b'"<pad>": 0, "<unk>": 8, "<start>": 9, "<end>": 10}'
    )
    assert (tmp_path / "train_data.json").read_bytes() == (
        b'{"IMAGES": ["../dataset/deepfashion/images/x.jpg"], "CAPTIONS": [[9, 1, 3, 4, 8, 10]]}'
    )


def test_homework_needs_equally_many_captions_for_each_picture(tmp_path):
    """Its files cannot say which caption belongs to which picture otherwise."""
    vocab = Vocab.build(["a"])
    for rows in ({"x.jpg": [[1]], "y.jpg": [[1], [1]]}, {"x.jpg": []}):
        with pytest.raises(FormatError, match=r"train_data.json: pictures have .* expected equally many"):
            write_homework(tmp_path, {"train": rows}, vocab.numbers)


def homework(tmp_path, images, captions, vocab=None):
    add_pictures(tmp_path / "dataset", ["x.jpg"])
    (tmp_path / "secret.jpg").touch()
    folder = tmp_path / "output"
    folder.mkdir(exist_ok=True)
    vocab = vocab or {"a": 1, "<pad>": 0, "<unk>": 2, "<start>": 3, "<end>": 4}
    (folder / "vocab.json").write_text(json.dumps(vocab))
    (folder / "test_data.json").write_text(json.dumps({"IMAGES": images, "CAPTIONS": captions}))
    return folder


@pytest.mark.parametrize(
    ("images", "captions", "complaint"),
    [
        (["../dataset/gone.jpg"], [[3, 1, 4]], "IMAGES 0.*missing image"),
        (["../../secret.jpg"], [[3, 1, 4]], "IMAGES 0.*leads out"),
        (["/etc/x.jpg"], [[3, 1, 4]], "IMAGES 0.*leads out"),
        ([7], [[3, 1, 4]], "IMAGES 0.*wrong type"),
        (["../dataset/x.jpg"], [[3, 9, 4]], "CAPTIONS 0.*wrong type.*not 9"),
        (["../dataset/x.jpg"], [[3, True, 4]], "CAPTIONS 0.*wrong type"),
        (["../dataset/x.jpg"], ["text"], "CAPTIONS 0.*wrong type"),
        (["../dataset/x.jpg"], [[3, 4]], "CAPTIONS 0.*empty caption"),
        (["../dataset/x.jpg"] * 2, [[3, 1, 4]] * 2, "IMAGES 1.*duplicate id"),
        (["../dataset/x.jpg"] * 2, [[3, 1, 4]] * 3, "CAPTIONS.*same number for each of 2 IMAGES, not 3"),
    ],
)
def test_homework_bad_input(tmp_path, images, captions, complaint):
    folder = homework(tmp_path, images, captions)
    with pytest.raises(FormatError, match=rf"test_data.json: '{complaint}"):
        read_homework(folder)
    assert read_homework(folder, on_bad="skip").report.skipped == 1


@pytest.mark.parametrize(
    ("vocab", "complaint"),
    [
        ({"a": 1}, "expected an object of words"),
        ([1], "expected an object of words"),
        ({"a": "1", "<pad>": 0, "<unk>": 2, "<start>": 3, "<end>": 4}, "'a': expected a whole number"),
        ({"a": 2, "<pad>": 0, "<unk>": 1, "<start>": 3, "<end>": 4}, "'a' has number 2; expected 1"),
        ({"a": 1, "b": 1, "<pad>": 0, "<unk>": 2, "<start>": 3, "<end>": 4}, "'b' has number 1; expected 2"),
    ],
)
def test_vocabulary_numbered_otherwise_is_refused(tmp_path, vocab, complaint):
    (tmp_path / "vocab.json").write_text(json.dumps(vocab))
    with pytest.raises(FormatError, match=rf"vocab.json: {complaint}"):
        read_vocab(tmp_path / "vocab.json")


def test_coco_as_published(tmp_path):
    """Pictures beside annotations/, two splits, and an image that has no captions."""
    add_pictures(tmp_path / "val2014")
    add_pictures(tmp_path / "train2014", ["t.jpg"])
    file = write_coco(tmp_path, GOOD)
    other = {"images": [{"id": 1, "file_name": "t.jpg"}], "annotations": []}
    (file.parent / "captions_train2014.json").write_text(json.dumps(other))
    found = read_coco(tmp_path)
    assert [(r.id, r.split, len(r.captions)) for r in found] == [
        ("1", "train", 0), ("7", "val", 1), ("8", "val", 1), ("9", "val", 1)
    ]  # fmt: skip
    assert found.report.notes == ["1 pictures have no captions"]
    assert [record.id for record in open_dataset(file)] == ["7", "8", "9"]


def test_karpathy_of_coco(tmp_path):
    add_pictures(tmp_path / "val2014", ["v.jpg"])
    row = {
        "filename": "v.jpg",
        "filepath": "val2014",
        "cocoid": 42,
        "sentences": [{"raw": "A."}, {"raw": "B."}],
    }
    rows = [{**row, "split": "restval"}]
    (tmp_path / "dataset_coco.json").write_text(json.dumps({"images": rows, "dataset": "coco"}))
    found = read_karpathy(tmp_path)
    assert [(r.id, r.split, r.captions) for r in found] == [("42", "train", ("A.", "B."))]
    assert found.report.notes == ["1 pictures of 'restval' count as train"]
    rows[0]["split"] = "dev"
    (tmp_path / "dataset_coco.json").write_text(json.dumps({"images": rows}))
    with pytest.raises(FormatError, match=r"'v.jpg': wrong type; expected a split"):
        read_karpathy(tmp_path)


def test_flickr_as_its_authors_publish_it(tmp_path):
    add_pictures(tmp_path / "Flicker8k_Dataset")
    text = tmp_path / "Flickr8k_text"
    text.mkdir()
    (text / "Flickr8k.token.txt").write_text("a.jpg#0\tOne .\na.jpg#1\tTwo .\nb.jpg#0\tThree .\n")
    (text / "Flickr_8k.trainImages.txt").write_text("a.jpg\n")
    (text / "Flickr_8k.devImages.txt").write_text("b.jpg\n")
    found = open_dataset(tmp_path)
    assert [(r.id, r.split, r.captions) for r in found] == [
        ("a.jpg", "train", ("One .", "Two .")),
        ("b.jpg", "val", ("Three .",)),
    ]


def test_csv_with_commas_quotes_and_line_ends(house):
    (house / "captions.txt").write_text(
        'image,caption\na.jpg,"A ""red"" dress, long"\na.jpg,"two\nlines"\nb.jpg,x\n'
    )
    found = read_flickr(house)
    assert found[0].captions == ('A "red" dress, long', "two\nlines") and len(found) == 2


def test_byte_order_mark_is_tolerated(house):
    file = write_tabs(house, GOOD)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert len(read_flickr(house)) == 3
    file = write_deepfashion_rows(house, GOOD)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert len(read_deepfashion(house)) == 3


def test_folder_of_pictures(tmp_path):
    add_pictures(tmp_path / "x", ["b.PNG", "train/a.jpg", "val/deep/c.webp", "notes.md", "男士 图像.jpg"])
    (tmp_path / "x" / "train" / "a.txt").write_text("A dress.")
    found = open_dataset(tmp_path / "x")
    assert found.format == "folder"
    assert [(r.id, r.split, r.captions) for r in found] == [
        ("b.PNG", "unassigned", ()),
        ("train/a.jpg", "train", ("A dress.",)),
        ("val/deep/c.webp", "val", ()),
        ("男士 图像.jpg", "unassigned", ()),
    ]
    add_pictures(tmp_path / "empty", [])
    with pytest.raises(FormatError, match="no pictures"):
        read_folder(tmp_path / "empty")


def test_fashion_new(tmp_path):
    add_pictures(tmp_path / "images-raw", ["男士 A.jpg", "男士 B.jpg"])
    found = open_dataset(tmp_path)
    assert found.format == "fashion-new" and [len(record.captions) for record in found] == [0, 0]
    (tmp_path / "image_caption.json").write_bytes(encode({"男士 A.jpg": "A man."}))
    assert [record.captions for record in open_dataset(tmp_path)] == [("A man.",), ()]
    assert read_captions(tmp_path / "image_caption.json") == {"男士 A.jpg": ("A man.",)}
    (tmp_path / "image_caption.json").write_bytes(encode({"MEN_0000.jpg": "A man."}))
    with pytest.raises(FormatError, match=r"image_caption.json: 'MEN_0000.jpg'"):
        open_dataset(tmp_path)


def test_what_lies_there_must_be_one_thing(house, tmp_path):
    write_coco(house, GOOD)
    WRITERS["karpathy"](house, GOOD)
    with pytest.raises(FormatError, match="looks like coco and karpathy: name one with format="):
        open_dataset(house)
    assert open_dataset(house, format="coco").format == "coco"
    with pytest.raises(FormatError, match="unknown format 'pascal'; known: deepfashion"):
        open_dataset(house, format="pascal")
    (tmp_path / "nothing").mkdir()
    with pytest.raises(FormatError, match="none of them"):
        open_dataset(tmp_path / "nothing")
    with pytest.raises(FormatError, match="no such folder; expected a path or one of the names"):
        open_dataset(tmp_path / "nowhere")


json_value = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=12)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@quick
@given(
    value=st.dictionaries(st.text(max_size=6), json_value, max_size=6),
    indent=st.sampled_from([None, 1]),
    size=st.integers(1, 40),
)
def test_streamed_json_equals_json(tmp_path_factory, value, indent, size):
    """Whatever the chunks, members come as json.loads has them; arrays come whole or element by element."""
    file = tmp_path_factory.mktemp("stream") / "x.json"
    file.write_text(
        json.dumps(value, indent=indent, ensure_ascii=size % 2 == 0), encoding="utf-8", newline=""
    )
    before, stream.CHUNK = stream.CHUNK, size
    try:
        assert dict(read_members(file, Report())) == value
        pieces = list(read_members(file, Report(), inside=set(value)))
    finally:
        stream.CHUNK = before
    expected = [(k, x) for k, v in value.items() for x in (v if isinstance(v, list) else [v])]
    assert pieces == expected


@quick
@given(cut=st.integers(0, 200), size=st.integers(1, 50))
def test_json_cut_anywhere_is_never_taken_for_whole(tmp_path_factory, cut, size):
    whole = json.dumps({"a": [1.5, "x\u00e9\n", {"b": None}], "c": {"d": [True, -12e3]}}, indent=1)
    file = tmp_path_factory.mktemp("cut") / "x.json"
    file.write_text(whole[: min(cut, len(whole) - 1)], encoding="utf-8")
    before, stream.CHUNK = stream.CHUNK, size
    try:
        with pytest.raises(FormatError, match="not JSON"):
            list(read_members(file, Report(), inside={"a"}))
    finally:
        stream.CHUNK = before


def test_records_are_small(tmp_path):
    """At most 1,400 bytes a record at the peak; benchmarks/readers.py measures a million of them."""
    count = 4_000
    rows = [
        (f"COCO_val2014_{number:012d}.jpg", f"Caption {number} of a person who wears clothes.")
        for number in range(count)
    ]
    add_pictures(tmp_path / "val2014", [name for name, _ in rows])
    write_coco(tmp_path, rows)
    read_coco(tmp_path)
    gc.collect()
    tracemalloc.start()
    before, stream.CHUNK = stream.CHUNK, 1 << 14
    try:
        found = read_coco(tmp_path)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        stream.CHUNK = before
    assert len(found) == count
    assert kept < 600 * count and peak < 1_400 * count


@needs(DATA / "flickr8k")
def test_real_flickr8k():
    found = open_dataset(DATA / "flickr8k")
    assert found.format == "flickr" and found.sizes == {"train": 5996, "val": 1000, "unassigned": 90}
    assert {len(record.captions) for record in found} == {5}


@needs(DATA / "deepfashion_text")
def test_real_deepfashion(tmp_path):
    found = open_dataset(DATA / "deepfashion_text", need_images=False)
    assert found.format == "deepfashion" and found.sizes == {"train": 10155, "test": 2538}
    assert all(parse_name(record.id) for record in found)
    rows = {split: {r.id: r.captions for r in found.split(split)} for split in found.sizes}
    write_deepfashion(tmp_path, rows)
    for name in ("train_captions.json", "test_captions.json"):
        ours, theirs = (
            json.loads((folder / name).read_text()) for folder in (tmp_path, DATA / "deepfashion_text")
        )
        assert ours == theirs and list(ours) == list(theirs)
