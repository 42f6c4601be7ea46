"""Claims and their judge, on texts whose truth is known."""

import random
from pathlib import Path

import pytest

from atelier.describe import describe, describe_background, describe_with_statement
from atelier.parse import parse
from atelier.sample import sample_look
from atelier.visible import visible
from atelier.wardrobe import SCHEMA
from lib.config import ConfigError
from rebuild.audit.claims import Claim, read_claims, rewrite
from rebuild.audit.judge import (
    DROPPED,
    KEPT,
    MENDED,
    NONE,
    Evidence,
    Judged,
    JudgeSettings,
    Threshold,
    believe,
    judge_rows,
    judge_text,
)
from rebuild.audit.judge_calibration import choose_doubt, doubt_curves, measure_claims, plant_claims


def looks(count):
    """Visible attributes of many pictures, in all views."""
    views = ("1_front", "2_side", "3_back", "4_full", "7_additional")
    return [visible(sample_look(product, 1, 3), views[product % 5]) for product in range(count)]


def sure(attributes, certainty=0.95):
    """What a good reader says of a picture with these attributes."""
    read = {}
    for name, values in SCHEMA.items():
        rest = (1 - certainty) / len(values)
        read[name] = dict.fromkeys((NONE, *values), rest) | {attributes[name] or NONE: certainty}
    return Evidence(read)


def test_claims_are_the_attributes_a_text_states_and_strange_words_are_none():
    text = "A woman wears a quixotic red dress near a dachshund. She is photographed on a beach."
    assert set(read_claims(text)) == {
        Claim("gender", "woman"), Claim("upper", "dress"), Claim("upper_color", "red"),
        Claim("background", "beach"),
    }  # fmt: skip
    assert {claim.kind for claim in read_claims(text)} == {"garments", "background"}
    assert read_claims("一个男人。") == [] == read_claims("")


def test_a_text_that_contradicts_itself_makes_two_claims():
    both = set(read_claims("The shirt is red. The shirt is blue."))
    assert {Claim("upper_color", "red"), Claim("upper_color", "blue")} <= both


@pytest.mark.parametrize(
    ("text", "changes", "after"),
    [
        ("A man wears a red shirt.", {"upper_color": "orange"}, "A man wears an orange shirt."),
        ("An orange shirt, worn by a tall man.", {"upper_color": "red"}, "A red shirt, worn by a tall man."),
        ("The quaint photo was taken on a street.", {"background": "beach"}, None),
        ("A dapper man wears a long-sleeved shirt.", {"sleeves": "short"},
         "A dapper man wears a short-sleeved shirt."),
    ],
)  # fmt: skip
def test_single_words_are_replaced_and_other_words_stay(text, changes, after):
    found = rewrite(text, parse(text).attributes | changes)
    assert parse(found).attributes == parse(text).attributes | changes
    assert after is None or found == after


def test_where_words_are_unknown_the_sentence_with_a_dropped_claim_goes():
    text = "A dapper man wears a red shirt. He wears a shiny watch. His dachshund sleeps."
    wanted = {name: value for name, value in parse(text).attributes.items() if name != "wrist"}
    assert rewrite(text, wanted) == "A dapper man wears a red shirt. His dachshund sleeps."
    assert rewrite("A zany ring.", {}) == ""


def test_any_change_of_an_ateliers_text_says_exactly_what_it_should():
    rng = random.Random(5)
    for attributes in looks(60):
        told = describe_with_statement(attributes, rng, scene=rng.random() < 0.5)
        wanted = dict(told.stated)
        for name in rng.sample(sorted(wanted), min(2, len(wanted))):
            others = [value for value in SCHEMA[name] if value != wanted[name]]
            if name in ("upper", "lower", "outer"):
                continue  # a dress has other slots than a shirt; tested through planting
            if others and rng.random() < 0.6:
                wanted[name] = rng.choice(others)
            else:
                del wanted[name]
        found = rewrite(told.text, wanted, seed=1)
        assert parse(found).attributes == wanted and not parse(found).conflicts
        assert rewrite(told.text, wanted, seed=1) == found


def test_true_texts_pass_sure_models_word_by_word():
    rng = random.Random(0)
    for attributes in looks(40):
        text = describe(attributes, rng, scene=True)
        judged = judge_text(text, sure(attributes))
        assert judged.text == text and {v.outcome for v in judged.verdicts} == {KEPT}


def test_planted_errors_are_mended_where_the_models_know_better_and_dropped_where_nothing_is():
    seen = {"gender": "man", "upper": "shirt", "upper_color": "red", "background": "park"}
    attributes = dict.fromkeys(SCHEMA) | seen
    text = "A man wears a blue shirt. He wears a watch. He is photographed on a beach."
    judged = judge_text(text, sure(attributes))
    by_name = {verdict.attribute: verdict for verdict in judged.verdicts}
    assert by_name["upper_color"].outcome == MENDED and by_name["upper_color"].instead == "red"
    assert by_name["upper_color"].reason == "the picture shows red"
    assert by_name["wrist"].outcome == DROPPED and "nothing of the kind" in by_name["wrist"].reason
    assert by_name["background"].instead == "park" and by_name["gender"].outcome == KEPT
    assert parse(judged.text).attributes == seen


def test_unsure_models_drop_instead_of_mending_and_silent_ones_keep():
    text = "A man wears a blue shirt."
    unsure = Evidence({"upper_color": {"red": 0.5, "orange": 0.45, "blue": 0.05}})
    judged = judge_text(text, unsure)
    assert {v.attribute: v.outcome for v in judged.verdicts}["upper_color"] == DROPPED
    assert parse(judged.text).attributes == {"gender": "man", "upper": "shirt"}
    silent = judge_text(text, Evidence())
    assert silent.text == text and {v.reason for v in silent.verdicts} == {"our own models have no opinion"}


def test_garments_and_background_have_thresholds_of_their_own():
    read = {"upper_color": {"blue": 0.2, "red": 0.8}, "background": {"beach": 0.2, "park": 0.8}}
    settings = JudgeSettings(garments=Threshold(doubt=0.3), background=Threshold(doubt=0.1))
    judged = judge_text("A blue shirt. The photo was taken on a beach.", Evidence(read), settings=settings)
    outcomes = {v.attribute: v.outcome for v in judged.verdicts}
    assert outcomes["upper_color"] == MENDED and outcomes["background"] == KEPT


def test_captions_weigh_in_only_when_enough_of_them_speak():
    read = {"upper_color": {"blue": 0.1, "red": 0.9}}
    two = Evidence(read, ("A blue shirt.",) * 2 + ("A shirt.",) * 3)
    five = Evidence(read, ("A blue shirt.",) * 3 + ("A red shirt.", "A shirt."))
    settings = JudgeSettings(captioner=0.5)
    assert believe(two, settings)["upper_color"] == read["upper_color"]
    assert believe(five, settings)["upper_color"] == pytest.approx(
        {"blue": 0.05 + 0.375, "red": 0.45 + 0.125}
    )
    assert believe(Evidence({}, five.captions), settings)["upper_color"] == {"blue": 0.75, "red": 0.25}


def test_an_image_text_model_is_one_more_voice():
    asked = []

    def agrees(picture, claim):
        asked.append((picture.name, claim))
        return 1.0 if "blue" in claim else 0.0

    told = Evidence({"upper_color": {"blue": 0.05, "red": 0.95}})
    judged = judge_text("A blue shirt.", told, picture=Path("x.jpg"), image_text_model=agrees)
    verdict = next(v for v in judged.verdicts if v.attribute == "upper_color")
    assert asked == [("x.jpg", "upper color: blue")]
    assert verdict.outcome == KEPT and verdict.belief == pytest.approx(0.525)


def test_of_two_contradicting_claims_the_believed_one_stays():
    judged = judge_text(
        "The shirt is red. The shirt is blue.", Evidence({"upper_color": {"blue": 0.7, "red": 0.3}})
    )
    colors = {v.value: v for v in judged.verdicts if v.attribute == "upper_color"}
    assert colors["blue"].outcome == KEPT and colors["red"].reason == "the text contradicts itself"
    assert parse(judged.text).attributes["upper_color"] == "blue"


def test_evidence_survives_the_store():
    told = Evidence({"hat": {NONE: 0.25, "cap": 0.75}}, ("一顶帽子。",))
    assert Evidence.from_text(told.to_text()) == told


@pytest.mark.parametrize("kind", ["garments", "background"])
def test_planting_makes_exactly_the_planted_claims_wrong(kind):
    rng, planted = random.Random(2), 0
    for attributes in looks(60):
        text = (
            describe(attributes, rng, scene=True)
            if kind == "garments"
            else describe_background(attributes, rng)
        )
        before = dict(read_claims(text))
        found = plant_claims(text, attributes, rng, kind=kind, count=2)
        after = dict(read_claims(found.text))
        assert after == before | dict(found.claims)
        assert all(
            claim.kind == kind and attributes[claim.attribute] != claim.value for claim in found.claims
        )
        planted += len(found.claims)
    assert planted > (90 if kind == "garments" else 30)


def test_planting_names_an_unknown_kind():
    with pytest.raises(ValueError, match="kind must be one of"):
        plant_claims("A shirt.", {}, random.Random(0), kind="shoes")


def judged_plants(certainty):
    """Verdicts of models so sure on texts with planted errors of both kinds, and the truths."""
    rng, verdicts, truths = random.Random(4), [], []
    for attributes in looks(50):
        for kind in ("garments", "background"):
            text = describe(attributes, rng, scene=True)
            found = plant_claims(text, attributes, rng, kind=kind)
            verdicts.append(judge_text(found.text, sure(attributes, certainty)).verdicts)
            truths.append(attributes)
    return verdicts, truths


def test_sure_models_find_every_planted_error_and_lose_no_true_claim():
    measured = measure_claims(*judged_plants(0.95))
    for kind in ("garments", "background"):
        row = measured[kind]
        assert row["wrong"] >= 30 and row["found"] == row["precision"] == 1.0 and row["lost"] == 0.0
        assert row["mended_right"] == 1.0
    assert measure_claims(*judged_plants(0.95), by="attribute")["upper_color"]["wrong"] > 0


def test_measures_have_known_answers():
    attributes = dict.fromkeys(SCHEMA) | {"upper": "shirt", "upper_color": "red", "background": "park"}
    read = {"upper": {"shirt": 0.05, "dress": 0.95}, "upper_color": {"blue": 0.02, "red": 0.98},
            "background": {"beach": 0.5, "park": 0.5}}  # fmt: skip
    verdicts = [judge_text("A blue shirt. The photo was taken on a beach.", Evidence(read)).verdicts]
    assert measure_claims(verdicts, [attributes]) == {
        "garments": {"claims": 2, "wrong": 1, "found": 1.0, "precision": 0.5, "lost": 1.0, "mended": 2,
                     "mended_right": 0.5},
        "background": {"claims": 1, "wrong": 1, "found": 0.0, "precision": None, "lost": None, "mended": 0,
                       "mended_right": None},
    }  # fmt: skip


def test_the_curve_agrees_with_judging_at_each_threshold():
    verdicts, truths = judged_plants(0.7)
    curve = doubt_curves([Judged("", its) for its in verdicts], truths)["garments"]
    point = next(p for p in curve if p["threshold"] >= 0.1)
    settings = JudgeSettings(garments=Threshold(doubt=point["threshold"], mend=1.0))
    measured = measure_claims(verdicts, truths)["garments"]
    assert settings.garments.doubt >= 0.1 and measured["found"] == point["found"]
    assert curve[0]["found"] == 0.0 and curve[-1]["found"] == 1.0
    doubt = choose_doubt(curve, most_lost=0.05)
    assert next(p for p in curve if p["threshold"] == doubt)["found"] == 1.0


def test_rows_carry_claims_flags_and_judged_texts():
    rows = [
        {"id": "0a", "name": "x.jpg", "texts": {"garments": "A man wears a blue shirt."}, "flags": ["f"]},
        {"id": "0b", "name": "y.jpg", "texts": {"garments": "A man wears a blue shirt."}, "flags": []},
        {"id": None, "name": "z.jpg", "texts": {}, "flags": ["refused"]},
    ]
    told = {"0a": Evidence({"upper_color": {"red": 0.9, "blue": 0.0}})}
    first, second, third = judge_rows(rows, told)
    assert first["texts"] == {"garments": "A man wears a red shirt."}
    assert first["flags"] == ["f", "garments: claim mended"] and len(first["claims"]["garments"]) == 3
    assert second["texts"] == rows[1]["texts"] and second["claims"] == {} == third["claims"]


@pytest.mark.parametrize("wrong", [{"doubt": 0.8, "mend": 0.7}, {"doubt": -0.1}, {"mend": 1.1}])
def test_thresholds_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ConfigError, match="doubt"):
        Threshold(**wrong)
