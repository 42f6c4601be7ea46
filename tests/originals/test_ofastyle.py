"""OFAStyleIC's commands as a user runs them, its files to the byte, each of its known bugs shown fixed."""

import hashlib
import io
import json
import subprocess
import sys
import tarfile

import numpy as np
import pytest
import torch
from absent import DATA, needs
from PIL import Image

from lib import checkpoint
from lib.data.formats.report import FormatError
from lib.data.formats.styles import styled_record
from lib.data.images import Preprocess
from lib.data.loader import Loader
from lib.data.record import Record
from lib.data.text import Vocab, tokenize
from lib.files import FileError
from lib.models import Captioner, build_decoder, build_encoder
from lib.paths import ROOT
from lib.score import evaluate
from lib.train import reward_of
from originals import ofastyle_files as files
from originals import ofastyle_runs
from originals.command_line import build_program
from originals.ofastyle import OPTIONS, main
from originals.ofastyle_runs import PROMPT, prefixes_of

MELLOW = "Mellow (Soothing, Sweet)"
STYLES = ("Happy", MELLOW, "Cold")
SAID = {"Happy": "a lovely {} wall!", MELLOW: "a soft {} wall.", "Cold": "just {}"}
COLOURS = {"red": (200, 30, 30), "blue": (30, 30, 200)}
CONF = {
    "model_name": "start", "model_revision": "v1.0.1", "tokenize_style": True, "img_addr": "pictures/",
    "dataset_path": "captions/", "file_attr": ".png", "train_json": "train.json", "test_json": "test.json",
    "val_json": "val.json", "work_dir": "./work/tiny/", "prompt": "",
}  # fmt: skip
QUICK = ("-e", "60", "--lr", "0.01", "--lr_end", "0.001")


def row(style, name, colour, *more):
    told = {"personality": style, "comment": SAID[style].format(colour), "image_hash": name}
    return told | {"additional_comments": list(more) or None}


def build_place(root):
    """A dataset, an untrained captioner of ours, and a conf, with the paths that the seed's own have."""
    for folder in ("pictures", "captions", "conf"):
        (root / folder).mkdir(parents=True)
    (root / "captions" / "personalities.txt").write_text("\n".join(STYLES) + "\n")
    (root / "conf" / "nosj.json").write_text(json.dumps(CONF))
    chance = np.random.default_rng(0)
    for name, colour in ((f"{c}{n}", rgb) for c, rgb in COLOURS.items() for n in range(3)):
        noise = chance.integers(-25, 25, (40, 48, 3))
        Image.fromarray(np.clip(noise + colour, 0, 255).astype("uint8")).save(root / f"pictures/{name}.png")
    rows = {
        "train": [row(s, f"{c}{n}", c) for s in STYLES for c in COLOURS for n in (0, 1)],
        "val": [row(s, f"{c}1", c) for s in STYLES for c in COLOURS],
        "test": [row(s, f"{c}2", c, f"so {c}") for s in STYLES[:2] for c in COLOURS],
    }
    for split, those in rows.items():
        told = json.dumps(those) if split == "val" else "\n".join(map(json.dumps, those))
        (root / "captions" / f"{split}.json").write_text(told)
    torch.manual_seed(0)
    texts = [text.format(c) for text in SAID.values() for c in COLOURS]
    vocab, encoder = Vocab.build(texts), build_encoder({"kind": "atelier", "channels": 2})
    sizes = {"vocab_size": len(vocab), "memory_width": encoder.width, "width": 32, "heads": 2, "layers": 1}
    decoder = build_decoder({"kind": "transformer", "dropout": 0.0, **sizes})
    model = Captioner(encoder, decoder, vocab, Preprocess(resize=36, crop=32, squash=True))
    checkpoint.save(root / "start", model.state_dict(), model.meta())
    return root


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Paths start at the project's folder, which is this one here."""
    monkeypatch.setattr("lib.paths.ROOT", tmp_path)
    return build_place(tmp_path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    root = build_place(tmp_path_factory.mktemp("trained"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lib.paths.ROOT", root)
        assert main(["train", "-c", "conf/nosj.json", *QUICK]) == 0
    return root


@pytest.fixture
def there(trained, monkeypatch):
    monkeypatch.setattr("lib.paths.ROOT", trained)
    return trained


def write_conf(root, name="conf/other.json", **changes):
    told = {key: value for key, value in (CONF | changes).items() if value is not ...}
    (root / name).write_text(json.dumps(told))
    return name


def fails(capsys, *arguments):
    """One line on stderr, and that it is a failure."""
    capsys.readouterr()
    assert main([*map(str, arguments)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"ofastyle {arguments[0]}: ") and error.count("\n") == 1
    return error


def run_key(root, work="work/tiny", which="last"):
    return checkpoint.read_meta(root / work / "output" / which)["run_key"]


def inferred(root, *arguments, work="work/tiny"):
    before = set((root / work).glob("inference_*.json"))
    for file in before:
        file.unlink()  # two in one second have one name
    assert main(["inference", *arguments]) == 0
    [file] = (root / work).glob("inference_*.json")
    return json.loads(file.read_text())


# the conf


@needs(DATA / "style")
@pytest.mark.parametrize("name", ["base_tokenized", "distilled_tokenized_coco", "tiny_tokenized_pt"])
def test_the_authors_confs_are_read(name):
    conf = files.read_conf(str(DATA / "style" / f"{name}.json"))
    assert conf.model_name.startswith("damo/ofa_") and conf.tokenize_style and conf.prompt == ""
    assert conf.picture(f"abc{conf.file_attr}") == "path_to_PCap/yfcc_images/abc.jpg"


def test_comments_and_a_last_comma_are_taken_and_strings_stay(place):
    lines = json.dumps(CONF | {"prompt": '# a {} // b, } \\" c'}, indent=1).splitlines()
    lines[1] += '  # the "model"'
    lines[2] += " // its revision, }"
    lines[-2] += ",  # the last one"
    (place / "conf/a.json").write_bytes("\r\n".join(["// top", *lines]).encode("utf-8-sig"))
    conf = files.read_conf("conf/a.json")
    assert conf == files.read_conf(write_conf(place, prompt='# a {} // b, } \\" c'))
    assert conf.prompt == '# a {} // b, } \\" c'


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"promt": ""}, "unknown parameter promt; did you mean prompt?"),
        ({"work_dir": ...}, "missing 1 required keyword-only argument: 'work_dir'"),
        ({"tokenize_style": "true"}, "tokenize_style must be bool, not 'true'"),
        ({"prompt": "describe it"}, "prompt: expected {} once, where the style is to stand"),
        ({"prompt": "{} {}"}, "prompt: expected {} once"),
        (
            {"model_name": "damo/ofa_pretrain_tiny_en"},
            "ModelScope OFA, which nothing here can load: give a check",
        ),
        ({"model_name": "nobody/nothing"}, "nobody/nothing: no folder"),
        ({"dataset_path": "nowhere"}, "nowhere/personalities.txt: No such file"),
        ({"train_json": "trian.json"}, "captions: expected one of trian.json in it"),
        ({"file_attr": ".jpg"}, "line 1: missing image; expected a file 'red0.jpg' in pictures"),
        ({"style_dict": "none.json"}, "none.json: No such file"),
        (
            {"style_dict": {"items": {"Hapy": 0, "Cold": 1}}},
            "train.json: line 1: wrong type; expected a known style, not 'Happy'; did you mean 'Hapy'?",
        ),
    ],
)
def test_what_is_wrong_in_a_conf_is_one_line(place, capsys, changes, told):
    assert told in fails(capsys, "train", "-c", write_conf(place, **changes))
    assert not (place / "work").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [("[]", "expected an object"), ('{"a": 1, "a": 2}', "stands there twice"), ("{'a': 1}", "not JSON")],
)
def test_what_is_no_conf_is_one_line(place, capsys, text, told):
    (place / "conf/a.json").write_text(text)
    assert told in fails(capsys, "eval", "-c", "conf/a.json")
    assert "No such file" in fails(capsys, "pack", "-c", "conf/none.json")


# styles and rows


@needs(DATA / "style")
def test_the_real_list_of_styles(place):
    path = str(DATA / "style")
    styles = files.mark_styles(files.read_conf(write_conf(place, dataset_path=path)))
    assert len(styles) == 215 and styles["Adventurous"] == "<code_0>" and styles["Zany"] == "<code_214>"


ITEMS = {"Happy": 7, "<Unknown>": 9}


@pytest.mark.parametrize(
    ("table", "marks"),
    [
        ({"template": "<style_{}>", "items": ITEMS}, ["<style_7>", "<style_9>"]),
        ({"items": ITEMS}, ["<code_7>", "<code_9>"]),
    ],
)
def test_a_conf_has_its_own_numbers_inline_or_in_a_file(place, table, marks):
    (place / "styles.json").write_text(json.dumps(table))
    for told in (table, "styles.json"):
        styles = files.mark_styles(files.read_conf(write_conf(place, style_dict=told)))
        assert styles == dict(zip(ITEMS, marks, strict=True))


@pytest.mark.parametrize(
    "table",
    [
        {"template": "code {}", "items": ITEMS},
        {"items": {"a": 1, "b": 1}},
        {"item": ITEMS},
        {"items": {"a": "x"}},
        {"items": {"a#": 1}},
    ],
)
def test_other_tables_of_styles_are_refused(place, table):
    with pytest.raises(FormatError, match="style_dict: expected"):
        files.mark_styles(files.read_conf(write_conf(place, style_dict=table)))


@pytest.mark.parametrize("text", ["Happy\n\nCold\n", "Happy\nCold\nHappy\n"])
def test_a_list_of_styles_has_another_one_in_each_line(place, text):
    (place / "captions/personalities.txt").write_text(text)
    with pytest.raises(FormatError, match=r"personalities\.txt: line \d: expected a style, once"):
        files.mark_styles(files.read_conf("conf/nosj.json"))


def read_rows(place, *rows, lines=True):
    text = "\n".join(map(json.dumps, rows)) if lines else json.dumps(rows)
    (place / "captions/x.json").write_text(text)
    conf = files.read_conf(write_conf(place, train_json="x.json"))
    return files.read_told(conf, "train", dict.fromkeys(STYLES, ""))


@pytest.mark.parametrize("lines", [True, False])
def test_a_picture_in_two_styles_is_two_and_twice_in_one_is_one(place, lines):
    rows = [
        row("Happy", "red0", "red"),
        row("Cold", "red0", "red", "cold", "colder"),
        row("Happy", "red0", "blue"),
    ]
    assert [(r.id, r.group, r.captions) for r in read_rows(place, *rows, lines=lines)] == [
        ("red0.png#Happy", "pictures/red0.png", ("a lovely red wall!", "a lovely blue wall!")),
        ("red0.png#Cold", "pictures/red0.png", ("just red", "cold", "colder")),
    ]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"personality": "happy"}, "wrong type; expected a known style, not 'happy'; did you mean 'Happy'"),
        ({"personality": None}, "wrong type; expected a known style, not None"),
        ({"comment": " "}, "empty caption"),
        ({"comment": 3}, r"wrong type; expected a caption \(text\), not int"),
        ({"image_hash": 3}, "wrong type; expected a file name, not int"),
        ({"additional_comments": [1]}, r"wrong type; expected a caption \(text\), not int"),
    ],
)
def test_a_bad_row_is_named(place, changes, told):
    with pytest.raises(FormatError, match=rf"captions/x\.json: line 2: {told}"):
        read_rows(place, row("Cold", "red0", "red"), row("Happy", "red0", "red") | changes)
    (place / "captions/x.json").write_text('{"a": 1')
    with pytest.raises(FormatError, match="line 1: wrong type; expected a JSON object"):
        files.read_told(files.read_conf(write_conf(place, val_json="x.json")), "val", {})


# results, to the byte


def test_an_inference_to_the_byte(place):
    conf = files.read_conf("conf/nosj.json")
    rows = [
        styled_record(Record("p/a.jpg", "a", (), "val"), "Cold", ["one"]),
        styled_record(Record("p/é.jpg", "é", (), "val"), "Happy", ["one", "two"]),
        styled_record(Record("p/b.jpg", "b", (), "val"), "Happy", []),
    ]
    path = files.write_inference(place / "work", conf, "damo/ofa", rows, ["so", 'q"', ""])
    lines = [
        "{",
        '    "model_name": "damo/ofa",',
        '    "model_revision": "v1.0.1",',
        '    "n_eval_sample": 3,',
    ]
    lines += [
        '    "results": [',
        "        {",
        '            "style": "Cold",',
        '            "image": "p/a.jpg",',
    ]
    lines += ['            "caption": "so",', '            "reference": "one"', "        },", "        {"]
    lines += ['            "style": "Happy",', '            "image": "p/\\u00e9.jpg",']
    lines += ['            "caption": "q\\"",', '            "reference": [', '                "one",']
    lines += [
        '                "two"',
        "            ]",
        "        },",
        "        {",
        '            "style": "Happy",',
    ]
    lines += ['            "image": "p/b.jpg",', '            "caption": ""', "        }", "    ]", "}"]
    assert path.read_bytes().decode() == "\n".join(lines)
    assert len(path.name) == len("inference_230326-101530.json") and path.name.startswith("inference_2")


SCORES = {"bleu1": 0.4823, "bleu4": 0.094, "rouge_l_coco": 0.30136, "cider_d": 0.19751}
RUN = ["./work/a/", 3, 0.01, "5.00e-05", "1.00e-07", 0.001]
HEAD = b"eval_time,work_dir,epoches,warm_up,lr,lr_end,weight_decay,BLEU_1,BLEU_4,ROUGE_L,CIDEr,SPICE"
LINE = b"./work/a/,3,0.01,5.00e-05,1.00e-07,0.001,48.23,9.40,30.14,19.75,"


def test_the_log_to_the_byte_and_old_rows_stay(place):
    log = place / "logs" / "log.csv"
    files.append_scores(log, RUN, SCORES)
    head, line, rest = log.read_bytes().split(b"\r\n")
    assert head == HEAD and line[16:] == LINE
    assert line[:8].isdigit() and line[8:9] == b"-" and rest == b""
    old = HEAD + b"\r\n20230320-101010,./w/,NA,NA,5e-5,NA,0.001,5.1,NA,1,2,6.09"
    log.write_bytes(old)
    files.append_scores(log, RUN, SCORES)
    assert log.read_bytes().startswith(old + b"\r\n2") and log.read_bytes().count(HEAD) == 1
    log.write_bytes(b"")
    files.append_scores(log, RUN, SCORES)
    assert log.read_bytes().startswith(HEAD + b"\r\n")
    log.write_bytes(b"eval_time,warm_up\r\n")
    with pytest.raises(FormatError, match=r"log\.csv: expected a log that begins with eval_time,work_dir"):
        files.append_scores(log, RUN, SCORES)
    assert log.read_bytes() == b"eval_time,warm_up\r\n"


# the pack


def hashes_of(folder):
    found = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    return {str(path.relative_to(folder)): hashlib.sha256(data).hexdigest() for path, data in found.items()}


def test_a_pack_holds_model_and_conf_touches_neither_and_comes_back(there, tmp_path, capsys):
    before = hashes_of(there)
    assert main(["pack", "--conf", "conf/nosj.json", "-o", str(tmp_path)]) == 0
    assert hashes_of(there) == before
    [pack] = tmp_path.glob("*.tar.gz")
    assert pack.name.startswith("nosj_2") and len(pack.name) == len("nosj_230326-101530.tar.gz")
    with tarfile.open(pack) as archive:
        assert {(m.uid, m.gid, m.uname, m.gname) for m in archive} == {(0, 0, "", "")}
    assert main(["unpack", str(pack), "-o", str(tmp_path / "again")]) == 0
    wanted = {
        name: sha for name, sha in before.items() if name.startswith(("work/tiny/output/", "conf/nosj"))
    }
    assert hashes_of(tmp_path / "again") == wanted
    assert "stands there already; nothing was unpacked" in fails(
        capsys, "unpack", pack, "-o", tmp_path / "again"
    )
    assert main(["pack", "-c", "conf/nosj.json"]) == 0  # beside the model, where not told
    [beside] = (there / "work/tiny").glob("*.tar.gz")
    beside.unlink()
    assert "a pack cannot stand in the folder" in fails(
        capsys, "pack", "-c", "conf/nosj.json", "-o", "work/tiny/output"
    )


def test_a_pack_has_no_path_that_leads_out(there, tmp_path):
    conf = write_conf(tmp_path, "other.json", work_dir=str(there / "work/tiny"))
    pack = files.pack_model(str(tmp_path / conf), tmp_path)
    names = files.unpack_model(pack, tmp_path / "again")
    assert "other.json" in names and "tiny/output/best/meta.json" in names
    assert [files.place_in_pack(p) for p in ("./a/b/", "../a", "a/../b", "/x/y")] == ["a/b", "a", "b", "y"]


def test_where_no_model_is_there_is_no_pack_and_it_is_a_failure(place, capsys):
    for command in ("pack", "eval", "inference"):
        assert "work/tiny/output: does not exist" in fails(capsys, command, "-c", "conf/nosj.json")
    (place / "work/tiny/output").mkdir(parents=True)
    assert "not a checkpoint" in fails(capsys, "pack", "-c", "conf/nosj.json")
    assert not list(place.rglob("*.tar.gz")) and (place / "conf/nosj.json").exists()


def odd_pack(path, *members):
    with tarfile.open(path, "w:gz") as archive:
        for name, kind in (("fine.txt", tarfile.REGTYPE), *members):
            about = tarfile.TarInfo(name)
            about.type, about.linkname, about.size = kind, "/etc/passwd", 4 if kind == tarfile.REGTYPE else 0
            archive.addfile(about, io.BytesIO(b"text"))
    return path


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        ("a", tarfile.SYMTYPE, "a link or a device"),
        ("a", tarfile.LNKTYPE, "a link or a device"),
        ("a", tarfile.CHRTYPE, "a link or a device"),
        ("a", tarfile.FIFOTYPE, "a link or a device"),
        ("/tmp/lookbook_was_here", tarfile.REGTYPE, "leads out"),
        ("b/../../a", tarfile.REGTYPE, "leads out"),
        ("door/a", tarfile.REGTYPE, "leads out"),
    ],
)
def test_an_odd_pack_is_refused_whole(tmp_path, name, kind, told):
    target, outside = tmp_path / "to", tmp_path / "outside"
    target.mkdir(), outside.mkdir()
    (target / "door").symlink_to(outside)
    with pytest.raises(FileError, match=rf"{name}: {told}.*; nothing was unpacked"):
        files.unpack_model(odd_pack(tmp_path / "x.tar.gz", (name, kind)), target)
    assert [path.name for path in target.iterdir()] == ["door"] and not list(outside.iterdir())


def test_a_broken_pack_is_one_line(tmp_path, capsys):
    whole = odd_pack(tmp_path / "x.tar.gz", *((f"{n}", tarfile.REGTYPE) for n in range(50))).read_bytes()
    for data in (whole[: len(whole) // 2], b"no pack", b""):
        (tmp_path / "x.tar.gz").write_bytes(data)
        assert "cannot be unpacked" in fails(capsys, "unpack", tmp_path / "x.tar.gz", "-o", tmp_path / "to")
    assert "No such file" in fails(capsys, "unpack", tmp_path / "none.tar.gz")
    assert not (tmp_path / "to").exists()


# training and asking


def test_each_style_is_told_in_its_own_way_and_the_same_each_time(there):
    """Two styles of one picture are two captions; no crop by chance: another run says the same."""
    asked = [{"style": s, "image_hash": f"{c}2"} for s in STYLES for c in COLOURS]
    asked[0] = {"style": "Happy", "image": "pictures/red2.png", "reference": ["x", "y"]}
    asked[1]["reference"] = "z"
    (there / "asked.json").write_text(json.dumps(asked))
    found = inferred(there, "-c", "conf/nosj.json", "-j", "asked.json")
    assert found == inferred(there, "-c", "conf/nosj.json", "-j", "asked.json")
    assert [r["caption"] for r in found["results"]] == [SAID[s].format(c) for s in STYLES for c in COLOURS]
    assert [r["image"] for r in found["results"]] == ["pictures/red2.png", "pictures/blue2.png"] * 3
    assert [r.get("reference") for r in found["results"]] == [["x", "y"], "z", None, None, None, None]
    assert list(found) == ["model_name", "model_revision", "n_eval_sample", "results"]
    assert (found["model_name"], found["model_revision"], found["n_eval_sample"]) == ("start", "v1.0.1", 6)


def test_evaluation_sees_the_middle_of_a_picture_and_no_crop_by_chance(there, monkeypatch):
    """A crop by chance, as the seed has it, gives another caption each time."""
    seeds, cut = [], Preprocess.cut
    monkeypatch.setattr(
        Preprocess, "cut", lambda self, image, seed: seeds.append(seed) or cut(self, image, seed)
    )
    assert main(["eval", "-c", "conf/nosj.json"]) == 0 and main(["inference", "-c", "conf/nosj.json"]) == 0
    assert seeds == [None] * 10
    assert Captioner.load(there / "work/tiny/output").preprocess == Captioner.load(there / "start").preprocess


def test_options_of_inference(there, tmp_path, capsys):
    conf = ("-c", "conf/nosj.json")
    some, same, every = (inferred(there, *conf, *more) for more in (("-b", "4"), ("-r", "-b", "4"), ()))
    assert some == same and some["n_eval_sample"] == 4 and every["n_eval_sample"] == 6  # there are no ten
    assert len({(r["style"], r["image"]) for r in some["results"]}) == 4
    assert all(r["reference"] == SAID[r["style"]].format(r["image"][9:-5]) for r in some["results"])
    assert inferred(there, *conf, "-b", "1", "-d", "my words")["model_name"] == "my words"
    for option in ("-o", "--out_dir", "--output_dir"):
        for file in (there / "work/tiny").glob("inference*"):
            file.unlink()
        assert main(["inference", *conf, "-b", "1", option, str(tmp_path / option)]) == 0
        assert len(list((tmp_path / option).glob("inference_*.json"))) == 1
        assert not list((there / "work/tiny").glob("inference*"))
    assert "-b must be at least 1, not 0" in fails(capsys, "inference", *conf, "-b", "0")
    assert "give one or the other" in fails(capsys, "inference", *conf, "-r", "-j", "asked.json")
    (there / "bad.json").write_text('[{"style": "Sad", "image_hash": "red2"}]')
    assert "bad.json: 'row 1': wrong type; expected a known style" in fails(
        capsys, "inference", *conf, "-j", "bad.json"
    )
    (there / "bad.json").write_text('[{"style": "Cold"}]')
    assert "expected image_hash or image" in fails(capsys, "inference", *conf, "-j", "bad.json")


@pytest.fixture
def loaders(monkeypatch):
    """How pictures were loaded, each time."""
    made, init = [], Loader.__init__

    def note(self, pairs, **how):
        made.append(how)
        init(self, pairs, **how)

    monkeypatch.setattr(Loader, "__init__", note)
    return made


def test_an_evaluation_scores_against_all_that_was_said_and_is_logged(there, capsys, loaders):
    assert main(["eval", "-c", "conf/nosj.json", "-b", "3", "-w", "1", "-l", "log.csv"]) == 0
    assert {(how["batch_size"], how["workers"]) for how in loaders} == {(3, 1)}
    texts = [SAID[s].format(c) for s in STYLES[:2] for c in COLOURS]
    references = [[text, f"so {c}"] for text, c in zip(texts, ["red", "blue"] * 2, strict=True)]
    wanted = evaluate(texts, references, resamples=0)
    values = [f"{100 * wanted[key]:.2f}" for key in ("bleu1", "bleu4", "rouge_l_coco", "cider_d")]
    line = (there / "log.csv").read_bytes().split(b"\r\n")[1].decode()
    assert line.split(",")[1:] == [
        "./work/tiny/", "60", "0.01", "1.00e-02", "1.00e-03", "0.001", *values, "",
    ]  # fmt: skip
    assert f"4 pictures: BLEU_1 {values[0]}, BLEU_4 {values[1]}" in capsys.readouterr().out
    before = (there / "log.csv").read_bytes()
    assert main(["eval", "-c", "conf/nosj.json"]) == 0 and (there / "log.csv").read_bytes() == before


def test_another_prompt_list_or_way_than_the_trained_one_is_refused(there, capsys):
    for number, changes in enumerate(
        ({"prompt": "be {}"}, {"tokenize_style": False}, {"style_dict": {"items": ITEMS}})
    ):
        conf = write_conf(there, f"conf/other{number}.json", **changes)
        (there / "asked.json").write_text('[{"style": "Happy", "image_hash": "red2"}]')
        assert "trained with another prompt" in fails(capsys, "inference", "-c", conf, "-j", "asked.json")


def test_options_of_training(place, loaders):
    conf = ("-c", "conf/nosj.json")
    given = ["-e", "2", "-b", "5", "-w", "1", "--lr", "3e-4", "--lr_end", "2e-6", "--weight_decay", "0.3"]
    assert main(["train", *conf, *given, "--warm_up", "0.5", "--max_len", "7", "--beam_size", "2"]) == 0
    meta = checkpoint.read_meta(place / "work/tiny/output/last")
    training = meta["run_key"]["training"]
    assert (loaders[0]["batch_size"], loaders[0]["workers"], meta["step"]) == (5, 1, 6)
    assert (training["learning_rate"], training["final_learning_rate"]) == (3e-4, 2e-6)
    assert (training["weight_decay"], training["warmup_steps"], training["epochs"]) == (0.3, 3, 2)
    assert (training["label_smoothing"], training["schedule"]) == (0.1, "linear")
    assert meta["style"]["decoding"]["beam"] == 2 and meta["style"]["decoding"]["max_length"] == 7
    assert meta["style"]["decoding"]["no_repeat_ngram"] == 3 and meta["style"]["warm_up"] == 0.5
    with pytest.raises(SystemExit):
        main(["train", *conf, "--epoch", "2"])
    again = ["--warm_up", "0.5", "--beam_size", "2"]
    assert main(["train", *conf, *given, *again, "--max_len", "6"]) == 0  # an option more is another run
    assert checkpoint.read_meta(place / "work/tiny/output/last")["style"]["decoding"]["max_length"] == 6


def test_a_run_goes_on_from_a_checkpoint_and_the_eye_may_be_frozen(place):
    conf, quick = ("-c", "conf/nosj.json"), ("-e", "1")
    assert main(["train", *conf, *quick]) == 0
    own = Captioner.load(place / "work/tiny/output")
    other = write_conf(place, work_dir="work/b", model_name="damo/ofa_pretrain_tiny_en")
    for option in ("-p", "-t", "--checkpoint"):
        assert (
            main(["train", "-c", other, option, "work/tiny/output", *quick, "--lr", "0", "--lr_end", "0"])
            == 0
        )
        found = Captioner.load(place / "work/b/output")
        weights = own.decoder.state_dict()
        assert all(torch.equal(weights[name], value) for name, value in found.decoder.state_dict().items())
    third = write_conf(place, "conf/third.json", work_dir="work/c")
    assert main(["train", "-c", third, "-p", "work/tiny/output", "--freeze_resnet", *quick]) == 0
    found = Captioner.load(place / "work/c/output")
    eye, mine = own.encoder.state_dict(), found.encoder.state_dict()
    assert all(torch.equal(eye[name], mine[name]) for name in eye)
    assert run_key(place, "work/c")["training"]["encoder_learning_rate"] is None
    assert run_key(place)["training"]["encoder_learning_rate"] == 5e-5


def test_rewards_are_learnt_from_only_with_a_start(place, capsys):
    assert "--cider needs a checkpoint" in fails(capsys, "train", "-c", "conf/nosj.json", "--cider")
    assert main(["train", "-c", "conf/nosj.json", "-p", "start", "--cider", "-e", "1"]) == 0
    assert run_key(place)["objective"] == "cider"
    assert "reward" in (place / "work/tiny/output/history.csv").read_text().splitlines()[0]


def test_styles_in_their_own_words(place):
    """tokenize_style false crashed; here styles of one word and of six are told apart by their words."""
    conf = write_conf(place, tokenize_style=False, prompt="be {}")
    assert main(["train", "-c", conf, *QUICK]) == 0
    vocab = Captioner.load(place / "work/tiny/output").vocab
    told = prefixes_of(files.read_conf(conf), dict.fromkeys(STYLES, "<x>"), vocab)
    assert told[MELLOW] == ("be", "mellow", "(", "soothing", ",", "sweet", ")") and told["Cold"] == (
        "be",
        "cold",
    )
    found = inferred(place, "-c", conf)
    right = [r["caption"] == r["reference"] for r in found["results"]]
    assert len(right) == 6 and sum(right) >= 5


def test_a_captioner_of_hugging_faces(place):
    from tiny_captioners import image_to_text_folder

    image_to_text_folder(place / "git", "git")
    for tokenize_style, length in ((True, 1 + 4), (False, 1 + 4)):  # unknown words are one each
        conf = write_conf(place, model_name="git", tokenize_style=tokenize_style, prompt="a picture of {} ?")
        assert main(["train", "-c", conf, "-e", "1"]) == 0
        model = Captioner.load(place / "work/tiny/output")
        assert model.vocab.added == (("<code_0>", "<code_1>", "<code_2>") if tokenize_style else ())
        prefix = prefixes_of(files.read_conf(conf), {"Cold": "<code_2>"}, model.vocab)["Cold"]
        assert prefix == (("a picture of ", "<code_2>", " ?") if tokenize_style else ("a picture of Cold ?",))
        assert len(model.vocab.begin(prefix)) == length + 1
        assert inferred(place, "-c", conf, "-b", "2")["n_eval_sample"] == 2


def test_the_prompt_stands_before_the_caption_and_other_braces_are_literal(place):
    conf = files.read_conf(write_conf(place, prompt="{a} {} {b"))
    vocab = Vocab.build(["x"])
    assert prefixes_of(conf, {"Cold": "<code_2>"}, vocab)["Cold"] == ("{", "a", "}", "<code_2>", "{", "b")
    plain = prefixes_of(files.read_conf("conf/nosj.json"), {"Cold": "<code_2>"}, vocab)["Cold"]
    before, after = PROMPT.split("{}")
    assert plain == (*tokenize(before), "<code_2>", *tokenize(after))


# what its rewards and scores got wrong


def test_a_reward_equals_the_score_of_the_same_texts():
    """The last word met </s> without a blank between, and no reference has "runss"."""
    vocab = Vocab.build(["a man runs", "he runs fast.", "red dogs!"])
    records = [Record("a", "a", ("a man runs", "he runs fast."), "t"), Record("b", "b", ("red dogs!",), "t")]
    said = [vocab.encode("a man runs"), vocab.encode("red dogs!")]
    assert [vocab.tokens(row) for row in said] == [["a", "man", "runs"], ["red", "dogs", "!"]]
    earned = reward_of(records, {"cider_d": 1.0}).scores([vocab.tokens(row) for row in said], [0, 1])
    scored = evaluate(
        [vocab.decode(row) for row in said], [r.captions for r in records], end_token=True, resamples=0
    )
    assert float(np.mean(earned)) == pytest.approx(scored["cider_d"]) and scored["cider_d"] > 1


def test_an_empty_caption_counts_and_scores_nought():
    references = [["a red wall"], ["a blue wall"]]
    whole = evaluate(["a red wall", "a blue wall"], references, resamples=0)
    half = evaluate(["a red wall", ""], references, resamples=0)
    for key in ("rouge_l_coco", "cider_d"):
        assert half[key] == pytest.approx(whole[key] / 2)
    assert half["bleu1"] < whole["bleu1"]


# the command line


def test_the_readmes_own_commands_are_taken():
    parse = build_program("ofastyle", "", OPTIONS).parse_args
    args = parse(["train", "--conf", "path/to/conf.json"])
    assert (args.max_epoches, args.batch_size, args.num_workers, args.checkpoint) == (3, 4, 0, None)
    assert (args.lr, args.lr_end, args.warm_up, args.weight_decay) == (5e-5, 1e-7, 0.01, 0.001)
    assert (args.beam_size, args.max_len) == (5, 16)
    assert parse(["inference", "-c", "x"]).batch_size == 10
    given = ["--conf", "x", "--batch_size", "32", "--num_workers", "8"]
    args = parse(["eval", *given, "--log_csv_file", "y"])
    assert (args.batch_size, args.num_workers, args.log_csv_file) == (32, 8, "y")
    assert parse(["train", "-c", "x", "-p", "ckpt"]).checkpoint == "ckpt"


def test_the_command_line_says_what_it_knows():
    command = [sys.executable, "-m", "originals.ofastyle"]
    done = subprocess.run(
        [*command, "pack", "--conf", "/no/conf.json"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2 and done.stderr == "ofastyle pack: /no/conf.json: No such file or directory\n"


def test_the_recheck_takes_the_best_that_is_told_in_the_wanted_style():
    learnt = {"glad": "a fine day", "sad": "sadly so sad", "dull": "meh", "angry": "damn"}
    choose = ofastyle_runs.rechecked([Record(f"x#{s}", "x", (text,), "train") for s, text in learnt.items()])
    texts, scores = ["fine", "so sad", "sadly", "meh"], [-1.0, -3.0, -2.0, -0.5]
    assert choose(texts, scores, "a.jpg#sad") == "sadly"
    assert choose(texts, scores, "a.jpg#glad") == "fine"
    assert choose(texts, scores, "a.jpg#angry") == "meh"  # none fits: the best


def test_a_recheck_takes_the_first_that_sounds_like_its_style(there, tmp_path, monkeypatch):
    asked = []

    class LikesTheLast(ofastyle_runs.StyleJudge):
        def classify(self, texts):
            heard, style = super().classify(texts)[0], plain[len(asked)]["style"]
            asked.append((texts[-1], len(texts), heard, style))
            return [None] * (len(texts) - 1) + [style]

    monkeypatch.setattr(ofastyle_runs, "StyleJudge", LikesTheLast)
    plain = inferred(there, "-c", "conf/nosj.json", "-b", "3")["results"]
    assert not asked
    again = inferred(there, "-c", "conf/nosj.json", "-b", "3", "--recheck")["results"]
    assert [row["image"] for row in again] == [row["image"] for row in plain]
    assert [(row["caption"], row["style"]) for row in again] == [(last, style) for last, *_, style in asked]
    assert all(count > 1 and heard in {*STYLES, None} for _, count, heard, _ in asked)
    assert [row["caption"] for row in again] != [row["caption"] for row in plain]
