"""An index finds what the definition finds, measures what it reaches, and outlives a killed change."""

import json

import numpy as np
import pytest
from gallery import ColourModel, clustered, embeddings, ranking
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.index import Embeddings, GalleryError, build_index, open_index, store


@pytest.fixture(autouse=True)
def one_thread():
    store.faiss.omp_set_num_threads(1)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """3,000 vectors in lists, as if that were many; nothing changes it."""
    return build_index(tmp_path_factory.mktemp("many") / "index", embeddings(3000), exact_below=1000)


def named(found: list[list[str]]) -> list[list[int]]:
    return [[int(id[2:7]) for id in ids] for ids in found]


def test_few_are_searched_exactly(tmp_path):
    index = build_index(tmp_path / "index", embeddings(500))
    queries = clustered(50, seed=1)
    scores, found = index.search(queries, 10)
    stored = index.segments[0].vectors  # fp16 may swap two that are nearly equal
    assert named(found) == ranking(stored, queries, 10)
    assert np.all(np.diff(scores) <= 0) and scores.shape == (50, 10)
    assert index.about["recall"] == 1.0 and len(index) == 500


def test_scores_are_cosines(tmp_path):
    vectors = np.array([[3, 0], [0, 2], [-1, 0], [1, 1]], np.float32)
    index = build_index(tmp_path / "index", Embeddings(vectors, ("right", "up", "left", "both"), "m"))
    scores, found = index.search(np.array([5.0, 0.0]), 4)
    assert found == [["right", "both", "up", "left"]]
    assert scores[0] == pytest.approx([1, 0.5**0.5, 0, -1], abs=1e-3)


def test_many_reach_the_recall_that_was_asked_for(many):
    queries = clustered(300, seed=2)
    true = ranking(np.asarray(many.segments[0].vectors), queries, 10)
    for recall in (0.8, 0.95, 0.99):
        found = named(many.search(queries, 10, recall)[1])
        reached = np.mean([len({*a} & {*b}) / 10 for a, b in zip(found, true, strict=True)])
        assert reached >= recall - 0.01
    assert named(many.search(queries, 10, 1)[1]) == true


def test_the_json_says_what_was_measured(many):
    about = json.loads((many.folder / "index.json").read_text())
    measured, curve = about["segments"][0]["measured"], about["segments"][0]["curve"]
    assert measured["interval"][0] <= measured["recall"] <= measured["interval"][1]
    assert measured["sure"] >= about["asked"] == 0.95 and measured in curve
    assert many.about["recall"] == measured["recall"] and many.about["probes"] == measured["probes"]
    probes = [row["probes"] for row in curve]
    assert probes == sorted(set(probes)) and curve[0]["recall"] < measured["recall"] < 1


def test_less_recall_looks_into_fewer_lists(many, monkeypatch):
    asked, search = [], many.segments[0].codes.search

    def watch(queries, count, params):
        asked.append(params.nprobe)
        return search(queries, count, params=params)

    monkeypatch.setattr(many.segments[0].codes, "search", watch)
    many.search(clustered(1, seed=3), 10, 0.6)
    many.search(clustered(1, seed=3), 10, 0.95)
    assert asked[0] < asked[1] == many.about["probes"]


def test_recall_is_measured_with_the_queries_that_are_given(tmp_path):
    """Queries far from the data need more lists than held-out vectors do."""
    data, far = embeddings(3000), np.random.default_rng(5).standard_normal((200, 16)).astype(np.float32)
    given = build_index(tmp_path / "a", data, queries=far, exact_below=1000)
    held_out = build_index(tmp_path / "b", data, exact_below=1000)
    assert given.about["probes"] > held_out.about["probes"] and given.about["queries"] == 100


def test_one_query_and_a_batch_say_the_same(many):
    queries = clustered(20, seed=4)
    together = many.search(queries, 7)
    for number, query in enumerate(queries):
        scores, found = many.search(query, 7)
        assert found == [together[1][number]] and scores[0] == pytest.approx(together[0][number], abs=1e-5)


@pytest.mark.parametrize("k", [1, 50, 2999, 3000, 5000])
def test_as_many_are_found_as_there_are(many, k):
    scores, found = many.search(clustered(3, seed=6), k)
    assert scores.shape == (3, min(k, 3000)) and all(len(set(ids)) == min(k, 3000) for ids in found)


def test_the_same_seed_builds_the_same(tmp_path):
    a, b = (build_index(tmp_path / name, embeddings(1500), exact_below=1000, seed=3) for name in "ab")
    assert a.stored == b.stored


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("+-"), st.integers(0, 29)), max_size=12), st.booleans())
def test_it_holds_what_was_added_and_not_removed(tmp_path_factory, changes, coded):
    """Whatever the order of changes, in one segment or many, with codes or without."""
    size = 40
    vectors = clustered(30 + size, seed=7)
    ids = [f"p/{number:05d}.png" for number in range(30 + size)]
    folder = tmp_path_factory.mktemp("index") / "index"
    first = Embeddings(vectors[30:], tuple(ids[30:]), "m")
    index = build_index(folder, first, exact_below=30 if coded else 1000)
    held = set(range(30, 30 + size))
    for sign, number in changes:
        if (sign == "+") == (number in held):
            with pytest.raises(GalleryError, match=ids[number]):
                index.add(
                    Embeddings(vectors[[number]], (ids[number],), "m")
                ) if sign == "+" else index.remove([ids[number]])
        elif sign == "+":
            index.add(Embeddings(vectors[[number]], (ids[number],), "m"))
            held.add(number)
        else:
            index.remove([ids[number]])
            held.remove(number)
    for opened in (index, open_index(folder)):
        found = named(opened.search(vectors[:3], 200, 1)[1])
        assert len(opened) == len(held) and all(len(row) == len(held) and {*row} == held for row in found)


def test_the_removed_never_come_back(tmp_path):
    data = embeddings(3000)
    index = build_index(tmp_path / "index", data, exact_below=1000)
    gone = set(index.search(data.vectors[:1], 100)[1][0])
    index.remove(sorted(gone))
    for k in (10, 2900):
        assert not gone & {*index.search(data.vectors[:1], k)[1][0]}
    index.add(embeddings(50, seed=8, first=5000))
    again = open_index(tmp_path / "index")
    assert not gone & {*again.search(data.vectors[:1], 2950)[1][0]} and len(again) == 2950


def test_removing_most_of_it_costs_no_recall(tmp_path):
    """The nearest that are left lie farther off, in more lists."""
    data, queries = embeddings(6000), clustered(500, seed=100)
    index = build_index(tmp_path / "index", data, exact_below=1000)
    index.remove(list(data.ids[:5400]))
    true = index.search(queries, 10, 1)[1]
    found = index.search(queries, 10)[1]
    reached = np.mean([len({*a} & {*b}) / 10 for a, b in zip(found, true, strict=True)])
    assert reached >= index.about["recall"] - 0.01


def test_what_was_removed_can_be_added_anew_with_another_vector(tmp_path):
    index = build_index(tmp_path / "index", embeddings(20))
    other = np.eye(16, dtype=np.float32)[:1]
    index.remove(["p/00007.png"])
    index.add(Embeddings(other, ("p/00007.png",), "colours"))
    scores, found = index.search(other, 1)
    assert found == [["p/00007.png"]] and scores[0, 0] == pytest.approx(1) and len(index) == 20


def test_an_index_may_become_empty_and_be_filled_again(tmp_path):
    data = embeddings(5)
    index = build_index(tmp_path / "index", data)
    index.remove(list(data.ids))
    scores, found = index.search(data.vectors[:2], 3)
    assert len(index) == 0 and scores.shape == (2, 0) and found == [[], []]
    assert not list(index.folder.glob("segment-*"))
    index.add(data)
    assert len(open_index(index.folder)) == 5


def tree(folder) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("where", ["write_embeddings", "write_json"])
def test_a_killed_add_leaves_the_old_state(tmp_path, monkeypatch, where):
    """Killed while it writes the segment, or between the segment and the JSON that names it."""
    index = build_index(tmp_path / "index", embeddings(20))

    def die(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store, where, die)
        with pytest.raises(KeyboardInterrupt):
            index.add(embeddings(5, first=100))
    found = open_index(tmp_path / "index")
    assert len(found) == 20 and len(found.search(clustered(1), 50)[1][0]) == 20
    found.add(embeddings(5, first=100))  # and the next one is not in its way
    assert len(open_index(tmp_path / "index")) == 25


def test_debris_of_a_killed_process_is_no_part_of_it(tmp_path):
    index = build_index(tmp_path / "index", embeddings(20))
    for name in (".segment-000002.draft", "segment-000002"):
        (index.folder / name).mkdir()
        (index.folder / name / "vectors.safetensors").write_bytes(b"half")
    assert len(open_index(index.folder)) == 20
    index.add(embeddings(5, first=100))
    assert len(open_index(index.folder)) == 25
    assert sorted(p.name for p in index.folder.iterdir()) == [
        "index.json",
        "segment-000001",
        "segment-000002",
    ]


def test_a_killed_build_leaves_the_old_index(tmp_path, monkeypatch):
    build_index(tmp_path / "index", embeddings(20))
    monkeypatch.setattr(store, "write_segment", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        build_index(tmp_path / "index", embeddings(30))
    assert len(open_index(tmp_path / "index")) == 20
    (tmp_path / "index").rename(tmp_path / ".index.old")  # killed between the two renames
    assert len(open_index(tmp_path / "index")) == 20


def test_two_writers_do_not_lose_a_change(tmp_path):
    one = build_index(tmp_path / "index", embeddings(20))
    other = open_index(tmp_path / "index")
    one.remove(["p/00001.png"])
    with pytest.raises(GalleryError, match="changed by another process"):
        other.remove(["p/00002.png"])
    assert len(open_index(tmp_path / "index")) == 19


def test_a_folder_that_is_no_index_is_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("keep")
    with pytest.raises(GalleryError, match="exists and is no index"):
        build_index(tmp_path / "mine", embeddings(3))
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "keep"


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (lambda index: index.search(clustered(1), 0), "k=0"),
        (lambda index: index.search(clustered(1), 1, 0), "recall=0"),
        (lambda index: index.search(clustered(1), 1, 95), "recall=95"),
        (lambda index: index.search(np.ones((1, 3)), 1), r"\[Q, 16\]"),
        (lambda index: index.search(np.zeros((1, 16)), 1), "zero or not finite"),
        (lambda index: index.search(np.full((1, 16), np.nan), 1), "zero or not finite"),
        (lambda index: index.add(embeddings(3, first=50, model="another")), "another"),
        (lambda index: index.add(embeddings(3, first=50, width=8)), "'colours', 8"),
        (lambda index: index.add(embeddings(3, first=19)), "p/00019.png"),
        (lambda index: index.remove(["p/00001.png", "nowhere.png"]), "not in the index: nowhere.png"),
        (lambda index: build_index(index.folder, embeddings(3), recall=1.5), "1.5"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_changes_nothing(tmp_path, break_it, told):
    index = build_index(tmp_path / "index", embeddings(20))
    before = tree(tmp_path)
    with pytest.raises(GalleryError, match=told) as error:
        break_it(index)
    assert "\n" not in str(error.value) and tree(tmp_path) == before


def test_nothing_is_opened_where_there_is_no_index(tmp_path):
    with pytest.raises(ValueError, match=r"index\.json: No such file"):
        open_index(tmp_path)
    (tmp_path / "index.json").write_text("[]")
    with pytest.raises(GalleryError, match="not an index of format 1"):
        open_index(tmp_path)


def test_a_vector_file_that_was_cut_short_is_named(tmp_path):
    index = build_index(tmp_path / "index", embeddings(20))
    file = next(index.folder.glob("*/vectors.safetensors"))
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(GalleryError, match=r"vectors\.safetensors: not a whole file"):
        open_index(index.folder)


def test_queries_that_nothing_fits_are_told_from_others(tmp_path):
    model = ColourModel()
    data = Embeddings(model.embed_texts(["red", "green", "red green"]), ("r", "g", "rg"), "colours")
    index = build_index(tmp_path / "index", data)
    assert index.nothing_fits(0.9) is None
    near = model.embed_texts(["red", "green"] * 20)
    index.calibrate(model.embed_texts(["blue"] * 40), near)
    again = open_index(index.folder)
    assert again.nothing_fits(float(again.search(model.embed_texts(["blue"]), 1)[0][0, 0])) > 0.9
    assert again.nothing_fits(float(again.search(model.embed_texts(["red"]), 1)[0][0, 0])) < 0.1
