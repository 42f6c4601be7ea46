"""Statistics count what is there."""

from atelier.sample import sample_look
from atelier.statistics import count_values, share_visible
from atelier.visible import visible
from atelier.wardrobe import SCHEMA, VIEWS


def test_counts_are_of_visible_attributes_only():
    nothing = dict.fromkeys(SCHEMA)
    counts = count_values([nothing | {"hat": "cap"}, nothing | {"hat": "cap", "ring": "ring"}, nothing])
    assert counts["hat"] == {"cap": 2, "beanie": 0, "sun hat": 0}
    assert counts["ring"] == {"ring": 1}
    assert sum(map(sum, (values.values() for values in counts.values()))) == 3


def test_a_back_hides_the_glasses_and_a_front_shows_them():
    looks = [sample_look(product, 1, seed=5) for product in range(1, 200)]
    pictures = [(look.product, 1, view, visible(look, view)) for look in looks for view in VIEWS]
    shares = share_visible(pictures, seed=5)
    assert shares["glasses"]["3_back"] == 0.0
    assert shares["glasses"]["1_front"] == 1.0
    assert shares["gender"]["4_full"] == 1.0
    assert all(share is None or 0 <= share <= 1 for views in shares.values() for share in views.values())
