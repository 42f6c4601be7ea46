"""`fit`: it learns, goes on after any kill bit for bit, and is the same for one process and several."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import toy_run
from accelerate.state import AcceleratorState
from toy_run import KEY, Interrupted, breaking, build, make_loader

from lib import checkpoint
from lib.config import Training
from lib.data.loader import Loader
from lib.paths import ROOT
from lib.train import FitError, cross_entropy, fit

SCRIPT = Path(toy_run.__file__)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """Small work is fastest so; and `last` is saved after each epoch, however short."""
    torch.set_num_threads(1)
    monkeypatch.setattr("lib.train.session.PAUSE", 0.0)


def run_fit(folder, model=None, *, objective=None, loader=None, key=KEY, **settings):
    """`fit` on the toy; whatever is not named here is a setting of Training."""
    given = {name: settings.pop(name, None) for name in ("validate", "encoder")}
    training = Training(**({"epochs": 2, "batch_size": 4} | settings))
    return fit(
        model or build(),
        objective or cross_entropy(),
        loader or make_loader(batch_size=training.batch_size),
        training=training,
        folder=folder,
        run_key=key,
        **given,
    )


def best_weights(fitted):
    return checkpoint.load(fitted.best).weights


def assert_equal(one, other):
    assert set(one) == set(other)
    for name in one:
        assert torch.equal(one[name], other[name]), name


def launch(spec, *, processes=1):
    start = [sys.executable]
    if processes > 1:
        start += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    return subprocess.run(
        [*start, str(SCRIPT), json.dumps(spec)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


# it learns


def test_it_overfits_a_few_captions(tmp_path, monkeypatch):
    monkeypatch.setattr("lib.train.session.PAUSE", 9.0)
    loader = make_loader(count=8, captions=1, batch_size=8)
    model = build()
    settings = {"epochs": 120, "learning_rate": 0.03, "weight_decay": 0.0, "log_every": 40}
    fitted = run_fit(tmp_path / "toy" / "a", model, loader=loader, **settings)
    batch = next(loader.batches(0))
    right = model(batch).logits.argmax(dim=2) == batch.tokens[:, 1:]
    real = torch.arange(1, batch.tokens.shape[1]) < batch.lengths[:, None]
    assert right[real].all()
    assert fitted.history[-1]["loss"] < 0.05 < fitted.history[0]["loss"]
    assert not model.training


def test_history_is_a_table_beside_event_files(tmp_path):
    fitted = run_fit(tmp_path / "toy" / "a", log_every=3, validate=lambda model: {"score": 0.5, "bleu": 0.1})
    header, *lines = (tmp_path / "toy" / "a" / "history.csv").read_text().splitlines()
    assert header == "step,epoch,loss,gradient_norm,learning_rate,val_score,val_bleu"
    assert [int(line.split(",")[0]) for line in lines] == [3, 6, 8, 9, 12, 15, 16]
    assert [row["step"] for row in fitted.history if "val_score" in row] == [8, 16]
    assert list((tmp_path / "toy" / "a" / "tensorboard").glob("events.*"))


# one update


class Spy:
    """Plain gradient descent that remembers what it was given."""

    def __init__(self, monkeypatch):
        self.steps, self.gradients = 0, []
        original = torch.optim.AdamW.step
        spy = self

        def step(optimizer, *args, **kwargs):
            spy.steps += 1
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            spy.gradients.append([p.grad.clone() for p in parameters])
            return original(optimizer, *args, **kwargs)

        monkeypatch.setattr(torch.optim.AdamW, "step", step)


@pytest.fixture
def spy(monkeypatch):
    return Spy(monkeypatch)


def scale_gradients(monkeypatch):
    """fp16's gradient scaler, which accelerate gives to GPUs only, on the CPU."""

    module = sys.modules["lib.train.fit"]
    original = module.accelerate

    def accelerate(training, shares):
        accelerator = original(training, shares)
        accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        accelerator.native_amp = True
        AcceleratorState()._mixed_precision = "fp16"
        return accelerator

    monkeypatch.setattr(module, "accelerate", accelerate)


@pytest.mark.parametrize("precision", ["no", "bf16", "scaled"])
def test_one_step_of_the_optimiser_per_update(tmp_path, spy, monkeypatch, precision):
    if precision == "scaled":
        scale_gradients(monkeypatch)
    settings = {"mixed_precision": precision} if precision == "bf16" else {}
    fitted = run_fit(tmp_path / "toy" / "a", accumulate=3, **settings)
    assert spy.steps == fitted.history[-1]["step"] == 2 * 3  # 8 batches: 3, 3 and 2


def test_bf16_computes_in_bf16(tmp_path):
    seen = []

    def objective(model, batch):
        seen.append(model.tied(torch.ones(1, 16)).dtype)
        return cross_entropy()(model, batch)

    run_fit(tmp_path / "toy" / "a", objective=objective, mixed_precision="bf16", max_steps=1)
    assert seen == [torch.bfloat16]


def test_clipping_comes_after_unscaling(tmp_path, monkeypatch):
    """Adam's first moments are a tenth of the gradients it used: with a scaler, not 1,024 times less."""
    run_fit(tmp_path / "toy" / "plain", clip=0.5, max_steps=1)
    scale_gradients(monkeypatch)
    run_fit(tmp_path / "toy" / "scaled", clip=0.5, max_steps=1)
    plain, scaled = (
        {name: tensor for name, tensor in tensors.items() if name.endswith("exp_avg")}
        for tensors, _ in (
            checkpoint.read_state(tmp_path / "toy" / run / "last") for run in ("plain", "scaled")
        )
    )
    norm = torch.stack([moment.norm() for moment in scaled.values()]).norm()
    assert norm == pytest.approx(0.1 * 0.5, rel=1e-4)
    for name, moment in plain.items():
        torch.testing.assert_close(moment, scaled[name], atol=1e-5, rtol=0.02)  # fp16's own rounding


def test_accumulation_equals_a_big_batch(tmp_path, spy):
    """Captions differ in length between the small batches, so their mean losses would be wrong."""
    model = {"norm": False}
    run_fit(tmp_path / "toy" / "big", build(**model), batch_size=16, max_steps=1, clip=0.0)
    run_fit(tmp_path / "toy" / "small", build(**model), batch_size=4, accumulate=4, max_steps=1, clip=0.0)
    for one, other in zip(*spy.gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)


def test_activation_checkpointing_changes_no_gradient(tmp_path, spy):
    calls = []
    for wanted in (False, True):
        model = build(dropout=0.3)
        model.decoder.checkpointed = True
        original = model.decoder.forward
        model.decoder.forward = lambda *args, of=original: calls.append(1) or of(*args)
        run_fit(tmp_path / "toy" / str(wanted), model, max_steps=1, activation_checkpointing=wanted)
    assert len(calls) == 1 + 2  # computed once, and again on the way back
    for one, other in zip(*spy.gradients, strict=True):
        assert torch.equal(one, other)


# who learns, and how fast


def test_a_frozen_encoder_stays_as_it_was(tmp_path):
    model = build()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    fitted = run_fit(tmp_path / "toy" / "a", model, encoder=model.encoder)
    after = best_weights(fitted)
    for name in before:
        assert torch.equal(before[name], after[name]) == name.startswith("encoder."), name


def test_an_encoder_learns_at_its_own_rate(tmp_path):
    model = build()
    fitted = run_fit(
        tmp_path / "toy" / "a", model, encoder=model.encoder, encoder_learning_rate=0.0, max_steps=3
    )
    after, before = best_weights(fitted), build().state_dict()
    assert torch.equal(after["encoder.0.weight"], before["encoder.0.weight"])
    assert not torch.equal(after["encoder.1.running_mean"], before["encoder.1.running_mean"])  # awake
    assert not torch.equal(after["embed.weight"], before["embed.weight"])


def test_the_average_is_what_is_kept(tmp_path):
    """`best` holds the average of the raw weights, by the formula."""
    seen = []

    def objective(model, batch):
        seen.append(model.tied.bias.detach().clone())
        return cross_entropy()(model, batch)

    fitted = run_fit(tmp_path / "toy" / "a", objective=objective, ema=0.5, max_steps=4)
    raw, _ = checkpoint.read_state(tmp_path / "toy" / "a" / "last")
    expected = seen[0]
    for step, bias in enumerate([*seen[1:], raw["state.raw.tied.bias"]]):
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * bias
    torch.testing.assert_close(best_weights(fitted)["tied.bias"], expected)


# validation


def scores(*values, stop_at=None):
    """A validation that gives these scores in turn."""
    left = list(values)

    def validate(model):
        assert not model.training and not torch.is_grad_enabled()
        torch.rand(3)  # draws, as sampling would
        done = len(values) - len(left)
        return {"score": left.pop(0), "stop": "all captions are one" if done == stop_at else None}

    return validate


def test_the_best_score_is_kept(tmp_path):
    fitted = run_fit(tmp_path / "toy" / "a", epochs=4, validate=scores(0.1, 0.5, float("nan"), 0.2))
    assert checkpoint.read_meta(fitted.best)["step"] == 16
    assert checkpoint.read_meta(fitted.best)["metrics"]["val_score"] == 0.5
    assert fitted.state == "finished" and fitted.reason is None


def test_patience_ends_the_run(tmp_path):
    fitted = run_fit(tmp_path / "toy" / "a", epochs=9, patience=2, validate=scores(0.5, 0.4, 0.5))
    assert fitted.state == "stopped" and fitted.reason == "no better score in 2 validations"
    assert fitted.history[-1]["step"] == 24


def test_a_stop_keeps_the_last_healthy_model(tmp_path):
    """The score rises to the end, as a reward does that is being cheated."""
    model = build()
    fitted = run_fit(tmp_path / "toy" / "a", model, epochs=9, validate=scores(0.1, 0.2, 0.9, stop_at=2))
    assert fitted.state == "stopped" and fitted.reason == "all captions are one"
    assert checkpoint.read_meta(fitted.best)["step"] == 16
    assert_equal(best_weights(fitted), model.state_dict())
    again = run_fit(tmp_path / "toy" / "a", epochs=9)
    assert again.state == "found" and again.reason == "all captions are one"
    assert again.history == fitted.history


def test_a_run_without_any_healthy_model_says_so(tmp_path):
    with pytest.raises(FitError, match="without a healthy checkpoint: all captions are one"):
        run_fit(tmp_path / "toy" / "a", validate=scores(0.5, stop_at=0))
    start = run_fit(tmp_path / "toy" / "b", validate=scores(0.5, 0.9, stop_at=1), validate_first=True)
    assert checkpoint.read_meta(start.best)["step"] == 0
    assert_equal(best_weights(start), build().state_dict())


def test_validating_leaves_no_trace_in_the_training(tmp_path):
    often = run_fit(
        tmp_path / "toy" / "often", build(dropout=0.3), validate=scores(*range(16)), validate_every=1, ema=0.5
    )
    never = run_fit(tmp_path / "toy" / "never", build(dropout=0.3), ema=0.5)
    assert_equal(best_weights(often), best_weights(never))


# going on


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_killed_run_goes_on_bit_for_bit(tmp_path, optimizer):
    """Killed with SIGKILL in the middle of an epoch, twice, with dropout, averaging and accumulation."""
    training = {"epochs": 3, "batch_size": 4, "ema": 0.9, "accumulate": 3, "checkpoint_every": 2}
    training |= {"checkpoints_kept": 1, "log_every": 3, "encoder_learning_rate": 1e-4, "optimizer": optimizer}
    spec = {"training": training, "model": {"dropout": 0.3}, "loader": {"bucket": True}}
    whole = toy_run.main({**spec, "folder": str(tmp_path / "whole" / "a")})
    folder = tmp_path / "killed" / "a"
    for die_at in (8, 7):  # the objective's 8th call is in the 3rd update; later ones count from the resume
        done = launch({**spec, "folder": str(folder), "die_at": die_at})
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert not (folder / "best").exists()
    resumed = toy_run.main({**spec, "folder": str(folder)})
    assert (resumed.state, resumed.resumed) == ("finished", 4)
    assert_equal(best_weights(whole), best_weights(resumed))
    assert whole.history == resumed.history
    assert (folder / "history.csv").read_text() == (whole.best.parent / "history.csv").read_text()
    for name in ("last", "step-8"):
        one, other = (checkpoint.read_state(path / name) for path in (whole.best.parent, folder))
        assert_equal(one[0], other[0])
        assert one[1] == other[1]
    assert [path.name for path in sorted(folder.glob("step-*"))] == ["step-8"]


def interrupted(at):
    return breaking(cross_entropy(), at)


class DrawingLoader(Loader):
    """Draws from the global generator where an epoch begins, as torch's DataLoader does."""

    def batches(self, epoch=0, start=0):
        torch.rand(1)
        yield from super().batches(epoch, start)


@pytest.mark.parametrize(("at", "saved"), [(2, 0), (8, 6), (16, 15)])
def test_an_interrupted_cell_is_run_again(tmp_path, at, saved):
    """The half-trained model is still there: a run that goes on may use it, one that starts may not."""
    model = build(dropout=0.2)
    settings = {"validate": lambda model: {"score": float(model.tied.bias.sum())}, "checkpoint_every": 3}
    settings["loader"] = DrawingLoader(make_loader().pairs, batch_size=4)
    with pytest.raises(Interrupted):
        run_fit(tmp_path / "toy" / "a", model, objective=interrupted(at), **settings)
    if not saved:
        with pytest.raises(FitError, match="build it again"):
            run_fit(tmp_path / "toy" / "a", model, **settings)
        model = build(dropout=0.2)
    resumed = run_fit(tmp_path / "toy" / "a", model, **settings)
    assert resumed.resumed == saved
    whole = run_fit(tmp_path / "toy" / "b", build(dropout=0.2), **settings)
    assert_equal(best_weights(resumed), best_weights(whole))
    assert_equal(best_weights(resumed), model.state_dict())


def test_an_equal_finished_run_is_found(tmp_path):
    first = run_fit(tmp_path / "toy" / "a")
    model, before = build(seed=99), (first.best / "weights.safetensors").stat()
    second = run_fit(tmp_path / "toy" / "a", model, objective=interrupted(1), workers=1, log_every=7)
    assert second.state == "found" and second.history == first.history
    assert (first.best / "weights.safetensors").stat() == before
    assert_equal(best_weights(first), model.state_dict())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"learning_rate": 1e-3}, "training.learning_rate was 0.0005, is 0.001"),
        ({"key": {**KEY, "data": "other"}}, 'data was "toy", is "other"'),
        ({"key": {**KEY, "start": "abc"}}, 'start was null, is "abc"'),
    ],
)
def test_an_unequal_run_starts_anew_and_says_so(tmp_path, capsys, change, told):
    run_fit(tmp_path / "toy" / "a", checkpoint_every=5)
    capsys.readouterr()
    fitted = run_fit(tmp_path / "toy" / "a", **change)
    assert f"fit toy/a: another run stood here ({told}): starts anew" in capsys.readouterr().out
    assert fitted.state == "finished" and fitted.resumed == 0
    assert not list((tmp_path / "toy" / "a").glob("step-*"))
    assert_equal(best_weights(fitted), best_weights(run_fit(tmp_path / "toy" / "b", **change)))


def test_an_old_best_stays_until_the_new_run_has_one(tmp_path):
    first = run_fit(tmp_path / "toy" / "a")
    with pytest.raises(Interrupted):
        run_fit(tmp_path / "toy" / "a", learning_rate=1e-3, objective=interrupted(12))
    assert checkpoint.load(first.best).meta["run_key"]["training"]["learning_rate"] == 5e-4
    assert run_fit(tmp_path / "toy" / "a", learning_rate=1e-3).resumed == 8


def test_a_finished_run_whose_best_is_gone_starts_anew(tmp_path, capsys):
    first = run_fit(tmp_path / "toy" / "a")
    kept = best_weights(first)
    shutil.rmtree(first.best)
    assert run_fit(tmp_path / "toy" / "a").state == "finished"
    assert "its `best` is gone: starts anew" in capsys.readouterr().out
    assert_equal(best_weights(first), kept)


def test_resume_never_and_from_a_path(tmp_path):
    folder = tmp_path / "toy" / "a"
    run_fit(folder, checkpoint_every=5, schedule="constant")
    assert run_fit(folder, checkpoint_every=5, schedule="constant", resume="never").state == "finished"
    longer = run_fit(folder, epochs=3, schedule="constant", resume=str(folder / "step-10"))
    assert longer.resumed == 10
    assert_equal(
        best_weights(longer), best_weights(run_fit(tmp_path / "toy" / "b", epochs=3, schedule="constant"))
    )
    with pytest.raises(FitError, match=r"belongs to another run: training.learning_rate was 0.0005, is 0.1"):
        run_fit(folder, learning_rate=0.1, schedule="constant", resume=str(folder / "last"))
    with pytest.raises(checkpoint.CheckpointError, match="does not exist"):
        run_fit(folder, resume=str(folder / "step-77"))
    with pytest.raises(FitError, match="no step checkpoint"):
        run_fit(folder, resume=str(longer.best))


def test_training_may_go_on_from_a_trained_model_that_is_named(tmp_path):
    model = build()
    first = run_fit(tmp_path / "toy" / "a", model)
    with pytest.raises(FitError, match=r"run_key\['start'\]"):
        run_fit(tmp_path / "toy" / "b", model)
    start = checkpoint.read_meta(first.best)["weights_sha256"]
    assert run_fit(tmp_path / "toy" / "b", model, key={**KEY, "start": start}).state == "finished"


def test_only_the_newest_checkpoints_are_kept(tmp_path):
    run_fit(tmp_path / "toy" / "a", checkpoint_every=3, checkpoints_kept=2)
    assert sorted(path.name for path in (tmp_path / "toy" / "a").glob("step-*")) == ["step-12", "step-15"]


# several processes


def test_two_processes_train_one_model(tmp_path):
    """The same global batches: gradients are divided by the tokens of all; only the first one writes.

    On the way the two are interrupted and go on.
    """
    training = {"epochs": 2, "clip": 1.0, "encoder_learning_rate": 1e-3, "log_every": 3}
    training |= {"checkpoint_every": 2}
    spec = {"model": {"norm": False}, "loader": {"shuffle": True}}
    folder = tmp_path / "two" / "a"
    broken = {"folder": str(folder), "training": training | {"batch_size": 4}, "break_at": 6}
    done = launch({**spec, **broken}, processes=2)
    assert done.returncode == 0, done.stderr
    told = ["finished from 4", "finished from 4", "fit two/a: resumes at step 4"]
    assert sorted(done.stdout.splitlines()) == told
    one = toy_run.main(
        {**spec, "folder": str(tmp_path / "one" / "a"), "training": training | {"batch_size": 8}}
    )
    two = checkpoint.load(folder / "best")
    for name, tensor in best_weights(one).items():
        torch.testing.assert_close(tensor, two.weights[name], atol=1e-6, rtol=0)
    rows = (folder / "history.csv").read_text().splitlines()
    assert len(rows) == 1 + len(one.history)
    for row, other in zip(one.history, rows[1:], strict=True):
        assert row["loss"] == pytest.approx(float(other.split(",")[2]), abs=1e-5)
        assert row["gradient_norm"] == pytest.approx(float(other.split(",")[4]), abs=1e-5)
    assert two.meta["run_key"]["processes"] == 2
    assert len(list((folder / "tensorboard").iterdir())) == 2  # the first process's, before and after


# what is refused


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"mixed_precision": "fp16"}, "training.mixed_precision 'fp16'"),
        ({"adam_8bit": True}, "needs bitsandbytes"),
        ({"activation_checkpointing": True}, "no part of Toy says"),
        ({"key": {"data": "x"}}, "run_key lacks model, objective"),
        ({"key": {**KEY, "model": object()}}, "plain JSON"),
        ({"objective": lambda model, batch: {"nll": 1}}, 'an objective returns "loss"'),
        ({"validate": lambda model: {"bleu": 1}}, 'must return "score"'),
        ({"validate": lambda model: {"score": 1, "captions": ["a"]}}, "captions is a list"),
        ({"learning_rate": 1e30}, "the loss is nan at step 8"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(tmp_path, settings, told):
    if settings.get("mixed_precision") == "fp16" and torch.cuda.is_available():
        pytest.skip("fp16 works here")
    with pytest.raises(FitError) as error:
        run_fit(tmp_path / "toy" / "a", **settings)
    assert told in str(error.value) and "\n" not in str(error.value)


def test_a_model_with_nothing_to_train_is_refused(tmp_path):
    with pytest.raises(FitError, match="nothing to train"):
        run_fit(tmp_path / "toy" / "a", build().requires_grad_(False))


def test_a_precision_that_only_the_launcher_names_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "fp16")
    with pytest.raises(FitError, match="accelerate launch says mixed precision 'fp16'"):
        run_fit(tmp_path / "toy" / "a")


def test_a_loader_that_promises_too_much_is_named(tmp_path):
    class Short:
        world = 1

        def __len__(self):
            return 9

        def batches(self, epoch, start=0):
            return make_loader().batches(epoch, start)

    with pytest.raises(FitError, match="promised 9 batches an epoch and gave 8"):
        run_fit(tmp_path / "toy" / "a", loader=Short())


def test_a_loader_for_other_processes_is_refused(tmp_path):
    with pytest.raises(FitError, match=r"among 2 processes, and 1 run: Loader\(..., \*\*this_process\(\)\)"):
        run_fit(tmp_path / "toy" / "a", loader=make_loader(rank=0, world=2))


def test_a_damaged_checkpoint_stops_the_run(tmp_path):
    with pytest.raises(Interrupted):
        run_fit(tmp_path / "toy" / "a", objective=interrupted(12))
    path = tmp_path / "toy" / "a" / "last" / "state.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(checkpoint.CheckpointError, match=r"state\.safetensors: truncated or changed"):
        run_fit(tmp_path / "toy" / "a")
