import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gentie.formats.matpower.examples import BRANCH, BUS, HEAD, case_text
from gentie.formats.matpower.reader import read_matpower
from gentie.quantities.findings import BadInput


def read(content):
    return read_matpower(content if isinstance(content, bytes) else content.encode(), "small.m")


def sentences(content):
    with pytest.raises(BadInput) as refusal:
        read(content)
    return [finding.sentence for finding in refusal.value.findings]


def test_reads_every_table_and_its_lines():
    content = case_text()
    case = read(content)
    assert (case.name, case.version, case.base_mva) == ("small", "2", 100)
    assert case.digest == hashlib.sha256(content).hexdigest()
    assert case.bus.values.shape == (3, 13)
    assert case.gen.values[1].tolist() == [3, 30, 0, 30, -30, 1, 100, 1, 40, 0]
    assert case.branch.line.tolist() == [14, 15, 16]
    assert len(case.dcline) == 0


@pytest.mark.parametrize(
    "bus",
    [
        # several rows on a line, commas, no final semicolon
        (
            "mpc.bus = [1 3 0 0 0 0 1 1 0 138 1 1.1 .9; 2,1,50,10,0,0,1,1,0,138,1,1.1,0.9\n"
            "3\t2\t0 0 0 0 1 1 0 138 1 1.1 0.9 ] ;\n"
        ),
        # comments, blank lines and continued lines inside
        (
            "mpc.bus = [ %% buses ] not the end\n 1 3 0 0 0 0 1 1 0 138 ... the rest follows\n"
            " 1 1.1 0.9; % one\n\n% 9 9 9\n2 1 50 10 0 0 1 1 0 138 1 1.1 0.9;\n"
            "%{\n7 7 7\n%}\n+3 2 -0 0 0 0 1 1.0e0 0 1.38d2 1 11e-1 0.9];\n"
        ),
        # old Macintosh and Windows line ends
        BUS.replace("\n", "\r\n"),
    ],
)
def test_writings_of_the_same_table(bus):
    expected = read(case_text()).bus.values
    np.testing.assert_array_equal(read(case_text(bus=bus)).bus.values, expected)


def test_another_name_for_the_case_and_statements_on_one_line():
    text = case_text().decode().replace("mpc", "s").replace("';\n", "'; ", 1)
    case = read(text)
    assert (case.name, case.version, case.base_mva, len(case.bus)) == ("small", "2", 100, 3)


def test_infinity_where_it_may_be():
    gen = "mpc.gen = [1 20 0 Inf -Inf 1 100 1 inf -Inf];\n"
    assert read(case_text(gen=gen)).gen.values[0, [3, 4, 8, 9]].tolist() == [
        np.inf,
        -np.inf,
        np.inf,
        -np.inf,
    ]


def test_arithmetic_in_tables_and_base():
    head = HEAD.replace("100", "50/3")
    bus = BUS.replace("138", "135/sqrt(3)", 1).replace("\t50\t", "\t-50/4\t")
    case = read(case_text(head=head, bus=bus))
    assert case.base_mva == 50 / 3
    assert case.bus.values[0, 9] == 135 / np.sqrt(3)
    assert case.bus.values[1, 2] == -12.5


def test_texts_with_quotes():
    more = "mpc.bus_name = {\n 'O''Hare'; % first\n\"Two\"; 'a % b; c'\n};\n"
    more += "mpc.genfuel = {'wind', 'solar'};\nmpc.gentype = {\n\t'WT';\n\t'PV';\n};\n"
    names = read(case_text(more=more)).names
    assert names["bus_name"] == ("O'Hare", "Two", "a % b; c")
    assert names["genfuel"] == ("wind", "solar")
    assert names["gentype"] == ("WT", "PV")


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["C", "Z"]), max_size=12), min_size=3, max_size=3
    )
)
def test_texts_come_back(texts):
    quoted = "\n".join("\t'" + text.replace("'", "''") + "';" for text in texts)
    case = read(case_text(more=f"mpc.bus_name = {{\n{quoted}\n}};\n"))
    assert case.names["bus_name"] == tuple(texts)


@given(
    st.lists(
        st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=11, max_size=11),
        min_size=1,
        max_size=5,
    )
)
def test_numbers_come_back_exactly(rows):
    rows = [[1, 2, *row[2:8], abs(row[8]), *row[9:]] for row in rows]
    lines = "\n".join("\t".join(map(repr, row)) + ";" for row in rows)
    case = read(case_text(branch=f"mpc.branch = [\n{lines}\n];\n"))
    assert case.branch.values.tolist() == rows


def test_other_tables_are_kept_or_listed():
    more = "mpc.areas = [1 1];\nmpc.gencost = [2 0 0 3 0 20 0; 2 0 0 3 0 20 0];\n"
    more += "mpc.dcline = [1 3 1 10 9.5 0 0];\nmpc.reserves.zones = [\n1 0\n0 1\n];\n"
    more += "mpc.if.map = { 1, [1 2; 3 4];\n 'x', {5} };\nmpc.note = 'hello';\nmpc.areas2 = [1]';\n"
    case = read(case_text(more=more))
    assert case.dcline.values.tolist() == [[1, 3, 1, 10, 9.5, 0, 0]]
    assert case.tables["areas"].values.tolist() == [[1, 1]]
    assert [(dropped.name, dropped.rows) for dropped in case.dropped] == [
        ("reserves.zones", 2),
        ("if.map", 2),
        ("note", 1),
        ("areas2", 1),
    ]


def test_known_statements_are_applied_in_order():
    more = """
[PQ, PV, REF, NONE, BUS_I, BUS_TYPE, PD, QD, GS, BS, BUS_AREA, VM, ...
    VA, BASE_KV, ZONE, VMAX, VMIN, LAM_P, LAM_Q, MU_VMAX, MU_VMIN] = idx_bus;
[F_BUS, T_BUS, BR_R, BR_X, BR_B] = idx_brch;
Vbase = mpc.bus(1, BASE_KV) * 1e3;      %% in Volts
Sbase = mpc.baseMVA * 1e6;              %% in VA
mpc.branch(:, [BR_R BR_X]) = mpc.branch(:, [BR_R BR_X]) / (Vbase^2 / Sbase);
mpc.bus(:, [PD, QD]) = mpc.bus(:, [PD, QD]) / 1e3;
pf = 0.85;
mpc.bus(:, QD) = mpc.bus(:, PD) * sin(acos(pf));
mpc.bus(:, PD) = mpc.bus(:, PD) * pf;
"""
    case = read(case_text(more=more))
    ohm_per_pu = 138e3**2 / 100e6
    assert case.branch.values[0, 2:5].tolist() == [0.01 / ohm_per_pu, 0.1 / ohm_per_pu, 0]
    assert case.bus.values[1, 2] == 0.05 * 0.85
    assert case.bus.values[1, 3] == 0.05 * np.sin(np.arccos(0.85))
    assert [applied.line for applied in case.applied] == [24, 25, 27, 28]


def test_a_block_that_the_file_switches_off_is_passed_over():
    more = "fixed = 0;\nif fixed\n k = find(isinf(mpc.gen(:, 3)));\n mpc.gen(k, 9) = 0;\nend\n"
    assert [skipped.line for skipped in read(case_text(more=more)).skipped] == [19]
    assert sentences(case_text(more=more.replace("fixed = 0", "fixed = 1"))) == [
        (
            "small.m, line 19: the statement `if fixed` begins a block that is not understood. Load "
            "the case in MATPOWER and save it with savecase, which writes plain tables."
        )
    ]


def test_a_block_with_another_way_is_refused():
    more = "k = 0;\nif k\nx = [1\n2];\nelse\nmpc.bus = 1;\nend\n"
    assert "`if k` begins a block" in sentences(case_text(more=more))[0]
    assert "`if k` begins a block" in sentences(case_text(more="k = 0;\nif k\n"))[0]


@pytest.mark.parametrize("end", ["return;\n", "end\n", "return;\nend % of the case\n\n"])
def test_the_function_may_be_closed(end):
    assert len(read(case_text(more=end)).bus) == 3


def test_all_column_numbers_at_once():
    head = HEAD.replace("mpc.version", "mpc = struct();\ndefine_constants;\nmpc.version")
    more = "mpc.gen(:, [PMAX, QMAX]) = mpc.gen(:, [PMAX, QMAX]) * 2;\n"
    case = read(case_text(head=head, more=more))
    assert case.gen.values[0].tolist() == [1, 20, 0, 60, -30, 1, 100, 1, 160, 0]


def test_other_variables_are_listed():
    more = "other = [1 2\n3 4];\nopt.k = 3;\nk = mpc.bus(2, 3) / 5;\nmpc.bus(:, 3) = mpc.bus(:, 3) / k;"
    case = read(case_text(more=more))
    assert [dropped.name for dropped in case.dropped] == ["other", "opt.k"]
    assert case.bus.values[1, 2] == 5


REFUSED_STATEMENTS = [
    ("mpc.bus(2, 3) = 70;", "is not understood"),
    ("mpc.bus(:, 3) = mpc.bus(:, 3) / 2 + 1;", "computes a table in a way"),
    ("mpc.bus(:, 3) = mpc.bus(:, 3) * factor;", "computes a table in a way"),
    ("mpc.load(:, 3) = mpc.load(:, 3) * 2;", "changes a table that has not been read"),
    ("mpc = scale_load(2, mpc);", "replaces the whole case"),
    ("x = rand(3);", "computes something that is not a single number"),
    ("for i = 1:3, mpc.bus(i, 3) = 0; end", "begins a block"),
    ("system('rm -rf /');", "is not understood"),
    ("mpc.branch = makebranch(3);", "computes a whole table"),
    ("mpc.gencost = [1 2 3 4; 1 2 3 4]';", "computes with a whole table"),
    ("function y = second(x)", "begins a second function"),
    ("return; mpc.bus = 1;", "ends the case before the end of the file"),
    ("[A, B, C, D, E, F, G, H] = idx_cost;", "asks for column numbers that are not known"),
    ("mpc.bus(:, 3) = mpc.bus(:, 3) / 0;", "computes a table in a way"),
    ("mpc.bus(:, 30) = mpc.bus(:, 30) / 2;", "computes a table in a way"),
    ("mpc.bus(:, 3) = mpc.bus(:, 3) / mpc.bus(9, 1);", "computes a table in a way"),
    ("mpc.bus(:, [3 4]) = mpc.bus(:, 3) / 2;", "computes a table in a way"),
]


@pytest.mark.parametrize(("statement", "reason"), REFUSED_STATEMENTS)
def test_statements_that_compute_are_refused(statement, reason):
    more = statement + "\n"
    told = [sentence for sentence in sentences(case_text(more=more)) if "savecase" in sentence]
    assert told
    assert told[0].startswith("small.m, line 18: the statement `")
    assert reason in told[0]


def test_not_utf8_is_read_as_latin1():
    content = case_text(more="mpc.bus_name = {'Sé'; 'b'; 'c'};\n").decode().encode("latin-1")
    case = read(content)
    assert case.encoding == "latin-1"
    assert case.names["bus_name"][0] == "Sé"


@given(st.binary(max_size=300))
def test_rubbish_never_crashes(content):
    with pytest.raises(BadInput):
        read(content)


@given(st.data())
def test_a_damaged_case_never_crashes(data):
    content = bytearray(case_text(more="mpc.bus_name = {'a'; 'b'; 'c'};\n"))
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(content) - 1))
        piece = data.draw(st.sampled_from([b"", b"]", b"[", b"'", b";", b"\n", b"%", b"{", b"..."]))
        content[place : place + data.draw(st.integers(0, 40))] = piece
    told = ()
    try:
        read(bytes(content))
    except BadInput as refusal:
        told = refusal.findings
    assert all(finding.sentence.startswith("small.m") for finding in told)


def test_a_cut_file_is_always_refused():
    content = case_text()
    for end in range(0, content.rindex(b"]"), 7):
        with pytest.raises(BadInput):
            read(content[:end])


def test_reasons_are_counted_beyond_a_screenful():
    rows = "".join(f"1 {number} 0 0.1 0 0 0 0 0 0 1;\n" for number in range(100, 200))
    told = sentences(case_text(branch=f"mpc.branch = [\n{rows}];\n"))
    assert len(told) == 41
    assert told[-1] == "small.m: 60 more reasons are not listed; mend these first."


def test_branch_between_the_same_bus():
    assert sentences(case_text(branch=BRANCH.replace("\t1\t2\t", "\t2\t2\t"))) == [
        (
            "small.m, line 14, field branch.tbus: the branch begins and ends at bus 2. "
            "Mend one end or take the row out."
        )
    ]
