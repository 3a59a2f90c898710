"""Where the workbench is started for published capacity: a case in, rows out."""

from __future__ import annotations

from collections.abc import Callable

import gentie
from gentie.contexts.grid.actions import CaseFacts
from gentie.rulebook.book import GridProfile, Rulebook
from gentie.workbench.capacity import capacity_map
from gentie.workbench.cases import Case
from gentie.workbench.publication import published_case
from gentie.workbench.tables import Cell


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
