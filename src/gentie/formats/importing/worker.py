"""The process in which foreign files are read: it limits itself, reads, writes, and ends.

Started by ``gentie.formats.importing.limited`` with the file's bytes on standard input and an open
file for the result as standard output. Once the limits are set it can open nothing more: no file
and no connection.
"""

from __future__ import annotations

import errno
import io
import json
import os
import resource
import sys
from typing import IO

import numpy.ma  # noqa: F401 - np.unique loads it late

from gentie.formats.importing.carrying import carry
from gentie.formats.importing.kinds import Kind
from gentie.formats.importing.reading import read_file
from gentie.quantities.findings import BadInput

OUT_OF_MEMORY = 71
OUT_OF_SPACE = 72
MEGABYTE = 1_000_000
SMALL_CASE = b"""function mpc = small
mpc.version = '2';
mpc.baseMVA = 100/2;
mpc.bus = [1 3 0 0 0 0 1 1 0 138 1 1.1 0.9; 2 1 5 0 0 0 1 1 0 138 1 1.1 0.9];
mpc.gen = [1 0 0 9 -9 1 100 1 9 0];
mpc.branch = [1 2 0 0.1 0 0 0 0 0 0 1];
mpc.bus_name = {'One', "Two"};
"""


def limit(name: str, kind: int, amount: int, *, grace: int = 0) -> str:
    """Lower one limit of this process for good.

    Args:
        name: for people.
        kind: one of the system's limits.
        amount: the limit, at which the process is warned.
        grace: how far beyond it the process is killed.

    Returns:
        The limit's name where this machine does not allow it, else nothing.
    """
    _, ceiling = resource.getrlimit(kind)
    hard = amount + grace
    hard = hard if ceiling == resource.RLIM_INFINITY else min(hard, ceiling)
    try:
        resource.setrlimit(kind, (min(amount, hard), hard))
    except (ValueError, OSError):
        return name
    return ""


def set_limits(*, memory_mb: int, processor_s: int, written_mb: int) -> tuple[str, ...]:
    """Set every limit; what this machine cannot limit is said, never passed over.

    Returns:
        Names of the limits that could not be set.
    """
    refused = (
        limit("core dumps", resource.RLIMIT_CORE, 0),
        limit("processor time", resource.RLIMIT_CPU, processor_s, grace=5),
        limit("file size", resource.RLIMIT_FSIZE, written_mb * MEGABYTE),
        limit("memory", resource.RLIMIT_AS, memory_mb * MEGABYTE),
        limit("open files", resource.RLIMIT_NOFILE, 3),
    )
    return tuple(name for name in refused if name)


SMALL_RAW = b"""0, 100.0, 33, 0, 0, 60.0 / small


1,'One',138.0,3,1,1,1,1.0,0.0
2,'Two',138.0,1,1,1,1,1.0,0.0
0 / bus
2,'1',1,1,1,5.0,1.0,1D0,1,1,1
0 / load
0 / fixed shunt
1,'1',5.0,0,9,-9,1.0,0,100,0,1,0,0,1,1,100,9,0
0 / generator
1,2,'1',0,0.1
0 / branch
1,2,0,'1',2,2,2,0,0
0,0.1,100
1,138
1,138
0 / transformer
Q
"""
SMALL_POWERMODELS = b"""{"baseMVA": 100, "per_unit": true, "bus": {"1": {"bus_i": 1, "index": 1,
"bus_type": 3, "vm": 1, "va": 0, "vmax": 1.1, "vmin": 0.9, "base_kv": 138}}, "branch": {},
"gen": {}, "load": {}, "shunt": {}, "dcline": {}}"""


def ready() -> None:
    """Load what Python and numpy load late, while files can still be opened: go each way once."""
    b"\xe9".decode("latin-1")
    for content, kind in (
        (SMALL_CASE, Kind.MATPOWER),
        (b"rubbish", Kind.MATPOWER),
        (SMALL_RAW, Kind.RAW),
        (b"rubbish", Kind.RAW),
        (SMALL_POWERMODELS, Kind.POWERMODELS),
        (b'{"bus": {}}', Kind.POWERMODELS),
        (b"rubbish", Kind.POWERMODELS),
    ):
        answer(content, "small", kind, (), io.BytesIO())


def answer(
    content: bytes, file_name: str, kind: Kind, notes: tuple[str, ...], result_to: IO[bytes]
) -> None:
    """Read one case and write the network and its fidelity report, or the reasons why not."""
    try:
        read = read_file(content, file_name, kind)
    except BadInput as refusal:
        carry(None, None, refusal.findings, notes, result_to)
    else:
        carry(read.network, read.labels, read.fidelity, notes, result_to)


def main() -> None:
    """Read the case on standard input and write what it says to standard output."""
    file_name, kind = sys.argv[1], Kind(sys.argv[2])
    limits = json.loads(sys.argv[3])
    ready()
    notes = set_limits(**limits)
    try:
        answer(sys.stdin.buffer.read(), file_name, kind, notes, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except OSError as failure:
        os._exit(OUT_OF_SPACE if failure.errno in (errno.EFBIG, errno.ENOSPC) else 1)


if __name__ == "__main__":
    main()
