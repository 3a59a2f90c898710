"""What is known of the scenarios so far, in a file of its own, so that a run can go on later."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from gentie.engines.grid.network import Integers
from gentie.quantities.findings import BadInput, Finding
from gentie.workbench.withdrawal_scenarios import UNSTUDIED

HEAD_BYTES = 4096
FORMAT = "gentie-scenarios/1"


class KeptScenarios:
    """A table on disk, one row of cents for each scenario; memory does not grow with it.

    Attributes:
        path: of the file.
        count: scenarios.
        width: requests.
    """

    def __init__(self, path: Path, *, digest: str, count: int, width: int) -> None:
        """Open the file, or begin it.

        Args:
            path: of the file.
            digest: of everything that the scenarios rest on.
            count: scenarios.
            width: requests.

        Raises:
            BadInput: it is of other scenarios, or cannot be used.
        """
        self.path, self.count, self.width = path, count, width
        head = json.dumps(
            {"format": FORMAT, "digest": digest, "count": count, "width": width}, sort_keys=True
        ).encode()
        try:
            if not path.exists() or path.stat().st_size == 0:
                self._begin(head)
            elif not self._is_of(head):
                raise BadInput(
                    Finding(
                        "certainty.kept.other",
                        f"{path} holds scenarios of another study, other settings or another "
                        "version; remove it, or name another file with --out.",
                        where=str(path),
                    )
                )
            self._cells = np.memmap(path, np.int64, "r+", HEAD_BYTES, (count, width))
        except OSError as cause:
            raise BadInput(
                Finding(
                    "certainty.kept.unusable",
                    f"{path} cannot be used to keep the scenarios: {cause.strerror}.",
                    where=str(path),
                )
            ) from cause

    def _begin(self, head: bytes) -> None:
        unfinished = self.path.with_name(self.path.name + ".new")
        row = np.full(self.width, UNSTUDIED, np.int64).tobytes()
        with unfinished.open("wb") as out:
            out.write(head.ljust(HEAD_BYTES, b"\n"))
            for _ in range(self.count):
                out.write(row)
        unfinished.replace(self.path)

    def _is_of(self, head: bytes) -> bool:
        whole = HEAD_BYTES + 8 * self.count * self.width
        with self.path.open("rb") as content:
            return self.path.stat().st_size == whole and content.read(HEAD_BYTES).rstrip() == head

    def unstudied(self) -> Integers:
        """Numbers of the scenarios that are not known yet."""
        is_known = np.array([not (row == UNSTUDIED).any() for row in self._cells], np.bool_)
        return np.flatnonzero(~is_known)

    def keep(self, scenarios: Integers, cents: Integers) -> None:
        """Write rows down."""
        self._cells[scenarios] = cents
        self._cells.flush()

    def of_request(self, place: int) -> Integers:
        """(count,) cents of one request in every scenario."""
        return np.array(self._cells[:, place])

    def rows(self, start: int, stop: int) -> Integers:
        """(stop - start, width) cents of some scenarios."""
        return np.array(self._cells[start:stop])

    def close(self) -> None:
        """Let go of the file."""
        self._cells.flush()
        del self._cells
