"""The upgraded grid, built as a network of its own and solved from nothing.

A study changes its transfer factors step by step. This is the check that the steps were exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gentie.engines.grid.contingencies import analyse_contingencies
from gentie.engines.grid.linear import linear_model
from gentie.engines.grid.network import Branches, Floats, Network
from gentie.engines.interconnection.elements import ElementTable


@dataclass(frozen=True, eq=False)
class Verification:
    """How the upgraded grid, built and solved from nothing, compares with the study's own.

    Attributes:
        largest_flow_difference_mw: over all elements, base case with the cluster.
        largest_loading_difference: over all elements and outages, share of the limit.
        overloads_left: elements above their limit that no scheme covers and that are the cluster's.
        worst_elsewhere_percent: highest base-case loading outside the studied elements.
        worst_elsewhere_row: where; -1 where nothing else is rated.
    """

    largest_flow_difference_mw: float
    largest_loading_difference: float
    overloads_left: int
    worst_elsewhere_percent: float
    worst_elsewhere_row: int


def verify(
    table: ElementTable,
    upgraded: Network,
    *,
    injection_mw: Floats,
    flow_mw: Floats,
    overloads_left: int,
    threads: int = 2,
) -> Verification:
    """Compare the state of a table with the network built from it.

    Args:
        table: at the end of a study.
        upgraded: its network.
        injection_mw: (n,) injections with the cluster.
        flow_mw: (e,) flows on the elements with the cluster.
        overloads_left: as the study counts them.
        threads: numba threads.
    """
    case = table.case
    solved = linear_model(upgraded)
    flow = solved.flow_mw(injection_mw)
    count = len(case.network.branches)
    watched = table.is_monitored
    # Of several circuits the first added one is opened, and the original one watched.
    opened = table.row.copy()
    several = np.flatnonzero(table.circuits > 1)
    added = (table.circuits[several] - 1).astype(np.int64)
    opened[several] = count + np.cumsum(added) - added
    result = analyse_contingencies(
        solved,
        flow,
        monitored=table.row[watched],
        normal_limit_mw=(table.normal_mw / table.circuits)[watched],
        post_limit_mw=(table.post_mw / table.circuits)[watched],
        outages=opened[table.is_outage],
        threads=threads,
    )
    mine = table.worst_loadings(flow_mw)[0][watched]
    theirs = np.maximum(result.base_loading, result.worst_loading)
    rated = np.flatnonzero(case.roles.is_rated & ~case.roles.is_tie)
    elsewhere = np.setdiff1d(rated, table.row)
    loading = np.abs(flow[elsewhere]) / case.network.branches.rating_normal_mva[elsewhere]
    return Verification(
        largest_flow_difference_mw=float(
            np.abs(flow[table.row] * table.circuits - flow_mw).max(initial=0.0)
        ),
        largest_loading_difference=float(np.abs(mine - theirs).max(initial=0.0)),
        overloads_left=overloads_left,
        worst_elsewhere_percent=float(100.0 * loading.max(initial=0.0)),
        worst_elsewhere_row=int(elsewhere[loading.argmax()]) if len(elsewhere) else -1,
    )


def upgraded_network(network: Network, table: ElementTable) -> Network:
    """The network with every circuit and rating of the table built into it."""
    branches = network.branches
    ratio = np.ones(len(branches))
    limited = table.is_monitored
    rows = table.row[limited]
    original = branches.rating_normal_mva[rows]
    ratio[rows] = table.normal_mw[limited] / table.circuits[limited] / original
    more = np.repeat(table.row, (table.circuits - 1).astype(np.int64))
    take = np.concatenate([np.arange(len(branches)), more])
    circuit = branches.circuit[take].copy()
    used: dict[tuple[int, int], int] = {}
    for a, z, number in zip(branches.from_bus, branches.to_bus, branches.circuit, strict=True):
        key = (int(min(a, z)), int(max(a, z)))
        used[key] = max(used.get(key, 0), int(number))
    for place in range(len(branches), len(take)):
        a, z = int(branches.from_bus[take[place]]), int(branches.to_bus[take[place]])
        key = (min(a, z), max(a, z))
        used[key] += 1
        circuit[place] = used[key]
    return replace(
        network,
        branches=Branches(
            from_bus=branches.from_bus[take],
            to_bus=branches.to_bus[take],
            circuit=circuit,
            resistance_pu=branches.resistance_pu[take],
            reactance_pu=branches.reactance_pu[take],
            charging_pu=branches.charging_pu[take],
            rating_normal_mva=(branches.rating_normal_mva * ratio)[take],
            rating_long_term_mva=(branches.rating_long_term_mva * ratio)[take],
            rating_emergency_mva=(branches.rating_emergency_mva * ratio)[take],
            tap_ratio=branches.tap_ratio[take],
            shift_deg=branches.shift_deg[take],
            is_transformer=branches.is_transformer[take],
            in_service=branches.in_service[take],
        ),
        digest="",
    )
