"""The street: pedestrians and vehicles whose truth is known, told apart by single facts."""

from atelier.street.describe import describe_street, false_in_one, false_pairs, parse_street
from atelier.street.sample import NAMES, STREET_SCHEMA, neighbour, sample_street
from atelier.street.world import STREET
