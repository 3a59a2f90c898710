"""A study made again with other requests: from what the first one kept, equal to a full rerun.

Nothing of the first study's decisions is taken over, since one withdrawal may change any of them;
what is taken over is the grid: published case, factorisation and transfer factors. The inputs of a
restudy are those of a study of the changed requests, so its bundle is that of a full rerun, to the
byte, and replays like one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gentie.engines.grid.network import Network
from gentie.formats.requests import (
    Request,
    natural_order,
    read_requests,
    requests_fit,
    write_requests,
)
from gentie.formats.requests.rows import LARGEST_MW
from gentie.quantities.findings import BadInput, Finding
from gentie.workbench.kept_case import KeptCase
from gentie.workbench.study import Inputs, Progress, StudyRun, run_study

AMOUNT_DECIMALS = 9
"""Of MW and MWh that a resizing works out."""


@dataclass(frozen=True)
class Changes:
    """What is different about the requests of a study.

    Attributes:
        withdraw: requests that leave.
        resize_mw: new net MW by request; its technologies keep their proportions.
        move: new bus number by request.
        add: requests that join.
    """

    withdraw: tuple[str, ...] = ()
    resize_mw: Mapping[str, float] = field(default_factory=dict)
    move: Mapping[str, int] = field(default_factory=dict)
    add: tuple[Request, ...] = ()


def restudy(
    inputs: Inputs,
    changes: Changes,
    *,
    kept: KeptCase | None = None,
    threads: int = 2,
    progress: Progress | None = None,
) -> StudyRun:
    """Study a cluster again after changes; to the cent what a full rerun says.

    Args:
        inputs: of the study that is changed.
        changes: to its requests; their order never matters.
        kept: of an earlier study of the same case; made where there is none.
        threads: numba threads.
        progress: told the step, how much of it is done, and of how much.

    Raises:
        BadInput: the changes do not fit the study; nothing has been studied.
    """
    changed = changed_inputs(inputs, changes)
    return run_study(changed, kept=kept, threads=threads, progress=progress)


def changed_inputs(inputs: Inputs, changes: Changes) -> Inputs:
    """The inputs of the study with the requests as they are after the changes.

    Raises:
        BadInput: the changes do not fit; all reasons are told.
    """
    network = inputs.case.network
    requests = read_requests(inputs.requests_content, inputs.requests_name, network)
    changed = changed_requests(requests, changes, network)
    return replace(inputs, requests_content=write_requests(changed))


def changed_requests(
    requests: tuple[Request, ...], changes: Changes, network: Network
) -> tuple[Request, ...]:
    """The requests after the changes, in their natural order.

    Raises:
        BadInput: the changes do not fit; all reasons are told.
    """
    by_id = {request.request: request for request in requests}
    reasons = [
        *_unknown(by_id, changes),
        *_said_twice(changes),
        *_sizes(changes),
        *_already_there(by_id, changes),
    ]
    for identity in changes.withdraw:
        by_id.pop(identity, None)
    for identity, mw in changes.resize_mw.items():
        if identity in by_id and 0 < mw <= LARGEST_MW:
            by_id[identity] = resized(by_id[identity], mw)
    for identity, bus in changes.move.items():
        if identity in by_id:
            by_id[identity] = replace(by_id[identity], bus=bus)
    for request in changes.add:
        by_id.setdefault(request.request, request)
    if not by_id:
        reasons.append(
            Finding(
                "restudy.nothing_left",
                "All requests are withdrawn, so nothing is left to study; keep at least one.",
            )
        )
    try:
        requests_fit(by_id.values(), network)
    except BadInput as unfit:
        reasons += unfit.findings
    if reasons:
        raise BadInput(reasons)
    return tuple(sorted(by_id.values(), key=lambda request: natural_order(request.request)))


def resized(request: Request, net_mw: float) -> Request:
    """The request with other net MW; MW and MWh of its technologies in proportion."""
    ratio = net_mw / request.net_mw
    return replace(
        request,
        net_mw=net_mw,
        components=tuple(
            replace(
                part,
                mw=round(part.mw * ratio, AMOUNT_DECIMALS),
                mwh=None if part.mwh is None else round(part.mwh * ratio, AMOUNT_DECIMALS),
            )
            for part in request.components
        ),
    )


def _unknown(by_id: Mapping[str, Request], changes: Changes) -> list[Finding]:
    asked = (("withdraw", changes.withdraw), ("resize", changes.resize_mw), ("move", changes.move))
    known = sorted(by_id, key=natural_order)
    return [
        Finding(
            "restudy.request.unknown",
            f"{word}: the study has no request {identity}; its {len(known)} requests run from "
            f"{known[0]} to {known[-1]}.",
            where=identity,
        )
        for word, identities in asked
        for identity in identities
        if identity not in by_id
    ]


def _said_twice(changes: Changes) -> list[Finding]:
    found = [
        Finding(
            "restudy.request.twice",
            f"withdraw: {identity} is named more than once; name it once.",
            where=identity,
        )
        for identity in sorted(set(changes.withdraw), key=natural_order)
        if changes.withdraw.count(identity) > 1
    ]
    for word, identities in (("resized", changes.resize_mw), ("moved", changes.move)):
        found += [
            Finding(
                "restudy.request.twice",
                f"{identity} cannot be withdrawn and {word}; leave one of the two out.",
                where=identity,
            )
            for identity in identities
            if identity in changes.withdraw
        ]
    return found


def _sizes(changes: Changes) -> list[Finding]:
    return [
        Finding(
            "restudy.size",
            f"resize: {identity} cannot have {mw:g} MW; write an amount above 0 and at most "
            f"{LARGEST_MW:,.0f}, or withdraw it.",
            where=identity,
        )
        for identity, mw in changes.resize_mw.items()
        if not 0 < mw <= LARGEST_MW
    ]


def _already_there(by_id: Mapping[str, Request], changes: Changes) -> list[Finding]:
    counts: dict[str, int] = {}
    for request in changes.add:
        counts[request.request] = counts.get(request.request, 0) + 1
    return [
        Finding(
            "restudy.request.exists",
            f"add: the study has a request {identity} already; give the new one another name.",
            where=identity,
        )
        for identity, count in counts.items()
        if identity in by_id or count > 1
    ]
