"""The street's dataset: the challenge's layout, planted errors marked, whole or not at all, made once."""

import shutil

import pytest

from atelier.street import parse_street
from atelier.street.plan import StreetRecipe
from lib.data import street
from lib.data.drawn import DrawnError
from lib.data.formats.labels import clean_labels, label_records, read_labels, text_category, whom
from lib.data.street import TRUTH, make_street, open_street, read_truth

RECIPE = StreetRecipe(train=60, val=6, test=8, size=32, wrong=0.2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("street") / "drawn"
    assert make_street(place, RECIPE, processes=1)
    return place


def test_it_is_laid_out_as_the_challenge_has_it(folder):
    truth = read_truth(folder)
    for split, count in (("train", 60), ("val", 6)):
        lines = read_labels(folder / "train" / f"{split}_label.txt")
        pictures = {line.picture for line in lines}
        assert len(pictures) == count
        assert {path.name for path in (folder / "train" / f"{split}_images").iterdir()} == pictures
    tests = {path.name for path in (folder / "test" / "test_images").iterdir()}
    assert len(tests) == 16 and truth["answers"].keys() == tests
    texts = (folder / "test" / "test_text.txt").read_text().splitlines()
    assert sorted(texts) == sorted(text for own in truth["answers"].values() for text in own)
    categories = [truth["attributes"][name]["category"] for name in sorted(tests)]
    assert categories.count("car") == 8 and categories != sorted(categories)  # a name tells nothing


def test_every_line_is_true_but_the_planted_ones(folder):
    truth = read_truth(folder)
    lines = read_labels(folder / "train" / "train_label.txt")
    assert 3 < len(truth["wrong"]) < 25 and len(lines) > 60  # several lines for a picture
    for line in lines:
        shown = truth["attributes"][line.picture]
        true = parse_street(line.caption).attributes.items() <= shown.items()
        assert true == (line.picture not in truth["wrong"]), line
        assert (text_category(line.caption) == shown["category"]) == true


def test_cleaning_by_what_is_seen_finds_the_planted_lines(folder):
    truth = read_truth(folder)
    lines = read_labels(folder / "train" / "train_label.txt")
    seen = {name: shown["category"] for name, shown in truth["attributes"].items()}
    cleaned = clean_labels(lines, seen)
    assert {row.line.picture for row in cleaned if row.reason} == set(truth["wrong"])
    assert next(row.reason for row in cleaned if row.reason).startswith("the text is of ")
    nothing = clean_labels(lines[:1], {})
    assert nothing[0].reason.endswith("the picture shows neither")


def test_a_quarter_of_each_gallery_differs_in_one_fact_from_a_neighbour(folder):
    shown = read_truth(folder)["attributes"]
    tests = [shown[path.name] for path in (folder / "test" / "test_images").iterdir()]
    near = 0
    for one in tests:
        differ = [sum(one[key] != other[key] for key in one) for other in tests if other is not one]
        near += 1 in differ
    assert near >= 2 * len(tests) / 4  # the neighbour and whom it is a neighbour of


def test_records_hold_all_that_is_said_of_a_picture(folder):
    lines = read_labels(folder / "train" / "train_label.txt")
    records = label_records(
        lines, folder / "train" / "train_images", "train", read_truth(folder)["attributes"]
    )
    assert len(records) == 60 and sum(len(record.captions) for record in records) == len(lines)
    assert all(record.path.is_file() and record.attributes["place"] for record in records)


def test_without_its_truth_it_opens_as_the_challenges_own_files(folder, tmp_path):
    """Half of val stands in for the test pictures, and whom a picture shows is what is said of it."""
    place = shutil.copytree(folder, tmp_path / "challenge")
    (place / TRUTH).unlink()
    known, found = open_street(folder), open_street(place)
    assert found.wrong == set() and found.lines == known.lines
    assert [r.captions for r in found.splits["train"]] == [r.captions for r in known.splits["train"]]
    parts = [{record.id for record in found.splits[name]} for name in ("val", "test")]
    assert parts[0] | parts[1] == {record.id for record in known.splits["val"]} and not parts[0] & parts[1]
    told = {record.id: whom(record) for part in ("val", "test") for record in found.splits[part]}
    assert told == {record.id: whom(record) for record in known.splits["val"]}
    assert {whom(record) for record in known.splits["val"]} == {"people", "car"}


def test_it_is_made_once_and_anew_when_asked_for_another(folder, monkeypatch):
    assert not make_street(folder, RECIPE, processes=1)
    monkeypatch.setattr(street, "write_street", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        make_street(folder, StreetRecipe(train=4, val=2, test=2, size=32), processes=1)
    assert len(read_truth(folder)["attributes"]) == 60 + 6 + 16  # the old one is whole
    with pytest.raises(DrawnError, match="did not write"):
        make_street(folder.parent, RECIPE)
