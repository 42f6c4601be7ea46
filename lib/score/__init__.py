"""Scores of captions and of retrieval, equal to the packages the field reports with; cheap to import."""

from lib.score.attributes import attribute_f1
from lib.score.baselines import baselines
from lib.score.cider import CiderD, DocumentFrequencies
from lib.score.evaluate import evaluate, score_captions
from lib.score.pairs import ScoreError
from lib.score.retrieval import retrieve
from lib.score.reward import Reward
