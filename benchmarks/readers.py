"""Memory and time of reading a million records, beside the plain `json.load` a user would write.

    python -m benchmarks.readers [--records 1000000]

Makes that many empty pictures and their files in a temporary folder; each reading is a process of its own.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from multiprocessing import Process
from pathlib import Path

from benchmarks.results import record

MEASURE = """
import resource, sys, time
from pathlib import Path
{prepare}
start = time.process_time()
found = {read}
seconds = time.process_time() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
import json
print(json.dumps([len(found), seconds, peak / 1024]))
"""
WAYS = {
    "read_coco, pictures checked": ("from lib.data.formats import read_coco", "read_coco(Path({folder!r}))"),
    "json.load of the same file, grouped by picture, nothing checked": (
        "import json\n"
        "def load(path):\n"
        "    content = json.load(open(path))\n"
        "    captions = {{}}\n"
        "    for row in content['annotations']:\n"
        "        captions.setdefault(row['image_id'], []).append(row['caption'])\n"
        "    return [(image, captions[image['id']]) for image in content['images']]",
        "load({folder!r} + '/annotations/captions_train2014.json')",
    ),
    "read_deepfashion, pictures checked": (
        "from lib.data.formats import read_deepfashion",
        "read_deepfashion(Path({folder!r}))",
    ),
    "read_flickr, pictures checked": (
        "from lib.data.formats import read_flickr",
        "read_flickr(Path({folder!r}))",
    ),
}


def caption(number: int) -> str:
    return f"Person {number} wears a long dress with floral patterns and stands in front of a wall."


def prepare(folder: Path, count: int) -> None:
    """A million empty pictures (nothing opens them), and their captions in three formats."""
    pictures = folder / "train2014"
    pictures.mkdir()
    (folder / "images").symlink_to(pictures, target_is_directory=True)
    names = [f"COCO_train2014_{number:012d}.jpg" for number in range(count)]
    for name in names:
        (pictures / name).touch()
    (folder / "annotations").mkdir()
    with (folder / "annotations" / "captions_train2014.json").open("w") as file:
        file.write('{"info": {"year": 2014}, "images": [')
        for number, name in enumerate(names):
            image = {
                "license": 5, "file_name": name, "height": 480, "width": 640, "id": number,
                "coco_url": f"http://images.cocodataset.org/train2014/{name}",
                "date_captured": "2013-11-14 16:28:13", "flickr_url": f"http://farm.example/{number}_z.jpg",
            }  # fmt: skip
            file.write(", " * (number > 0) + json.dumps(image))
        file.write('], "licenses": [], "annotations": [')
        for number in range(count):
            row = {"image_id": number, "id": 48 + number, "caption": caption(number)}
            file.write(", " * (number > 0) + json.dumps(row))
        file.write("]}")
    with (folder / "captions.json").open("w") as file:
        json.dump({name: caption(number) for number, name in enumerate(names)}, file)
    with (folder / "captions.txt").open("w") as file:
        file.write("image\tcaption_id\tcaption\n")
        file.writelines(f"{name}\t0\t{caption(number)}\n" for number, name in enumerate(names))


def measure(folder: Path) -> list[list[str]]:
    """A row for each way of reading."""
    rows = []
    for name, (before, read) in WAYS.items():
        code = MEASURE.format(prepare=before.format(), read=read.format(folder=str(folder)))
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        count, seconds, peak = json.loads(done.stdout)
        rows.append([name, f"{count:,}", f"{seconds:.1f}", f"{peak:,.0f}"])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        maker = Process(
            target=prepare, args=(Path(folder), args.records)
        )  # its memory must not count as ours
        maker.start()
        maker.join()
        rows = measure(Path(folder))
    columns = ["way", "records", "CPU seconds", "peak resident MiB"]
    record(
        "readers",
        title="Reading a million records",
        command=f"python -m benchmarks.readers --records {args.records}",
        text="One caption a picture. Peak resident memory of the whole process, the records still held.",
        tables=[{"title": f"{args.records:,} records", "columns": columns, "rows": rows}],
    )


if __name__ == "__main__":
    main()
