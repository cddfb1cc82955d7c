"""Near duplicates on a planted set: recall and precision over pairs, and rows a second; and duplicates in meaning on paraphrases.

python -m tests.bench.bench_duplicates [rows] [semantic rows]
"""

import random
import resource
import sys
import time
from collections.abc import Callable, Iterable

WORDS = 20_000
EDITS = ("case", "space", "word", "drop", "insert", "swap", "append", "prefix", "cut")
UNLIKE = ("half", "shuffled", "template")  # texts that share much with another and are no duplicates of it


def planted(rows: int, seed: int = 1) -> tuple[list[str], set[tuple[int, int]]]:
    """Texts of 60 to 200 words, a tenth of them edited copies (small edits: 2 % of the words or less) and a tenth that only look
    alike (half rewritten, words shuffled, the same frame around other words); and the pairs that are duplicates."""
    rng = random.Random(seed)
    lexicon = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) for _ in range(WORDS)]
    frame = " ".join(rng.choices(lexicon, k=30))
    texts, families = list[tuple[int, str]](), rows
    for number in range(rows * 8 // 10):
        texts.append((number, _sentence(rng, lexicon, rng.randint(60, 200))))
    originals = len(texts)
    for number in range(rows - originals):
        family, text = texts[rng.randrange(originals)]
        if number % 2:
            texts.append((family, edited(rng, lexicon, text, EDITS[number // 2 % len(EDITS)])))
        else:
            families += 1
            texts.append((families, unlike(rng, lexicon, text, UNLIKE[number // 2 % len(UNLIKE)], frame)))
    rng.shuffle(texts)
    members: dict[int, list[int]] = {}
    for place, (family, _text) in enumerate(texts):
        members.setdefault(family, []).append(place)
    return [text for _family, text in texts], set(pairs_of(members.values()))


def _sentence(rng: random.Random, lexicon: list[str], count: int) -> str:
    return " ".join(rng.choices(lexicon, k=count)).capitalize() + "."


def edited(rng: random.Random, lexicon: list[str], text: str, kind: str) -> str:
    """A copy that a person would call the same text."""
    words = text.split()
    place, count = rng.randrange(2, len(words) - 2), max(len(words) // 100, 1)
    for _time in range(count if kind in ("word", "drop", "insert", "swap") else 0):
        place = rng.randrange(2, len(words) - 2)
        if kind == "word":
            words[place] = rng.choice(lexicon)
        elif kind == "drop":
            del words[place]
        elif kind == "insert":
            words.insert(place, rng.choice(lexicon))
        else:
            words[place], words[place + 1] = words[place + 1], words[place]
    changes: dict[str, Callable[[], str]] = {
        "case": lambda: text.upper() if rng.random() < 0.5 else text.title().replace(" ", ", ", 3),
        "space": lambda: "  ".join(words) + "\n",
        "append": lambda: f"{text} {' '.join(rng.choices(lexicon, k=4))}",
        "prefix": lambda: f"{' '.join(rng.choices(lexicon, k=4))} {text}",
        "cut": lambda: " ".join(words[: -max(len(words) // 20, 1)]),
    }
    return changes[kind]() if kind in changes else " ".join(words)


def unlike(rng: random.Random, lexicon: list[str], text: str, kind: str, frame: str) -> str:
    """A text that shares much with another and says something else."""
    words = text.split()
    if kind == "shuffled":
        rng.shuffle(words)
        return " ".join(words)
    if kind == "template":
        return f"{frame} {_sentence(rng, lexicon, 40)}"
    half = len(words) // 2
    return " ".join(words[:half] + rng.choices(lexicon, k=half))


def pairs_of(groups: Iterable[list[int]]) -> Iterable[tuple[int, int]]:
    """All pairs within each group."""
    return ((one, other) for group in groups for number, one in enumerate(group) for other in group[number + 1 :])


def scored(groups: list[list[int]], truth: set[tuple[int, int]]) -> tuple[float, float]:
    """(recall, precision) over pairs."""
    found = set(pairs_of(sorted(group) for group in groups))
    right = len(found & truth)
    return right / max(len(truth), 1), right / max(len(found), 1)


def near(rows: int) -> None:
    from workers.duplicates import NearDuplicates

    texts, truth = planted(rows)
    for unit in ("auto", "characters"):
        began, finder = time.perf_counter(), NearDuplicates(0.8, unit=unit)
        for text in texts:
            finder.add(text)
        signed = time.perf_counter() - began
        groups = finder.groups()
        spent = time.perf_counter() - began
        recall, precision = scored(groups, truth)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"near ({unit}): {rows} rows, {len(truth)} pairs: recall {recall:.4f}, precision {precision:.4f}; {spent:.1f} s "
            f"({signed:.1f} s signing), {rows / spent:.0f} rows/s, {finder.compared} pairs compared, peak {peak} MiB with the texts"
        )


SUBJECTS = [
    "password", "invoice", "delivery", "refund", "account", "subscription", "tent", "backpack", "bicycle", "kayak", "jacket", "router",
    "laptop", "printer", "ticket", "passport", "visa", "mortgage", "loan", "recipe", "garden", "vaccine", "camera", "violin",
]  # fmt: skip
ACTS = [
    "cancel",
    "change",
    "find",
    "repair",
    "order",
    "return",
    "sell",
    "insure",
    "clean",
    "replace",
    "register",
    "compare",
]
WAYS = [
    "How do I {act} my {thing}?", "How can I {act} my {thing}?", "What is the way to {act} my {thing}?",
    "I would like to {act} my {thing}, how?",
    "Could you tell me how to {act} the {thing} I have?", "{act} {thing} how",
]  # fmt: skip


def semantic(rows: int) -> None:
    """Paraphrases of questions about other acts and things: harder than chance, as the texts that differ share a frame."""
    from workers import embedding
    from workers.duplicates import semantic_groups

    folder = embedding.folder()
    assert folder is not None
    rng, families = random.Random(2), [(act, thing) for act in ACTS for thing in SUBJECTS]
    texts = [(f, way.format(act=act, thing=thing)) for f, (act, thing) in enumerate(families) for way in WAYS][:rows]
    rng.shuffle(texts)
    began = time.perf_counter()
    vectors = embedding.Embedder(folder).embed([text for _f, text in texts])
    spent = time.perf_counter() - began
    members: dict[int, list[int]] = {}
    for place, (family, _text) in enumerate(texts):
        members.setdefault(family, []).append(place)
    truth = set(pairs_of(members.values()))
    for threshold in (0.98, 0.95, 0.9, 0.85, 0.8):
        recall, precision = scored(semantic_groups(vectors, threshold), truth)
        print(f"semantic at {threshold}: {len(texts)} rows: recall {recall:.3f}, precision {precision:.3f}")
    print(f"semantic: {len(texts) / spent:.0f} texts/s embedded")


if __name__ == "__main__":
    near(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
    semantic(int(sys.argv[2]) if len(sys.argv) > 2 else 10_000)
