"""From bytes to text: what is not a text file is refused here."""

from __future__ import annotations

from gentie.quantities.findings import BadInput, Finding

LARGEST_MB = 200
"""Largest file read; the biggest public case is 23 MB."""


def decoded(
    content: bytes, file_name: str, *, kind: str = "a MATPOWER case (.m)"
) -> tuple[str, str]:
    """The text of the file and how it was decoded.

    Args:
        content: of the file.
        file_name: for messages.
        kind: of file that is wanted, for messages.

    Raises:
        BadInput: the file is too large, empty, or not text.
    """

    def say(code: str, sentence: str) -> BadInput:
        return BadInput(Finding(code, f"{file_name}: {sentence}", where=file_name))

    if len(content) > LARGEST_MB * 1_000_000:
        raise say(
            "case.file.large",
            f"the file has {len(content) / 1e6:,.0f} MB and at most {LARGEST_MB} MB are read. "
            "Give the case alone, without results or scenarios.",
        )
    if content.startswith((b"MATLAB 5.0", b"\x89HDF")) or file_name.lower().endswith(".mat"):
        raise say(
            "case.file.mat",
            "this is a binary .mat file. Save it as text with MATPOWER's savecase('NAME.m', mpc).",
        )
    if not content.strip():
        raise say("case.file.empty", f"the file is empty. Give {kind}.")
    if b"\0" in content:
        raise say(
            "case.file.binary",
            f"this is not a text file. Give {kind} in UTF-8.",
        )
    try:
        return content.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        return content.decode("latin-1"), "latin-1"
