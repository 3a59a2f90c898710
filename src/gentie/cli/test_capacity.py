from __future__ import annotations

import csv
import json

import pytest

from gentie.cli.areas import parsed_areas
from gentie.cli.capacity import capacity as capacity_group
from gentie.cli.errors import in_sentences
from gentie.cli.main import gentie_command
from gentie.formats.matpower.examples import BRANCH, BUS, case_text
from gentie.quantities.findings import BadInput

# Where the small case has room: 40 MVA on each line, buses 1 and 3 with units, the load at 2.
TIGHT = BRANCH.replace("100\t100\t100", "40\t0\t0")


@pytest.fixture
def run(capsys):
    def call(*arguments):
        code = in_sentences(
            lambda: gentie_command.main(
                ["capacity", *map(str, arguments)], "gentie", standalone_mode=False
            )
        )
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.m"
    path.write_bytes(case_text(branch=TIGHT))
    return path


def test_every_command_has_an_example():
    assert list(capacity_group.commands) == ["map", "at"]
    for command in (capacity_group, *capacity_group.commands.values()):
        assert command.epilog.startswith("Example: gentie capacity ")


# --------------------------------------------------------------------------------- the map


def test_map(run, small, tmp_path):
    code, out, err = run("map", small, "--out", tmp_path / "map.csv")
    assert (code, err) == (0, "")
    assert "point:1" in out
    assert "3 points; the 3 with the least capacity are shown" in out
    assert "Assumed (california-2026.1, all areas): stored dispatch; DC flows;" in out
    assert out.rstrip().endswith("map.csv.")
    with (tmp_path / "map.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:4] == ["bus", "capacity_mw", "limiting_element", "outage"]
    assert [row["bus"] for row in rows] == ["1", "2", "3"]
    for row in rows:
        whole, _, fraction = row["capacity_mw"].partition(".")
        assert whole.isdigit()
        assert len(fraction) == 3


def test_map_for_programs(run, small):
    code, out, _ = run("map", small, "--json", "--areas", "1")
    answer = json.loads(out)
    assert code == 0
    assert (answer["case"], answer["areas"], answer["note"]) == ("small", [1], "")
    assert [point["bus"] for point in answer["points"]] == [1, 2, 3]
    for point in answer["points"]:
        assert {"bus", "capacity_mw", "limiting_element", "outage"} <= set(point)
    assert len(answer["sha256"]) == 64


def test_the_map_of_an_unrated_case_is_blank_and_says_so(run, tmp_path):
    code, out, _ = run("map", "case118", "--out", tmp_path / "map.csv")
    assert code == 0
    assert "No line or transformer of the studied areas has a rating" in " ".join(out.split())
    with (tmp_path / "map.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 118
    assert {(row["capacity_mw"], row["limiting_element"], row["outage"]) for row in rows} == {
        ("", "", "")
    }
    code, out, _ = run("map", "case118", "--json")
    answer = json.loads(out)
    assert answer["points"][0]["capacity_mw"] is None
    assert answer["note"].startswith("No line or transformer of the studied areas has a rating")


def test_a_map_into_nowhere(run, small, tmp_path):
    code, out, err = run("map", small, "--out", tmp_path / "none" / "map.csv")
    assert (code, out) == (2, "")
    assert err == f"--out: there is no folder {tmp_path / 'none'}; make it or name another.\n"
    code, out, err = run("map", small, "--out", tmp_path)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    code, out, err = run("map", small, "--out", tmp_path / ("x" * 300) / "map.csv")
    assert (code, out) == (2, "")
    assert err.startswith("--out: there is no folder ")


# ------------------------------------------------------------------------------- one point


def test_at(run, small):
    code, out, _ = run("at", small, "--bus", "1", "--mw", "10")
    said = " ".join(out.split())
    assert code == 0
    assert "Bus 1: 10 MW is within the limits. The point takes " in said
    assert "line:1:2:1" in said
    assert "facilities that the injection reaches by 3%" in said
    code, out, _ = run("at", small, "--bus", "1", "--mw", "500")
    assert code == 0
    assert "Bus 1: 500 MW is NOT within the limits." in " ".join(out.split())


def test_at_for_programs_agrees_with_the_map(run, small):
    _, out, _ = run("map", small, "--json")
    point = json.loads(out)["points"][0]
    for mw, within in ((point["capacity_mw"] - 0.1, True), (point["capacity_mw"] + 0.1, False)):
        code, out, _ = run("at", small, "--bus", "1", "--mw", mw, "--json")
        answer = json.loads(out)
        assert code == 0
        assert answer["within_limits"] is within
        assert answer["limit_mw"] == point["capacity_mw"]
        assert answer["limiting_element"] == point["limiting_element"]
        assert answer["outage"] == point["outage"]
        figures = {
            "element",
            "outage",
            "distribution_factor",
            "impact_mw",
            "impact_percent",
            "before_percent",
            "after_percent",
        }
        assert all(set(facility) == figures for facility in answer["facilities"])


def test_at_an_unrated_case(run):
    code, out, _ = run("at", "case118", "--bus", "10", "--mw", "5000", "--json")
    answer = json.loads(out)
    assert (code, answer["within_limits"], answer["limit_mw"]) == (0, True, None)
    assert (answer["limiting_element"], answer["outage"]) == (None, None)
    code, out, _ = run("at", "case118", "--bus", "10", "--mw", "5000")
    assert code == 0
    assert "Bus 10: nothing limits an injection here." in out


def test_identities_are_never_cut_off(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = run("at", "case_RTS_GMLC", "--bus", "114", "--mw", "500")
    assert code == 0
    assert "…" not in out
    _, out_json, _ = run("at", "case_RTS_GMLC", "--bus", "114", "--mw", "500", "--json")
    first = json.loads(out_json)["facilities"][0]
    head = next(place for place, line in enumerate(out.splitlines()) if "Facility" in line)
    width = out.splitlines()[head].index("Outage")
    folded = "".join(line[:width].strip() for line in out.splitlines()[head + 2 : head + 4])
    assert folded.startswith(first["element"])
    assert all(len(line) <= 80 for line in out.splitlines())


# -------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["at", "SMALL", "--bus", "77", "--mw", "10"],
            "small has no bus 77; name another one.\n",
        ),
        (
            ["at", "SMALL", "--bus", "2", "--mw", "-1"],
            "-1 MW cannot be injected; give a number above zero.\n",
        ),
        (
            ["at", "SMALL", "--bus", "2", "--mw", "nan"],
            "nan MW cannot be injected; give a number above zero.\n",
        ),
        (
            ["at", "SMALL", "--bus", "2", "--mw", "1", "--areas", "2"],
            "small.m has no area 2; its areas are 1.\n",
        ),
        (
            ["map", "SMALL", "--areas", "north"],
            "--areas: 'north' is not a list of areas; write it as in 3-7 or 1,4,6-8.\n",
        ),
        (
            ["map", "SMALL", "--rulebook", "texas"],
            "There is no rulebook called 'texas'; choose one of: california.\n",
        ),
        (
            ["map", "case_118"],
            "There is no file case_118, and MATPOWER ships no case of that name. Did you mean",
        ),
        (
            ["map", "x" * 300],
            f"There is no file {'x' * 300}, and MATPOWER ships no case of that name. Give the",
        ),
        (
            ["at", "SMALL", "--mw", "1"],
            "Missing option '--bus'. See `gentie capacity at --help`.\n",
        ),
        (
            ["at", "SMALL", "--bus", "two", "--mw", "1"],
            (
                "Invalid value for '--bus': 'two' is not a valid integer. See `gentie capacity at "
                "--help`.\n"
            ),
        ),
    ],
)
def test_bad_input_is_a_sentence_and_exit_2(run, small, arguments, sentence):
    named = [small if argument == "SMALL" else argument for argument in arguments]
    code, out, err = run(*named)
    assert (code, out) == (2, "")
    assert err.startswith(sentence)
    assert len(err.splitlines()) == 1


def test_a_damaged_case_is_named_with_line_and_field(run, tmp_path):
    path = tmp_path / "small.m"
    path.write_bytes(case_text(bus=BUS.replace("\t50\t10", "\tx\t10")))
    for arguments in (["map", path], ["at", path, "--bus", "1", "--mw", "1"]):
        code, out, err = run(*arguments)
        assert (code, out) == (2, "")
        assert err.startswith("small.m, line 6")
        assert len(err.splitlines()) == 1


def test_lists_of_areas():
    assert parsed_areas(None) is None
    assert parsed_areas("3-7") == (3, 4, 5, 6, 7)
    assert parsed_areas("8, 1,4,6-8") == (1, 4, 6, 7, 8)
    for wrong in ("", "3-", "-3", "7-3", "1,,2", "a", "1.5", "²", "1-9999999"):
        with pytest.raises(BadInput, match="is not a list of areas"):
            parsed_areas(wrong)
