"""Search over a million pictures: exact where they are few, of measured recall where they are many."""

from lib.index.absence import absence
from lib.index.embeddings import Embeddings, GalleryError, read_embeddings, write_embeddings
from lib.index.store import Index, build_index, open_index
