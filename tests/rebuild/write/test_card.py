"""The data card: counts that add up, licences to fill in, and nothing that breaks its Markdown."""

from rebuild.audit.clean import clean_rows
from rebuild.audit.cleaning_counts import Tally
from rebuild.audit.judge import Evidence, judge_rows
from rebuild.write.card import Account, write_card
from rebuild.write.fuse import Rebuilt

PROMPTS = {"background": "在哪里? | <b>"}


def row(id, name, **more):
    empty = {"copies": [], "texts": {}, "failed": {}, "flags": []}
    about = {"backend": "openai", "model": "vl|7b", "fingerprint": "f00", "prompts": PROMPTS}
    return {"id": id, "name": name} | empty | about | more


def rows():
    texts = {"garments": "A man wears a blue shirt.", "background": ". The photo was taken on a beach."}
    return [
        row("0a", "男 装`1`.jpg", copies=["again.jpg"], texts=texts),
        row("0b", "b.jpg", failed={"background": "timed out"}),
        row(None, "\udcd0|坏.jpg", failed={"picture": "0 bytes"}, flags=["refused"]),
    ]


def test_the_card_counts_what_happened_and_leaves_the_licences_open(tmp_path):
    tally = Tally()
    clean = clean_rows(rows(), tally=tally)
    judged = list(judge_rows(clean, {"0a": Evidence({"upper_color": {"red": 0.9, "blue": 0.0}})}))
    measured = {"garments": {"claims": 9, "wrong": 4, "found": 0.75, "precision": None, "lost": 0.0}}
    account = Account(
        title="Street photos, described anew",
        rebuilt=Rebuilt(tmp_path, {"train": 1}, 2),
        tally=tally,
        measured=measured,
        notes=["The judge knows eight places."],
    )
    card = write_card(tmp_path / "CARD.md", judged, account).read_text(encoding="utf-8")
    assert card.startswith("# Street photos, described anew\n")
    for line in (
        "| files found | 4 |",
        "| the same picture again | 1 |",
        "| not readable as pictures | 1 |",
        "| questions without an answer | 1 |",
        "| texts on garments | 1 |",
        "| captions in train | 1 |",
        "| pictures left out for want of a text | 2 |",
        "| background | openai | vl\\|7b | f00 | 在哪里? \\| &lt;b> | 1 |",
        "| background | leading punctuation | 1 | 0 | 1 |",
        "| garments | mended | 1 |",
        "| garments | 9 | 4 | 0.750 | – | 0.000 |",
        "| refused | 1 |",
        "- `\\udcd0|坏.jpg`: 0 bytes",
        "- `男 装'1'.jpg`: `A man wears a red shirt. The photo was taken on a beach.`",
        "- The judge knows eight places.",
    ):
        assert line in card.splitlines(), line
    assert card.count("FILL IN") == 3
    tables = [line for line in card.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in tables)


def test_a_card_of_nothing_is_still_a_card(tmp_path):
    card = write_card(tmp_path / "CARD.md", [], Account(title="Nothing")).read_text(encoding="utf-8")
    assert "| files found | 0 |" in card and "## Claims" not in card and "## Examples" not in card
