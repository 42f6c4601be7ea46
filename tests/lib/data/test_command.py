"""`data check` says what is there, what is wrong, what is missing and where to get it."""

import argparse
import json

import pytest
from PIL import Image
from small_datasets import GOOD, add_pictures, write_deepfashion_rows

from lib.data import command
from lib.data.formats import catalogue, opening


def check(capsys, *arguments) -> tuple[int, str]:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    code = command.run(parser.parse_args(["check", *map(str, arguments)]))
    return code, capsys.readouterr().out


def test_good_dataset(capsys, house):
    write_deepfashion_rows(house, GOOD)
    code, said = check(capsys, house)
    assert code == 0 and "format deepfashion" in said and "all is well" in said
    assert "3 pictures" in said and "3 captions" in said and "a.jpg: A red dress." in said


def test_bad_rows_are_reported_and_fail_the_check(capsys, house):
    write_deepfashion_rows(house, [*GOOD, ("gone.jpg", "x"), ("a.jpg", "y")])
    code, said = check(capsys, house)
    assert code == 1 and "missing image, 1 times" in said and "'gone.jpg'" in said and "duplicate id" in said
    code, said = check(capsys, house, "--json")
    found = json.loads(said)
    assert code == 1 and found["ok"] is False and found["splits"] == {"train": {"pictures": 3, "captions": 3}}
    assert found["problems"]["missing image"]["count"] == 1


def test_captions_are_counted_where_the_pictures_are_missing(capsys, house):
    write_deepfashion_rows(house, GOOD)
    (house / "images").rename(house / "elsewhere")
    code, said = check(capsys, house)
    assert code == 1 and "3 captions" in said and "images: no such folder" in said
    code, said = check(capsys, house, "--captions-only")
    assert code == 0


def test_pictures_are_opened_on_demand(capsys, tmp_path):
    Image.new("RGB", (9, 9)).save(tmp_path / "good.jpg")
    (tmp_path / "bad.jpg").write_bytes((tmp_path / "good.jpg").read_bytes()[:200])
    assert check(capsys, tmp_path)[0] == 0
    code, said = check(capsys, tmp_path, "--open-pictures")
    assert code == 1 and "broken picture, 1 times" in said and "bad.jpg" in said


@pytest.mark.parametrize("name", catalogue.KNOWN_DATASETS)
def test_absent_dataset_says_where_it_is_published(capsys, monkeypatch, tmp_path, name):
    monkeypatch.setattr(opening.find_folder, "__defaults__", (tmp_path,))
    code, said = check(capsys, name)
    source = catalogue.KNOWN_DATASETS[name]
    assert code == 1 and source.get in said and source.layout[0] in said and source.folders[0] in said
    assert json.loads(check(capsys, name, "--json")[1])["get"] == source.get


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("flikr8k", "flickr8k"),
        ("Flickr8k", "flickr8k"),
        ("COCO", "coco"),
        ("deepfashon", "deepfashion"),
        ("deepfashion-multimodal", "deepfashion"),
        ("dataset/karpaty", "karpathy"),
        ("wardrobe-tiny", "{}/wardrobe-tiny"),  # a folder in dataset/
        ("zebra", None),
    ],
)
def test_a_name_spelled_wrongly_gets_a_suggestion(capsys, monkeypatch, tmp_path, wrong, meant):
    monkeypatch.setattr(opening.find_folder, "__defaults__", (tmp_path,))
    (tmp_path / "wardrobe-tiny").mkdir()
    code, said = check(capsys, wrong)
    assert code == 1 and "no such folder" in said and "one of the names atelier" in said
    assert (f"did you mean {meant.format(tmp_path)}?" in said) if meant else ("did you mean" not in said)


@pytest.mark.parametrize("text", ["{}", '{"images": []}'])
def test_a_dataset_without_a_record_is_not_well(capsys, tmp_path, text):
    (tmp_path / "dataset.json").write_text(text)
    code, said = check(capsys, tmp_path)
    assert code == 1 and "problem: nothing in it" in said and "all is well" not in said


def test_a_vocabulary_that_is_missing_is_one_line(capsys, tmp_path):
    (tmp_path / "train_data.json").write_text('{"IMAGES": [], "CAPTIONS": []}')
    code, said = check(capsys, tmp_path)
    assert code == 1 and said.count("\n") == 1 and "vocab.json: No such file" in said


def test_a_file_that_may_not_be_read_is_one_line(capsys, monkeypatch, house):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", str(house / "captions.txt"))

    monkeypatch.setitem(opening.READERS, "flickr", refuse)
    code, said = check(capsys, house, "--format", "flickr")
    assert code == 1 and said.count("\n") == 1 and "captions.txt: Permission denied" in said


def test_splits_that_are_missing_are_named(capsys, house):
    write_deepfashion_rows(house, GOOD)
    assert "note: it names no pictures for val and test" in check(capsys, house)[1]
    (house / "train_captions.json").rename(house / "captions.json")
    assert "names no pictures" not in check(capsys, house)[1]


def test_dataset_is_found_by_its_name(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(opening.find_folder, "__defaults__", (tmp_path,))
    folder = tmp_path / "deepfasion-multimodel"
    add_pictures(folder / "images")
    write_deepfashion_rows(folder, GOOD)
    code, said = check(capsys, "deepfashion")
    assert code == 0 and "deepfasion-multimodel: format deepfashion" in said


def test_leak_is_told(capsys, house):
    names = [
        f"WOMEN-Dresses-id_0000000{product}-01_{view}.jpg"
        for product, view in ((1, "1_front"), (1, "2_side"))
    ]
    add_pictures(house / "images", names)
    write_deepfashion_rows(house, [(names[0], "A dress.")])
    (house / "test_captions.json").write_text(json.dumps({names[1]: "A dress."}))
    assert (
        "100% of the test pictures show a product of train, 100% the same outfit" in check(capsys, house)[1]
    )


def test_folder_that_is_nothing(capsys, tmp_path):
    code, said = check(capsys, tmp_path)
    assert code == 1 and "it looks like none of them" in said
    assert json.loads(check(capsys, tmp_path / "gone", "--json")[1])["error"].endswith("karpathy")
