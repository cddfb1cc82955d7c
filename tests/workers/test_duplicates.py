"""Shingles, MinHash and groups: what is found on texts that were made alike on purpose."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bench.bench_duplicates import planted, scored
from workers.duplicates import (
    PERMUTATIONS,
    SURE,
    Groups,
    NearDuplicates,
    Shingles,
    bands_for,
    equal_groups,
    first_of_each,
    jaccard,
    semantic_groups,
)


def groups(texts: list[str], threshold: float = 0.8, unit: str = "auto") -> list[list[int]]:
    finder = NearDuplicates(threshold, unit=unit)
    for text in texts:
        finder.add(text)
    found = finder.groups()
    finder.close()
    return found


def test_near_duplicates__planted_among_5000__are_found() -> None:
    texts, truth = planted(5_000, seed=3)
    recall, precision = scored(groups(texts), truth)
    assert recall >= 0.95 and precision >= 0.95, (recall, precision)


@given(st.floats(0.4, 1.0))
@settings(max_examples=40)
def test_bands__any_threshold__find_a_pair_that_is_just_alike(threshold: float) -> None:
    bands, rows = bands_for(threshold)
    assert bands * rows <= PERMUTATIONS and 1 - (1 - threshold**rows) ** bands >= SURE


def test_shingles__case_punctuation_and_space__do_not_count() -> None:
    shingles = Shingles()
    one, other = (
        shingles.of("The quick, brown fox jumps over it."),
        shingles.of("  the QUICK brown\nfox   jumps over it"),
    )
    assert jaccard(one, other) == 1 and len(one) == 3
    assert len(shingles.of("hello")) == 1 and len(shingles.of("...")) == 0
    assert jaccard(shingles.of("a b c d e f"), shingles.of("a b c d e g")) == pytest.approx(1 / 3)


def test_shingles__chinese__are_of_characters() -> None:
    one, other = Shingles().of("今天天气很好我们去公园散步吧"), Shingles().of("今天天气很好我们去公园跑步吧")
    assert len(one) == 10 and 0.3 < jaccard(one, other) < 0.6
    long = "机器学习模型需要大量高质量的数据才能得到好的结果因此我们要仔细清洗数据并且去除重复的内容以免影响评估"
    assert groups([long, long.replace("仔细", "认真"), "完全不同的另外一段话没有任何关系"], 0.6) == [[0, 1]]


def test_groups__texts_without_words__are_like_nothing() -> None:
    assert groups(["...", "!!!", "", "a b c", "A, b; c"]) == [[3, 4]]
    assert groups([]) == [] and groups([""]) == []


def test_groups__many_equal_texts__are_one_group_at_once() -> None:
    assert groups(["the same text as ever"] * 3_000) == [list(range(3_000))]


def test_groups__hundreds_alike__are_joined_without_comparing_all() -> None:
    rng = random.Random(1)
    base = [f"w{n}" for n in range(100)]
    texts = []
    for number in range(400):
        words = list(base)
        words[rng.randrange(100)] = f"x{number}"
        texts.append(" ".join(words))
    finder = NearDuplicates(0.8)
    for text in texts:
        finder.add(text)
    assert finder.groups() == [list(range(400))] and finder.compared < 20_000


def test_semantic_groups__unit_vectors__are_joined_by_their_angle() -> None:
    vectors = np.array([[1, 0], [0, 1], [np.cos(0.2), np.sin(0.2)], [0, -1]], np.float16)
    assert semantic_groups(vectors, 0.95, block=2) == [[0, 2]]
    assert semantic_groups(np.zeros((0, 2)), 0.9) == []


@pytest.mark.parametrize("held", [2, 5, 100])
def test_first_of_each__repeated_keys__keeps_the_first(held: int) -> None:
    keys = [5, 3, 5, 2**63, 3, 7, 2**63]
    assert first_of_each(keys, held=held).tolist() == [True, True, False, True, False, True, False]
    assert equal_groups(keys) == [[0, 2], [1, 4], [3, 6]]


def test_union__of_pairs__names_the_first() -> None:
    found = Groups(6)
    found.join(4, 2)
    found.join(5, 4)
    found.join(1, 0)
    assert found.groups() == [[0, 1], [2, 4, 5]]
