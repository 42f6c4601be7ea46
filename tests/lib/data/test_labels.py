"""Label lines: what is written is read back, bad lines are named, a text says whom it is about."""

import pytest
from absent import DATA, needs

from lib.data.formats import FormatError
from lib.data.formats.labels import LabelLine, read_labels, text_category, write_labels

CARS = DATA / "cars" / "augmented_ViT-bigG-14_train_label.txt"


def test_lines_of_three_and_four_fields(tmp_path):
    path = tmp_path / "train_label.txt"
    text = "a.jpg$white Audi$This is a white Audi$white Audi SUV\nb.jpg$1,0,2$She wears a hat.\n"
    path.write_bytes(text.replace("\n", "\r\n").encode())
    lines = read_labels(path)
    assert lines == [
        LabelLine("a.jpg", "white Audi", "This is a white Audi", "white Audi SUV"),
        LabelLine("b.jpg", "1,0,2", "She wears a hat."),
    ]
    assert write_labels(path, lines).read_text() == text


@pytest.mark.parametrize("bad", ["", "  ", "a.jpg$only two", "$x$no picture", "a.jpg$x$ ", "a$b$c$d$e"])
def test_a_bad_line_is_named_with_its_number(tmp_path, bad):
    path = tmp_path / "train_label.txt"
    path.write_text(f"a.jpg$x$A car\n{bad}\nb.jpg$x$A car\n")
    with pytest.raises(FormatError, match=r"train_label\.txt: line 2: "):
        read_labels(path)


@pytest.mark.parametrize("bad", ["two\nlines", "three $ fields"])
def test_what_could_not_be_read_back_is_not_written(tmp_path, bad):
    with pytest.raises(FormatError, match=r"'a\.jpg'"):
        write_labels(tmp_path / "x.txt", [LabelLine("a.jpg", "x", bad)])
    assert not list(tmp_path.iterdir())


def test_a_text_says_whom_it_is_about():
    assert text_category("A man in a coat. He wears glasses.") == "people"
    assert text_category("She carries a bag.") == "people"
    assert text_category("This is a white Hedgehog. Sheer luck") == "car"
    assert text_category("A red Chery Sedan") == "car"


@needs(CARS)
def test_real_lines_come_back_to_the_byte(tmp_path):
    lines = read_labels(CARS)
    assert len(lines) == 42_704
    assert len({line.picture for line in lines}) == 42_704
    assert {text_category(line.caption) for line in lines} == {"car"}
    assert write_labels(tmp_path / "again.txt", lines).read_bytes() == CARS.read_bytes()
