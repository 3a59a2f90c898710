"""Writing a network as PowerModels JSON, through PowerIO."""

from __future__ import annotations

import io

import powerio

from gentie.engines.grid.network import Network
from gentie.formats.matpower.writer import matpower_bytes


def powermodels_bytes(network: Network) -> bytes:
    """A network as a PowerModels case, per unit, as ``PowerModels.parse_file`` gives it."""
    text = matpower_bytes(network).decode()
    module = powerio.parse(io.StringIO(text), format="matpower", name="case.m")
    return str(powerio.emit(module, "powermodels-json").artifacts[0].text).encode()
