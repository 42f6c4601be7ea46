"""Clips: people in motion whose truth is known, some told by nothing but the order of their frames."""

from atelier.clips.describe import (
    LANGUAGES,
    action_scores,
    read_clip,
    stated_actions,
    tell_clip,
    tell_many,
    tell_still,
)
from atelier.clips.draw import STILL_SCHEMA, draw_clip, draw_still, facts_of_still
from atelier.clips.sample import (
    CLIP_NAMES,
    CLIP_SCHEMA,
    ORDERED,
    played_backwards,
    sample_clip,
    scene_lengths,
    scenes_of,
    seen_in_still,
    true_actions,
)
from atelier.clips.world import CLIPS
