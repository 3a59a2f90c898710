"""A grid as pypowsybl holds it, as plain columns by name."""

from __future__ import annotations

import io
import logging
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gentie.engines.grid.network import Booleans, Floats, Integers
from gentie.quantities.findings import BadInput, Finding

LARGEST_UNPACKED_MB = 2_000
MOST_FILES = 200
ADVICE = "Give a .zip with the EQ, SSH, TP and SV files of one case."


@dataclass(frozen=True, eq=False)
class Frame:
    """Columns of one kind of equipment, with its identities."""

    identity: tuple[str, ...]
    columns: dict[str, Any]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.identity)

    def number(self, name: str, default: float = 0.0) -> Floats:
        """(k,) numbers, the default where the grid has none."""
        given = self.columns.get(name)
        if given is None:
            return np.full(len(self), default)
        column = np.asarray(given, np.float64)
        return np.where(np.isnan(column), default, column)

    def text(self, name: str) -> tuple[str, ...]:
        """(k,) texts."""
        given = self.columns.get(name)
        return (
            ("",) * len(self)
            if given is None
            else tuple("" if one is None else str(one) for one in given)
        )

    def flag(self, name: str, *, default: bool = False) -> Booleans:
        """(k,) truths."""
        given = self.columns.get(name)
        if given is None:
            return np.full(len(self), default)
        return np.array([bool(one) for one in given], bool)

    def rows(self, name: str, row_of: dict[str, int]) -> Integers:
        """(k,) rows of the buses named; -1 for equipment that is not connected."""
        return np.array([row_of.get(one, -1) for one in self.text(name)], np.int64)


def opened(content: bytes, file_name: str) -> Any:
    """The grid that a CGMES archive holds, in pypowsybl.

    Args:
        content: of the archive.
        file_name: for messages.

    Returns:
        pypowsybl's network.

    Raises:
        BadInput: pypowsybl is missing, or the archive cannot be read.
    """
    networks = powsybl(file_name)
    check_archive(content, file_name)
    try:
        return networks.load_from_binary_buffer(io.BytesIO(content))
    except Exception as cause:  # pypowsybl raises its own kind, and others, for anything
        words = " ".join(str(cause).split())
        raise BadInput(
            Finding(
                "case.cgmes.unread",
                f"{file_name}: pypowsybl cannot read the archive ({words[:160]}). {ADVICE}",
                where=file_name,
            )
        ) from cause


def powsybl(file_name: str) -> Any:
    """Pypowsybl's module of networks.

    Raises:
        BadInput: it is not installed.
    """
    logging.getLogger("powsybl").setLevel(logging.ERROR)  # it warns of extras that nobody asked for
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pypowsybl import network
    except ImportError as cause:
        raise BadInput(
            Finding(
                "case.cgmes.extra",
                f"{file_name}: CGMES is read and written by pypowsybl, which is not installed. "
                "Install it with `pip install 'gentie[exchange]'`.",
                where=file_name,
            )
        ) from cause
    return network


def check_archive(content: bytes, file_name: str) -> None:
    """Refuse what is no archive, or one that would grow beyond measure.

    Raises:
        BadInput: the reason.
    """

    def say(code: str, sentence: str) -> BadInput:
        return BadInput(Finding(code, f"{file_name}: {sentence} {ADVICE}", where=file_name))

    if not content.strip():
        raise say("case.cgmes.empty", "the file is empty.")
    if not content.startswith(b"PK"):
        raise say("case.cgmes.single", "this is not an archive.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            listed = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as cause:
        raise say(
            "case.cgmes.damaged",
            "the archive is damaged or cut off; it has no whole list of files.",
        ) from cause
    unpacked_mb = sum(one.file_size for one in listed) / 1e6
    if unpacked_mb > LARGEST_UNPACKED_MB or len(listed) > MOST_FILES:
        raise say(
            "case.cgmes.large",
            f"the archive holds {len(listed):,} files of {unpacked_mb:,.0f} MB unpacked, and at most "
            f"{MOST_FILES} files of {LARGEST_UNPACKED_MB:,} MB are read.",
        )
    if not any(one.filename.lower().endswith(".xml") for one in listed):
        raise say("case.cgmes.kind", "the archive holds no .xml file.")


def frames(grid: Any) -> Callable[[str], Frame]:
    """Ask for the equipment of one kind by the last words of pypowsybl's ``get_…``."""

    def ask(kind: str) -> Frame:
        frame = getattr(grid, f"get_{kind}")(all_attributes=True)
        return Frame(
            tuple(str(one) for one in frame.index),
            {name: frame[name].tolist() for name in frame.columns},
        )

    return ask
