"""OFAStyleIC's files: its conf, styles and rows, its results and log of scores, the pack of a model."""

import csv
import json
import os.path
import re
import tarfile
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from lib.config import ConfigError, read_settings
from lib.data.formats import styles as styled
from lib.data.formats.report import Bad, FormatError, Report
from lib.data.record import Record
from lib.data.text import MARK
from lib.files import FileError, read_utf8, unique_keys, whole, write_json
from lib.paths import resolve, shorten

STRING = r'("(?:\\.|[^"\\])*")'
# what people write into a conf beside JSON: comments, a last comma; what stands in a string stays
BESIDE_JSON = re.compile(rf"{STRING}|(?:#|//)[^\r\n]*"), re.compile(rf"{STRING}|,(?=\s*[}}\]])")
STYLES, TEMPLATE = "personalities.txt", "<code_{}>"
SCORES = {"BLEU_1": "bleu1", "BLEU_4": "bleu4", "ROUGE_L": "rouge_l_coco", "CIDEr": "cider_d", "SPICE": None}
NOBODYS = {"uid": 0, "gid": 0, "uname": "", "gname": "", "deep": False}  # a file in a pack
HEADER = ["eval_time", "work_dir", "epoches", "warm_up", "lr", "lr_end", "weight_decay", *SCORES]


@dataclass(frozen=True, kw_only=True)
class StyleConf:
    """What a conf says; paths start at the project's folder."""

    model_name: str
    model_revision: str | None
    tokenize_style: bool  # a style is a mark of its own, or its own words
    img_addr: str
    dataset_path: str
    file_attr: str
    train_json: str
    test_json: str
    val_json: str
    work_dir: str
    prompt: str | None = None
    style_dict: str | dict | None = None

    def picture(self, name: str) -> str:
        return os.path.join(self.img_addr, name)  # noqa: PTH118  as it is written

    @property
    def output(self) -> Path:
        return resolve(self.work_dir) / "output"


def read_conf(path: str) -> StyleConf:
    told, where = parse_loosely(resolve(path)), shorten(resolve(path))
    if not isinstance(told, dict):
        raise FormatError(f"{where}: expected an object of settings")
    try:
        conf = read_settings(StyleConf, told)
    except (ConfigError, TypeError) as error:
        raise FormatError(f"{where}: {str(error).removeprefix('StyleConf.__init__() ')}") from None
    if conf.prompt and conf.prompt.count("{}") != 1:
        raise FormatError(f"{where}: prompt: expected {{}} once, where the style is to stand")
    return conf


def parse_loosely(path: Path) -> Any:
    text = read_utf8(path)
    for noise in BESIDE_JSON:
        text = noise.sub(lambda found: found[1] or "", text)
    try:
        return json.loads(text, object_pairs_hook=unique_keys)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{shorten(path)}: not JSON: {error}") from None


def mark_styles(conf: StyleConf) -> dict[str, str]:
    """Each style's mark: its number in the conf's own table, or its line in the dataset's list, from 0."""
    where, table = "style_dict", conf.style_dict
    if table is None:
        names = styled.read_styles(resolve(conf.dataset_path) / STYLES)
        table = {"items": {name: number for number, name in enumerate(names)}}
    elif isinstance(table, str):
        where, table = shorten(resolve(table)), parse_loosely(resolve(table))
    try:
        template, numbers = table.get("template", TEMPLATE), table["items"].items()
        marks = {style: template.replace("{}", str(int(number))) for style, number in numbers}
        fine = len(set(marks.values())) == len(marks) and all(map(MARK.fullmatch, marks.values()))
        fine = fine and "#" not in "".join(marks)  # which stands before the style in a record's id
    except (AttributeError, KeyError, TypeError, ValueError):
        fine = False
    if not fine:
        expected = f'{{"template": "{TEMPLATE}", "items": {{style without #: its own number}}}}'
        raise FormatError(f"{where}: expected {expected}")
    return marks


def read_told(conf: StyleConf, split: str, styles: Mapping[str, str]) -> list[Record]:
    """What was said of each picture in each style; a picture's group is its path as it is written down."""
    how = {"files": {split: getattr(conf, f"{split}_json")}, "file_attr": conf.file_attr, "styles": styles}
    found = styled.read_styled("personality", resolve(conf.dataset_path), resolve(conf.img_addr), **how)
    return [replace(record, group=conf.picture(record.group)) for record in found.split(split)]


def read_asked(conf: StyleConf, path: str, styles: Mapping[str, str]) -> list[Record]:
    """What `inference -j` is asked: pictures by their hash or path, a style each, references or none."""
    file, report, asked = resolve(path), Report("raise"), []
    for where, row in styled.numbered_objects(file, report):
        name, image, said = (row.get(key) for key in ("image_hash", "image", "reference"))
        image = conf.picture(f"{name}{conf.file_attr}") if name else image
        if not isinstance(image, str):
            report.bad(Bad.WRONG_TYPE, file, where, "image_hash or image")
        styled.is_style(row.get("style"), styles, file, where, report)
        texts = () if said is None else report.captions(said, file, where)
        asked.append(
            styled.styled_record(Record(image, str(resolve(image)), (), "test"), row["style"], texts)
        )
    return asked


def write_inference(
    folder: Path, conf: StyleConf, name: str, records: Sequence[Record], captions: Sequence[str]
) -> Path:
    results = []
    for record, caption in zip(records, captions, strict=True):
        result, said = (
            {"style": styled.style_of(record), "image": record.group, "caption": caption},
            record.captions,
        )
        results.append(result | ({"reference": said if len(said) > 1 else said[0]} if said else {}))
    about = {"model_name": name, "model_revision": conf.model_revision, "n_eval_sample": len(results)}
    file = folder / f"inference_{datetime.now():%y%m%d-%H%M%S}.json"
    return write_json(file, about | {"results": results}, indent=4)


def append_scores(path: Path, run: Sequence[Any], scores: Mapping[str, float]) -> None:
    """A row more in the log; what stands there stays as it is."""
    had = path.read_bytes() if path.exists() else b""
    if had and had.splitlines()[0] != ",".join(HEADER).encode():
        raise FormatError(f"{shorten(path)}: expected a log that begins with {','.join(HEADER)}")
    values = ["" if key is None else f"{round(100 * scores[key], 3):.2f}" for key in SCORES.values()]
    row = [f"{datetime.now():%Y%m%d-%H%M%S}", *run, *values]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", newline="") as log:
        log.write("" if not had or had.endswith(b"\n") else "\r\n")
        csv.writer(log).writerows([row] if had else [HEADER, row])


def pack_model(conf_file: str, folder: Path) -> Path:
    """The trained model's folder and the conf in one archive; nothing that is there is touched."""
    conf, told = read_conf(conf_file), resolve(conf_file)
    target = folder / f"{told.name.removesuffix('.json')}_{datetime.now():%y%m%d-%H%M%S}.tar.gz"
    if target.is_relative_to(conf.output):
        raise FileError(f"{shorten(target)}: a pack cannot stand in the folder that it holds")
    held = {conf.output: f"{place_in_pack(conf.work_dir)}/output", told: place_in_pack(conf_file)}
    with whole(target) as draft, tarfile.open(draft, "w:gz", dereference=True) as archive:
        for source, name in held.items():
            archive.add(source, name, filter=lambda file: file.replace(**NOBODYS))
    return target


def place_in_pack(path: str) -> str:
    """A relative path stays as it is written; any other would lead out of the folder of who unpacks it."""
    plain = Path(os.path.normpath(path))
    return plain.name if plain.is_absolute() or plain.parts[:1] == ("..",) else plain.as_posix()


def unpack_model(pack: Path, target: Path) -> list[str]:
    """What a pack holds, into a folder: all of it, or nothing where one thing in it is odd or in the way."""
    try:
        with tarfile.open(pack, "r:gz") as archive:
            for member in archive.getmembers():
                if trouble := trouble_with(member, target):
                    raise FileError(f"{shorten(pack)}: {member.name}: {trouble}; nothing was unpacked")
            names = [member.name for member in archive.getmembers() if member.isfile()]
            target.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=target) as draft:
                archive.extractall(draft, filter="data")
                for name in names:
                    (target / name).parent.mkdir(parents=True, exist_ok=True)
                    (Path(draft) / name).rename(target / name)
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise FileError(f"{shorten(pack)}: cannot be unpacked: {error}") from None
    return names


def trouble_with(member: tarfile.TarInfo, target: Path) -> str | None:
    if not (member.isfile() or member.isdir()):
        return "a link or a device, not a file"
    if not (target / member.name).resolve().is_relative_to(target.resolve()):
        return "leads out of the folder"
    return "stands there already" if member.isfile() and (target / member.name).exists() else None
