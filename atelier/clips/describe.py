"""Clips in words, in English and in Chinese: told and read back from one table that has both side by side.

An English phrase of where to and where follows its action ("walks to the left in a park"), a Chinese one
stands before it, so one text is read from its start and the other from its end.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from random import Random

from atelier.clips.sample import (
    CLIP_NAMES,
    FIRST,
    ORDERED,
    THEN,
    WITH_HAT,
    name_move,
    scenes_of,
    seen_in_still,
    true_actions,
)
from atelier.parse import Parsed
from atelier.phrase import is_plural, join, with_article
from atelier.sample import blend
from atelier.wardrobe import Attributes

LANGUAGES = ("en", "zh")
# attribute -> value -> the phrases for it in each language
CLIP_WORDS: dict[str, dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "action": {
        "walk": (("walks", "strolls"), ("走", "走动", "步行")),
        "run": (("runs", "jogs"), ("跑", "奔跑", "跑步")),
        "wave": (("waves", "waves a hand", "waves hello"), ("挥手", "招手", "挥着手")),
        "jump": (("jumps", "hops", "jumps up and down"), ("跳跃", "跳起来", "上下跳动")),
        "sit down": (("sits down", "takes a seat", "sits down on a chair"), ("坐下", "坐下来", "坐到椅子上")),
        "stand up": (("stands up", "gets up", "rises from a chair"), ("站起来", "起身", "从椅子上站起来")),
        "put on hat": (("puts on", "dons"), ("戴上", "往头上戴")),
        "take off hat": (("takes off", "removes"), ("摘下", "脱下", "取下")),
    },
    "direction": {
        "left": (("to the left", "from right to left", "leftwards"), ("向左", "从右往左", "往左边")),
        "right": (("to the right", "from left to right", "rightwards"), ("向右", "从左往右", "往右边")),
    },
    "place": {
        "street": (("in the street", "in town"), ("在街上", "在城里")),
        "park": (("in a park", "on the grass"), ("在公园里", "在草地上")),
        "living room": (("in a living room", "at home"), ("在客厅里", "在家里")),
        "beach": (("at the beach", "by the sea"), ("在海滩上", "在海边")),
        "snow": (("in the snow", "on snowy ground"), ("在雪地里", "在雪中")),
    },
    "gender": {
        "woman": (("woman", "lady"), ("女人", "女子", "女士")),
        "man": (("man", "guy"), ("男人", "男子", "男士")),
    },
    "top": {
        "t-shirt": (("t-shirt", "tee"), ("短袖衫", "短袖")),
        "shirt": (("shirt", "button-up shirt"), ("衬衫", "衬衣")),
        "hoodie": (("hoodie", "hooded sweatshirt"), ("连帽衫", "帽衫")),
        "dress": (("dress", "frock"), ("连衣裙", "裙装")),
    },
    "bottom": {
        "trousers": (("trousers", "pants"), ("长裤", "裤子")),
        "shorts": (("shorts", "short pants"), ("短裤", "运动短裤")),
        "skirt": (("skirt", "knee-length skirt"), ("半身裙", "短裙")),
    },
    "hat": {
        "cap": (("cap", "baseball cap"), ("棒球帽", "鸭舌帽")),
        "beanie": (("beanie", "knit cap"), ("毛线帽", "针织帽")),
        "sun hat": (("sun hat", "straw hat"), ("草帽", "遮阳帽")),
    },
    "color": {
        "black": (("black",), ("黑色",)), "white": (("white",), ("白色",)),
        "gray": (("gray", "grey"), ("灰色",)),
        "red": (("red",), ("红色",)), "yellow": (("yellow",), ("黄色",)), "green": (("green",), ("绿色",)),
        "blue": (("blue",), ("蓝色",)), "purple": (("purple", "violet"), ("紫色",)),
        "pink": (("pink",), ("粉色", "粉红色")), "brown": (("brown",), ("棕色", "褐色")),
    },
}  # fmt: skip
PRONOUNS = {"en": {"woman": "she", "man": "he"}, "zh": {"woman": "她", "man": "他"}}
JOINTS = {
    "en": (", then ", " and then ", ". After the cut {} ", ". Then {} "),
    "zh": ("，然后", "，接着", "。镜头切换后{}", "。随后{}"),
}
OPTIONAL = ("bottom", "hat", "place", "then_place")
OMIT = 0.08
Stated = dict[str, list[str]]


class Wording:
    """One language, and the chance by which it picks among its phrases."""

    def __init__(self, language: str, chance: Random):
        self.language, self.chance, self.english = language, chance, language == "en"

    def word(self, name: str, value: str) -> str:
        return self.chance.choice(CLIP_WORDS[name][value][LANGUAGES.index(self.language)])

    def garment(self, told: Attributes, name: str) -> str:
        color, noun = self.word("color", told[f"{name}_color"]), self.word(name, told[name])
        if self.english:
            return f"{color} {noun}" if is_plural(noun) else with_article(f"{color} {noun}")
        return color + self.chance.choice(("", "的")) + noun

    def hat(self, told: Attributes) -> str:
        noun = self.word("hat", told["hat"])
        return with_article(noun) if self.english else self.chance.choice(("", "一顶")) + noun

    def act(self, scene: Attributes) -> str:
        """What is done in one scene, which way and where."""
        parts = [self.word(name, scene[name]) for name in FIRST if scene[name]]
        hat = [self.hat(scene)] if scene["action"] in WITH_HAT else []
        if self.english:
            return " ".join([parts[0], *hat, *parts[1:]])
        return "".join([*parts[:0:-1], parts[0], *hat])

    def person(self, told: Attributes) -> str:
        noun = self.word("gender", told["gender"])
        return with_article(noun) if self.english else self.chance.choice(("一个", "一名", "一位")) + noun

    def outfit(self, told: Attributes, hat: bool) -> str:
        """What is worn, as it stands behind "wears"."""
        clothes = [self.garment(told, name) for name in ("top", "bottom") if told[name]]
        hats = [self.hat(told)] if hat else []
        if self.english:
            return join(clothes + hats)
        return "和".join(clothes) + "".join(f"、戴着{hat}" for hat in hats)

    def dressed(self, told: Attributes, hat: bool) -> str:
        """A person with what is worn, as one noun phrase."""
        outfit = self.outfit(told, hat)
        person = self.person(told)
        if self.english:
            return f"{person} {self.chance.choice(('in', 'wearing', 'dressed in'))} {outfit}"
        return f"{person[:2]}穿着{outfit}的{person[2:]}"

    def sentences(self, *texts: str) -> str:
        if self.english:
            return " ".join(text[0].upper() + text[1:] + "." for text in texts)
        return "".join(f"{text}。" for text in texts)


def tell_clip(clip: Attributes, chance: Random, *, language: str = "en", omit: float = OMIT) -> str:
    """A truthful text; lesser facts are left out with probability `omit`, the same ones in each language."""
    told, worn = leave_out(clip, chance, omit)
    say, she = Wording(language, chance), PRONOUNS[language][clip["gender"]]
    deeds = chance.choice(JOINTS[language]).format(she).join(say.act(scene) for scene in scenes_of(told))
    gap, wears = (" ", f"{she} wears ") if say.english else ("", f"{she}穿着")
    if chance.random() < 0.5:
        return say.sentences(say.dressed(told, worn) + gap + deeds)
    return say.sentences(say.person(told) + gap + deeds, wears + say.outfit(told, worn))


def tell_still(clip: Attributes, chance: Random, *, language: str = "en", omit: float = OMIT) -> str:
    """What one frame of the first scene shows: who wears what, and where; never what is done."""
    told, worn = leave_out(seen_in_still(clip), chance, omit)
    say = Wording(language, chance)
    place = say.word("place", told["place"]) if told["place"] else ""
    person = say.dressed(told, worn)
    if say.english:
        return say.sentences(f"{chance.choice(('', 'this is '))}{person} {place}".rstrip())
    return say.sentences(f"{place}有{person}" if place else f"这是{person}")


def leave_out(clip: Attributes, chance: Random, omit: float) -> tuple[Attributes, bool]:
    """The facts to tell, and whether a hat among them is worn. One that is handled is never left out."""
    handled = bool({clip["action"], clip["then"]} & {*WITH_HAT})
    gone = {name for name in OPTIONAL if chance.random() < omit and not (name == "hat" and handled)}
    told = {name: None if name.removesuffix("_color") in gone else clip[name] for name in CLIP_NAMES}
    return told, told["hat"] is not None and not handled


def tell_many(tell: Callable[..., str], clip: Attributes, seed: int, count: int, language: str) -> list[str]:
    """So many texts of one clip; those of one seed state the same in every language."""
    return [tell(clip, Random(blend(seed, number)), language=language) for number in range(count)]


@lru_cache(maxsize=len(LANGUAGES))
def vocabulary(language: str) -> tuple[re.Pattern, dict[str, list[tuple[str, str]]]]:
    """A pattern that finds every phrase, the longest at each place, and what each states."""
    own = LANGUAGES.index(language)
    found = {
        phrase: [(name, value)]
        for name, values in CLIP_WORDS.items()
        if name != "color"
        for value, phrases in values.items()
        for phrase in phrases[own]
    }
    colors = [(phrase, color) for color, words in CLIP_WORDS["color"].items() for phrase in words[own]]
    for noun, ((name, value),) in list(found.items()):
        if name in ("top", "bottom"):
            for phrase, color in colors:
                for link in (" ",) if language == "en" else ("", "的"):
                    found[phrase + link + noun] = [(f"{name}_color", color), (name, value)]
    longest = "|".join(map(re.escape, sorted(found, key=len, reverse=True)))
    return re.compile(rf"\b(?:{longest})\b" if language == "en" else longest), found


def read_scenes(text: str, language: str) -> tuple[list[Stated], Stated, str]:
    """What a text states of each scene and of the whole clip, and what is left of it."""
    pattern, meanings = vocabulary(language)
    said = [pair for phrase in pattern.findall(text.lower()) for pair in meanings[phrase]]
    scenes, outfit = [{}], {}
    for name, value in said if language == "en" else reversed(said):
        if name == "action" and "action" in scenes[-1]:
            scenes.append({})
        owner = scenes[-1] if name in FIRST else outfit
        if value not in owner.setdefault(name, []):
            owner[name].append(value)
    return scenes if language == "en" else scenes[::-1], outfit, pattern.sub("|", text.lower())


def stated_actions(text: str, language: str = "en") -> tuple[str, ...]:
    """The actions that a text states, with the way they go, in order."""
    scenes, _, _ = read_scenes(text, language)
    return tuple(name_move(*s["action"], "/".join(s.get("direction", ()))) for s in scenes if "action" in s)


@lru_cache(maxsize=1 << 14)
def read_clip(text: str, language: str = "en") -> Parsed:
    """What a text states. A third scene contradicts the second."""
    (first, *others), stated, rest = read_scenes(text, language)
    stated |= first
    for scene in others:
        for name, then in zip(FIRST, THEN, strict=True):
            stated[then] = list(dict.fromkeys([*stated.get(then, []), *scene.get(name, [])]))
    clear = {name: stated[name][0] for name in CLIP_NAMES if len(stated.get(name, ())) == 1}
    conflicts = {name: tuple(values) for name, values in stated.items() if len(values) > 1}
    words = re.findall(r"[a-z-]+" if language == "en" else r"[^\W|]", rest)
    return Parsed(clear, conflicts, (), tuple(word for word in dict.fromkeys(words) if word not in PASSED))


PASSED = {"a", "an", "and", "after", "cut", "dressed", "he", "in", "is", "she", "the", "then", "this"}
PASSED |= {"wears", "wearing", *"一个名位顶和的穿着戴她他这是有然后接镜头切换随"}


def action_scores(
    texts: Sequence[str], clips: Sequence[Attributes], language: str = "en"
) -> dict[str, float]:
    """The share of texts that state the true actions, in order; and the same among clips with an action that
    no single frame tells."""
    pairs = [(stated_actions(text, language), true_actions(c)) for text, c in zip(texts, clips, strict=True)]
    ordered = [pair for pair in pairs if ORDERED.intersection(pair[1])]
    found = {"action_accuracy": pairs, "order_accuracy": ordered}
    return {name: sum(a == b for a, b in some) / len(some) for name, some in found.items() if some}
