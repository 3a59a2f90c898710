"""Dates that matter now: what was published, and what comes next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from gentie.contexts.intake.reads import open_cluster_at


@dataclass(frozen=True, slots=True)
class DateNow:
    """A day with what it means and the page about it."""

    at: datetime
    words: str | Promise
    address: str


def of_the_case(case: Any, _study: Any) -> Iterator[DateNow]:
    """When capacity was published."""
    if case is not None:
        yield DateNow(
            case.published_at, _("Capacity of every point published"), reverse("capacity_map")
        )


def of_the_study(_case: Any, study: Any) -> Iterator[DateNow]:
    """When the study was published."""
    if study is not None:
        yield DateNow(
            study.published_at,
            _("Results of the cluster study published"),
            reverse("study", args=[study.slug]),
        )


def of_the_window(case: Any, _study: Any) -> Iterator[DateNow]:
    """When the window that takes requests opens and closes."""
    window = open_cluster_at(datetime.now(UTC)) if case is not None else None
    if window is None:
        return
    address = reverse("cluster", args=[window.slug])
    name = {"name": window.name}
    yield DateNow(window.opens_at, _("The window of %(name)s opens") % name, address)
    yield DateNow(window.closes_at, _("The window of %(name)s closes") % name, address)


Source = Callable[[Any, Any], Iterator[DateNow]]
SOURCES: tuple[Source, ...] = (of_the_case, of_the_study, of_the_window)


def dates_now(case: Any, study: Any) -> list[DateNow]:
    """Every date of every source, the earliest first."""
    return sorted((one for look in SOURCES for one in look(case, study)), key=lambda one: one.at)
