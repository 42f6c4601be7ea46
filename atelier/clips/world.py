"""The clips as a world: handed to whatever scores or rewards their captions, in either language."""

from functools import partial

from atelier.clips.describe import LANGUAGES, read_clip, tell_clip
from atelier.clips.sample import CLIP_NAMES, CLIP_SCHEMA
from atelier.world import DrawnWorld, Lexicon

CLIPS = DrawnWorld(
    CLIP_SCHEMA,
    CLIP_NAMES,
    {
        (name, "plain"): Lexicon(partial(tell_clip, language=name), partial(read_clip, language=name))
        for name in LANGUAGES
    },
)
