"""The Python of docs/researchers.md runs as it stands, and what it builds keeps the seams it speaks of."""

import contextlib
import csv
import io
import re
import tomllib
from types import SimpleNamespace

import pytest
import torch
import yaml
from one_thread import one_thread  # noqa: F401

from lib.data import Preprocess, Vocab, open_dataset
from lib.data.drawn import Recipe, make_dataset
from lib.files import write_json
from lib.models import Captioner, build_encoder, save_eye
from lib.models.decoders import DECODERS
from lib.paths import ROOT

PAGE = (ROOT / "docs" / "researchers.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.S)
LONGEST = 20


def lay_out(place):
    """What a reader has: pictures, a table of captions, and the words and the eye that notebook 00 leaves."""
    mine = place / "dataset" / "mine"
    make_dataset(mine, Recipe(train=24, val=6, test=8, size=64), processes=1)
    records = list(open_dataset(mine))
    for path in mine.glob("*.json"):
        path.unlink()
    with (mine / "table.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("file", "split", "caption"))
        table.writerows((record.id, record.split, text) for record in records for text in record.captions)
    words = Vocab.build(text for record in records if record.split == "train" for text in record.captions)
    write_json(place / "output" / "mine" / "vocab.json", words.numbers)
    torch.manual_seed(0)
    eye, how = build_encoder({"kind": "atelier", "channels": 4}), Preprocess(resize=64, crop=64, squash=True)
    save_eye(place / "output" / "mine" / "model_ckpt" / "eye", eye, how, origin="a test")
    return records


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """What the page's blocks made, run in their order as a reader would: in a project's folder."""
    place = tmp_path_factory.mktemp("project")
    told, names = io.StringIO(), {}
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(told):
        patch.setattr("lib.paths.ROOT", place)
        patch.chdir(place)
        patch.setitem(DECODERS, "plain", None)  # so that the page's own goes again
        records = lay_out(place)
        for number, block in enumerate(BLOCKS, 1):
            exec(compile(block, f"researchers.md, block {number}", "exec"), names)
        yield SimpleNamespace(records=records, told=told.getvalue(), **names)


def test_each_block_is_short():
    assert len(BLOCKS) == 4
    lines = [sum(bool(line.strip()) for line in block.splitlines()) for block in BLOCKS]
    assert max(lines) <= LONGEST


def test_own_data_come_back_whole(page):
    assert page.dataset.sizes == {"train": 24, "val": 6, "test": 8}
    given = {(record.id, record.split): record.captions for record in page.records}
    assert {(record.id, record.split): record.captions for record in page.dataset} == given


@torch.no_grad()
def test_the_decoder_of_the_page_says_the_same_by_steps_and_at_once(page):
    decoder = Captioner.load(page.plain.best).decoder
    memory = torch.randn(3, 5, decoder.settings.memory_width)
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 1, 0, 0, 0]], dtype=torch.bool)
    tokens = torch.randint(1, decoder.settings.vocab_size, (6, 7))
    wanted = decoder(memory, tokens, mask).logits
    state = decoder.start(memory, mask).reorder(torch.tensor([0, 0, 1, 1, 2, 2]))
    for place in range(7):
        logits, state = decoder.step(tokens[:, place], state)
        torch.testing.assert_close(logits, wanted[:, place])
    alone = decoder(memory[2:, :2], tokens[4:]).logits
    torch.testing.assert_close(alone, wanted[4:])


def test_it_is_trained_and_scored_beside_captions_that_never_looked(page):
    assert page.plain.state == "finished" and page.plain.history[-1]["step"] == 3
    assert [line.split()[0] for line in page.told.splitlines() if " CIDEr-D " in line] == list(page.said)
    assert {"best_constant", "blind", "plain"} <= set(page.said)


def test_the_reward_of_the_page_charges_for_long_captions(page):
    reward = page.ShortAndRight(page.task.splits["train"])
    words = ["a"] * 10
    plain = reward.right.scores([words, words * 2], [0, 1])
    assert reward.scores([words, words * 2], [0, 1]) == pytest.approx(plain - [0, 0.05 * 8])
    assert page.short.state == "finished" and page.short.history[-1]["reward"] < 10


MESSAGES = re.findall(
    r"^\| `([^`]+)`", (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8"), re.M
)
SOURCES = [ROOT / "prepare.sh", ROOT / "tests" / "absent.py"]
SOURCES += [path for house in ("lib", "rebuild", "pipeline") for path in (ROOT / house).rglob("*.py")]


@pytest.fixture(scope="module")
def sources():
    """The texts of the program, without quotes and line ends: a message may be written in parts."""
    text = " ".join(path.read_text(encoding="utf-8") for path in SOURCES)
    return " ".join(re.sub(r"[\"'`]", "", text).split())


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_of_troubleshooting_is_one_that_the_program_says(message, sources):
    words = re.sub(r"[\"'`]", "", message).split()
    assert any(" ".join(words[k : k + 3]) in sources for k in range(len(words) - 2))


def test_the_citation_is_valid_and_of_this_version():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {"cff-version", "message", "title", "authors"} <= cited.keys() and cited["cff-version"] == "1.2.0"
    assert cited["authors"] == [{"name": "The Lookbook authors"}]
    assert (cited["version"], cited["license"]) == (project["version"], project["license"])
