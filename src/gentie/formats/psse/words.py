"""The words of RAW files in sentences that were written for MATPOWER's columns."""

from __future__ import annotations

from dataclasses import replace

from gentie.quantities.findings import Finding

WORDS = (
    ("rateA is 0", "RATE1 is 0"),
    ("rateB is 0", "RATE2 is 0"),
    ("rateC is 0", "RATE3 is 0"),
    ("r and x are 0", "R and X are 0"),
    ("x is 0", "X is 0"),
    ("ratio is 0", "no transformer record"),
    ("baseKV is 0 or below", "BASKV is 0 or below"),
    ("Vm is 0 or below", "VM is 0 or below"),
    ("Vmax not above Vmin", "NVHI not above NVLO"),
    ("Pmin to Pmax", "PB to PT"),
    ("Qmin to Qmax", "QB to QT"),
    ("Vg is 0 or below", "VS is 0 or below"),
    ("(mBase)", "(MBASE)"),
    ("(type ", "(IDE "),
    (", table bus: no bus is of type 3", ": no bus is of type 3 (IDE)"),
    ("The case has no genfuel:", "A RAW case names no fuels:"),
    ("with type 3", "with IDE 3"),
)


def in_raw_words(finding: Finding) -> Finding:
    """The finding with the columns of a RAW file named in place of MATPOWER's."""
    sentence = finding.sentence
    for theirs, ours in WORDS:
        sentence = sentence.replace(theirs, ours)
    return replace(finding, sentence=sentence)
