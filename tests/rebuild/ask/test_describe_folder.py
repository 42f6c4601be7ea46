"""Describing a folder: hostile files, kills, several processes, and nothing lost or doubled."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from asked_folder import PROMPTS, Fake, answer, fill
from PIL import Image

from lib.paths import ROOT
from rebuild.ask.describe_folder import describe_folder
from rebuild.errors import RebuildError

WORKER = Path(__file__).parents[1] / "asked_folder.py"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "fashion-new" / "images-raw"


def rows_on_disk(work: Path) -> list[dict]:
    """Every line of every shard, doubled ones included."""
    return [json.loads(line) for file in work.glob("*/rows/*.jsonl") for line in file.open(encoding="utf-8")]


def start_worker(folder: Path, work: Path, **options) -> subprocess.Popen:
    command = [sys.executable, str(WORKER), str(folder), str(work)]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )


def wait_for(condition, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def test_every_picture_gets_one_row_with_texts_prompts_and_model(folder, tmp_path):
    names = fill(folder, 13, names=["女装 街拍/深 蓝.png", "a b.png"])
    answers = describe_folder(folder, tmp_path / "work", Fake(), PROMPTS)
    rows = list(answers.rows())
    assert sorted(row["name"] for row in rows) == names
    for row in rows:
        assert row["texts"] == {k: answer(folder / row["name"], prompt) for k, prompt in PROMPTS.items()}
        assert row["prompts"] == PROMPTS and row["backend"] == "fake" and row["model"] == "a model"
        assert row["fingerprint"] == "fingerprint-1" and row["failed"] == {} and row["flags"] == []
    assert answers.write(tmp_path / "rows.jsonl") == 13
    written = (tmp_path / "rows.jsonl").read_text(encoding="utf-8")
    assert [json.loads(line) for line in written.splitlines()] == rows and "描述背景" in written


def test_ids_come_from_content_not_from_names(folder, tmp_path):
    fill(folder, 3)
    before = {
        row["id"]: row["texts"] for row in describe_folder(folder, tmp_path / "a", Fake(), PROMPTS).rows()
    }
    for number, path in enumerate(sorted(folder.iterdir())):
        path.rename(folder / f"z{9 - number}.png")
    after = {
        row["id"]: row["texts"] for row in describe_folder(folder, tmp_path / "b", Fake(), PROMPTS).rows()
    }
    assert before == after


def test_batches_are_as_large_as_the_backend_likes(folder, tmp_path):
    fill(folder, 40)
    backend = Fake(batch_size=8)
    describe_folder(folder, tmp_path / "work", backend, PROMPTS)
    assert max(backend.sizes) == 8 and sum(backend.sizes) == 80 and len(backend.sizes) <= 14


def test_a_second_run_asks_nothing_and_new_pictures_only_are_asked(folder, tmp_path):
    fill(folder, 6)
    describe_folder(folder, tmp_path / "work", Fake(), PROMPTS)
    again = Fake()
    describe_folder(folder, tmp_path / "work", again, PROMPTS)
    assert again.asked == []
    Image.new("RGB", (9, 9), "teal").save(folder / "0 new.png")
    rows = list(describe_folder(folder, tmp_path / "work", again, PROMPTS).rows())
    assert [name for name, _ in again.asked] == ["0 new.png"] * 2 and len(rows) == 7


def test_another_model_or_prompt_neither_mixes_nor_costs_answers(folder, tmp_path):
    fill(folder, 4)
    first = describe_folder(folder, tmp_path / "work", Fake(), PROMPTS)
    other = describe_folder(folder, tmp_path / "work", Fake(tag="2"), PROMPTS)
    third = describe_folder(folder, tmp_path / "work", Fake(), {"background": "Where?"})
    assert {row["fingerprint"] for row in other.rows()} == {"fingerprint-2"}
    assert {tuple(row["texts"]) for row in third.rows()} == {("background",)}
    assert len(list(first.rows())) == len(list(other.rows())) == len(list(third.rows())) == 4


def test_failed_rows_are_kept_and_asked_again_only_when_wanted(folder, tmp_path):
    names = fill(folder, 5)
    failing = Fake(failing=names[1:3])
    rows = list(describe_folder(folder, tmp_path / "work", failing, PROMPTS).rows())
    assert {r["name"]: r["failed"] for r in rows if r["failed"]} == {
        name: dict.fromkeys(PROMPTS, "will not") for name in names[1:3]
    }
    calm = Fake()
    describe_folder(folder, tmp_path / "work", calm, PROMPTS)
    assert calm.asked == []
    rows = list(describe_folder(folder, tmp_path / "work", calm, PROMPTS, retry_failed=True).rows())
    assert {name for name, _ in calm.asked} == set(names[1:3]) and not any(r["failed"] for r in rows)
    assert len(rows_on_disk(tmp_path / "work")) == 5


def hostile(folder: Path) -> None:
    """Every kind of file that is not what its name says."""
    fill(folder, 2, names=["good 好.png"])
    (folder / "copy of good.png").write_bytes((folder / "good 好.png").read_bytes())
    (folder / "zero.jpg").touch()
    (folder / "text.jpg").write_text("no picture")
    Image.effect_noise((200, 200), 50).convert("RGB").save(folder / "whole.jpg")
    data = (folder / "whole.jpg").read_bytes()
    (folder / "truncated.jpg").write_bytes(data[: len(data) // 2])
    Image.new("P", (6, 6)).save(folder / "really a gif.jpg", "GIF")
    Image.new("1", (9_300, 9_300)).save(folder / "bomb.png")
    outside = folder.parent / "secret.png"
    Image.new("RGB", (5, 5), "red").save(outside)
    (folder / "link out.png").symlink_to(outside)
    (folder / "link in.png").symlink_to(folder / "good 好.png")
    (folder / "link nowhere.png").symlink_to(folder / "gone.png")
    (folder / "a folder.jpg").mkdir()
    os.mkfifo(folder / "pipe.jpg")
    with open(os.fsencode(folder) + b"/\xc4\xd0 gbk.png", "wb") as file:  # noqa: PTH123  not UTF-8
        Image.new("RGB", (4, 4), "lime").save(file, "PNG")


def test_a_hostile_folder_costs_no_good_picture_and_each_reason_is_told(folder, tmp_path):
    hostile(folder)
    backend = Fake()
    answers = describe_folder(folder, tmp_path / "work", backend, PROMPTS)
    rows = {row["name"]: row for row in answers.rows()}
    reasons = {name: row["failed"]["picture"] for name, row in rows.items() if row["failed"]}
    expected = {
        "zero.jpg": "0 bytes",
        "text.jpg": "not a picture",
        "truncated.jpg": "broken picture",
        "bomb.png": "too large",
        "link out.png": "leads out of the folder",
        "link nowhere.png": "No such file",
        "pipe.jpg": "not a plain file",
    }
    assert {name: word for name, word in expected.items() if word not in reasons.get(name, "")} == {}
    assert reasons.keys() == expected.keys()
    good = {name for name, row in rows.items() if row["texts"]}
    assert {"copy of good.png", "whole.jpg", "really a gif.jpg", "\udcc4\udcd0 gbk.png"} <= good
    assert rows["copy of good.png"]["copies"] == ["good 好.png", "link in.png"]
    assert rows["really a gif.jpg"]["flags"] == ["named .jpg, is GIF"]
    assert len([name for name, _ in backend.asked]) == 2 * len(good)
    assert not any("secret" in json.dumps(row) for row in rows.values())


def test_no_folder_no_pictures_and_no_prompts_are_one_line_each(tmp_path):
    with pytest.raises(RebuildError, match="no such folder"):
        describe_folder(tmp_path / "none", tmp_path / "work", Fake(), PROMPTS)
    (tmp_path / "empty").mkdir()
    with pytest.raises(RebuildError, match="no pictures in it"):
        describe_folder(tmp_path / "empty", tmp_path / "work", Fake(), PROMPTS)
    with pytest.raises(RebuildError, match="no prompts"):
        describe_folder(tmp_path / "empty", tmp_path / "work", Fake(), {})


def test_a_torn_last_line_is_repaired_and_its_row_asked_again(folder, tmp_path):
    fill(folder, 8)
    describe_folder(folder, tmp_path / "work", Fake(), PROMPTS)
    whole = {row["id"]: row for row in rows_on_disk(tmp_path / "work")}
    files = sorted((tmp_path / "work").glob("*/rows/*.jsonl"), key=lambda file: file.stat().st_size)
    for file in files[:3]:
        file.write_bytes(file.read_bytes()[:-20])
    backend = Fake()
    describe_folder(folder, tmp_path / "work", backend, PROMPTS)
    assert len(backend.asked) == 3 * len(PROMPTS)
    rows = rows_on_disk(tmp_path / "work")
    assert len(rows) == 8 and {row["id"]: row for row in rows} == whole


def test_a_backend_that_stops_costs_only_the_batch_under_way(folder, tmp_path):
    fill(folder, 30)

    class Stopping(Fake):
        def __call__(self, pictures, prompts):
            if len(self.sizes) == 5:
                raise KeyboardInterrupt
            return super().__call__(pictures, prompts)

    first, second = Stopping(), Fake()
    with pytest.raises(KeyboardInterrupt):
        describe_folder(folder, tmp_path / "work", first, PROMPTS)
    describe_folder(folder, tmp_path / "work", second, PROMPTS)
    assert len(first.asked) == 20 and len(second.asked) == 40
    assert not set(first.asked) & set(second.asked)


def test_kill_9_in_the_middle_loses_and_doubles_nothing(folder, tmp_path):
    work = tmp_path / "work"
    fill(folder, 60)
    for rounds in range(1, 4):
        worker = start_worker(folder, work, seconds=0.05)
        wait_for(lambda aim=15 * rounds, worker=worker: len(lines(work)) >= aim or worker.poll() is not None)
        worker.send_signal(signal.SIGKILL)
        worker.communicate()
        assert len(lines(work)) < 60, "the worker was not killed in the middle"
    before = lines(work)
    out, err = start_worker(folder, work, seconds=0).communicate(timeout=60)
    assert out.strip() == "60", err
    rows = rows_on_disk(work)
    assert len(rows) == 60 and len({row["id"] for row in rows}) == 60
    assert before <= lines(work)
    assert all(row["texts"]["garments"] == answer(folder / row["name"], PROMPTS["garments"]) for row in rows)


def lines(work: Path) -> set[bytes]:
    """Whole lines in the store."""
    found = (file.read_bytes() for file in work.glob("*/rows/*.jsonl"))
    return {line for text in found for line in text.split(b"\n")[:-1]}


def test_two_processes_share_the_work_and_a_dead_ones_claim_is_taken_over(folder, tmp_path):
    work = tmp_path / "work"
    fill(folder, 80)
    stuck = start_worker(folder, work, seconds=1000)  # claims shards and never answers
    wait_for(lambda: list(work.glob("*/claims/*")))
    helper = start_worker(folder, work, seconds=0.01)
    wait_for(lambda: len(lines(work)) >= 60 or helper.poll() is not None)
    assert helper.poll() is None, helper.stderr.read()  # it waits for what the other holds
    stuck.kill()
    stuck.communicate()
    out, err = helper.communicate(timeout=60)
    assert out.strip() == "80", err
    assert len(rows_on_disk(work)) == 80


def test_two_busy_processes_answer_each_picture_once(folder, tmp_path):
    work = tmp_path / "work"
    fill(folder, 60)
    workers = [start_worker(folder, work, seconds=0.05) for _ in range(2)]
    results = [worker.communicate(timeout=120) for worker in workers]
    assert [out.strip() for out, _ in results] == ["60", "60"], results
    rows = rows_on_disk(work)
    assert len(rows) == 60 and len({row["id"] for row in rows}) == 60
