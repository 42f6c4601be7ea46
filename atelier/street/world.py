"""The street as a world: handed to whatever scores or rewards its captions."""

from atelier.street.describe import describe_street, parse_street
from atelier.street.sample import NAMES, STREET_SCHEMA
from atelier.world import DrawnWorld, Lexicon

STREET = DrawnWorld(STREET_SCHEMA, NAMES, {("en", "plain"): Lexicon(describe_street, parse_street)})
