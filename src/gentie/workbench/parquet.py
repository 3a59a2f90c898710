"""Tables as Parquet, where the extra ``gentie[exchange]`` is installed."""

from __future__ import annotations

import io

from gentie.quantities.findings import BadInput, Finding


def parquet_bytes(content: bytes, file_name: str) -> bytes:
    """A table given as CSV, as Parquet.

    Args:
        content: CSV in UTF-8 with a head line.
        file_name: of the file wanted, for messages.

    Returns:
        The same columns by the same names; numbers as numbers, all else as text.

    Raises:
        BadInput: pyarrow is not installed.
    """
    try:
        from pyarrow import csv, parquet
    except ImportError as cause:
        raise BadInput(
            Finding(
                "cli.out.parquet",
                f"{file_name}: Parquet is written by pyarrow, which is not installed. Install it with "
                "`pip install 'gentie[exchange]'`, or give a name that ends in .csv.",
                where=file_name,
            )
        ) from cause
    table = csv.read_csv(io.BytesIO(content))
    out = io.BytesIO()
    parquet.write_table(table, out, compression="zstd")
    return out.getvalue()
