"""The scores against the packages they equal: 2,500 candidates x 5 references, side by side in one run."""

import argparse
import gc
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from nltk.corpus import wordnet
from nltk.stem.porter import PorterStemmer
from nltk.translate.meteor_score import meteor_score
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge as CocoRouge
from rouge import Rouge
from rouge_score.rouge_scorer import RougeScorer

from benchmarks.results import record
from lib.score import CiderD, Reward
from lib.score import rouge as rouge_module
from lib.score.bleu import bleu_statistics, coco_bleu
from lib.score.bootstrap import resampled_sums
from lib.score.meteor import Meteor, WordForms, find_word_forms
from lib.score.ngrams import ReferenceTable
from lib.score.rouge import rouge_l, rouge_l_coco, rouge_l_rouge

PICTURES, REFERENCES, REPEATS = 2500, 5, 3
SAMPLES = 160  # 32 pictures x 5 samples, a step of reinforcement learning
NO_WORDNET = SimpleNamespace(synsets=lambda word: [])

TEXT = (
    f"{PICTURES:,} candidates with {REFERENCES} references each, package and Lookbook in turn, the fastest "
    f"of {REPEATS} runs each: processor time, garbage collection off as in `timeit`. The packages are given "
    "texts, Lookbook the tokens that `evaluate` makes once. Nothing is remembered from one run to the next. "
    "Rewards and intervals are Lookbook alone."
)
SHOWN = "dataset/flickr8k/captions.txt"

Corpus = tuple[list[str], list[list[str]]]  # candidates, references
Tokens = tuple[list[list[str]], list[list[list[str]]]]


def generated(pictures: int, references: int, words: tuple[int, int], seed: int = 0) -> Corpus:
    """Captions of a made-up language: Zipf's law, and captions of one picture share half their words."""
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(2, 4002)
    vocabulary = [f"w{i}" for i in range(share.size)]

    def draw(size):
        return rng.choice(share.size, size=size, p=share / share.sum())

    def caption(topic):
        length = rng.integers(*words)
        start = rng.integers(topic.size - length + 1)
        kept = np.where(rng.random(length) < 0.5, topic[start : start + length], draw(length))
        return " ".join(vocabulary[i] for i in kept)

    topics = draw((pictures, words[1]))
    return [caption(t) for t in topics], [[caption(t) for _ in range(references)] for t in topics]


def real(path: Path) -> Corpus:
    """Flickr8k's captions.txt: the candidate is another picture's caption, or half of one of its own."""
    groups = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        name, _, text = line.split("\t")
        groups[name].append(text.lower())
    references = [group[:REFERENCES] for group in groups.values()][:PICTURES]
    candidates = [
        references[(i + 1) % PICTURES][0] if i % 2 else " ".join(references[i][0].split()[::2])
        for i in range(PICTURES)
    ]
    return candidates, references


def split_all(corpus: Corpus) -> Tokens:
    """Tokens, as the packages split them too."""
    candidates, references = corpus
    return [text.split() for text in candidates], [[text.split() for text in group] for group in references]


def as_coco(corpus: Corpus) -> tuple[dict, dict]:
    candidates, references = corpus
    return dict(enumerate(references)), {i: [text] for i, text in enumerate(candidates)}


def coco_three(corpus: Corpus) -> list[float]:
    """pycocoevalcap's BLEU-4, ROUGE-L and CIDEr-D."""
    gts, res = as_coco(corpus)
    bleu = Bleu(4).compute_score(gts, res, verbose=0)[0][3]
    return [bleu, CocoRouge().compute_score(gts, res)[0], Cider().compute_score(gts, res)[0]]


def our_three(tokens: Tokens) -> list[float]:
    """The same from one table of n-grams."""
    candidates, references = tokens
    table = ReferenceTable(references)
    counted = table.count(candidates)
    bleu = coco_bleu(bleu_statistics(table, counted).sum(axis=0))[3]
    cider = CiderD(table, end_token=False).score_counted(counted).mean()
    return [bleu, rouge_l_coco(candidates, references).mean(), cider]


def our_bleu(tokens: Tokens) -> np.ndarray:
    candidates, references = tokens
    table = ReferenceTable(references)
    return coco_bleu(bleu_statistics(table, table.count(candidates)).sum(axis=0))


def our_cider(tokens: Tokens) -> float:
    candidates, references = tokens
    return CiderD(references, end_token=False).scores(candidates).mean()


def our_rouge(score: Callable) -> Callable[[Tokens], float]:
    """One of the ROUGE-Ls, with what it remembers of earlier captions forgotten."""

    def run(tokens: Tokens) -> float:
        for remembered in (
            "alphanumeric",
            "common_words",
            "common_with_any",
            "count_words",
        ):
            getattr(rouge_module, remembered).cache_clear()
        return score(*tokens).mean()

    return run


def google_rouge(corpus: Corpus) -> float:
    scorer = RougeScorer(["rougeL"])
    pairs = zip(*corpus, strict=True)
    return np.mean([scorer.score_multi(group, text)["rougeL"].fmeasure for text, group in pairs])


def package_rouge(corpus: Corpus) -> float:
    scorer = Rouge(["rouge-l"], ["f"])
    pairs = zip(*corpus, strict=True)
    best = [
        max(scorer.get_scores(text, target)[0]["rouge-l"]["f"] for target in group) for text, group in pairs
    ]
    return np.mean(best)


def nltk_meteor(thesaurus) -> Callable[[Corpus], float]:
    def run(corpus: Corpus) -> float:
        pairs = zip(*split_all(corpus), strict=True)
        return np.mean([meteor_score(group, tokens, wordnet=thesaurus) for tokens, group in pairs])

    return run


def our_meteor(synsets: Callable | None) -> Callable[[Tokens], float]:
    """METEOR with nothing remembered yet."""

    def run(tokens: Tokens) -> float:
        candidates, references = tokens
        return Meteor(references, WordForms(PorterStemmer().stem, synsets)).scores(candidates).mean()

    return run


def contests() -> dict[str, tuple[Callable, Callable]]:
    """Name -> (the package, ours)."""
    found = {
        "BLEU-1..4 (pycocoevalcap)": (lambda c: Bleu(4).compute_score(*as_coco(c), verbose=0)[0], our_bleu),
        "CIDEr-D (pycocoevalcap)": (lambda c: Cider().compute_score(*as_coco(c))[0], our_cider),
        "ROUGE-L (pycocoevalcap)": (
            lambda c: CocoRouge().compute_score(*as_coco(c))[0],
            our_rouge(rouge_l_coco),
        ),
        "these three together": (coco_three, our_three),
        "ROUGE-L (rouge_score)": (google_rouge, our_rouge(rouge_l)),
        "ROUGE-L (rouge 1.0.1)": (package_rouge, our_rouge(rouge_l_rouge)),
        "METEOR without WordNet (nltk)": (nltk_meteor(NO_WORDNET), our_meteor(None)),
    }
    if find_word_forms().key == "meteor":
        found["METEOR with WordNet (nltk)"] = (nltk_meteor(wordnet), our_meteor(wordnet.synsets))
    return found


def seconds(call: Callable, given) -> tuple[float, np.ndarray]:
    """Processor seconds of one call, garbage collection off as in `timeit`."""
    gc.collect()
    gc.disable()
    start = time.process_time()
    value = call(given)
    taken = time.process_time() - start
    gc.enable()
    return taken, value


def compare(corpus: Corpus) -> list[list[str]]:
    """Each contest, turn and turn about; the fastest of the repeats counts for both."""
    tokens, rows = split_all(corpus), []
    for name, (package, ours) in contests().items():
        times = np.zeros((REPEATS, 2))
        for repeat in range(REPEATS):
            times[repeat, 0], expected = seconds(package, corpus)
            times[repeat, 1], value = seconds(ours, tokens)
        difference = float(np.abs(np.subtract(value, expected)).max())
        if difference > 1e-9:
            raise SystemExit(f"{name}: differs by {difference}")
        slow, fast = times.min(axis=0)
        rows.append([name, f"{slow:.3f}", f"{fast:.3f}", f"{slow / fast:.1f}", f"{difference:.0e}"])
        print(*rows[-1], sep="   ")
    split = min(seconds(split_all, corpus)[0] for _ in range(REPEATS))
    return [*rows, ["splitting the texts, once for all of ours", "in each", f"{split:.3f}", "", ""]]


def time_rewards(title: str, corpus: Corpus) -> list[list[str]]:
    """Milliseconds for the rewards of one step, references prepared before."""
    rng = np.random.default_rng(1)
    candidates, references = split_all(corpus)
    rows = []
    for name in ("cider_d", "bleu4", "rouge_l_coco", "meteor"):
        start = time.process_time()
        reward = Reward(references, {name: 1.0})
        prepare = time.process_time() - start
        times = []
        for _ in range(20):
            indices = np.repeat(rng.choice(len(references), SAMPLES // 5), 5)
            samples = [candidates[i] for i in rng.permutation(indices)]
            start = time.process_time()
            reward.scores(samples, indices)
            times.append(1000 * (time.process_time() - start))
        rows.append([f"{name}, {title}", f"{prepare:.2f}", f"{np.median(times):.1f}", f"{max(times):.1f}"])
        print(*rows[-1], sep="   ")
    return rows


def time_intervals(corpus: Corpus) -> list[list[str]]:
    """Seconds for 1,000 draws of 20 statistics a caption."""
    statistics = np.random.default_rng(0).random((len(corpus[0]), 20))
    taken = min(seconds(lambda _: resampled_sums(statistics), corpus)[0] for _ in range(REPEATS))
    return [[f"1,000 resamples of {len(corpus[0]):,} captions", f"{taken:.2f}"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--captions", type=Path, help="Flickr8k's captions.txt, for a second table")
    captions = parser.parse_args().captions
    columns = ["score", "package, s", "Lookbook, s", "times", "largest difference"]
    short = generated(PICTURES, REFERENCES, (7, 16))
    tables = [{"title": "Generated captions of 7 to 15 words", "columns": columns, "rows": compare(short)}]
    if captions:
        rows = compare(real(captions))
        tables.append({"title": "Flickr8k's captions", "columns": columns, "rows": rows})
    long = generated(4 * PICTURES, 1, (40, 61), seed=1)
    rows = time_rewards("5 references of 7-15 words", short) + time_rewards("1 of 40-60 words", long)
    columns = ["reward", "prepare once, s", "a step, ms (median)", "slowest, ms"]
    tables.append({"title": f"Rewards of {SAMPLES} captions", "columns": columns, "rows": rows})
    tables.append({"title": "Intervals", "columns": ["what", "s"], "rows": time_intervals(short)})
    record(
        "scores",
        title="Scores",
        command="python -m benchmarks.scores" + (f" --captions {SHOWN}" if captions else ""),
        text=TEXT,
        tables=tables,
    )


if __name__ == "__main__":
    main()
