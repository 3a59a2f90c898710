"""What the fidelity report says of lines and transformers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gentie.engines.grid.network import Booleans, Integers, Network
from gentie.formats.matpower.building import SMALLEST_REACTANCE_PU
from gentie.formats.matpower.case import MatpowerCase
from gentie.formats.matpower.fidelity.sentences import branch_namer, bus_namer, told_rows
from gentie.quantities.findings import Finding

LARGEST_TIE_REACTANCE_PU = 0.002


def is_tie(network: Network) -> Booleans:
    """(m,) live unrated branches of one voltage without tap, charging or much reactance.

    The study's own rule is ``engines.grid.points``; a test holds the two together. The reader has
    its own so that the worker process need not load scipy.
    """
    branches, nominal_kv = network.branches, network.buses.nominal_kv
    return np.asarray(
        network.is_branch_live
        & (branches.rating_normal_mva == 0)
        & (nominal_kv[branches.from_bus] == nominal_kv[branches.to_bus])
        & (branches.charging_pu == 0)
        & (branches.shift_deg == 0)
        & (branches.tap_ratio == 1)
        & (np.abs(branches.reactance_pu) <= LARGEST_TIE_REACTANCE_PU)
    )


def is_star_point(network: Network) -> Booleans:
    """(n,) inner buses of three-winding transformers: nothing there but three transformers.

    The star's nominal voltage is none of its neighbours', or a leg has a negative reactance; the
    study's own rule is ``engines.grid.points`` here too.
    """
    buses, branches = network.buses, network.branches
    live = np.flatnonzero(network.is_branch_live)
    ends = np.concatenate((branches.from_bus[live], branches.to_bus[live]))
    others = np.concatenate((branches.to_bus[live], branches.from_bus[live]))

    def count(is_so: Booleans) -> Integers:
        return np.bincount(ends[is_so], minlength=len(buses))

    has_three = (count(np.ones(len(ends), bool)) == 3) & (
        count(np.tile(branches.is_transformer[live], 2)) == 3
    )
    is_between = count(buses.nominal_kv[ends] == buses.nominal_kv[others]) == 0
    has_negative = count(np.tile(branches.reactance_pu[live] < 0, 2)) > 0
    is_bare = (
        (buses.load_mw == 0)
        & (buses.load_mvar == 0)
        & (buses.shunt_mw == 0)
        & (buses.shunt_mvar == 0)
    )
    is_bare[network.generators.bus] = False
    is_bare[network.dc_lines.from_bus] = False
    is_bare[network.dc_lines.to_bus] = False
    return np.asarray(is_bare & has_three & (is_between | has_negative))


def rating_findings(case: MatpowerCase, network: Network) -> Iterator[Finding | None]:
    """What is said of ratings."""
    name = branch_namer(network)
    raw = case.branch.values[:, 5:8]
    normal_mva = network.branches.rating_normal_mva
    yield told_rows(
        "case.branch.unrated",
        "Branches without a normal rating (rateA is 0)",
        normal_mva == 0,
        name,
        "They are never monitored: no study finds a limit on them.",
    )
    yield told_rows(
        "case.branch.rating_infinite",
        "Branches with an infinite rating",
        np.any(np.isinf(raw), axis=1),
        name,
        "An infinite rating is taken as no rating.",
    )
    yield told_rows(
        "case.branch.rating_negative",
        "Branches with a rating below 0",
        np.any((raw < 0) & ~np.isinf(raw), axis=1),
        name,
        "A rating below 0 is taken as no rating.",
    )
    emergency_mva = network.branches.rating_emergency_mva
    yield told_rows(
        "case.branch.emergency_missing",
        "Rated branches without an emergency rating (rateC is 0)",
        (normal_mva > 0) & (emergency_mva == 0),
        name,
        "Contingency studies take the rulebook's multiple of the normal rating.",
    )
    yield told_rows(
        "case.branch.long_term_missing",
        "Rated branches without a long-term emergency rating (rateB is 0)",
        (normal_mva > 0) & (network.branches.rating_long_term_mva == 0),
        name,
        "Contingency studies take the rulebook's multiple of the normal rating.",
    )
    yield told_rows(
        "case.branch.emergency_below",
        "Branches whose emergency rating is below their normal rating",
        (normal_mva > 0) & (emergency_mva > 0) & (emergency_mva < normal_mva),
        name,
        "Both are kept as given; ask the owner of the case.",
    )


def impedance_findings(case: MatpowerCase, network: Network) -> Iterator[Finding | None]:
    """What is said of impedances."""
    name = branch_namer(network)
    resistance_pu, reactance_pu = case.branch.values[:, 2], case.branch.values[:, 3]
    yield told_rows(
        "case.branch.no_impedance",
        "Branches without impedance (r and x are 0)",
        (reactance_pu == 0) & (resistance_pu == 0),
        name,
        f"Their reactance is taken as {SMALLEST_REACTANCE_PU:g} pu.",
    )
    yield told_rows(
        "case.branch.no_reactance",
        "Branches with resistance and no reactance (x is 0)",
        (reactance_pu == 0) & (resistance_pu != 0),
        name,
        f"Their resistance is kept and their reactance is taken as {SMALLEST_REACTANCE_PU:g} pu, "
        "since a DC power flow divides by it.",
    )
    yield told_rows(
        "case.branch.negative_reactance",
        "Branches with a reactance below 0",
        reactance_pu < 0,
        name,
        "They are kept as given: legs of three-winding transformers and series capacitors have it.",
    )
    yield told_rows(
        "case.branch.negative_resistance",
        "Branches with a resistance below 0",
        resistance_pu < 0,
        name,
        "They are kept as given.",
    )
    yield told_rows(
        "case.branch.tie",
        f"Ties (unrated, one voltage, no charging, reactance of {LARGEST_TIE_REACTANCE_PU:g} pu "
        "at most)",
        is_tie(network),
        name,
        "The buses that they join are one point of interconnection; they are neither monitored "
        "nor taken out.",
    )
    stars = is_star_point(network)
    yield told_rows(
        "case.bus.star_point",
        "Star points of three-winding transformers (three transformers and nothing else)",
        stars,
        bus_namer(network),
        "They are kept as buses, with the reactances of their legs as given.",
    )


def status_findings(case: MatpowerCase, network: Network) -> Iterator[Finding | None]:
    """What is said of status, taps and columns that are not used."""
    name = branch_namer(network)
    branches, raw = network.branches, case.branch.values
    yield told_rows(
        "case.branch.out_of_service",
        "Branches out of service",
        ~branches.in_service,
        name,
        "They carry nothing and are not taken out again.",
    )
    yield told_rows(
        "case.branch.end_isolated",
        "Branches in service that end at an isolated bus",
        branches.in_service & ~network.is_branch_live,
        name,
        "They carry nothing.",
    )
    yield told_rows(
        "case.branch.parallel",
        "Parallel branches (another one joins the same two buses)",
        branches.circuit > 1,
        name,
        "They are told apart by their circuit number, in the order of the file.",
    )
    yield told_rows(
        "case.branch.voltage_step",
        "Branches between two nominal voltages that are given as lines (ratio is 0)",
        branches.is_transformer & (raw[:, 8] == 0) & (raw[:, 9] == 0),
        name,
        "They are taken as transformers with a ratio of 1.",
    )
    yield told_rows(
        "case.branch.phase_shift",
        "Transformers that shift the phase",
        branches.shift_deg != 0,
        name,
        "The angle is kept as given; its control is not modelled.",
    )
    if raw.shape[1] >= 13:
        angle_min_deg, angle_max_deg = raw[:, 11], raw[:, 12]
        is_free = (angle_min_deg <= -360) & (angle_max_deg >= 360)
        is_free |= (angle_min_deg == 0) & (angle_max_deg == 0)
        yield told_rows(
            "case.branch.angle_limits",
            "Branches with limits on the angle between their ends",
            ~is_free,
            name,
            "These limits are dropped.",
        )
    yield told_rows(
        "case.branch.results",
        "Branches with stored flows or multipliers",
        (raw[:, 13:] != 0).any(axis=1),
        name,
        "Stored results are dropped; flows are computed again.",
    )


def branch_findings(case: MatpowerCase, network: Network) -> Iterator[Finding | None]:
    """All that is said of branches."""
    yield from rating_findings(case, network)
    yield from impedance_findings(case, network)
    yield from status_findings(case, network)
