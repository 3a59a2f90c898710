"""What the machine is and what it can do at most, so that a measured time can be judged."""

from __future__ import annotations

import os
import platform
import resource
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Self

import numpy as np


def machine_line() -> str:
    """Processor, cores and the versions that decide the times."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        said = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = said[0].partition(":")[2].strip() if said else model
    names = ("numpy", "scipy", "numba", "lightsim2grid")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}"


def gemm_gflops(n: int = 2048) -> float:
    """Billions of float64 operations a second in a matrix product, the machine's best."""
    a = np.random.default_rng(1).random((n, n))
    a @ a
    return 2.0 * n**3 / best_of(3, lambda: a @ a) / 1e9


def copy_gigabytes_per_s(megabytes: int = 512) -> float:
    """Rate of a long copy, bytes read and bytes written both counted."""
    source = np.ones(megabytes * 125_000)
    target = np.empty_like(source)
    np.copyto(target, source)
    return 2.0 * source.nbytes / best_of(3, lambda: np.copyto(target, source)) / 1e9


def best_of(runs: int, call: Callable[[], object]) -> float:
    """Processor seconds of the fastest run, so that a busy machine is not taken for a slow one."""
    times = []
    for _ in range(runs):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


class PeakMemory:
    """Megabytes that a stretch of work adds to the process at its highest.

    Where the kernel lets a process reset its own high-water mark (Linux), that is the figure;
    elsewhere it is the rise of the mark over the whole process, a lower bound.
    """

    def __enter__(self) -> Self:
        """Begin."""
        try:
            Path("/proc/self/clear_refs").write_text("5")
            self._before = _status_mb("VmRSS")
        except OSError:
            self._before = _mark_mb()
        return self

    def __exit__(self, *_: object) -> None:
        """End; ``megabytes`` holds the figure."""
        self.megabytes = max(0.0, _mark_mb() - self._before)


def _mark_mb() -> float:
    if Path("/proc/self/status").exists():
        return _status_mb("VmHWM")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _status_mb(key: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return float(line.split()[1]) / 1024
    return 0.0
