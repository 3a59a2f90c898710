"""Where content lies: one file for each digest, there whole or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from django.conf import settings


class Damaged(Exception):
    """A file is not what was stored, or is gone; the sentence says which."""


def place_of(sha256: str) -> Path:
    """The file of a digest, in the data folder."""
    return Path(settings.DATA_DIR) / "files" / sha256[:2] / sha256


def keep(content: bytes) -> str:
    """Write content to the disk and give its digest. What is there already is not written again.

    A transaction that fails afterwards leaves the file; no row speaks of it, and it does no harm.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    place = place_of(sha256)
    if place.is_file() and place.stat().st_size == len(content):
        return sha256
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".unfinished-", dir=place.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(place)
    finally:
        unfinished.unlink(missing_ok=True)
    for folder in (place.parent, place.parent.parent):
        _sync(folder)
    return sha256


def read(sha256: str) -> bytes:
    """The content of a digest, as it was stored.

    Raises:
        Damaged: the file is gone, or was changed.
    """
    place = place_of(sha256)
    try:
        content = place.read_bytes()
    except FileNotFoundError:
        raise Damaged(f"The file {place} is gone: put it back from a backup.") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise Damaged(f"The file {place} was changed on the disk: put it back from a backup.")
    return content


def _sync(folder: Path) -> None:
    """Make a new name in a folder outlive a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
