"""A small published study: real results, made in a moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from gentie.contexts.grid.examples import CASE, published_small_case, small_case
from gentie.contexts.studies.actions import publish_study
from gentie.contexts.studies.models import Study
from gentie.rulebook.book import load_grid_profile, load_rulebook

if TYPE_CHECKING:
    from gentie.workbench.study import StudyRun

TITLE = "Example cluster"


@cache
def small_run() -> StudyRun:
    """Requests on the small case, studied once: some schemes, some wires that several share."""
    from gentie.workbench.study import Inputs, run_study

    return run_study(
        Inputs(
            case=small_case(),
            requests_content=(files(__package__) / "example_requests.csv").read_bytes(),
            requests_name="requests.csv",
            rulebook=load_rulebook(),
            profile=load_grid_profile(CASE),
        )
    )


def small_bundle(folder: Path) -> Path:
    """The bundle of the small study, written into a new folder."""
    from gentie.workbench.bundle import write_bundle

    write_bundle(small_run(), folder)
    return folder


def published_small_study(
    folder: Path, *, by: str, at: datetime, organisations: Mapping[str, int] | None = None
) -> Study:
    """The small study and its case, published.

    Args:
        folder: new or empty; its bundle is written there.
        by: who, as ``kind:id``.
        at: when; an aware time.
        organisations: ids by the names of the requests that are theirs; the others are nobody's.
    """
    case = published_small_case(by=by, at=at)
    return publish_study(
        folder=small_bundle(folder),
        title=TITLE,
        base_case_id=case.pk,
        by=by,
        at=at,
        organisations=organisations,
    )
