"""What is kept of a run between its steps, in the data folder: each file whole or not there.

A step that is done names the SHA-256 of what it kept; what is read back is that, or is refused.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gentie.contexts.grid import reads as grid
from gentie.contexts.studies.bundles import inputs_digest
from gentie.contexts.studies.models import RunInputs
from gentie.quantities.findings import BadInput, Finding
from gentie.rulebook.book import load_grid_profile, profile_of, rulebook_of
from gentie.workbench.bundle import CASE, MANIFEST, REQUESTS
from gentie.workbench.study import Inputs

RUNS = "runs"
NAMES = "names.json"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one run."""

    path: Path

    @property
    def bundle(self) -> Path:
        """Where its bundle goes."""
        return self.path / "bundle"

    def keep_checkpoint(self, number: int, content: bytes) -> str:
        """Keep where a study stood after a step; the digest of it."""
        write_whole(self._checkpoint(number), content)
        return hashlib.sha256(content).hexdigest()

    def checkpoint(self, number: int, digest: str) -> bytes:
        """What was kept of a step.

        Raises:
            BadInput: it is not there, or not what was kept.
        """
        return _read_back(self._checkpoint(number), digest)

    def keep_inputs(self, inputs: RunInputs) -> str:
        """Write the frozen inputs as files; the digest of them.

        Raises:
            BadInput: they are not what was frozen: this version ships another profile of the grid.
        """
        kept = grid.file_of(inputs.base_case)
        assert kept is not None
        files = {
            CASE: gzip.decompress(kept.content),
            REQUESTS: bytes(inputs.requests_content),
            **{f"inputs/rulebook/{name}": text.encode() for name, text in kept.rulebook.items()},
            **{
                f"inputs/grid/{name}": content
                for name, content in load_grid_profile(inputs.base_case.name).sources.items()
            },
        }
        names = {"case": kept.source_name, "grid": inputs.base_case.name}
        for name, content in {**files, f"inputs/{NAMES}": json.dumps(names).encode()}.items():
            write_whole(self.path / name, content)
        return self._agreed(files, inputs)

    def inputs(self, inputs: RunInputs) -> Inputs:
        """The frozen inputs, read back from the files.

        Raises:
            BadInput: a file is not there, or is another one.
        """
        from gentie.workbench.cases import case_from

        files = {
            path.relative_to(self.path).as_posix(): path.read_bytes()
            for path in sorted((self.path / "inputs").rglob("*"))
            if path.is_file()
        }
        names = json.loads(files.pop(f"inputs/{NAMES}", b"{}"))
        self._agreed(files, inputs)
        case = case_from(files[CASE], names["case"])
        return Inputs(
            case=case,
            requests_content=files[REQUESTS],
            requests_name=inputs.requests_name,
            rulebook=rulebook_of(_below("inputs/rulebook/", files)),
            profile=profile_of(_below("inputs/grid/", files), case.name),
            policy=inputs.policy,
        )

    def settle_bundle(self) -> None:
        """Let the bundle survive a crash of the machine from now on."""
        for path in (*self.bundle.rglob("*"), self.bundle, self.path):
            _settle(path)

    def refuse_other_bundle(self, digest: str) -> None:
        """The bundle is the one that was kept.

        Raises:
            BadInput: it is not there, or is another one.
        """
        _read_back(self.bundle / MANIFEST, digest)

    def clear(self) -> None:
        """Remove everything: the published bundle holds what is worth keeping."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _checkpoint(self, number: int) -> Path:
        return self.path / f"checkpoint-{number:04d}.json"

    def _agreed(self, files: Mapping[str, bytes], inputs: RunInputs) -> str:
        digest = inputs_digest(
            {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
            policy=inputs.policy,
            engine_version=inputs.engine_version,
        )
        if digest != inputs.inputs_digest:
            raise BadInput(
                Finding(
                    "study.run.inputs_changed",
                    "What was frozen when the run was asked for is no longer what is there: a file "
                    "of the run was changed, or another version ships other data of the grid. Run "
                    "the study again.",
                )
            )
        return digest


def run_folder(data: Path, run_id: int) -> RunFolder:
    """The folder of a run in a data folder."""
    return RunFolder(data / RUNS / str(run_id))


def clear_folders(data: Path, *, but: list[int]) -> list[int]:
    """Remove the folders of all runs but some; which were removed."""
    kept = data / RUNS
    if not kept.is_dir():
        return []
    gone = sorted(
        int(folder.name)
        for folder in kept.iterdir()
        if folder.name.isdecimal() and int(folder.name) not in but
    )
    for run_id in gone:
        run_folder(data, run_id).clear()
    return gone


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it appears whole, and survives a crash from then on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    number, unfinished = tempfile.mkstemp(prefix=".unfinished-", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(unfinished).replace(path)
        _settle(path.parent)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise


def _settle(path: Path) -> None:
    """Wait until the disk has a file, or the names in a folder."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _read_back(path: Path, digest: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError:
        content = b""
    if hashlib.sha256(content).hexdigest() != digest:
        raise BadInput(
            Finding(
                "study.run.kept_lost",
                f"What was kept of an earlier step ({path.name}) is missing or damaged, so the "
                "study cannot go on from there; run it again.",
                where=path.name,
            )
        )
    return content


def _below(prefix: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {
        name.removeprefix(prefix): content
        for name, content in files.items()
        if name.startswith(prefix)
    }
