"""Lists as people ask for them: words, a status, an order, a page, all in the address. A stage says what its columns are.

The parts of the page are templates/components/list_*.html; each takes a `Listed` as `listed`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter

from apps.core.errors import Problem

PER_PAGE = 25
LONGEST_SEARCH = 100
NEXT_OF_EQUALS = ("-created_at", "pk")
Search = Callable[[str], Q]


@dataclass(frozen=True)
class Column:
    """A heading. `by` is what the list is sorted by there (a field or an expression), None when it is not."""

    name: str
    label: Any
    by: Any = None
    look: str = ""  # classes of the heading
    hint: Any = ""
    is_quiet: bool = False  # the heading is for screen readers alone


def is_status(value: str) -> Q:
    return Q(status=value)


def holds(text: str, fields: Iterable[str]) -> Q:
    """Rows that have the words in one of these fields."""
    found = Q()
    for field in fields:
        found |= Q(**{f"{field}__icontains": text})
    return found


@dataclass(frozen=True)
class Listing:
    """What can be asked of a list of a stage."""

    columns: tuple[Column, ...]
    search: tuple[str, ...]  # fields in which words are looked for
    statuses: Sequence[tuple[str, Any]]
    sort: str  # as usual: the name of a column, "-" before it for the other way round
    having: Callable[[str], Q] = is_status  # rows with that status

    def without(self, names: Iterable[str]) -> "Listing":
        """The same with fewer columns."""
        return replace(self, columns=tuple(column for column in self.columns if column.name not in set(names)))

    def read(self, query: Mapping[str, str]) -> "Wanted":
        """What is asked for. A status or an order that there is not is left out; `Wanted.unknown` tells of the status."""
        status, sort = query.get("status", ""), query.get("sort", "")
        is_known = status in dict(self.statuses)
        return Wanted(
            listing=self,
            text=query.get("q", "").replace("\0", "").strip()[:LONGEST_SEARCH],
            status=status if is_known else "",
            unknown="" if is_known else status[:40],
            sort=sort if sort.removeprefix("-") in self.orders else self.sort,
        )

    def narrow(self, rows: QuerySet[Any], query: Mapping[str, str], search: Search | None = None) -> QuerySet[Any]:
        """The rows that `q` and `status` of the API ask for. Raises Problem for a status that there is not."""
        wanted = self.read(query)
        if wanted.unknown:
            known = ", ".join(str(value) for value, _label in self.statuses)
            raise Problem(_("There is no such status."), field="status", hint=known)
        return wanted.narrow(rows, search)

    def show(
        self, rows: QuerySet[Any], query: Mapping[str, str], address: str, search: Search | None = None
    ) -> "Listed":
        """The page of rows that is asked for. `search` stands in for the search in the fields."""
        wanted = self.read(query)
        ordered = wanted.order(wanted.narrow(rows, search))
        return Listed(wanted, Paginator(ordered, PER_PAGE).get_page(query.get("page")), address)

    @property
    def orders(self) -> dict[str, Any]:
        """What each sorted column is sorted by."""
        by = {column.name: column.by for column in self.columns if column.by is not None}
        return {name: F(how) if isinstance(how, str) else how for name, how in by.items()}

    def parameters(self) -> list[OpenApiParameter]:
        """How `narrow` is told in the description of the API."""
        return [
            OpenApiParameter("q", description="words to look for"),
            OpenApiParameter("status", enum=[str(value) for value, _label in self.statuses]),
        ]


@dataclass(frozen=True)
class Wanted:
    """What somebody asks of a list."""

    listing: Listing
    text: str = ""
    status: str = ""
    unknown: str = ""
    sort: str = ""

    @property
    def is_narrowed(self) -> bool:
        return bool(self.text or self.status)

    @property
    def is_sorted(self) -> bool:
        return self.sort != self.listing.sort

    def query(self, **changes: str) -> str:
        """`?q=...&sort=...` without what is as usual, "" when everything is."""
        values = {"q": self.text, "status": self.status, "sort": self.sort, **changes}
        usual = {"sort": self.listing.sort, "page": "1"}
        found = {name: value for name, value in values.items() if value and value != usual.get(name)}
        return "?" + urlencode(found) if found else ""

    def narrow(self, rows: QuerySet[Any], search: Search | None = None) -> QuerySet[Any]:
        if self.status:
            rows = rows.filter(self.listing.having(self.status))
        if self.text:
            words = search(self.text) if search else holds(self.text, self.listing.search)
            rows = rows.filter(pk__in=rows.model._default_manager.filter(words).values("pk"))  # no row twice
        return rows

    def order(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        by = self.listing.orders[self.sort.removeprefix("-")]
        first = by.desc(nulls_last=True) if self.sort.startswith("-") else by.asc(nulls_last=True)
        return rows.order_by(first, *NEXT_OF_EQUALS)


@dataclass(frozen=True)
class Listed:
    """A page of a list as the templates show it."""

    wanted: Wanted
    page: Page[Any]
    address: str

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing at all, rather than nothing that fits."""
        return not self.page.paginator.count and not self.wanted.is_narrowed

    @property
    def statuses(self) -> Sequence[tuple[str, Any]]:
        return self.wanted.listing.statuses

    @property
    def previous_link(self) -> str:
        return self._link(page=str(self.page.number - 1)) if self.page.has_previous() else ""

    @property
    def next_link(self) -> str:
        return self._link(page=str(self.page.number + 1)) if self.page.has_next() else ""

    def heads(self) -> list[dict[str, Any]]:
        """The headings, each with the link that sorts by it (the other way round when it does already)."""
        heads = []
        for column in self.wanted.listing.columns:
            name = column.name
            direction = {name: "ascending", f"-{name}": "descending"}.get(self.wanted.sort, "")
            link = self._link(sort=f"-{name}" if self.wanted.sort == name else name) if column.by is not None else ""
            heads.append({"column": column, "link": link, "direction": direction})
        return heads

    def _link(self, **changes: str) -> str:
        return self.address + self.wanted.query(**changes)
