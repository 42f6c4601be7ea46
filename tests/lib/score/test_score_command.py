"""`score` as a user runs it: COCO's files and plain ones, a table, a JSON, one line on bad input."""

import json

import pytest

from lib.__main__ import main
from lib.score.evaluate import evaluate

REFERENCES = {"7": ["a dog runs in the park", "the dog is running"], "8": ["a man in a red hat"]}
CANDIDATES = {"7": "a dog runs in a park", "8": "a man with a hat"}

AS_COCO = {
    "images": [{"id": 7}, {"id": 8}],
    "annotations": [
        {"id": i, "image_id": int(key), "caption": text}
        for i, (key, text) in enumerate((k, t) for k, texts in REFERENCES.items() for t in texts)
    ],
}
AS_RESULTS = [{"image_id": int(key), "caption": text} for key, text in CANDIDATES.items()]


@pytest.fixture
def score(tmp_path, capsys):
    """Write the given contents to files, run the command on them, give (exit code, out, err)."""

    def call(references, candidates, *options):
        contents = {"references": references, "candidates": candidates}
        arguments = []
        for name, content in contents.items():
            path = tmp_path / f"{name}.json"
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
            arguments += [f"--{name}", str(path)]
        code = main(["score", *arguments, *options])
        return code, *capsys.readouterr()

    return call


@pytest.mark.parametrize("references", [REFERENCES, AS_COCO], ids=["plain", "coco"])
@pytest.mark.parametrize("candidates", [CANDIDATES, AS_RESULTS], ids=["plain", "results"])
def test_files_of_both_kinds_give_the_same(score, references, candidates):
    plain = score(REFERENCES, CANDIDATES)[1]
    assert score(references, candidates) == (0, plain, "")


def test_the_json_holds_what_evaluate_gives(score, tmp_path):
    target = tmp_path / "deep" / "scores.json"
    code, out, _ = score(REFERENCES, CANDIDATES, "--json", str(target))
    assert json.loads(target.read_text()) == evaluate(CANDIDATES, REFERENCES)
    assert code == 0
    line = next(line for line in out.splitlines() if line.startswith("cider_d"))
    assert f"{evaluate(CANDIDATES, REFERENCES)['cider_d']:.4f}" in line and ".." in line


def test_options_reach_the_scores(score, tmp_path):
    target = str(tmp_path / "scores.json")
    frequencies = tmp_path / "frequencies.json"
    frequencies.write_text(json.dumps({str(i): f"a dog {i}" for i in range(9)}))
    results = []
    for options in ([], ["--end-token"], ["--frequencies", str(frequencies)], ["--resamples", "0"]):
        assert score(REFERENCES, CANDIDATES, "--json", target, *options)[0] == 0
        results.append(json.loads((tmp_path / "scores.json").read_text()))
    assert len({result["cider_d"] for result in results[:3]}) == 3
    assert "bleu4_ci" in results[0] and "bleu4_ci" not in results[3]


@pytest.mark.parametrize(
    ("references", "candidates", "said"),
    [
        (REFERENCES, {**CANDIDATES, "9": "x"}, "no reference: 9"),
        (REFERENCES, {"7": "x"}, "no candidate: 8"),
        (REFERENCES, {"7": ["x", "y"], "8": "z"}, "7 has 2 captions"),
        (REFERENCES, [*AS_RESULTS, AS_RESULTS[0]], "7 has 2 captions"),
        (REFERENCES, '{"7": "x", "7": "y"}', "key '7'"),
        (REFERENCES, "not json", "not JSON"),
        (REFERENCES, "3", "expected COCO's"),
        (REFERENCES, {"7": 3, "8": "x"}, "7: expected a text"),
        (REFERENCES, [{"caption": "x"}], "row 0: expected image_id"),
        ({"7": [], "8": ["x"]}, CANDIDATES, "'7' has no reference"),
        (REFERENCES, [{"image_id": None, "caption": "x"}], "row 0: expected image_id"),
        (REFERENCES, [{"image_id": 7.0, "caption": "x"}], "row 0: expected image_id"),
        (REFERENCES, [{"image_id": [7], "caption": "x"}], "row 0: expected image_id"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(score, references, candidates, said):
    code, out, err = score(references, candidates)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--resamples", "-5"], "resamples must be 0 or more"),
        (["--json", "{here}/references.json/scores.json"], "references.json"),
        (["--frequencies", "{here}/nobody.json"], "'9' has no reference"),
        (["--frequencies", "{here}/nothing.json"], "no reference caption"),
    ],
)
def test_bad_options_are_one_line_and_exit_code_2(score, tmp_path, options, said):
    (tmp_path / "nobody.json").write_text('{"8": "a dog", "9": []}')
    (tmp_path / "nothing.json").write_text("{}")
    code, _, err = score(REFERENCES, CANDIDATES, *(option.format(here=tmp_path) for option in options))
    assert (code, err.count("\n")) == (2, 1)
    assert said in err


@pytest.mark.parametrize("option", ["--candidates", "--frequencies"])
def test_a_missing_file_is_named(score, option):
    code, out, err = score(REFERENCES, CANDIDATES, option, "no/such.json")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "no/such.json" in err
