"""Makers of small cases for tests."""

from __future__ import annotations

HEAD = """function mpc = small
mpc.version = '2';
mpc.baseMVA = 100;
"""
BUS = """mpc.bus = [
\t1\t3\t0\t0\t0\t0\t1\t1\t0\t138\t1\t1.1\t0.9;
\t2\t1\t50\t10\t0\t0\t1\t1\t0\t138\t1\t1.1\t0.9;
\t3\t2\t0\t0\t0\t0\t1\t1\t0\t138\t1\t1.1\t0.9;
];
"""
GEN = """mpc.gen = [
\t1\t20\t0\t30\t-30\t1\t100\t1\t80\t0;
\t3\t30\t0\t30\t-30\t1\t100\t1\t40\t0;
];
"""
BRANCH = """mpc.branch = [
\t1\t2\t0.01\t0.1\t0\t100\t100\t100\t0\t0\t1;
\t2\t3\t0.01\t0.1\t0\t100\t100\t100\t0\t0\t1;
\t1\t3\t0.01\t0.1\t0\t100\t100\t100\t0\t0\t1;
];
"""


def case_text(
    *, head: str = HEAD, bus: str = BUS, gen: str = GEN, branch: str = BRANCH, more: str = ""
) -> bytes:
    """A case of three buses, any part of it replaced."""
    return (head + bus + gen + branch + more).encode()
