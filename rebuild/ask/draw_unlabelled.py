"""Unlabelled pictures: a folder without captions, drawn where nobody has brought one.

What is true of them is handed back for measuring; it stands nowhere near the pictures.
"""

import re
from pathlib import Path

from atelier.plan import Recipe
from atelier.wardrobe import Attributes
from lib.data.drawn import make_dataset
from lib.data.formats import open_dataset
from lib.data.formats.gallery import is_picture
from lib.files import link
from lib.paths import resolve, shorten
from rebuild.errors import RebuildError

# as the course project names its own, and like none of a user's
OURS = re.compile(r"(?:WO)?MEN_drawn_\d{5,}\.jpg")


def draw_unlabelled(raw: str | Path, source: str | Path, *, count: int, seed: int) -> dict[str, Attributes]:
    """Draw `count` pictures, each of another product, and lay them into `raw` under names that tell nothing.

    `source` keeps the drawing itself. The truth of each picture in `raw` comes back by its name.
    """
    raw, source = resolve(raw), resolve(source)
    found = {path.name for path in raw.iterdir() if is_picture(path.name)} if raw.is_dir() else set()
    if strangers := sorted(name for name in found if not OURS.fullmatch(name)):
        raise RebuildError(
            f"{shorten(raw)}: {strangers[0]!r} was not drawn here; draw = 0 describes pictures of your own"
        )
    make_dataset(source, Recipe(train=count, val=0, test=0, seed=seed, single=True))
    records = {
        f"{record.id.partition('-')[0]}_drawn_{number:05d}.jpg": record
        for number, record in enumerate(open_dataset(source), 1)
    }
    for name in found - records.keys():
        (raw / name).unlink()  # of a larger drawing before
    for name, record in records.items():
        link(record.path, raw / name)
    return {name: record.attributes for name, record in records.items()}
