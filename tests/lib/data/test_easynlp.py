"""EasyNLP's tables: what is right is read as it was written, what is wrong is one line with its number."""

import base64
import io
import json
import subprocess
import sys

import pytest
from absent import DATA, needs
from PIL import Image

from lib.data.clips import ClipError, open_frames
from lib.data.formats import easynlp
from lib.data.formats.easynlp import (
    ClipTable,
    frames_at,
    parse_schema,
    read_generated,
    table_records,
    write_generated,
    write_table,
)
from lib.data.formats.report import FormatError
from lib.files import FileError
from lib.paths import ROOT

SCHEMA = "idx:str:1,imgbase64:str:1,text:str:1"
SAMPLE = DATA / "clips" / "VC_sample_base64.txt"
NAMES = ("idx", "gen_text")


def jpeg(grey: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (16, 12), grey).save(buffer, "JPEG")
    return buffer.getvalue()


def grey_of(frame) -> int:
    return round(frame.picture.convert("L").resize((1, 1)).getpixel((0, 0)) / 10)


FRAMES = [jpeg(grey) for grey in (0, 50, 100, 150, 200, 250)]
ROWS = [("a", FRAMES, "一个人在切东西。"), ("b", FRAMES[:2], "A man runs."), ("c", FRAMES[3:4], "x = y, 'z'")]


@pytest.fixture
def table(tmp_path):
    return ClipTable(write_table(tmp_path / "t.txt", ROWS), SCHEMA, text="text")


def one_row(path, field, text="x", tail=b"\n"):
    path.write_bytes(b"1\t" + field + b"\t" + text.encode() + tail)
    return ClipTable(path, SCHEMA, text="text")


def test_what_was_written_is_read(table):
    assert [(row.fields["idx"], row.pictures(), row.fields["text"]) for row in table] == [
        (ident, list(frames), text) for ident, frames, text in ROWS
    ]
    first, *_ = table.path.read_bytes().split(b"\n")
    assert first.startswith(b'a\t["/9j/') and first.count(b"\t") == 2 and b'", "' in first
    assert len(table) == 3 and table[-1].fields == {"idx": "c", "text": "x = y, 'z'"} and table[1].line == 2
    assert table[0] == next(iter(table))
    with pytest.raises(IndexError):
        table[3]


@pytest.mark.parametrize(
    "change", [lambda d: d.replace(b"\n", b"\r\n"), lambda d: d[:-1], lambda d: b"\xef\xbb\xbf" + d]
)
def test_line_ends_and_a_byte_order_mark_change_nothing(table, change):
    before = [(row.fields, row.pictures()) for row in table]
    table.path.write_bytes(change(table.path.read_bytes()))
    assert [(row.fields, row.pictures()) for row in table] == before
    assert [(table[n].fields, table[n].pictures()) for n in range(len(table))] == before
    records = table_records(table, "train")
    assert [frames_at(table.path, *record.frames) for record in records] == [
        pictures for _, pictures in before
    ]


def test_the_schema_names_the_columns_in_its_order(tmp_path):
    path = tmp_path / "t.txt"
    field = json.dumps([base64.b64encode(FRAMES[0]).decode()])
    path.write_text(f"A dog.\tmore\t{field}\t7\n")
    table = ClipTable(path, "said:str:1,other:str:1,seen:str:1,idx:str:1", frames="seen", text="said")
    (row,) = table
    assert row.fields == {"said": "A dog.", "other": "more", "idx": "7"} and row.pictures() == FRAMES[:1]
    (record,) = table_records(table, "val")
    assert record.captions == ("A dog.",) and frames_at(path, *record.frames) == FRAMES[:1]
    (unnamed,) = table_records(
        ClipTable(write_table(path, [(*ROWS[1][:2], None)]), "x:str:1,imgbase64:str:1"), "test"
    )
    assert unnamed.id == "b" and unnamed.captions == ()


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ("idx:str:1,text:str:1", "no column 'imgbase64'; it has idx, text"),
        ("idx:str:1,imgbase64:str:1", "no column 'text'"),
        ("idx,imgbase64:str:1", "expected name:str:1, found 'idx'"),
        ("idx:str:1,imgbase64:str:2", "found 'imgbase64:str:2'"),
        ("idx:str:1,idx:str:1", "twice"),
        ("", "found ''"),
    ],
)
def test_a_schema_that_does_not_serve_is_refused(schema, told):
    with pytest.raises(FormatError, match=told):
        parse_schema(schema, "imgbase64", "text")


def with_second(table, change):
    """The table with its second line changed."""
    lines = table.path.read_bytes().split(b"\n")
    lines[1] = change(lines[1])
    table.path.write_bytes(b"\n".join(lines))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda line: line.rpartition(b"\t")[0], r"3 fields \(idx, imgbase64, text\), not 2"),
        (lambda line: line + b"\tx\ty", "not 5"),
        (lambda line: b"", "not 1"),
        (lambda line: line.rpartition(b"\t")[0] + b"\t ", "empty caption"),
        (lambda line: line + b"\xff", "not UTF-8"),
    ],
)
def test_a_wrong_row_is_named_by_its_line(table, change, told):
    with_second(table, change)
    with pytest.raises(FormatError, match=rf"t.txt: line 2: .*{told}"):
        list(table)
    with pytest.raises(FormatError, match=rf"t.txt: line 2: .*{told}"):
        table[1]


@pytest.mark.parametrize(
    ("field", "told"),
    [
        (b"[]", r"JSON list of at least one text as frames, not b'\[\]'"),
        (b'["/9j/"', "JSON list"),
        (b'{"a": 1}', "JSON list"),
        (b"[1]", "JSON list"),
        (b'["/9j/", ""]', "frame 1"),
        (b'["/9j/", "/9j!"]', "base64 as frame 1, not a text with '!' in it"),
        (b'["/9 j/"]', "with ' ' in it"),
        (b'["/9j/=AAA"]', "with '=' in it"),
        ('["/9jé"]'.encode(), "with 'é' in it"),
        (b'["/9j/A"]', "not 5 characters, which are broken off"),
    ],
)
def test_frames_that_cannot_be_read_are_named_by_their_line(tmp_path, field, told):
    """When they are asked for, by the table and by a record alike."""
    path = tmp_path / "t.txt"
    path.write_bytes(b'0\t["/9j/"]\tx\n1\t' + field + b"\tx\n")
    table = ClipTable(path, SCHEMA, text="text")
    rows, records = list(table), table_records(table, "train")
    assert rows[0].pictures() == [b"\xff\xd8\xff"]
    for ask in (rows[1].pictures, lambda: open_frames(records[1], 2)):
        with pytest.raises(FileError, match=f"t.txt: line 2: wrong type; expected .*{told}"):
            ask()


def test_base64_of_either_alphabet_is_read(tmp_path):
    data = bytes(range(256)) * 3 + b"\xff\xfe\xfb"
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for size in (len(data), len(data) - 1, len(data) - 2):
            text = encode(data[:size])
            for form in (text, text.rstrip(b"=")):
                (row,) = one_row(tmp_path / "t.txt", b'["' + form + b'"]')
                assert row.pictures() == [data[:size]]


def test_a_broken_picture_is_one_line(tmp_path):
    fields = [base64.b64encode(FRAMES[0]).decode(), base64.b64encode(FRAMES[0][:60]).decode()]
    (record,) = table_records(one_row(tmp_path / "t.txt", json.dumps(fields).encode()), "train")
    assert len(open_frames(record, 1, choose="first")) == 1
    with pytest.raises(ClipError, match=r"t.txt: frame 1, 1: broken picture"):
        open_frames(record, 2)


def test_a_huge_row_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(easynlp, "LONGEST", 1 << 20)
    path = write_table(tmp_path / "t.txt", [ROWS[0]])
    with path.open("ab") as file:
        file.write(b'1\t["' + b"A" * (5 << 20) + b'"]\tx\n')
    table = ClipTable(path, SCHEMA)
    for read in (lambda: list(table), lambda: table[1]):
        with pytest.raises(FormatError, match=r"t.txt: line 2: wrong type; expected a row of at most 1 MiB"):
            read()


GROWTH = """
import resource, sys
from pathlib import Path
from lib.data.formats.easynlp import ClipTable, table_records
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
table, before = ClipTable(Path(sys.argv[1]), sys.argv[2], text="text"), peak()
size = sum(len(picture) for row in table for picture in row.pictures())
print(size >> 20, len(table), len(table_records(table, "train")), len(table[-1].pictures()), peak() - before)
"""


def test_a_large_table_needs_little_memory(tmp_path, megabytes=200):
    """Far more than it may grow by; with megabytes=2000 it grows no further."""
    path = tmp_path / "large.txt"
    field = json.dumps([base64.b64encode(b"\xff\xd8" * (1 << 19)).decode()] * 4)  # 4 MiB of pictures
    with path.open("w") as file:
        for number in range(megabytes * 2**20 // len(field)):
            file.write(f"{number}\t{field}\tx\n")
    command = [sys.executable, "-c", GROWTH, str(path), SCHEMA]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    size, rows, records, frames, growth = map(int, done.stdout.split())
    assert rows == records > 30 and size == 4 * rows and frames == 4 and growth < 60


def test_the_index_is_kept_and_made_anew_when_the_table_changes(table, tmp_path):
    place = tmp_path / ".t.txt.index.npy"
    assert len(table) == 3 and place.is_file()
    made = place.stat().st_mtime_ns
    assert len(ClipTable(table.path, SCHEMA)) == 3 and place.stat().st_mtime_ns == made
    write_table(table.path, ROWS[:2])
    assert len(ClipTable(table.path, SCHEMA)) == 2 and place.stat().st_mtime_ns > made
    place.write_bytes(b"broken")
    elsewhere = tmp_path / "index.npy"
    assert len(ClipTable(table.path, SCHEMA)) == len(ClipTable(table.path, SCHEMA, index=elsewhere)) == 2
    assert elsewhere.is_file()


def test_a_record_opens_its_own_row(table):
    records = table_records(table, "train")
    assert [(r.id, r.captions, r.split) for r in records] == [(i, (text,), "train") for i, _, text in ROWS]
    assert [[grey_of(frame) for frame in open_frames(record, 3)] for record in records] == [
        [5, 15, 25],
        [0, 5],
        [15],
    ]
    assert [grey_of(frame) for frame in open_frames(records[0], 2, choose="first")] == [0, 5]


def test_rows_of_one_clip_are_one_record_and_of_two_an_error(tmp_path):
    path = write_table(tmp_path / "t.txt", [ROWS[1], ("b", FRAMES[:2], "He runs."), ROWS[0]])
    first, _ = table_records(ClipTable(path, SCHEMA, text="text"), "train")
    assert first.captions == ("A man runs.", "He runs.")
    write_table(path, [ROWS[1], ("b", FRAMES[:3], "He runs.")])
    with pytest.raises(
        FormatError, match="line 2: duplicate id; expected other frames under another id than 'b'"
    ):
        table_records(ClipTable(path, SCHEMA, text="text"), "train")


def test_paths_of_pictures_stand_for_frames(tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.jpg").write_bytes(FRAMES[number])
    table = one_row(tmp_path / "t.txt", b'["3.jpg", "1.jpg", "0.jpg"]')
    (record,) = table_records(table, "train", images=folder)
    assert [grey_of(frame) for frame in open_frames(record, 3)] == [15, 5, 0]
    for name, told in (("9.jpg", "missing image"), ("../t.txt", "leads out")):
        with pytest.raises(FormatError, match=f"t.txt: line 1: .*{told}"):
            table_records(one_row(tmp_path / "t.txt", json.dumps([name]).encode()), "train", images=folder)


@pytest.mark.parametrize("as_python", [False, True])
def test_results_are_written_and_read_back(tmp_path, as_python):
    rows = [{"idx": "1", "gen_text": ['it\'s a "dog"', "一个人\tin\n[x]"]}, {"idx": "2", "gen_text": []}]
    path = write_generated(tmp_path / "out.txt", rows, NAMES, repr=as_python)
    assert read_generated(path, NAMES) == rows
    text = write_generated(path, [{"idx": "1", "gen_text": ["人"]}], NAMES, repr=as_python).read_text("utf-8")
    assert text == ("1\t['人']\n" if as_python else '1\t["人"]\n')
    write_generated(path, [{"gen_text": ["a"], "idx": "1", "text": "b"}], ("idx", "text", "gen_text"))
    assert path.read_text() == '1\tb\t["a"]\n'


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("1", r"2 fields \(idx, gen_text\), not 1"),
        ("1\t__import__('os').getcwd()", "a list of texts as gen_text"),
        ("1\t['a', 2]", "a list of texts"),
        ("1\t['a'", "a list of texts"),
    ],
)
def test_results_that_are_none_are_named_by_their_line(tmp_path, line, told):
    path = tmp_path / "out.txt"
    path.write_text(f"0\t['a']\n{line}\n")
    with pytest.raises(FormatError, match=f"out.txt: line 2: wrong type; expected {told}"):
        read_generated(path, NAMES)


@pytest.mark.parametrize("text", ["a\tb", "a\nb", "a\rb", ""])
def test_a_text_that_would_break_the_table_is_not_written(tmp_path, text):
    with pytest.raises(FormatError, match=r"t.txt: 'a': a field is empty, or holds a tab or two lines"):
        write_table(tmp_path / "t.txt", [("a", FRAMES, text)])
    assert not (tmp_path / "t.txt").exists()


def test_a_table_that_is_not_there_is_one_line(tmp_path):
    table = ClipTable(tmp_path / "none.txt", SCHEMA)
    for ask in (lambda: next(iter(table)), lambda: len(table)):
        with pytest.raises(FormatError, match=r"none.txt: No such file"):
            ask()


@needs(SAMPLE)
def test_the_seeds_own_sample():
    table = ClipTable(SAMPLE, SCHEMA, text="text")
    records = table_records(table, "train")
    assert [record.id for record in records] == ["1", "5", "6", "7", "8"]
    assert [len(row.pictures()) for row in table] == [6] * 5 and records[0].captions == (
        "一个小女孩在床上玩奶嘴。",
    )
    assert open_frames(records[4], 6)[5].picture.size == (256, 209)
