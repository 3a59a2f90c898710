"""A network and its fidelity report as bytes that hold no code, and back."""

from __future__ import annotations

import json
import zipfile
from dataclasses import fields
from typing import IO, Any, get_args, get_type_hints

import numpy as np

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
    network: Network | None, findings: tuple[Finding, ...], notes: tuple[str, ...], out: IO[bytes]
) -> None:
    """Write a network, or none, and findings to an open file.

    Args:
        network: what was made, ``None`` for a refused file.
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
    if network is not None:
        texts["network"] = {
            "name": network.name,
            "base_mva": network.base_mva,
            "digest": network.digest,
        }
        for table, kind in TABLES.items():
            for field in fields(kind):
                column = getattr(getattr(network, table), field.name)
                if isinstance(column, np.ndarray):
                    arrays[f"{table}.{field.name}"] = column
                else:
                    texts[f"{table}.{field.name}"] = column
    arrays["texts"] = np.frombuffer(json.dumps(texts).encode(), np.uint8)
    np.savez(out, **arrays)  # type: ignore[arg-type]


def carried(source: IO[bytes]) -> tuple[Network | None, tuple[Finding, ...], tuple[str, ...]]:
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
                return None, findings, notes
            tables = {table: _table(kind, table, arrays, texts) for table, kind in TABLES.items()}
        network = Network(
            name=str(about["name"]),
            base_mva=float(about["base_mva"]),
            digest=str(about["digest"]),
            **tables,
        )
        _check_rows(network)
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
    return network, findings, notes


def _table(kind: type[Any], table: str, arrays: Any, texts: dict[str, Any]) -> Any:
    columns: dict[str, Any] = {}
    for name, hint in get_type_hints(kind).items():
        if hint == tuple[str, ...]:
            columns[name] = tuple(str(text) for text in texts[f"{table}.{name}"])
            continue
        column = arrays[f"{table}.{name}"]
        wanted = np.dtype(get_args(get_args(hint)[1])[0])
        if column.dtype != wanted or column.ndim != 1:
            raise NotCarried(f"{table}.{name}")
        columns[name] = column
    return kind(**columns)


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
