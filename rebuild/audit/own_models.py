"""Our own models: captioner and attribute reader, asked about pictures in the same way as any backend.

The prompt "caption" gives the captioner's best caption, "evidence" what both say for the judge, as JSON.
So their answers stand in a store too: resumed after a kill, shared by several processes.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from lib import checkpoint
from lib.data.images import Preprocess
from lib.models.attributes import AttributeReader
from lib.models.captioner import Captioner
from lib.models.decoding import Decoding
from lib.models.features import hash_weights
from lib.models.generate import eval_mode
from rebuild.audit.judge import NONE, Evidence
from rebuild.backends.pictures import answer_in_batches
from rebuild.backends.shape import Answer, BackendError, backend_fingerprint

CAPTION, EVIDENCE = "caption", "evidence"
SAMPLING = Decoding(method="sample", samples=5, temperature=0.7)


class OwnModels:
    """What our models see. Without a captioner it only reads, without a reader it only tells."""

    name = "own models"

    def __init__(
        self,
        reader: AttributeReader | None,
        captioner: Captioner | None,
        preprocess: Preprocess,
        *,
        decoding: Decoding | None = None,
        sampling: Decoding = SAMPLING,
        batch_size: int = 32,
        model: str = "our captioner and attribute reader",
        seed: int = 0,
    ):
        if reader is None and captioner is None:
            raise BackendError("our own models: expected a reader, a captioner or both")
        self.reader, self.captioner, self.preprocess = reader, captioner, preprocess
        self.decoding, self.sampling = decoding or Decoding(), sampling
        self.batch_size, self.model, self.seed = batch_size, model, seed
        weights = [hash_weights(part)[:16] for part in (reader, captioner) if part is not None]
        settings = [preprocess.to_json(), asdict(self.decoding), asdict(sampling), seed]
        self.fingerprint = backend_fingerprint(weights, reader is None, settings)

    def __call__(self, pictures: Sequence[Path], prompts: Sequence[str]) -> list[Answer]:
        unknown = sorted({*prompts} - {CAPTION, EVIDENCE})
        if unknown or (CAPTION in prompts and self.captioner is None):
            asked = unknown[0] if unknown else CAPTION
            raise BackendError(
                f"our models cannot answer {asked!r}; expected {EVIDENCE!r}, or {CAPTION!r} of a captioner"
            )
        return answer_in_batches(pictures, prompts, self.ask, self.batch_size)

    @torch.no_grad()
    def ask(self, images: list[Image.Image], prompts: list[str]) -> list[Answer]:
        device = next((self.reader or self.captioner).parameters()).device
        batch = torch.stack([self.preprocess(image) for image in images]).to(device)
        rows = {kind: [row for row, prompt in enumerate(prompts) if prompt == kind] for kind in {*prompts}}
        answers: list[Answer] = [""] * len(prompts)
        for kind, chosen in rows.items():
            told = self.tell(batch[chosen]) if kind == CAPTION else self.give_evidence(batch[chosen])
            for row, text in zip(chosen, told, strict=True):
                answers[row] = text
        return answers

    def tell(self, images: Tensor) -> list[str]:
        """The best caption of each picture."""
        with eval_mode(self.captioner):
            found = self.captioner.search(self.captioner.encode(images), self.decoding)
        return [self.captioner.decode(ids) for ids in found.tokens[:, 0].tolist()]

    def give_evidence(self, images: Tensor) -> list[str]:
        """The reader's probabilities and the captioner's samples, as the judge reads them."""
        read = read_beliefs(self.reader, images) if self.reader else [{} for _ in images]
        said = self.sample(images) if self.captioner else [()] * len(images)
        return [Evidence(*pair).to_text() for pair in zip(read, said, strict=True)]

    def sample(self, images: Tensor) -> list[tuple[str, ...]]:
        chance = torch.Generator(device=images.device).manual_seed(self.seed)
        with eval_mode(self.captioner):
            memory = self.captioner.encode(images)
            found = self.captioner.search(memory, self.sampling, generator=chance)
        return [tuple(map(self.captioner.decode, texts)) for texts in found.tokens.tolist()]

    def close(self) -> None:
        """The models belong to the caller."""


def open_own_models(models: Path, captioner: str, **settings: Any) -> OwnModels:
    """The captioner chosen as `captioner`, and the attribute reader where notebook 00 trained one."""
    told = Captioner.load(checkpoint.locate(models / captioner))
    if told.preprocess is None:
        raise BackendError(f"the captioner {captioner} is told attributes; it cannot see pictures")
    folder = models / "reader" / "attributes"
    reader = AttributeReader.load(folder) if folder.is_dir() else None
    device = "cuda" if torch.cuda.is_available() else "cpu"
    parts = [part and part.to(device) for part in (reader, told)]
    return OwnModels(*parts, told.preprocess, model=f"{captioner} and the attribute reader", **settings)


def read_beliefs(reader: AttributeReader, images: Tensor) -> list[dict[str, dict[str, float]]]:
    """For each picture attribute -> value -> probability, with four digits; NONE is nothing to be seen."""
    with eval_mode(reader):
        columns = [logits.float().softmax(1).tolist() for logits in reader.judge(images)]
    found: list[dict[str, dict[str, float]]] = [{} for _ in images]
    for (name, values), column in zip(reader.schema.items(), columns, strict=True):
        for beliefs, row in zip(found, column, strict=True):
            beliefs[name] = {v: round(p, 4) for v, p in zip((NONE, *values), row, strict=True)}
    return found
