"""The embedded dataset: the same files for the same recipe, and splits that do what they say."""

import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import pytest

import atelier
from atelier.plan import Recipe, plan_shots
from atelier.wardrobe import VIEWS
from lib.data import drawn
from lib.data.drawn import NOT_DRAWING, DrawnError, make_dataset
from lib.data.formats import open_dataset, parse_name

SMALL = Recipe(train=60, val=12, test=18, size=32)


def digest(folder) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "atelier"
    assert make_dataset(folder, SMALL, processes=2)
    return folder


def products(shots) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for shot in shots:
        found.setdefault(shot.split, set()).add(shot.product)
    return found


def test_the_readers_for_real_data_read_it(made):
    dataset = open_dataset(made)
    assert (dataset.format, dataset.sizes) == ("deepfashion", {"train": 60, "val": 12, "test": 18})
    assert all(record.path.is_file() and record.attributes and record.captions for record in dataset)
    assert all(parse_name(record.id) for record in dataset)


def test_another_number_of_processes_writes_the_same_bytes(made, tmp_path):
    make_dataset(tmp_path / "again", SMALL, processes=1)
    assert digest(tmp_path / "again") == digest(made)


def test_it_is_made_once_and_again_for_another_recipe(made, tmp_path):
    folder = tmp_path / "atelier"
    tiny = Recipe(train=3, val=2, test=2, size=32)
    assert make_dataset(folder, tiny, processes=1) is True
    stamp = (folder / "train_captions.json").stat().st_mtime_ns
    assert make_dataset(folder, tiny, processes=1) is False
    assert (folder / "train_captions.json").stat().st_mtime_ns == stamp
    assert make_dataset(folder, Recipe(train=4, val=2, test=2, size=32), processes=1) is True
    assert open_dataset(folder).sizes["train"] == 4


def test_the_fingerprint_has_every_module_that_drawing_and_describing_reach():
    modules = {
        path.stem: path.read_text(encoding="utf-8") for path in Path(atelier.__file__).parent.glob("*.py")
    }
    imports = re.compile(r"^from atelier(?:\.(\w+) import| import (\w+) as)", re.MULTILINE)
    reached, waiting = set(), [Path(drawn.__file__).read_text(encoding="utf-8")]
    while waiting:
        new = {one or other for one, other in imports.findall(waiting.pop())} - reached
        reached |= new
        waiting += [modules[name] for name in new]
    assert reached == modules.keys() - NOT_DRAWING


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(DrawnError, match="did not write"):
        make_dataset(tmp_path, SMALL)
    assert (tmp_path / "mine.txt").read_text() == "keep"


def test_a_run_that_was_cut_off_leaves_no_half_dataset(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise KeyboardInterrupt

    folder = tmp_path / "atelier"
    monkeypatch.setattr("lib.data.drawn.write_captions", fail)
    tiny = Recipe(train=2, val=1, test=1, size=32)
    with pytest.raises(KeyboardInterrupt):
        make_dataset(folder, tiny, processes=1)
    assert not folder.exists()
    monkeypatch.undo()
    assert make_dataset(folder, tiny, processes=1)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["atelier"]


def test_products_stay_on_one_side_unless_it_leaks_on_purpose():
    sizes = {"train": 600, "val": 80, "test": 120}
    disjoint = list(plan_shots(Recipe(**sizes)))
    leaky = list(plan_shots(Recipe(**sizes, leaky=True)))
    for shots in (disjoint, leaky):
        assert Counter(shot.split for shot in shots) == sizes
        assert len({(s.product, s.outfit, s.view) for s in shots}) == len(shots)
    parts = products(disjoint)
    assert not parts["train"] & parts["test"] and not parts["train"] & parts["val"]
    parts = products(leaky)
    assert len(parts["train"] & parts["test"]) > 0.5 * len(parts["test"])


def test_several_references_are_written_as_lists_and_differ(tmp_path):
    make_dataset(tmp_path / "five", Recipe(train=4, val=1, test=2, size=32, references=5), processes=1)
    rows = json.loads((tmp_path / "five" / "test_captions.json").read_text())
    assert all(len(captions) == 5 == len(set(captions)) for captions in rows.values())


def test_attributes_are_what_the_captions_may_say(made):
    from atelier.parse import parse

    for record in open_dataset(made):
        stated = parse(record.captions[0])
        assert not stated.unknown
        assert all(record.attributes[name] == value for name, value in stated.attributes.items())


def test_single_pictures_show_each_product_once_in_all_views():
    shots = list(plan_shots(Recipe(train=200, val=20, test=0, single=True)))
    assert len(shots) == 220
    assert len({shot.product for shot in shots}) == 220
    views = [shot.view for shot in shots]
    assert all(views.count(view) > 20 for view in VIEWS)
