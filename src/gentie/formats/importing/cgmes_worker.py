"""The process in which CGMES archives are read: pypowsybl runs here and nowhere else.

Started as ``gentie.formats.importing.worker`` is. It limits its processor time and what it writes;
pypowsybl needs files, threads and address space, so those stay open: decision 0023.
"""

from __future__ import annotations

import json
import os
import resource
import sys

from gentie.engines.grid.labels import Labels, plain_labels
from gentie.formats.cgmes.reader import read_cgmes
from gentie.formats.importing.carrying import carry
from gentie.formats.importing.worker import MEGABYTE, limit
from gentie.formats.matpower import fidelity_report, network_from, reference_of
from gentie.quantities.findings import BadInput

OPEN = ("pypowsybl: memory", "pypowsybl: open files")
"""Limits that pypowsybl cannot work within."""


def main() -> None:
    """Read the archive on standard input and write what it says to standard output."""
    file_name, limits = sys.argv[1], json.loads(sys.argv[3])
    answer_to = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not mix with the answer
    refused = (
        limit("core dumps", resource.RLIMIT_CORE, 0),
        limit("processor time", resource.RLIMIT_CPU, limits["processor_s"], grace=5),
        limit("file size", resource.RLIMIT_FSIZE, limits["written_mb"] * MEGABYTE),
    )
    notes = (*(name for name in refused if name), *OPEN)
    try:
        case, tables = read_cgmes(sys.stdin.buffer.read(), file_name)
        reference = reference_of(case)
        network = network_from(case, reference)
        plain = plain_labels(network)
        labels = Labels(tuple(tables.circuit), tuple(tables.unit), tuple(tables.dc), plain.shunts)
        found = tuple(one for one in tables.found if one is not None)
        carry(
            network, labels, (*found, *fidelity_report(case, network, reference)), notes, answer_to
        )
    except BadInput as refusal:
        carry(None, None, refusal.findings, notes, answer_to)
    answer_to.close()


if __name__ == "__main__":
    main()
