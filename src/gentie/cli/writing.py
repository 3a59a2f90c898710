"""Files that commands write where they are told to."""

from __future__ import annotations

from pathlib import Path

from gentie.quantities.findings import BadInput, Finding


def write_out(path: Path, content: bytes) -> None:
    """Write the file of `--out`.

    Raises:
        BadInput: it cannot be written.
    """
    try:
        path.write_bytes(content)
    except OSError as cause:
        raise BadInput(
            Finding(
                "cli.out",
                f"{path} cannot be written: {cause.strerror}. Choose another file for --out.",
                where=str(path),
            )
        ) from cause
