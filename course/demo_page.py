"""The demo's page: a picture told by every captioner, pictures found by a sentence, a clip told."""

import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import gradio as gr
import torch
from jinja2 import Environment, FileSystemLoader
from PIL import Image

from course.demo_models import Trained, find_captioners, find_doubts, open_evidence
from course.demo_search import PictureSearch
from course.handed import CourseError
from lib.data.images import load_image
from lib.files import FileError, read_json
from lib.models.decoding import Decoding
from lib.paths import Output, shorten
from lib.publish.captioning import PredictError, longest, open_captioner, predict_batch
from rebuild.audit.judge import Evidence

HERE = Path(__file__).parent
THEME = gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
LOOKS = {"theme": THEME, "css": (HERE / "demo.css").read_text(encoding="utf-8")}
DRAWN = Environment(loader=FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True)
HTML = DRAWN.get_template("demo.html.j2").module
TROUBLE = (CourseError, FileError, PredictError, ValueError, OSError)  # what one clear line tells of
EXAMPLES, ALTERNATIVES, PLAIN = 6, 5, "plain"  # PLAIN is no mood


def as_it_is(component: gr.Image | gr.Video) -> gr.Image | gr.Video:
    """Its file is handed on unread, whatever is in it: who opens it says what is wrong with it."""
    component.preprocess = lambda payload: payload and payload.path
    return component


def open_page(output: Output, index: str | None) -> tuple[gr.Blocks, float]:
    """The page with all models opened and warmed, and how many seconds a first caption takes now."""
    torch.set_num_threads(1)  # small models run faster on one thread, above all beside other programs
    trained = {each.name: each for each in find_captioners(output.model_ckpt)}
    first = next(iter(trained.values()))
    view = PictureTab(trained, open_evidence(output.model_ckpt, first.model.preprocess))
    blank = Image.new("RGB", (128, 128), "gray")
    for each in trained.values():
        each.tell(blank, count=ALTERNATIVES)
    began = time.perf_counter()
    first.tell(blank)
    took = time.perf_counter() - began
    with gr.Blocks(title="Lookbook", analytics_enabled=False) as page:
        gr.Markdown("# Lookbook\nWhat the trained models say. Everything stays on this machine.")
        with gr.Tab("Picture"):
            view.draw(examples(output))
        with gr.Tab("Find"):
            draw_search_tab(PictureSearch(output, index))
        with gr.Tab("Clip"):
            draw_clip_tab(output.model_ckpt / "video")
    return page, took


def examples(output: Output) -> list[str]:
    """A few pictures of the test split, where they still lie."""
    file = output.root / "test_data.json"
    names = read_json(file)["IMAGES"] if file.is_file() else []
    paths = [(output.root / name).resolve() for name in names[:: max(1, len(names) // EXAMPLES)]]
    return [str(path) for path in paths if path.is_file()][:EXAMPLES]


class PictureTab:
    """The tab of captions."""

    def __init__(self, trained: dict[str, Trained], evidence: Callable[[Image.Image], Evidence] | None):
        self.trained, self.evidence = trained, evidence

    def draw(self, shown: list[str]) -> None:
        moods = list(dict.fromkeys(mood for each in self.trained.values() for mood in each.moods))
        names = list(self.trained)
        start = next((name for name in names if self.trained[name].looks), names[0])
        with gr.Row():
            with gr.Column(scale=1, min_width=280):
                sources = ["upload", "webcam", "clipboard"]
                picture = as_it_is(gr.Image(type="filepath", sources=sources, label="Picture", height=280))
                if shown:
                    gr.Examples(shown, picture, label="Examples", cache_examples=False)
                name = gr.Dropdown(names, value=start, label="Look closer at", elem_id="model")
                known = bool(self.trained[start].moods)
                mood = gr.Radio([PLAIN, *moods], value=PLAIN, label="Mood", visible=known, elem_id="mood")
                told = {"label": "Strength of the mood", "visible": known, "elem_id": "strength"}
                strength = gr.Slider(0, 3, value=1, step=0.5, **told)
            with gr.Column(scale=2, min_width=280):
                closer, table = gr.HTML(elem_id="closer"), gr.HTML(elem_id="captions")
        asked = [picture, name, mood, strength]
        picture.change(self.look, asked, [closer, table], show_progress="hidden")
        name.change(self.choose, asked, [closer, mood, strength], show_progress="hidden")
        for way in (mood.input, strength.input):
            way(self.look, asked, [closer, table], show_progress="hidden", trigger_mode="always_last")

    def look(self, path: str | None, name: str, mood: str, strength: float) -> Iterator[tuple[str, str]]:
        """The chosen model's caption first, then the table, a row at a time."""
        if path is None:
            yield "", ""
            return
        try:
            image = load_image(path)
        except TROUBLE as error:
            yield HTML.line(without_folder(error, path)), ""
            return
        closer = self.look_closer(image, name, mood, strength)
        yield closer, ""
        rows, evidence = [], self.evidence and self.evidence(image)
        for each in self.trained.values():
            best = each.tell(image, mood, strength=strength)[0]
            rows.append((each.name, best, *(find_doubts(best.pieces, evidence) if evidence else ({}, []))))
            yield closer, HTML.captions(rows)

    def choose(self, path: str | None, name: str, mood: str, strength: float) -> tuple[str, dict, dict]:
        """Another model looked at closely; moods are offered where it has them."""
        shown = gr.update(visible=bool(self.trained[name].moods))
        try:
            closer = self.look_closer(load_image(path), name, mood, strength) if path else ""
        except TROUBLE as error:
            closer = HTML.line(without_folder(error, path))
        return closer, shown, shown

    def look_closer(self, image: Image.Image, name: str, mood: str, strength: float) -> str:
        chosen = self.trained[name]
        told = chosen.tell(image, mood, ALTERNATIVES, strength)
        shades = [chosen.shade(row) for row in told[0].looked]
        doubts = find_doubts(told[0].pieces, self.evidence(image))[0] if self.evidence else {}
        return HTML.closer(name, told, chosen.seen(image), shades, doubts)


def without_folder(error: Exception, path: str) -> str:
    """A message that names an uploaded file, not where it was kept."""
    return str(error).replace(shorten(path), Path(path).name)


def draw_search_tab(search: PictureSearch) -> None:
    """The tab of pictures found."""

    def find(text: str) -> tuple[list, str]:
        if not text.strip():
            return [], ""
        try:
            found = search(text)
        except TROUBLE as error:
            return [], HTML.line(str(error))
        shown = [(load_image(path), f"{score:.2f}  {Path(path).name}") for path, score in found[0]]
        return shown, "" if found[1] is None else f"How likely it is that no picture fits: {found[1]:.0%}"

    text = gr.Textbox(label="What to look for; Enter searches", elem_id="sought")
    note, pictures = gr.HTML(elem_id="note"), gr.Gallery(label="Pictures", columns=4, elem_id="found")
    text.submit(find, text, [pictures, note])


def draw_clip_tab(folder: Path) -> None:
    """The tab of a clip's caption; a line where no model has learnt clips."""
    if not folder.is_dir():
        gr.HTML(HTML.line(f"{shorten(folder)}: no captioner of clips; run: python run_all.py --only 07"))
        return
    opened = cache(lambda: open_captioner(folder))

    def tell(path: str | None) -> str:
        if path is None:
            return ""
        try:
            model = opened()
            decoding = Decoding(max_length=longest(model, 60))
            (told,) = predict_batch(model, [path], decoding, None)
        except TROUBLE as error:
            return HTML.line(without_folder(error, path))
        return HTML.line(without_folder(told.trouble, path)) if told.trouble else HTML.said(told.captions[0])

    clip, caption = as_it_is(gr.Video(label="Clip", height=320)), gr.HTML(elem_id="clip-caption")
    clip.change(tell, clip, caption)
