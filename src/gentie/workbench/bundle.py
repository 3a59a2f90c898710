"""The bundle of a study: inputs, rules and results in one folder that anybody can replay."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import platform
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from llvmlite import binding as llvm

import gentie
from gentie.quantities.findings import BadInput, Finding
from gentie.rulebook.book import profile_of, rulebook_of
from gentie.workbench.cases import case_from
from gentie.workbench.study import Inputs, Progress, StudyRun, run_study
from gentie.workbench.tables import Tier

FORMAT = "gentie-study/1"
MANIFEST = "manifest.json"
WITHIN = 0.02
"""Most that a figure may differ on another kind of processor, in the unit of its column."""

FILE_FIELDS = {"sha256", "bytes", "tier"}
REQUESTS = "inputs/requests.csv"
CASE = "inputs/case.m"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a replay of a bundle found.

    Attributes:
        is_identical: every input is as listed and every result is the same to the byte.
        equal_within: largest difference, where all results agree within ``WITHIN`` on another
            kind of processor; otherwise None.
        differences: each input or result that differs.
        notes: what else a reader should know.
    """

    is_identical: bool
    equal_within: float | None
    differences: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    @property
    def is_verified(self) -> bool:
        """The study stands."""
        return not self.differences

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        if self.is_identical:
            return "identical"
        if self.is_verified:
            return f"equal within {self.equal_within:g}"
        count = len(self.differences)
        return f"{count} difference{'s' if count > 1 else ''}"


def bundle_files(run: StudyRun) -> dict[str, tuple[Tier, bytes]]:
    """Tier and bytes of every file of a bundle but its manifest."""
    inputs = run.inputs
    files = {
        CASE: (Tier.CEII, inputs.case.content),
        REQUESTS: (Tier.PRIVATE, inputs.requests_content),
    }
    for name, content in inputs.rulebook.sources.items():
        files[f"inputs/rulebook/{name}"] = (Tier.PUBLIC, content)
    for name, content in inputs.profile.sources.items():
        files[f"inputs/grid/{name}"] = (Tier.PUBLIC, content)
    for name, (tier, content) in run.results.files().items():
        files[f"results/{name}"] = (tier, content)
    return dict(sorted(files.items()))


def manifest_of(run: StudyRun) -> dict[str, Any]:
    """What the bundle holds, with the digest and tier of each file."""
    inputs = run.inputs
    return {
        "format": FORMAT,
        "engine": {"name": "gentie", "version": gentie.__version__},
        "processor": processor(),
        "case": {"name": inputs.case.name, "file": inputs.case.source_name},
        "requests": {"file": inputs.requests_name},
        "rulebook": {
            "name": inputs.rulebook.name,
            "version": inputs.rulebook.version,
            "digest": inputs.rulebook.digest,
        },
        "policy": str(run.cluster.rules.policy),
        "files": {
            name: {
                "sha256": hashlib.sha256(content).hexdigest(),
                "bytes": len(content),
                "tier": str(tier),
            }
            for name, (tier, content) in bundle_files(run).items()
        },
    }


def write_bundle(run: StudyRun, folder: Path) -> str:
    """Write a bundle; it appears whole or not at all.

    Returns:
        SHA-256 of the manifest, which stands for the whole bundle.

    Raises:
        BadInput: the folder holds something already, or cannot be written.
    """
    refuse_used(folder)
    manifest = _json(manifest_of(run))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            for name, (_, content) in bundle_files(run).items():
                target = unfinished / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            (unfinished / MANIFEST).write_bytes(manifest)
            unfinished.chmod(0o755)
            if folder.exists():
                folder.rmdir()
            unfinished.rename(folder)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
    except OSError as cause:
        raise BadInput(
            Finding("bundle.unwritable", f"{folder} cannot be written: {cause.strerror}.")
        ) from cause
    return hashlib.sha256(manifest).hexdigest()


def refuse_used(folder: Path) -> None:
    """A bundle goes into a new or empty folder only.

    Raises:
        BadInput: there is something in it, it is a file, or it cannot be looked into.
    """
    try:
        is_used = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as cause:
        raise BadInput(
            Finding("bundle.unwritable", f"{folder} cannot be written: {cause.strerror}.")
        ) from cause
    if is_used:
        raise BadInput(
            Finding(
                "bundle.folder_used",
                f"{folder} is not empty; a study is never written over something. Name a new "
                "folder with --out.",
            )
        )


def zipped_bundle(folder: Path) -> bytes:
    """A bundle as a zip archive; the same bytes for the same bundle."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), (2000, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    return out.getvalue()


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a bundle.

    Raises:
        BadInput: the folder holds no bundle, or one of another format.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
    except OSError as cause:
        raise BadInput(
            Finding(
                "bundle.missing",
                f"{folder} holds no study: there is no {MANIFEST} in it. Name the folder that "
                "`gentie study run --out` wrote.",
            )
        ) from cause
    except ValueError as cause:
        raise BadInput(
            Finding("bundle.damaged", f"{path} is damaged and cannot be read: {cause}.")
        ) from cause
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        said = manifest.get("format") if isinstance(manifest, dict) else None
        raise BadInput(
            Finding(
                "bundle.format", f"{path} is of format {said!r}; this version reads {FORMAT!r}."
            )
        )
    lacking = _lacking(manifest)
    if lacking:
        raise BadInput(
            Finding("bundle.damaged", f"{path} is damaged: it does not say {lacking} as it should.")
        )
    return manifest


def inputs_of(folder: Path) -> Inputs:
    """The inputs of a bundle, as they stand in it.

    Raises:
        BadInput: one of them cannot be used.
    """
    manifest = read_manifest(folder)
    case = case_from((folder / CASE).read_bytes(), manifest["case"]["file"])
    return Inputs(
        case=case,
        requests_content=(folder / REQUESTS).read_bytes(),
        requests_name=manifest["requests"]["file"],
        rulebook=rulebook_of(_sources(folder / "inputs" / "rulebook")),
        profile=profile_of(_sources(folder / "inputs" / "grid"), case.name),
        policy=manifest["policy"],
    )


def verify_bundle(folder: Path, *, threads: int = 2, progress: Progress | None = None) -> Verdict:
    """Check every digest of a bundle, run the study again, and compare.

    Args:
        folder: of the bundle.
        threads: numba threads.
        progress: told the step, how much of it is done, and of how much.

    Raises:
        BadInput: the folder holds no bundle.
    """
    manifest = read_manifest(folder)
    changed = changed_files(folder, manifest)
    if any(finding.where.startswith("inputs/") for finding in changed):
        return Verdict(False, None, tuple(changed), ("The study was not run again.",))
    again = run_study(inputs_of(folder), threads=threads, progress=progress)
    notes = []
    if manifest["engine"]["version"] != gentie.__version__:
        notes.append(
            f"Made by version {manifest['engine']['version']}, replayed by {gentie.__version__}."
        )
    other_processor = manifest["processor"] != processor()
    largest = 0.0
    results = {
        name: content
        for name, (_, content) in bundle_files(again).items()
        if name.startswith("results/")
    }
    differences = changed + _changed_manifest(manifest, manifest_of(again))
    named = {finding.where for finding in changed}
    is_identical = not differences
    for name in sorted(results.keys() | {n for n in manifest["files"] if n.startswith("results/")}):
        path = folder / name
        if name in named:
            continue
        if not path.is_file():
            differences.append(_missing(name))
            is_identical = False
            continue
        mine, theirs = results.get(name), path.read_bytes()
        if mine == theirs:
            continue
        is_identical = False
        apart, where = _largest_difference(theirs, mine, name) if mine is not None else (np.inf, "")
        if other_processor and apart <= WITHIN:
            largest = max(largest, apart)
            continue
        differences.append(
            Finding(
                "bundle.result.differs",
                f"{name} differs from the replay{where}.",
                where=name,
            )
        )
    return Verdict(
        is_identical=is_identical,
        equal_within=None if is_identical or differences else largest,
        differences=tuple(differences),
        notes=tuple(notes),
    )


def processor() -> dict[str, Any]:
    """The kind of processor, as far as it decides the last bits of a result."""
    features = llvm.get_host_cpu_features()
    return {
        "machine": platform.machine(),
        "name": llvm.get_host_cpu_name(),
        "features": sorted(name for name, is_there in features.items() if is_there),
    }


def changed_files(folder: Path, manifest: Mapping[str, Any]) -> list[Finding]:
    """Every file that is missing, not as the manifest lists it, or not listed."""
    found = []
    for name, listed in sorted(manifest["files"].items()):
        path = folder / name
        if not path.is_file():
            found.append(_missing(name))
            continue
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != listed["sha256"]:
            size = f"{len(content):,} bytes against {listed['bytes']:,}"
            same = "the same length" if len(content) == listed["bytes"] else size
            found.append(
                Finding(
                    "bundle.file.changed",
                    f"{name} was changed after the study was made ({same}, another digest).",
                    where=name,
                )
            )
    listed_names = {*manifest["files"], MANIFEST}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if name not in listed_names:
            found.append(
                Finding(
                    "bundle.file.added",
                    f"{name} is not part of the study; it was added to the folder.",
                    where=name,
                )
            )
    return found


def _missing(name: str) -> Finding:
    return Finding("bundle.file.missing", f"{name} is missing from the bundle.", where=name)


def _lacking(manifest: Mapping[str, Any]) -> str:
    """What a manifest does not say, or says in another shape; empty for nothing."""
    said = {
        "engine.version": ("engine", "version"),
        "case.name": ("case", "name"),
        "case.file": ("case", "file"),
        "requests.file": ("requests", "file"),
    }
    for place, (part, field) in said.items():
        inside = manifest.get(part)
        if not isinstance(inside, dict) or not isinstance(inside.get(field), str):
            return place
    if not isinstance(manifest.get("policy"), str):
        return "policy"
    for field in ("processor", "rulebook", "files"):
        if not isinstance(manifest.get(field), dict):
            return field
    files = manifest["files"]
    for name in (CASE, REQUESTS, *files):
        listed = files.get(name)
        is_inside = name.startswith(("inputs/", "results/")) and ".." not in name.split("/")
        if not is_inside or not isinstance(listed, dict) or set(listed) != FILE_FIELDS:
            return f"files[{name!r}]"
    return ""


def _changed_manifest(manifest: Mapping[str, Any], again: Mapping[str, Any]) -> list[Finding]:
    """What the manifest says otherwise than the replay: names, rules, tiers."""
    found = [
        Finding(
            "bundle.manifest.differs",
            f"{MANIFEST} says another {field} than the replay.",
            where=MANIFEST,
        )
        for field in ("case", "requests", "rulebook", "policy")
        if manifest[field] != again[field]
    ]
    for name, listed in sorted(manifest["files"].items()):
        if name in again["files"] and listed["tier"] != again["files"][name]["tier"]:
            found.append(
                Finding(
                    "bundle.manifest.differs",
                    f"{MANIFEST} gives {name} the tier {listed['tier']}, the replay "
                    f"{again['files'][name]['tier']}.",
                    where=MANIFEST,
                )
            )
    return found


def _largest_difference(theirs: bytes, mine: bytes, name: str) -> tuple[float, str]:
    """Largest difference of figures, infinite where words differ, and the first place of one."""
    try:
        return _compared(theirs, mine, name)
    except (ValueError, IndexError, csv.Error):
        return np.inf, ": it cannot be read"


def _compared(theirs: bytes, mine: bytes, name: str) -> tuple[float, str]:
    if name.endswith(".json"):
        left, right = _leaves(json.loads(theirs)), _leaves(json.loads(mine))
        places = [f" at {place}" for place, _ in left]
    else:
        left, right = [], []
        places = []
        for source, cells in ((theirs, left), (mine, right)):
            rows = list(csv.reader(io.StringIO(source.decode())))
            for line, row in enumerate(rows, start=1):
                for column, cell in zip(rows[0], row, strict=False):
                    cells.append((f"{line}:{column}", cell))
        places = [
            f" first in line {place.split(':')[0]}, {place.split(':', 1)[1]}" for place, _ in left
        ]
    if [place for place, _ in left] != [place for place, _ in right]:
        return np.inf, " in its rows or columns"
    largest, where = 0.0, ""
    for place, (_, a), (_, z) in zip(places, left, right, strict=True):
        if a == z:
            continue
        where = where or place
        try:
            apart = abs(float(a) - float(z))
        except (TypeError, ValueError):
            return np.inf, where
        if not np.isfinite(apart):
            return np.inf, where
        largest = max(largest, apart)
    return largest, where


def _leaves(content: Any, place: str = "") -> list[tuple[str, Any]]:
    if isinstance(content, dict):
        return [leaf for key, value in content.items() for leaf in _leaves(value, f"{place}.{key}")]
    if isinstance(content, list):
        return [
            leaf
            for number, value in enumerate(content)
            for leaf in _leaves(value, f"{place}[{number}]")
        ]
    return [(place.lstrip("."), content)]


def _sources(folder: Path) -> dict[str, bytes]:
    if not folder.is_dir():
        return {}
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def _json(content: Any) -> bytes:
    return f"{json.dumps(content, indent=1, sort_keys=True)}\n".encode()
