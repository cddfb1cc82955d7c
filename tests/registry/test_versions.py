"""Semantic versions: the grammar and the order of semver.org, and the step that a change asks for."""

import itertools

import pytest

from apps.registry.versions import Made, Step, Version, bump, least_step, parse, step_between, step_needed

# The examples of clauses 9, 10 and 11 of semver.org and of its published regular expression.
VALID = [
    "0.0.4", "1.2.3", "10.20.30", "1.1.2-prerelease+meta", "1.1.2+meta", "1.1.2+meta-valid", "1.0.0-alpha", "1.0.0-beta",
    "1.0.0-alpha.beta", "1.0.0-alpha.beta.1", "1.0.0-alpha.1", "1.0.0-alpha0.valid", "1.0.0-alpha.0valid",
    "1.0.0-alpha-a.b-c-somethinglong+build.1-aef.1-its-okay", "1.0.0-rc.1+build.1", "2.0.0-rc.1+build.123", "1.2.3-beta",
    "10.2.3-DEV-SNAPSHOT", "1.2.3-SNAPSHOT-123", "2.0.0+build.1848", "2.0.1-alpha.1227", "1.0.0-alpha+beta",
    "1.2.3----RC-SNAPSHOT.12.9.1--.12+788", "1.2.3----R-S.12.9.1--.12+meta", "1.0.0+0.build.1-rc.10000aaa-kk-0.1", "1.0.0-0A.is.legal",
]  # fmt: skip
INVALID = [
    "", "1", "1.2", "1.2.3-0123", "1.2.3-0123.0123", "1.1.2+.123", "+invalid", "-invalid", "alpha", "1.0.0-alpha_beta",
    "1.0.0-alpha..", "01.1.1", "1.01.1", "1.1.01", "1.2.3.DEV", "1.2-SNAPSHOT", "1.2.31.2.3----RC", "-1.0.3-gamma+b7718", "v1.2.3",
    " 1.2.3", "1.2.3\n", "1.2.3+meta+meta", "1.2.\u0663", "9999999999.0.0",
]  # fmt: skip
RISING = [
    "0.9.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
    "1.0.0", "1.0.1", "1.1.0", "1.10.0", "2.0.0-0", "2.0.0",
]  # fmt: skip


@pytest.mark.parametrize("text", VALID)
def test_parse__a_version_of_the_standard__comes_back_as_written(text: str) -> None:
    assert str(parse(text)) == text


@pytest.mark.parametrize("text", INVALID)
def test_parse__what_is_no_version__is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a semantic version"):
        parse(text)


def test_order__of_the_standards_examples__is_theirs() -> None:
    for earlier, later in itertools.combinations(map(parse, RISING), 2):
        assert earlier < later and later > earlier and earlier != later
    assert parse("1.0.0+a") == parse("1.0.0+b") and hash(parse("1.0.0+a")) == hash(parse("1.0.0"))


@pytest.mark.parametrize(
    ("version", "step", "result"),
    [
        ("1.2.3", Step.PATCH, "1.2.4"),
        ("1.2.3", Step.MINOR, "1.3.0"),
        ("1.2.3", Step.MAJOR, "2.0.0"),
        ("0.1.0", Step.MAJOR, "1.0.0"),
        ("1.3.0-rc.1", Step.PATCH, "1.3.0"),
        ("1.3.0-rc.1", Step.MINOR, "1.3.0"),
        ("1.3.0-rc.1", Step.MAJOR, "2.0.0"),
        ("2.0.0-rc.1", Step.MAJOR, "2.0.0"),
        ("1.3.1-rc.1", Step.MINOR, "1.4.0"),
        ("1.3.1-rc.1+b", Step.PATCH, "1.3.1"),
    ],
)
def test_bump__by_a_step__is_the_next_release(version: str, step: Step, result: str) -> None:
    assert str(bump(parse(version), step)) == result


@pytest.mark.parametrize(
    ("before", "after", "step"),
    [
        (Made(1, "base", False), Made(1, "base", False), Step.PATCH),
        (Made(1, "base", True), Made(1, "base", True), Step.PATCH),
        (Made(1, "base", False), Made(2, "base", False), Step.MINOR),
        (Made(1, "base", False), Made(2, "other", False), Step.MAJOR),
        (Made(1, "base", False), Made(2, "base", True), Step.MAJOR),
        (Made(1, "base", True), Made(2, "base", False), Step.MAJOR),
    ],
)
def test_step_needed__by_what_changed__is_the_rule(before: Made, after: Made, step: Step) -> None:
    assert step_needed(before, after) is step


def test_step_between__two_versions__is_the_part_that_rose() -> None:
    assert step_between(parse("1.2.3"), parse("1.2.9")) is Step.PATCH
    assert step_between(parse("1.2.3"), parse("1.3.0-rc.1")) is Step.MINOR
    assert step_between(parse("1.2.3"), parse("3.0.0")) is Step.MAJOR


def test_least_step__below_1__is_a_minor_one() -> None:
    assert least_step(Version(0, 4, 1), Step.MAJOR) is Step.MINOR
    assert least_step(Version(1, 0, 0), Step.MAJOR) is Step.MAJOR
    assert least_step(Version(0, 4, 1), Step.PATCH) is Step.PATCH
