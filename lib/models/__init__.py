"""Encoders, decoders, captioners and the one search."""

from lib.models.attributes import AttributeEncoder, AttributeReader, number_attributes
from lib.models.captioner import Captioner
from lib.models.decoders import build_decoder
from lib.models.decoding import Decoding
from lib.models.detectors import open_detector
from lib.models.encoders import AttributeHeads, Encoder, build_encoder
from lib.models.errors import ModelError
from lib.models.eye import choose_eye, open_eye, save_eye
from lib.models.features import Features, cache_features
from lib.models.generate import Generated, generate
from lib.models.packages import model_folder
from lib.models.retriever import (
    Retriever,
    embed_pictures,
    embed_texts,
    match_pairs,
    open_named,
    open_retriever,
    rerank,
)
from lib.models.state import Decoded, State
from lib.models.two_towers import TwoTowers, TwoTowersSettings
