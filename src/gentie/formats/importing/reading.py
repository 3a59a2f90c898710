"""One foreign file to one network, by its format."""

from __future__ import annotations

from dataclasses import dataclass

from gentie.engines.grid.labels import Labels, plain_labels
from gentie.engines.grid.network import Network
from gentie.formats.importing.kinds import Kind
from gentie.formats.matpower import fidelity_report, network_from, read_matpower, reference_of
from gentie.formats.matpower.case import MatpowerCase
from gentie.formats.powermodels.reader import read_powermodels
from gentie.formats.psse.reader import read_raw
from gentie.formats.psse.tables import raw_tables
from gentie.formats.psse.words import in_raw_words
from gentie.quantities.findings import Finding


@dataclass(frozen=True, eq=False)
class Reading:
    """What was read of a file.

    Attributes:
        network: made of it.
        labels: the file's own names of the network's rows.
        fidelity: what was dropped, defaulted or assumed.
    """

    network: Network
    labels: Labels
    fidelity: tuple[Finding, ...]


def read_file(content: bytes, file_name: str, kind: Kind) -> Reading:
    """Read a case whose format needs nothing but this process.

    Args:
        content: of the file.
        file_name: for messages.
        kind: any but CGMES, which has a process of its own.

    Returns:
        The network, its labels and its fidelity report.

    Raises:
        BadInput: all reasons why the file cannot be used.
    """
    if kind is Kind.RAW:
        tables = raw_tables(read_raw(content, file_name))
        network, fidelity = _network(tables.case)
        return Reading(
            network, tables.labels, (*tables.findings, *(in_raw_words(one) for one in fidelity))
        )
    if kind is Kind.POWERMODELS:
        case, findings = read_powermodels(content, file_name)
        network, fidelity = _network(case)
        return Reading(network, plain_labels(network), (*findings, *fidelity))
    network, fidelity = _network(read_matpower(content, file_name))
    return Reading(network, plain_labels(network), fidelity)


def _network(case: MatpowerCase) -> tuple[Network, tuple[Finding, ...]]:
    reference = reference_of(case)
    network = network_from(case, reference)
    return network, fidelity_report(case, network, reference)
