"""Tally: how often each reason was met in each kind of text, mended or dropped, with examples to be shown."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

EXAMPLES = 3  # of each reason


@dataclass
class Tally:
    """Counts texts by kind, and (kind, reason) by what became of the text."""

    texts: Counter[str] = field(default_factory=Counter)
    mended: Counter[tuple[str, str]] = field(default_factory=Counter)
    dropped: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], list[tuple[str, str]]] = field(default_factory=dict)  # before, after

    def note(self, kind: str, before: str, after: str, reasons: Iterable[str]) -> None:
        """One text; an empty `after` is a text that was dropped."""
        self.texts[kind] += 1
        for reason in reasons:
            (self.mended if after else self.dropped)[kind, reason] += 1
            kept = self.examples.setdefault((kind, reason), [])
            if len(kept) < EXAMPLES:
                kept.append((before, after))

    def table(self) -> list[dict[str, Any]]:
        """A row for each kind and reason that was met, in the order in which they were."""
        return [
            {
                "kind": kind,
                "reason": reason,
                "mended": self.mended[kind, reason],
                "dropped": self.dropped[kind, reason],
                "of": self.texts[kind],
            }
            for kind, reason in sorted(self.examples, key=lambda key: key[0])
        ]

    def before_and_after(self, each: int = 2) -> list[dict[str, str]]:
        """Some texts of each reason, as they were and as they are."""
        return [
            {"kind": kind, "reason": reason, "before": before, "after": after or "(dropped)"}
            for (kind, reason), pairs in self.examples.items()
            for before, after in pairs[:each]
        ]
