"""Moods: the truth of the wardrobe told cheerfully, tersely, poetically and sarcastically, and read back."""

from atelier.moods.mood import MOODS, Mood, MoodError, describe_mood, describe_moods

__all__ = ["MOODS", "Mood", "MoodError", "describe_mood", "describe_moods"]
