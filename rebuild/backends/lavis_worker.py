"""The program that LAVIS's own interpreter runs: JSON lines in, JSON lines out. It imports nothing of ours.

First line in: the settings. First line out: {"ready": ...} or {"error": ...}. Then a batch a line:
{"id", "pictures": [base64 PNG], "prompts"} in, {"id", "answers": [{"text"} or {"failure"}]} out.
Everything that LAVIS prints goes to stderr, so that stdout holds nothing but the protocol.
"""

import base64
import importlib
import io
import json
import os
import runpy
import sys
import types
from pathlib import Path

# beside this file lie modules named transformers and lavis, which are not the ones meant below
sys.path[:] = [
    folder for folder in sys.path if Path(folder or ".").resolve() != Path(__file__).resolve().parent
]

MODULES = {
    "blip_caption": "lavis.models.blip_models.blip_caption",
    "blip2_t5_instruct": "lavis.models.blip2_models.blip2_t5_instruct",
    "blip2_vicuna_instruct": "lavis.models.blip2_models.blip2_vicuna_instruct",
}
HOW_TO = {  # what a message of a library means for the user
    "bert-base-uncased": "bert-base-uncased is not here: name its folder with bert=...",
    "network": "the network is closed to the worker: name a local file or folder, or set hub=True",
}


class Unusable(Exception):
    """What makes the worker end before its first answer, in one line."""


def main():
    """Speak the protocol until stdin ends, which it also does when the parent dies."""
    lines = take_stdout()
    settings = json.loads(sys.stdin.readline())
    if settings["packages"]:  # newer ones, for a checkout
        sys.path.insert(0, settings["packages"])
    try:
        prepare_folder(settings)
        if not settings["hub"]:
            close_network()
        captioner = LavisModel(settings)
    except Exception as error:  # anything LAVIS raises while loading is the finding itself
        say(lines, {"error": explain(error)})
        return
    say(lines, {"ready": captioner.described})
    for line in sys.stdin:
        request = json.loads(line)
        answers = captioner.answer(request["pictures"], request["prompts"])
        say(lines, {"id": request["id"], "answers": answers})


def take_stdout():
    """Keep the protocol's channel to ourselves; what others print goes to stderr."""
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdin.reconfigure(encoding="utf-8")
    return lines


def say(lines, message):
    lines.write(json.dumps(message) + "\n")
    lines.flush()


def prepare_folder(settings):
    """LAVIS asks for some files by fixed names: give them to it as links in its working directory."""
    folder = Path(settings["folder"])
    os.chdir(folder)
    if settings["bert"]:
        (folder / "bert-base-uncased").symlink_to(settings["bert"], target_is_directory=True)
    if settings["vit_checkpoint"]:
        cache = folder / "torch" / "hub" / "checkpoints"
        cache.mkdir(parents=True)
        (cache / "eva_vit_g.pth").symlink_to(settings["vit_checkpoint"])
        os.environ["TORCH_HOME"] = str(folder / "torch")


def close_network():
    """Nothing that LAVIS imports can reach the network by another way: Python itself refuses."""
    os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"

    def refuse(event, arguments):
        if event == "socket.getaddrinfo" or (
            event == "socket.connect" and not isinstance(arguments[1], (str, bytes))
        ):
            raise OSError(HOW_TO["network"])

    sys.addaudithook(refuse)


def explain(error):
    """An exception as one line, with what can be done about it where that is known."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    if isinstance(error, Unusable):
        return str(error)
    if "bert-base-uncased" in text:
        return HOW_TO["bert-base-uncased"]
    if isinstance(error, ModuleNotFoundError):
        return f"LAVIS needs the package {error.name}, which its environment lacks"
    return text


class LavisModel:
    """A LAVIS model with its own picture preparation."""

    def __init__(self, settings):
        import torch

        self.settings, self.torch = settings, torch
        self.device = settings["device"] or ("cuda" if torch.cuda.is_available() else "cpu")
        kind = checked(self.find(), settings)
        config = self.configure(kind)
        self.model = kind.from_config(config.model).eval()
        if self.device == "cpu":
            self.model = self.model.float()
        self.model = self.model.to(self.device)
        self.own_prompt = getattr(self.model, "prompt", "")
        self.process = self.processor(config)
        self.described = {"model": settings["model"], "lavis": release()}

    def find(self):
        """The model's class in the LAVIS that is there."""
        name, checkout = self.settings["model"], self.settings["checkout"]
        if checkout:
            open_checkout(Path(checkout))
        else:
            importlib.import_module("lavis.models")
        registry = importlib.import_module("lavis.common.registry").registry
        if self.settings["register"]:
            runpy.run_path(self.settings["register"])
        if checkout and name in MODULES:
            try:
                importlib.import_module(MODULES[name])
            except ModuleNotFoundError as error:
                if error.name != MODULES[name]:
                    raise
        kind = registry.get_model_class(name)
        if kind is None:
            advice = "" if checkout else "; a git checkout of LAVIS may have it: name it with checkout=..."
            raise Unusable(f"LAVIS {release()} has no model {name}{advice}")
        return kind

    def configure(self, kind):
        """LAVIS's own YAML for the model, with the user's local paths in the places of its URLs."""
        from omegaconf import OmegaConf

        known = kind.PRETRAINED_MODEL_CONFIG_DICT
        chosen = self.settings["model_type"] or next(iter(known))
        if not self.settings["config"] and chosen not in known:
            raise Unusable(
                f"{self.settings['model']} has no model_type {chosen!r}; known: {', '.join(known)}"
            )
        config = OmegaConf.load(self.settings["config"] or kind.default_config_path(chosen))
        if self.settings["checkpoint"]:
            config.model.load_finetuned, config.model.finetuned = True, self.settings["checkpoint"]
        if self.settings["language_model"]:
            for name in ("llm_model", "t5_model"):
                if name in config.model:
                    config.model[name] = self.settings["language_model"]
        if self.device == "cpu":
            config.model.vit_precision = "fp32"  # half precision is for GPUs
        return config

    def processor(self, config):
        """The model's own way of preparing a picture for evaluation."""
        importlib.import_module("lavis.processors.blip_processors")
        registry = importlib.import_module("lavis.common.registry").registry
        wanted = config.preprocess.vis_processor.eval
        return registry.get_processor_class(wanted.name).from_config(wanted)

    def answer(self, pictures, prompts):
        """One answer a row; rows of one prompt go together where the model begins its caption with it."""
        images = [self.open(picture) for picture in pictures]
        answers = [None] * len(images)
        for rows in self.groups(prompts):
            try:
                texts = self.generate(self.torch.stack([images[r] for r in rows]), [prompts[r] for r in rows])
            except Exception as error:  # one odd row must not end the others' worker
                texts = [None] * len(rows)
                failure = explain(error)
            for row, text in zip(rows, texts, strict=True):
                answers[row] = {"failure": failure} if text is None else {"text": text}
        return answers

    def groups(self, prompts):
        """Rows that can be asked together."""
        if not self.begins_with_prompt():
            return [range(len(prompts))]
        rows = {}
        for row, prompt in enumerate(prompts):
            rows.setdefault(prompt, []).append(row)
        return list(rows.values())

    def begins_with_prompt(self):
        """BLIP's captioner takes no question: a prompt is the beginning that its caption continues."""
        return hasattr(self.model, "prompt_length") and hasattr(self.model, "text_decoder")

    def open(self, picture):
        from PIL import Image

        return self.process(Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB"))

    def generate(self, images, prompts):
        images = images.to(self.device)
        beams, length = self.settings["beams"], self.settings["max_tokens"]
        with self.torch.inference_mode():
            if not self.begins_with_prompt():
                samples = {"image": images, "prompt": list(prompts)}
                return [t.strip() for t in self.model.generate(samples, num_beams=beams, max_length=length)]
            self.begin_with(prompts[0])
            told = len(self.model.tokenizer(self.model.prompt).input_ids)
            texts = self.model.generate({"image": images}, num_beams=beams, max_length=told + length)
        return [text.strip() for text in texts]

    def begin_with(self, prompt):
        """Spelled as the tokeniser spells it, since LAVIS cuts it off again by its number of letters."""
        if prompt:
            ids = self.model.tokenizer(prompt).input_ids
            prompt = self.model.tokenizer.decode(ids, skip_special_tokens=True) + " "
        self.model.prompt = prompt or self.own_prompt


def checked(kind, settings):
    """The model's class, refusing weights that leave a trainable part of it as chance made it."""

    class Checked(kind):
        def load_checkpoint(self, url_or_filename):
            return complete(self, super().load_checkpoint(url_or_filename), url_or_filename)

        def load_from_pretrained(self, url_or_filename, **options):
            return complete(self, super().load_from_pretrained(url_or_filename, **options), url_or_filename)

    return Checked


def complete(model, loaded, source):
    trainable = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    missing = sorted(trainable & set(loaded.missing_keys))
    if missing:
        raise Unusable(f"{source} lacks {len(missing)} weights of the model, such as {missing[0]}")
    return loaded


def open_checkout(checkout):
    """Take LAVIS from a git checkout, and of it only what a model asks for.

    Its own `import lavis` wants diffusers, torchaudio and more, which no captioner here uses: so the
    packages are opened without running their __init__, which otherwise imports every model there is.
    """
    package = checkout / "lavis"
    if not (package / "models").is_dir():
        raise Unusable(f"{checkout} is no checkout of LAVIS: expected a folder lavis/models in it")
    for name in ("lavis", "lavis.models", "lavis.processors"):
        module = types.ModuleType(name)
        module.__path__ = [str(package.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = module
    for name, base in (("models", "BaseModel"), ("processors", "BaseProcessor")):  # the registry wants them
        part = importlib.import_module(f"lavis.{name}.base_{name[:-1]}")
        setattr(sys.modules[f"lavis.{name}"], base, getattr(part, base))
    registry = importlib.import_module("lavis.common.registry").registry
    registry.register_path("library_root", str(package))
    registry.register_path("repo_root", str(checkout))
    registry.register_path("cache_root", str(Path.cwd() / "cache"))


def release():
    """The version of LAVIS, or that it is a checkout."""
    from importlib import metadata

    folder = Path(next(iter(sys.modules["lavis"].__path__)))
    if "site-packages" not in folder.parts:
        return "git"
    return metadata.version("salesforce-lavis")


if __name__ == "__main__":
    main()
