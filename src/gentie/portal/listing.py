"""Tables that sort, filter and page on the server; their whole state is in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise

Word = str | Promise


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes:
        key: its name in the address; empty for one that does not sort.
        word: its head, with the unit.
        field: what it sorts by.
        is_figure: figures stand to the right.
        largest_first: how it sorts when it is first asked to.
    """

    key: str
    word: Word
    field: str = ""
    is_figure: bool = False
    largest_first: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """A head as it is drawn: the address that sorts by it, and how it is sorted now."""

    word: Word
    address: str
    sorted: str
    is_figure: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice of a filter."""

    value: str
    word: Word
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter with its choices; without choices a person types a value."""

    name: str
    word: Word
    value: str
    choices: tuple[Choice, ...] = ()
    is_number: bool = False


def chosen(request: HttpRequest, name: str, known: Sequence[str]) -> str:
    """What the address asks of a filter; nothing where it is not among the known."""
    asked = request.GET.get(name, "")
    return asked if asked in known else ""


def selection(
    name: str, word: Word, value: str, choices: Sequence[tuple[str, Word]], everything: Word
) -> Filter:
    """A filter with a list to choose from."""
    offered = (("", everything), *choices)
    return Filter(
        name, word, value, tuple(Choice(key, said, key == value) for key, said in offered)
    )


class Listing:
    """Rows in the order and on the page that the address asks for."""

    def __init__(
        self,
        request: HttpRequest,
        rows: QuerySet[Any],
        columns: Sequence[Column],
        *,
        sort: str,
        filters: Sequence[Filter] = (),
        page_size: int = 100,
    ) -> None:
        self.request, self.rows, self.columns = request, rows, columns
        self.filters = filters
        self.page_size = page_size
        self.by_key = {column.key: column for column in columns if column.key}
        asked = request.GET.get("sort", "")
        self.sort = asked if asked.removeprefix("-") in self.by_key else sort

    @property
    def ordered(self) -> QuerySet[Any]:
        """All rows in the order asked; what has no figure comes last, equal ones by their id."""
        field = F(self.by_key[self.sort.removeprefix("-")].field)
        is_falling = self.sort.startswith("-")
        order = field.desc(nulls_last=True) if is_falling else field.asc(nulls_last=True)
        return self.rows.order_by(order, "pk")

    @cached_property
    def page(self) -> Page[Any]:
        """The page asked for; the nearest one where there is no such page."""
        return Paginator(self.ordered, self.page_size).get_page(self.request.GET.get("page"))

    @property
    def heads(self) -> list[Head]:
        """Heads of the table."""
        return [self._head(column) for column in self.columns]

    def _head(self, column: Column) -> Head:
        if not column.key:
            return Head(column.word, "", "", column.is_figure)
        is_by = self.sort.removeprefix("-") == column.key
        falls = self.sort.startswith("-")
        next_falls = not falls if is_by else column.largest_first
        state = ("descending" if falls else "ascending") if is_by else ""
        sort = f"-{column.key}" if next_falls else column.key
        return Head(column.word, self.address(sort=sort), state, column.is_figure)

    def address(self, **changes: str) -> str:
        """This table with something changed; a change begins at the first page again."""
        asked = self.request.GET.copy()
        asked.pop("page", None)
        for name, value in changes.items():
            asked[name] = value
        return f"?{asked.urlencode()}"

    @property
    def pages(self) -> list[Mapping[str, object]]:
        """Links to pages: the first, the last, those around this one; a gap is a dot."""
        paginator = self.page.paginator
        return [
            {
                "number": number if isinstance(number, int) else "",
                "address": self.address(page=str(number)) if isinstance(number, int) else "",
                "is_here": number == self.page.number,
            }
            for number in paginator.get_elided_page_range(self.page.number, on_each_side=1)
        ]

    @property
    def previous_address(self) -> str:
        """The page before; empty on the first."""
        if not self.page.has_previous():
            return ""
        return self.address(page=str(self.page.previous_page_number()))

    @property
    def next_address(self) -> str:
        """The page after; empty on the last."""
        return self.address(page=str(self.page.next_page_number())) if self.page.has_next() else ""

    @property
    def query(self) -> str:
        """What the address asks, for another address that shows the same rows."""
        asked = self.request.GET.copy()
        asked.pop("page", None)
        return asked.urlencode()

    @property
    def is_filtered(self) -> bool:
        """Some filter leaves rows out."""
        return any(one.value for one in self.filters)
