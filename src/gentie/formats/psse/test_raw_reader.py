"""From bytes to sections: revisions, quotes, terminators, and every way in which a file is broken."""

import numpy as np
import pytest

from gentie.formats.psse.examples import BUSES, LINE, LOAD, UNIT, raw_text
from gentie.formats.psse.layout import sections
from gentie.formats.psse.reader import read_raw
from gentie.formats.psse.records import values_of
from gentie.formats.psse.tables import raw_tables
from gentie.quantities.findings import BadInput

BUSES_30 = ("1,'A',138,3,1.5,-2,1,1,1.0,0,1", "2,'B',138,1,0,3,1,1,1.0,0,1")


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("1,'A, B / C',2 / D", ["1", "A, B / C", "2 "]),
        ("1 'A' 2", ["1", "A", "2"]),
        ("1   2  3 / x", ["1", "2", "3"]),
        ('"O\'Brien",1', ["O'Brien", "1"]),
        ("'open,1", ["open,1"]),
        ("1,,3", ["1", "", "3"]),
        ("/ 1,2", [""]),
        ("' '", [" "]),
    ],
)
def test_values_of_a_line(line, values):
    assert values_of(line) == values


@pytest.mark.parametrize("announce", [True, False])
@pytest.mark.parametrize("revision", [31, 32, 33])
def test_sections_are_found_with_and_without_their_names(revision, announce):
    shunt = "2,1,1.05,0.95,0,100,'',20.0" if revision == 31 else "2,1,0,1,1.05,0.95,0,100,'',20.0"
    raw = read_raw(
        raw_text(revision=revision, announce=announce, switched_shunt=(shunt,)), "small.raw"
    )
    assert (raw.name, raw.revision, raw.base_mva) == ("small", revision, 100)
    assert [len(raw.section(name)) for name in ("bus", "load", "generator", "branch")] == [
        *(3, 1, 1, 1)
    ]
    assert raw.section("switched shunt").number("BINIT", 0.0).tolist() == [20]


def test_revision_30_has_its_shunts_on_the_bus():
    raw = read_raw(
        raw_text(revision=30, bus=BUSES_30, branch=(LINE.replace("1,2,", "1,-2,"),)), "x.raw"
    )
    bus = raw_tables(raw).case.bus.values
    np.testing.assert_array_equal(bus[:, 4:6], [[1.5, -2], [0, 3]])


@pytest.mark.parametrize(
    ("revision", "place"), [(30, 9), (31, 10), (32, 17), (33, 17), (34, 19), (35, 19)]
)
def test_where_switched_shunts_stand(revision, place):
    assert sections(revision).index("switched shunt") == place - 1


@pytest.mark.parametrize("revision", [34, 35])
def test_revisions_34_and_35_have_names_twelve_ratings_and_switches(revision):
    extra = "0," if revision == 35 else ""
    line = "1,2,'1 ',0.01,0.1,0.02,'LINE ONE',100,110,120,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1,10"
    switch = "2,3,'S ',0.0,200,0,0,0,0,0,0,0,0,0,0,0,1,1,1,2,'BREAKER'"
    unit = f"1,'G1',10.0,1.0,50.0,-50.0,1.02,0,{extra}100.0,0,1,0,0,1,1,100,80.0,5.0"
    identity = "'7 '," if revision == 35 else ""
    shunt = f"2,{identity}1,0,1,1.05,0.95,0,{extra}100,'',20.0,1,1,20.0"
    raw = read_raw(
        raw_text(
            revision=revision,
            system=("GENERAL, THRSHZ=0.0001", 'RATING, 1, "RATE1 ", "A"'),
            branch=(line,),
            switching_device=(switch,),
            generator=("@!   I,'ID',      PG", unit),
            switched_shunt=(shunt,),
        ),
        "x.raw",
    )
    made = raw_tables(raw)
    branch = made.case.branch.values
    np.testing.assert_allclose(branch[0, 2:11], [0.01, 0.1, 0.02, 100, 110, 120, 0, 0, 1])
    np.testing.assert_allclose(branch[1, 2:11], [0, 1e-4, 0, 200, 0, 0, 0, 0, 1])
    np.testing.assert_allclose(made.case.gen.values[0, 5:10], [1.02, 100, 1, 80, 5])
    assert made.case.bus.values[1, 5] == 20
    assert made.labels.circuit == ("1", "S")
    assert made.labels.unit == ("G1",)
    assert made.labels.shunts.name == (("7",) if revision == 35 else ("1",))


def test_a_header_that_says_its_revision_behind_the_slash():
    content = raw_text(revision=30, bus=BUSES_30).replace(
        b"0, 100.00, 30, 0, 1, 60.00 / small", b"0, 100.0  / PSS/E-30.3    WED, SEP 15 2021"
    )
    assert read_raw(content, "x.raw").revision == 30


def test_a_file_without_its_last_line_is_read_and_said():
    content = raw_text().split(b"0 / END OF FACTS")[0]
    made = raw_tables(read_raw(content, "x.raw"))
    assert [finding.sentence for finding in made.findings] == [
        (
            "The file ends after the section of owner data and without the line Q; the sections that "
            "would follow are taken as empty."
        )
    ]


GO = "Give a RAW file as PSS/E writes it."
BROKEN = {
    "empty": (b" \n", ["x.raw: the file is empty. Give a PSS/E case (.raw)."]),
    "binary": (b"\0\1", ["x.raw: this is not a text file. Give a PSS/E case (.raw) in UTF-8."]),
    "other text": (
        b"bus,mw\n1,20\n",
        [
            (
                "x.raw, line 1: this is not a PSS/E case: its first line does not say `0, base MVA, "
                f"revision`. {GO}"
            )
        ],
    ),
    "a base without end": (
        b"0, 1e400, 33\n",
        [
            (
                "x.raw, line 1: this is not a PSS/E case: its first line does not say `0, base MVA, "
                f"revision`. {GO}"
            )
        ],
    ),
    "extensible": (
        b'{"network": {}}',
        [
            (
                "x.raw: this is an extensible RAW file (.rawx). Save it from PSS/E as a RAW file of revision "
                "35."
            )
        ],
    ),
    "revision 29": (
        b"0, 100.0 / PSS/E-29.0\n",
        [
            (
                "x.raw, line 1: the file is of revision '29', and revisions 30 to 35 are read. Save it "
                "from PSS/E as revision 33."
            )
        ],
    ),
    "no revision": (
        b"0, 100.0\n",
        [
            (
                "x.raw, line 1: the file says no revision, and revisions 30 to 35 are read. Save it from "
                "PSS/E as revision 33."
            )
        ],
    ),
    "a change": (
        b"1, 100.0, 33\n",
        [
            (
                "x.raw, line 1: this file adds to another case (its first value is 1). Give a whole "
                "case, which begins with 0."
            )
        ],
    ),
    "cut in the branches": (
        raw_text().split(b"0 / END OF BRANCH")[0],
        [
            (
                "x.raw, line 13: the file ends in the section of branch data. Give the whole file; a RAW "
                "case goes on to the line Q."
            )
        ],
    ),
    "cut before the generators": (
        raw_text().split(b"1,'1 ',10.0")[0],
        [
            (
                "x.raw, line 10: the file ends in the section of generator data. Give the whole file; a "
                "RAW case goes on to the line Q."
            )
        ],
    ),
    "cut in a transformer": (
        raw_text(transformer=("1,2,0,'1 ',1,1,1,0,0,2,'T',1,1,1.0",)).split(b"0 / END OF TRANSF")[
            0
        ],
        [
            (
                "x.raw, line 15: the file ends in the section of transformer data. Give the whole file; "
                "a RAW case goes on to the line Q."
            )
        ],
    ),
    "a section twice": (
        raw_text().replace(b"BEGIN AREA DATA", b"BEGIN LOAD DATA"),
        [
            "x.raw, line 16: the section of load data comes a second time. Keep one.",
        ],
    ),
    "words for numbers": (
        raw_text(
            load=(LOAD.replace("10.0,2.0", "ten,nan"),), generator=(UNIT.replace("1.0,", "1e999,"),)
        ),
        [
            ("x.raw, line 8, field load PL: the value 'ten' is not a usable number. Mend it."),
            ("x.raw, line 8, field load QL: the value 'nan' is not a usable number. Mend it."),
            (
                "x.raw, line 11, field generator VS: the value '1e999' is not a usable number. Mend it."
            ),
        ],
    ),
    "half a bus": (
        raw_text(bus=(*BUSES, "4.5,'X',138,1,1,1,1,1,0")),
        [
            "x.raw, line 7, field bus I: the value 4.5 must be a whole number. Mend it.",
        ],
    ),
    "buses": (
        raw_text(bus=(*BUSES, "3,'X',138,9,1,1,1,1,0", "9999999,'X',138,1,1,1,1,1,0")),
        [
            "x.raw, line 7, field bus I: bus 3 is already on line 6. Give each bus its own number.",
            (
                "x.raw, line 7, field bus IDE: bus type 9 is not known. Write 1 (load), 2 (voltage held), "
                "3 (slack) or 4 (isolated)."
            ),
            (
                "x.raw, line 8, field bus I: the bus number 9999999 is not from 1 to 999,997. Mend it."
            ),
        ],
    ),
    "ends that are nowhere": (
        raw_text(branch=(LINE, LINE.replace("1,2,", "1,8,"), LINE.replace("1,2,", "2,2,"))),
        [
            (
                "x.raw, line 14, field branch J: the branch stands at bus 8, which the case does not have. "
                "Add the bus or mend the number."
            ),
            (
                "x.raw, line 15, field branch J: the branch begins and ends at one bus. Mend one end or "
                "take the record out."
            ),
        ],
    ),
    "no ratio": (
        raw_text(
            transformer=(
                *("1,2,0,'1 ',1,1,1,0,0,2,'T',1,1,1.0", "0.005,0.08,50", "0,0,0,9,9,9,0,0,1.1,0.9"),
                "1,0",
            )
        ),
        [
            (
                "x.raw, line 15, field transformer WINDV: a winding's ratio (WINDV) is not above 0. Write "
                "a ratio as CW says."
            )
        ],
    ),
    "no table": (
        raw_text(
            transformer=(
                *("1,2,0,'1 ',1,1,1,0,0,2,'T',1,1,1.0", "0.005,0.08,50"),
                *("1,0,0,9,9,9,0,0,1.1,0.9,1.1,0.9,33,4", "1,0"),
            )
        ),
        [
            (
                "x.raw, line 17, field transformer TAB: impedance correction table 4 is not in the case. "
                "Add it, or write TAB 0."
            )
        ],
    ),
    "a falling table": (
        raw_text(impedance_correction=("4, 1.0,1.0, 0.9,1.1",)),
        [
            (
                "x.raw, line 19, field impedance correction: this impedance correction table has fewer than "
                "two positions, or they do not rise. Mend it."
            )
        ],
    ),
    "a DC line without voltage": (
        raw_text(
            two_terminal_dc=(
                "'D',1,1.0,20.0,0.0,0,0,0,I,0,20,1",
                "1,2,90,18,0,0.5,138,0.1,1,1,1,0.006",
                "2,2,90,17,0,0.5,69,0.1,1,1,1,0.006",
            )
        ),
        [
            (
                "x.raw, line 17, field two-terminal dc VSCHD: no current of DC line D gives its schedule "
                "(SETVL) at its scheduled voltage (VSCHD). Mend them, or block the line with MDC 0."
            )
        ],
    ),
    "a converter without a bridge": (
        raw_text(
            two_terminal_dc=(
                "'D',1,1.0,20.0,100.0,0,0,0,I,0,20,1",
                "1,0,90,18,0,0.5,138,0.1,1,1,1,0.006",
                "2,2,90,17,0,0.5,69,0.1,1,1,1,0.006",
            )
        ),
        [
            (
                "x.raw, line 17, field two-terminal dc NB: a converter of DC line D has no bridge (NB), no "
                "AC voltage (EBAS, TR, TAP), or an impedance below 0 (RC, XC). Mend it, or block the line "
                "with MDC 0."
            )
        ],
    ),
    "a VSC line of two power orders": (
        raw_text(
            vsc_dc=(
                "'V',1,0.7",
                "1,2,1,-20,1.0,0,0,0,400,1200,0.1,100,-110,0,100",
                "2,2,1,20,1.0,0,0,0,400,1200,0.1,100,-110,0,100",
            )
        ),
        [
            (
                "x.raw, line 18, field vsc dc TYPE: the converters of VSC line V cannot be matched: one "
                "must hold the DC voltage (TYPE 1, DCSET in kV) and the other carry a power that it "
                "allows (TYPE 2, DCSET in MW). Mend them, or block the line with MDC 0."
            )
        ],
    ),
    "half a DC grid": (
        raw_text(
            multi_terminal_dc=("'M',2,2,1,1,2,400,0", "1,2", "2,2", "1,1", "2,2", "1,2,'1',9,0")
        ),
        [
            (
                "x.raw, line 20, field multi-terminal dc: the multi-terminal DC line M cannot be solved: "
                "its records are not whole, a bus of it is missing, or its schedule (SETVL) has no DC "
                "voltages. Mend it, or block it with MDC 0."
            )
        ],
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_is_told_whole(kind):
    content, sentences = BROKEN[kind]
    with pytest.raises(BadInput) as refusal:
        raw_tables(read_raw(content, "x.raw"))
    assert [finding.sentence for finding in refusal.value.findings] == sentences
