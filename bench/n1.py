"""The fused N-1 kernel beside lightsim2grid's DC contingency analysis and a blocked numpy one.

Every live branch is opened, one at a time; every branch with a normal rating is watched against
it; all three give the worst loading of each branch with its outage, and the worst branch of each
outage. Injections are the stored dispatch with the slack taking what is missing, phase shifts and
conductance of shunts included: the base flows of the three are compared first.

On a large grid the peers open a labelled sample of the branches, drawn once, and rates are compared:
seconds for each outage asked. The answers are compared on that sample.

Each contender has a process of its own, and the clock runs from the network in memory (lightsim2grid:
from its model in memory) to those answers: factoring is in it, reading the file is not.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

import numba
import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import splu

from bench.machine import PeakMemory, copy_gigabytes_per_s, gemm_gflops, machine_line
from bench.peers import lightsim2grid_model, lightsim2grid_order
from gentie.engines.grid.contingencies import (
    analyse_contingencies,
    blocks_by_position,
    islanding_outages,
)
from gentie.engines.grid.linear import BLOCK, base_injection_mw, linear_model, touch
from gentie.engines.grid.network import Booleans, Floats, Integers, Network
from gentie.workbench.cases import read_case

CASES = ("case_ACTIVSg2000", "case_ACTIVSg10k", "case_ACTIVSg25k", "case_ACTIVSg70k")

HEADLINE = "case_ACTIVSg10k"
"""The case whose ratio stands in the last line."""

EVERY_OUTAGE_UP_TO = 15_000
"""Live branches up to which the peers open every one."""

AT_ONCE = 16
"""Outages in a block of the numpy contender: the fastest from 4 to 1,024 on the large case."""


@dataclass
class Answer:
    """What each contender gives; the rows are the network's."""

    base_flow_mw: Floats
    worst_loading: Floats
    worst_outage: Integers
    outages: Integers
    outage_loading: Floats
    outage_branch: Integers


@dataclass
class Measured:
    """One contender: seconds of every run by thread count, where they went, and the answer."""

    name: str
    answer: Answer
    seconds: dict[int, list[float]]
    processor_s: float
    split: dict[str, float] = field(default_factory=dict)
    peak_mb: float = 0.0
    jit_s: float = 0.0
    work: dict[str, float] = field(default_factory=dict)
    also_solved: int = 0
    """Outages that cut part of the grid off and were given an answer all the same."""


def watched(network: Network, sample: int = 0) -> tuple[Integers, Floats, Integers]:
    """Rows with a normal rating, the ratings, and the rows that are opened.

    Every live one is, or, where a sample is asked, that many of them.
    """
    live = network.is_branch_live
    rows = np.flatnonzero(live & (network.branches.rating_normal_mva > 0))
    opened = np.flatnonzero(live)
    if sample:
        opened = np.sort(np.random.default_rng(2026).choice(opened, sample, replace=False))
    return rows, network.branches.rating_normal_mva[rows], opened


def timed(
    runs: int, threads: tuple[int, ...], call: Callable[[int], tuple[Answer, dict[str, float]]]
) -> dict[str, Any]:
    """Run for each number of threads; all but the seconds are those of the first number."""
    with PeakMemory() as peak:
        answer, _ = call(threads[0])
    seconds: dict[int, list[float]] = {}
    splits: list[dict[str, float]] = []
    processor: list[float] = []
    for count in threads:
        seconds[count] = []
        for _ in range(runs):
            start, used = time.perf_counter(), time.process_time()
            answer, split = call(count)
            seconds[count].append(time.perf_counter() - start)
            if count == threads[0]:
                splits.append(split)
                processor.append(time.process_time() - used)
    return {
        "answer": answer,
        "seconds": seconds,
        "processor_s": float(np.median(processor)),
        "split": {key: float(np.median([one[key] for one in splits])) for key in splits[0]},
        "peak_mb": peak.megabytes,
    }


# Ours


def measure_ours(case: str, runs: int, sample: int) -> Measured:
    network = read_case(case).network
    start = time.perf_counter()
    ours(read_case("case9").network, 1)
    jit = time.perf_counter() - start
    found = timed(runs, (1, 2), lambda threads: ours(network, threads))
    work = work_of(network, found["processor_s"])
    if sample:
        found["answer"], _ = ours(network, 2, sample)
    return Measured("gentie", **found, jit_s=jit, work=work)


def ours(network: Network, threads: int, sample: int = 0) -> tuple[Answer, dict[str, float]]:
    """The kernel as the service calls it."""
    start = time.perf_counter()
    model = linear_model(network)
    flow = model.flow_mw(base_injection_mw(network, imbalance_on_load=False))
    between = time.perf_counter()
    rows, rating, outages = watched(network, sample)
    result = analyse_contingencies(
        model,
        flow,
        monitored=rows,
        normal_limit_mw=rating,
        post_limit_mw=rating,
        outages=outages,
        threads=threads,
    )
    split = {"factor": between - start, "solve and scan": time.perf_counter() - between}
    return Answer(
        flow,
        result.worst_loading,
        result.worst_outage,
        result.outages,
        result.outage_worst_loading,
        result.outage_worst_branch,
    ), split


def work_of(network: Network, seconds: float) -> dict[str, float]:
    """Arithmetic that the kernel does, against what this machine does at its best."""
    model = linear_model(network)
    rows, _, outages = watched(network)
    start = model.factor.column_start.astype(np.int64)
    off_diagonal = start[-1] - (len(start) - 1)
    order, first = blocks_by_position(model, outages)
    ends = [position[outages[order]] for position in (model.from_position, model.to_position)]
    forward = entries_touched(*model.solve_arguments[:2], *ends) * BLOCK
    backward = (off_diagonal + len(start) - 1) * BLOCK * len(first)
    scan = 6.0 * len(rows) * BLOCK * len(first)
    operations = 2.0 * (forward + backward) + scan
    return {
        "gflops": operations / seconds / 1e9,
        "solve_share": 2.0 * (forward + backward) / operations,
        "gemm": gemm_gflops(),
        "copy": copy_gigabytes_per_s(),
    }


@numba.njit(cache=True)
def entries_touched(column_start, row, from_position, to_position):  # type: ignore[no-untyped-def]
    """Entries of the factor that the forward solves of all blocks go through."""
    n = len(column_start) - 1
    total = 0
    nothing = np.zeros((n + 1, BLOCK))
    for start in range(0, len(from_position), BLOCK):
        is_touched = np.zeros(n, np.bool_)
        for c in range(start, min(start + BLOCK, len(from_position))):
            touch(column_start, row, from_position[c], is_touched, nothing)
            touch(column_start, row, to_position[c], is_touched, nothing)
        for j in range(n):
            if is_touched[j]:
                total += column_start[j + 1] - column_start[j] - 1
    return total


# lightsim2grid


def measure_lightsim2grid(case: str, runs: int, sample: int) -> Measured:
    network = read_case(case).network
    model, order = lightsim2grid_model(network), lightsim2grid_order(network)
    start = time.perf_counter()
    one = np.zeros(1, np.int64)
    reduce_flows(np.zeros((1, 1)), np.zeros(1), one, one)
    jit = time.perf_counter() - start
    model.dc_pf(np.ones(len(network.buses), np.complex128), 1, 1e-8)
    base = np.empty(len(order))
    base[order] = np.concatenate([model.get_line_res1()[0], model.get_trafo_res1()[0]])
    cut = np.zeros(len(order), np.bool_)
    every = np.arange(len(order))
    cut[[one.branch_row for one in islanding_outages(linear_model(network), every)]] = True
    peer = Peer(model, order, base, cut)
    found = timed(runs, (1, 2), lambda threads: lightsim2grid(network, peer, threads, sample))
    return Measured("lightsim2grid", **found, jit_s=jit, also_solved=peer.also_solved)


@dataclass
class Peer:
    """The network in lightsim2grid, and what its clock need not run for.

    Attributes:
        model: of lightsim2grid.
        order: our branch row for each of its branches.
        base: its base flows, MW.
        cut: (m,) branches whose outage cuts part of the grid off.
        also_solved: how many of those it gave an answer for, in the last run.
    """

    model: Any
    order: Integers
    base: Floats
    cut: Booleans
    also_solved: int = 0


def lightsim2grid(
    network: Network, peer: Peer, threads: int, sample: int
) -> tuple[Answer, dict[str, float]]:
    """Its ContingencyAnalysisCPP with KLU: compute, flows, then our reduction to the worst."""
    from lightsim2grid.lightsim2grid_cpp import AlgorithmType, ContingencyAnalysisCPP

    start = time.perf_counter()
    rows, rating, outages = watched(network, sample)
    order = peer.order
    theirs = np.empty(len(order), np.int64)
    theirs[order] = np.arange(len(order))
    analysis = ContingencyAnalysisCPP(peer.model)
    analysis.change_algorithm(AlgorithmType.DC_KLU)
    analysis.nb_thread = threads
    analysis.add_multiple_n1(theirs[outages].tolist())
    analysis.compute(np.ones(len(network.buses), np.complex128), 10, 1e-8)
    computed = time.perf_counter()
    flows = analysis.compute_power_flows()
    flowed = time.perf_counter()
    solved = np.array(analysis.converged_mask())
    opened = order[np.array([ids[0] for ids in analysis.my_defaults()])]
    keep = np.flatnonzero(solved & ~peer.cut[opened])
    peer.also_solved = int(solved.sum()) - len(keep)
    worst, worst_at, outage_worst, outage_at = reduce_flows(flows, 1.0 / rating, theirs[rows], keep)
    sequence = np.argsort(opened[keep])
    answer = Answer(
        peer.base,
        worst,
        opened[worst_at],
        opened[keep][sequence],
        outage_worst[sequence],
        rows[outage_at][sequence],
    )
    return answer, {
        "compute": computed - start,
        "flows": flowed - computed,
        "reduce to the worst": time.perf_counter() - flowed,
    }


@numba.njit(cache=True)
def reduce_flows(  # type: ignore[no-untyped-def]
    flows, inverse_limit, columns, keep
):
    """Worst of each column and each row of a table of flows, in one pass through memory."""
    worst = np.zeros(len(columns))
    worst_at = np.zeros(len(columns), np.int64)
    outage_worst = np.zeros(len(keep))
    outage_at = np.zeros(len(keep), np.int64)
    for q in range(len(keep)):
        row = flows[keep[q]]
        for k in range(len(columns)):
            loading = abs(row[columns[k]]) * inverse_limit[k]
            if loading > worst[k]:
                worst[k] = loading
                worst_at[k] = keep[q]
            if loading > outage_worst[q]:
                outage_worst[q] = loading
                outage_at[q] = k
    return worst, worst_at, outage_worst, outage_at


# numpy


def measure_numpy(case: str, runs: int, sample: int) -> Measured:
    network = read_case(case).network
    return Measured("numpy, SuperLU", **timed(runs, (1,), lambda _: blocked_numpy(network, sample)))


def blocked_numpy(network: Network, sample: int) -> tuple[Answer, dict[str, float]]:
    """Sparse factor, blocks of right-hand sides, a dense block of factors, the worst of it."""
    start = time.perf_counter()
    rows, rating, outages = watched(network, sample)
    branches, n = network.branches, len(network.buses)
    shift = np.deg2rad(branches.shift_deg)
    b = np.where(
        network.is_branch_live, network.base_mva / (branches.reactance_pu * branches.tap_ratio), 0.0
    )
    a, z = branches.from_bus, branches.to_bus
    keep = np.flatnonzero(network.is_bus_live & (network.buses.kind != 3))
    corner = (np.concatenate([a, z, a, z]), np.concatenate([a, z, z, a]))
    matrix = csc_matrix((np.concatenate([b, b, -b, -b]), corner), shape=(n, n))
    lu = splu(matrix[keep][:, keep].tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0)
    injection = network.injection_mw + np.bincount(a, b * shift, n) - np.bincount(z, b * shift, n)
    angle = np.zeros(n)
    angle[keep] = lu.solve(injection[keep])
    flow = b * (angle[a] - angle[z] - shift)
    factored = time.perf_counter()
    place = np.full(len(branches), -1)
    place[rows] = np.arange(len(rows))
    weight, before = (b[rows] / rating)[:, None], (flow[rows] / rating)[:, None]
    worst, worst_at = np.zeros(len(rows)), np.full(len(rows), -1)
    solved, outage_worst, outage_at = [], [], []
    for first in range(0, len(outages), AT_ONCE):
        opened = outages[first : first + AT_ONCE]
        across = np.zeros((n, len(opened)))
        column = np.arange(len(opened))
        across[a[opened], column] = 1.0
        across[z[opened], column] -= 1.0
        solution = np.zeros((n, len(opened)))
        solution[keep] = lu.solve(across[keep])
        left = 1.0 - b[opened] * (solution[a[opened], column] - solution[z[opened], column])
        is_solved = np.abs(left) > 1e-9
        opened, solution = opened[is_solved], solution[:, is_solved]
        if not len(opened):
            continue
        loading = (solution[a[rows]] - solution[z[rows]]) * weight
        loading *= flow[opened] / left[is_solved]
        loading += before
        np.abs(loading, out=loading)
        own = place[opened]
        loading[own[own >= 0], np.flatnonzero(own >= 0)] = 0.0
        at = loading.argmax(axis=1)
        highest = loading[np.arange(len(rows)), at]
        better = highest > worst
        worst[better], worst_at[better] = highest[better], opened[at[better]]
        at = loading.argmax(axis=0)
        outage_worst.append(loading[at, np.arange(len(opened))])
        outage_at.append(rows[at])
        solved.append(opened)
    split = {"factor": factored - start, "solve and scan": time.perf_counter() - factored}
    return Answer(
        flow,
        worst,
        worst_at,
        np.concatenate(solved),
        np.concatenate(outage_worst),
        np.concatenate(outage_at),
    ), split


# Side by side


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench n1", description=__doc__)
    parser.add_argument("--case", nargs="*", default=CASES, help="files or shipped names")
    parser.add_argument("--runs", type=int, default=5, help="of which the median is told")
    parser.add_argument("--sample", type=int, default=500, help="outages of a peer on a large grid")
    given = parser.parse_args(words)
    # One thread for BLAS, and a compiler cache of its own so that the compile time is a real one.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    last = ""
    for case in given.case:
        network = read_case(case).network
        sample = given.sample if network.is_branch_live.sum() > EVERY_OUTAGE_UP_TO else 0
        runs = 1 if sample else max(3, given.runs)
        calls = (measure_ours, measure_lightsim2grid, measure_numpy)
        with (
            tempfile.TemporaryDirectory() as cache,
            ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool,
        ):
            os.environ["NUMBA_CACHE_DIR"] = cache
            found = [pool.submit(call, case, runs, sample).result() for call in calls]
        line = say(network, found, runs, sample)
        last = line if case == HEADLINE or not last else last
    print(last)


def say(network: Network, found: list[Measured], runs: int, sample: int) -> str:
    """Print the table of one case; the ratio on one thread as a line."""
    ours_, theirs, numpy_ = found
    console = Console(width=112, highlight=False)
    rows, _, every = watched(network)
    asked = {id(ours_): len(every)}
    outages = watched(network, sample)[2]
    console.print(
        f"\n{network.name}: {len(network.buses):,} buses; {len(every):,} outages (every live branch) "
        f"x {len(rows):,} watched (every rated one, against its normal rating)."
        + (f" The peers open a sample of {sample}; rates are compared." if sample else ""),
        soft_wrap=True,
    )
    console.print(machine_line(), soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(f"median of {runs}")
    heads = ("1 thread", "spread", "processor", "2 threads", "peak memory", "asked", "ns/pair")
    for head in (*heads, "difference"):
        table.add_column(head, justify="right")
    for one in (ours_, theirs, numpy_):
        single, double = one.seconds[1], one.seconds.get(2)
        count = asked.get(id(one), len(outages))
        table.add_row(
            one.name,
            f"{np.median(single):.3f} s",
            f"{min(single):.3f}–{max(single):.3f}",
            f"{one.processor_s:.3f} s",
            f"{np.median(double):.3f} s" if double else "–",
            f"{one.peak_mb:,.0f} MB",
            f"{count:,}",
            f"{1e9 * one.processor_s / count / len(rows):.1f}",
            "–" if one is ours_ else f"{difference(ours_.answer, one.answer):.1e}",
        )
    console.print(table)
    for one in (ours_, theirs, numpy_):
        parts = ", ".join(f"{what} {seconds:.3f} s" for what, seconds in one.split.items())
        jit = f"; compiling before the clock {one.jit_s:.1f} s" if one.jit_s else ""
        console.print(f"{one.name}: {parts}{jit}", soft_wrap=True)
    for one in (theirs, numpy_):
        console.print(agreement(ours_.answer, one, len(outages)), soft_wrap=True)
    work = ours_.work
    console.print(
        f"Ours, factoring included: {work['gflops']:.1f} Gflop/s on one core (two multiply-adds per entry "
        f"of the factor: {100 * work['solve_share']:.0f}%; six per pair: the rest), "
        f"{100 * work['gflops'] / work['gemm']:.0f}% of this core's matrix product "
        f"({work['gemm']:.0f} Gflop/s); copy {work['copy']:.1f} GB/s.",
        soft_wrap=True,
    )
    # By processor time, so that a busy machine does not decide it.
    per_outage = ours_.processor_s / len(every)
    ratios = [one.processor_s / len(outages) / per_outage for one in (theirs, numpy_)]
    console.print(
        f"On one thread, by processor time: {ratios[0]:.1f} x lightsim2grid, {ratios[1]:.1f} x numpy."
    )
    return f"bench n1: {ratios[0]:.1f} x lightsim2grid"


def difference(ours_: Answer, theirs: Answer) -> float:
    """Largest difference of a worst loading, by outage and by branch, 1 = at the limit."""
    if not np.array_equal(ours_.outages, theirs.outages):
        return float("nan")
    by_outage = np.abs(ours_.outage_loading - theirs.outage_loading).max()
    return float(max(by_outage, np.abs(ours_.worst_loading - theirs.worst_loading).max()))


def agreement(ours_: Answer, peer: Measured, outages: int) -> str:
    """What was solved by whom, and whether the same branches and outages are named."""
    theirs = peer.answer
    flow = np.abs(ours_.base_flow_mw - theirs.base_flow_mw).max()
    same = np.array_equal(ours_.outages, theirs.outages)
    branch = (ours_.outage_branch != theirs.outage_branch).sum() if same else "?"
    outage = (ours_.worst_outage != theirs.worst_outage).sum()
    also = ""
    if peer.also_solved:
        also = (
            f" (it answers {peer.also_solved} of those too, where what is cut off has no load or "
            "output: rounding hides the zero pivot)"
        )
    return (
        f"{peer.name}: base flows within {flow:.0e} MW; {'the same' if same else 'OTHER'} "
        f"{len(theirs.outages):,} outages solved, {outages - len(ours_.outages):,} that cut part "
        f"of the grid off left out{also}; among equal loadings it names another branch for "
        f"{branch} outages and another outage for {outage} branches"
    )
