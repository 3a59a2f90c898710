"""Contingency files against a case: what is taken out, what is not studied, what is refused."""

import pytest

from gentie.engines.grid.contingency_list import ElementKind, joined
from gentie.formats.contingencies.con import read_con
from gentie.formats.contingencies.contab import read_contab
from gentie.formats.importing.kinds import Kind
from gentie.formats.importing.reading import read_file
from gentie.formats.matpower.examples import BRANCH, GEN, case_text
from gentie.formats.psse.examples import LINE, UNIT, raw_text, three_windings
from gentie.quantities.findings import BadInput

RAW = raw_text(
    branch=(
        LINE,
        LINE.replace("'1 '", "'A2'"),
        LINE.replace("1,2,'1 '", "2,3,'1 '"),
        LINE.replace("1,2,'1 '", "1,3,'1 '").replace(",1,1,10", ",0,1,10"),
    ),
    generator=(UNIT, UNIT.replace("'1 '", "'G2'"), UNIT.replace("1,'1 ',", "3,'1 ',")),
    fixed_shunt=("2,'C1',1,0,10",),
    switched_shunt=("2,1,0,1,1.05,0.95,0,100,'',20.0",),
    transformer=three_windings(),
    two_terminal_dc=(
        "'NORTH LINK',1,1.0,20.0,100,0,0,0,I,0,20,1",
        "1,2,90,15,0,0,138,1,1,1,1,0.006",
        "3,2,90,15,0,0,13.8,9,1,1,1,0.006",
    ),
)
CASE = read_file(RAW, "small.raw", Kind.RAW)


def read(text):
    return read_con(text.encode(), "x.con", CASE.network, CASE.labels)


def kinds(outage):
    return [(one.kind.name, one.row) for one in outage.elements]


@pytest.mark.parametrize(
    ("action", "elements"),
    [
        ("OPEN BRANCH FROM BUS 1 TO BUS 2 CIRCUIT 1", [("BRANCH", 0)]),
        ("disconnect line from bus 2 to bus 1 ckt a2", [("BRANCH", 1)]),
        ("TRIP LINE FROM BUS 2 TO BUS 3", [("BRANCH", 2)]),
        (
            "OPEN BRANCH FROM BUS 3 TO BUS 1 TO BUS 2 CIRCUIT A",
            [("BRANCH", 4), ("BRANCH", 5), ("BRANCH", 6)],
        ),
        (
            "DISCONNECT THREEWINDING AT BUS 1 TO BUS 2 TO BUS 3 CIRCUIT 'A'",
            [("BRANCH", 4), ("BRANCH", 5), ("BRANCH", 6)],
        ),
        ("REMOVE UNIT G2 FROM BUS 1", [("UNIT", 1)]),
        ("REMOVE MACHINE '1' FROM BUS 3 / the small one", [("UNIT", 2)]),
        ("REMOVE SHUNT C1 FROM BUS 2", [("SHUNT", 0)]),
        ("REMOVE SWSHUNT FROM BUS 2", [("SHUNT", 1)]),
        ("BLOCK TWOTERMDC 'NORTH LINK'", [("DC_POLE", 0)]),
        (
            "DISCONNECT BUS 3",
            [("BRANCH", 2), ("BRANCH", 6), ("UNIT", 2), ("DC_POLE", 0)],
        ),
    ],
)
def test_what_an_action_takes_out(action, elements):
    listed = read(f"COM by hand\nCONTINGENCY one\n{action}\nEND\nEND\n")
    assert [outage.name for outage in listed.contingencies] == ["one"]
    assert kinds(listed.contingencies[0]) == elements
    assert listed.not_studied == ()


def test_several_elements_and_columns_for_a_kernel():
    listed = read(
        "CONTINGENCY 'a tower'\nOPEN LINE FROM BUS 1 TO BUS 2 CKT 1\nOPEN LINE FROM BUS 1 TO BUS 2 CKT A2\n"
        "END\nCONTINGENCY b\nREMOVE UNIT 1 FROM BUS 1\nEND\nCONTINGENCY c\n"
        "OPEN BRANCH FROM BUS 2 TO BUS 3\nOPEN BRANCH FROM BUS 2 TO BUS 3\nEND\nEND"
    )
    assert [outage.name for outage in listed.contingencies] == ["a tower", "b", "c"]
    columns = listed.columns
    assert columns.start.tolist() == [0, 2, 3, 4]
    assert columns.kind.tolist() == [0, 0, 1, 0]
    assert columns.row.tolist() == [0, 1, 0, 2]
    assert listed.single_branches.tolist() == [2]
    assert listed.counts() == {"given": 3}
    with pytest.raises(ValueError, match="read-only"):
        columns.row[0] = 9
    both = joined([listed, read("SINGLE LINE IN AREA 1\n")])
    assert len(both) == 3 + 6


def test_the_part_of_a_shunt_that_goes():
    listed = read("CONTINGENCY s\nREMOVE SWSHUNT FROM BUS 2\nEND\nEND\n")
    element = listed.contingencies[0].elements[0]
    assert element.kind is ElementKind.SHUNT
    assert (listed.shunts.mvar[element.row], listed.shunts.bus[element.row]) == (20, 1)


def names(text):
    return [outage.name for outage in read(text).contingencies]


def test_commands_that_make_many():
    lines = ["transformer:1:2:1", "transformer:1:2:2", "transformer:2:3:1"]
    legs = [f"transformer:{bus}:1000001:1" for bus in (1, 2, 3)]
    assert names("SINGLE BRANCH IN AREA 1\nEND\n") == [f"SINGLE {one}" for one in lines + legs]
    assert names("SINGLE LINE IN KV 138\n") == [f"SINGLE {one}" for one in (*lines[:2], legs[0])]
    assert names("SINGLE BRANCH FROM BUS 3") == [f"SINGLE {one}" for one in (lines[2], legs[2])]
    assert names("SINGLE UNIT IN ZONE 1") == [
        *("SINGLE unit:1:1", "SINGLE unit:1:2", "SINGLE unit:3:1")
    ]
    assert names("PARALLEL BRANCH IN SYSTEM") == [f"PARALLEL {lines[0]} + {lines[1]}"]
    assert len(names("DOUBLE BRANCH IN SYSTEM")) == 15
    assert names("SINGLE BRANCH IN AREA 7") == []


def test_what_is_not_studied_is_counted():
    listed = read(
        "CONTINGENCY a\nOPEN BRANCH FROM BUS 1 TO BUS 3 CIRCUIT 1\nEND\n"
        "CONTINGENCY b\nOPEN BRANCH FROM BUS 1 TO BUS 9 CIRCUIT 1\nEND\n"
        "CONTINGENCY c\nREMOVE UNIT 7 FROM BUS 1\nEND\n"
        "CONTINGENCY d\nDISCONNECT BUS 9\nEND\n"
        "CONTINGENCY e\nINCREASE BUS 2 LOAD BY 10 MW\nEND\n"
        "CONTINGENCY f\nREMOVE LOAD 1 FROM BUS 2\nEND\n"
        "SINGLE BRANCH IN SUBSYSTEM WEST\nEND\n"
    )
    assert len(listed) == 0
    assert [finding.sentence for finding in listed.not_studied] == [
        (
            "Contingencies that name what the case does not have in service: 4 (a: branch 1-3 circuit 1 is "
            "out of service, b: the case has no branch 1-9 circuit 1, c: the case has no unit 7 at bus 1 "
            "and 1 more). They are not studied."
        ),
        (
            "Contingencies that change load or generation, or close a branch: 2 (e: INCREASE BUS 2 LOAD BY "
            "10 MW, f: REMOVE LOAD 1 FROM BUS 2). They are not studied: only what is taken out can be."
        ),
        (
            "Commands for a subsystem, which another file describes: 1 (line 19: SINGLE BRANCH IN SUBSYSTEM "
            "WEST). They are not studied; name areas, zones or kV instead."
        ),
    ]


HOW = "Begin with CONTINGENCY and a name, or write SINGLE BRANCH IN AREA and a number."
BROKEN = {
    "empty": ("", ["x.con: the file is empty. Give a PSS/E contingency file (.con)."]),
    "only a comment": (
        "COM nothing\n",
        ["x.con: the file names no contingency. Give a PSS/E contingency file (.con)."],
    ),
    "another file": (
        "bus,mw\n",
        [f"x.con, line 1: `bus,mw` is not understood. {HOW}"],
    ),
    "not understood": (
        "CONTINGENCY a\nEXPLODE BUS 1\nEND\nCONTINGENCY b\nEND\nCONTINGENCY b2\nREMOVE UNIT 1 FROM BUS 1\n",
        [
            (
                "x.con, line 2: `EXPLODE BUS 1` is not understood. Write, for one, OPEN BRANCH FROM BUS 1 TO "
                "BUS 2 CIRCUIT 1, or REMOVE UNIT 1 FROM BUS 1."
            ),
            "x.con, line 4: contingency b takes nothing out. Name what it does, or take it out.",
            "x.con, line 6: contingency b2 has no END. Write END behind its last line.",
        ],
    ),
    "names": (
        "CONTINGENCY\nREMOVE UNIT 1 FROM BUS 1\nEND\n"
        + "CONTINGENCY a\nREMOVE UNIT 1 FROM BUS 1\nEND\n" * 2,
        [
            "x.con, line 1: this contingency has no name. Give one.",
            "x.con, line 7: contingency a is described a second time. Give each its own name.",
        ],
    ),
    "behind the end": (
        "SINGLE LINE IN AREA\nEND\nSINGLE LINE IN AREA 1\n",
        [
            (
                "x.con, line 1: `SINGLE LINE IN AREA` needs a number behind AREA. Write the number of an "
                "area or zone, or a voltage in kV."
            ),
            (
                "x.con, line 3: `SINGLE LINE IN AREA 1` stands behind the END of the file. Take it out, or "
                "the END."
            ),
        ],
    ),
    "begun twice": (
        "CONTINGENCY a\nCONTINGENCY b\nREMOVE UNIT 1 FROM BUS 1\nEND\n",
        ["x.con, line 1: contingency a has no END. Write END behind its last line."],
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_is_told_whole(kind):
    text, sentences = BROKEN[kind]
    with pytest.raises(BadInput) as refusal:
        read(text)
    assert [finding.sentence for finding in refusal.value.findings] == sentences


@pytest.mark.shared
def test_the_377_of_the_competition(shared):
    folder = shared / "data" / "grid"
    name = "goc1_scenario_02"
    case = read_file((folder / f"{name}.raw").read_bytes(), f"{name}.raw", Kind.RAW)
    listed = read_con(
        (folder / f"{name}.con").read_bytes(), f"{name}.con", case.network, case.labels
    )
    assert (len(listed), listed.not_studied) == (377, ())
    assert len(listed.single_branches) == 326
    assert listed.contingencies[0].name == "G_000009EASTOVER22U1"


# --------------------------------------------------------------------------------- MATPOWER


def table(rows):
    return f"function chgtab = contab_small\n% small\ndefine_constants;\nchgtab = [\n{rows}\n];\n"


def contab(rows):
    case = read_file(
        case_text(
            branch=BRANCH.replace(
                "1\t3\t0.01\t0.1\t0\t100\t100\t100\t0\t0\t1", "1\t3\t0.01\t0.1\t0\t0\t0\t0\t0\t0\t0"
            ),
            gen=GEN,
        ),
        "small.m",
        Kind.MATPOWER,
    )
    return read_contab(table(rows).encode(), "contab.m", case.network, case.labels)


def test_a_table_of_changes():
    listed = contab(
        "1 0 CT_TBRCH 1 BR_STATUS CT_REP 0;\n2 .1 3 2 11 1 0; % two\n2 .1 CT_TGEN 2 GEN_STATUS CT_REP 0;\n"
        "3 0 CT_TBRCH 3 BR_STATUS CT_REP 0;\n4 0 CT_TLOAD 0 1 CT_REL 1.1; 4 0 CT_TBRCH 1 BR_STATUS CT_REP 0;"
    )
    assert [(outage.name, kinds(outage)) for outage in listed.contingencies] == [
        ("contingency 1", [("BRANCH", 0)]),
        ("contingency 2", [("BRANCH", 1), ("UNIT", 1)]),
    ]
    assert [finding.sentence for finding in listed.not_studied] == [
        (
            "Contingencies that change something other than the status of branches and units: 1 (contingency "
            "4 on line 9). They are not studied."
        ),
        (
            "Contingencies of what is already out of service: 1 (contingency 3). They are not studied."
        ),
    ]


@pytest.mark.parametrize(
    ("content", "sentences"),
    [
        (
            case_text(),
            [
                (
                    "x.m: this is not a table of changes. Give a MATPOWER table of contingencies (chgtab, "
                    ".m)."
                )
            ],
        ),
        (
            table("1 0 CT_TBRCH 9 BR_STATUS CT_REP 0;\n2 0 CT_NONE 1 1 1 0;\n3 0 3 1;").encode(),
            [
                (
                    "x.m, line 5: row 9 is not in the case, which has 3 branches. Give the case that the "
                    "table is for."
                ),
                (
                    "x.m, line 6: `2 0 CT_NONE 1 1 1 0` is not a change of 7 numbers (label, probability, "
                    "table, row, column, change, value). Mend it."
                ),
                (
                    "x.m, line 7: `3 0 3 1` is not a change of 7 numbers (label, probability, table, row, "
                    "column, change, value). Mend it."
                ),
            ],
        ),
    ],
)
def test_a_broken_table(content, sentences):
    case = read_file(case_text(), "small.m", Kind.MATPOWER)
    with pytest.raises(BadInput) as refusal:
        read_contab(content, "x.m", case.network, case.labels)
    assert [finding.sentence for finding in refusal.value.findings] == sentences
