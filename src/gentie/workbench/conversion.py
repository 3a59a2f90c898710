"""A case written in another format, and what a reader of that file would find changed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from gentie.engines.grid.network import BusKind, Network
from gentie.engines.grid.power_flow import PowerFlow, solve_power_flow
from gentie.formats.cgmes.writer import cgmes_bytes
from gentie.formats.matpower.writer import matpower_bytes
from gentie.formats.powermodels.writer import powermodels_bytes
from gentie.quantities.findings import Finding
from gentie.workbench.cases import Case, case_from

CLOSE_PU = 1e-5
CLOSE_DEG = 1e-3
CLOSE_MW = 1e-2
CLOSE_MVA = 1e-2


class Target(StrEnum):
    """Formats that a case can be written in."""

    MATPOWER = "matpower"
    CGMES = "cgmes"
    POWERMODELS = "powermodels"


ENDINGS = {Target.MATPOWER: ".m", Target.CGMES: ".zip", Target.POWERMODELS: ".json"}
WRITERS = {
    Target.MATPOWER: matpower_bytes,
    Target.CGMES: cgmes_bytes,
    Target.POWERMODELS: powermodels_bytes,
}


@dataclass(frozen=True, eq=False)
class Conversion:
    """A case in another format.

    Attributes:
        content: of the file.
        target: its format.
        flow_before: AC power flow of the case solved.
        flow_after: of the case read back from the file.
        voltage_pu: largest difference of a voltage, ``None`` where one of the two has no solution.
        angle_deg: largest difference of an angle against the slack bus.
        losses_mw: losses after less before.
        differences: everything that is not as it was, empty where nothing is.
    """

    content: bytes
    target: Target
    flow_before: bool
    flow_after: bool
    voltage_pu: float | None
    angle_deg: float | None
    losses_mw: float | None
    differences: tuple[Finding, ...]

    def as_dict(self) -> dict[str, object]:
        """The check as plain data for JSON; the file itself is not in it."""
        return {
            "target": self.target.value,
            "bytes": len(self.content),
            "flow_before": self.flow_before,
            "flow_after": self.flow_after,
            "voltage_pu": self.voltage_pu,
            "angle_deg": self.angle_deg,
            "losses_mw": self.losses_mw,
            "differences": [finding.as_dict() for finding in self.differences],
        }


def convert_case(case: Case, target: Target) -> Conversion:
    """Write a case in another format, read the file back, and compare the two.

    Args:
        case: as read.
        target: the format wanted.

    Returns:
        The file and the differences: counts, sums, and the AC power flow before and after.

    Raises:
        BadInput: the case cannot be written, or the file cannot be read back.
    """
    content = WRITERS[target](case.network)
    back = case_from(content, f"{case.name}{ENDINGS[target]}")
    differences = list(_counted(case.network, back.network))
    before, after = solve_power_flow(case.network), solve_power_flow(back.network)
    voltage_pu = angle_deg = losses_mw = None
    if before.converged and after.converged:
        voltage_pu, angle_deg, seen = _apart(case.network, before, back.network, after)
        losses_mw = round(after.losses_mw - before.losses_mw, 6) + 0.0
        differences += seen
        if abs(losses_mw) > CLOSE_MW:
            differences.append(
                Finding(
                    "convert.losses",
                    f"Losses are {after.losses_mw:,.3f} MW and were {before.losses_mw:,.3f} MW.",
                )
            )
    elif before.converged != after.converged:
        had, has = ("a", "no") if before.converged else ("no", "a")
        differences.append(
            Finding(
                "convert.flow",
                f"The case had {had} solution of the AC power flow and the file has {has} one.",
            )
        )
    return Conversion(
        content=content,
        target=target,
        flow_before=before.converged,
        flow_after=after.converged,
        voltage_pu=voltage_pu,
        angle_deg=angle_deg,
        losses_mw=losses_mw,
        differences=tuple(differences),
    )


def _counted(before: Network, after: Network) -> list[Finding]:
    """Counts and sums that are not as they were."""
    found = []
    for what, tolerance, count in (
        ("Buses studied", 0.0, lambda one: int(one.is_bus_live.sum())),
        (
            "Lines and transformers in service",
            0.0,
            lambda one: int(one.is_branch_live.sum()),
        ),
        ("Units in service", 0.0, lambda one: int(one.is_generator_live.sum())),
        ("DC lines in service", 0.0, lambda one: int(one.dc_lines.in_service.sum())),
        (
            "Slack buses",
            0.0,
            lambda one: int((one.buses.kind == BusKind.SLACK).sum()),
        ),
        (
            "Load, MW",
            CLOSE_MW,
            lambda one: float(one.buses.load_mw[one.is_bus_live].sum()),
        ),
        (
            "Load, Mvar",
            CLOSE_MVA,
            lambda one: float(one.buses.load_mvar[one.is_bus_live].sum()),
        ),
        (
            "Shunts, Mvar",
            CLOSE_MVA,
            lambda one: float(one.buses.shunt_mvar[one.is_bus_live].sum()),
        ),
        (
            "Generation, MW",
            CLOSE_MW,
            lambda one: float(one.generators.p_mw[one.is_generator_live].sum()),
        ),
        (
            "Rated branches in service",
            0.0,
            lambda one: int((one.is_branch_live & (one.branches.rating_normal_mva > 0)).sum()),
        ),
    ):
        had, has = count(before), count(after)
        if abs(had - has) > tolerance:
            places = 0 if tolerance == 0 else 2
            found.append(
                Finding(
                    "convert.count",
                    f"{what}: {has:,.{places}f} in the file, {had:,.{places}f} in the case.",
                    where=what,
                )
            )
    return found


def _apart(
    before: Network, flow_before: PowerFlow, after: Network, flow_after: PowerFlow
) -> tuple[float, float, list[Finding]]:
    """Largest differences of voltage and angle, and a sentence on each that is not small."""
    live = [
        row
        for row, number in enumerate(before.buses.number.tolist())
        if before.is_bus_live[row]
        and number in after.bus_row
        and after.is_bus_live[after.bus_row[number]]
    ]
    there = [after.bus_row[int(number)] for number in before.buses.number[live]]
    found = []
    unmatched = int(before.is_bus_live.sum()) - len(live)
    if unmatched:
        found.append(
            Finding(
                "convert.unmatched",
                f"{unmatched:,} buses of the case are not in the file by their number.",
                count=unmatched,
            )
        )
    if not live:
        return 0.0, 0.0, found
    voltage = np.abs(flow_after.voltage_pu[there] - flow_before.voltage_pu[live])
    turned = flow_after.angle_deg[there] - flow_before.angle_deg[live]
    turned = np.abs(turned - np.median(turned))
    worst, widest = int(voltage.argmax()), int(turned.argmax())
    numbers = before.buses.number[live]
    if voltage[worst] > CLOSE_PU:
        found.append(
            Finding(
                "convert.voltage",
                f"Voltages differ by up to {voltage[worst]:.6f} pu, at bus {numbers[worst]}.",
                count=int((voltage > CLOSE_PU).sum()),
                where=f"bus {numbers[worst]}",
            )
        )
    if turned[widest] > CLOSE_DEG:
        found.append(
            Finding(
                "convert.angle",
                f"Angles differ by up to {turned[widest]:.4f} degrees, at bus {numbers[widest]}.",
                count=int((turned > CLOSE_DEG).sum()),
                where=f"bus {numbers[widest]}",
            )
        )
    return round(float(voltage[worst]), 9), round(float(turned[widest]), 9), found
