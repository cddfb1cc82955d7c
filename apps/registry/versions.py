"""Version numbers by Semantic Versioning 2.0.0 (semver.org), and the step that a change of a model asks for. Pure."""

import re
from collections.abc import Hashable
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import total_ordering

_NUMBER = r"0|[1-9][0-9]{0,8}"
_WORD = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_FORM = re.compile(
    rf"(?P<major>{_NUMBER})\.(?P<minor>{_NUMBER})\.(?P<patch>{_NUMBER})"
    rf"(?:-(?P<pre>{_WORD}(?:\.{_WORD})*))?"
    r"(?:\+(?P<build>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
)


class Step(IntEnum):
    """Which part of the number goes up; a greater step is a greater change."""

    PATCH = 1
    MINOR = 2
    MAJOR = 3

    @property
    def word(self) -> str:
        return self.name.lower()


STEPS = {step.word: step for step in Step}


@total_ordering
@dataclass(frozen=True)
class Version:
    """`major.minor.patch[-pre][+build]`. Ordered by precedence (clause 11); build metadata has no part in it (clause 10)."""

    major: int
    minor: int
    patch: int
    pre: str = ""
    build: str = ""

    def __str__(self) -> str:
        pre = f"-{self.pre}" if self.pre else ""
        build = f"+{self.build}" if self.build else ""
        return f"{self.major}.{self.minor}.{self.patch}{pre}{build}"

    @property
    def core(self) -> tuple[int, int, int]:
        return self.major, self.minor, self.patch

    @property
    def precedence(self) -> tuple[tuple[int, int, int], bool, tuple[tuple[bool, int, str], ...]]:
        """A key that sorts as clause 11 says: a pre-release before its release, numbers before words, fewer words first."""
        words = self.pre.split(".") if self.pre else []
        keyed = tuple((False, int(w), "") if w.isdigit() else (True, 0, w) for w in words)
        return self.core, not self.pre, keyed

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self.precedence == other.precedence

    def __lt__(self, other: "Version") -> bool:
        return self.precedence < other.precedence

    def __hash__(self) -> int:
        return hash(self.precedence)


FIRST = Version(1, 0, 0)


def parse(text: str) -> Version:
    """A version from its text. Raises ValueError for what is none by the grammar of SemVer 2.0.0, or too large to keep."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(f"not a semantic version: {text!r}")
    major, minor, patch = (int(found[part]) for part in ("major", "minor", "patch"))
    return Version(major, minor, patch, found["pre"] or "", found["build"] or "")


def bump(version: Version, step: Step) -> Version:
    """The next release by one step. A pre-release that already leads to such a release becomes that release:
    1.3.0-rc.1 with MINOR is 1.3.0, with MAJOR 2.0.0."""
    major, minor, patch = version.core
    if version.pre and step <= _reach(version):
        return replace(version, pre="", build="")
    if step is Step.MAJOR:
        return Version(major + 1, 0, 0)
    return Version(major, minor + 1, 0) if step is Step.MINOR else Version(major, minor, patch + 1)


def _reach(version: Version) -> Step:
    """The step that a number as such shows: x.0.0 is a major one, x.y.0 a minor one."""
    if version.patch:
        return Step.PATCH
    return Step.MINOR if version.minor else Step.MAJOR


def step_between(before: Version, after: Version) -> Step:
    """Which part went up from `before` to a later version."""
    if after.major != before.major:
        return Step.MAJOR
    return Step.MINOR if after.minor != before.minor else Step.PATCH


@dataclass(frozen=True)
class Made:
    """What a version is made of, as far as its number depends on it."""

    checkpoint: Hashable
    base_model: Hashable
    is_full: bool


def step_needed(before: Made, after: Made) -> Step:
    """The least step from one to the other: the same bytes again are a patch; a new adapter on the same base is a minor
    step; a full fine-tune, another base model, or leaving a full fine-tune is a major one."""
    if before.checkpoint == after.checkpoint:
        return Step.PATCH
    stays = before.base_model == after.base_model and not before.is_full and not after.is_full
    return Step.MINOR if stays else Step.MAJOR


def least_step(before: Version, needed: Step) -> Step:
    """What is asked for from this number on: below 1.0.0 a minor step is enough for any change (clause 4)."""
    return min(needed, Step.MINOR) if before.major == 0 else needed
