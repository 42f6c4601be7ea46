"""Styled captions of three datasets: one record a picture and style, and every bad row named by its line."""

import json

import pytest

from lib.data.formats import FormatError
from lib.data.formats.styles import (
    pictures_of,
    read_styled,
    read_styles,
    style_of,
    style_prefix,
    styled_captions,
    styled_record,
)
from lib.data.record import Caption, Record
from lib.data.text import MARK, Vocab
from lib.paths import ROOT

SHARED = ROOT.parent / "shared" / "data"
STYLES = "Cheerful\nSweet\nAppreciative (Grateful)\n"
GRATEFUL = "Appreciative (Grateful)"


def row(style, comment, image="a1", **more):
    return {"personality": style, "comment": comment, "image_hash": image, **more}


@pytest.fixture
def personality(tmp_path):
    """Write the files of the splits, as JSON lines or lists, and read them."""

    def read(form="lines", **given):
        splits = {name: given.pop(name) for name in ("train", "val", "test") if name in given}
        (tmp_path / "personalities.txt").write_text(STYLES)
        for split, rows in splits.items():
            lines = [line if isinstance(line, str) else json.dumps(line) for line in rows]
            text = "\n".join(lines) if form == "lines" else json.dumps(rows)
            (tmp_path / f"{split}.json").write_text(text)
        return read_styled("personality", tmp_path, tmp_path / "img", **{"need_images": False} | given)

    return read


@pytest.mark.parametrize("form", ["lines", "list"])
def test_two_styles_of_one_picture_are_two_records(personality, tmp_path, form):
    data = personality(
        form,
        train=[
            row("Sweet", "how sweet"),
            row(GRATEFUL, "thank you", additional_comments=None),
            row("Sweet", "sweet again"),
        ],
        test=[row("Cheerful", "yay", "b2", additional_comments=["hooray", "wow"])],
    )
    assert [(r.id, r.captions, r.split, r.group) for r in data] == [
        ("a1.jpg#Sweet", ("how sweet", "sweet again"), "train", "a1.jpg"),
        (f"a1.jpg#{GRATEFUL}", ("thank you",), "train", "a1.jpg"),
        ("b2.jpg#Cheerful", ("yay", "hooray", "wow"), "test", "b2.jpg"),
    ]
    assert [style_of(r) for r in data] == ["Sweet", GRATEFUL, "Cheerful"]
    assert data[0].media == f"{tmp_path / 'img'}/a1.jpg" and data[0].attributes is None


def test_told_pictures_stand_once_each_with_nothing_said(personality):
    rows = [row(style, "how it is", name) for name in ("a1", "b2") for style in ("Sweet", GRATEFUL)]
    found = pictures_of(personality(train=rows, val=[row("Cheerful", "yay", "c3")]))
    told = [(record.id, record.captions, record.split, record.group) for record in found]
    assert told == [(f"{n}.jpg", (), s, None) for n, s in (("a1", "train"), ("b2", "train"), ("c3", "val"))]
    assert found[0].media.endswith("/img/a1.jpg") and found.format == "personality"


def test_the_suffix_of_the_pictures_is_the_one_given(personality, tmp_path):
    (tmp_path / "img").mkdir()
    (tmp_path / "img" / "a1.png").touch()
    rows = [row("Sweet", "how sweet")]
    assert personality(train=rows, file_attr=".png", need_images=True)[0].path == tmp_path / "img" / "a1.png"
    with pytest.raises(FormatError, match=r"train\.json: line 1: missing image; expected a file 'a1\.jpg'"):
        personality(train=rows, need_images=True)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (
            row("sweet", "x"),
            r"line 3: wrong type; expected a known style, not 'sweet'; did you mean 'Sweet'\?",
        ),
        (row("Xyzzy", "x"), r"line 3: .*a known style, not 'Xyzzy'; known: Cheerful, Sweet, Appreciative"),
        (row(["Sweet"], "x"), r"line 3: .*a known style, not \['Sweet'\]"),
        (row("Sweet", None), r"line 3: wrong type; expected a caption \(text\), not NoneType"),
        (row("Sweet", " "), r"line 3: empty caption"),
        (row("Sweet", "x", None), r"line 3: wrong type; expected a file name, not NoneType"),
        (row("Sweet", "x", "../a"), r"line 3: path leads out of the folder"),
        (row("Sweet", "x", additional_comments=[3]), r"line 3: wrong type; expected a caption"),
        (
            '{"personality": "Sweet", ',
            r"line 3: wrong type; expected a JSON object, .*found '\{\"personality",
        ),
        ('{"comment": "x", "comment": "y"}', r"line 3: wrong type; expected a JSON object, each key once"),
        ("[1, 2]", r"line 3: wrong type; expected a JSON object"),
    ],
)
def test_a_bad_row_is_named_by_its_line(personality, bad, message):
    rows = [row("Sweet", "how sweet"), "", bad]
    with pytest.raises(FormatError, match=r"train\.json: " + message):
        personality(train=rows)
    data = personality(train=rows, on_bad="skip")
    assert data.report.skipped == 1 and data[0].captions[0] == "how sweet"


def test_one_picture_in_one_style_stands_in_one_split(personality):
    rows = {"train": [row("Sweet", "one")], "test": [row("Sweet", "two")]}
    with pytest.raises(
        FormatError, match=r"test\.json: line 1: duplicate id; expected 'a1.jpg#Sweet' in one"
    ):
        personality(**rows)
    assert [r.captions for r in personality(**rows, on_bad="skip")] == [("one",)]
    assert len(personality(train=[row("Sweet", "one")], test=[row("Cheerful", "two")])) == 2


def test_styles_can_be_given_and_files_can_be_missing(personality, tmp_path):
    with pytest.raises(FormatError, match=r"expected one of train\.json, val\.json, test\.json in it"):
        personality()
    data = personality(train=[row("Odd", "x")], styles={"Odd": 1}, files={"val": "train.json"})
    assert [(r.id, r.split) for r in data] == [("a1.jpg#Odd", "val")]
    with pytest.raises(
        FormatError, match="unknown format 'personal'; known: personality, flickr-style, senti"
    ):
        read_styled("personal", tmp_path, tmp_path)


@pytest.mark.parametrize(("text", "line", "found"), [("A\nB\nA\n", 3, "'A'"), ("A\n\nB\n", 2, "''")])
def test_a_list_of_styles_has_each_once(tmp_path, text, line, found):
    (tmp_path / "personalities.txt").write_text(text)
    with pytest.raises(
        FormatError, match=f"personalities.txt: line {line}: expected a style, once; found {found}"
    ):
        read_styles(tmp_path / "personalities.txt")


def test_a_style_is_one_token_before_its_captions(personality):
    record = personality(train=[row(GRATEFUL, "thank you")])[0]
    assert styled_captions(record) == [Caption("thank you", ("<Appreciative_(Grateful)>",))]
    assert style_prefix("<Unknown>") == "<Unknown>"
    vocab = Vocab.build(record.captions, prefixes=[style_prefix(GRATEFUL)])
    numbers = vocab.encode("thank you", prefix=styled_captions(record)[0].prefix)
    assert vocab.numbers[style_prefix(GRATEFUL)] == numbers[1] and vocab.decode(numbers[2:]) == "thank you"
    with pytest.raises(FormatError, match=r"record 'x\.jpg' has no style; expected an id picture#style"):
        styled_captions(Record("x.jpg", "x.jpg", ("a",), "train"))


def test_what_is_visible_and_the_product_stay_with_a_drawn_picture():
    record = Record("x.jpg", "m/x.jpg", ("a",), "train", {"hat": None}, group="product 1")
    styled = styled_record(record, "terse", ["Hat."])
    assert styled == Record("x.jpg#terse", "m/x.jpg", ("Hat.",), "train", {"hat": None}, group="product 1")


def test_flickr_style_has_a_record_a_style(tmp_path):
    file = tmp_path / "flickrstyle10k.json"
    file.write_text(json.dumps({"a.jpg": {"funny": "f", "romantic": "r", "split": "val"}}))
    data = read_styled("flickr-style", file, tmp_path, need_images=False)
    assert [(r.id, r.captions, r.split) for r in data] == [
        ("a.jpg#funny", ("f",), "val"),
        ("a.jpg#romantic", ("r",), "val"),
    ]
    for wrong, message in (
        ({"funny": "f", "split": "val"}, r"'a\.jpg': wrong type; expected a caption \(text\), not NoneType"),
        ({"funny": "f", "romantic": "r"}, "expected a split among train, val, test, not None"),
        (["f", "r"], "expected a JSON object"),
    ):
        file.write_text(json.dumps({"a.jpg": wrong}))
        with pytest.raises(FormatError, match=message):
            read_styled("flickr-style", file, tmp_path, need_images=False)


def test_senticap_sorts_sentences_by_sentiment(tmp_path):
    file = tmp_path / "senticap_dataset.json"

    def read(*sentences, **more):
        image = {"filename": "c.jpg", "imgid": 0, "split": "test", "sentences": sentences}
        file.write_text(json.dumps({"images": [image | more], "dataset": "senticap"}))
        return read_styled("senticap", file, tmp_path, need_images=False)

    good, bad, fine = [{"raw": raw, "sentiment": s} for raw, s in (("nice", 1), ("ugly", 0), ("lovely", 1))]
    assert [(r.id, r.captions, r.split) for r in read(good, bad, fine)] == [
        ("c.jpg#positive", ("nice", "lovely"), "test"),
        ("c.jpg#negative", ("ugly",), "test"),
    ]
    with pytest.raises(FormatError, match=r"'images c\.jpg': .*expected a sentiment, 1 or 0, not \[1\]"):
        read({"raw": "nice", "sentiment": [1]})
    with pytest.raises(FormatError, match="expected a split among train, val, test, not 'restval'"):
        read(good, split="restval")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real data is not here")
def test_the_real_files_are_read():
    styles = read_styles(SHARED / "style" / "personalities.txt")
    prefixes = {style_prefix(style) for style in styles}
    assert len(styles) == len(prefixes) == 215 and all(MARK.fullmatch(prefix) for prefix in prefixes)
    folder = SHARED / "flickr8k"
    data = read_styled("flickr-style", folder / "flickrstyle10k.json", folder / "images")
    assert data.sizes == {"train": 2 * 5996, "val": 2 * 1000} and data.report.skipped == 0
    assert {style_of(record) for record in data} == {"funny", "romantic"}
