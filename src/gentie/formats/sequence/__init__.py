"""Sequence data in the form that PSS/E writes (.seq): machines, lines, two-winding transformers.

Revisions 30 to 36. What the file gives replaces the assumptions; the rest of them stays.
"""

from gentie.formats.sequence.reading import read_sequence

__all__ = ["read_sequence"]
