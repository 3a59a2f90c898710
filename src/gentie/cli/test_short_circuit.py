from __future__ import annotations

import csv
import json

import pytest

from gentie.cli.errors import in_sentences
from gentie.cli.main import gentie_command

RATINGS = "bus,breaker,rating_ka\n1,CB1,5\n2,CB2,63\n"
REQUESTS = """request,bus,technology,mw,mwh,deliverability
R1,2,solar,200,,full
R2,1,gas,300,,full
"""


@pytest.fixture
def run(capsys):
    def call(*arguments):
        words = ["case", "short-circuit", *map(str, arguments)]
        code = in_sentences(lambda: gentie_command.main(words, standalone_mode=False))
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def files(tmp_path):
    ratings, requests = tmp_path / "ratings.csv", tmp_path / "requests.csv"
    ratings.write_text(RATINGS)
    requests.write_text(REQUESTS)
    return ratings, requests


def test_a_screenful_of_the_highest(run):
    code, out, err = run("case_ACTIVSg200")
    assert (code, err) == (0, "")
    assert out.startswith("case_ACTIVSg200: bolted faults at 200 buses, kA; IEC 60909")
    assert "and 180 more, those below 69 kV among them; --out lists them all." in out
    assert "Machines with impedances by default: 32 of 32." in out
    lines = [line.split() for line in out.splitlines()]
    told = [float(line[2]) for line in lines if len(line) == 8 and line[0].isdigit()]
    assert len(told) == 20
    assert told == sorted(told, reverse=True)


def test_the_type_decides_the_order(run):
    _, out, _ = run("case_ACTIVSg200", "--type", "line-to-ground", "--method", "flat")
    lines = [line.split() for line in out.splitlines()]
    told = [float(line[3]) for line in lines if len(line) == 7 and line[0].isdigit()]
    assert told == sorted(told, reverse=True)
    assert "Peak" not in out


def test_breakers_and_requests(run, files):
    ratings, requests = files
    code, out, _ = run(
        "case_ACTIVSg200", "--ratings", ratings, "--requests", requests, "--bus", 1, "--bus", 2
    )
    assert code == 0
    assert "Added by" in out
    assert "Breakers above their rating: 1; to be told in the study report: 1." in out
    _, out, _ = run(
        "case_ACTIVSg200", "--ratings", ratings, "--requests", requests, "--bus", 2, "--json"
    )
    answer = json.loads(out)
    assert [bus["bus"] for bus in answer["buses"]] == [2]
    assert [duty["breaker"] for duty in answer["duties"]] == ["CB1", "CB2"]
    assert {share["request"] for share in answer["requests"]} == {"R1", "R2"}
    assert answer["method"] == "iec"
    assert answer["largest_residual"] < 1e-10


def test_every_bus_as_csv(run, tmp_path):
    out = tmp_path / "faults.csv"
    code, _, _ = run("case_ACTIVSg200", "--method", "profile", "--out", out)
    assert code == 0
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 200
    assert list(rows[0])[:4] == ["bus", "nominal_kv", "three_phase_ka", "line_to_ground_ka"]
    assert rows[0]["peak_ka"] == ""
    assert float(rows[0]["three_phase_ka"]) > 1


def test_refusals_come_together(run, tmp_path):
    ratings = tmp_path / "ratings.csv"
    ratings.write_text("bus,breaker,rating_ka\n999,CB1,5\n")
    missing = tmp_path / "none.csv"
    code, out, err = run("case_ACTIVSg200", "--ratings", ratings, "--requests", missing)
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        (
            "ratings.csv, line 2, field bus: '999' is not a bus in service of case_ACTIVSg200. Write the "
            "number of a bus of the case."
        ),
        f"{missing} cannot be read: No such file or directory. Give the path of a file.",
    ]
    code, _, err = run("case_ACTIVSg200", "--bus", 999)
    assert code == 2
    assert err == (
        "case_ACTIVSg200.m: bus 999 is not a bus in service of the case. Give the number of one that "
        "is.\n"
    )
    code, _, err = run("case_ACTIVSg200", "--method", "ansi")
    assert code == 2
    assert "'ansi' is not one of 'iec', 'flat', 'profile'." in err


def test_a_sequence_file_replaces_assumptions(run, tmp_path):
    seq = tmp_path / "small.seq"
    seq.write_text("0, 33\n49, 1, 0.0, 0.1\n")
    code, out, _ = run("case_ACTIVSg200", "--sequence", seq, "--bus", 49, "--json")
    given = json.loads(out)
    assert code == 0
    _, out, _ = run("case_ACTIVSg200", "--bus", 49, "--json")
    without = json.loads(out)
    said = {finding["code"]: finding["count"] for finding in given["findings"]}
    assert said["short_circuit.unit.assumed"] == 31
    three = [one["buses"][0]["current_ka"]["three-phase"] for one in (given, without)]
    assert three[0] > 1.1 * three[1]
    seq.write_text("0, 33\n1, 1, 0.0, 0.1\n")
    code, _, err = run("case_ACTIVSg200", "--sequence", seq)
    assert code == 2
    assert err.startswith("small.seq, line 2: machine 1 1 is not in case_ACTIVSg200.")
