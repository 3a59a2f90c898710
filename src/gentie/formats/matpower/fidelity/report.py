"""The fidelity report: everything dropped, defaulted or assumed on the way to a network."""

from __future__ import annotations

from itertools import chain

from gentie.engines.grid.network import Network
from gentie.formats.matpower.building import Reference
from gentie.formats.matpower.case import MatpowerCase
from gentie.formats.matpower.fidelity.branches import branch_findings
from gentie.formats.matpower.fidelity.buses import bus_findings
from gentie.formats.matpower.fidelity.file import file_findings
from gentie.formats.matpower.fidelity.parts import part_findings
from gentie.formats.matpower.fidelity.units import unit_findings
from gentie.quantities.findings import Finding


def fidelity_report(
    case: MatpowerCase, network: Network, reference: Reference
) -> tuple[Finding, ...]:
    """Everything about the case that its network does not say, or says otherwise.

    Args:
        case: as read.
        network: as made of it.
        reference: the parts and slack buses that the network was made with.

    Returns:
        Findings with counts and the first few elements, the weightiest subjects first.
    """
    found = chain(
        part_findings(case, network, reference),
        branch_findings(case, network),
        bus_findings(case, network, reference),
        unit_findings(case, network),
        file_findings(case),
    )
    return tuple(finding for finding in found if finding is not None)
