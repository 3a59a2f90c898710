"""A small real study for tests: six requests on the 73 buses of RTS-GMLC."""

from __future__ import annotations

from functools import cache

from gentie.rulebook.book import load_grid_profile, load_rulebook
from gentie.workbench.cases import Case, read_case
from gentie.workbench.study import Inputs, StudyRun, run_study

HEAD = "request,bus,technology,mw,mwh,deliverability,net_mw"
ROWS = (
    "R1,114,solar,300,,full,",
    "R2,114,wind,150,,full,",
    "R3,203,storage,200,800,full,",
    "R4,308,solar,250,,full,300",
    "R4,308,storage,150,600,full,300",
    "R5,324,wind,400,,energy_only,",
    "R10,102,gas,220,,full,",
)

TRIPPED_ROWS = ("R1,114,solar,300,,energy_only,", "R2,203,storage,200,800,energy_only,")
"""Two requests whose only overloads are left to remedial action."""


def request_file(*rows: str, head: str = HEAD) -> bytes:
    """A file of requests."""
    return "\n".join((head, *rows, "")).encode()


@cache
def small_case() -> Case:
    """RTS-GMLC, read once in a process."""
    return read_case("case_RTS_GMLC")


def inputs_with(
    *rows: str, case: Case | None = None, policy: str = "", name: str = "requests.csv"
) -> Inputs:
    """Inputs of a study of these rows, by the packaged rulebook."""
    chosen = case or small_case()
    return Inputs(
        case=chosen,
        requests_content=request_file(*rows),
        requests_name=name,
        rulebook=load_rulebook(),
        profile=load_grid_profile(chosen.name),
        policy=policy,
    )


@cache
def small_run(policy: str = "") -> StudyRun:
    """The study of these requests, run once in a process."""
    return run_study(inputs_with(*ROWS, policy=policy))
