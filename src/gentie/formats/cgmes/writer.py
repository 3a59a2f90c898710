"""Writing a network as CGMES 2.4.15, through pypowsybl."""

from __future__ import annotations

import math
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import savemat

from gentie.engines.grid.network import DirectCurrentLines, Network
from gentie.formats.cgmes.grid import powsybl
from gentie.formats.matpower.writer import tables_of
from gentie.quantities.findings import BadInput, Finding

CIM_VERSION = "16"
"""Of CGMES 2.4.15."""
WIDTH_OF_GEN = 21
SMALLEST_MVAR = 1e-6


def cgmes_bytes(network: Network) -> bytes:
    """A network as an archive of the profiles EQ, TP, SSH and SV.

    Args:
        network: any; its name is that of the files.

    Returns:
        The archive. Buses are ``BUS-n`` with their numbers.

    Raises:
        BadInput: pypowsybl is missing or cannot write this network.

    Neglects: areas, zones, names and fuels; DC lines, which become loads; what pypowsybl's MATPOWER
        reader leaves out. ``gentie.workbench.conversion`` shows what became of a case.
    """
    networks = powsybl(network.name)
    tables = tables_of(writable(network))
    gen = tables["gen"]
    tables["gen"] = np.hstack([gen, np.zeros((len(gen), WIDTH_OF_GEN - gen.shape[1]))])
    case = {"version": "2", "baseMVA": network.base_mva, **tables}
    with tempfile.TemporaryDirectory(prefix="gentie-") as folder:
        source, target = Path(folder) / "case.mat", Path(folder) / "case.zip"
        savemat(source, {"mpc": case})
        try:
            grid = networks.load(str(source), {"matpower.import.ignore-base-voltage": "false"})
            _limit_currents(grid)
            grid.save(
                str(target),
                format="CGMES",
                parameters={"iidm.export.cgmes.cim-version": CIM_VERSION},
            )
        except Exception as cause:  # pypowsybl raises its own kind, and others, for anything
            words = " ".join(str(cause).split())
            raise BadInput(
                Finding(
                    "case.cgmes.unwritten",
                    f"{network.name}: pypowsybl cannot write this case as CGMES ({words[:160]}). Write "
                    "it as MATPOWER instead.",
                    where=network.name,
                )
            ) from cause
        return target.read_bytes()


def writable(network: Network) -> Network:
    """The network with what pypowsybl's MATPOWER reader would change put in other words.

    DC lines become loads of their buses, since it makes converters of them that hold voltages. The
    charging of a transformer becomes shunts of its two buses, since it puts all of it at one end.
    A shunt of MW alone gets next to no Mvar, since it drops it. Buses without a nominal voltage get
    1 kV.
    """
    buses, branches, lines = network.buses, network.branches, network.dc_lines
    load_mw, load_mvar = buses.load_mw.copy(), buses.load_mvar.copy()
    on = lines.in_service
    np.add.at(load_mw, lines.from_bus[on], lines.p_from_mw[on])
    np.add.at(load_mw, lines.to_bus[on], -lines.p_to_mw[on])
    np.add.at(load_mvar, lines.from_bus[on], -lines.q_from_mvar[on])
    np.add.at(load_mvar, lines.to_bus[on], -lines.q_to_mvar[on])
    shunt_mvar = buses.shunt_mvar.copy()
    moved = branches.is_transformer & (branches.charging_pu != 0)
    take = moved & network.is_branch_live
    half_mvar = branches.charging_pu[take] / 2 * network.base_mva
    np.add.at(shunt_mvar, branches.from_bus[take], half_mvar / branches.tap_ratio[take] ** 2)
    np.add.at(shunt_mvar, branches.to_bus[take], half_mvar)
    only_mw = (buses.shunt_mw != 0) & (shunt_mvar == 0)
    shunt_mvar[only_mw] = SMALLEST_MVAR
    none = np.zeros(0, np.int64)
    nothing = np.zeros(0)
    return replace(
        network,
        buses=replace(
            buses,
            load_mw=load_mw,
            load_mvar=load_mvar,
            shunt_mvar=shunt_mvar,
            nominal_kv=np.where(buses.nominal_kv > 0, buses.nominal_kv, 1.0),
        ),
        branches=replace(branches, charging_pu=np.where(moved, 0.0, branches.charging_pu)),
        dc_lines=DirectCurrentLines(
            from_bus=none,
            to_bus=none,
            p_from_mw=nothing,
            p_to_mw=nothing,
            q_from_mvar=nothing,
            q_to_mvar=nothing,
            in_service=np.zeros(0, bool),
        ),
    )


def _limit_currents(grid: Any) -> None:
    """Give every limit in MVA as one in A too: CGMES 2.4.15 carries those alone."""
    limits = grid.get_loading_limits().reset_index()
    limits = limits[limits["type"] == "APPARENT_POWER"]
    if not len(limits):
        return
    nominal_kv = grid.get_voltage_levels()["nominal_v"].to_dict()
    at: dict[tuple[str, str], float] = {}
    for frame in (grid.get_lines(), grid.get_2_windings_transformers()):
        for identity, first, second in zip(
            frame.index, frame["voltage_level1_id"], frame["voltage_level2_id"], strict=True
        ):
            at[identity, "ONE"], at[identity, "TWO"] = nominal_kv[first], nominal_kv[second]
    ends = zip(limits["element_id"], limits["side"], strict=True)
    limits["value"] *= [1000 / math.sqrt(3) / at[end] for end in ends]
    limits["type"] = "CURRENT"
    columns = ["element_id", "side", "name", "type", "value", "acceptable_duration", "group_name"]
    grid.create_loading_limits(limits[columns].set_index("element_id"))
