"""The atelier: a drawn world whose truth is known. Its words are here, drawing in its modules."""

from atelier.describe import describe, describe_many
from atelier.parse import parse
from atelier.sample import sample_look
from atelier.visible import visible
from atelier.wardrobe import ACCESSORIES, CORE, SCENE, SCHEMA, VIEWS, Attributes, Look
from atelier.world import WARDROBE
