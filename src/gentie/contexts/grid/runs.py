"""Where the workbench is started for published capacity: a case in, rows out."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gentie
from gentie.contexts.grid.actions import CaseFacts, CaseSource
from gentie.contexts.grid.drawings import drawings_of
from gentie.contexts.grid.models import BaseCase
from gentie.contexts.grid.reads import file_of, has_file
from gentie.engines.interconnection.published import PublishedCase
from gentie.quantities.findings import BadInput, Finding
from gentie.rulebook.book import GridProfile, Rulebook, profile_of, rulebook_of
from gentie.workbench.capacity import PointReport, capacity_at, capacity_map
from gentie.workbench.cases import Case, case_from
from gentie.workbench.publication import published_case
from gentie.workbench.tables import Cell

MOST_MW = 10_000.0
"""Largest injection that a visitor may ask about."""
PATIENCE_S = 20.0
"""How long one question waits for those before it."""
MOST_AT_ONCE = 4
"""Questions that a process takes, the one being answered included; its other threads stay free."""


def capacity_rows(
    case: Case,
    rulebook: Rulebook,
    profile: GridProfile,
    *,
    threads: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[CaseFacts, list[dict[str, Cell]]]:
    """What ``publish_case`` takes, from a case and the rules that apply to it.

    Args:
        case: as it was read.
        rulebook: gives cut-off, voltages and limits.
        profile: gives operator, areas, owners and places.
        threads: numba threads.
        progress: told how many of the points are done, and of how many.

    Raises:
        BadInput: the case has no linear model, or no such area.
    """
    published = published_case(case, rulebook, profile, threads=threads)
    rows = capacity_map(published, profile, threads=threads, progress=progress).as_dicts()
    screening = published.screening
    facts = CaseFacts(
        name=case.name,
        sha256=case.sha256,
        operator=profile.operator,
        note=profile.operator_note,
        credit=profile.credit,
        is_synthetic=profile.is_synthetic,
        areas=screening.areas,
        rulebook=rulebook.name,
        rulebook_version=rulebook.version,
        rulebook_digest=rulebook.digest,
        time_zone=rulebook.time_zone,
        engine_version=gentie.__version__,
        cut_off=screening.cut_off,
        minimum_kv=screening.minimum_kv,
        emergency_multiplier=screening.emergency_multiplier,
    )
    return facts, rows


def case_source(
    case: Case, rulebook: Rulebook, profile: GridProfile, rows: Sequence[Mapping[str, Any]]
) -> CaseSource:
    """What ``publish_case`` keeps for the map and for questions with MW.

    Args:
        case: as it was read.
        rulebook: as for ``capacity_rows``.
        profile: as for ``capacity_rows``.
        rows: what ``capacity_rows`` gave.
    """
    return CaseSource(
        source_name=case.source_name,
        content=case.content,
        rulebook=rulebook.sources,
        profile=profile.sources,
        drawings=drawings_of(case.network, profile, rows),
    )


TOO_MANY = "Many are asking at this moment; ask again in a minute."


class Busy(Exception):
    """Too many ask at once; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class _InMemory:
    """A published case that this process keeps ready."""

    base_case_id: int
    published: PublishedCase


_places = threading.BoundedSemaphore(MOST_AT_ONCE)
_turn = threading.Lock()
_kept: list[_InMemory] = []


def report_at(base_case: BaseCase, *, bus: int, mw: float) -> PointReport:
    """What some MW at a point would do to a published case.

    One question at a time in each process, on one thread, and few may wait: a visitor can take
    neither the machine nor every thread of the service. The case is read when it is first asked of, and kept until another one is.

    Args:
        base_case: as published.
        bus: number of a bus of the point.
        mw: injected there.

    Raises:
        BadInput: the MW are not a number between 0 and ``MOST_MW``, there is no such point, or
            the case cannot be asked.
        Busy: too many wait already, or those before it did not end in time.
    """
    if not 0 < mw <= MOST_MW:  # not a number is outside too
        raise BadInput(
            Finding(
                "capacity.mw.range",
                f"{mw:g} MW cannot be asked about; give more than 0 and at most {MOST_MW:,.0f} MW.",
            )
        )
    if not _places.acquire(blocking=False):
        raise Busy(TOO_MANY)
    try:
        if not _turn.acquire(timeout=PATIENCE_S):
            raise Busy(TOO_MANY)
        try:
            return capacity_at(
                _in_memory(base_case),
                bus=bus,
                mw=mw,
                rulebook_version=base_case.rulebook_version,
                threads=1,
            )
        finally:
            _turn.release()
    finally:
        _places.release()


def _in_memory(base_case: BaseCase) -> PublishedCase:
    """The case, read now where it was not the last one asked of; the caller holds the turn.

    What is in memory was read for somebody else: who may not see the file gets nothing of it.
    """
    for one in _kept:
        if one.base_case_id == base_case.pk and has_file(base_case):
            return one.published
    kept = file_of(base_case)
    if kept is None:
        raise BadInput(
            Finding(
                "capacity.source.none",
                "This base case was published without its file, or the file is not for you, so "
                "only the published figures can be shown. Ask the operator.",
            )
        )
    rulebook = rulebook_of({name: text.encode() for name, text in kept.rulebook.items()})
    found = published_case(
        case_from(gzip.decompress(kept.content), kept.source_name),
        rulebook,
        profile_of({}, base_case.name),
        areas=tuple(base_case.areas),
        threads=1,
    )
    _kept[:] = [_InMemory(base_case.pk, found)]
    return found
