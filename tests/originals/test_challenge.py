"""The challenge's files to the byte, as its own scripts write them; what is wrong in one is named."""

from itertools import chain

import pytest
from absent import DATA, needs

from lib.data.formats import FormatError, read_karpathy
from lib.data.formats.labels import LabelLine, read_labels
from originals.challenge import (
    IndexRow,
    ResultRow,
    cars_first,
    find_index,
    find_labels,
    index_records,
    lay_side_by_side,
    nearest_names,
    read_index,
    read_texts,
    said_of,
    write_index,
    write_karpathy,
    write_results,
)

LINES = [
    LabelLine("0001.jpg", "1,0", "A man, tall. He runs"),
    LabelLine("v1.jpg", "red Kia", "A red Kia.", "A red Kia SUV"),
    LabelLine("v1.jpg", "red Kia", "Kia"),
]
KARPATHY = (
    '{"images": [{"sentids": [0, 1], "imgid": 0, "sentences": ['
    '{"tokens": ["a", "red", "kia"], "raw": "A red Kia.", "imgid": 0, "sentid": 0}, '
    '{"tokens": ["kia"], "raw": "Kia", "imgid": 0, "sentid": 1}], "split": "train", "filename": "v1.jpg"}, '
    '{"sentids": [2], "imgid": 1, "sentences": ['
    '{"tokens": ["\\u8eca"], "raw": "\\u8eca.", "imgid": 1, "sentid": 2}], '
    '"split": "train", "filename": "v2.jpg"}], "dataset": "flickr30k"}'
)
SAID = {"v1.jpg": ["A red Kia.", "Kia"], "v2.jpg": ["車."]}


def spell(text):
    return [ord(letter) for letter in text]


def unspell(numbers):
    return "".join(map(chr, numbers))


@pytest.fixture
def pictures(tmp_path):
    for name in SAID:
        (tmp_path / "train_images").mkdir(exist_ok=True)
        (tmp_path / "train_images" / name).touch()
    return tmp_path


def test_a_text_decides_the_category_and_a_picture_may_have_several():
    assert said_of(LINES, "people") == {"0001.jpg": ["A man, tall. He runs"]}
    assert said_of(LINES, "car") == {"v1.jpg": ["A red Kia.", "Kia"]}


def test_karpathys_json_to_the_byte_and_back(pictures):
    path = write_karpathy(pictures / "train_car.json", SAID, "train")
    assert path.read_text() == KARPATHY
    assert {record.id: list(record.captions) for record in read_karpathy(path)} == SAID
    assert read_karpathy(path)[0].path.is_file()


def test_an_index_to_the_byte_and_back_to_records(pictures):
    path = write_index(pictures / "flickr30k_car.train.jsonl", SAID, "train", spell)
    assert path.read_text() == "".join(
        f'{{"image_path": "train_images/{name}", "text_segment": {spell(text)}, "image_id": {number}}}\n'
        for number, name in enumerate(SAID)
        for text in SAID[name]
    )
    assert read_index(path)[1] == IndexRow("train_images/v1.jpg", [75, 105, 97], 0)
    records = index_records(path, "train", unspell)
    assert [list(record.captions) for record in records] == list(SAID.values())
    assert all(record.path.is_file() and record.split == "train" for record in records)


GOOD = '{"image_path": "train_images/v1.jpg", "text_segment": [65], "image_id": 0}'


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "line 2: wrong type"),
        ("[]", "image_path"),
        (GOOD.replace('"image_id": 0', '"image_id": "0"'), "line 2"),
        (GOOD.replace('"image_id"', '"id"'), "image_id"),
        (GOOD.replace("65", "-1"), "whole numbers"),
        (GOOD.replace("65", "true"), "whole numbers"),
        (GOOD.replace('"image_id": 0', '"image_id": 1'), r"'train_images/v1.jpg' as image 0"),
        (GOOD.replace("65", "32"), "line 2: empty caption"),
        (GOOD.replace("v1", "gone").replace(": 0", ": 1"), "gone.jpg'? ?.*missing image"),
        (GOOD.replace("train_images", "..").replace(": 0", ": 1"), "leads out"),
    ],
)
def test_a_bad_line_of_an_index_is_named(pictures, line, told):
    path = pictures / "flickr30k_car.train.jsonl"
    path.write_text(f"{GOOD}\n{line}\n")
    with pytest.raises(FormatError, match=told) as error:
        index_records(path, "train", unspell)
    assert "flickr30k_car.train.jsonl" in str(error.value)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("set", "fliter_train_labels.txt"),
        ("set", "train_people_labels.txt"),
        ("train", "filtered_labels.txt"),
        ("set", "train_label.txt"),
    ],
)
def test_labels_are_found_by_each_of_their_spellings(tmp_path, folder, name):
    folder = tmp_path / folder
    folder.mkdir()
    with pytest.raises(FormatError, match=r"expected one of fliter_.*, train_label\.txt in it"):
        find_labels(folder, "train")
    (folder / "train_label.txt").touch()
    (folder / name).touch()
    assert find_labels(folder, "train").name == name
    if name != "train_label.txt":
        (folder / "fliter_train_labels.txt").touch()
        (folder / "train_people_labels.txt").touch()
        with pytest.raises(FormatError, match="two spellings of one file; keep one"):
            find_labels(folder, "train")


def test_the_older_name_of_an_index_is_peoples(tmp_path):
    (tmp_path / "flickr30k_0.val.jsonl").touch()
    assert find_index(tmp_path, "val", "people").name == "flickr30k_0.val.jsonl"
    with pytest.raises(FormatError, match=r"expected one of flickr30k_car\.val\.jsonl in it"):
        find_index(tmp_path, "val", "car")
    (tmp_path / "flickr30k_people.val.jsonl").touch()
    assert find_index(tmp_path, "val", "people").name == "flickr30k_people.val.jsonl"


def test_texts_are_sorted_cars_first(tmp_path):
    path = tmp_path / "test_text.txt"
    path.write_text("A man. He runs\nA Kia\nA lady. She sits\r\nA BMW ")
    assert cars_first(read_texts(path)) == ["A Kia", "A BMW", "A man. He runs", "A lady. She sits"]
    path.write_text("A Kia\n\nA BMW\n")
    with pytest.raises(FormatError, match=r"test_text.txt: line 2: empty caption"):
        read_texts(path)


def test_texts_and_pictures_need_not_be_equally_many(tmp_path):
    assert lay_side_by_side(["a", "b"], ["x", "y"]) == {"a": ["x"], "b": ["y"]}
    assert lay_side_by_side(["a", "b"], ["x"]) == {"a": ["x"], "b": []}
    said = lay_side_by_side(["a", "b"], ["x", "y", "z"])
    assert list(chain(*said.values())) == ["x", "y", "z"]
    path = write_index(tmp_path / "flickr30k.test.jsonl", {"a": ["x"], "b": []}, "test", spell)
    assert read_index(path)[1] == IndexRow("test_images/b", [], 1)


def test_results_to_the_byte(tmp_path):
    rows = [ResultRow("A red Kia 車", ["b.jpg", "a.jpg"]), ResultRow("Nothing", [])]
    path = write_results(tmp_path / "infer_json_car.json", rows)
    lines = ["{", '    "results": [', "        {", '            "text": "A red Kia \\u8eca",']
    lines += ['            "image_names": [', '                "b.jpg",', '                "a.jpg"']
    lines += ["            ]", "        },", "        {", '            "text": "Nothing",']
    lines += ['            "image_names": []', "        }", "    ]", "}"]
    assert path.read_bytes().decode() == "\n".join(lines)


def test_the_nearest_stand_first_and_ties_by_name():
    names = [f"{letter}.jpg" for letter in "lkjihgfedcba"]
    likeness = [0.5, 0.9, *[0.1] * 10]
    wanted = ["k.jpg", "l.jpg", *(f"{letter}.jpg" for letter in "abcdefgh")]
    assert nearest_names(likeness, names) == wanted
    assert nearest_names([0.1, 0.2], ["a", "b"]) == ["b", "a"]


@needs(DATA / "cars")
def test_real_labels_go_through_all_files(tmp_path):
    lines = read_labels(DATA / "cars" / "augmented_ViT-bigG-14_train_label.txt")[:2000]
    said = said_of(lines, "car")
    assert len(said) == 2000 and not said_of(lines, "people")
    records = read_karpathy(write_karpathy(tmp_path / "train_car.json", said, "train"), need_images=False)
    assert [record.captions for record in records] == [(line.caption,) for line in lines]
