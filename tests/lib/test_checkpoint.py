"""Checkpoints are whole or not there, fit exactly or not at all, and run nothing."""

import json
import os
import pickle
import subprocess
import sys
import textwrap
from collections import OrderedDict

import pytest
import safetensors.torch
import torch
from torch import nn

from lib import checkpoint
from lib.checkpoint import CheckpointError
from lib.files import settle
from lib.paths import ROOT


def weights(value=1.0):
    return {"embed.weight": torch.full((4, 3), value), "head.bias": torch.arange(3.0)}


def assert_one_line(error, *parts):
    text = str(error.value)
    assert "\n" not in text
    for part in parts:
        assert part in text


@pytest.fixture
def best(tmp_path):
    return checkpoint.save(
        tmp_path / "attn" / "additive" / "best", weights(), {"vocab": ["a", "b"], "step": 7}
    )


def test_what_is_saved_is_loaded(best):
    found = checkpoint.load(best)
    assert found.meta["step"] == 7 and found.meta["format"] == 1 and "code" in found.meta
    assert all(torch.equal(found.weights[name], tensor) for name, tensor in weights().items())
    assert {tensor.device.type for tensor in found.weights.values()} == {"cpu"}


def test_state_is_kept_beside_the_weights(tmp_path):
    state = ({"moment": torch.tensor([1.5])}, {"step": 3})
    tensors, rest = checkpoint.read_state(checkpoint.save(tmp_path / "last", weights(), {}, state))
    assert torch.equal(tensors["moment"], torch.tensor([1.5])) and rest == {"step": 3}


def test_tied_weights_keep_both_names(tmp_path):
    model = nn.ModuleDict({"embed": nn.Embedding(5, 3), "head": nn.Linear(3, 5, bias=False)})
    model["head"].weight = model["embed"].weight
    folder = checkpoint.save(tmp_path / "best", model.state_dict(), {})
    found = checkpoint.load(folder).weights
    assert set(found) == {"embed.weight", "head.weight"}
    with torch.no_grad():
        model["embed"].weight.zero_()
    checkpoint.load_into(model, found, folder)
    assert torch.equal(model["embed"].weight, found["head.weight"])
    assert model["head"].weight is model["embed"].weight


def test_a_new_checkpoint_replaces_the_old_one_and_leaves_nothing(best):
    checkpoint.save(best, weights(2.0), {"step": 8})
    assert checkpoint.load(best).meta["step"] == 8
    assert [path.name for path in best.parent.iterdir()] == ["best"]


def run_apart(script):
    """A program of its own: it changes limits, and dies."""
    script = textwrap.dedent(script)
    return subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_a_full_disk_leaves_the_old_checkpoint_whole(best):
    """Files may grow to so many bytes: too few for the weights, or for the state after them."""
    script = f"""
    import resource, torch
    from pathlib import Path
    from lib import checkpoint
    state = ({{"m": torch.zeros(10_000)}}, {{}})
    for room in (2_000, 20_000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        try:
            checkpoint.save(Path({str(best)!r}), {{"w": torch.zeros(1000)}}, {{}}, state)
        except checkpoint.CheckpointError as error:
            print(error)
    """
    told = run_apart(script).stdout.splitlines()
    assert len(told) == 2 and all("cannot be written" in line and "too large" in line for line in told)
    assert checkpoint.load(best).meta["step"] == 7
    assert [path.name for path in best.parent.iterdir()] == ["best"]


def test_a_kill_while_replacing_leaves_one_whole(tmp_path):
    """Killed before the old folder is moved away, between the two renames, or before it is removed."""
    moments = {"before": 7, "between": 7, "after": 8}  # -> the step of the checkpoint that is found
    for moment in moments:
        checkpoint.save(tmp_path / moment / "best", weights(), {"step": 7})
    script = f"""
    import os, shutil, signal, torch
    from pathlib import Path
    from lib import checkpoint
    rename, replace, rmtree, renamed = Path.rename, Path.replace, shutil.rmtree, []
    def die():
        os.kill(os.getpid(), signal.SIGKILL)
    for number, moment in enumerate({list(moments)}):
        if os.fork() == 0:
            def rename_or_die(path, target):
                die() if len(renamed) == number else renamed.append(path)
                return rename(path, target)
            def remove_or_die(path, **options):
                return die() if len(renamed) == 2 else rmtree(path, **options)
            def replace_or_die(path, target):
                return rename_or_die(path, target) if path.is_dir() else replace(path, target)
            Path.rename, Path.replace, shutil.rmtree = rename_or_die, replace_or_die, remove_or_die
            checkpoint.save(Path({str(tmp_path)!r}) / moment / "best", {{"w": torch.zeros(3)}}, {{"step": 8}})
        assert os.wait()[1] == signal.SIGKILL
    """
    done = run_apart(script)
    assert done.returncode == 0, done.stderr
    for moment, step in moments.items():
        best = tmp_path / moment / "best"
        assert checkpoint.load(best).meta["step"] == step  # a reader finds it, and changes nothing
        assert checkpoint.read_meta(checkpoint.locate(best.parent))["step"] == step
        settle(best)
        assert json.loads((best / "meta.json").read_text())["step"] == step
        checkpoint.save(best, weights(), {"step": 9})  # the next writer cleans up
        assert checkpoint.load(best).meta["step"] == 9
        assert [path.name for path in best.parent.iterdir()] == ["best"]


def test_names_lead_to_checkpoints(best):
    name = best.parent.parent
    checkpoint.save(name / "transformer" / "best", weights(), {"step": 9})
    checkpoint.choose(name, "transformer")
    assert (name / "best").read_text() == "transformer\n"
    assert checkpoint.locate(name) == name / "transformer" / "best"
    assert checkpoint.locate(name / "additive") == best
    assert checkpoint.locate(best) == best
    with pytest.raises(CheckpointError) as error:
        checkpoint.choose(name, "regions")
    assert_one_line(error, "regions", "does not exist")


# what cannot be loaded


def spoil(path, change):
    data = bytearray(path.read_bytes())
    change(data)
    path.write_bytes(data)


@pytest.mark.parametrize("change", [lambda data: data.pop(), lambda data: data.__setitem__(-1, data[-1] ^ 1)])
def test_truncated_or_tampered_weights_are_noticed(best, change):
    spoil(best / "weights.safetensors", change)
    with pytest.raises(CheckpointError) as error:
        checkpoint.load(best)
    assert_one_line(error, "weights.safetensors", "truncated or changed")


def test_tampered_state_is_noticed(tmp_path):
    folder = checkpoint.save(tmp_path / "last", weights(), {}, ({"m": torch.ones(2)}, {}))
    spoil(folder / "state.safetensors", lambda data: data.pop())
    with pytest.raises(CheckpointError) as error:
        checkpoint.read_state(folder)
    assert_one_line(error, "state.safetensors")


def test_weights_alone_cannot_be_resumed(best):
    with pytest.raises(CheckpointError) as error:
        checkpoint.read_state(best)
    assert_one_line(error, "no state to resume from")


@pytest.mark.parametrize(
    ("meta", "told"),
    [("{", "not JSON"), ("[]", "weights_sha256"), ('{"weights_sha256": "x", "format": 9}', "format 9")],
)
def test_a_broken_meta_is_named(best, meta, told):
    (best / "meta.json").write_text(meta)
    with pytest.raises(CheckpointError) as error:
        checkpoint.load(best)
    assert_one_line(error, "meta.json", told)


def test_missing_things_are_named(best, tmp_path):
    (best / "weights.safetensors").unlink()
    with pytest.raises(CheckpointError) as error:
        checkpoint.load(best)
    assert_one_line(error, "weights.safetensors", "missing")
    (tmp_path / "empty").mkdir()
    for place, told in (("nowhere", "does not exist"), ("empty", "not a checkpoint")):
        with pytest.raises(CheckpointError) as error:
            checkpoint.load(tmp_path / place)
        assert_one_line(error, place, told)


@pytest.mark.parametrize("given", ["folder", "file"])
def test_a_foreign_checkpoint_is_told_what_it_needs(tmp_path, given):
    path = tmp_path / "checkpoint-15000" / "pytorch_model.bin"
    path.parent.mkdir()
    torch.save(OrderedDict({"encoder.conv.weight": torch.ones(2), "decoder.fc.bias": torch.ones(2)}), path)
    with pytest.raises(CheckpointError) as error:
        checkpoint.load(path if given == "file" else path.parent)
    assert_one_line(error, "pytorch_model.bin", "model class", "encoder, decoder", "meta.json")


def test_loading_is_strict(best):
    model = nn.ModuleDict({"embed": nn.Embedding(5, 3), "tail": nn.Linear(3, 3)})
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(CheckpointError) as error:
        checkpoint.load_into(model, checkpoint.load(best).weights, best)
    assert_one_line(
        error,
        "missing: tail.weight, tail.bias",
        "unexpected: head.bias",
        "embed.weight [4, 3] instead of [5, 3]",
    )
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


# weights that users bring


@pytest.mark.parametrize("wrap", [None, "state_dict", "model", "module"])
def test_given_weights_are_read_from_any_usual_file(tmp_path, wrap):
    torch.save({wrap: weights(), "epoch": 3} if wrap else weights(), tmp_path / "w.pth")
    safetensors.torch.save_file(weights(), tmp_path / "w.safetensors")
    for name in ("w.pth", "w.safetensors"):
        found = checkpoint.load_weights(tmp_path / name)
        assert all(torch.equal(found[key], tensor) for key, tensor in weights().items())


def test_code_in_a_weights_file_never_runs(tmp_path):
    marker = tmp_path / "it-ran"

    class Hostile:
        def __reduce__(self):
            return os.system, (f"touch {marker}",)

    (tmp_path / "old.pth").write_bytes(pickle.dumps({"w": Hostile()}, protocol=2))
    torch.save({"w": Hostile()}, tmp_path / "new.pth")
    for name in ("old.pth", "new.pth"):
        with pytest.raises(CheckpointError) as error:
            checkpoint.load_weights(tmp_path / name)
        assert_one_line(error, name, "could run code")
    assert not marker.exists()


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_truncated_given_weights_are_named(tmp_path, name):
    path = tmp_path / name
    if name.endswith("pth"):
        torch.save(weights(), path)
    else:
        safetensors.torch.save_file(weights(), path)
    spoil(path, lambda data: data.__delitem__(slice(len(data) // 2, None)))
    with pytest.raises(CheckpointError) as error:
        checkpoint.load_weights(path)
    assert_one_line(error, name, "truncated")


def test_other_odd_weights_are_named(tmp_path):
    torch.save([1, 2], tmp_path / "list.pth")
    torch.save({"epoch": 3}, tmp_path / "numbers.pth")
    (tmp_path / "text.pth").write_text("hello")
    for name, told in (
        ("list", "table"),
        ("numbers", "table"),
        ("text", "text.pth"),
        ("none", "no such file"),
    ):
        with pytest.raises(CheckpointError) as error:
            checkpoint.load_weights(tmp_path / f"{name}.pth")
        assert_one_line(error, told)


def test_meta_is_readable_by_anyone(best):
    assert json.loads((best / "meta.json").read_text())["vocab"] == ["a", "b"]
    assert (best / "weights.safetensors").stat().st_mode & 0o044 == 0o044
