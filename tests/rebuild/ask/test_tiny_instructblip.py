"""The small InstructBLIP: learns what it is told, and opens as the great one does."""

import hashlib
import itertools
from dataclasses import replace

import pytest
import torch
from transformers import AutoProcessor

from atelier.describe import describe_many
from atelier.plan import Recipe
from atelier.wardrobe import SCENE
from atelier.world import WARDROBE
from lib.config import Training
from lib.data import load_image, open_dataset
from lib.data.drawn import make_dataset
from lib.data.loader import Loader
from lib.score.attributes import attribute_f1
from lib.train import fit
from lib.train.objectives import IGNORED
from rebuild.ask import instruction_data
from rebuild.ask.instruction_data import InstructionData, Questions, answer_loss
from rebuild.ask.tiny_instructblip import build_tiny_instructblip
from rebuild.backends import BackendError, open_backend
from rebuild.errors import RebuildError

PROMPTS = {"background": "Describe the background.", "garments": "What does the person wear?"}
TRAINING = Training(
    max_steps=45, epochs=99, batch_size=16, optimizer="muon", learning_rate=0.006, schedule="linear"
)


class SameWords(Questions):
    """Answers that stay as they are, so that they can be learnt by heart."""

    def ask(self, number, seed):
        return super().ask(number, 0)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("atelier") / "eight"
    make_dataset(folder, Recipe(train=8, val=0, test=0, seed=3, single=True))
    return list(open_dataset(folder))


@pytest.fixture(scope="module")
def questions(records):
    return SameWords(records, PROMPTS)


def learn(questions, folder, training=TRAINING):
    model = build_tiny_instructblip(questions.texts, seed=1)
    key = {"data": questions.describe(), "model": model.describe(), "objective": "answers"}
    loader = Loader(InstructionData(questions, model), batch_size=training.batch_size)
    run = fit(model, answer_loss(), loader, training=training, folder=folder / "tiny", run_key=key)
    return model, run


@pytest.fixture(scope="module")
def learnt(questions, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model_ckpt")
    model, run = learn(questions, folder)
    return model, run, model.save(folder / "folder")


def contents(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.*")}


def test_the_saved_folder_answers_what_it_learnt_word_for_word(questions, learnt):
    backend = open_backend(
        {"kind": "transformers", "model": str(learnt[2]), "max_tokens": 90, "batch_size": 5}
    )
    assert type(backend.network).__name__ == "InstructBlipForConditionalGeneration"
    asked = [questions.ask(number, 0) for number in range(len(questions))]
    paths = [record.path for record in questions.records for _ in PROMPTS]
    answers = backend(paths, [prompt for prompt, _ in asked])
    assert answers == [answer for _, answer in asked]
    attributes = [record.attributes for record in questions.records]
    assert attribute_f1(answers[::2], attributes, WARDROBE, names=SCENE).f1 == 1.0
    assert any(truth["background"] is None for truth in attributes) and "" in answers


def test_training_shows_the_network_what_the_saved_processor_shows_it(questions, learnt):
    model, _, folder = learnt
    processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
    batch = InstructionData(questions, model).batch(range(len(questions)), [0] * len(questions))
    for number in range(len(questions)):
        image = load_image(questions.records[number // 2].path)
        given = processor(images=[image], text=[questions.ask(number, 0)[0]], return_tensors="pt")
        assert torch.equal(batch.inputs["pixel_values"][number], given["pixel_values"][0])
        length = given["input_ids"].shape[1]
        assert torch.equal(batch.inputs["input_ids"][number, :length], given["input_ids"][0])
        length, ids = given["qformer_input_ids"].shape[1], batch.inputs["qformer_input_ids"][number]
        assert torch.equal(ids[:length], given["qformer_input_ids"][0])
        assert batch.inputs["qformer_attention_mask"][number].sum() == length


def test_only_answers_are_learnt_and_every_token_of_them(questions, learnt):
    words = learnt[0].processor.tokenizer
    batch = InstructionData(questions, learnt[0]).batch([0, 1, 5], [7, 7, 7])
    for number, targets, told in zip([0, 1, 5], batch.targets, batch.inputs["input_ids"], strict=True):
        kept = targets[targets != IGNORED]
        assert words.decode(kept) == questions.ask(number, 7)[1] + "</s>"
        first = int((targets != IGNORED).nonzero()[0])
        assert told[first] == words.bos_token_id  # after which the answer begins, here as when it is asked


def test_a_long_answer_weighs_as_much_as_a_short_one_and_padding_nothing(questions, learnt):
    source, objective = InstructionData(questions, learnt[0]), answer_loss()
    with torch.no_grad():
        together = objective(learnt[0], source.batch([0, 1], [3, 3]))
        alone = [objective(learnt[0], source.batch([number], [3])) for number in (0, 1)]
    assert together["count"] == 2 and all(one["count"] == 1 for one in alone)
    assert float(together["loss"]) == pytest.approx(sum(float(one["loss"]) for one in alone), rel=1e-3)
    source.questions = Questions(questions.records, PROMPTS)  # words it did not learn: means, not sums
    with torch.no_grad():
        batch = source.batch([1], [4])
        found, logits = objective(learnt[0], batch)["loss"], learnt[0](batch.inputs)[0]
    real = batch.targets[0] != IGNORED
    wanted = torch.nn.functional.cross_entropy(logits[real], batch.targets[0][real])
    assert float(found) == pytest.approx(float(wanted), rel=1e-4)


def test_words_it_does_not_know_are_not_learnt(questions):
    model = build_tiny_instructblip(["Describe the background.", "The photo was taken in"])
    batch = InstructionData(questions, model).batch(range(0, len(questions), 2), [1] * 8)
    assert model.processor.tokenizer.unk_token_id not in batch.targets


def test_text_comes_back_as_it_was(records):
    texts = [text for record in records for text in describe_many(record.attributes, 5, 6, scene=True)]
    words = build_tiny_instructblip(texts).processor.tokenizer
    assert [words.decode(words(t, add_special_tokens=False)["input_ids"]) for t in texts] == texts


def test_answers_are_worded_anew_and_equal_for_equal_seeds(records):
    questions = Questions(records, PROMPTS)
    answers = [questions.ask(1, seed)[1] for seed in range(9)]
    assert len(set(answers)) > 5 and answers == [questions.ask(1, seed)[1] for seed in range(9)]
    attributes = [records[0].attributes] * 9
    assert attribute_f1(answers, attributes, WARDROBE).precision == 1.0


def test_an_equal_run_is_found_and_prepares_no_picture(questions, learnt, monkeypatch):
    _, run, folder = learnt
    monkeypatch.setattr(
        instruction_data, "prepare_pictures", lambda *_: pytest.fail("nothing is to be trained")
    )
    again, found = learn(questions, run.best.parent.parent)
    assert run.state == "finished" and found.state == "found"
    other = again.save(folder.with_name("again"))
    assert contents(other) == contents(folder)
    assert contents(again.save(other)) == contents(folder)  # in its own place


def test_a_broken_run_goes_on_and_ends_as_an_unbroken_one(questions, tmp_path, monkeypatch):
    short = replace(TRAINING, max_steps=4, batch_size=4, checkpoint_every=2)
    whole, _ = learn(questions, tmp_path / "whole", short)
    batch, calls = InstructionData.batch, itertools.count()

    def broken(self, *given):
        if next(calls) == 3:
            raise KeyboardInterrupt
        return batch(self, *given)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(InstructionData, "batch", broken)
        learn(questions, tmp_path / "broken", short)
    resumed, run = learn(questions, tmp_path / "broken", short)
    assert run.resumed == 2
    for name, weights in resumed.state_dict().items():
        assert torch.equal(weights, whole.state_dict()[name]), name


def test_other_prompts_are_another_run(records):
    one, two = (Questions(records, PROMPTS | {"background": text}).describe() for text in ("Where?", "What?"))
    assert one != two


def test_a_folder_half_written_is_not_taken_for_whole(learnt, tmp_path, monkeypatch):
    model = learnt[0]
    kept = model.save(tmp_path / "kept")
    before = contents(kept)

    def fail(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(model.processor, "save_pretrained", fail)
    for place in (kept, tmp_path / "new"):
        with pytest.raises(RebuildError, match=r"cannot be written .No space left.*; nothing changed"):
            model.save(place)
    assert contents(kept) == before
    with pytest.raises(BackendError, match="no model folder"):
        open_backend({"kind": "transformers", "model": str(tmp_path / "new")})
    monkeypatch.undo()
    assert contents(model.save(tmp_path / "new")) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "new"]


def test_a_folder_that_holds_something_else_is_left_alone(learnt, tmp_path):
    (tmp_path / "thesis.txt").write_text("ten years of work")
    with pytest.raises(RebuildError, match="expected no folder, or one that was saved here"):
        learnt[0].save(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "ten years of work"


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (lambda records: build_tiny_instructblip([]), "no texts to take words from"),
        (lambda records: build_tiny_instructblip(["a"], size=72), "size must be a multiple of 16"),
        (lambda records: Questions(records, {}), "prompts: expected 'background' and 'garments'"),
        (lambda records: Questions(records, {"weather": "Rain?"}), "weather"),
        (lambda records: Questions([], PROMPTS), "there are none"),
        (
            lambda records: Questions([replace(records[0], attributes=None)], PROMPTS),
            "no attributes are known",
        ),
    ],
)
def test_bad_input_is_one_clear_line(act, told, records):
    with pytest.raises(RebuildError, match=told) as caught:
        act(records)
    assert "\n" not in str(caught.value)
