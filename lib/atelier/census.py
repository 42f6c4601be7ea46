"""The census: what a dataset of known truth holds, and how much of it its pictures let one see."""

from collections.abc import Iterable, Mapping

from lib.atelier.sample import parse_picture_name, sample_look
from lib.atelier.wardrobe import SCHEMA, VIEWS, Facts


def count_values(truths: Iterable[Facts]) -> dict[str, dict[str, int]]:
    """How often each value of each attribute is visible."""
    counts = {attribute: dict.fromkeys(values, 0) for attribute, values in SCHEMA.items()}
    for facts in truths:
        for attribute, value in facts.items():
            if value is not None:
                counts[attribute][value] += 1
    return counts


def share_visible(pictures: Mapping[str, Facts], seed: int) -> dict[str, dict[str, float | None]]:
    """Of the pictures in which a fact is true, the share that shows it, by attribute and view.

    What is true comes from the look that the picture's name tells; None where it is never true in a view.
    """
    true = {attribute: dict.fromkeys(VIEWS, 0) for attribute in SCHEMA}
    seen = {attribute: dict.fromkeys(VIEWS, 0) for attribute in SCHEMA}
    for picture, facts in pictures.items():
        name = parse_picture_name(picture)
        look = sample_look(name.product, name.outfit, seed)
        for attribute, value in look.facts.items():
            true[attribute][name.view] += value is not None
            seen[attribute][name.view] += facts[attribute] is not None
    return {
        attribute: {view: seen[attribute][view] / n if n else None for view, n in views.items()}
        for attribute, views in true.items()
    }
