"""A study's bundle on its way into rows: every digest checked, every table read."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from gentie.quantities.findings import BadInput, Finding

Row = dict[str, str]


@dataclass(frozen=True)
class Bundle:
    """A bundle whose files are the ones that its manifest lists.

    Attributes:
        digest: SHA-256 of the manifest.
        inputs_digest: of the digests of all inputs, the policy and the engine's version.
        manifest: as read.
        content: every file by name.
    """

    digest: str
    inputs_digest: str
    manifest: dict[str, Any]
    content: dict[str, bytes]

    def table(self, name: str) -> list[Row]:
        """Rows of a table of the results."""
        text = self.content[f"results/{name}.csv"].decode()
        return list(csv.DictReader(text.splitlines()))

    def document(self, name: str) -> Any:
        """A document of the results."""
        return json.loads(self.content[f"results/{name}.json"])

    def tier(self, file_name: str) -> str:
        """Who may see a file."""
        return str(self.manifest["files"][f"results/{file_name}"]["tier"])


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle.

    Raises:
        BadInput: there is none, or some file is not the one that the manifest lists; all are named.
    """
    from gentie.workbench.bundle import MANIFEST, read_manifest

    manifest = read_manifest(folder)
    listed = manifest["files"]
    content: dict[str, bytes] = {}
    wrong = []
    for name in sorted(listed):
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
            wrong.append(Finding("study.file.missing", f"{name} is missing.", where=name))
            continue
        content[name] = path.read_bytes()
        if hashlib.sha256(content[name]).hexdigest() != listed[name]["sha256"]:
            wrong.append(
                Finding(
                    "study.file.changed",
                    f"{name} was changed after the study was made: its digest is another one. "
                    "Run the study again.",
                    where=name,
                )
            )
    if wrong:
        raise BadInput(wrong)
    return Bundle(
        digest=hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest(),
        inputs_digest=inputs_digest(
            {name: listed[name]["sha256"] for name in listed if name.startswith("inputs/")},
            policy=manifest["policy"],
            engine_version=manifest["engine"]["version"],
        ),
        manifest=manifest,
        content=content,
    )


def inputs_digest(sha256: dict[str, str], *, policy: str, engine_version: str) -> str:
    """SHA-256 that two studies share when the same went into them.

    Args:
        sha256: of every input by its name in the bundle.
        policy: of mitigation.
        engine_version: of the engine.
    """
    said = {"files": sha256, "policy": policy, "engine": engine_version}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def sums_agree(bundle: Bundle) -> list[Finding]:
    """Whether the ledger sums to every upgrade's cost and to every request's total."""
    by_upgrade: dict[str, Decimal] = defaultdict(Decimal)
    by_request: dict[str, Decimal] = defaultdict(Decimal)
    for row in bundle.table("ledger"):
        by_upgrade[row["upgrade"]] += Decimal(row["amount"])
        by_request[row["request"]] += Decimal(row["amount"])
    found = [
        Finding(
            "study.ledger.sum",
            f"{row['upgrade']} costs {row['cost']}, and its ledger rows sum to "
            f"{by_upgrade[row['upgrade']]}: the study is not published.",
            where=row["upgrade"],
        )
        for row in bundle.table("upgrades")
        if by_upgrade[row["upgrade"]] != Decimal(row["cost"])
    ]
    found += [
        Finding(
            "study.request.sum",
            f"Request {row['request']} owes {row['total_cost']}, and its ledger rows sum to "
            f"{by_request[row['request']]}: the study is not published.",
            where=row["request"],
        )
        for row in bundle.table("requests")
        if by_request[row["request"]] != Decimal(row["total_cost"])
    ]
    return found


def constraints_told_once(bundle: Bundle) -> list[Finding]:
    """Whether no constraint has two rows."""
    told = Counter(row["constraint"] for row in bundle.table("constraints"))
    return [
        Finding(
            "study.constraint.twice",
            f"Constraint {identity} has {times} rows: the study is not published.",
            where=identity,
        )
        for identity, times in told.items()
        if times > 1
    ]


def same_case(bundle: Bundle, *, case_sha256: str, rulebook_digest: str) -> list[Finding]:
    """Whether the study is of this base case under these rules."""
    found = []
    studied = bundle.manifest["files"]["inputs/case.m"]["sha256"]
    if studied != case_sha256:
        found.append(
            Finding(
                "study.case.other",
                f"The study is of the case {studied[:12]}…, and the published base case is "
                f"{case_sha256[:12]}…: publish that case first.",
            )
        )
    rules = bundle.manifest["rulebook"]["digest"]
    if rules != rulebook_digest:
        found.append(
            Finding(
                "study.rulebook.other",
                f"The study pins the rulebook {rules[:12]}…, and the base case was published "
                f"under {rulebook_digest[:12]}…: publish the case under the study's rulebook.",
            )
        )
    return found
