"""The fused N-1 pass against solving every outage again."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gentie.engines.grid.contingencies import (
    NO_OUTAGE,
    ContingencyResult,
    analyse_contingencies,
    islanding_outages,
)
from gentie.engines.grid.linear import linear_model
from gentie.engines.grid.network import Network
from tests.networks import (
    cut_off_by,
    meshed_networks,
    network_of,
    read_network,
    resolved_flow_mw,
    table_of_branches,
    table_of_buses,
    table_of_units,
)

SAME_MW = 1e-7
"""1e-9 pu on 100 MVA."""

EVERY_PAIR = -1.0
"""A threshold that every loading is above."""


def analysed(network: Network, **options: Any) -> ContingencyResult:
    """Every live branch opened, every rated one watched, unless other rows are given."""
    model = linear_model(network)
    rating = network.branches.rating_normal_mva
    rows = options.pop("monitored", np.flatnonzero(network.is_branch_live & (rating > 0)))
    limit = options.pop("limit", rating[rows])
    return analyse_contingencies(
        model,
        model.flow_mw(network.injection_mw),
        monitored=rows,
        normal_limit_mw=limit,
        post_limit_mw=options.pop("post_limit", limit),
        outages=options.pop("outages", np.flatnonzero(network.is_branch_live)),
        **options,
    )


def every_flow(network: Network, outages: Any) -> tuple[ContingencyResult, Any]:
    """The kernel's (c, m) magnitude of every branch's flow after each outage: limits of 1 MW."""
    rows = np.arange(len(network.branches))
    found = analysed(
        network, monitored=rows, limit=np.ones(len(rows)), outages=outages, above=EVERY_PAIR
    )
    assert len(found.pair_loading) == len(found.outages) * len(rows)
    table = found.pair_loading.reshape(len(found.outages), len(rows))
    outage = found.pair_outage.reshape(table.shape)
    assert (outage == outage[:, :1]).all()
    branch = found.pair_branch.reshape(table.shape)
    flows = np.empty_like(table)
    np.put_along_axis(flows, branch, table, axis=1)
    return found, flows[np.argsort(outage[:, 0])]


def resolved_loadings(network: Network, result: ContingencyResult, post_limit: Any) -> Any:
    """(c, k) loadings after each outage, every one of them solved again."""
    table = np.empty((len(result.outages), len(result.monitored)))
    for place, row in enumerate(result.outages):
        flow = resolved_flow_mw(network, network.injection_mw, int(row))
        table[place] = np.abs(flow[result.monitored]) / post_limit
    return table


def assert_worst(result: ContingencyResult, table: Any, same: float = 1e-9) -> None:
    """The worst values are those of the table, and the named pairs have them."""
    assert result.worst_loading == pytest.approx(table.max(axis=0, initial=0.0), abs=same)
    assert result.outage_worst_loading == pytest.approx(table.max(axis=1, initial=0.0), abs=same)
    for place, outage in enumerate(result.worst_outage):
        if outage == NO_OUTAGE:
            assert table[:, place].max(initial=0.0) <= same
        else:
            at = table[np.searchsorted(result.outages, outage), place]
            assert at == pytest.approx(result.worst_loading[place], abs=same)
    for place, branch in enumerate(result.outage_worst_branch):
        if branch == -1:
            assert table[place].max(initial=0.0) <= same
        else:
            at = table[place, np.searchsorted(result.monitored, branch)]
            assert at == pytest.approx(result.outage_worst_loading[place], abs=same)


# Against a re-solve


def test_every_flow_after_every_outage_of_case118() -> None:
    network = read_network("case118")
    found, flows = every_flow(network, np.arange(len(network.branches)))
    assert (len(found.outages), len(found.islanding)) == (177, 9)
    for row, flow in zip(np.sort(found.outages), flows, strict=True):
        again = resolved_flow_mw(network, network.injection_mw, int(row))
        assert np.abs(flow - np.abs(again)).max() < SAME_MW


@pytest.mark.xdist_group("case_ACTIVSg10k")
def test_every_flow_after_200_outages_of_the_large_case() -> None:
    network = read_network("case_ACTIVSg10k")
    model, every = linear_model(network), np.arange(len(network.branches))
    cut = {outage.branch_row for outage in islanding_outages(model, every)}
    whole = np.array([row for row in every if row not in cut])
    sample = np.sort(np.random.default_rng(7).choice(whole, 200, replace=False))
    found, flows = every_flow(network, sample)
    assert not found.islanding
    largest = 0.0
    for row, flow in zip(sample, flows, strict=True):
        again = resolved_flow_mw(network, network.injection_mw, int(row))
        largest = max(largest, np.abs(flow - np.abs(again)).max())
    print(f"200 outages × {len(every)} branches: within {largest:.1e} MW of a re-solve")
    assert largest < SAME_MW


def test_worst_and_pairs_above_with_the_limits_of_a_real_case() -> None:
    network = read_network("case_RTS_GMLC")
    branches = network.branches
    rows = np.flatnonzero(network.is_branch_live & (branches.rating_normal_mva > 0))
    # The case gives one rating three times; a margin tells the two limits apart.
    assert (branches.rating_emergency_mva == branches.rating_normal_mva).all()
    emergency = 1.1 * branches.rating_emergency_mva[rows]
    result = analysed(network, post_limit=emergency, above=0.6)
    base = resolved_flow_mw(network, network.injection_mw)
    assert result.base_loading == pytest.approx(
        np.abs(base[rows]) / branches.rating_normal_mva[rows], abs=1e-9
    )
    table = resolved_loadings(network, result, emergency)
    assert_worst(result, table)
    outage, branch = np.nonzero(table > 0.6)
    assert np.abs(table - 0.6).min() > 1e-6
    expected = {(int(result.outages[c]), int(rows[k])): table[c, k] for c, k in zip(outage, branch)}
    pairs = zip(result.pair_outage.tolist(), result.pair_branch.tolist(), strict=True)
    found = dict(zip(pairs, result.pair_loading, strict=True))
    print(f"{len(found)} pairs above 60% of the emergency rating")
    assert len(found) == len(result.pair_loading) > 50
    assert found.keys() == expected.keys()
    assert all(found[pair] == pytest.approx(expected[pair], abs=1e-9) for pair in expected)


@given(network=meshed_networks(), above=st.floats(0.0, 1.5))
@settings(max_examples=120, deadline=None)
def test_worst_and_pairs_above_on_any_network(network: Network, above: float) -> None:
    result = analysed(network, above=above)
    rating = network.branches.rating_normal_mva[result.monitored]
    table = resolved_loadings(network, result, rating)
    assert_worst(result, table)
    at_least = (table > above + 1e-9).sum()
    at_most = (table > above - 1e-9).sum()
    assert at_least <= len(result.pair_loading) <= at_most
    assert (result.pair_loading > above).all()


# What falls apart


def independent_islands(network: Network, rows: Any) -> dict[int, tuple[int, ...]]:
    found = {int(row): tuple(cut_off_by(network, int(row)).tolist()) for row in rows}
    return {row: buses for row, buses in found.items() if buses}


@pytest.mark.parametrize(
    ("name", "count"), [("case118", 186), ("case_RTS_GMLC", 120), ("case_ACTIVSg10k", 400)]
)
def test_islanding_outages_are_those_whose_removal_cuts_something_off(
    name: str, count: int
) -> None:
    network = read_network(name)
    rows = np.flatnonzero(network.is_branch_live)
    rows = np.sort(np.random.default_rng(3).choice(rows, count, replace=False))
    found = islanding_outages(linear_model(network), rows)
    expected = independent_islands(network, rows)
    assert {outage.branch_row: outage.bus_rows for outage in found} == expected
    # What is cut off was fed over the branch that is opened.
    flow = resolved_flow_mw(network, network.injection_mw)
    outside = network.buses.shunt_mw
    for outage in found:
        buses = np.array(outage.bus_rows)
        assert outage.load_mw == pytest.approx(network.buses.load_mw[buses].sum())
        needed = outage.load_mw - outage.generation_mw + outside[buses].sum()
        into = network.branches.to_bus[outage.branch_row] in outage.bus_rows
        assert (flow if into else -flow)[outage.branch_row] == pytest.approx(needed, abs=1e-6)


@given(network=meshed_networks())
@settings(max_examples=100, deadline=None)
def test_islanding_outages_on_any_network(network: Network) -> None:
    rows = np.flatnonzero(network.is_branch_live)
    found = islanding_outages(linear_model(network), rows)
    expected = independent_islands(network, rows)
    assert {outage.branch_row: outage.bus_rows for outage in found} == expected
    assert list(expected) == [outage.branch_row for outage in found]


def test_what_an_islanding_outage_loses() -> None:
    network = network_of(
        table_of_buses([3, 1, 1, 4], [0, 10, 20, 40]),
        table_of_branches([(0, 1), (0, 1), (2, 1), (2, 3)], 0.1j),
        table_of_units(
            [0, 2, 2, 3],
            [9.0, 5.0, 7.0, 8.0],
            [(-9.0, 9.0)] * 4,
            in_service=np.array([True, True, False, True]),
        ),
    )
    (lost,) = islanding_outages(linear_model(network), np.arange(4))
    assert (lost.branch_row, lost.bus_rows) == (2, (2,))
    assert (lost.load_mw, lost.generation_mw) == (20.0, 5.0)


# The same answer every time


def assert_same_bytes(one: ContingencyResult, other: ContingencyResult) -> None:
    for field in fields(one):
        left, right = getattr(one, field.name), getattr(other, field.name)
        if isinstance(left, np.ndarray):
            assert left.tobytes() == right.tobytes(), field.name
        else:
            assert [asdict(outage) for outage in left] == [asdict(outage) for outage in right]


@pytest.mark.xdist_group("case_ACTIVSg10k")
@pytest.mark.parametrize("name", ["case118", "case_ACTIVSg2000", "case_ACTIVSg10k"])
def test_threads_change_no_bit(name: str) -> None:
    network = read_network(name)
    if name == "case118":
        every = np.arange(len(network.branches))
        options: dict[str, Any] = {"monitored": every, "limit": np.full(len(every), 100.0)}
    else:
        options = {}
    one, two = (analysed(network, above=0.7, threads=threads, **options) for threads in (1, 2))
    assert len(one.pair_loading) > 100
    assert_same_bytes(one, two)


def test_the_order_in_which_rows_are_given_changes_nothing() -> None:
    network = read_network("case_RTS_GMLC")
    rows = np.flatnonzero(network.branches.rating_normal_mva > 0)
    shuffle = np.random.default_rng(5).permutation(len(rows))
    one = analysed(network, above=0.5, monitored=rows, outages=rows)
    other = analysed(network, above=0.5, monitored=rows[shuffle], outages=rows[shuffle])
    assert other.worst_loading == pytest.approx(one.worst_loading[shuffle], abs=1e-12)
    pairs = [
        set(zip(result.pair_branch.tolist(), result.pair_outage.tolist(), strict=True))
        for result in (one, other)
    ]
    assert pairs[0] == pairs[1]


def test_nothing_watched_or_nothing_opened() -> None:
    network, nothing = read_network("case_RTS_GMLC"), np.zeros(0, np.int64)
    unwatched = analysed(network, monitored=nothing)
    assert len(unwatched.worst_loading) == 0
    assert (unwatched.outage_worst_branch == -1).all()
    untouched = analysed(network, outages=nothing)
    assert (untouched.worst_outage == NO_OUTAGE).all()
    assert (untouched.worst_loading == 0).all()
    assert untouched.base_loading.max() > 0
    assert len(untouched.outages) == len(untouched.pair_loading) == 0


# Memory

WHOLE_CASE = """
import pathlib, resource, sys
import numpy as np
from gentie.engines.grid.contingencies import analyse_contingencies
from gentie.engines.grid.linear import linear_model
from gentie.workbench.cases import read_case

network = read_case("case_ACTIVSg10k").network
model, rating = linear_model(network), network.branches.rating_normal_mva
rows = np.flatnonzero(rating > 0)
result = analyse_contingencies(
    model, model.flow_mw(network.injection_mw), monitored=rows, normal_limit_mw=rating[rows],
    post_limit_mw=rating[rows], outages=np.arange(len(rating)), above=1.0, threads=2,
)
status = pathlib.Path("/proc/self/status")
if status.exists():  # what getrusage tells there begins with the memory of the process that forked
    mark = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    peak = int(mark.split()[1]) * 1024
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (sys.platform == "darwin" or 1024)
print(len(result.outages), peak)
"""


@pytest.mark.xdist_group("case_ACTIVSg10k")
def test_the_large_case_never_holds_a_table_of_branches_by_branches() -> None:
    run = subprocess.run(
        [sys.executable, "-c", WHOLE_CASE], capture_output=True, text=True, check=True
    )
    outages, peak = (int(word) for word in run.stdout.split())
    print(f"peak of the whole process: {peak / 1e6:,.0f} MB")
    assert outages == 8729
    # Such a table alone would be 12,706² × 8 bytes = 1.3 GB.
    assert peak < 1e9
