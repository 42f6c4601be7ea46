"""Clothing: find what a sentence on the background says of clothes, and cut it off where a place remains."""

import re
from collections.abc import Iterable
from functools import cache

from atelier import lexicon as words
from atelier import synonyms

# clothes that photographs show and the atelier does not draw
MORE = (
    "wear wears wearing worn dressed clothing clothes garment garments outfit outfits attire apparel "
    "fashion t-shirt tshirt t-shirts shirts dresses skirts jackets coats sweaters hoodies vests caps hats "
    "hat scarves shoe shoes sneakers boots sandals heels sock suit suits uniform pajamas swimsuit bikini "
    "swimwear swim trunks boxer boxers briefs underwear polo henley overalls tracksuit sweatpants "
    "sweatshirt pants blazer gown robe kimono lingerie bra blouse sleeve sleeves collar neckline denim "
    "necktie handbag backpack"
)
AMBIGUOUS = {"ring", "rings", "tie", "watch", "glasses", "tank"}  # may stand in a room as well
CHINESE = (
    "衬衫|衬衣|裤|裙|外套|夹克|毛衣|卫衣|T恤|t恤|上衣|大衣|帽|围巾|穿|戴着|鞋|袜|衣服|服装|服饰|领带|西装"
)
PERSON = (
    r"(?:man|woman|person|boy|girl|lady|gentleman|guy|model|men|women|people|he|she|they|him|her|his|their)"
)
# where a clause begins that can be left out without breaking the one before it
CLAUSE = re.compile(
    rf"(,\s*|\s+(?=(?:with|and|where|while|as|behind|for)\s+(?:(?:a|an|the|there|one)\s+)?(?:is\s+)?(?:\w+\s+)?{PERSON}\b)"
    r"|\s+(?=(?:who|wearing|dressed|worn)\b)|(?<=[，、；]))",
    re.IGNORECASE,
)
SOMEBODY = rf"(?:(?:a|an|the|one)\s+)?(?:\w+\s+)?{PERSON}"
LOOSE_PERSON = re.compile(
    rf"(?:,\s*|\s+)(?:with|and|of|for|behind)\s+(?:there\s+is\s+)?{SOMEBODY}$", re.IGNORECASE
)
ONLY_A_PERSON = re.compile(
    rf"(?:.*\b(?:features?|shows?|is|has|of|depicts?)\s+)?{SOMEBODY}(?:\s+in\s+the\s+\w+)?(?:\s+(?:is|was|are|has))?",
    re.IGNORECASE,
)

OF_SOMEBODY = re.compile(r"(?:he|she|they|his|her|their)\b|[他她]", re.IGNORECASE)


@cache
def garment_words() -> re.Pattern[str]:
    """Every word that names something worn."""
    tables = (words.NOUNS, synonyms.NOUNS, words.ACCESSORY_WORDS, synonyms.ACCESSORIES)
    phrases = {
        phrase for table in tables for kinds in table.values() for names in kinds.values() for phrase in names
    }
    known = sorted((phrases | {words.DENIM_TROUSERS, *MORE.split()}) - AMBIGUOUS, key=len, reverse=True)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, known))})(?![\w-])|{CHINESE}", re.IGNORECASE)


def mentions_clothing(text: str) -> bool:
    """Whether a text says anything of clothes."""
    return garment_words().search(text) is not None


def cut_sentences(sentences: Iterable[str]) -> list[str]:
    """All sentences without clothes; "He ..." goes with the sentence that said who he is."""
    kept, lost = [], False
    for sentence in sentences:
        cut = "" if lost and OF_SOMEBODY.match(sentence) else cut_clothing(sentence)
        lost = cut != sentence
        kept += [cut] if cut else []
    return kept


def cut_clothing(sentence: str) -> str:
    """The sentence up to its first clause on clothes; empty where nothing of the place is left."""
    if not mentions_clothing(sentence):
        return sentence
    parts = CLAUSE.split(sentence)
    kept = parts[0]
    for gap, clause in zip(parts[1::2], parts[2::2], strict=True):
        if mentions_clothing(clause):
            break
        kept += gap + clause
    kept = LOOSE_PERSON.sub("", kept.rstrip(" ,;:，、；：")).rstrip(" ,.。")
    if mentions_clothing(kept) or ONLY_A_PERSON.fullmatch(kept) or len(kept) < 3:
        return ""
    return kept + ("。" if sentence[-1] in "。！？" else ".")
