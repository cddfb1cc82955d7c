"""The examples and lists of a profile as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.datasets.quality.sections import Table, grouped, per_cent, short

Figures = Mapping[str, Any]


def tables(figures: Figures) -> list[Table]:
    """Every table that has a row."""
    makers = (_outliers, _columns, _duplicates, _lonely, _label_errors, _surprising)
    return [table for make in makers for table in make(figures) if table.rows]


def _row(place: int | None, *cells: str, prose: str = "") -> dict[str, Any]:
    return {"place": place, "number": None if place is None else place + 1, "cells": cells, "prose": prose}


def _outliers(figures: Figures) -> Iterator[Table]:
    if found := figures.get("outliers"):
        words = {
            "rows": grouped(found["rows"]),
            "n": grouped(found["n"]),
            "low": short(found["low"]),
            "high": short(found["high"]),
        }
        told = _(
            "%(rows)s of %(n)s rows are shorter than %(low)s or longer than %(high)s characters: more than 1.5 interquartile ranges"
            " beyond the quartiles of the logarithm of the length (Tukey). The first of them:"
        )
        rows = [_row(one["place"], grouped(one["characters"]), prose=one["text"]) for one in found["examples"]]
        yield Table("outliers", _("Outliers in length"), told % words, (_("Row"), _("Characters"), _("Text")), rows)


def _columns(figures: Figures) -> Iterator[Table]:
    rows = [
        _row(None, one["name"], _kind(one), per_cent(one["share"]), prose=_spread(one))
        for one in figures.get("columns", [])
    ]
    told = _("Values beside the texts. Empty text and null count as missing.")
    yield Table("columns", _("Columns"), told, (_("Column"), _("Kind"), _("Missing"), _("Values")), rows)


def _kind(column: Mapping[str, Any]) -> str:
    return {"number": _("number"), "category": _("category"), "text": _("text")}[column["kind"]]


def _spread(column: Mapping[str, Any]) -> str:
    if column["kind"] == "number":
        found = column["numbers"]
        words = {
            "least": short(found["least"]),
            "middle": short(found["quantiles"]["0.5"]),
            "most": short(found["most"]),
        }
        return _("%(least)s to %(most)s, median %(middle)s") % words
    top = ", ".join(f"{one['value']} ({grouped(one['count'])})" for one in column["top"][:6])
    distinct = column["distinct"]
    head = _("%(count)s different") % {"count": grouped(distinct)} if distinct is not None else _("many different")
    return f"{head}: {top}" if top else head


def _duplicates(figures: Figures) -> Iterator[Table]:
    near = figures.get("duplicates", {}).get("near")
    if near:
        exact = figures["duplicates"]["exact"]
        words = {
            "exact": grouped(exact["rows"]),
            "all": grouped(exact["n"]),
            "near": grouped(near["rows"]),
            "n": grouped(near["n"]),
            "similar": near["similar"],
        }
        told = _(
            "%(exact)s of %(all)s rows are an earlier row; %(near)s of n = %(n)s share at least %(similar)s of their shingles with one."
            " The greatest groups:"
        )
        rows = [_row(one["place"], grouped(one["rows"])) for one in near["groups"]]
        yield Table("duplicates", _("Duplicates"), told % words, (_("First row"), _("Rows alike")), rows)


def _lonely(figures: Figures) -> Iterator[Table]:
    if found := figures.get("topics"):
        words = {"cutoff": found["cutoff"], "neighbours": found["neighbours"], "n": grouped(found["n"])}
        told = _(
            "Rows whose %(neighbours)s nearest of n = %(n)s are, on the mean, less than %(cutoff)s like them (cosine of MiniLM vectors)."
        )
        rows = [_row(one["place"], f"{one['cosine']:.2f}", prose=one["text"]) for one in found["examples"]]
        yield Table("lonely", _("Rows without company"), told % words, (_("Row"), _("Cosine"), _("Text")), rows)


def _label_errors(figures: Figures) -> Iterator[Table]:
    if found := figures.get("label_errors"):
        told = _(
            "%(rows)s of n = %(n)s labels are doubted by confident learning (Northcutt et al. 2021), the surest first."
        ) % {"rows": grouped(found["rows"]), "n": grouped(found["n"])}
        rows = [_row(one["place"], one["label"], one["suggested"], prose=one["text"]) for one in found["examples"]]
        head = (_("Row"), _("Label"), _("Rather"), _("Text"))
        yield Table("label-errors", _("Labels to look at"), told, head, rows)


def _surprising(figures: Figures) -> Iterator[Table]:
    found = figures.get("perplexity")
    if found and found["n"]:
        told = _("The rows of the sample that surprise %(model)s most.") % {"model": found["model"]}
        rows = [_row(one["place"], short(one["perplexity"]), prose=one["text"]) for one in found["examples"]]
        yield Table("surprising", _("Most surprising rows"), told, (_("Row"), _("Perplexity"), _("Text")), rows)
