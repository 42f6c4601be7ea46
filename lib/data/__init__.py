"""Data: file formats <-> Record, words, pictures. Batches, which need torch, are in `lib.data.loader`."""

from lib.data.formats import Dataset, FormatError, open_dataset, write_deepfashion, write_homework
from lib.data.images import ImageError, Preprocess, load_image
from lib.data.record import Record, digest
from lib.data.split import arrange, hold_out_val, leaks, part, split_by_product
from lib.data.text import Vocab, detokenize, tokenize
