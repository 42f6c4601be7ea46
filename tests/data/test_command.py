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


@pytest.mark.parametrize("name", catalogue.NAMES)
def test_absent_dataset_says_where_it_is_published(capsys, monkeypatch, tmp_path, name):
    monkeypatch.setattr(opening.find_folder, "__defaults__", (tmp_path,))
    code, said = check(capsys, name)
    source = catalogue.find_source(name)
    assert code == 1 and source.get in said and source.layout[0] in said and source.folders[0] in said
    assert json.loads(check(capsys, name, "--json")[1])["get"] == source.get


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
    assert (code == 1 and "it is none of them" in said) or "looks like none" in said
    assert json.loads(check(capsys, tmp_path / "gone", "--json")[1])["error"].endswith("karpathy")
