"""The same calls over Qdrant: a server (its URL) or its local mode (a folder), which searches exactly."""

import contextlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lib.index.embeddings import Embeddings, GalleryError
from lib.index.store import check_new, unit
from lib.paths import resolve, some


@contextlib.contextmanager
def open_qdrant(store: str) -> Iterator[tuple[Callable, Callable]]:
    """What stands for `build_index` and `open_index` with `qdrant:URL` or `qdrant:FOLDER`."""
    try:
        from qdrant_client import QdrantClient
        from qdrant_client.http.exceptions import ApiException
    except ImportError:
        raise GalleryError("qdrant-client is not installed: bash prepare.sh --qdrant") from None
    kind, _, place = store.partition(":")
    if kind != "qdrant" or not place:
        raise GalleryError(f"--store {store}: expected qdrant:URL or qdrant:FOLDER")
    try:
        where = {"url": place} if "://" in place else {"path": str(resolve(place))}
        with contextlib.closing(QdrantClient(**where)) as client:
            yield partial(build_collection, client), partial(Collection, client)
    except (ApiException, RuntimeError) as error:
        raise GalleryError(f"{store}: {' '.join(str(error).split())[:200]}") from None


def build_collection(client: Any, folder: Path, embeddings: Embeddings, **_: Any) -> "Collection":
    """A new collection, named like the folder, in place of an old one."""
    from qdrant_client.models import Distance, VectorParams

    client.delete_collection(folder.name)
    size = VectorParams(size=embeddings.vectors.shape[1], distance=Distance.COSINE)
    client.create_collection(folder.name, size, metadata={"model": embeddings.model})
    Collection(client, folder).add(embeddings)
    return Collection(client, folder)


class Collection:
    """A collection that is asked as an `Index` is."""

    checkpoint = None

    def __init__(self, client: Any, folder: Path):
        self.client, self.name = client, folder.name
        if not client.collection_exists(self.name):
            raise GalleryError(f"Qdrant has no collection {self.name!r}; build it first")
        about = client.get_collection(self.name).config
        self.model, self.width = (about.metadata or {}).get("model"), about.params.vectors.size

    def __len__(self) -> int:
        return self.client.count(self.name, exact=True).count

    def _known(self, ids: Sequence[str]) -> set[str]:
        return {point.payload["id"] for point in self.client.retrieve(self.name, points(ids))}

    def add(self, embeddings: Embeddings) -> None:
        check_new(self, embeddings, self._known(embeddings.ids))
        ids, payload = points(embeddings.ids), [{"id": id} for id in embeddings.ids]
        self.client.upload_collection(self.name, unit(embeddings.vectors), payload, ids, wait=True)

    def remove(self, ids: Sequence[str]) -> None:
        if unknown := sorted({*ids} - self._known(ids)):
            raise GalleryError(f"not in the index: {some(unknown)}")
        self.client.delete(self.name, points(ids))

    def search(self, vectors: np.ndarray, k: int, recall: float | None = None) -> tuple[np.ndarray, list]:
        """As an index answers; `recall` 1 is exact, anything else is the server's own setting."""
        from qdrant_client.models import QueryRequest, SearchParams

        how = {"limit": k, "with_payload": True, "params": SearchParams(exact=recall == 1)}
        asked = [QueryRequest(query=query.tolist(), **how) for query in unit(np.atleast_2d(vectors))]
        found = [each.points for each in self.client.query_batch_points(self.name, asked)]
        scores = np.array([[point.score for point in each] for each in found], np.float32)
        return scores, [[point.payload["id"] for point in each] for each in found]

    def nothing_fits(self, best: float) -> None:
        """Nothing is known: a collection cannot be calibrated."""


def points(ids: Sequence[str]) -> list[str]:
    """Qdrant names points by UUIDs."""
    return [str(uuid.uuid5(uuid.NAMESPACE_URL, id)) for id in ids]
