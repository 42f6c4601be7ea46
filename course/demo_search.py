"""Pictures found by a sentence, for the demo: those of an index, or the retrieval notebook's own."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from course.handed import CourseError
from lib import checkpoint
from lib.data import open_dataset
from lib.data.street import TRUTH, open_street
from lib.index import open_index
from lib.models.retriever import KINDS, Retriever, open_retriever
from lib.paths import Output, resolve, shorten
from lib.publish.metrics import read_metrics

STAGE = "06_retrieval"
WISH = f"run: python run_all.py --only {STAGE[:2]}"


@dataclass(frozen=True)
class PictureSearch:
    """Pictures found by a sentence: those of an index, or its notebook's test pictures, seen at first use."""

    output: Output
    index: str | None = None

    def __call__(self, text: str, count: int = 12) -> tuple[list[tuple[str, float]], float | None]:
        """Paths and scores, the best first, and how likely it is that nothing fits where that is known."""
        if self.index is None:
            paths, vectors = self.gallery
            scores = vectors @ self.retriever.embed_texts([text])[0]
            best = np.argsort(-scores, kind="stable")[:count]
            return [(paths[place], float(scores[place])) for place in best], None
        scores, ids = self.opened.search(self.retriever.embed_texts([text]), count)
        paths = [str(resolve(name)) for name in ids[0]]
        if gone := [path for path in paths if not Path(path).is_file()]:
            raise CourseError(f"{self.index}: {gone[0]}: no such picture; expected ids that are paths")
        absent = self.opened.nothing_fits(float(scores[0, 0])) if scores.size else None
        return list(zip(paths, scores[0].tolist(), strict=True)), absent

    @cached_property
    def opened(self):
        return open_index(resolve(self.index))

    @cached_property
    def retriever(self) -> Retriever:
        """The one that the index was made with, or the first one."""
        models = self.output.model_ckpt
        for path in sorted(models.glob("*/*/best/meta.json")):
            if checkpoint.read_meta(path.parent).get("model", {}).get("kind") in KINDS:
                found = open_retriever(path.parent)
                if self.index is None or found.fingerprint == self.opened.model:
                    return found
        wanted = "" if self.index is None else f" that {self.index} was made with ({self.opened.model})"
        raise CourseError(f"{shorten(models)}: no retriever{wanted}; {WISH}")

    @cached_property
    def gallery(self) -> tuple[list[str], np.ndarray]:
        retriever, about = self.retriever, read_metrics(self.output.root).get(STAGE)
        if about is None:
            raise CourseError(f"{shorten(self.output.metrics / STAGE)}.json: not there; {WISH}")
        dataset = resolve(about["dataset"])
        street = (dataset / TRUTH).is_file()
        records = open_street(dataset).splits["test"] if street else open_dataset(dataset)
        paths = list(dict.fromkeys(record.path for record in records if record.split == "test"))
        return paths, retriever.embed_images([Path(path) for path in paths])
