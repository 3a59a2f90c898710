"""Faults by IEC 60909 at every bus beside pandapower, on a model proven to be the same.

pandapower runs in its own environment (`make peers`) on plain arrays of the same case. First its
positive-sequence matrix and ours are compared entry by entry, then the currents; only then the
times. The clock is processor time, from each program's own network in memory to the currents of
the fault types told: assembling, factoring and solving are in it, reading files is not.
pandapower is asked both for its dense inverse and for its factor; the faster one counts.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from scipy.sparse import coo_array

from bench.machine import PeakMemory, machine_line
from bench.short_circuit_tables import comparable, plain_tables
from gentie.engines.grid.inverter_currents import InverterControl
from gentie.engines.grid.network import Network
from gentie.engines.grid.short_circuit import (
    FaultModel,
    FaultSettings,
    FaultType,
    Method,
    ShortCircuit,
    fault_model,
    short_circuit,
)
from gentie.engines.grid.short_circuit_data import SequenceData, default_sequence_data
from gentie.rulebook.book import load_rulebook
from gentie.workbench.cases import read_case
from gentie.workbench.short_circuit import sequence_defaults

ROOT = Path(__file__).resolve().parent.parent
PEER = ROOT / ".venv-peers" / "bin" / "python"
WORDS = {
    "3ph": FaultType.THREE_PHASE,
    "2ph": FaultType.LINE_TO_LINE,
    "1ph": FaultType.LINE_TO_GROUND,
}
ALL_FAULTS_UP_TO = 3_000
"""Buses: pandapower's three-phase fault holds two dense matrices of all buses."""
PEER_UP_TO = 12_000
SMALLEST_KA = 1e-2
"""Currents below it are not compared: pandapower grounds neutrals through 1,000 pu."""

SETTINGS = FaultSettings(Method.IEC, 1.0, InverterControl(0.9, 2.0, 0.4))


@dataclass
class Ours:
    """Processor seconds of every run, memory, and the answer."""

    factor_s: list[float]
    total_s: list[float]
    peak_mb: float
    residual: float
    currents: dict[str, Any]
    peak_ka: Any
    matrix: Any


def measure_ours(name: str, runs: int) -> Ours:
    """Every bus, every fault type and the peak, warm."""
    network, data = case_of(name)
    answer(*case_of("case9"))
    with PeakMemory() as peak:
        model, found = answer(network, data)
    factor, total = [], []
    for _ in range(runs):
        start = time.process_time()
        model = fault_model(network, data, SETTINGS)
        factor.append(time.process_time() - start)
        found = short_circuit(model)
        total.append(time.process_time() - start)
    bus = model.networks.bus
    return Ours(
        factor,
        total,
        peak.megabytes,
        found.largest_residual,
        {word: found.current_ka[fault][bus] for word, fault in WORDS.items()},
        found.peak_ka[bus],
        positive_matrix(model),
    )


def case_of(name: str) -> tuple[Network, SequenceData]:
    network = read_case(name).network
    return network, comparable(default_sequence_data(network, sequence_defaults(load_rulebook())))


def answer(network: Network, data: SequenceData) -> tuple[FaultModel, ShortCircuit]:
    model = fault_model(network, data, SETTINGS)
    return model, short_circuit(model)


def positive_matrix(model: FaultModel) -> Any:
    """Our positive-sequence matrix, live buses in the order of the case."""
    network, networks = model.network, model.networks
    branches = network.branches
    line = np.flatnonzero(network.is_branch_live & (branches.from_bus != branches.to_bus))
    a, z = networks.place[branches.from_bus[line]], networks.place[branches.to_bus[line]]
    own = np.arange(len(networks.bus))
    one = networks.positive
    values = np.concatenate([one.diagonal, one.by_branch, one.by_branch])
    places = np.concatenate([own, a, z]), np.concatenate([own, z, a])
    return coo_array((values, places), shape=(len(own), len(own))).tocsr()


def ask_pandapower(name: str, runs: int, faults: list[str]) -> dict[str, Any]:
    """Its answer, out of its own environment."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "tables.npz", Path(folder) / "answer.npz"
        np.savez(source, **plain_tables(*case_of(name)))
        script = str(ROOT / "bench" / "pandapower_faults.py")
        subprocess.run(
            [str(PEER), script, str(source), str(target), str(runs), *faults],
            check=True,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": ""},
        )
        with np.load(target) as stored:
            return {key: stored[key] for key in stored.files}


@dataclass
class Compared:
    """One case, both programs."""

    name: str
    buses: int
    ours: Ours
    theirs: dict[str, Any]
    faults: list[str]

    @property
    def ours_s(self) -> float:
        return float(np.median(self.ours.total_s))

    @property
    def theirs_s(self) -> float:
        """Sum over the fault types of its faster way."""
        return sum(min(self.way_s(fault).values()) for fault in self.faults)

    def way_s(self, fault: str) -> dict[str, float]:
        ways = ("dense", "factor")
        keys = {way: f"{fault}.{way}.seconds" for way in ways}
        return {
            way: float(np.median(self.theirs[key]))
            for way, key in keys.items()
            if key in self.theirs
        }

    def matrix_difference(self) -> float:
        """Largest difference of an entry, of the largest entry in its row."""
        shape = self.ours.matrix.shape
        data = (self.theirs["y"], (self.theirs["y_row"], self.theirs["y_column"]))
        gap = abs(self.ours.matrix - coo_array(data, shape=shape).tocsr()).max(axis=1).toarray()
        return float((gap / abs(self.ours.matrix).max(axis=1).toarray()).max())

    def current_difference(self, fault: str) -> float:
        mine, other = self.ours.currents[fault], self.theirs[f"{fault}.ikss_ka"]
        counted = np.isfinite(mine) & (mine > SMALLEST_KA)
        return float(np.abs(other[counted] / mine[counted] - 1.0).max())


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench short-circuit", description=__doc__)
    parser.add_argument(
        "--cases",
        nargs="+",
        default=["case_ACTIVSg2000", "case_ACTIVSg10k", "case_ACTIVSg25k"],
        help="files or shipped names; the first one gives the ratio",
    )
    parser.add_argument("--runs", type=int, default=5, help="of which the median is told")
    given = parser.parse_args(words)
    if not PEER.exists():
        sys.exit("pandapower has an environment of its own: run `make peers` first.")
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"
    console = Console(width=112, highlight=False)
    console.print(machine_line(), soft_wrap=True)
    compared = []
    for name in given.cases:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            ours = pool.submit(measure_ours, name, max(3, given.runs)).result()
        buses = len(ours.peak_ka)
        faults = list(WORDS) if buses <= ALL_FAULTS_UP_TO else ["2ph"]
        theirs: dict[str, Any] = {}
        if buses <= PEER_UP_TO:
            runs = max(3, given.runs) if buses <= ALL_FAULTS_UP_TO else 1
            theirs = ask_pandapower(name, runs, faults)
        compared.append(Compared(name, buses, ours, theirs, faults))
    say(console, compared, max(3, given.runs))


def say(console: Console, compared: list[Compared], runs: int) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    console.print(f"Processor time, one thread, median of {runs}.")
    table.add_column("case", no_wrap=True)
    heads = ("buses", "gentie", "factors", "memory", "residual", "pandapower")
    for head in (*heads, "for", "matrices", "currents"):
        table.add_column(head, justify="right")
    for one in compared:
        has_peer = bool(one.theirs)
        table.add_row(
            one.name,
            f"{one.buses:,}",
            f"{1e3 * one.ours_s:.1f} ms",
            f"{1e3 * float(np.median(one.ours.factor_s)):.1f} ms",
            f"{one.ours.peak_mb:,.0f} MB",
            f"{one.ours.residual:.0e}",
            f"{one.theirs_s:.2f} s" if has_peer else "–",
            " ".join(one.faults) if has_peer else "–",
            f"{one.matrix_difference():.0e}" if has_peer else "–",
            f"{max(one.current_difference(fault) for fault in one.faults):.0e}"
            if has_peer
            else "–",
        )
    console.print(table)
    for one in compared:
        if not one.theirs:
            continue
        ways = "; ".join(
            f"{fault} " + ", ".join(f"{way} {s:.2f} s" for way, s in one.way_s(fault).items())
            for fault in one.faults
        )
        console.print(
            f"{one.name}: pandapower {one.theirs['version']}: {ways}. Ratio "
            f"{one.theirs_s / one.ours_s:.0f}.",
            soft_wrap=True,
        )
    first = compared[0]
    if first.theirs:
        if first.matrix_difference() > 1e-9 or first.current_difference("3ph") > 1e-9:
            sys.exit("The two models differ: no ratio.")
        print(f"bench short-circuit: {first.theirs_s / first.ours_s:.1f} x pandapower")
    else:
        print(f"bench short-circuit: no pandapower for {first.name}")
