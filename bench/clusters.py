"""The demonstration's cluster, and how studies of it are timed: in processor seconds, warm."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from importlib.resources import files
from typing import TypeVar

from gentie.rulebook.book import load_grid_profile, load_rulebook
from gentie.workbench.cases import read_case
from gentie.workbench.study import Inputs

Answer = TypeVar("Answer")


def demonstration() -> Inputs:
    """120 requests, 28 GW, on the grid of 10,000 buses."""
    case = read_case("case_ACTIVSg10k")
    return Inputs(
        case=case,
        requests_content=(files("gentie") / "demo" / "requests.csv").read_bytes(),
        requests_name="requests.csv",
        rulebook=load_rulebook(),
        profile=load_grid_profile(case.name),
    )


def timed(call: Callable[[], Answer]) -> tuple[Answer, float, float]:
    """The answer, processor seconds of all threads, and seconds on the wall."""
    wall, processor = time.perf_counter(), time.process_time()
    answer = call()
    return answer, time.process_time() - processor, time.perf_counter() - wall


def runs_asked_for(words: list[str], *, name: str, about: str | None, runs: int) -> int:
    """How often to measure, from the words of the command line."""
    parser = argparse.ArgumentParser(prog=f"python -m bench {name}", description=about)
    parser.add_argument("--runs", type=int, default=runs, help="of which the median is told")
    return max(1, int(parser.parse_args(words).runs))


def spread(seconds: list[float]) -> str:
    """Median and range of processor seconds."""
    middle = sorted(seconds)[len(seconds) // 2]
    return f"{middle:.2f} s ({min(seconds):.2f}–{max(seconds):.2f})"
