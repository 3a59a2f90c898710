"""FACTS devices of a RAW case, as far as a steady state needs them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gentie.formats.matpower.fidelity.sentences import told
from gentie.formats.psse.branches import CLOSED_PU, BranchRows
from gentie.formats.psse.buses import BusTable
from gentie.formats.psse.case import RawCase
from gentie.formats.psse.direct_current import DcLine
from gentie.formats.psse.units import Holder
from gentie.quantities.findings import Finding

NORMAL, BYPASSED, FIXED_IMPEDANCE = 1, 2, 3


def add_facts(
    case: RawCase, buses: BusTable, rows: BranchRows, holders: list[Holder]
) -> Iterator[Finding | DcLine | None]:
    """Shunt elements hold a voltage; series elements are a transfer or a branch, by their mode."""
    section = case.section("facts")
    mode = section.whole("MODE", 1)
    from_bus, to_number = buses.rows(section, "I", "FACTS device"), section.whole("J", 0)
    shunt_mvar, setpoint = section.number("SHMX", 9999.0), section.number("VSET", 1.0)
    remote = np.maximum(section.whole("REMOT", 0), section.whole("FCREG", 0))
    p_mw, q_mvar = section.number("PDES", 0.0), section.number("QDES", 0.0)
    first, second = section.number("SET1", 0.0), section.number("SET2", 0.0)
    transfers, branches, dropped = [], [], []
    for row, name in enumerate(section.text("NAME")):
        bus, line = int(from_bus[row]), section.line[row]
        if mode[row] == 0 or bus < 0:
            continue
        if shunt_mvar[row] > 0:
            is_own = remote[row] in (0, buses.number[bus])
            setpoint_pu = float(setpoint[row] if is_own else buses.voltage_pu[bus])
            most = float(shunt_mvar[row])
            holders.append(Holder(bus, name, "FACTS", setpoint_pu, most, -most, line))
        if to_number[row] == 0:
            continue
        end = buses.row_of.get(abs(int(to_number[row])), -1)
        if end < 0 or mode[row] > FIXED_IMPEDANCE:
            dropped.append(name)
        elif mode[row] == NORMAL:
            transfers.append(name)
            mw, mvar = float(p_mw[row]), float(q_mvar[row])
            yield DcLine(name, line, bus, end, mw, mw, -mvar, mvar, is_on=True)
        else:
            is_fixed = mode[row] == FIXED_IMPEDANCE
            branches.append(name)
            r_pu = float(first[row]) if is_fixed else 0.0
            x_pu = float(second[row]) if is_fixed else CLOSED_PU
            values = (bus, end, r_pu, x_pu, 0, 0, 0, 0, 0, 0, 1)
            rows.add([np.array([float(one)]) for one in values], np.array([line]), [name])
    yield told(
        "case.raw.facts.transfer",
        "FACTS devices whose series element holds a flow (MODE is 1)",
        transfers,
        "It is a fixed transfer of its desired MW and Mvar (PDES, QDES).",
    )
    yield told(
        "case.raw.facts.branch",
        "FACTS devices whose series element is bypassed or of fixed impedance (MODE is 2 or 3)",
        branches,
        f"It is a line with that impedance, {CLOSED_PU:g} pu where bypassed.",
    )
    yield told(
        "case.raw.facts.dropped",
        "FACTS devices whose series element is in another mode or ends nowhere",
        dropped,
        "The series element is dropped: nothing flows through it.",
    )
