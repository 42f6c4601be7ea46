"""The demo: clicked through in a browser, it shows what the models say; doubts and doors by known answers."""

import argparse
import re
import socket
import subprocess
import sys
import types

import pytest
import torch
from browsing import complaints, fetched_elsewhere, look_at, needs_chromium, open_browser, wait_until
from PIL import Image

from atelier.wardrobe import SCHEMA
from course import demo
from course.demo_models import find_captioners, find_doubts
from course.demo_search import PictureSearch
from course.handed import CourseError
from lib import checkpoint, environment
from lib.data.images import Preprocess, load_image
from lib.data.motion import write_film
from lib.data.text import Vocab
from lib.index import build_index
from lib.index.embed import embed_folder
from lib.models import AttributeEncoder, Captioner, Decoding, build_decoder, build_encoder
from lib.models.attributes import AttributeReader
from lib.models.clip_encoder import ClipEncoder
from lib.models.two_towers import TwoTowers, TwoTowersSettings
from lib.paths import ROOT, Output
from lib.publish.captioning import open_captioner, predict
from rebuild.audit.judge import Evidence

MISSING = environment.mismatches(environment.pins(ROOT / "requirements-demo.txt"))
needs_gradio = pytest.mark.skipif(bool(MISSING), reason=f"{MISSING[:1]}: bash prepare.sh --demo")
WORDS = "the woman wears a red shirt with long sleeves"
SEEN = Preprocess(resize=32, crop=32, squash=True)
COLORS = ("red", "green", "blue", "white", "black")


def save(model, folder):
    checkpoint.save(folder / "best", model.state_dict(), model.meta())


def captioner(view: str, kind: str, seed: int, moods=(), frames: int = 0) -> Captioner:
    """An untrained captioner that says the same of a picture each time, or of a clip in so many frames."""
    torch.manual_seed(seed)
    encoder, vocab = build_encoder({"kind": "atelier", "channels": 4}), Vocab.build([WORDS], prefixes=moods)
    encoder = encoder.viewed(view)
    encoder = ClipEncoder(encoder, frames=frames, marks=4) if frames else encoder
    sizes = {"vocab_size": len(vocab), "memory_width": encoder.width}
    more = {"width": 16, "heads": 2, "layers": 1, "max_length": 12} if kind == "transformer" else {}
    decoder = build_decoder({"kind": kind, **sizes, **more})
    for weight in decoder.parameters():
        torch.nn.init.normal_(weight, std=1.0)
    return Captioner(encoder, decoder, vocab, SEEN).eval()


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """A run's folder with three captioners, a reader, a retriever and an index of five pictures."""
    root = tmp_path_factory.mktemp("demo")
    models = root / "model_ckpt"
    save(captioner("grid", "transformer", 1), models / "attn" / "transformer")
    save(captioner("pooled", "gru", 2), models / "cnngru" / "gru")
    save(captioner("grid", "transformer", 3, ("<cheerful>", "<any>")), models / "style" / "styled")
    save(captioner("pooled", "gru", 5, frames=3), models / "video" / "frames_in_time")
    checkpoint.choose(models / "video", "frames_in_time")
    oracle, vocab = AttributeEncoder(SCHEMA), Vocab.build([WORDS])
    told = {"kind": "gru", "vocab_size": len(vocab), "memory_width": oracle.width}
    save(Captioner(oracle, build_decoder(told), vocab, None), models / "attn" / "oracle_model")
    torch.manual_seed(4)
    eye = build_encoder({"kind": "atelier", "channels": 4})
    save(AttributeReader(eye, SCHEMA, cells=4), models / "reader" / "attributes")
    small = {"embedding": 16, "width": 16, "heads": 2, "looks": 2, "layers": 1, "positions": 16}
    towers = TwoTowers(eye, Vocab.build([WORDS]), SEEN, TwoTowersSettings(**small)).eval()
    save(towers, models / "retrieval" / "two_towers")
    for color in COLORS:
        (root / "pictures").mkdir(exist_ok=True)
        Image.new("RGB", (32, 32), color).save(root / "pictures" / f"{color}.png")
    search = PictureSearch(Output(root))
    build_index(root / "index", embed_folder(str(root / "pictures"), search.retriever))
    return root


def test_every_captioner_that_sees_is_found(output):
    found = {each.name: each.moods for each in find_captioners(output / "model_ckpt")}
    assert found == {"attn/transformer": [], "cnngru/gru": [], "style/styled": ["<cheerful>"]}


def test_no_captioner_is_one_clear_line(tmp_path):
    with pytest.raises(CourseError, match=r"no trained captioner; run: python run_all\.py --only 00,01,02"):
        find_captioners(tmp_path)


def test_a_broken_checkpoint_is_named_and_the_others_go_on(output, tmp_path, capsys):
    good, bad = (tmp_path / name / "x" for name in ("good", "bad"))
    for folder in (good, bad):
        save(captioner("grid", "transformer", 1), folder)
    (bad / "best" / "weights.safetensors").write_bytes(b"cut")
    assert [each.name for each in find_captioners(tmp_path)] == ["good/x"]
    assert "bad/x/best/weights.safetensors: truncated or changed" in capsys.readouterr().err


def test_pieces_are_the_caption_with_a_weight_for_each_word(output):
    trained = find_captioners(output / "model_ckpt")[0]
    picture = load_image(output / "pictures" / "red.png")
    told = trained.tell(picture, count=3)
    memory = trained.model.encode(SEEN(picture)[None])
    found = trained.model.search(memory, Decoding(n_best=3, max_length=12))
    assert ["".join(each.pieces) for each in told] == [
        trained.model.decode(ids) for ids in found.tokens[0].tolist()
    ]
    assert [each.score for each in told] == pytest.approx(found.scores[0].tolist())
    for each in told:
        assert len(each.looked) == len(each.pieces)
        assert [weights.sum() for weights in each.looked] == pytest.approx([1] * len(each.pieces), abs=1e-4)


def test_a_mood_changes_the_start_of_the_search(output):
    trained = find_captioners(output / "model_ckpt")[2]
    picture = load_image(output / "pictures" / "red.png")
    memory = trained.model.encode(SEEN(picture)[None])
    start = torch.tensor([trained.model.vocab.begin(["<cheerful>"])])
    found = trained.model.search(memory, Decoding(max_length=11), start=start)
    wanted = trained.model.decode(found.tokens[0, 0].tolist())
    assert "".join(trained.tell(picture, "<cheerful>")[0].pieces) == wanted
    assert trained.tell(picture)[0].pieces == trained.tell(picture, "<unknown>")[0].pieces
    plain = torch.tensor([trained.model.vocab.begin(["<any>"])])
    guided = Decoding(max_length=11, guidance=2.5)
    found = trained.model.search(memory, guided, start=start, without=plain)
    told = trained.tell(picture, "<cheerful>", strength=2.5)[0]
    assert "".join(told.pieces) == trained.model.decode(found.tokens[0, 0].tolist())
    assert (
        told.score == pytest.approx(found.scores[0, 0].item()) != trained.tell(picture, "<cheerful>")[0].score
    )


def test_doubt_is_marked_at_the_word_that_makes_the_claim():
    read = {"upper_color": {"blue": 0.95, "red": 0.01}, "sleeves": {"long": 0.9}, "gender": {"man": 0.97}}
    pieces = [w if not n else f" {w}" for n, w in enumerate(WORDS.split())]
    placed, unplaced = find_doubts([*pieces, "."], Evidence(read))
    assert placed[4] == "upper color red: the picture shows blue"
    told = "gender woman: the picture shows man"
    assert (placed.get(1), unplaced) in ((told, []), (None, [told])) and set(placed) <= {1, 4}
    assert find_doubts([*pieces, "."], Evidence({"upper_color": {"red": 0.9}})) == ({}, [])


def test_search_gives_what_the_retriever_holds_nearest(output):
    search = PictureSearch(Output(output), str(output / "index"))
    retriever = search.retriever
    paths = [output / "pictures" / f"{color}.png" for color in COLORS]
    scores = (retriever.embed_images(paths) @ retriever.embed_texts(["a red shirt"])[0]).tolist()
    found, absent = search("a red shirt", 3)
    assert [path for path, _ in found] == [
        str(path) for _, path in sorted(zip(scores, paths, strict=True), reverse=True)[:3]
    ]
    assert [score for _, score in found] == pytest.approx(sorted(scores, reverse=True)[:3], abs=2e-3)
    assert absent is None


def test_what_a_search_lacks_is_one_clear_line(output, tmp_path):
    with pytest.raises(CourseError, match=r"metrics/06_retrieval\.json: not there; run: python"):
        PictureSearch(Output(output))("red")
    with pytest.raises(CourseError, match=r"no retriever; run: python run_all\.py --only 06"):
        PictureSearch(Output(tmp_path))("red")
    with pytest.raises(CourseError, match=r"no retriever that .*index was made with \("):
        PictureSearch(Output(tmp_path), str(output / "index"))("red")


def test_a_taken_port_is_one_line_with_a_free_one():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CourseError, match=rf"^port {port} is taken; .*--port \d+$") as told:
            demo.open_port("127.0.0.1", port)
    free = int(re.search(r"\d+$", str(told.value))[0])
    assert free > port
    with pytest.raises(CourseError, match="expected 0 to 65535"):
        demo.open_port("127.0.0.1", 70_000)
    with pytest.raises(CourseError, match=r"--host no\.such\.host\.here --port 1: "):
        demo.open_port("no.such.host.here", 1)


@pytest.mark.parametrize(
    ("options", "token"),
    [([], False), (["--token"], True), (["--host", "0.0.0.0"], True), (["--host", "localhost"], False)],
)
def test_whoever_is_not_alone_needs_a_token(options, token, monkeypatch, capsys):
    served = []
    page = types.SimpleNamespace(open_page=lambda output, index: ("page", 0.1))
    monkeypatch.setitem(sys.modules, "course.demo_page", page)
    monkeypatch.setattr(demo, "need_pins", lambda name: None)
    monkeypatch.setattr(demo, "serve", lambda page, door, token: served.append(token))
    parser = argparse.ArgumentParser()
    demo.add_arguments(parser)
    assert demo.run(parser.parse_args([*options, "--port", "0"])) == 0
    assert (served[0] is not None) == token == ("/?token=" in capsys.readouterr().out)
    assert served[0] is None or len(served[0]) >= 20


@pytest.fixture(scope="module")
def page(output):
    """The demo's address, served by the command; it needs a token, as it does for others."""
    command = [
        sys.executable, "-m", "course", "demo", "--output", str(output), "--index", str(output / "index"),
        "--port", "0", "--token",
    ]  # fmt: skip
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        lines = [server.stdout.readline() for _ in "12"]
        assert re.search(r"warmed in [\d.]+ s; first caption after 0\.\d+ s", lines[0]), lines
        yield re.search(r"http://127.0.0.1:\d+/\?token=\S+", lines[1])[0]
    finally:
        server.terminate()
        server.wait(20)


@needs_gradio
def test_without_the_token_there_is_nothing(page):
    import httpx

    base = page.partition("?")[0]
    for address in (base, f"{base}config", f"{base}?token=wrong"):
        assert httpx.get(address).status_code == 401
    welcome = httpx.get(page)
    assert (welcome.status_code, welcome.headers["location"]) == (303, "/")
    assert (
        "HttpOnly" in welcome.headers["set-cookie"]
        and "samesite=strict" in welcome.headers["set-cookie"].lower()
    )
    inside = httpx.get(page, follow_redirects=True)
    assert inside.status_code == 200 and inside.headers["content-security-policy"] == demo.ALLOWED


@needs_gradio
@needs_chromium
def test_clicked_through(page, output, tmp_path):
    from selenium.webdriver.common.keys import Keys

    trained = find_captioners(output / "model_ckpt")
    said = {
        color: [
            "".join(each.tell(load_image(output / "pictures" / f"{color}.png"))[0].pieces) for each in trained
        ]
        for color in ("red", "blue")
    }
    broken = tmp_path / "broken.png"
    broken.write_bytes((output / "pictures" / "red.png").read_bytes()[:40])
    with open_browser(tmp_path / "profile") as browser:
        look_at(browser, 360, 900)

        def all_of(selector: str) -> list:
            return browser.find_elements("css selector", selector)

        def table() -> list[str]:
            return [cell.text for cell in all_of("#captions td:nth-child(2)")]

        def upload(path) -> None:
            wait_until(lambda: all_of("input[type=file]"), "the upload")[0].send_keys(str(path))

        def clear() -> None:
            all_of("button[aria-label='Remove Image'], button[aria-label='Clear']")[0].click()

        browser.get(page)
        upload(output / "pictures" / "red.png")
        wait_until(lambda: [t.partition("\n")[0] for t in table()] == said["red"], "captions of the picture")
        words = all_of("#closer .word")
        assert "".join(said["red"][0].split()) == "".join(word.text for word in words)
        shade = words[0].find_element("css selector", "img.shade")
        assert not shade.is_displayed()
        browser.execute_script("arguments[0].focus()", words[0])
        assert shade.is_displayed()
        assert len(all_of("#closer td")) == 2 * 5
        clear()
        upload(broken)
        line = wait_until(lambda: all_of("#closer [role=alert]"), "what is wrong with the file")[0].text
        assert line.startswith("broken.png: ") and "\n" not in line and "Traceback" not in line
        assert table() == []

        clear()
        upload(output / "pictures" / "blue.png")
        wait_until(
            lambda: [t.partition("\n")[0] for t in table()] == said["blue"], "the next picture's captions"
        )
        assert not any(field.is_displayed() for field in all_of("#mood input, #strength input"))
        all_of("#model input")[0].click()
        wait_until(
            lambda: next(o for o in all_of("[role=option]") if "style/styled" in o.text), "the models"
        ).click()
        wait_until(lambda: all_of("#mood input[value='<cheerful>']")[0].is_displayed(), "its moods")
        assert "beam of style/styled" in wait_until(lambda: all_of("#closer th"), "its beam")[0].text
        all_of("#mood input[value='<cheerful>']")[0].click()
        cheerful = trained[2].tell(load_image(output / "pictures" / "blue.png"), "<cheerful>")[0]
        wanted = [*said["blue"][:2], "".join(cheerful.pieces)]
        wait_until(lambda: [t.partition("\n")[0] for t in table()] == wanted, "the cheerful caption")
        slider = all_of("#strength input[type=range]")[0]
        slider.send_keys(*[Keys.ARROW_RIGHT] * 4)
        strong = trained[2].tell(load_image(output / "pictures" / "blue.png"), "<cheerful>", 1, 3.0)[0]
        wait_until(
            lambda: f"{strong.score:.2f}" in all_of("#closer td")[1].text, "the caption in a stronger mood"
        )

        def open_tab(name: str) -> None:
            next(tab for tab in all_of("[role=tab]") if tab.text == name and tab.is_displayed()).click()

        open_tab("Find")
        wait_until(lambda: all_of("#sought :is(textarea, input)")[0].is_displayed(), "the search")
        all_of("#sought :is(textarea, input)")[0].send_keys("a red shirt\n")
        best = PictureSearch(Output(output), str(output / "index"))("a red shirt")[0]
        names = [path.rpartition("/")[2] for path, _ in best]
        wait_until(
            lambda: [c.text.split()[-1] for c in all_of("#found .caption-label")] == names, "the pictures"
        )
        open_tab("Clip")
        film, video = tmp_path / "clip.mp4", open_captioner(output / "model_ckpt" / "video")
        write_film(film, [Image.new("RGB", (32, 32), color) for color in COLORS], 5)
        (told,) = predict(video, [str(film)], Decoding(max_length=60))
        fields = wait_until(
            lambda: [f for f in all_of("input[type=file]") if "video" in f.get_attribute("accept")],
            "the upload",
        )
        fields[0].send_keys(str(film))
        wait_until(lambda: told.captions[0] in all_of("#clip-caption")[0].text, "the clip's caption")
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        assert fetched_elsewhere(browser, page.partition("?")[0]) == []
        assert "\n".join(complaints(browser)) == ""
