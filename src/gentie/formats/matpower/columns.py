"""The columns of a MATPOWER case: what each is called, and which must be there."""

from __future__ import annotations

COLUMNS: dict[str, tuple[str, ...]] = {
    "bus": (
        *("bus_i", "type", "Pd", "Qd", "Gs", "Bs", "area", "Vm", "Va", "baseKV", "zone"),
        *("Vmax", "Vmin", "lam_P", "lam_Q", "mu_Vmax", "mu_Vmin"),
    ),
    "gen": (
        *("bus", "Pg", "Qg", "Qmax", "Qmin", "Vg", "mBase", "status", "Pmax", "Pmin"),
        *("Pc1", "Pc2", "Qc1min", "Qc1max", "Qc2min", "Qc2max"),
        *("ramp_agc", "ramp_10", "ramp_30", "ramp_q", "apf"),
        *("mu_Pmax", "mu_Pmin", "mu_Qmax", "mu_Qmin"),
    ),
    "branch": (
        *("fbus", "tbus", "r", "x", "b", "rateA", "rateB", "rateC", "ratio", "angle", "status"),
        *("angmin", "angmax", "Pf", "Qf", "Pt", "Qt", "mu_Sf", "mu_St", "mu_angmin", "mu_angmax"),
    ),
    "gencost": ("model", "startup", "shutdown", "n"),
    "dcline": (
        *("fbus", "tbus", "status", "Pf", "Pt", "Qf", "Qt", "Vf", "Vt", "Pmin", "Pmax"),
        *("QminF", "QmaxF", "QminT", "QmaxT", "loss0", "loss1"),
    ),
    "dclinecost": ("model", "startup", "shutdown", "n"),
    "areas": ("area", "refbus"),
}
"""Names as MATPOWER's own files head them, in their order."""

NEEDED_COLUMNS = {
    "bus": 13,
    "gen": 10,
    "branch": 11,
    "gencost": 4,
    "dcline": 7,
    "dclinecost": 4,
    "areas": 2,
}

NAME_LISTS = ("bus_name", "gentype", "genfuel")
"""Tables of text: one name a row."""

MAY_BE_INFINITE = {
    "bus": frozenset({"Vmax", "Vmin"}),
    "gen": frozenset({"Qmax", "Qmin", "Pmax", "Pmin", "mBase"}),
    "branch": frozenset({"rateA", "rateB", "rateC"}),
    "dcline": frozenset[str](),
}
"""Needed columns that may say Inf; every other one needs a finite number, and none may be NaN."""

_BUS = {"PQ": 1, "PV": 2, "REF": 3, "NONE": 4} | {
    name: place
    for place, name in enumerate(
        (
            *("BUS_I", "BUS_TYPE", "PD", "QD", "GS", "BS", "BUS_AREA", "VM", "VA", "BASE_KV"),
            *("ZONE", "VMAX", "VMIN", "LAM_P", "LAM_Q", "MU_VMAX", "MU_VMIN"),
        ),
        start=1,
    )
}
_BRANCH_IN_ORDER = {
    "F_BUS": 1,
    "T_BUS": 2,
    "BR_R": 3,
    "BR_X": 4,
    "BR_B": 5,
    "RATE_A": 6,
    "RATE_B": 7,
    "RATE_C": 8,
    "TAP": 9,
    "SHIFT": 10,
    "BR_STATUS": 11,
    "PF": 14,
    "QF": 15,
    "PT": 16,
    "QT": 17,
    "MU_SF": 18,
    "MU_ST": 19,
    "ANGMIN": 12,
    "ANGMAX": 13,
    "MU_ANGMIN": 20,
    "MU_ANGMAX": 21,
}
_GEN_IN_ORDER = {
    **{
        name: place
        for place, name in enumerate(
            (
                *("GEN_BUS", "PG", "QG", "QMAX", "QMIN", "VG", "MBASE", "GEN_STATUS"),
                *("PMAX", "PMIN"),
            ),
            start=1,
        )
    },
    "MU_PMAX": 22,
    "MU_PMIN": 23,
    "MU_QMAX": 24,
    "MU_QMIN": 25,
    **{
        name: place
        for place, name in enumerate(
            (
                *("PC1", "PC2", "QC1MIN", "QC1MAX", "QC2MIN", "QC2MAX"),
                *("RAMP_AGC", "RAMP_10", "RAMP_30", "RAMP_Q", "APF"),
            ),
            start=11,
        )
    },
}

CONSTANT_LISTS: dict[str, dict[str, int]] = {
    "idx_bus": _BUS,
    "idx_brch": _BRANCH_IN_ORDER,
    "idx_gen": _GEN_IN_ORDER,
    "idx_cost": {
        "PW_LINEAR": 1,
        "POLYNOMIAL": 2,
        "MODEL": 1,
        "STARTUP": 2,
        "SHUTDOWN": 3,
        "NCOST": 4,
        "COST": 5,
    },
}
"""MATPOWER's named column numbers, in the order in which its functions return them."""


def column_name(table: str, place: int) -> str:
    """What the column at a place, counted from 0, is called in MATPOWER's files."""
    names = COLUMNS.get(table, ())
    return names[place] if place < len(names) else f"column {place + 1}"
