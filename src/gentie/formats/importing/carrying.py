"""A network, its labels and its fidelity report as bytes that hold no code, and back."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, fields
from typing import IO, Any, get_args, get_type_hints

import numpy as np

from gentie.engines.grid.labels import Labels, ShuntParts, ThreeWinding
from gentie.engines.grid.network import (
    Branches,
    Buses,
    DirectCurrentLines,
    Generators,
    Network,
)
from gentie.quantities.findings import Finding

TABLES: dict[str, type[Any]] = {
    "buses": Buses,
    "branches": Branches,
    "generators": Generators,
    "dc_lines": DirectCurrentLines,
}


class NotCarried(Exception):
    """The bytes are not what ``carry`` writes."""


def carry(
    network: Network | None,
    labels: Labels | None,
    findings: tuple[Finding, ...],
    notes: tuple[str, ...],
    out: IO[bytes],
) -> None:
    """Write a network, or none, and findings to an open file.

    Args:
        network: what was made, ``None`` for a refused file.
        labels: the file's own names of the network's rows; there where the network is.
        findings: of the fidelity report, or the reasons of the refusal.
        notes: limits that this machine could not set.
        out: open for writing; plain arrays and JSON go there, nothing that could run.
    """
    arrays: dict[str, np.ndarray] = {}
    texts: dict[str, Any] = {
        "findings": [finding.as_dict() for finding in findings],
        "notes": notes,
        "network": None,
    }
    if network is not None and labels is not None:
        texts["network"] = {
            "name": network.name,
            "base_mva": network.base_mva,
            "digest": network.digest,
        }
        texts["labels"] = {
            "circuit": labels.circuit,
            "unit": labels.unit,
            "dc_line": labels.dc_line,
            "three_winding": [
                (star.buses, star.circuit, star.branches) for star in labels.three_winding
            ],
        }
        for table, kind in (TABLES | {"shunts": ShuntParts}).items():
            owner: Any = labels if kind is ShuntParts else network
            for field in fields(kind):
                column = getattr(getattr(owner, table), field.name)
                if isinstance(column, np.ndarray):
                    arrays[f"{table}.{field.name}"] = column
                else:
                    texts[f"{table}.{field.name}"] = column
    arrays["texts"] = np.frombuffer(json.dumps(texts).encode(), np.uint8)
    np.savez(out, **arrays)  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Carried:
    """What ``carry`` wrote; network and labels are there together, or neither."""

    network: Network | None
    labels: Labels | None
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]


def carried(source: IO[bytes]) -> Carried:
    """Read back what ``carry`` wrote; the writer need not be trusted.

    Raises:
        NotCarried: anything is missing, of another type, or points outside its table.
    """
    try:
        with np.load(source, allow_pickle=False) as arrays:
            texts = json.loads(arrays["texts"].tobytes())
            findings = tuple(Finding(**finding) for finding in texts["findings"])
            notes = tuple(str(note) for note in texts["notes"])
            about = texts["network"]
            if about is None:
                return Carried(None, None, findings, notes)
            shunts = _table(ShuntParts, "shunts", arrays, texts)
            tables = {table: _table(kind, table, arrays, texts) for table, kind in TABLES.items()}
        network = Network(
            name=str(about["name"]),
            base_mva=float(about["base_mva"]),
            digest=str(about["digest"]),
            **tables,
        )
        labels = _labels(texts["labels"], shunts)
        _check_rows(network)
        _check_labels(network, labels)
    except (
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        OSError,
        EOFError,
        zipfile.BadZipFile,
    ) as cause:
        raise NotCarried(str(cause)) from cause
    return Carried(network, labels, findings, notes)


def _table(kind: type[Any], table: str, arrays: Any, texts: dict[str, Any]) -> Any:
    columns: dict[str, Any] = {}
    for name, hint in get_type_hints(kind).items():
        if hint == tuple[str, ...]:
            columns[name] = tuple(str(text) for text in texts[f"{table}.{name}"])
            continue
        if hint == tuple[bool, ...]:
            columns[name] = tuple(bool(one) for one in texts[f"{table}.{name}"])
            continue
        column = arrays[f"{table}.{name}"]
        wanted = np.dtype(get_args(get_args(hint)[1])[0])
        if column.dtype != wanted or column.ndim != 1:
            raise NotCarried(f"{table}.{name}")
        columns[name] = column
    return kind(**columns)


def _labels(said: dict[str, Any], shunts: ShuntParts) -> Labels:
    def three(one: list[Any]) -> ThreeWinding:
        (a, b, c), circuit, (first, second, third) = one
        return ThreeWinding(
            (int(a), int(b), int(c)), str(circuit), (int(first), int(second), int(third))
        )

    return Labels(
        circuit=tuple(str(one) for one in said["circuit"]),
        unit=tuple(str(one) for one in said["unit"]),
        dc_line=tuple(str(one) for one in said["dc_line"]),
        shunts=shunts,
        three_winding=tuple(three(one) for one in said["three_winding"]),
    )


def _check_labels(network: Network, labels: Labels) -> None:
    counts = (len(labels.circuit), len(labels.unit), len(labels.dc_line))
    tables = (network.branches, network.generators, network.dc_lines)
    if counts != tuple(len(table) for table in tables):
        raise NotCarried("labels of other rows")
    rows = [row for star in labels.three_winding for row in star.branches]
    if rows and not 0 <= min(rows) <= max(rows) < len(network.branches):
        raise NotCarried("a row outside the branch table")
    bus = labels.shunts.bus
    if len(bus) and not 0 <= bus.min() <= bus.max() < len(network.buses):
        raise NotCarried("a row outside the bus table")


def _check_rows(network: Network) -> None:
    count = len(network.buses)
    for ends in (
        network.branches.from_bus,
        network.branches.to_bus,
        network.generators.bus,
        network.dc_lines.from_bus,
        network.dc_lines.to_bus,
    ):
        if len(ends) and not 0 <= ends.min() <= ends.max() < count:
            raise NotCarried("a row outside the bus table")
