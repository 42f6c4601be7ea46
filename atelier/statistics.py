"""Statistics: what a dataset of known truth holds, and how much of it its pictures let one see."""

from collections.abc import Iterable

from atelier.sample import sample_look
from atelier.wardrobe import SCHEMA, VIEWS, Attributes


def count_values(truths: Iterable[Attributes]) -> dict[str, dict[str, int]]:
    """How often each value of each attribute is visible."""
    counts = {attribute: dict.fromkeys(values, 0) for attribute, values in SCHEMA.items()}
    for attributes in truths:
        for attribute, value in attributes.items():
            if value is not None:
                counts[attribute][value] += 1
    return counts


def share_visible(
    pictures: Iterable[tuple[int, int, str, Attributes]], seed: int
) -> dict[str, dict[str, float | None]]:
    """Of the pictures in which an attribute is true, the share that shows it, by attribute and view.

    A picture is its product, outfit, view and what is visible; None where nothing is ever true in a view.
    """
    true = {attribute: dict.fromkeys(VIEWS, 0) for attribute in SCHEMA}
    seen = {attribute: dict.fromkeys(VIEWS, 0) for attribute in SCHEMA}
    for product, outfit, view, attributes in pictures:
        for attribute, value in sample_look(product, outfit, seed).attributes.items():
            true[attribute][view] += value is not None
            seen[attribute][view] += attributes[attribute] is not None
    return {
        attribute: {view: seen[attribute][view] / n if n else None for view, n in views.items()}
        for attribute, views in true.items()
    }
