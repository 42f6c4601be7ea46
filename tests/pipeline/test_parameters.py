"""Strict parameters: every wrong name or type is refused with the nearest right one, before anything runs."""

import pytest
from toy_pipeline import PARAMETERS, notebook

from pipeline import PipelineError
from pipeline.notebook import read_parameters
from pipeline.parameters import apply, from_command, from_profile, read_text

MORE = """
learning_rate = 5e-4
name = "resnet18"
shuffle = True
limit = None
patience: int | None = None
sizes = [64, 128]
scales = (1.0, 2)
encoder = {"name": "resnet18", "width": 64, "weights": None}
training = {"epochs": 3, "batch_size": 32}"""


def settle(*pairs: tuple[str, str], profile: dict | None = None, more: str = MORE) -> dict:
    literals, hints = read_parameters(notebook(parameters=PARAMETERS + more), "toy.ipynb")
    return apply(from_profile(profile, "smoke") + from_command(pairs), literals, hints, stage="00_toy")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-1", -1),
        ("1e-3", 1e-3),
        ("True", True),
        ("None", None),
        ("[1, 2]", [1, 2]),
        ('{"a": 1}', {"a": 1}),
        ("dataset/mine", "dataset/mine"),
        ("'3'", "3"),
        ("true", True),
        ('{"a": [true, null]}', {"a": [True, None]}),
        ("007", "007"),
        ("__import__('os')", "__import__('os')"),
        ("", ""),
    ],
)
def test_values_of_the_command_line(text, value):
    assert read_text(text) == value and type(read_text(text)) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("seed", "7", 7),
        ("learning_rate", "1", 1),  # an int serves as a float
        ("name", "resnet50", "resnet50"),
        ("shuffle", "False", False),
        ("limit", "10", 10),
        ("limit", "all", "all"),
        ("patience", "2", 2),
        ("patience", "None", None),
        ("sizes", "[32]", [32]),
        ("scales", "(3, 0.5)", (3, 0.5)),
        ("encoder.width", "8", {"name": "resnet18", "width": 8, "weights": None}),
        ("encoder.weights", "a/file", {"name": "resnet18", "width": 64, "weights": "a/file"}),
        ("encoder", '{"width": 9}', {"name": "resnet18", "width": 9, "weights": None}),
        ("training.max_steps", "500", {"epochs": 3, "batch_size": 32, "max_steps": 500}),
        ("training.learning_rate", "1", {"epochs": 3, "batch_size": 32, "learning_rate": 1}),
        ("training", '{"epochs": 1}', {"epochs": 1, "batch_size": 32}),
    ],
)
def test_accepted(name, text, expected):
    assert settle((name, text))[name.partition(".")[0]] == expected


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("sead", "1", "unknown parameter sead; did you mean seed?"),
        ("seed", "1.5", "seed must be int, not 1.5"),
        ("seed", "True", "seed must be int, not True"),
        ("seed", "one", "seed must be int, not 'one'"),
        ("seed", "None", "seed must be int, not None"),
        ("learning_rate", "fast", "learning_rate must be float"),
        ("name", "5", "name must be str, not 5"),
        ("shuffle", "1", "shuffle must be bool, not 1"),
        ("limit", "[1]", "limit must be None or bool or int or float or str"),
        ("patience", "soon", "patience must be int or None, not 'soon'"),
        ("sizes", "64", "sizes must be list"),
        ("sizes", "[64, 'large']", "sizes[1] must be int, not 'large'"),
        ("seed.x", "1", "seed is no dict"),
        ("encoder.with", "8", "unknown parameter encoder.with; did you mean encoder.width?"),
        ("encoder.width", "wide", "encoder.width must be int"),
        ("training.max_step", "5", "unknown parameter training.max_step; did you mean training.max_steps?"),
        ("training.max_steps", "many", "training.max_steps must be int or None, not 'many'"),
        ("training.schedule", "zigzag", "training.schedule must be one of 'constant', 'linear', 'cosine'"),
        ("training", "5", "training must be dict"),
    ],
)
def test_refused(name, text, message):
    with pytest.raises(PipelineError) as refused:
        settle((name, text))
    assert str(refused.value).startswith("00_toy: ") and str(refused.value).endswith("(-p)")
    assert message in str(refused.value)


def test_a_profile_changes_single_keys_and_the_command_line_wins():
    profile = {"seed": 1, "training": {"max_steps": 4, "epochs": 1}, "training.workers": 2}
    values = settle(("training.epochs", "2"), profile=profile)
    assert values["seed"] == 1
    assert values["training"] == {"epochs": 2, "batch_size": 32, "max_steps": 4, "workers": 2}
    with pytest.raises(PipelineError, match=r"unknown parameter sede; did you mean seed\? \(profile smoke\)"):
        settle(profile={"sede": 1})


def test_a_dict_without_keys_of_its_own_takes_any():
    rows = {"frames_2": {"frames": 2}}
    assert settle(("extra", str(rows)), more="\nextra = {}")["extra"] == rows
    assert settle(("extra.frames_2", str(rows["frames_2"])), more="\nextra = {}")["extra"] == rows
    with pytest.raises(PipelineError, match="extra must be dict"):
        settle(("extra", "2"), more="\nextra = {}")


@pytest.mark.parametrize("name", ["profile", "output"])
def test_what_has_an_option_of_its_own_is_no_parameter(name):
    with pytest.raises(PipelineError, match=f"use --{name}"):
        settle((name, "x"))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("\nsteps = 3 * 4", "steps is no literal"),
        ("\nx = y", "x is no literal"),
        ("\nkinds = {1, 2}", "kinds is no literal that JSON can hold"),
        ("\nimport os", "expected `name = literal`"),
        ("\na = b = 1", "expected `name = literal`"),
        ("\nx: Path = None", "the type Path is not built of"),
        ("\nx = ", "is not plain Python"),
        ("\ntraining = {'epoch': 1}", "unknown parameter training.epoch; did you mean training.epochs?"),
        ("\ntraining = {'epochs': 'x'}", "training.epochs must be int"),
        ("\ntraining = 5", "training must be dict"),
    ],
)
def test_the_parameters_cell_itself_is_checked(more, message):
    with pytest.raises(PipelineError) as refused:
        settle(more=more)
    assert message in str(refused.value)


def test_every_notebook_takes_profile_and_output():
    literals, hints = read_parameters(notebook(parameters="profile = 'demo'"), "toy.ipynb")
    with pytest.raises(PipelineError, match="must set output"):
        apply([], literals, hints, stage="00_toy")
