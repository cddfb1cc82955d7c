"""The figures of a profile as the page shows them: tiles with how they changed, plots, and tables. No database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.datasets.quality.wording import KIND_NAMES, LANGUAGE_NAMES, LENGTHS

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

Figures = Mapping[str, Any]
NARROW = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Tile:
    """One number of the strip on top: what it is, of how many, and what it was in the parent."""

    label: str
    value: str
    unit: str
    note: str
    before: str = ""


@dataclass(frozen=True)
class Plot:
    """A picture and, with the same numbers, a table. `data` is what profile.js draws."""

    name: str
    title: str
    note: str
    data: dict[str, Any]
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


@dataclass(frozen=True)
class Table:
    """Rows of words and numbers; the first cell may lead to a row of the version (`place`, from 0)."""

    name: str
    title: str
    help: str
    head: tuple[str, ...]
    rows: list[dict[str, Any]] = field(default_factory=list)


def grouped(number: float) -> str:
    return f"{int(number):,}".replace(",", NARROW)


def per_cent(share: float) -> str:
    return f"{100 * share:.3g}{NARROW}%"


def short(value: float) -> str:
    return grouped(value) if abs(value) >= 1000 else f"{value:.4g}"


def rounded(value: float) -> str:
    """The end of a bar: three digits say enough."""
    return grouped(value) if abs(value) >= 100 else f"{value:.3g}"


def tiles(figures: Figures, parent: Figures | None) -> list[Tile]:
    """The strip on top; what was not measured is not there."""
    found = []
    for label, read in _TILES:
        now = read(figures)
        if now is None:
            continue
        before = read(parent) if parent else None
        was = f"{before[0]}{NARROW}{before[1]}".strip() if before and before[0] != now[0] else ""
        found.append(Tile(str(label), *now, before=was))
    return found


Told = tuple[str, str, str]  # value, unit, note


def _rows(figures: Figures) -> Told:
    parts = ", ".join(f"{name} {grouped(count)}" for name, count in figures.get("splits", {}).items())
    return grouped(figures["rows"]), "", parts or _("no splits")


def _length(name: str) -> Callable[[Figures], Told | None]:
    def read(figures: Figures) -> Told | None:
        found = figures.get("lengths", {}).get(name)
        if not found or not found["n"]:
            return None
        marks = found["quantiles"]
        note = _("median; 5 to 95 %% of rows: %(low)s to %(high)s, n = %(n)s") % {
            "low": short(marks["0.05"]),
            "high": short(marks["0.95"]),
            "n": grouped(found["n"]),
        }
        return short(marks["0.5"]), str(LENGTHS[name][1]), note

    return read


def _share(part: str, note: StrPromise) -> Callable[[Figures], Told | None]:
    def read(figures: Figures) -> Told | None:
        found = figures.get(part)
        if not found or "share" not in found:
            return None
        value = per_cent(found["share"])
        count = found.get("rows", found.get("missing", round(found["share"] * found["n"])))
        return value, "", f"{grouped(count)} {note}, n = {grouped(found['n'])}"

    return read


def _language(figures: Figures) -> Told | None:
    found = figures.get("languages")
    if not found:
        return None
    first = found["top"][0]
    words = ngettext(
        "%(share)s of the rows; %(count)s language, n = %(n)s",
        "%(share)s of the rows; %(count)s languages, n = %(n)s",
        found["distinct"],
    )
    note = words % {
        "share": per_cent(first["share"]),
        "count": found["distinct"],
        "n": grouped(found["n"]),
    }
    return language(first["language"]), "", note


def _perplexity(figures: Figures) -> Told | None:
    found = figures.get("perplexity")
    if not found or not found["n"]:
        return None
    of = _("answers") if found["of"] == "answers" else _("whole texts")
    words = {"model": found["model"], "of": of, "n": found["n"], "tokens": grouped(found["tokens"])}
    return f"{found['value']:.4g}", "", _("of %(model)s on %(of)s, n = %(n)s rows, %(tokens)s tokens") % words


def _leak(figures: Figures) -> Told | None:
    found = figures.get("leak")
    if not found:
        return None
    return grouped(found["rows"]), _("rows"), _("shared between splits, n = %(n)s") % {"n": grouped(found["n"])}


def _labels(figures: Figures) -> Told | None:
    found = figures.get("labels")
    if not found:
        return None
    words = {"ratio": f"{found['ratio']:.3g}", "n": grouped(found["n"])}
    return grouped(found["distinct"]), "", _("the most frequent is %(ratio)s times the rarest, n = %(n)s") % words


_TILES: tuple[tuple[StrPromise, Callable[[Figures], Told | None]], ...] = (
    (gettext_lazy("Rows"), _rows),
    (gettext_lazy("Length"), _length("characters")),
    (gettext_lazy("Tokens"), _length("tokens")),
    (gettext_lazy("Turns"), _length("turns")),
    (gettext_lazy("Language"), _language),
    (gettext_lazy("Classes"), _labels),
    (gettext_lazy("Duplicates"), _share("duplicates", gettext_lazy("rows"))),
    (gettext_lazy("Outliers in length"), _share("outliers", gettext_lazy("rows"))),
    (gettext_lazy("Missing values"), _share("missing", gettext_lazy("values"))),
    (gettext_lazy("Personal data"), _share("personal", gettext_lazy("rows"))),
    (gettext_lazy("Leak between splits"), _leak),
    (gettext_lazy("Topic consistency"), _share("topics", gettext_lazy("of the sample"))),
    (gettext_lazy("Label errors"), _share("label_errors", gettext_lazy("rows"))),
    (gettext_lazy("Perplexity"), _perplexity),
)


def language(code: str) -> str:
    return str(LANGUAGE_NAMES.get(code, code or _("unknown")))


def plots(figures: Figures) -> list[Plot]:
    """Every distribution that there is."""
    return [*_length_plots(figures), *_bar_plots(figures)]


def _length_plots(figures: Figures) -> Iterator[Plot]:
    for name, (title, unit) in LENGTHS.items():
        found = figures.get("lengths", {}).get(name)
        if found and found["n"]:
            yield histogram(f"length-{name}", str(title), str(unit), found)


def histogram(name: str, title: str, unit: str, found: Mapping[str, Any]) -> Plot:
    """The plot of a summary of numbers (workers.profiling.sketch)."""
    edges, counts = found["histogram"]["edges"], found["histogram"]["counts"]
    bars = [f"{rounded(low)} \N{EN DASH} {rounded(high)}" for low, high in pairwise(edges)]
    if all(abs(high - low - 1) < 1e-9 for low, high in pairwise(edges)):
        bars = [short(low + 0.5) for low in edges[:-1]]
    ticks = [bar.split(" ")[0] for bar in bars]
    words = {"n": grouped(found["n"]), "mean": short(found["mean"]), "least": short(found["least"])}
    note = _("n = %(n)s, mean %(mean)s, least %(least)s, greatest %(most)s %(unit)s")
    data = {"kind": "histogram", "labels": bars, "ticks": ticks, "counts": counts, "unit": unit}
    rows = [(bar, grouped(count)) for bar, count in zip(bars, counts, strict=True) if count]
    return Plot(
        name, title, note % {**words, "most": short(found["most"]), "unit": unit}, data, (unit, _("Rows")), rows
    )


def _bar_plots(figures: Figures) -> Iterator[Plot]:
    if found := figures.get("languages"):
        pairs = [(language(one["language"]), one["count"]) for one in found["top"]]
        note = _("n = %(n)s rows of a sample, by fastText lid.176") % {"n": grouped(found["n"])}
        yield _bars("languages", _("Languages"), note, pairs, found["n"])
    if found := figures.get("labels"):
        pairs = [(one["label"], one["count"]) for one in found["top"]]
        even = f"{found['evenness']:.2f}" if found["evenness"] is not None else "\N{EN DASH}"
        note = _("n = %(n)s labels of %(count)s classes, evenness %(even)s (1: all equal)")
        words = {"n": grouped(found["n"]), "count": grouped(found["distinct"]), "even": even}
        yield _bars("labels", _("Label balance"), note % words, pairs, found["n"])
    if (found := figures.get("personal")) and found["kinds"]:
        pairs = [(str(KIND_NAMES.get(one["kind"], one["kind"])), one["rows"]) for one in found["kinds"]]
        note = _("rows with such a thing, of n = %(n)s rows of a sample") % {"n": grouped(found["n"])}
        yield _bars("personal", _("Personal data"), note, pairs, found["n"])


def _bars(name: str, title: str, note: str, pairs: list[tuple[str, int]], total: int) -> Plot:
    data = {
        "kind": "bars",
        "labels": [label for label, _count in pairs],
        "counts": [count for _label, count in pairs],
        "unit": _("rows"),
    }
    rows = [(label, grouped(count), per_cent(count / total)) for label, count in pairs]
    return Plot(name, title, note, data, ("", _("Rows"), _("Share")), rows)
