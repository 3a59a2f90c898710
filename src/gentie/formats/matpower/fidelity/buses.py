"""What the fidelity report says of buses, their loads and their voltages."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gentie.engines.grid.network import BusKind, Network
from gentie.formats.matpower.building import Reference
from gentie.formats.matpower.case import MatpowerCase
from gentie.formats.matpower.fidelity.sentences import bus_namer, told_rows
from gentie.quantities.findings import Finding


def isolation_findings(
    case: MatpowerCase, network: Network, reference: Reference
) -> Iterator[Finding | None]:
    """What is said of buses that the case itself marks as isolated, and of the kinds of buses."""
    name = bus_namer(network)
    raw = case.bus.values
    is_isolated = raw[:, 1] == BusKind.ISOLATED
    units = network.generators
    lost_mw = raw[is_isolated, 2].sum()
    output_mw = units.p_mw[units.in_service & is_isolated[units.bus]].sum()
    yield told_rows(
        "case.bus.isolated",
        "Isolated buses (type 4)",
        is_isolated,
        name,
        f"They are not studied, nor the {lost_mw:,.1f} MW of load and {output_mw:,.1f} MW of "
        "generation on them.",
    )
    is_unheld = np.zeros(len(raw), bool)
    is_unheld[list(reference.unheld)] = True
    yield told_rows(
        "case.bus.unheld",
        "Buses whose voltage should be held (type 2) and that have no unit in service",
        is_unheld,
        name,
        "They are taken as load buses.",
    )


def voltage_findings(case: MatpowerCase, network: Network) -> Iterator[Finding | None]:
    """What is said of nominal and stored voltages and their limits."""
    name = bus_namer(network)
    raw = case.bus.values
    live = network.is_bus_live
    yield told_rows(
        "case.bus.nominal_kv",
        "Buses without a nominal voltage (baseKV is 0 or below)",
        raw[:, 9] <= 0,
        name,
        "They are kept; studies by voltage class pass over them.",
    )
    yield told_rows(
        "case.bus.voltage_missing",
        "Buses without a stored voltage (Vm is 0 or below)",
        raw[:, 7] <= 0,
        name,
        "The power flow starts there from 1.0 pu.",
    )
    highest_pu, lowest_pu = raw[:, 11], raw[:, 12]
    with np.errstate(invalid="ignore"):
        has_limits = np.isfinite(highest_pu) & np.isfinite(lowest_pu) & (highest_pu > lowest_pu)
    yield told_rows(
        "case.bus.voltage_limits",
        "Buses without usable voltage limits (Vmax not above Vmin, or infinite)",
        ~has_limits,
        name,
        "Their voltage is never out of bounds.",
    )
    yield told_rows(
        "case.bus.voltage_outside",
        "Buses whose stored voltage is outside their own limits",
        live & has_limits & ((raw[:, 7] > highest_pu) | (raw[:, 7] < lowest_pu)),
        name,
        "The stored voltage is kept as the start of the power flow.",
    )
    yield told_rows(
        "case.bus.results",
        "Buses with stored prices or multipliers",
        (raw[:, 13:] != 0).any(axis=1),
        name,
        "Stored results are dropped.",
    )


def load_findings(case: MatpowerCase, network: Network) -> Iterator[Finding | None]:
    """What is said of loads and names."""
    name = bus_namer(network)
    load_mw = network.buses.load_mw
    negative_mw = -load_mw[load_mw < 0].sum()
    yield told_rows(
        "case.bus.negative_load",
        "Buses with a load below 0",
        load_mw < 0,
        name,
        f"Their {negative_mw:,.1f} MW stay loads below 0: they are not units and are never "
        "dispatched.",
    )
    is_named = np.array([bool(text) for text in network.buses.name])
    if case.names.get("bus_name"):
        yield told_rows(
            "case.bus_name.blank",
            "Buses with an empty name",
            ~is_named,
            name,
            "They are called by their number.",
        )
        _, place, how_many = np.unique(
            np.array(network.buses.name), return_inverse=True, return_counts=True
        )
        yield told_rows(
            "case.bus_name.shared",
            "Buses that share their name with another",
            is_named & (how_many[place] > 1),
            name,
            "Names are for reading; buses are told apart by number.",
        )


def bus_findings(
    case: MatpowerCase, network: Network, reference: Reference
) -> Iterator[Finding | None]:
    """All that is said of buses."""
    yield from isolation_findings(case, network, reference)
    yield from voltage_findings(case, network)
    yield from load_findings(case, network)
