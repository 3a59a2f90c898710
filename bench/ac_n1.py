"""AC contingency analysis beside lightsim2grid's, solved outages per second of processor time.

Every live branch is opened, one at a time, from the same solved base case; mismatches are brought
below 2e-7 pu; reactive limits and islanding are off on both sides, so that both solve the same
list. Ours is told twice: keeping the worst loadings and voltages only, and keeping every voltage
besides. lightsim2grid always keeps every voltage; it reduces nothing, and the time of its flows is
told apart.

The clock is the process's own processor time on one thread, from the base solution in memory to
the answers, factoring and the full Newton solves of the hard outages included; on a shared machine
wall time says little. Both run in one process, ours before and after, and compiling is not timed.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from bench.machine import PeakMemory, copy_gigabytes_per_s, gemm_gflops, machine_line
from bench.peers import lightsim2grid_model, lightsim2grid_order
from gentie.engines.grid.ac_contingencies import (
    AcContingencies,
    OutageStatus,
    analyse_ac_contingencies,
)
from gentie.engines.grid.network import Integers, Network
from gentie.engines.grid.power_flow import PowerFlow, solve_power_flow
from gentie.engines.grid.power_flow_grid import branch_admittances
from gentie.workbench.cases import read_case

CASES = ("case_ACTIVSg2000", "case_ACTIVSg10k")
TOLERANCE_PU = 2e-7
MOST_STEPS = 30


@dataclass
class Told:
    """What one case came to; times are seconds of processor time."""

    name: str
    opened: int
    watched: int
    solved: int
    theirs_solved: int
    only_one_solved: int
    by_newton: int
    diverged: int
    worst_s: list[float]
    stored_s: list[float]
    theirs_s: list[float]
    theirs_flows_s: float
    worst_mb: float
    stored_mb: float
    theirs_mb: float
    voltage_difference_pu: float
    worst_difference_mva: float
    stored_difference_mva: float
    jit_s: float
    gemm: float
    copy: float

    def rate(self, seconds: list[float], solved: int) -> float:
        return solved / float(np.median(seconds))


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench ac-n1", description=__doc__)
    parser.add_argument("--case", action="append", help="a file or a shipped name; may be repeated")
    parser.add_argument("--runs", type=int, default=3, help="of lightsim2grid; ours run once more")
    given = parser.parse_args(words)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    told = []
    for case in given.case or CASES:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
            told.append(pool.submit(measure, case, max(1, given.runs)).result())
    say(told)


def measure(case: str, runs: int) -> Told:
    network = read_case(case).network
    flow = solve_power_flow(network, enforce_reactive_limits=False, tolerance_pu=1e-10)
    small = read_case("case9").network
    start = time.perf_counter()
    ours(small, solve_power_flow(small, enforce_reactive_limits=False), store=True)
    jit_s = time.perf_counter() - start
    gemm, copy = gemm_gflops(), copy_gigabytes_per_s()
    rows = np.flatnonzero(network.is_branch_live)
    model, order = lightsim2grid_model(network), lightsim2grid_order(network)
    base = model.ac_pf(flow.voltage_pu * np.exp(1j * np.deg2rad(flow.angle_deg)), 20, 1e-8)

    worst_s, stored_s, theirs_s = [], [], []
    with PeakMemory() as worst_memory:
        ours(network, flow, store=False)
    with PeakMemory() as stored_memory:
        found = ours(network, flow, store=True)

    def run_ours() -> None:
        for store, seconds in ((False, worst_s), (True, stored_s)):
            seconds.append(processor_s(lambda store=store: ours(network, flow, store=store)))

    run_ours()
    theirs_memory = 0.0
    for _ in range(runs):
        analysis = their_analysis(model, order, rows)
        with PeakMemory() as memory:
            theirs_s.append(
                processor_s(
                    lambda analysis=analysis: analysis.compute(base, MOST_STEPS, TOLERANCE_PU)
                )
            )
        theirs_memory = max(theirs_memory, memory.megabytes)
        run_ours()
    flows_s = processor_s(analysis.compute_power_flows)
    opened = order[np.array([ids[0] for ids in analysis.my_defaults()])]
    converged = np.array(analysis.converged_mask())
    mine = set(found.branch[found.status == OutageStatus.SOLVED].tolist())
    voltage, worst, stored = differences(network, found, opened, np.array(analysis.get_voltages()))
    return Told(
        name=network.name,
        opened=len(rows),
        watched=int((network.branches.rating_normal_mva[rows] > 0).sum()),
        solved=len(mine),
        theirs_solved=int(converged.sum()),
        only_one_solved=len(mine ^ set(opened[converged].tolist())),
        by_newton=int(found.by_newton.sum()),
        diverged=found.count(OutageStatus.DIVERGED),
        worst_s=worst_s,
        stored_s=stored_s,
        theirs_s=theirs_s,
        theirs_flows_s=flows_s,
        worst_mb=worst_memory.megabytes,
        stored_mb=stored_memory.megabytes,
        theirs_mb=theirs_memory,
        voltage_difference_pu=voltage,
        worst_difference_mva=worst,
        stored_difference_mva=stored,
        jit_s=jit_s,
        gemm=gemm,
        copy=copy,
    )


def processor_s(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def ours(network: Network, flow: PowerFlow, *, store: bool) -> AcContingencies:
    rows = np.flatnonzero(network.is_branch_live)
    rating = network.branches.rating_normal_mva
    watched = rows[rating[rows] > 0]
    return analyse_ac_contingencies(
        network,
        flow,
        branches=rows,
        units=np.zeros(0, np.int64),
        monitored=watched,
        normal_limit_mva=rating[watched],
        post_limit_mva=rating[watched],
        enforce_reactive_limits=False,
        simulate_islanding=False,
        tolerance_pu=TOLERANCE_PU,
        store_voltages=store,
        threads=1,
    )


def their_analysis(model: Any, order: Integers, rows: Integers) -> Any:
    """Its ContingencyAnalysisCPP with full Newton and KLU, every outage added."""
    from lightsim2grid.lightsim2grid_cpp import AlgorithmType, ContingencyAnalysisCPP

    theirs = np.empty(len(order), np.int64)
    theirs[order] = np.arange(len(order))
    analysis = ContingencyAnalysisCPP(model)
    analysis.change_algorithm(AlgorithmType.NR_KLU)
    analysis.nb_thread = 1
    analysis.add_multiple_n1(theirs[rows].tolist())
    return analysis


def differences(
    network: Network, found: AcContingencies, opened: Integers, states: Any
) -> tuple[float, float, float]:
    """Largest difference of a complex voltage (pu), of the worst flow of an outage (MVA), and of any
    flow worked out from the stored voltages (MVA)."""
    assert found.voltages is not None
    place = {int(row): c for c, row in enumerate(found.branch)}
    y_ff, y_ft, y_tf, y_tt = branch_admittances(network)
    a, z = network.branches.from_bus, network.branches.to_bus
    rating = network.branches.rating_normal_mva

    def powers(phasor: Any, without: int) -> Any:
        power = network.base_mva * np.array(
            [
                phasor[a] * np.conj(y_ff * phasor[a] + y_ft * phasor[z]),
                phasor[z] * np.conj(y_tf * phasor[a] + y_tt * phasor[z]),
            ]
        )
        power[:, without] = 0.0
        return power

    voltage_pu = worst_mva = stored_mva = 0.0
    for row, state in zip(opened.tolist(), states, strict=True):
        c = place[row]
        if found.status[c] != OutageStatus.SOLVED:
            continue
        magnitude, angle = found.voltages.of(c)
        phasor = magnitude * np.exp(1j * np.deg2rad(angle))
        voltage_pu = max(voltage_pu, float(np.abs(phasor - state).max()))
        theirs = powers(state, row)
        stored_mva = max(stored_mva, float(np.abs(powers(phasor, row) - theirs).max()))
        at = int(found.worst_branch[c])
        mva = float(np.abs(theirs[:, at]).max())
        worst_mva = max(worst_mva, abs(float(found.worst_loading[c]) * rating[at] - mva))
    return voltage_pu, worst_mva, stored_mva


def say(told: list[Told]) -> None:
    console = Console(width=118, highlight=False)
    console.print(machine_line(), soft_wrap=True)
    console.print(
        f"Matrix product {told[-1].gemm:.0f} Gflop/s, copy {told[-1].copy:.1f} GB/s, one thread, "
        "measured beside the largest case.",
        soft_wrap=True,
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("one thread, processor time")
    for head in ("median", "spread", "solved", "outages/s", "x theirs", "added memory"):
        table.add_column(head, justify="right")
    for one in told:
        theirs = one.rate(one.theirs_s, one.theirs_solved)
        for what, seconds, solved, megabytes in (
            (f"{one.name}: worst of each", one.worst_s, one.solved, one.worst_mb),
            ("  every voltage kept", one.stored_s, one.solved, one.stored_mb),
            ("  lightsim2grid, NR_KLU", one.theirs_s, one.theirs_solved, one.theirs_mb),
        ):
            rate = one.rate(seconds, solved)
            table.add_row(
                what,
                f"{np.median(seconds):.3f} s",
                f"{min(seconds):.3f}–{max(seconds):.3f}",
                f"{solved:,}",
                f"{rate:,.0f}",
                f"{rate / theirs:.1f}",
                f"{megabytes:,.0f} MB",
            )
    console.print(table)
    for one in told:
        same = "the same outages" if not one.only_one_solved else f"{one.only_one_solved} OTHERS"
        console.print(
            f"{one.name}: {one.opened:,} outages, {one.watched:,} branches watched; {same} solved; "
            f"{one.diverged} diverged; {one.by_newton} handed to full Newton; voltages within "
            f"{one.voltage_difference_pu:.1e} pu, the worst flow of each outage within "
            f"{one.worst_difference_mva:.1e} MVA, any flow worked out from the voltages as stored "
            f"within {one.stored_difference_mva:.1e} MVA; "
            f"its flows would take {one.theirs_flows_s:.1f} s more; first call {one.jit_s:.1f} s",
            soft_wrap=True,
        )
    ratios = [
        one.rate(one.stored_s, one.solved) / one.rate(one.theirs_s, one.theirs_solved)
        for one in told
    ]
    print(f"bench ac-n1: {min(ratios):.1f} x lightsim2grid")
