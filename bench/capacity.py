"""Capacity at every bus beside plain numpy and beside lightsim2grid's factor tables.

Every live bus of the case is asked, one at a time: the MW before the first element reaches a limit
with nothing out or after any single outage, what limits, and the next other element. All areas, the
screening of the rulebook (cut-off 3%).

The clock of ours runs from the network in memory to the answer, with all preparation: factoring, the
N-1 pass, the lists. The peers do every pair for every bus, and that takes hours: they are asked for
a labelled sample of the buses, and told is what one more bus costs them, their preparation left out
in their favour.

- plain numpy: outage factors in blocks from scipy's SuperLU, a scan of each block for each bus
  (`tests/plain_capacity.py`);
- lightsim2grid: its dense tables of transfer and outage factors (`get_ptdf`, `get_lodf`), the same
  scan. It has no capacity of its own. Only where the tables fit (`--tables-up-to` MB).
"""

from __future__ import annotations

import argparse
import os
import time
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
from gentie.engines.grid.network import Floats, Integers, Network
from gentie.engines.interconnection.capacity import Capacity, capacity_of
from gentie.engines.interconnection.published import PublishedCase, Screening, publish
from gentie.workbench.cases import read_case
from tests.plain_capacity import plain_capacity_mw

CASES = ("case_ACTIVSg2000", "case_ACTIVSg10k", "case_ACTIVSg25k", "case_ACTIVSg70k")

HEADLINE = "case_ACTIVSg10k"
"""The case whose ratio stands in the last line."""

OPERATIONS_PER_PAIR = 8.0
"""Two multiply-adds, a difference, a quotient and two comparisons: a scan of one pair."""


@dataclass
class Ours:
    """Seconds on the clock and of the processor by threads, and the answer."""

    clock_s: dict[int, float]
    processor_s: dict[int, float]
    prepared_s: float
    peak_mb: float
    capacity_mw: Floats
    next_mw: Floats
    buses: int
    elements: int
    outages: int
    gemm: float
    copy: float


@dataclass
class Peer:
    """What a peer's sample cost and gave."""

    name: str
    buses: Integers
    per_bus_s: float
    capacity_mw: Floats
    next_mw: Floats


def screening(cut_off: float) -> Screening:
    return Screening(
        areas=(),
        cut_off=cut_off,
        minimum_kv=69.0,
        emergency_multiplier=1.15,
        imbalance_on_load=True,
    )


def every_bus(network: Network) -> Integers:
    return np.flatnonzero(network.is_bus_live)


def sampled(network: Network, count: int) -> Integers:
    buses = every_bus(network)
    return np.sort(np.random.default_rng(2026).choice(buses, count, replace=False))


def answer(network: Network, cut_off: float, threads: int) -> tuple[Capacity, float]:
    """As the service asks it: the published case, then all buses; processor seconds of the first."""
    used = time.process_time()
    case = publish(network, screening(cut_off), threads=threads)
    prepared = time.process_time() - used
    return capacity_of(case, every_bus(network), threads=threads), prepared


def measure_ours(name: str, cut_off: float, runs: int) -> Ours:
    network = read_case(name).network
    answer(read_case("case_RTS_GMLC").network, cut_off, 1)  # compiled before the clock runs
    clock, processor, prepared, megabytes = {}, {}, 0.0, 0.0
    for threads in (1, 2):
        best_clock, best_used = np.inf, np.inf
        for _ in range(runs):
            start, used = time.perf_counter(), time.process_time()
            with PeakMemory() as peak:
                found, prepared = answer(network, cut_off, threads)
            best_clock = min(best_clock, time.perf_counter() - start)
            best_used = min(best_used, time.process_time() - used)
            megabytes = max(megabytes, peak.megabytes)
        clock[threads], processor[threads] = best_clock, best_used
    case = publish(network, screening(cut_off))
    return Ours(
        clock_s=clock,
        processor_s=processor,
        prepared_s=prepared,
        peak_mb=megabytes,
        capacity_mw=found.capacity_mw,
        next_mw=found.next_mw,
        buses=len(found.bus_row),
        elements=len(case.monitored),
        outages=len(case.outages),
        gemm=gemm_gflops(),
        copy=copy_gigabytes_per_s(),
    )


def slope(call: Any, few: Integers, more: Integers) -> tuple[float, Any]:
    """Processor seconds of one more bus, from two sizes of sample, and the larger's answer."""
    used = time.process_time()
    call(few)
    between = time.process_time()
    found = call(more)
    seconds = (time.process_time() - between) - (between - used)
    return seconds / (len(more) - len(few)), found


def measure_numpy(name: str, cut_off: float, sample: int) -> Peer:
    network = read_case(name).network
    case, buses = publish(network, screening(cut_off)), sampled(network, sample)
    per_bus, (first, limits) = slope(
        lambda rows: plain_capacity_mw(case, rows), buses[: sample // 4], buses
    )
    return Peer("plain numpy", buses, per_bus, first, np.partition(limits, 1, axis=1)[:, 1])


def measure_lightsim2grid(name: str, cut_off: float, sample: int) -> Peer:
    network = read_case(name).network
    case, buses = publish(network, screening(cut_off)), sampled(network, sample)
    model, order = lightsim2grid_model(network), lightsim2grid_order(network)
    model.dc_pf(np.ones(len(network.buses), np.complex128), 1, 1e-8)
    theirs = np.empty(len(order), np.int64)
    theirs[order] = np.arange(len(order))
    watched, opened = theirs[case.monitored], theirs[case.outages]
    transfer = model.get_ptdf()[watched]
    moved = np.ascontiguousarray(model.get_lodf()[np.ix_(watched, opened)])

    def scan(rows: Integers) -> tuple[Floats, Floats]:
        return scan_tables(case, transfer, moved, rows)

    per_bus, (first, second) = slope(scan, buses[: sample // 4], buses)
    return Peer("lightsim2grid's tables", buses, per_bus, first, second)


def scan_tables(
    case: PublishedCase, transfer: Floats, moved: Floats, buses: Integers
) -> tuple[Floats, Floats]:
    """First and next limit of each bus from dense tables, a block of outages at a time."""
    watched, flow = case.monitored, case.flow_mw[case.monitored]
    places = np.searchsorted(watched, case.outages)
    fleet = transfer[:, case.fleet_bus] @ case.fleet_share
    least = max(case.screening.cut_off, 1e-9)
    out = np.empty((2, len(buses)))
    post = case.post_limit_mw[:, None]
    for at, bus in enumerate(buses):
        h = transfer[:, bus] - fleet
        counts = (np.abs(h) >= least) & (np.abs(flow) <= case.normal_limit_mw)
        limits = np.divide(
            case.normal_limit_mw - np.sign(h) * flow,
            np.abs(h),
            out=np.full(len(h), np.inf),
            where=counts,
        )
        for first in range(0, len(places), 16):
            some = places[first : first + 16]
            factor = moved[:, first : first + 16]
            share, after = h[:, None] + factor * h[some], flow[:, None] + factor * flow[some]
            size = np.abs(share)
            counts = (size >= least) & (np.abs(after) <= post)
            counts[some, np.arange(len(some))] = False
            found = np.divide(
                post - np.sign(share) * after, size, out=np.full(size.shape, np.inf), where=counts
            )
            np.minimum(limits, found.min(axis=1), out=limits)
        out[:, at] = np.partition(limits, 1)[:2]
    return out[0], out[1]


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench capacity", description=__doc__)
    parser.add_argument("--case", nargs="*", default=CASES, help="files or shipped names")
    parser.add_argument("--runs", type=int, default=3, help="of which the best is told")
    parser.add_argument("--cut-off", type=float, default=0.03)
    parser.add_argument("--sample", type=int, default=8, help="buses that a peer is asked for")
    parser.add_argument("--tables-up-to", type=float, default=4000.0, metavar="MB")
    given = parser.parse_args(words)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    console = Console(width=112, highlight=False)
    console.print(machine_line(), soft_wrap=True)
    last = ""
    for name in given.case:
        line = bench_case(console, name, given)
        if name == HEADLINE or not last:
            last = line
    print(last)


def bench_case(console: Console, name: str, given: argparse.Namespace) -> str:
    """Measure one case, each contender in a process of its own; the ratio as a line."""

    def apart(call: Any, *words: Any) -> Any:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            return pool.submit(call, *words).result()

    network = read_case(name).network
    ours: Ours = apart(measure_ours, name, given.cut_off, given.runs)
    # Few buses where one of them takes minutes.
    sample = max(4, given.sample if ours.elements < 20_000 else given.sample // 2)
    peers = [apart(measure_numpy, name, given.cut_off, sample)]
    if len(network.branches) ** 2 * 8e-6 * 2 < given.tables_up_to:
        peers.append(apart(measure_lightsim2grid, name, given.cut_off, sample))
    say(console, network, ours, peers)
    per_bus = ours.processor_s[1] / ours.buses
    return f"bench capacity: {peers[0].per_bus_s / per_bus:,.0f} x plain numpy"


def say(console: Console, network: Network, ours: Ours, peers: list[Peer]) -> None:
    pairs = ours.elements * ours.outages
    console.print(
        f"\n{network.name}: {ours.buses:,} buses; {ours.elements:,} elements x {ours.outages:,} "
        f"outages = {pairs / 1e6:,.0f} million pairs for each.",
        soft_wrap=True,
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in ("", "all buses", "one bus", "memory", "ratio", "difference"):
        table.add_column(head, justify="right" if head else "left")
    per_bus = ours.processor_s[1] / ours.buses
    for threads in (1, 2):
        table.add_row(
            f"gentie, {threads} thread{'s' * (threads > 1)}",
            f"{ours.processor_s[threads]:.2f} s processor, {ours.clock_s[threads]:.2f} s clock",
            f"{1e3 * ours.processor_s[threads] / ours.buses:.3f} ms",
            f"{ours.peak_mb:,.0f} MB",
            "",
            "",
        )
    for peer in peers:
        at = np.searchsorted(every_bus(network), peer.buses)
        difference = max(
            np.abs(ours.capacity_mw[at] - peer.capacity_mw).max(),
            np.abs(ours.next_mw[at] - peer.next_mw).max(),
        )
        table.add_row(
            f"{peer.name}, {len(peer.buses)} buses sampled",
            f"would take {peer.per_bus_s * ours.buses:,.0f} s",
            f"{1e3 * peer.per_bus_s:,.0f} ms",
            "–",
            f"{peer.per_bus_s / per_bus:,.0f}",
            f"{difference:.0e} MW",
        )
    console.print(table)
    every_pair = OPERATIONS_PER_PAIR * pairs * ours.buses / ours.gemm / 1e9
    console.print(
        f"Of our processor seconds {ours.prepared_s:.2f} publish the case. A scan of every pair for "
        f"every bus at the rate of this core's matrix product ({ours.gemm:.0f} Gflop/s) would take "
        f"{every_pair:,.0f} s; copy {ours.copy:.1f} GB/s.",
        soft_wrap=True,
    )
