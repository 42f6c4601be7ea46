"""Tables, source, notes and plots, as a notebook and a log show them."""

import re

import pytest
from PIL import Image

from lib.publish import Note, Picture, Table, plots, show_source
from lib.publish.show import spell_value

ROWS = [
    {"name": "a<b", "kind": "baseline", "cider_d": 0.12345, "cider_d_ci": [0.1, 0.2], "n": 1234},
    {"name": "m", "kind": "model", "cider_d": None, "n": 5},
]


def test_values_as_they_are_read():
    assert [spell_value(v, 2) for v in (None, True, 0.125, 12345, "x")] == ["–", "yes", "0.12", "12,345", "x"]


@pytest.mark.parametrize(("columns", "wide"), [(6, False), (7, True)])
def test_intervals_of_a_wide_table_stand_below(columns, wide):
    text = Table([{f"c{number}": 0.5 for number in range(columns)}])._repr_html_()
    assert ('class="lookbook wide"' in text) is wide


def test_a_table_escapes_colours_and_keeps_intervals_small():
    text = Table(ROWS)._repr_html_()
    assert "a&lt;b" in text and re.search(r'<td class="[^"]*\bmodel\b[^"]*" *>m</td>', text)
    assert "0.123 <small>0.100–0.200</small>" in text
    assert "CIDEr\u2011D" in text and "cider_d_ci" not in text and ">kind<" not in text


def test_a_column_of_text_stands_left_from_its_heading_down():
    text = Table([{"name": "m", "n": 5, "<why>": "<i>so</i>"}])._repr_html_()
    assert re.search(r"#T_\w+ \.col2 {\s+text-align: left;", text) and ".col1 {" not in text
    assert "&lt;why&gt;</th>" in text and "&lt;i&gt;so&lt;/i&gt;</td>" in text and "<i>" not in text


def test_the_same_table_is_the_same_html():
    assert Table(ROWS)._repr_html_() == Table(ROWS)._repr_html_()


def test_a_table_in_a_log_is_aligned():
    lines = repr(Table(ROWS, ["name", "n"])).splitlines()
    assert lines[1:] == ["a<b   1,234", "m     5    "]


def test_a_turned_table_has_a_row_for_each_column():
    turned = Table([{"picture": "p1", "hat": "cap"}, {"picture": "p2", "hat": None}]).turned()
    assert turned.rows == [{"picture": "hat", "p1": "cap", "p2": None}]


def test_source_is_shown_as_it_stands_with_its_place():
    shown = show_source(spell_value)
    assert repr(shown).startswith("# lib/publish/show.py:")
    assert "def spell_value(value: Any, digits: int) -> str:" in repr(shown)
    assert "def spell" in re.sub(r"<[^>]+>", "", shown._repr_html_())


def test_the_source_of_a_method_keeps_its_indentation():
    assert "\n    first, *rest = self.columns\n" in show_source(Table.turned).text


def test_a_note_is_a_line_and_no_markup():
    assert repr(Note("nothing <here>")) == "nothing <here>"
    assert "nothing &lt;here&gt;" in Note("nothing <here>")._repr_html_()


def test_a_picture_is_a_png(tmp_path):
    picture = plots.scores(ROWS, ["cider_d", "n"])
    assert isinstance(picture, Picture)
    with Image.open(picture.save(tmp_path / "x.png")) as image:
        assert image.format == "PNG" and image.width > 300
