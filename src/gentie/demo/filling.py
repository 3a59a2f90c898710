"""Fill a service with the demonstration: a real study, run here, published as any other."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import gentie
from gentie.demo.people import make_people, refuse_outside_a_demonstration
from gentie.demo.window import open_demonstration_window
from gentie.rulebook.book import GridProfile, Rulebook, load_grid_profile, load_rulebook

if TYPE_CHECKING:
    from gentie.workbench.study import StudyRun

CASE = "case_ACTIVSg10k"
TITLE = "Cluster 1"
BY = "program:demo"

Tell = Callable[[str, int, int], None]


def fill_demonstration(
    *, data: Path, at: datetime, say: Callable[[str], None], tell: Tell | None = None
) -> None:
    """Study the demonstration's cluster and publish it, unless the same study is there already.

    Stopped at any moment, it leaves nothing half-written: the bundle's folder appears whole, and
    case and study are published in one transaction.

    Args:
        data: the data folder; the bundle goes into ``bundles/DIGEST`` there.
        at: when; an aware time.
        say: told what is going on, one sentence at a time.
        tell: told the step, how much of it is done, and of how much.

    Raises:
        BadInput: something of the demonstration cannot be used.
    """
    from gentie.contexts.accounts.acting import AS_PROGRAM, acting_as
    from gentie.contexts.studies.reads import has_study_of

    with acting_as(AS_PROGRAM):
        refuse_outside_a_demonstration()
    rulebook, profile = load_rulebook(), load_grid_profile(CASE)
    if has_study_of(inputs_of_demonstration(rulebook, profile)):
        _complete(rulebook, profile, at=at)
        make_people(data=data, at=at, say=say)
        open_demonstration_window(rulebook=rulebook, at=at, say=say)
        say("The demonstration is in place")
        return
    say("Studying the demonstration's cluster; this takes a minute, once")
    _study_and_publish(rulebook, profile, data=data, at=at, tell=tell or (lambda *_: None))
    make_people(data=data, at=at, say=say)
    open_demonstration_window(rulebook=rulebook, at=at, say=say)
    say("The demonstration is studied and published")


def packaged_requests() -> bytes:
    """The requests of the demonstration, as ``gentie.demo.siting`` made them."""
    return (files("gentie.demo") / "requests.csv").read_bytes()


def inputs_of_demonstration(rulebook: Rulebook, profile: GridProfile) -> str:
    """Digest of everything that the demonstration's study rests on, without reading the case."""
    from gentie.contexts.studies.bundles import inputs_digest
    from gentie.workbench.bundle import CASE as CASE_FILE
    from gentie.workbench.bundle import REQUESTS
    from gentie.workbench.cases import shipped_cases
    from gentie.workbench.publication import study_rules

    content = {
        CASE_FILE: shipped_cases()[CASE].read_bytes(),
        REQUESTS: packaged_requests(),
        **{f"inputs/rulebook/{name}": source for name, source in rulebook.sources.items()},
        **{f"inputs/grid/{name}": source for name, source in profile.sources.items()},
    }
    return inputs_digest(
        {name: hashlib.sha256(source).hexdigest() for name, source in content.items()},
        policy=str(study_rules(rulebook).policy),
        engine_version=gentie.__version__,
    )


def _study_and_publish(
    rulebook: Rulebook, profile: GridProfile, *, data: Path, at: datetime, tell: Tell
) -> None:
    from gentie.contexts.accounts.acting import AS_PROGRAM, acting_as
    from gentie.contexts.grid.actions import publish_case
    from gentie.contexts.grid.runs import capacity_rows, case_source
    from gentie.contexts.studies.actions import publish_study
    from gentie.workbench.cases import read_case
    from gentie.workbench.study import Inputs, run_study

    tell("reading the grid", 0, 0)
    case = read_case(CASE)
    tell("capacity of every point", 0, 0)
    facts, rows = capacity_rows(
        case,
        rulebook,
        profile,
        progress=lambda done, whole: tell("capacity of every point", done, whole),
    )
    inputs = Inputs(
        case=case,
        requests_content=packaged_requests(),
        requests_name="requests.csv",
        rulebook=rulebook,
        profile=profile,
    )
    run = run_study(inputs, progress=lambda step, *count: tell(f"study: {step}", *count))
    tell("publishing", 0, 0)
    folder = _kept_bundle(run, data)
    with acting_as(AS_PROGRAM):
        published = publish_case(
            facts=facts,
            points=rows,
            by=BY,
            at=at,
            source=case_source(case, rulebook, profile, rows),
        )
        publish_study(folder=folder, title=TITLE, base_case_id=published.pk, by=BY, at=at)


def _complete(rulebook: Rulebook, profile: GridProfile, *, at: datetime) -> None:
    """Give a demonstration that an earlier version published its map."""
    from gentie.contexts.accounts.acting import AS_PROGRAM, acting_as
    from gentie.contexts.grid import reads
    from gentie.contexts.grid.actions import keep_source
    from gentie.contexts.grid.runs import case_source
    from gentie.workbench.cases import read_case

    base_case = reads.latest_case()
    if base_case is None or reads.has_file(base_case):
        return
    case = read_case(CASE)
    if case.sha256 == base_case.sha256:
        rows = list(reads.points_of(base_case).values("bus", "capacity_mw"))
        source = case_source(case, rulebook, profile, rows)
        with acting_as(AS_PROGRAM):
            keep_source(base_case=base_case, source=source, by=BY, at=at)


def _kept_bundle(run: StudyRun, data: Path) -> Path:
    """The bundle in the data folder, named by its digest; it appears whole or not at all."""
    from gentie.workbench.bundle import write_bundle

    kept = data / "bundles"
    kept.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=kept))
    try:
        digest = write_bundle(run, unfinished / "bundle")
        folder = kept / digest
        if not folder.exists():
            (unfinished / "bundle").rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder
