"""Drawn clips as a dataset: films, captions in English and Chinese, what is true and when, and stills.

clips/SPLIT/ID.mp4   stills/ID.jpg
SPLIT.LANGUAGE.tsv: a line for each text: idx, JSON list with the film's path, text
clips.json: of each clip its split, attributes, scenes' start and end in seconds, and captions
"""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import Any

from PIL import Image

from atelier import clips as drawing
from atelier.clips.plan import STILLS, ClipRecipe, Take, plan_takes
from lib.data.drawn import DrawnError, draw_in_processes, fingerprint, make_once
from lib.data.formats.easynlp import write_table
from lib.data.images import to_jpeg
from lib.data.record import SPLITS, Record
from lib.files import read_json, sha256, write_json, write_text
from lib.paths import resolve

CLIP_TRUTH = "clips.json"
REFERENCES = 3  # texts of a clip of val and test; one of train has one or two
INLINE = 4  # frames of a clip in a table in base64, evenly spread


def make_clips(folder: str | Path, recipe: ClipRecipe, *, processes: int | None = None) -> bool:
    """Make the dataset unless this very one is there already; say whether it was made."""
    if recipe.size % 2:
        raise DrawnError(f"size {recipe.size}: a film's must be even")

    def write(draft: Path) -> None:
        takes = list(plan_takes(recipe))
        for place in (*(f"clips/{split}" for split in SPLITS), STILLS):
            (draft / place).mkdir(parents=True)
        write_clips(draft, draw_in_processes(film_takes, takes, (recipe, draft), processes))

    code = [*sorted(Path(drawing.__file__).parent.glob("*.py")), Path(__file__)]
    known = fingerprint(recipe, "street") | {"clips": sha256(path.read_bytes() for path in code)[:16]}
    return make_once(folder, known, write)


def film_takes(takes: list[Take], recipe: ClipRecipe, folder: Path) -> list[dict[str, Any]]:
    """Draw, write and describe a few clips or stills."""
    return [(take_still if take.split == STILLS else film_take)(take, recipe, folder) for take in takes]


def film_take(take: Take, recipe: ClipRecipe, folder: Path) -> dict[str, Any]:
    lengths = drawing.scene_lengths(take.clip, take.seed, recipe.frames, recipe.cut_frames)
    frames = drawing.draw_clip(take.clip, take.seed, lengths, recipe.size)
    edges = [sum(lengths[:place]) / recipe.fps for place in range(len(lengths) + 1)]
    count = 1 + take.seed % 2 if take.split == "train" else REFERENCES
    row = {"id": take.name, "split": take.split, "attributes": take.clip}
    row |= {"times": list(pairwise(edges)), "captions": captions_of(take, drawing.tell_clip, count)}
    write_film(folder / film_path(row), frames, recipe.fps)
    if take.number < recipe.base64:
        middles = ((2 * part + 1) * len(frames) // (2 * INLINE) for part in range(INLINE))
        row["frames"] = [to_jpeg(frames[middle]) for middle in middles]
    return row


def take_still(take: Take, recipe: ClipRecipe, folder: Path) -> dict[str, Any]:
    picture = drawing.draw_still(take.clip, take.seed, recipe.size)
    picture.save(folder / STILLS / f"{take.name}.jpg", quality=92, subsampling=0)
    row = {"id": take.name, "split": STILLS, "attributes": drawing.facts_of_still(take.clip, take.seed)}
    return row | {"captions": captions_of(take, drawing.tell_still, 1)}


def captions_of(take: Take, tell: Callable, count: int) -> dict[str, list[str]]:
    return {name: drawing.tell_many(tell, take.clip, take.seed, count, name) for name in drawing.LANGUAGES}


def film_path(row: Mapping[str, Any]) -> str:
    """Where a clip lies in the dataset's folder."""
    return f"clips/{row['split']}/{row['id']}.mp4"


def write_film(path: Path, frames: Sequence[Image.Image], fps: int) -> None:
    """H.264 in an mp4, a whole picture each second; on one thread, so that equal frames give equal files."""
    import av

    with av.open(str(path), "w") as film:
        # without x264's macroblock tree, which makes other files of equal frames now and then
        how = {"crf": "17", "preset": "veryfast", "bf": "0", "x264-params": "mbtree=0"}
        stream = film.add_stream("libx264", rate=fps, options=how)
        stream.width, stream.height = frames[0].size
        stream.pix_fmt, stream.gop_size, stream.thread_count = "yuv420p", fps, 1
        for frame in frames:
            film.mux(stream.encode(av.VideoFrame.from_image(frame)))
        film.mux(stream.encode())


def write_clips(folder: Path, rows: list[dict[str, Any]]) -> None:
    """The tables of each split and language, and the truth about all clips and stills."""
    frames = {row["id"]: row.pop("frames") for row in rows if "frames" in row}
    for split, language in product(SPLITS, drawing.LANGUAGES):
        own = [row for row in rows if row["split"] == split]
        told = [(row, text) for row in own for text in row["captions"][language]]
        lines = ("\t".join((row["id"], json.dumps([film_path(row)]), text)) for row, text in told)
        write_text(folder / f"{split}.{language}.tsv", "".join(f"{line}\n" for line in lines))
        if frames:
            inline = ((row["id"], frames[row["id"]], text) for row, text in told if row["id"] in frames)
            write_table(folder / f"{split}.{language}.base64.tsv", inline)
    write_json(folder / CLIP_TRUTH, {row["id"]: row for row in rows}, ascii_only=False)


def open_clips(folder: str | Path, language: str = "en") -> dict[str, list[Record]]:
    """The clips of each split as `make_clips` wrote them, told in one language."""
    rows = clip_truth(folder).values()
    return {s: [clip_record(folder, row, language) for row in rows if row["split"] == s] for s in SPLITS}


def open_stills(folder: str | Path, language: str = "en") -> list[Record]:
    """The single frames, for an eye to learn from before it sees clips."""
    rows = clip_truth(folder).values()
    return [clip_record(folder, row, language) for row in rows if row["split"] == STILLS]


def clip_record(folder: str | Path, row: Mapping[str, Any], language: str) -> Record:
    if language not in row["captions"]:
        raise DrawnError(f"no captions in {language!r}; there are {', '.join(row['captions'])}")
    media = resolve(folder) / (f"{STILLS}/{row['id']}.jpg" if row["split"] == STILLS else film_path(row))
    split = "train" if row["split"] == STILLS else row["split"]
    return Record(row["id"], str(media), tuple(row["captions"][language]), split, row["attributes"])


def read_times(folder: str | Path) -> dict[str, list[tuple[float, float]]]:
    """When the scenes of each clip start and end, in seconds."""
    films = {name: row for name, row in clip_truth(folder).items() if row["split"] != STILLS}
    return {name: [tuple(scene) for scene in row["times"]] for name, row in films.items()}


def clip_truth(folder: str | Path) -> dict[str, dict[str, Any]]:
    """What is known of each clip and still, by id."""
    return read_json(resolve(folder) / CLIP_TRUTH)
