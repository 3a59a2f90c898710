"""A backup as one file: what is in it, by digest, and nothing else."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from gentie.quantities.findings import BadInput, Finding

FORMAT = "gentie-backup-1"
MANIFEST, DUMP = "manifest.json", "database.dump"
FOLDERS, KEY = ("files", "bundles"), "secret-key"
"""Of the data folder: what people handed in, published studies, and the key of the sessions."""
CHUNK = 1 << 20
LARGEST_MANIFEST_BYTES = 256 << 20


class Written:
    """A backup under way; every part is written once, and its digest noted."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.parts: dict[str, dict[str, object]] = {}

    def add(self, name: str, chunks: Iterable[bytes]) -> None:
        """Write a part as it comes."""
        hasher, size_bytes = hashlib.sha256(), 0
        # Stored as it is: the dump is compressed already, as are most documents.
        with self.archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as part:
            for chunk in chunks:
                part.write(chunk)
                hasher.update(chunk)
                size_bytes += len(chunk)
        self.parts[name] = {"sha256": hasher.hexdigest(), "size_bytes": size_bytes}

    def add_data(self, data: Path) -> None:
        """Write what of the data folder belongs into a backup."""
        found = [
            path
            for folder in FOLDERS
            for path in (data / folder).rglob("*")
            # What is being written at this moment has no row yet.
            if path.is_file()
            and not any(part.startswith(".") for part in path.relative_to(data).parts)
        ]
        if (data / KEY).is_file():
            found.append(data / KEY)
        for path in sorted(found):
            with path.open("rb") as stream:
                self.add(path.relative_to(data).as_posix(), chunks_of(stream))


@contextlib.contextmanager
def written_archive(file: Path) -> Iterator[tuple[Written, Callable[[dict[str, Any]], None]]]:
    """A new backup; it is there, whole and on the disk, once this ends, or not at all.

    Args:
        file: that is made, readable by us alone.

    Yields:
        The backup under way, and what closes it by its manifest.

    Raises:
        BadInput: there is such a file already, or it cannot be written.
    """
    if file.exists():
        raise BadInput(Finding("backup.file.there", f"{file} is there already: give another name."))
    unfinished = file.with_name(f".{file.name}.unfinished-{os.getpid()}")
    try:
        unfinished.unlink(missing_ok=True)
        handle = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as cause:
        raise BadInput(
            Finding("backup.file.unwritable", f"{file} cannot be written: {cause.strerror}.")
        ) from cause
    try:
        with os.fdopen(handle, "w+b") as stream:
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
                made = Written(archive)

                def close(manifest: dict[str, Any]) -> None:
                    said = {"format": FORMAT, **manifest, "parts": made.parts}
                    archive.writestr(
                        zipfile.ZipInfo(MANIFEST), json.dumps(said, indent=1, sort_keys=True)
                    )

                yield made, close
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.rename(file)
    finally:
        unfinished.unlink(missing_ok=True)


@dataclass(frozen=True)
class Archive:
    """A backup whose every part is what its manifest says."""

    archive: zipfile.ZipFile
    manifest: dict[str, Any]

    @property
    def files(self) -> list[str]:
        """Names of the parts that go into the data folder."""
        return [name for name in self.manifest["parts"] if name != DUMP]

    def lay_out(self, data: Path) -> None:
        """Write the files into a data folder, readable by us alone."""
        for name in self.files:
            place = data / name
            place.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as stream, self.archive.open(name) as part:
                for chunk in chunks_of(part):
                    stream.write(chunk)
                stream.flush()
                os.fsync(stream.fileno())

    def dump(self) -> IO[bytes]:
        """The database, as ``pg_restore`` reads it."""
        return self.archive.open(DUMP)


@contextlib.contextmanager
def opened_archive(file: Path) -> Iterator[Archive]:
    """A backup, after every digest in it was checked.

    Raises:
        BadInput: it is no backup, or some part is not what the manifest says; all are named.
    """
    try:
        archive = zipfile.ZipFile(file)
    except (OSError, zipfile.BadZipFile) as cause:
        raise BadInput(
            Finding("backup.unreadable", f"{file} is no backup, or is cut off: {cause}.")
        ) from cause
    with archive:
        manifest = _manifest(archive, file)
        reasons = _wrong_parts(archive, manifest["parts"])
        if reasons:
            raise BadInput(reasons)
        yield Archive(archive, manifest)


def _manifest(archive: zipfile.ZipFile, file: Path) -> dict[str, Any]:
    none = BadInput(
        Finding(
            "backup.manifest",
            f"{file} has no manifest of a backup that this version reads: give a file that "
            "`gentie backup` made.",
        )
    )
    try:
        if archive.getinfo(MANIFEST).file_size > LARGEST_MANIFEST_BYTES:
            raise none
        manifest = json.loads(archive.read(MANIFEST))
    except (KeyError, ValueError, zipfile.BadZipFile):
        raise none from None
    is_ours = isinstance(manifest, dict) and manifest.get("format") == FORMAT
    if not is_ours or DUMP not in manifest.get("parts", ()):
        raise none
    return dict(manifest)


def _wrong_parts(archive: zipfile.ZipFile, parts: dict[str, Any]) -> list[Finding]:
    reasons = []
    there = set(archive.namelist()) - {MANIFEST}
    for name in sorted(set(parts) | there):
        if name not in there:
            why = "is missing"
        elif name not in parts or not _belongs(name):
            why = "does not belong there"
        elif _digest(archive, name) != parts[name]["sha256"]:
            why = "was changed after the backup was made"
        else:
            continue
        reasons.append(Finding("backup.part", f"{name} {why}: use another backup.", where=name))
    return reasons


def _belongs(name: str) -> bool:
    """Whether a part stays inside the places that a backup has."""
    path = PurePosixPath(name)
    if name in {DUMP, KEY}:
        return True
    return (
        path.as_posix() == name
        and not path.is_absolute()
        and ".." not in path.parts
        and "\\" not in name
        and len(path.parts) > 1
        and path.parts[0] in FOLDERS
    )


def _digest(archive: zipfile.ZipFile, name: str) -> str:
    hasher = hashlib.sha256()
    try:
        with archive.open(name) as part:
            for chunk in chunks_of(part):
                hasher.update(chunk)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError):
        return ""  # cut off, scrambled, or locked by a password
    return hasher.hexdigest()


def chunks_of(stream: IO[bytes]) -> Iterator[bytes]:
    """A stream piece by piece."""
    while chunk := stream.read(CHUNK):
        yield chunk
