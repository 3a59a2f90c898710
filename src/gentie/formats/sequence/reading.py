"""A file of sequence data laid over the assumptions; what is wrong with it, told at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gentie.engines.grid.network import Network
from gentie.engines.grid.short_circuit_data import SequenceData, ZeroPath
from gentie.formats.sequence.sections import MERGED_MACHINES, Section, sections_of
from gentie.quantities.findings import BadInput, Finding

MOST_REASONS = 40
TRANSFORMER_UNITS = 33
"""From this revision on a transformer's record tells the units of its impedances."""

CONNECTIONS = {1: "through", 2: "ground at I", 3: "ground at J", 4: "open"}


def read_sequence(
    content: bytes, file_name: str, network: Network, assumed: SequenceData
) -> tuple[SequenceData, tuple[Finding, ...]]:
    """Lay a sequence file over the assumptions.

    A machine that the file gives has the machine base of the case, no step-up transformer but one
    that the case draws, and its own neutral; a zero in place of an impedance is not given.

    Args:
        content: of the file.
        file_name: for messages.
        network: the case; circuits and machines are found by their number, or where there is one.
        assumed: sequence data of the case by default.

    Returns:
        The data, and what of the file is left out.

    Raises:
        BadInput: all reasons found, each with its line.

    Neglects: mutual coupling, shunts and loads in zero sequence, line charging, three-winding
        transformers (the assumptions stay), windings other than the first four connection codes.
    """
    revision, records = sections_of(content, file_name)
    laid = _Laid(network, assumed, file_name)
    for section, line, fields in records:
        laid.line = line
        if section is Section.MUTUAL:
            laid.mutual += 1
        elif section is Section.BRANCH:
            laid.branch(fields)
        elif section is Section.TRANSFORMER:
            laid.transformer(fields, has_units=revision >= TRANSFORMER_UNITS)
        else:
            laid.machine(section, fields, is_merged=revision >= MERGED_MACHINES)
    if laid.reasons:
        raise BadInput(laid.reasons[:MOST_REASONS])
    return laid.data(), tuple(laid.left_out())


class _Laid:
    """Columns of the assumptions while a file is laid over them."""

    def __init__(self, network: Network, assumed: SequenceData, file_name: str) -> None:
        self.network, self.assumed, self.file_name = network, assumed, file_name
        self.line, self.mutual, self.three_winding = 0, 0, 0
        self.reasons: list[Finding] = []
        units, branches = assumed.units, assumed.branches
        self.unit = {
            name: getattr(units, name).copy()
            for name in (
                *("rating_mva", "resistance_pu", "subtransient_pu", "negative_resistance_pu"),
                *("negative_reactance_pu", "zero_resistance_pu", "zero_reactance_pu"),
                *("step_up_resistance_pu", "step_up_reactance_pu"),
            )
        }
        self.zero_r = branches.zero_resistance_pu.copy()
        self.zero_x = branches.zero_reactance_pu.copy()
        self.path = branches.zero_path.copy()
        self.is_unit_given = assumed.is_unit_given.copy()
        self.is_branch_given = assumed.is_branch_given.copy()
        numbers = network.buses.number
        self.units_at: dict[int, dict[int, int]] = {}
        for row, (bus, unit) in enumerate(
            zip(network.generators.bus, network.generators.unit, strict=True)
        ):
            self.units_at.setdefault(int(numbers[bus]), {})[int(unit)] = row
        self.circuits: dict[tuple[int, int], dict[int, int]] = {}
        ends = network.branches
        for row, (a, z) in enumerate(zip(ends.from_bus, ends.to_bus, strict=True)):
            pair = (int(numbers[a]), int(numbers[z]))
            key = (min(pair), max(pair))
            self.circuits.setdefault(key, {})[int(ends.circuit[row])] = row

    def add(self, code: str, sentence: str) -> None:
        """Keep one reason, with the line."""
        where = f"{self.file_name}, line {self.line}"
        self.reasons.append(Finding(code, f"{where}: {sentence}", where=where))

    def numbers(self, fields: list[str], first: int, count: int) -> list[float] | None:
        """Figures from a place on; what is blank or not there is 0, ``None`` after telling why."""
        found = []
        for text in (fields + [""] * (first + count))[first : first + count]:
            try:
                value = float(text) if text else 0.0
            except ValueError:
                value = np.nan
            if not np.isfinite(value):
                self.add(
                    "sequence.number", f"{text[:30]!r} is not a finite number. Write it in digits."
                )
                return None
            found.append(value)
        return found

    def bus(self, fields: list[str], place: int) -> int:
        """A bus number, which may stand with a sign; -1 where it is none."""
        text = fields[place].lstrip("-") if place < len(fields) else ""
        return int(text) if text.isdigit() else -1

    def machine(self, section: Section, fields: list[str], *, is_merged: bool) -> None:
        """One record of a machine."""
        at = self.units_at.get(self.bus(fields, 0), {})
        row = _chosen(at, fields[1] if len(fields) > 1 else "")
        if row is None:
            self.add(
                "sequence.machine.unknown",
                f"machine {' '.join(fields[:2])} is not in {self.network.name}. Take the line out or "
                "mend its bus or number.",
            )
            return
        values = self.numbers(fields, 2, 8 if is_merged else 2)
        if values is None:
            return
        pairs = {
            Section.MACHINE_POSITIVE: ("resistance_pu", "subtransient_pu"),
            Section.MACHINE_NEGATIVE: ("negative_resistance_pu", "negative_reactance_pu"),
            Section.MACHINE_ZERO: ("zero_resistance_pu", "zero_reactance_pu"),
        }
        places = {
            Section.MACHINE_POSITIVE: (0, 1),
            Section.MACHINE_NEGATIVE: (4, 5),
            Section.MACHINE_ZERO: (6, 7),
        }
        for part, (r, x) in pairs.items():
            if not is_merged and section is not part:
                continue
            first, second = places[part] if is_merged else (0, 1)
            if values[second] != 0.0:
                self.unit[r][row], self.unit[x][row] = values[first], values[second]
                if part is Section.MACHINE_POSITIVE:
                    self._as_drawn(row)

    def _as_drawn(self, row: int) -> None:
        """The first that a file says of a machine: its base and its surroundings are the case's."""
        self.is_unit_given[row] = True
        own = self.network.generators.machine_base_mva[row]
        if np.isfinite(own):
            self.unit["rating_mva"][row] = own
        self.unit["negative_resistance_pu"][row] = self.unit["resistance_pu"][row]
        self.unit["negative_reactance_pu"][row] = self.unit["subtransient_pu"][row]
        self.unit["step_up_resistance_pu"][row] = self.unit["step_up_reactance_pu"][row] = 0.0
        self.unit["zero_resistance_pu"][row] = self.unit["zero_reactance_pu"][row] = np.inf

    def _circuit(self, fields: list[str], name: str) -> int | None:
        pair = (self.bus(fields, 0), self.bus(fields, 1))
        row = _chosen(self.circuits.get((min(pair), max(pair)), {}), name)
        if row is None:
            self.add(
                "sequence.branch.unknown",
                f"{self.network.name} has no circuit {name} between buses {pair[0]} and {pair[1]}. "
                "Take the line out or mend its buses or circuit.",
            )
        return row

    def branch(self, fields: list[str]) -> None:
        """Zero sequence of a line."""
        row = self._circuit(fields, fields[2] if len(fields) > 2 else "")
        values = self.numbers(fields, 3, 2)
        if row is None or values is None or values == [0.0, 0.0]:
            return
        self.zero_r[row], self.zero_x[row] = values
        self.path[row] = int(ZeroPath.THROUGH)
        self.is_branch_given[row] = True

    def transformer(self, fields: list[str], *, has_units: bool) -> None:
        """Zero sequence and connection of a two-winding transformer."""
        if self.bus(fields, 2) > 0:
            self.three_winding += 1
            return
        row = self._circuit(fields, fields[3] if len(fields) > 3 else "")
        values = self.numbers(fields, 4, 7 if has_units else 5)
        if row is None or values is None:
            return
        if has_units and (values[0] not in {0.0, 1.0} or values[1] not in {0.0, 1.0}):
            self.add(
                "sequence.transformer.base",
                "impedances are not per unit on the case's base (CZ0 or CZG is not 1). Write them "
                "so.",
            )
            return
        code, ground_r, ground_x, r, x = values[2:] if has_units else values
        if code not in CONNECTIONS:
            self.add(
                "sequence.transformer.connection",
                f"the connection code {code:g} is not read; 1 to 4 are. Write the transformer as one "
                "of those.",
            )
            return
        i_is_from = self.bus(fields, 0) == int(
            self.network.buses.number[self.network.branches.from_bus[row]]
        )
        at_i = ZeroPath.GROUND_AT_FROM if i_is_from else ZeroPath.GROUND_AT_TO
        at_j = ZeroPath.GROUND_AT_TO if i_is_from else ZeroPath.GROUND_AT_FROM
        self.path[row] = int((ZeroPath.THROUGH, at_i, at_j, ZeroPath.OPEN)[int(code) - 1])
        if (r, x) == (0.0, 0.0):
            r = float(self.assumed.branches.zero_resistance_pu[row])
            x = float(self.assumed.branches.zero_reactance_pu[row])
        self.zero_r[row], self.zero_x[row] = r + 3.0 * ground_r, x + 3.0 * ground_x
        self.is_branch_given[row] = True

    def data(self) -> SequenceData:
        """The assumptions with the file laid over them."""
        return SequenceData(
            units=replace(self.assumed.units, **self.unit),
            branches=replace(
                self.assumed.branches,
                zero_resistance_pu=self.zero_r,
                zero_reactance_pu=self.zero_x,
                zero_path=self.path,
            ),
            is_unit_given=self.is_unit_given,
            is_branch_given=self.is_branch_given,
        )

    def left_out(self) -> list[Finding]:
        """What of the file is not used."""
        told = []
        if self.mutual:
            sentence = f"Mutual couplings of lines, left out: {self.mutual:,}."
            told.append(Finding("sequence.mutual", sentence, self.mutual))
        if self.three_winding:
            sentence = f"Three-winding transformers, left as assumed: {self.three_winding:,}."
            told.append(Finding("sequence.three_winding", sentence, self.three_winding))
        return told


def _chosen(rows: dict[int, int], name: str) -> int | None:
    """The row of that number, or the only one there is."""
    name = name.strip("'\" ")
    if name.isdigit() and int(name) in rows:
        return rows[int(name)]
    return next(iter(rows.values())) if len(rows) == 1 else None
