"""The captioner: an encoder, a decoder, their words and their preprocessing, saved and loaded as one."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lib.data.images import Preprocess
from lib.data.loader import Batch
from lib.data.record import STYLELESS
from lib.data.text import Text
from lib.models.attributes import AttributeEncoder
from lib.models.clip_encoder import build_clip_encoder
from lib.models.decoders import build_decoder, describe_decoder
from lib.models.decoding import Decoding
from lib.models.encoders import BACKBONES, build_encoder
from lib.models.errors import ModelError, check_known
from lib.models.generate import Generated, eval_mode, generate
from lib.models.image_to_text import Seeing, open_image_to_text
from lib.models.saved import WithWords
from lib.models.state import Decoded

# kind -> what builds it from its description; the oracle's is told attributes instead of shown pictures
ENCODERS = dict.fromkeys(BACKBONES, build_encoder)
ENCODERS |= {"clip": build_clip_encoder, "image_to_text": Seeing}
ENCODERS["attributes"] = lambda description: AttributeEncoder(description["schema"])

# texts of the n best, their scores and the picture's id -> one of the texts
Choose = Callable[[Sequence[str], Sequence[float], str], str]


class Captioner(WithWords):
    """Pictures in, captions out. Given attributes instead of pictures (AttributeEncoder) it is the oracle."""

    called = kind = "captioner"
    keys = ("encoder", "decoder")

    def __init__(self, encoder: nn.Module, decoder: nn.Module, vocab: Text, preprocess: Preprocess | None):
        super().__init__()
        words, width = decoder.settings.vocab_size, decoder.settings.memory_width
        if words != len(vocab):
            raise ModelError(f"the decoder knows {words} words, the vocabulary {len(vocab)}")
        if width != encoder.width:
            raise ModelError(f"cells are {encoder.width} wide; the decoder reads {width}")
        self.encoder, self.decoder, self.preprocess = encoder, decoder, preprocess
        self.vocab = self.text = vocab

    @property
    def banned(self) -> tuple[int, ...]:
        """Words that no caption holds."""
        return self.vocab.marks

    def encode(self, images: Tensor) -> Tensor:
        """Pictures [B, 3, H, W] or clips [B, T, 3, H, W] -> memory [B, N, D]."""
        return self.encoder(images)

    def remember(self, batch: Batch) -> Tensor:
        """The batch's memory: given, or seen now."""
        return self.encode(batch.images) if batch.memory is None else batch.memory

    def forward(self, batch: Batch, *, attention: bool = False) -> Decoded:
        """Scores of each next word, given the true words before it."""
        return self.decoder(self.remember(batch), batch.tokens[:, :-1], batch.mask, attention=attention)

    def search(
        self, memory: Tensor, decoding: Decoding, *, start: int | Tensor | None = None, **how: Any
    ) -> Generated:
        """`generate` with this vocabulary's marks; `how` are its other options."""
        marks = {"start": self.vocab.start if start is None else start, "end": self.vocab.end}
        return generate(self.decoder, memory, decoding, banned=self.banned, **marks, **how)

    @torch.no_grad()
    def caption(self, batch: Batch, decoding: Decoding, choose: Choose | None = None) -> list[str]:
        """The best caption of each picture, as text, or of its n best the one that is chosen; guidance leads
        away from what has no style."""
        plain = None if decoding.guidance == 1 else torch.tensor([self.vocab.begin(STYLELESS)] * len(batch))
        with eval_mode(self):
            memory, start = self.remember(batch), batch.prefix
            found = self.search(memory, decoding, mask=batch.mask, start=start, without=plain)
        if choose is None:
            return [self.decode(ids) for ids in found.tokens[:, 0].tolist()]
        rows = zip(found.tokens.tolist(), found.scores.tolist(), batch.ids, strict=True)
        return [choose([self.decode(ids) for ids in several], scores, id) for several, scores, id in rows]

    def decode(self, ids: Sequence[int]) -> str:
        """Numbers as text."""
        return self.vocab.decode(ids)

    def describe(self) -> dict[str, Any]:
        """Plain JSON from which `from_config` builds an equal model, weights aside."""
        parts = {"encoder": self.encoder.describe(), "decoder": describe_decoder(self.decoder)}
        return {"kind": self.kind, **parts}

    def marked(self, marks: Sequence[str]) -> "Captioner":
        """This captioner with further marks that captions may begin with; all that it has learnt stays."""
        vocab, places = self.vocab.marked(marks)
        decoder = build_decoder(describe_decoder(self.decoder) | {"vocab_size": len(vocab)})
        fresh = decoder.state_dict()
        for name, learnt in self.decoder.state_dict().items():
            rows = ... if learnt.shape == fresh[name].shape else torch.tensor(places)
            fresh[name][rows] = learnt
        return Captioner(self.encoder, decoder, vocab, self.preprocess)

    @classmethod
    def published(cls, name: str, *, revision: str | None = None, hub: bool = False) -> "Captioner":
        """A BLIP, GIT or ViT-GPT2 as it was published: a folder, or an id that lies in the hub's cache."""
        return cls(*open_image_to_text(name, revision=revision, hub=hub)).eval()

    @classmethod
    def assemble(cls, encoder: dict, decoder: dict, text: Text, preprocess: Preprocess | None) -> "Captioner":
        kind = encoder.get("kind", "torchvision")
        check_known("encoder", kind, ENCODERS)
        return cls(ENCODERS[kind](encoder), build_decoder(decoder), text, preprocess)
