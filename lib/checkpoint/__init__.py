"""The only saving and loading of weights: whole or not at all, strictly, and never unpickling code."""

from lib.checkpoint.folder import Checkpoint, SavedState, choose, load, locate, read_meta, read_state, save
from lib.checkpoint.weights import CheckpointError, load_into, load_weights, write_arrays
