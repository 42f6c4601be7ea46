"""Every file format <-> Record. One module a family; `open_dataset` recognises which one lies in a folder."""

from lib.data.formats.coco import read_coco
from lib.data.formats.deepfashion import Name, parse_name, read_captions, read_deepfashion, write_deepfashion
from lib.data.formats.flickr import read_flickr
from lib.data.formats.folder import read_fashion_new, read_folder
from lib.data.formats.homework import number_words, read_homework, read_vocab, write_homework
from lib.data.formats.karpathy import read_karpathy
from lib.data.formats.opening import open_dataset, recognise
from lib.data.formats.report import UNASSIGNED, Dataset, FormatError, Report
