"""A world: what can be true of a picture, how it is told in a language and a mood, how it is read back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from atelier.describe import describe
from atelier.moods import MOODS
from atelier.parse import Parsed, parse
from atelier.wardrobe import ACCESSORIES, CORE, SCHEMA


class WorldError(ValueError):
    """Words that a world does not have."""


class Lexicon(NamedTuple):
    """One language in one mood."""

    tell: Callable[..., str]  # attributes and a source of chance -> a text
    read: Callable[[str], Parsed]


@dataclass(frozen=True, eq=False)
class DrawnWorld:
    """Handed to whatever scores, rewards or draws: clothes, cars and actions are treated by the same code."""

    schema: Mapping[str, Sequence[str]]  # attribute -> its values
    scored: tuple[str, ...]  # the attributes that count unless others are asked for
    lexicons: Mapping[tuple[str, str], Lexicon]  # by language and mood
    spoken: tuple[str, str] = ("en", "plain")  # whose words `parse` reads

    def parse(self, text: str) -> Parsed:
        """What a text states."""
        return self.lexicons[self.spoken].read(text)

    def in_words(self, language: str = "en", mood: str = "plain") -> "DrawnWorld":
        """The same world, told and read in another language or mood."""
        if (language, mood) not in self.lexicons:
            known = ", ".join(map(" ".join, self.lexicons))
            raise WorldError(f"no words for {language} {mood} in this world; known: {known}")
        return replace(self, spoken=(language, mood))


WARDROBE = DrawnWorld(
    SCHEMA,
    (*CORE, *ACCESSORIES),
    {("en", "plain"): Lexicon(describe, parse)}
    | {("en", name): Lexicon(mood.tell, mood.read) for name, mood in MOODS.items()},
)
