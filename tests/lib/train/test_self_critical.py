"""Self-critical training against what can be worked out by hand, and against the scores it is paid by."""

import json
import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from toy_policy import VOCAB, Table, looking, namer, records, tiny, tiny_loader
from toy_run import Interrupted, breaking

from atelier.describe import describe
from atelier.sample import sample_look
from atelier.visible import visible
from atelier.world import WARDROBE
from benchmarks.results import MEASURED
from lib import checkpoint
from lib.config import Training
from lib.data.record import Record
from lib.data.text import Vocab, tokenize
from lib.score import DocumentFrequencies, Reward, ScoreError, evaluate, score_captions
from lib.score.attributes import attribute_f1, attribute_rates
from lib.score.meteor import find_word_forms
from lib.train import FitError, fit, reward_of, self_critical
from lib.train.reinforce import BROKEN_OFF, caption_words, leave_one_out, rewards_of, score
from originals.deepfashion import reward_on_truth

WORDS = ["hat", "cap"]
PAY = {"hat": 1.0, "cap": 0.4}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def two_words(logit=0.3):
    """A policy of two words, its parameters as a vector, and how likely it says each."""
    model = namer(WORDS)
    weight = model.decoder.name.weight
    with torch.no_grad():
        weight[model.vocab.numbers["hat"]] = logit
    likely = torch.tensor([logit, 0.0], dtype=torch.float64).softmax(0)
    return model, likely


def gradient(model, objective, batch):
    """What `fit` would step against: of the loss divided by the count, for the two words."""
    model.zero_grad()
    result = objective(model, batch)
    (result["loss"] / result["count"]).backward()
    return model.decoder.name.weight.grad[:, 0]


def of_words(model, vector):
    return vector[[model.vocab.numbers[word] for word in WORDS]].double()


# the gradient


@pytest.mark.parametrize("temperature", [1.0, 0.5])
@pytest.mark.parametrize("baseline", ["leave_one_out", "greedy", "none"])
def test_the_gradient_is_that_of_the_expected_reward(baseline, temperature):
    """dJ/d logit_i = p_i (r_i - J) / temperature: the sum over words of p r, differentiated by hand."""
    model, _ = two_words()
    likely = torch.tensor([0.3 / temperature, 0.0], dtype=torch.float64).softmax(0)
    paid = torch.tensor([PAY[word] for word in WORDS], dtype=torch.float64)
    expected = likely * (paid - (likely * paid).sum()) / temperature
    options = {"baseline": baseline, "samples": 20_000, "temperature": temperature}
    objective = self_critical(Table(lambda words, _: PAY[words[0]]), **options)
    found = -of_words(model, gradient(model, objective, looking([0])))
    assert found[0] > 0 > found[1]
    torch.testing.assert_close(found, expected, rtol=0.05, atol=0)


@pytest.mark.parametrize("baseline", ["leave_one_out", "greedy", "none"])
def test_of_the_captions_drawn_it_is_exact(baseline):
    """-1/K sum of (r - b) (one-hot - p), rewards and baseline being numbers that nothing flows through."""
    model, likely = two_words()
    table = Table(lambda words, _: PAY[words[0]])
    found = gradient(model, self_critical(table, baseline=baseline, samples=7), looking([0]))
    drawn = [words[0] for words, _ in table.asked[:7]]
    earned = torch.tensor([PAY[word] for word in drawn], dtype=torch.float64)
    usual = {"none": 0.0, "greedy": PAY["hat"], "leave_one_out": (earned.sum() - earned) / 6}[baseline]
    chosen = torch.tensor([[word == name for name in WORDS] for word in drawn]).double()
    expected = -((earned - usual)[:, None] * (chosen - likely)).sum(0) / 7
    assert len(set(drawn)) == 2
    torch.testing.assert_close(of_words(model, found), expected, rtol=1e-5, atol=1e-7)
    elsewhere = [i for i, word in enumerate(model.vocab.words) if word not in WORDS]
    assert found[elsewhere].abs().max() < 1e-12, "words that may not come are no choice"


def test_a_constant_reward_moves_nothing_with_leave_one_out():
    model, _ = two_words()
    constant = Table(lambda words, picture: 0.7)
    still = gradient(model, self_critical(constant, samples=5), looking([0]))
    assert still.abs().max() < 1e-12
    moved = gradient(model, self_critical(constant, baseline="none", samples=5), looking([0]))
    assert moved.abs().max() > 1e-3


def test_the_others_mean_is_the_baseline():
    earned = torch.tensor([[1.0, 2.0, 6.0], [0.0, 0.0, 3.0]])
    assert leave_one_out(earned).tolist() == [[4.0, 3.5, 1.5], [1.5, 1.5, 0.0]]


def test_an_open_choice_and_a_start_model_pull_as_their_formulas_say():
    """No reward at all. Entropy: dH/d logit_i = -p_i (log p_i + H); the divergence from an even policy is
    log 2 - H, so its gradient is the opposite one."""
    none = Table(lambda words, picture: 0.0)
    model, likely = two_words()
    openness = -(likely * likely.log()).sum()
    rising = -likely * (likely.log() + openness)
    bonus = gradient(model, self_critical(none, samples=3, entropy_weight=2.0), looking([0]))
    torch.testing.assert_close(-of_words(model, bonus), 2 * rising, rtol=1e-4, atol=1e-6)
    even, _ = two_words(logit=0.0)
    pull = gradient(model, self_critical(none, samples=3, kl_weight=2.0, start=even), looking([0]))
    torch.testing.assert_close(-of_words(model, pull), 2 * rising, rtol=1e-4, atol=1e-6)
    assert even.decoder.name.weight.grad is None
    result = self_critical(none, samples=3)(model, looking([0]))
    assert result["entropy"] == pytest.approx(float(openness) / 2, rel=1e-4)  # two words, the end is certain


def test_cross_entropy_is_mixed_in_by_weight():
    model, batch = tiny(), next(tiny_loader().batches(0))
    objective = self_critical(Table(lambda words, picture: 1.0), samples=2, xe_weight=0.5)
    result = objective(model, batch)
    logs = model.eval()(batch).logits.log_softmax(2)
    said = logs.gather(2, batch.tokens[:, 1:, None])[..., 0]
    real = torch.arange(1, batch.tokens.shape[1]) < batch.lengths[:, None]
    assert result["count"] == len(batch)
    torch.testing.assert_close(result["loss"], -0.5 * (said * real).sum())


# captions and what they earn


def peaked(count):
    """A policy that says of picture i the i-th word."""
    names = [f"thing{i}" for i in range(count)]
    model = namer(names, width=count)
    with torch.no_grad():
        for i, name in enumerate(names):
            model.decoder.name.weight[model.vocab.numbers[name], i] = 40.0
    return model, names


@pytest.mark.parametrize("baseline", ["leave_one_out", "greedy"])
@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 1, 0, 2], [2, 2, 0, 2]])
def test_rewards_meet_their_captions_in_any_order(order, baseline):
    model, names = peaked(4)
    table = Table(lambda words, picture: float(picture))
    result = self_critical(table, baseline=baseline, samples=3)(model, looking(order, 4))
    assert {words for words, _ in table.asked} == {(names[i],) for i in order}
    assert all(words == (names[picture],) for words, picture in table.asked)
    assert result["reward"] == result["baseline"] == sum(order) / 4


def test_a_batch_is_the_sum_of_its_pictures():
    """What one picture's captions earn does not touch another's gradient."""
    model, _ = peaked(3)
    with torch.no_grad():
        model.decoder.name.weight.mul_(0.02)
    table = Table(lambda words, picture: float(words == ["thing1"]) * (picture == 1))
    self_critical(table, samples=9)(model, looking([2, 1, 0], 3))["loss"].backward()
    moved = model.decoder.name.weight.grad.abs().sum(0)
    assert moved[1] > 0 and not moved[[0, 2]].any()


@pytest.mark.parametrize("baseline", ["leave_one_out", "greedy"])
def test_nothing_flows_through_sampling_or_baseline(baseline, monkeypatch):
    """Searches run asleep and without gradients, over one memory; what flows is the log-probability alone."""
    model, batch = tiny(dropout=0.0).train(), next(tiny_loader().batches(0))
    awake, searched = [], []
    step, search = model.decoder.step, model.search

    def watched(*given):
        awake.append(torch.is_grad_enabled() or model.decoder.training)
        return step(*given)

    monkeypatch.setattr(model.decoder, "step", watched)
    monkeypatch.setattr(model, "search", lambda *a, **k: searched.append(search(*a, **k)) or searched[-1])
    table = Table(lambda words, picture: float(len(words)))
    loss = self_critical(table, baseline=baseline, samples=3, max_length=8)(model, batch)["loss"]
    mine = torch.autograd.grad(loss, list(model.decoder.parameters()), allow_unused=True)
    assert awake and not any(awake) and len(searched) == (2 if baseline == "greedy" else 1)
    earned = rewards_of(table, searched[0], VOCAB, batch.indices)
    usual = leave_one_out(earned)
    if baseline == "greedy":
        usual = rewards_of(table, searched[1], VOCAB, batch.indices)
    said = score(model, batch.memory, batch, searched[0]).said.sum(1)
    by_hand = -((earned - usual).flatten() * said).sum() / 3
    expected = torch.autograd.grad(by_hand, list(model.decoder.parameters()), allow_unused=True)
    for one, other in zip(mine, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_the_likelihood_is_that_with_which_a_caption_was_drawn():
    """Up to the end and with it, although the model's dropout is awake when the objective is called."""
    model, batch = tiny().train(), next(tiny_loader().batches(0))
    found = []
    search = model.search
    model.search = lambda *a, **k: found.append(search(*a, **k)) or found[-1]
    self_critical(Table(lambda words, picture: 0.0), samples=4, max_length=10)(model, batch)
    scored = score(model, batch.memory, batch, found[0])
    assert scored.real.sum(1).tolist() == found[0].lengths.flatten().tolist()
    assert len(set(found[0].lengths.flatten().tolist())) > 2
    banned = torch.tensor(model.banned)
    logits = model.decoder(
        batch.memory,
        torch.cat([torch.full((16, 1), VOCAB.start), found[0].tokens.flatten(0, 1)[:, :-1]], 1),
    ).logits
    missing = logits.log_softmax(2)[..., banned].exp().sum(2)  # the search reports what the whole model says
    drawn = found[0].logprobs.flatten(0, 1)
    expected = (drawn - torch.log1p(-missing)) * scored.real
    torch.testing.assert_close(scored.said, expected, rtol=1e-3, atol=1e-4)


def test_gradients_reach_every_weight_in_lower_precision():
    """Autocast keeps the weights that a search made smaller; old torch passed nothing back through them."""
    model, batch = tiny(dropout=0.0), next(tiny_loader().batches(0))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = self_critical(Table(lambda words, picture: float(len(words))), samples=3)(model, batch)
    result["loss"].backward()
    silent = [n for n, p in model.decoder.named_parameters() if p.grad is None or not p.grad.any()]
    plain = tiny(dropout=0.0)
    self_critical(Table(lambda words, picture: float(len(words))), samples=3)(plain, batch)["loss"].backward()
    assert silent == [n for n, p in plain.decoder.named_parameters() if p.grad is None or not p.grad.any()]


def test_a_caption_that_breaks_off_has_no_end():
    numbers = VOCAB.number(["a", "man"])[1:]
    assert caption_words([*numbers, 0, 0], VOCAB) == ["a", "man"]
    assert caption_words(numbers[:-1], VOCAB) == ["a", "man", BROKEN_OFF]
    reward = reward_of([Record("0", "0.jpg", ("a man",), "train"), *records(4)], {"cider_d": 1.0})
    whole, broken = reward.scores([caption_words(numbers, VOCAB), caption_words(numbers[:-1], VOCAB)], [0, 0])
    assert whole > 1.2 * broken > 0


# rewards


def looks(count):
    """What is visible of some looks, and a true caption of each."""
    attributes = [visible(sample_look(i, 0, seed=5), "1_front") for i in range(count)]
    return attributes, [describe(truth, random.Random(i)) for i, truth in enumerate(attributes)]


def test_rewards_equal_the_scores_of_the_same_texts():
    attributes, texts = looks(12)
    said = [(texts[i], texts[(i + 5) % 12]) for i in range(12)]
    candidates = [texts[(i + 1) % 12] for i in range(11)] + ["She wears a red blue shirt and a."]
    people = [Record(f"{i}", "x", said[i], "train", attributes[i]) for i in range(12)]
    weights = {"cider_d": 1.0, "bleu4": 0.5, "meteor": 2.0, "rouge_l_coco": 1.5, "attribute_f1": 3.0}
    vocab = Vocab.build([*texts, *candidates])
    rows = [vocab.encode(text)[1:] for text in candidates]
    tokens = torch.zeros(12, 1, max(map(len, rows)), dtype=torch.long)
    for place, row in enumerate(rows):
        tokens[place, 0, : len(row)] = torch.tensor(row)
    order = torch.randperm(12)
    found = SimpleNamespace(tokens=tokens[order])
    earned = rewards_of(reward_of(people, weights, WARDROBE), found, vocab, order)[:, 0]
    frequencies = DocumentFrequencies.of([[tokenize(t) for t in group] for group in said], end_token=True)
    each = score_captions(candidates, said)
    of_train = {"document_frequencies": frequencies, "end_token": True, "resamples": 0}
    ended = [evaluate([candidates[i]], [said[i]], **of_train) for i in range(12)]
    each["meteor"] = each[find_word_forms().key]
    each["cider_d"] = np.array([scores["cider_d"] for scores in ended])
    each["attribute_f1"] = attribute_rates(attribute_f1(candidates, attributes, WARDROBE).counts)["f1"]
    expected = sum(weight * each[name] for name, weight in weights.items())
    assert earned.numpy() == pytest.approx(expected[order.numpy()], abs=1e-9)
    assert len(set(each["attribute_f1"])) > 5


def test_attributes_must_be_known_where_they_are_paid_for():
    with pytest.raises(ScoreError, match="attribute_f1 needs the visible attributes of every picture"):
        reward_of(records(3), {"attribute_f1": 1.0}, WARDROBE)
    with pytest.raises(ScoreError, match="no attribute"):
        Reward([[["a"]]], {"attribute_f1": 1.0}, attributes=[{"hat": "cap"}], world=WARDROBE)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"baseline": "mean"}, "must be one of greedy, leave_one_out, none"),
        ({"samples": 1}, "at least 2 samples"),
        ({"kl_weight": 0.1}, "give start"),
    ],
)
def test_impossible_settings_are_refused(options, message):
    with pytest.raises(FitError, match=message):
        self_critical(Table(None), **options)


def test_rewards_cost_little_of_a_step():
    """Measured by `python -m benchmarks.rewards`, 32 pictures x 5 samples."""
    [table] = json.loads((MEASURED / "rewards.json").read_text(encoding="utf-8"))["tables"]
    shares = {row[0]: float(row[-1].removesuffix(" %")) for row in table["rows"]}
    assert "CIDEr-D and attribute F1, the atelier" in shares
    assert max(shares.values()) < 5


# the course project's loss


def test_the_course_project_multiplies_the_wrong_words():
    """Rewards in the order of the batch, true captions sorted by length, padding and all."""
    model, batch = tiny(dropout=0.0), next(tiny_loader(bucket=False, seed=2).batches(0))
    earned = torch.tensor([0.1, 0.9, 0.4, 0.2])
    place = {int(picture): float(value) for picture, value in zip(batch.indices, earned, strict=True)}
    result = reward_on_truth(Table(lambda words, picture: place[picture]), scale=0.3, beam=2, max_length=8)(
        model, batch
    )
    logs = model(batch).logits.log_softmax(2).gather(2, batch.tokens[:, 1:, None])[..., 0]
    real = torch.arange(1, batch.tokens.shape[1]) < batch.lengths[:, None]
    order = batch.lengths.argsort(descending=True, stable=True)
    assert order.tolist() != [0, 1, 2, 3]
    standard = (earned - earned.mean()) / earned.std()
    wrong = -sum(standard[k] * logs[row].sum() for k, row in enumerate(order)) / 4
    expected = -(logs * real).sum() / real.sum() + 0.3 * wrong
    torch.testing.assert_close(result["loss"] / result["count"], expected)


# training


def learn(folder, objective, **settings):
    training = Training(**({"epochs": 4, "batch_size": 4, "checkpoint_every": 2, "log_every": 1} | settings))
    model = tiny()
    loader = tiny_loader(batch_size=training.batch_size)
    key = {"data": "toy", "model": "tiny", "objective": "rl", "start": "seed 3"}
    return model, fit(model, objective, loader, training=training, folder=folder, run_key=key)


@pytest.mark.parametrize("baseline", ["leave_one_out", "greedy"])
def test_a_run_broken_in_the_middle_goes_on_bit_for_bit(tmp_path, baseline):
    def objective():
        return self_critical(
            reward_of(records(), {"cider_d": 1.0}), baseline=baseline, samples=3, max_length=9
        )

    whole, one = learn(tmp_path / "whole" / "a", objective())
    with pytest.raises(Interrupted):
        learn(tmp_path / "broken" / "a", breaking(objective(), 8))
    model, other = learn(tmp_path / "broken" / "a", objective())
    assert other.resumed == 6 and one.history == other.history
    columns = {"loss", "reward", "baseline", "entropy", "words", "gradient_norm"}
    assert columns < set(one.history[-1])
    for name, tensor in checkpoint.load(one.best).weights.items():
        assert torch.equal(tensor, model.state_dict()[name]) and torch.equal(tensor, whole.state_dict()[name])


def test_it_learns_what_is_paid_for(tmp_path):
    """The word "hat" six times and nothing else: rare at first, in the end what it says."""
    table = Table(lambda words, picture: words.count("hat") / 6 - 0.1 * (len(words) != 6))
    objective = self_critical(table, samples=8, max_length=7)
    _, run = learn(
        tmp_path / "toy" / "a", objective, epochs=80, learning_rate=0.02, batch_size=12, log_every=8
    )
    rewards = [row["reward"] for row in run.history]
    assert rewards[0] < 0.3 < 0.8 < rewards[-1]
