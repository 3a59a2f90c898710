from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from gentie.engines.grid.short_circuit_data import (
    SequenceDefaults,
    ZeroPath,
    default_sequence_data,
)
from gentie.formats.sequence import read_sequence
from gentie.quantities.findings import BadInput
from tests.networks import read_network

PAPER = Path(__file__).resolve().parents[4] / "cases" / "short_circuit_on_paper" / "case.m"
DEFAULTS = SequenceDefaults(0.2, 0.0, 1.0, 0.6, 2.5, 0.1, 0.0, 1.2, 0.95, 3.0, 3.0, 1.0, 69.0)

OLD = """0, 30  / SEQUENCE DATA
 1,'1 ', 0.01, 0.25
 0 / End of Positive sequence Generator data, Begin Negative sequence Generator data
 1,'1 ', 0.02, 0.28
 0 / End of Negative sequence Generator data, Begin Zero sequence Generator data
 1,'1 ', 0.00, 0.05
 0 / End of Zero sequence Generator data, Begin Negative sequence Load data
 0 / End of Negative sequence Load data, Begin Zero sequence Load data
 0 / End of Zero sequence Load data, Begin Zero sequence Branch data
 2, 3,'1 ', 0.08, 0.35, 0.6987, 0, 0, 0, 0
 0 / End of Zero sequence Branch data, Begin Zero sequence Mutual data
 2, 3,'1 ', 2, 3,'2 ', 0.01, 0.1
 0 / End of Zero sequence Mutual data, Begin Zero sequence Transformer data
 2, 1, 0,'1 ', 2, 0.0, 0.01, 0.001, 0.09
 3, 4, 0,'1 ', 1, 0.0, 0.0, 0.0, 0.0
 2, 3, 4,'1 ', 1, 0, 0, 0, 0.1
 0 / End of Zero sequence Transformer data, Begin Zero sequence Switched shunt data
 2, 0.3
"""
NEW = """@!IC, REV
0, 35 / SEQUENCE DATA
SCMODEL, SCNRML=1
0 / END OF SYSTEM-WIDE DATA, BEGIN GENERATOR DATA
@! I,'ID', ZRPOS, ZXPPDV, ZXPDV, ZXSDV, ZRNEG, ZXNEGDV, ZR0, ZX0DV, CZG, ZRG, ZXG, REFDEG
1,'1 ', 0.01, 0.25, 0.3, 1.8, 0.02, 0.28, 0.0, 0.05, 1, 0, 0, 0
0 / END OF GENERATOR DATA, BEGIN LOAD DATA
4,'1 ', 9, 9
0 / END OF LOAD DATA, BEGIN ZERO SEQ. NON-TRANSFORMER BRANCH DATA
2, 3,'1 ', 0.08, 0.35, 0.6987, 0, 0, 0, 0
0 / END OF ZERO SEQ. NON-TRANSFORMER BRANCH DATA, BEGIN ZERO SEQ. MUTUAL DATA
2, 3,'1 ', 2, 3,'2 ', 0.01, 0.1
0 / END OF ZERO SEQ. MUTUAL DATA, BEGIN ZERO SEQ. TRANSFORMER DATA
2, 1, 0,'1 ', 1, 1, 2, 0.0, 0.01, 0.001, 0.09
3, 4, 0,'1 ', 1, 1, 1, 0.0, 0.0, 0.0, 0.0
2, 3, 4,'1 ', 1, 1, 1, 0, 0, 0, 0.1
0 / END OF ZERO SEQ. TRANSFORMER DATA, BEGIN ZERO SEQ. SWITCHED SHUNT DATA
Q
"""


@cache
def assumed():
    network = read_network(PAPER)
    return network, default_sequence_data(network, DEFAULTS)


def read(text: str):
    return read_sequence(text.encode(), "small.seq", *assumed())


def refused(text: str) -> list[str]:
    with pytest.raises(BadInput) as refusal:
        read(text)
    return [finding.sentence for finding in refusal.value.findings]


@pytest.mark.parametrize(
    "text", [OLD, NEW, "\n".join(line.split(" / ")[0] for line in OLD.split("\n"))]
)
def test_a_file_is_laid_over_the_assumptions(text: str) -> None:
    found, left_out = read(text)
    units, branches = found.units, found.branches
    assert found.is_unit_given.tolist() == [True, False]
    assert (units.resistance_pu[0], units.subtransient_pu[0]) == (0.01, 0.25)
    assert (units.negative_resistance_pu[0], units.negative_reactance_pu[0]) == (0.02, 0.28)
    assert (units.zero_resistance_pu[0], units.zero_reactance_pu[0]) == (0.0, 0.05)
    assert units.rating_mva[0] == 100.0
    _, before = assumed()
    for name in ("subtransient_pu", "step_up_reactance_pu", "zero_reactance_pu"):
        assert getattr(units, name)[1] == getattr(before.units, name)[1]
    assert found.is_branch_given.all()
    assert branches.zero_resistance_pu == pytest.approx([0.001, 0.08, 0.0])
    assert branches.zero_reactance_pu == pytest.approx([0.12, 0.35, 0.2])
    # The file draws 2-1, the case 1-2: its grounded star is at the case's `to` end.
    assert branches.zero_path.tolist() == [
        ZeroPath.GROUND_AT_TO,
        ZeroPath.THROUGH,
        ZeroPath.THROUGH,
    ]
    assert [(finding.code, finding.count) for finding in left_out] == [
        ("sequence.mutual", 1),
        ("sequence.three_winding", 1),
    ]


def test_a_machine_of_the_file_stands_as_the_case_draws_it() -> None:
    found, _ = read("0, 33\n3, 1, 0.0, 0.15, 0.2, 1.7\n")
    units = found.units
    assert units.subtransient_pu[1] == units.negative_reactance_pu[1] == 0.15
    assert units.step_up_reactance_pu[1] == 0.0
    assert np.isinf(units.zero_reactance_pu[1])


def test_every_fault_of_a_file_at_once() -> None:
    text = NEW.replace("1,'1 ', 0.01", "9,'1 ', 0.01").replace("2, 3,'1 ', 0.08", "2, 4,'1 ', 0.08")
    text = text.replace("1, 1, 2, 0.0, 0.01", "1, 1, 7, 0.0, 0.01")
    text = text.replace("3, 4, 0,'1 ', 1, 1, 1, 0.0, 0.0", "3, 4, 0,'1 ', 2, 1, 1, 0.0, x")
    assert refused(text) == [
        (
            "small.seq, line 6: machine 9 1 is not in short_circuit_on_paper. Take the line out or mend "
            "its bus or number."
        ),
        (
            "small.seq, line 10: short_circuit_on_paper has no circuit 1 between buses 2 and 4. Take the "
            "line out or mend its buses or circuit."
        ),
        (
            "small.seq, line 14: the connection code 7 is not read; 1 to 4 are. Write the transformer as "
            "one of those."
        ),
        "small.seq, line 15: 'x' is not a finite number. Write it in digits.",
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the file is empty. Give a sequence file (.seq)."),
        ("0\n", "the first line does not tell the revision (0, 33 for instance)."),
        ("0, 27\n", "revision 27 is not read; 30 to 36 are."),
    ],
)
def test_a_file_that_is_none(text: str, sentence: str) -> None:
    (said,) = refused(text)
    assert said.startswith(f"small.seq: {sentence}")
