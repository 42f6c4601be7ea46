"""The pipeline: runs the numbered notebooks headless, skips what still holds, and records what happened.

It knows notebooks and files, and no torch. Nothing heavy is imported here: `--list` has to be quick.
"""

from pipeline.command import main
from pipeline.stage import PROFILES, PipelineError, Stage
