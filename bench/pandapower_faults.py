"""A grid in pandapower, and its faults by IEC 60909; run in the environment of `make peers`.

``python pandapower_faults.py TABLES.npz ANSWER.npz RUNS FAULT…`` works on plain arrays and knows
nothing of gentie, so that ``cases/short_circuit_pandapower/produce.py`` can use it too. Faults are
pandapower's words: 3ph, 2ph, 1ph.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
import pandapower
import pandapower.shortcircuit

VECTOR_GROUPS = ("YNyn", "YNd", "Dyn", "Dd")
"""By the number in ``transformer_group``; the first letters are the high side's."""

MAGNETISING_PERCENT = 1e12
"""So large that zero-sequence magnetising, which gentie leaves out, carries nothing."""


def net_of(tables: Mapping[str, Any]) -> Any:
    """pandapower's network of plain tables; impedances per unit on ``base_mva``."""
    base, kv = float(tables["base_mva"]), np.asarray(tables["bus_kv"], float)
    net = pandapower.create_empty_network(sn_mva=base, f_hz=60)
    pandapower.create_buses(net, len(kv), kv)
    ohm = kv**2 / base
    if len(tables["line_from"]):
        a = tables["line_from"]
        pandapower.create_lines_from_parameters(
            net,
            a,
            tables["line_to"],
            1.0,
            tables["line_r"] * ohm[a],
            tables["line_x"] * ohm[a],
            0.0,
            1.0,
            r0_ohm_per_km=tables["line_r0"] * ohm[a],
            x0_ohm_per_km=tables["line_x0"] * ohm[a],
            c0_nf_per_km=0.0,
        )
        net.line["endtemp_degree"] = 20.0
    if len(tables["transformer_high"]):
        mva = tables["transformer_mva"]
        percent = 100.0 * mva / base
        r, x = tables["transformer_r"], tables["transformer_x"]
        r0, x0 = tables["transformer_r0"], tables["transformer_x0"]
        pandapower.create_transformers_from_parameters(
            net,
            tables["transformer_high"],
            tables["transformer_low"],
            mva,
            kv[tables["transformer_high"]],
            kv[tables["transformer_low"]],
            r * percent,
            np.hypot(r, x) * percent,
            0.0,
            0.0,
            vk0_percent=np.hypot(r0, x0) * percent,
            vkr0_percent=r0 * percent,
            mag0_percent=MAGNETISING_PERCENT,
            mag0_rx=0.0,
            si0_hv_partial=0.5,
        )
        net.trafo["vector_group"] = [VECTOR_GROUPS[group] for group in tables["transformer_group"]]
    for a, z, r, x in zip(
        *(tables["impedance_from"], tables["impedance_to"]),
        *(tables["impedance_r"], tables["impedance_x"]),
        strict=True,
    ):
        pandapower.create_impedance(net, a, z, r, x, base)
    at = tables["unit_bus"]
    pandapower.create_gens(
        net,
        at,
        0.0,
        vm_pu=1.0,
        sn_mva=tables["unit_mva"],
        vn_kv=kv[at],
        xdss_pu=tables["unit_x"],
        rdss_ohm=tables["unit_r"] * kv[at] ** 2 / tables["unit_mva"],
        cos_phi=tables["unit_power_factor"],
        slack=True,
    )
    return net


def faults_of(net: Any, fault: str, **options: Any) -> dict[str, Any]:
    """Currents by bus, kA, of one fault type at every bus."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peak = {"ip": True, "topology": "meshed", "kappa_method": "C"} if fault == "3ph" else {}
        pandapower.shortcircuit.calc_sc(net, fault=fault, case="max", **peak, **options)
    found = {"ikss_ka": net.res_bus_sc.ikss_ka.to_numpy(float)}
    if fault == "3ph":
        found["ip_ka"] = net.res_bus_sc.ip_ka.to_numpy(float)
    return found


def bus_matrix(net: Any) -> Any:
    """The positive-sequence matrix that pandapower's three-phase faults are made of, by our buses."""
    from pandapower.shortcircuit.impedance import _calc_ybus
    from pandapower.shortcircuit.ppc_conversion import (
        _create_k_updated_ppci,
        _get_is_ppci_bus,
        _init_ppc,
    )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        faults_of(net, "3ph", inverse_y=False)
        _, ppci = _init_ppc(net)
        bus = _get_is_ppci_bus(net, net.bus.index.to_numpy())
        _, ppci, _ = _create_k_updated_ppci(net, ppci, ppci_bus=bus)
        _calc_ybus(ppci)
    place = net["_pd2ppc_lookups"]["bus"][net.bus.index.to_numpy()]
    return ppci["internal"]["Ybus"].tocsr()[place][:, place].tocoo()


def main(words: list[str]) -> None:
    source, target, runs, *faults = words
    with np.load(source) as stored:
        net = net_of({name: stored[name] for name in stored.files})
    answer: dict[str, Any] = {"version": version("pandapower")}
    for fault in faults:
        for way, options in (("dense", {"inverse_y": True}), ("factor", {"inverse_y": False})):
            if way == "dense" and len(net.bus) > MOST_DENSE:
                continue
            times = []
            for _ in range(int(runs)):
                start = time.process_time()
                found = faults_of(net, fault, **options)
                times.append(time.process_time() - start)
            answer[f"{fault}.{way}.seconds"] = np.array(times)
        answer.update({f"{fault}.{name}": values for name, values in found.items()})
    matrix = bus_matrix(net)
    answer.update(y=matrix.data, y_row=matrix.row, y_column=matrix.col)
    np.savez(target, **answer)


MOST_DENSE = 3_000
"""Above it the dense inverse alone takes minutes and gigabytes."""


if __name__ == "__main__":
    main(sys.argv[1:])
