"""Files that a command writes: the bytes as they are, or a table by the ending of its name."""

from __future__ import annotations

from pathlib import Path

from gentie.quantities.findings import BadInput, Finding


def write_bytes(path: Path, content: bytes, option: str = "--out") -> None:
    """Write a file that an option named.

    Raises:
        BadInput: it cannot be written.
    """
    try:
        path.write_bytes(content)
    except OSError as cause:
        raise BadInput(
            Finding(
                "cli.out",
                f"{path} cannot be written: {cause.strerror}. Choose another file for {option}.",
                where=str(path),
            )
        ) from cause


def write_table(path: Path, content: bytes, option: str = "--out") -> None:
    """Write a table given as CSV: as Parquet where the name ends in ``.parquet``, else as it is.

    Raises:
        BadInput: the file cannot be written, or what writes Parquet is not installed.
    """
    if path.suffix.lower() == ".parquet":
        from gentie.workbench.parquet import parquet_bytes

        content = parquet_bytes(content, path.name)
    write_bytes(path, content, option)
