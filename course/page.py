"""The page of a submission. From what was handed in only text reaches it, and pictures drawn anew."""

import base64
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from PIL import Image

from course.handed import MEGA, in_a_line, printable_text
from course.rules import StageWork, is_number, read_exercises
from lib.publish.show import label

HERE = Path(__file__).parent
STYLES = (HERE.parent / "lib" / "publish" / "report.css", HERE / "page.css")
WIDTH, PIXELS = (640, 480), 20_000_000  # of a thumbnail, and at most in a picture


def render(result: Mapping[str, Any], works: Mapping[str, StageWork]) -> str:
    """The page as HTML, whole in itself."""
    templates = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    templates.filters |= {
        "line": in_a_line,
        "text": printable_text,
        "label": label,
        "answers": read_exercises,
    }
    templates.filters |= {"points": "{:g}".format, "thumbnails": thumbnails}
    templates.tests["amount"] = is_number
    style = "".join(path.read_text(encoding="utf-8") for path in STYLES)
    page = templates.get_template("page.html.j2").render(style=style, result=result, works=works)
    return page.lstrip() + "\n"


def thumbnails(work: StageWork) -> Iterator[str]:
    """The first and the last picture of a notebook, small, as base64 of JPEGs that are written here."""
    found = [shown.picture for cell in work.cells or () for shown in cell.shown if shown.picture]
    for picture in dict.fromkeys(found[:1] + found[-1:]):
        try:
            raw = io.BytesIO(base64.b64decode(picture[: 8 * MEGA]))
            with Image.open(raw, formats=("PNG", "JPEG")) as image:
                if image.width * image.height > PIXELS:
                    continue
                small = image.convert("RGB")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            continue  # no picture
        small.thumbnail(WIDTH, Image.Resampling.BILINEAR, reducing_gap=2.0)
        small.save(drawn := io.BytesIO(), "JPEG", quality=82)
        yield base64.b64encode(drawn.getvalue()).decode("ascii")
