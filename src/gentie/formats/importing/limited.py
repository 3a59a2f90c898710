"""Reading a foreign file in a process of its own that can do no harm."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from gentie.engines.grid.labels import Labels
from gentie.engines.grid.network import Network
from gentie.formats.importing.carrying import NotCarried, carried
from gentie.formats.importing.kinds import Kind
from gentie.quantities.findings import BadInput, Finding

WORKER = "gentie.formats.importing.worker"
WORKERS = {Kind.CGMES: "gentie.formats.importing.cgmes_worker"}
BY_POWSYBL = "pypowsybl: "
OUT_OF_MEMORY = 71
OUT_OF_SPACE = 72


@dataclass(frozen=True)
class ImportLimits:
    """What the reading of one foreign file may take.

    The largest public case (82,000 buses) takes 2 s and 0.3 GB.
    """

    source_mb: int = 200
    memory_mb: int = 4_000
    processor_s: int = 120
    wall_clock_s: float = 180.0
    written_mb: int = 1_000


@dataclass(frozen=True, eq=False)
class Imported:
    """What came back from the worker process.

    Attributes:
        network: made of the file.
        labels: the file's own names of the network's rows.
        fidelity: what was dropped, defaulted or assumed.
        notes: limits that this machine could not set on the worker.
    """

    network: Network
    labels: Labels
    fidelity: tuple[Finding, ...]
    notes: tuple[Finding, ...]


def read_in_worker(
    content: bytes, file_name: str, limits: ImportLimits, kind: Kind = Kind.MATPOWER
) -> Imported:
    """Read a case in a fresh, limited process.

    Args:
        content: of the file.
        file_name: for messages.
        kind: the format of the file.
        limits: of the process; past one of them it is ended.

    Returns:
        The network, its fidelity report and the limits that could not be set.

    Raises:
        BadInput: the file cannot be used, or its reading went past a limit.

    Neglects: limits on memory where the system cannot set them (macOS); ``notes`` says so.
    """
    with tempfile.TemporaryFile(prefix="gentie-") as result:
        code = _run(content, file_name, limits, result.fileno(), kind)
        if code:
            raise BadInput(_ended(code, file_name, limits))
        result.seek(0)
        try:
            came = carried(result)
        except NotCarried as cause:
            raise BadInput(_ended(code, file_name, limits)) from cause
    if came.network is None or came.labels is None:
        raise BadInput(came.findings)
    return Imported(
        came.network, came.labels, came.findings, tuple(_unset(name) for name in came.notes)
    )


def _run(content: bytes, file_name: str, limits: ImportLimits, result: int, kind: Kind) -> int:
    """Start the worker, wait for it, and give its exit code; ended workers give a negative one."""
    wanted = {
        "memory_mb": limits.memory_mb,
        "processor_s": limits.processor_s,
        "written_mb": limits.written_mb,
    }
    command = [
        *(sys.executable, "-P", "-m", WORKERS.get(kind, WORKER)),
        *(file_name, kind.value, json.dumps(wanted)),
    ]
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
    }
    environment |= {
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    try:
        return subprocess.run(  # noqa: S603 - our own interpreter and module
            command,
            input=content,
            stdout=result,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=limits.wall_clock_s,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        return -signal.SIGALRM


def _ended(code: int, file_name: str, limits: ImportLimits) -> Finding:
    """One sentence on a worker that did not finish."""
    smaller = "Give a smaller file, or raise the limit if you trust where it comes from."
    if code == -signal.SIGALRM:
        return Finding(
            "case.import.time",
            f"{file_name}: reading it took longer than {limits.wall_clock_s:g} s and was stopped. "
            f"{smaller}",
            where=file_name,
        )
    if code == -signal.SIGXCPU:
        return Finding(
            "case.import.processor",
            f"{file_name}: reading it took more than {limits.processor_s:,} s of processor time "
            f"and was stopped. {smaller}",
            where=file_name,
        )
    if code in (OUT_OF_MEMORY, -signal.SIGKILL, -signal.SIGSEGV, -signal.SIGABRT):
        return Finding(
            "case.import.memory",
            f"{file_name}: reading it needed more than {limits.memory_mb:,} MB of memory, or more "
            f"than the machine had, and was stopped. {smaller}",
            where=file_name,
        )
    if code == OUT_OF_SPACE:
        return Finding(
            "case.import.space",
            f"{file_name}: what was read of it takes more than {limits.written_mb:,} MB. {smaller}",
            where=file_name,
        )
    return Finding(
        "case.import.failed",
        f"{file_name}: the process that reads foreign files ended with code {code} and no answer. "
        "Report the file to the project; nothing was kept of it.",
        where=file_name,
    )


def _unset(name: str) -> Finding:
    if name.startswith(BY_POWSYBL):
        name = name.removeprefix(BY_POWSYBL)
        return Finding(
            "case.import.powsybl",
            f"pypowsybl, which reads CGMES, cannot work within a limit on {name}; the file was read "
            "without that limit.",
            where=name,
        )
    return Finding(
        "case.import.unlimited",
        f"This machine does not let a process limit its {name}; the file was read without that "
        "limit.",
        where=name,
    )
