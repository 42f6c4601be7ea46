"""The transformers backend, on real InstructBLIP classes loaded from a real folder."""

import os

import pytest
from tiny_models import draw, instruct_blip

from lib.config import ConfigError
from rebuild.backends import BackendError, NoAnswer, open_backend

PROMPTS = ["a picture of the street", "背景是什么?", "the sea ?", "a", "背景", "the wall of a room", "park ?"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return instruct_blip(tmp_path_factory.mktemp("model") / "instructblip")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    names = [f"街拍 {i}.png" for i in range(len(PROMPTS))]
    return draw(tmp_path_factory.mktemp("pictures"), *names)


@pytest.fixture(scope="module")
def backend(folder):
    opened = open_backend({"kind": "transformers", "model": str(folder), "max_tokens": 8, "batch_size": 4})
    yield opened
    opened.close()


def test_it_loads_the_real_class_and_announces_itself_offline(backend):
    assert type(backend.network).__name__ == "InstructBlipForConditionalGeneration"
    assert type(backend.processor).__name__ == "InstructBlipProcessor"
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    assert backend.name == "transformers" and backend.batch_size == 4 and len(backend.fingerprint) == 16


def test_many_at_once_are_answered_as_one_by_one(backend, pictures):
    together = backend(pictures, PROMPTS)
    alone = [backend([path], [prompt])[0] for path, prompt in zip(pictures, PROMPTS, strict=True)]
    assert together == alone
    assert all(isinstance(text, str) for text in together)
    assert len(set(together) - {""}) > 3


def test_answers_hold_no_part_of_the_prompt_template(backend, pictures):
    for text in backend(pictures, PROMPTS):
        assert "<image>" not in text and "[PAD]" not in text and len(text.split()) <= 8


def test_the_prompt_and_the_picture_both_matter(backend, pictures):
    assert len(set(backend([pictures[0]] * len(PROMPTS), PROMPTS))) > 1
    assert len(set(backend(pictures, [PROMPTS[0]] * len(pictures)))) > 1


def test_beams_answer_alike_in_batches(folder, pictures):
    beams = open_backend({"kind": "transformers", "model": str(folder), "max_tokens": 6, "beams": 3})
    assert beams(pictures, PROMPTS) == [beams([p], [q])[0] for p, q in zip(pictures, PROMPTS, strict=True)]


def test_a_chat_model_is_asked_in_its_own_form(folder, backend, pictures):
    """The model's template decides the text; this one renders the prompt alone: the same answers."""
    chat = open_backend({"kind": "transformers", "model": str(folder), "max_tokens": 8})
    seen = []
    chat.processor.chat_template = (
        "{% for m in messages %}{% for c in m.content %}{% if c.type == 'text' %}{{ c.text }}{% endif %}"
        "{% endfor %}{% endfor %}"
    )
    render = chat.processor.apply_chat_template
    chat.processor.apply_chat_template = lambda talks, **options: (
        seen.extend(talks) or render(talks, **options)
    )
    assert chat(pictures, PROMPTS) == backend(pictures, PROMPTS)
    assert seen[1] == [
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "背景是什么?"}]}
    ]


def test_a_picture_that_cannot_be_opened_fails_alone(backend, pictures, tmp_path):
    broken = tmp_path / "坏.jpg"
    broken.write_bytes(b"no picture")
    answers = backend([pictures[0], broken, tmp_path / "gone.png", pictures[1]], PROMPTS[:4])
    assert [isinstance(answer, NoAnswer) for answer in answers] == [False, True, True, False]
    assert "坏.jpg" in answers[1].reason and "gone.png" in answers[2].reason
    assert answers[3] == backend([pictures[1]], [PROMPTS[3]])[0]


def test_a_row_on_which_the_model_fails_does_not_cost_the_others(backend, pictures, monkeypatch):
    whole = backend(pictures, PROMPTS)
    generate, prepare = backend.network.generate, backend.prepare
    asked = []

    def remember(images, prompts):
        asked[:] = prompts
        return prepare(images, prompts)

    def fail_on_one(**inputs):
        if PROMPTS[2] in asked:
            raise RuntimeError("CUDA out of memory")
        return generate(**inputs)

    monkeypatch.setattr(backend, "prepare", remember)
    monkeypatch.setattr(backend.network, "generate", fail_on_one)
    answers = backend(pictures, PROMPTS)
    assert answers[2] == NoAnswer("RuntimeError: CUDA out of memory")
    assert answers[:2] + answers[3:] == whole[:2] + whole[3:]


def test_a_model_that_answers_nothing_ends_the_run(folder, pictures, monkeypatch):
    backend = open_backend({"kind": "transformers", "model": str(folder), "give_up_after": 5})

    def fail(**inputs):
        raise RuntimeError("kernel image missing")

    monkeypatch.setattr(backend.network, "generate", fail)
    with pytest.raises(BackendError, match=r"rows in a row have no answer; .*kernel image missing"):
        backend(pictures, PROMPTS)


def test_other_weights_or_settings_give_another_fingerprint(folder, backend, tmp_path):
    other = instruct_blip(tmp_path / "other", seed=1)

    def printed(**changes):
        settings = {"kind": "transformers", "model": str(folder), "max_tokens": 8} | changes
        return open_backend(settings).fingerprint

    assert printed(batch_size=2) == backend.fingerprint
    assert len({printed(), printed(max_tokens=9), printed(dtype="bfloat16"), printed(model=str(other))}) == 4


def test_bfloat16_answers(folder, pictures):
    backend = open_backend(
        {"kind": "transformers", "model": str(folder), "dtype": "bfloat16", "max_tokens": 4}
    )
    assert str(backend.network.dtype) == "torch.bfloat16"
    assert all(isinstance(answer, str) for answer in backend(pictures, PROMPTS))


def test_device_map_spreads_the_model(folder, pictures, backend):
    mapped = open_backend(
        {
            "kind": "transformers",
            "model": str(folder),
            "device_map": "cpu",
            "max_tokens": 8,
            "dtype": "float32",
        }
    )
    assert mapped(pictures[:2], PROMPTS[:2]) == backend(pictures[:2], PROMPTS[:2])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "output/no such model"}, "no model folder at output/no such model"),
        ({"quantize": "4bit"}, "4bit"),
        ({"device": "cuda:7"}, "torch sees no CUDA GPU"),
    ],
)
def test_what_concerns_all_rows_is_one_line(folder, change, message):
    import torch

    if torch.cuda.is_available() and "model" not in change:
        pytest.skip("this machine has a GPU")
    with pytest.raises(BackendError, match=message) as caught:
        open_backend({"kind": "transformers", "model": str(folder)} | change)
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_model_and_one_with_broken_weights_are_named(folder, tmp_path):
    import shutil

    with pytest.raises(BackendError, match=r"expected a config\.json"):
        open_backend({"kind": "transformers", "model": str(tmp_path)})
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    (broken / "model.safetensors").write_bytes(b"cut off")
    with pytest.raises(BackendError, match="cannot be loaded") as caught:
        open_backend({"kind": "transformers", "model": str(broken)})
    assert "\n" not in str(caught.value)


def test_settings_are_checked_by_name_and_type(folder):
    with pytest.raises(ConfigError, match=r"did you mean backend\.beams"):
        open_backend({"kind": "transformers", "model": str(folder), "beam": 3})
    with pytest.raises(ConfigError, match=r"backend\.model is needed"):
        open_backend({"kind": "transformers"})
    with pytest.raises(ConfigError, match=r"backend\.kind must be one of"):
        open_backend({"kind": "telepathy"})
    with pytest.raises(ConfigError, match="device or device_map"):
        open_backend({"kind": "transformers", "model": "x", "device": "cpu", "device_map": "auto"})
    with pytest.raises(ConfigError, match=r"backend\.batch_size must be at least 1"):
        open_backend({"kind": "transformers", "model": "x", "batch_size": 0})
