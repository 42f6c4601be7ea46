"""What the demo asks about a picture: the captioners of an output folder, and the audit's doubts."""

import base64
import io
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from course.handed import CourseError
from lib import checkpoint
from lib.data.formats.homework import SPECIAL
from lib.data.images import Preprocess
from lib.data.record import STYLELESS
from lib.data.text import MARK
from lib.models.attributes import AttributeReader
from lib.models.captioner import Captioner
from lib.models.decoding import Decoding
from lib.models.encoders import BACKBONES
from lib.paths import shorten
from lib.publish.attention_maps import DARK, attention_as_light
from lib.publish.captioning import PredictError, longest, open_captioner
from rebuild.audit.claims import Claim, read_claims
from rebuild.audit.judge import KEPT, Evidence, judge_text
from rebuild.audit.own_models import read_beliefs

LENGTH, BEAM = 60, 5
SEEN = 256  # pixels a side of the picture that words are held against


class Spoken(NamedTuple):
    """A caption in pieces that joined are its text, its score, and what was looked at for each piece."""

    pieces: tuple[str, ...]
    score: float
    weights: np.ndarray | None  # [pieces, cells]

    @property
    def looked(self) -> list[np.ndarray | None]:
        """The weights of each piece; what was looked at for the end is left out."""
        count = len(self.pieces)
        return [None] * count if self.weights is None else list(self.weights[:count])


@dataclass(frozen=True)
class Trained:
    """A captioner by its name, such as `attn/transformer`."""

    name: str
    model: Captioner

    @property
    def moods(self) -> list[str]:
        """The marks that its captions may begin with."""
        marks = [self.model.vocab.tokens([number]) for number in self.model.vocab.marks]
        return [m[0] for m in marks if m and m[0] not in (*SPECIAL, *STYLELESS) and MARK.fullmatch(m[0])]

    @property
    def looks(self) -> bool:
        """Whether its decoder can say where it looked before each word."""
        return self.model.decoder.kind in ("attention_gru", "transformer")

    @torch.inference_mode()
    def tell(
        self, picture: Image.Image, mood: str | None = None, count: int = 1, strength: float = 1.0
    ) -> list[Spoken]:
        """The best captions of a picture; a mood that this model does not know is left out."""
        model, known = self.model, mood in self.moods
        start = torch.tensor([model.vocab.begin([mood] if known else [])])
        plain = torch.tensor([model.vocab.begin(STYLELESS)]) if known and strength != 1 else None
        length = min(LENGTH, longest(model, LENGTH) - start.shape[1] + 1)
        guidance = 1.0 if plain is None else strength
        decoding = Decoding(beam=BEAM, n_best=count, max_length=length, guidance=guidance)
        memory = model.encode(model.preprocess(picture)[None])
        found = model.search(memory, decoding, start=start, without=plain, attention=self.looks)
        cells = found.attention[0].float().numpy() if self.looks else [None] * count
        rows = zip(found.tokens[0].tolist(), found.scores[0].tolist(), cells, strict=True)
        told = [Spoken(self.split(ids), score, seen) for ids, score, seen in rows if score != -torch.inf]
        return sorted(told, key=lambda spoken: -spoken.score)

    def split(self, ids: Sequence[int]) -> tuple[str, ...]:
        """The text of a caption, cut where a token begins, spaces with what follows them."""
        count = len(self.model.vocab.tokens(ids))
        texts = [self.model.decode(ids[:end]) for end in range(count + 1)]
        return tuple(longer[len(text) :] for text, longer in pairwise(texts))

    def seen(self, picture: Image.Image) -> str:
        """The part of a picture that this model was shown."""
        how: Preprocess = self.model.preprocess
        channels = how(picture) * torch.tensor(how.std)[:, None, None] + torch.tensor(how.mean)[:, None, None]
        pixels = (channels.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        return as_data(Image.fromarray(pixels).resize((SEEN, SEEN)))

    def shade(self, weights: np.ndarray | None) -> str:
        """What darkens the picture where nobody looked; words where what was looked at has no place in it."""
        settings = self.model.encoder.settings
        if weights is None or settings.view == "pooled":
            return ""
        if settings.view == "attributes":
            best = sorted(zip(weights, settings.schema, strict=True), reverse=True)[:3]
            return ", ".join(f"{name.replace('_', ' ')} {weight:.0%}" for weight, name in best)
        light = attention_as_light(weights, self.model.encoder, (SEEN // 2, SEEN // 2))
        dark = (1 - DARK) * (1 - light / max(light.max(), 1e-9)) * 255
        alpha = Image.fromarray(dark.round().astype(np.uint8))
        return as_data(Image.merge("LA", [Image.new("L", alpha.size), alpha]))


def find_captioners(models: Path) -> list[Trained]:
    """Every captioner that sees pictures; one that cannot be opened is named, and the others go on."""
    found = []
    for path in sorted(models.glob("*/*/best/meta.json")):
        about = checkpoint.read_meta(path.parent).get("model", {})
        if about.get("kind") != "captioner" or about["encoder"].get("kind", "torchvision") not in BACKBONES:
            continue
        try:
            name = path.parent.parent.relative_to(models).as_posix()
            found.append(Trained(name, open_captioner(path.parent)))
        except PredictError as error:
            print(f"course demo: {error}", file=sys.stderr)
    if not found:
        raise CourseError(f"{shorten(models)}: no trained captioner; run: python run_all.py --only 00,01,02")
    return found


def open_evidence(models: Path, preprocess: Preprocess) -> Callable[[Image.Image], Evidence] | None:
    """What the attribute reader sees in a picture, which the audit holds captions against."""
    folder = models / "reader" / "attributes"
    if not folder.is_dir():
        return None
    reader = AttributeReader.load(folder)

    @torch.inference_mode()
    def look(picture: Image.Image) -> Evidence:
        return Evidence(read_beliefs(reader, preprocess(picture)[None])[0])

    return look


def find_doubts(pieces: Sequence[str], evidence: Evidence) -> tuple[dict[int, str], list[str]]:
    """Why which pieces of a caption are doubted, and the reasons that no single piece stands for.

    A claim stands in the pieces without which it is gone, and as few others as may be.
    """
    text = "".join(pieces)
    doubted = [verdict for verdict in judge_text(text, evidence).verdicts if verdict.outcome != KEPT]
    if not doubted:
        return {}, []
    stated = {*read_claims(text)}
    lost = [stated - {*read_claims("".join([*pieces[:i], *pieces[i + 1 :]]))} for i in range(len(pieces))]
    placed: dict[int, str] = {}
    unplaced = []
    for verdict in doubted:
        reason = f"{verdict.attribute.replace('_', ' ')} {verdict.value}: {verdict.reason}"
        claim = Claim(verdict.attribute, verdict.value)
        sizes = {place: len(claims) for place, claims in enumerate(lost) if claim in claims}
        places = [place for place, size in sizes.items() if size == min(sizes.values())]
        placed |= {place: f"{placed[place]}; {reason}" if place in placed else reason for place in places}
        unplaced += [] if places else [reason]
    return placed, unplaced


def as_data(image: Image.Image) -> str:
    """A picture inside a page."""
    image.save(buffer := io.BytesIO(), "PNG", compress_level=1)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
