"""The only training loop, and the objectives it serves."""

from lib.train.caption_task import CaptionTask, open_caption_task, oracle_task, picture_task, show_task
from lib.train.collapse_guard import guarded_validator
from lib.train.contrastive import contrastive
from lib.train.fit import Fitted, fit
from lib.train.memory_use import measure_memory_use
from lib.train.objectives import attribute_loss, cross_entropy, self_critical
from lib.train.processes import this_process
from lib.train.reading import by_attributes, learn_attributes
from lib.train.reinforce import reward_of
from lib.train.run_identity import FitError
from lib.train.validation import PartView, blind_view, by_captions, by_retrieval, caption_all, select
