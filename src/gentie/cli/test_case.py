from __future__ import annotations

import csv
import json
import sys

import click
import pytest

from gentie.cli.case import case as case_group
from gentie.cli.errors import in_sentences
from gentie.cli.main import gentie_command
from gentie.formats.matpower.examples import BRANCH, case_text
from gentie.formats.psse.examples import raw_text


@pytest.fixture
def run(capsys):
    def call(*arguments):
        code = in_sentences(
            lambda: gentie_command.main(["case", *map(str, arguments)], standalone_mode=False)
        )
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def small(tmp_path):
    def write(**parts):
        path = tmp_path / "small.m"
        path.write_bytes(case_text(**parts))
        return path

    return write


def test_every_command_has_an_example():
    assert list(case_group.commands) == [
        "check",
        "flow",
        "contingencies",
        "outages",
        "convert",
        "short-circuit",
    ]
    for command in (case_group, *case_group.commands.values()):
        assert command.epilog.startswith("Example: gentie case ")


def test_check_prints_the_fidelity_report(run, small):
    code, out, _ = run("check", small(branch=BRANCH.replace("100\t100\t100", "0\t0\t0")))
    assert code == 0
    assert "small (small.m, SHA-256 " in out
    assert "Load, MW" in out
    assert "Branches without a normal rating (rateA is 0): 3" in out
    assert out.endswith(
        "The case can be studied; 4 kinds of thing are dropped, defaulted or assumed.\n"
    )


def test_check_for_programs(run, small):
    code, out, _ = run("check", small(), "--json")
    answer = json.loads(out)
    assert code == 0
    assert (answer["case"], answer["buses"], answer["load_mw"]) == ("small", 3, 50)
    assert [finding["code"] for finding in answer["fidelity"]] == [
        "case.bus_name.missing",
        "case.genfuel.missing",
        "case.gentype.missing",
    ]


def test_check_of_a_large_case(run):
    code, out, _ = run("check", "case_ACTIVSg10k")
    assert code == 0
    assert "2,462" in out
    assert "10,000" in out


def test_names_from_files_are_printed_as_they_are(run, small):
    code, out, _ = run("check", small(more="mpc.x[red]y = {1};\n"))
    assert code == 2
    code, out, _ = run("check", small(more="mpc.odd = 1;\n"))
    assert "odd on line 18" in out


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "small.m: the file is empty. Give a MATPOWER case (.m).\n"),
        (
            case_text(branch=BRANCH.replace("\t1\t2\t", "\t1\t9\t")),
            (
                "small.m, line 14, field branch.tbus: the branch stands at bus 9, which the case does "
                "not have. Add the bus or mend the number.\n"
            ),
        ),
    ],
)
@pytest.mark.parametrize("command", ["check", "flow", "contingencies", "short-circuit"])
def test_bad_input_is_a_sentence_and_exit_2(run, tmp_path, command, content, sentence):
    path = tmp_path / "small.m"
    path.write_bytes(content)
    assert run(command, path) == (2, "", sentence)


def test_no_such_case(run):
    code, out, err = run("flow", "case_118")
    assert (code, out) == (2, "")
    assert err.startswith("There is no file case_118, and MATPOWER ships no case of that name.")
    assert "case118" in err


def test_flow(run):
    code, out, _ = run("flow", "case39")
    assert code == 0
    assert "case39: AC power flow, 3 steps" in out
    assert "Voltage from 0.982 pu at bus 31 to 1.064 pu at bus 36." in out
    assert "line:16:19:1" in out
    assert out.endswith("Branches above their normal rating: 0.\n")


def test_flow_for_programs(run):
    code, out, _ = run("flow", "case39", "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer["converged"] is True
    assert answer["mode"] == "ac"
    assert answer["losses_mw"] == pytest.approx(43.63, abs=0.01)
    assert answer["lowest_voltage"] == {"bus": 31, "voltage_pu": 0.982}
    assert answer["loadings"][0]["element"] == "line:16:19:1"
    assert answer["reason"] == ""


def test_dc_flow(run):
    code, out, _ = run("flow", "case118", "--dc")
    assert code == 0
    assert "DC power flow, no losses" in out
    assert "No branch has a rating" in out
    _, out, _ = run("flow", "case118", "--dc", "--json")
    answer = json.loads(out)
    assert (answer["converged"], answer["losses_mw"], answer["lowest_voltage"]) == (True, 0, None)


def test_divergence_is_exit_1_and_one_sentence(run, small):
    heavy = small(
        bus=case_text()
        .decode()
        .split("mpc.gen")[0]
        .split(";\n", 2)[2]
        .replace("\t50\t", "\t9000\t")
    )
    code, out, err = run("flow", heavy)
    assert (code, out) == (1, "")
    assert err.startswith("small.m: No solution from ")
    assert len(err.splitlines()) == 1
    code, out, _ = run("flow", heavy, "--json")
    answer = json.loads(out)
    assert code == 1
    assert (answer["converged"], answer["losses_mw"], answer["loadings"]) == (False, None, [])
    assert answer["reason"].startswith("No solution from ")


def test_contingencies(run, small, tmp_path):
    path = small(branch=BRANCH.replace("100\t100\t100", "40\t0\t0"))
    code, out, _ = run("contingencies", path, "--out", tmp_path / "pairs.csv")
    assert code == 0
    assert "108.7" in out
    with (tmp_path / "pairs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["element"] for row in rows] == ["line:1:2:1", "line:2:3:1"]
    assert rows[0] == {
        "element": "line:1:2:1",
        "outage": "line:2:3:1",
        "loading_percent": "108.6957",
        "limit_mw": "46.0",
    }
    code, out, _ = run("contingencies", path, "--above", "110", "--json")
    answer = json.loads(out)
    assert (code, answer["pairs"], answer["overloads"]) == (0, [], 2)


def test_a_screenful_of_pairs_and_the_largest_cut(run):
    code, out, _ = run("contingencies", "case_ACTIVSg500", "--above", "50")
    assert code == 0
    assert "more; --out lists them all." in out
    assert "outages cut part of the grid off and are not simulated" in out


def test_contingencies_without_ratings(run):
    code, out, _ = run("contingencies", "case118")
    assert code == 0
    assert "nothing can overload" in out


def test_contingencies_into_nowhere(run, small, tmp_path):
    code, _, err = run("contingencies", small(), "--out", tmp_path / "none" / "pairs.csv")
    assert code == 2
    assert "cannot be written: No such file or directory. Choose another file for --out." in err


def test_ac_contingencies(run, small, tmp_path):
    path = small(branch=BRANCH.replace("100\t100\t100", "40\t0\t0"))
    files = ("--out", tmp_path / "pairs.csv", "--outages", tmp_path / "outages.csv")
    code, out, _ = run("contingencies", path, "--ac", *files)
    assert code == 0
    assert "(AC, with the units' reactive limits)" in out
    assert "Lowest voltage, pu" in out
    with (tmp_path / "pairs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["element"], row["outage"]) for row in rows} >= {("line:1:2:1", "line:2:3:1")}
    assert {row["limit_mva"] for row in rows} == {"46.0"}
    with (tmp_path / "outages.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["outage"] for row in rows[:3]] == ["line:1:2:1", "line:2:3:1", "line:1:3:1"]
    assert rows[0]["status"] == "solved"
    options = ("--ac", "--no-limits", "--pick-up", "slack", "--json")
    code, out, _ = run("contingencies", path, *options)
    answer = json.loads(out)
    assert code == 0
    assert (answer["reactive_limits"], answer["pick_up"]) == (False, "slack")
    assert len(answer["outages"]) == len(rows)


def test_ac_contingencies_of_a_case_without_ratings_and_into_nowhere(run, tmp_path):
    code, out, _ = run("contingencies", "case118", "--ac", "--no-limits")
    assert code == 0
    assert "outages cut part of the grid off and the rest was solved" in out
    assert "Not simulated: unit:69:1, the only unit of the slack bus." in out
    nowhere = tmp_path / "none" / "outages.csv"
    code, _, err = run("contingencies", "case9", "--ac", "--outages", nowhere)
    assert code == 2
    assert "Choose another file for --outages." in err


def test_a_group_without_a_command_shows_its_help(run):
    code, out, err = run()
    assert code in (0, 2)
    assert "check" in out + err
    assert isinstance(case_group, click.Group)


# ----------------------------------------------------------------------------- formats, files


@pytest.fixture
def raw(tmp_path):
    path = tmp_path / "small.raw"
    path.write_bytes(raw_text())
    return path


def test_a_raw_case_is_checked_and_solved(run, raw):
    code, out, _ = run("check", raw)
    assert code == 0
    assert "small (small.raw, SHA-256 " in out
    assert "A RAW case names no fuels: the fuel of every unit is unknown." in " ".join(out.split())
    code, out, _ = run("flow", raw)
    assert code == 0
    assert "The stored voltages differ from these by up to 0.0021 pu, at bus 2." in out


def test_the_flow_of_every_branch_is_written(run, raw, tmp_path):
    csv_file, parquet_file = tmp_path / "flow.csv", tmp_path / "flow.parquet"
    assert run("flow", raw, "--out", csv_file)[0] == run("flow", raw, "--out", parquet_file)[0] == 0
    rows = list(csv.DictReader(csv_file.read_text().splitlines()))
    assert [row["element"] for row in rows] == ["transformer:1:2:1"]
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(parquet_file).to_pylist()
    assert [(row["element"], row["p_to_mw"]) for row in table] == [
        ("transformer:1:2:1", pytest.approx(-10.0, abs=1e-6))
    ]
    assert float(rows[0]["p_from_mw"]) == table[0]["p_from_mw"]


def test_parquet_without_what_writes_it(run, raw, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    out = tmp_path / "flow.parquet"
    assert run("flow", raw, "--out", out) == (
        2,
        "",
        (
            "flow.parquet: Parquet is written by pyarrow, which is not installed. Install it with `pip "
            "install 'gentie[exchange]'`, or give a name that ends in .csv.\n"
        ),
    )
    assert not out.exists()


def test_convert_says_what_changed(run, raw, tmp_path):
    out = tmp_path / "small.m"
    code, said, _ = run("convert", raw, "--to", "matpower", "--out", out)
    assert code == 0
    assert said.endswith("Nothing that is compared has changed.\n")
    assert out.read_bytes().startswith(b"function mpc = small\n")
    code, said, _ = run("convert", raw, "--to", "powermodels", "--out", out, "--json")
    answer = json.loads(said)
    assert (code, answer["target"], answer["differences"]) == (0, "powermodels", [])
    assert answer["voltage_pu"] == 0


def test_convert_to_nowhere(run, raw, tmp_path):
    out = tmp_path / "none" / "x.m"
    assert run("convert", raw, "--to", "matpower", "--out", out) == (
        2,
        "",
        f"{out} cannot be written: No such file or directory. Choose another file for --out.\n",
    )


def test_outages_made_and_listed(run, raw, tmp_path):
    out = tmp_path / "outages.csv"
    code, said, _ = run("outages", raw, "--make", "P1,P2", "--areas", "1", "--out", out)
    assert code == 0
    assert said.startswith("small: 2 contingencies.\n")
    assert "P2 (bus sections and breakers) is not studied." in " ".join(said.split())
    assert len(out.read_text().splitlines()) == 3
    con = tmp_path / "small.con"
    con.write_text("CONTINGENCY one\nOPEN BRANCH FROM BUS 1 TO BUS 2 CIRCUIT 1\nEND\nEND\n")
    code, said, _ = run("outages", raw, "--list", con, "--json")
    answer = json.loads(said)
    assert (code, answer["contingencies"], answer["not_studied"]) == (0, {"given": 1}, [])


def test_a_list_that_is_not_there(run, raw, tmp_path):
    missing = tmp_path / "none.con"
    assert run("outages", raw, "--list", missing) == (
        2,
        "",
        f"{missing} cannot be read: No such file or directory. Check its name and who may read it.\n",
    )


def test_contingencies_of_a_list(run, small, tmp_path):
    path = small(branch=BRANCH.replace("100\t100\t100", "40\t0\t0"))
    listed = tmp_path / "list.csv"
    listed.write_text(
        "contingency,element\nlong way,line:2:3:1\napart,line:2:3:1\napart,line:1:3:1\n"
        "units,unit:1:1\nunits,unit:3:1\n"
    )
    code, out, _ = run("contingencies", path, "--list", listed)
    assert code == 0
    words = " ".join(out.split())
    assert "2 of 3 contingencies of list.csv against 3 with a rating" in words
    assert "the largest is apart with 0.0 MW of load and 30.0 MW of generation." in words
    assert "units loses 50.0 MW, and 50.0 MW of it nobody has room for." in words
    assert "pro rata by their capacity" in words
    code, out, _ = run("contingencies", path, "--list", listed, "--json")
    answer = json.loads(out)
    assert (code, answer["overloads"], answer["solved"]) == (0, 1, 2)
    listed.write_text("contingency,element\na,line:7:8:1\n")
    code, _, err = run("contingencies", path, "--list", listed)
    assert code == 2
    assert err.startswith("list.csv, line 2: small has no line:7:8:1.")
