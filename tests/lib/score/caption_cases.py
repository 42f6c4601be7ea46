"""Captions the scores are tried on: chosen edge cases, random ones, and real ones where they are at hand."""

import json
from collections import defaultdict

from absent import DATA, need
from hypothesis import strategies as st

from lib.data.text import tokenize

WORDS = ("a", "a", "the", "man", "men", "dog", "dogs", "runs", "running", "run", "red", "Two")
WORDS += ("with", "in", "park", ".", ".", ",", "...", "v-shape", "3.5", "t.v.")

captions = st.lists(st.sampled_from(WORDS), max_size=12)
references = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=12), min_size=1, max_size=4)
corpora = st.lists(st.tuples(captions, references), min_size=1, max_size=6)

EDGES = {
    "empty candidate": [("", ["a dog runs ."]), ("a dog", ["a dog", "the dog runs"])],
    "nothing but empty candidates": [("", ["a dog runs ."]), ("", ["a man"])],
    "one word": [("dog", ["dog"]), ("dog", ["a dog runs in the park"]), ("a man", ["man"])],
    "repeated words": [("the the the the the the", ["the cat is on the mat", "the the"]), ("a a", ["a b"])],
    "one reference": [("a dog runs in the park .", ["a dog walks in the park ."])],
    "no overlap": [("x y z", ["a b c d", "e f"]), ("u v", ["a b"])],
    "nearest length": [("a b c d", ["a b c", "a b c d e"]), ("a b", ["a b c d", "a", "a b c"])],
    "full stops": [("a dog . . it runs .", ["a dog .. it runs", "."]), (". a", ["a ."])],
    "same everywhere": [("a dog runs .", ["a dog runs ."])] * 3,
    "many references": [("a dog", ["a dog"] * 9 + ["the dog runs"]), ("the man", ["a man"])],
}


def split_corpus(corpus):
    """A corpus as (candidates, references), both tokens; texts are split at spaces."""
    as_tokens = [
        (c.split() if isinstance(c, str) else c, [r.split() if isinstance(r, str) else r for r in rs])
        for c, rs in corpus
    ]
    return [c for c, _ in as_tokens], [rs for _, rs in as_tokens]


def as_coco(candidates, references):
    """The same as pycocoevalcap takes it: (gts, res) of texts."""
    gts = {i: [" ".join(tokens) for tokens in group] for i, group in enumerate(references)}
    return gts, {i: [" ".join(tokens)] for i, tokens in enumerate(candidates)}


def flickr(pictures=250):
    """Real captions, five a picture; half of the candidates are another picture's, half nearly their own."""
    groups = defaultdict(list)
    for line in need(DATA / "flickr8k" / "captions.txt").read_text(encoding="utf-8").splitlines()[1:]:
        name, _, text = line.split("\t")
        groups[name].append(tokenize(text))
        if len(groups) > pictures:
            break
    tokens = list(groups.values())[:pictures]
    candidates = [tokens[(i + 1) % pictures][0] if i % 2 else tokens[i][0][:-3] for i in range(pictures)]
    return candidates, tokens


def deepfashion(pictures=150):
    """Real long captions, one a picture; the candidate is the next picture's."""
    path = need(DATA / "deepfashion_text" / "test_captions.json")
    texts = list(json.loads(path.read_text(encoding="utf-8")).values())[:pictures]
    tokens = [tokenize(text) for text in texts]
    return tokens[1:] + tokens[:1], [[t] for t in tokens]


REAL = {"flickr8k": flickr, "deepfashion": deepfashion}
