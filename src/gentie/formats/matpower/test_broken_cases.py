"""Kinds of broken case, each with its full sentence."""

import pytest

from gentie.formats.matpower.examples import BRANCH, BUS, GEN, HEAD, case_text
from gentie.formats.matpower.reader import read_matpower
from gentie.quantities.findings import BadInput

ALLOWED = "Give a case file in MATPOWER's format version 2 (.m)."
BROKEN = {
    "empty": (b" \n", ["case.m: the file is empty. Give a MATPOWER case (.m)."]),
    "binary": (
        b"\x00\x01\x02",
        ["case.m: this is not a text file. Give a MATPOWER case (.m) in UTF-8."],
    ),
    "mat": (
        b"MATLAB 5.0 MAT-file, Platform: GLNXA64",
        [
            (
                "case.m: this is a binary .mat file. Save it as text with MATPOWER's "
                "savecase('NAME.m', mpc)."
            )
        ],
    ),
    "other text": (
        b"bus,mw\n1,20\n",
        [
            (
                "case.m, line 1: this is not a MATPOWER case: it has no line `function mpc = NAME` "
                f"before its first statement. {ALLOWED}"
            )
        ],
    ),
    "only comments": (
        b"% nothing here\n",
        [
            (
                "case.m, line 1: this is not a MATPOWER case: it has no line `function mpc = NAME`. "
                f"{ALLOWED}"
            )
        ],
    ),
    "contingencies": (
        b"function chgtab = contab\nchgtab = [1 2 3];\n",
        [
            (
                "case.m, line 1: this is not a MATPOWER case: it is a table of changes or outages "
                f"(chgtab). {ALLOWED}"
            )
        ],
    ),
    "version 1": (
        b"function [baseMVA, bus, gen, branch] = case9\nbaseMVA = 100;\n",
        [
            (
                "case.m, line 1: this case is written in MATPOWER's format version 1. Load it in "
                "MATPOWER and save it with savecase, which writes version 2."
            )
        ],
    ),
    "says version 1": (
        case_text(head=HEAD.replace("'2'", "'1'")),
        [
            (
                "case.m, line 2, field version: the case says format version '1' and only version 2 "
                "is read. Load it in MATPOWER and save it with savecase."
            )
        ],
    ),
    "truncated": (
        case_text(branch="mpc.branch = [\n\t1\t2\t0.01\t0.1\t0\t100\t100\t100\t0\t0\t1;\n\t2\t3"),
        [
            (
                "case.m, line 13, field branch: the table branch begins here and is not closed before "
                "line 15. Add the missing rows and ]; the file may be cut off."
            ),
            (
                "case.m, line 15, field branch.r: this row of branch has 2 columns and the others have "
                "11: the row ends before r. Complete it."
            ),
        ],
    ),
    "unclosed": (
        case_text(gen=GEN.replace("];\n", "")),
        [
            (
                "case.m, line 9, field gen: the table gen begins here and is not closed before line "
                "12. Add the missing rows and ]; the file may be cut off."
            )
        ],
    ),
    "short rows": (
        case_text(
            bus="mpc.bus = [\n1 3 0 0 0 0 1 1 0 138 1 1.1;\n2 1 0 0 0 0 1 1 0 138 1 1.1\n3 1"
            " 0 0 0 0 1 1 0 138 1 1.1];\n"
        ),
        [
            (
                "case.m, line 5, field bus.Vmin: the rows of bus have 12 columns and 13 are needed; "
                "the first that is missing is Vmin. Complete the rows."
            )
        ],
    ),
    "one long row": (
        case_text(gen=GEN.replace("\t40\t0;", "\t40\t0\t7;")),
        [
            (
                "case.m, line 11, field gen.Pc1: this row of gen has 11 columns and the others have "
                "10: it has more. Take out what is too much."
            )
        ],
    ),
    "a word": (
        case_text(bus=BUS.replace("\t50\t", "\tfifty\t")),
        ["case.m, line 6, field bus.Pd: 'fifty' is not a number. Write a number, Inf or -Inf."],
    ),
    "a sum": (
        case_text(branch=BRANCH.replace("0.01\t0.1", "0.01-0.1", 1)),
        [
            (
                "case.m, line 14, field branch.r: '0.01-0.1' is not a number. Write a number, Inf or "
                "-Inf."
            ),
            (
                "case.m, line 14, field branch.status: this row of branch has 10 columns and the others"
                " have 11: the row ends before status. Complete it."
            ),
        ],
    ),
    "NaN": (
        case_text(bus=BUS.replace("\t50\t", "\tNaN\t")),
        [
            (
                "case.m, line 6, field bus.Pd: the value is NaN and the study needs it. Write a finite "
                "number."
            )
        ],
    ),
    "infinite load": (
        case_text(bus=BUS.replace("\t50\t", "\tInf\t")),
        [
            (
                "case.m, line 6, field bus.Pd: the value is Inf and the study needs it. Write a finite "
                "number."
            )
        ],
    ),
    "unknown buses": (
        case_text(gen=GEN.replace("\t3\t30", "\t4\t30"), branch=BRANCH.replace("\t1\t2", "\t1\t9")),
        [
            (
                "case.m, line 11, field gen.bus: the unit stands at bus 4, which the case does not "
                "have. Add the bus or mend the number."
            ),
            (
                "case.m, line 14, field branch.tbus: the branch stands at bus 9, which the case does "
                "not have. Add the bus or mend the number."
            ),
        ],
    ),
    "duplicate bus": (
        case_text(
            bus=BUS.replace("\t3\t2\t0", "\t2\t2\t0"),
            gen=GEN.replace("\t3\t30", "\t2\t30"),
            branch="mpc.branch = [1 2 0 0.1 0 0 0 0 0 0 1];\n",
        ),
        [
            (
                "case.m, line 7, field bus.bus_i: bus 2 is already on line 6. Give each bus its own "
                "number."
            )
        ],
    ),
    "broken bus number": (
        case_text(bus=BUS.replace("\t2\t1\t50", "\t2.5\t1\t50"), branch="mpc.branch = [];\n"),
        [
            (
                "case.m, line 6, field bus.bus_i: the bus number 2.5 is not a whole number from 1 to "
                "999,999,999. Number the buses 1, 2, 3, …"
            )
        ],
    ),
    "tap ratio": (
        case_text(branch=BRANCH.replace("\t0\t0\t1;", "\t-1\t0\t1;", 1)),
        [
            (
                "case.m, line 14, field branch.ratio: the tap ratio -1 is below 0. Write 0 for a line, or "
                "a ratio above 0."
            )
        ],
    ),
    "bus type": (
        case_text(bus=BUS.replace("\t2\t1\t50", "\t2\t7\t50")),
        [
            (
                "case.m, line 6, field bus.type: bus type 7 is not known. Write 1 (load), 2 (voltage "
                "held), 3 (slack) or 4 (isolated)."
            )
        ],
    ),
    "no base": (
        case_text(head="function mpc = small\nmpc.version = '2';\n"),
        [
            (
                "case.m, field baseMVA: the power base is missing. Add mpc.baseMVA = 100; or what the "
                "case uses."
            )
        ],
    ),
    "base of zero": (
        case_text(head=HEAD.replace("100", "0")),
        [
            (
                "case.m, line 3, field baseMVA: the power base '0' is not a number above 0. Write the "
                "base in MVA, usually 100."
            )
        ],
    ),
    "no branches and no buses": (
        (HEAD + "mpc.bus = [];\nmpc.gen = [];\n").encode(),
        [
            "case.m, line 4, field bus: the table mpc.bus has no rows. Give at least one bus.",
            "case.m, field branch: the table mpc.branch is missing. Add it, or give the whole file.",
        ],
    ),
    "table twice": (
        case_text(more=GEN),
        ["case.m, line 18, field gen: mpc.gen is given a second time, first on line 9. Keep one."],
    ),
    "names": (
        case_text(more="mpc.bus_name = {'a'; b; 'c'};\nmpc.genfuel = {'wind'};\n"),
        [
            "case.m, line 18, field bus_name: 'b' is not a text in quotes. Write 'TEXT';",
            (
                "case.m, field genfuel: genfuel has 1 texts and gen has 2 rows, so names would stand at "
                "wrong rows. Give one text a row."
            ),
        ],
    ),
    "names without an end": (
        case_text(more="mpc.bus_name = {\n'a';\n'b';\n'c';\nmpc.genfuel = {\n'wind'; 'coal';\n"),
        [
            (
                "case.m, line 18, field bus_name: the table bus_name begins here and is not closed "
                "before line 22. Add the missing rows and }; the file may be cut off."
            ),
            (
                "case.m, line 22, field genfuel: the table genfuel begins here and is not closed "
                "before line 24. Add the missing rows and }; the file may be cut off."
            ),
        ],
    ),
    "a table that nobody reads, without an end": (
        case_text(more="mpc.zones = [\n1 2\nmpc.version2 = 3;\n"),
        [
            (
                "case.m, line 18, field mpc.zones: the table mpc.zones begins here and is not closed "
                "before line 20. Add the missing rows and ]; the file may be cut off."
            )
        ],
    ),
    "base in brackets": (
        case_text(head=HEAD.replace("100", "[100]")),
        ["case.m, line 3, field baseMVA: mpc.baseMVA must be one value without brackets."],
    ),
    "a word with arithmetic": (
        case_text(bus=BUS.replace("\t50\t", "\t50/zero\t")),
        ["case.m, line 6, field bus.Pd: '50/zero' is not a number. Write a number, Inf or -Inf."],
    ),
    "names in the wrong brackets": (
        case_text(more="mpc.genfuel = ['wind'; 'coal'];\n"),
        ["case.m, line 18, field genfuel: mpc.genfuel must be a list of texts in { }."],
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_every_broken_case_gets_its_sentence(kind):
    content, expected = BROKEN[kind]
    with pytest.raises(BadInput) as refusal:
        read_matpower(content, "case.m")
    assert [finding.sentence for finding in refusal.value.findings] == expected


def test_codes_are_stable():
    codes = set()
    for content, _ in BROKEN.values():
        with pytest.raises(BadInput) as refusal:
            read_matpower(content, "case.m")
        codes |= {finding.code for finding in refusal.value.findings}
    assert codes == {
        *("case.base", "case.base.missing", "case.branch.bus", "case.branch.missing"),
        "case.branch.ratio",
        *("case.bus.duplicate", "case.bus.empty", "case.bus.number", "case.bus.type"),
        *("case.file.binary", "case.file.empty", "case.file.kind", "case.file.mat"),
        *("case.gen.bus", "case.genfuel.count", "case.name", "case.number"),
        *("case.number.missing", "case.row.long", "case.row.short", "case.table.kind"),
        *("case.table.twice", "case.table.unclosed", "case.version"),
    }


def test_a_file_too_large(monkeypatch):
    monkeypatch.setattr("gentie.formats.matpower.decoding.LARGEST_MB", 0.0001)
    with pytest.raises(BadInput) as refusal:
        read_matpower(case_text(), "case.m")
    assert refusal.value.findings[0].code == "case.file.large"
