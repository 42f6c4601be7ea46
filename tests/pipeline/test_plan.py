"""The plan: stages by name, pipelines that close, paths over parameters, needs that name their maker."""

import pytest
from pipeline_rules import check_pipeline
from toy_pipeline import PARAMETERS

from pipeline import PipelineError, Stage
from pipeline.plan import Request, make_plan
from pipeline.stage import choose_stages


def plan(toy, **asked):
    return make_plan(toy.pipeline, Request(root=toy.root, output=str(toy.output), **asked))


def refusal(toy, **asked) -> str:
    with pytest.raises(PipelineError) as refused:
        plan(toy, **asked)
    return str(refused.value)


STAGES = [Stage(notebook=n, profiles={"full": None} if n[1] == "1" else {}) for n in ("00_a", "01_b", "02_c")]


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, "00_a 01_b 02_c"),
        ({"only": ("02", "0")}, "00_a 02_c"),
        ({"only": ("01_b",)}, "01_b"),
        ({"start": "1"}, "01_b 02_c"),
        ({"profile": "full"}, "00_a 02_c"),
        ({"profile": "full", "start": "0"}, "00_a 02_c"),
    ],
)
def test_stages_are_chosen_by_number_or_name(asked, names):
    assert [
        stage.notebook for stage in choose_stages(STAGES, **{"profile": "demo", **asked})
    ] == names.split()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"only": ("07",)}, "unknown stage 07; known: 00_a, 01_b, 02_c"),
        ({"only": ("01_c",)}, "did you mean"),
        ({"start": "x"}, "unknown stage x"),
        ({"profile": "full", "only": ("01",)}, "01_b does not run in the profile full"),
    ],
)
def test_unknown_stages_are_refused(asked, message):
    with pytest.raises(PipelineError) as refused:
        choose_stages(STAGES, **{"profile": "demo", **asked})
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"profiles": {"large": {}}}, "no profile 'large'; known: demo, smoke, flickr8k, coco, full"),
        ({"inputs": {"large": ()}}, "no profile 'large'"),
        ({"profiles": {"demo": {"seed": 1}}}, "the demo profile is the notebook's own literals"),
    ],
)
def test_a_stage_knows_its_profiles(options, message):
    with pytest.raises(PipelineError, match=message):
        Stage(notebook="00_a", **options)


def test_paths_follow_the_parameters_of_the_profile(toy):
    toy.stage(
        "00_a",
        makes=("{data}/x.json", "{output}/y.json"),
        profiles={"smoke": {"data": "/small"}},
        parameters=PARAMETERS + "\ndata = '/large'",
    )
    assert [str(p) for p in plan(toy)[0].makes.values()] == ["/large/x.json", f"{toy.output}/y.json"]
    smoke = plan(toy, profile="smoke")[0]
    assert str(smoke.makes["{data}/x.json"]) == "/small/x.json"
    assert smoke.parameters["profile"] == "smoke" and smoke.parameters["output"] == str(toy.output)
    assert str(plan(toy, changes=(("data", "/mine"),))[0].makes["{data}/x.json"]) == "/mine/x.json"


@pytest.mark.parametrize(
    ("profile", "folder"),
    [
        ("demo", "output"),
        ("smoke", "output/smoke"),
        ("flickr8k", "output/flickr8k"),
        ("coco", "output/coco"),
        ("full", "output/full"),
    ],
)
def test_each_profile_has_a_folder_of_its_own(toy, profile, folder):
    toy.stage("00_a")
    job = make_plan(toy.pipeline, Request(root=toy.root, profile=profile))[0]
    assert job.parameters["output"] == folder


def test_a_path_over_an_unknown_parameter_is_refused(toy):
    toy.stage("00_a", makes=("{sed}/x",))
    assert "the path {sed}/x: unknown parameter sed; did you mean seed?" in refusal(toy)


def test_a_missing_need_names_the_notebook_and_the_command(pair):
    pair.write("01_second", parameters=PARAMETERS + "\nsize = 1")
    said = refusal(pair, only=("01",), profile="smoke", changes=(("seed", "3"), ("size", "2")))
    assert f"01_second needs {pair.output / 'first.txt'}, which is missing; run 00_first first: " in said
    assert said.endswith(f"python run_all.py --profile smoke --output {pair.output} --only 00 -p seed 3")
    (pair.output).mkdir()
    (pair.output / "first.txt").touch()
    assert [job.name for job in plan(pair, only=("01",))] == ["01_second"]


def test_a_missing_input_is_refused_before_anything_runs(toy):
    toy.stage(
        "00_a", inputs={"full": ("{dataset}/captions.txt",)}, parameters=PARAMETERS + "\ndataset = '/nowhere'"
    )
    assert len(plan(toy)) == 1
    told = "00_a needs /nowhere/captions.txt, which no earlier notebook makes: bring it"
    assert told in refusal(toy, profile="full")


def test_what_only_a_profile_needs_may_be_made_by_an_earlier_stage(toy):
    toy.stage("00_a", makes=("{output}/eye",))
    toy.stage("01_b", inputs={"full": ("{output}/eye",)})
    first, second = plan(toy, profile="full")
    assert first.feeds(second) and not first.feeds(plan(toy)[1])
    said = refusal(toy, profile="full", only=("01",))
    assert "01_b needs " in said and "which is missing; run 00_a first: " in said


def test_a_need_that_no_earlier_stage_makes_is_a_defect(toy):
    toy.stage("00_a", needs=("{output}/x",))
    toy.stage("01_b", makes=("{output}/x",))  # later is not earlier
    assert refusal(toy).endswith("out/x, which no earlier notebook makes: bring it")
    with pytest.raises(PipelineError, match=r"00_a needs \{output\}/x, which no earlier stage makes"):
        check_pipeline(toy.pipeline, toy.root)


def test_a_file_in_a_folder_that_is_made_is_made_and_a_folder_around_it_too(toy):
    toy.stage("00_a", makes=("{output}/ckpt/best", "{output}/one/file"))
    toy.stage("01_b", needs=("{output}/ckpt/best/weights", "{output}/one"))
    assert len(plan(toy)) == 2


def test_nothing_is_made_twice(toy):
    toy.stage("00_a", makes=("{output}/x",))
    toy.stage("01_b", makes=("{output}/x/part",))
    with pytest.raises(PipelineError, match=r"00_a and 01_b both make \{output\}/x/part"):
        check_pipeline(toy.pipeline, toy.root)


def test_a_parameter_must_be_known_to_a_chosen_stage(toy):
    toy.stage("00_a", parameters=PARAMETERS + "\nsize = 1")
    toy.stage("01_b")
    assert plan(toy, changes=(("size", "2"),))[0].parameters["size"] == 2
    assert "unknown parameter size" in refusal(toy, changes=(("size", "2"),), only=("01",))
    assert "unknown parameter sise; did you mean size? (-p)" in refusal(toy, changes=(("sise", "2"),))


def test_notebooks_that_were_not_chosen_may_be_missing_or_unfinished(toy):
    toy.stage("00_a", makes=("{output}/x",))
    toy.stage("01_b", needs=("{output}/x",))
    toy.stage("02_c", "half a line = (")
    assert len(plan(toy, only=("00", "01"))) == 2
    (toy.root / "notebooks" / "00_a.ipynb").unlink()
    assert "00_a.ipynb does not exist" in refusal(toy, only=("00",))
    assert "which no earlier notebook makes" in refusal(toy, only=("01",))
    toy.output.mkdir()
    (toy.output / "x").touch()
    assert len(plan(toy, only=("01",))) == 1


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("%matplotlib inline", "is not plain Python"),
        ("!pip install x", "code cell 2"),
        ("x = = 1", "line 1: x = = 1"),
    ],
)
def test_magics_and_broken_cells_are_refused_before_anything_runs(toy, cell, message):
    toy.stage("00_a", cell)
    assert message in refusal(toy)


@pytest.mark.parametrize("text", ["{", "[]", '{"cells": [{}]}', '{"nbformat": 3, "worksheets": []}'])
def test_a_broken_notebook_is_named(toy, text):
    toy.stage("00_a").write_text(text)
    assert "00_a.ipynb is no notebook of format 4" in refusal(toy)


def test_check_holds_every_profile_to_the_rules(toy):
    toy.stage("00_a", makes=("{output}/x",), profiles={"full": {"seed": 9}})
    toy.stage("01_b", needs=("{output}/x",))
    check_pipeline(toy.pipeline, toy.root)
    toy.pipeline[0] = Stage(notebook="00_a", makes=("{output}/x",), profiles={"full": {"sed": 9}})
    with pytest.raises(PipelineError, match=r"did you mean seed\? \(profile full\)"):
        check_pipeline(toy.pipeline, toy.root)
    toy.pipeline[0] = Stage(notebook="00_a", makes=("{output}/x",), profiles={"flickr8k": None})
    with pytest.raises(PipelineError, match=r"01_b needs \{output\}/x, which no earlier stage makes"):
        check_pipeline(toy.pipeline, toy.root)
    toy.pipeline[0] = Stage(notebook="00_a", makes=("{output}/x",), profiles={"smoke": {"seed": 0}})
    with pytest.raises(PipelineError, match="the profile smoke sets seed to what it is anyway"):
        check_pipeline(toy.pipeline, toy.root)
    with pytest.raises(PipelineError, match="stands twice"):
        check_pipeline([toy.pipeline[0]] * 2, toy.root)
