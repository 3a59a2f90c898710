from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from gentie.cli.errors import in_sentences
from gentie.cli.main import LazyGroup, gentie_command
from gentie.cli.study import study as study_group
from gentie.formats.matpower.examples import BRANCH, BUS, GEN, case_text

HEAD = "request,bus,technology,mw,mwh,deliverability"
REQUESTS = f"{HEAD}\nR1,114,solar,300,,full\nR2,203,storage,200,800,full\n"
TIGHT = BRANCH.replace("100\t100\t100", "40\t0\t0")


@pytest.fixture
def run(capsys):
    def call(*arguments):
        code = in_sentences(
            lambda: gentie_command.main(list(map(str, arguments)), "gentie", standalone_mode=False)
        )
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def requests(tmp_path):
    path = tmp_path / "requests.csv"
    path.write_text(REQUESTS)
    return path


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.m"
    path.write_bytes(case_text(branch=TIGHT))
    return path


# ------------------------------------------------------------------------------ the screen


def test_help_fits_24_lines_and_lists_the_work_in_its_order(run):
    code, out, _ = run("--help")
    assert code == 0
    assert len(out.splitlines()) <= 24
    assert max(len(line) for line in out.splitlines()) <= 80
    places = [out.index(f"\n  {name} ") for name in ("case", "capacity", "study", "demo")]
    assert places == sorted(places)


def test_every_command_has_an_example_of_itself(run):
    for name in LazyGroup.COMMANDS:
        command = gentie_command.get_command(None, name)
        assert command.epilog.startswith(f"Example: gentie {name}")
        for inner, sub in getattr(command, "commands", {}).items():
            assert sub.epilog.startswith(f"Example: gentie {name} {inner}")
            assert sub.get_short_help_str().endswith(".")
            code, out, _ = run(name, inner, "--help")
            assert code == 0
            assert sub.epilog[:40] in " ".join(out.split())
            assert len(out.splitlines()) <= 24
            assert ("--json" in out) is ((name, inner) != ("operator", "init")), (name, inner)


def test_the_commands_of_a_study():
    assert list(study_group.commands) == ["run", "verify", "restudy", "diff", "certainty"]


# ----------------------------------------------------------------------------- run, verify


def test_run_and_verify(run, requests, tmp_path):
    out_folder = tmp_path / "study"
    code, out, err = run(
        "study", "run", "--case", "case_RTS_GMLC", "--requests", requests, "--out", out_folder
    )
    said = " ".join(out.split())
    assert (code, err) == (0, "")
    assert "2 requests, 500 MW, at 2 points: " in said
    assert "Check: 0 overloads left; the upgraded grid solved from nothing agrees." in said
    assert "Assumed (california-2026.1, ras_first): emergency ratings 1.15 times normal" in said
    assert "point:114" in said
    digest = hashlib.sha256((out_folder / "manifest.json").read_bytes()).hexdigest()
    assert f"digest {digest[:16]}…" in said
    code, out, err = run("study", "verify", out_folder)
    assert (code, err) == (0, "")
    assert " ".join(out.split()).endswith(": identical")
    code, out, _ = run("study", "verify", out_folder, "--json")
    assert (code, json.loads(out)) == (
        0,
        {
            "verdict": "identical",
            "is_identical": True,
            "equal_within": None,
            "differences": [],
            "notes": [],
        },
    )


def test_run_for_programs(run, requests, tmp_path):
    out_folder = tmp_path / "study"
    code, out, _ = run(
        "study",
        "run",
        "--case",
        "case_RTS_GMLC",
        "--requests",
        requests,
        "--policy",
        "wires_first",
        "--out",
        out_folder,
        "--json",
    )
    answer = json.loads(out)
    assert code == 0
    assert answer["bundle"] == str(out_folder)
    manifest = (out_folder / "manifest.json").read_bytes()
    assert answer["bundle_sha256"] == hashlib.sha256(manifest).hexdigest()
    assert answer["policy"] == "wires_first"
    assert answer["schemes"] == 0
    assert answer["check"]["overloads_left"] == 0
    assert {"requests", "constraints", "cost", "case", "rulebook", "notes"} <= set(answer)
    summary = json.loads((out_folder / "results" / "summary.json").read_text())
    assert {key: answer[key] for key in summary} == summary


def test_a_failed_verification_is_exit_1_and_names_what_differs(run, requests, tmp_path):
    out_folder = tmp_path / "study"
    run("study", "run", "--case", "case118", "--requests", _at(requests, 10), "--out", out_folder)
    ledger = out_folder / "results" / "ledger.csv"
    ledger.write_bytes(ledger.read_bytes().replace(b"R1", b"R9"))
    name = "results/ledger.csv was changed after the study was made"
    code, out, err = run("study", "verify", out_folder)
    assert code == 1
    assert name in " ".join(out.split())
    assert err == f"{out_folder} is not the study that was made: 1 difference.\n"
    code, out, err = run("study", "verify", out_folder, "--json")
    answer = json.loads(out)
    assert code == 1
    assert answer["is_identical"] is False
    assert [one["where"] for one in answer["differences"]] == ["results/ledger.csv"]
    assert len(err.splitlines()) == 1


def test_an_unrated_case_says_why_it_finds_no_constraint(run, requests, tmp_path):
    code, out, _ = run(
        "study",
        "run",
        "--case",
        "case118",
        "--requests",
        _at(requests, 10),
        "--out",
        tmp_path / "study",
    )
    assert code == 0
    assert (
        "Note: The study finds no constraint because the case gives no rating to any line"
    ) in " ".join(out.split())


def _at(requests: Path, bus: int) -> Path:
    requests.write_text(f"{HEAD}\nR1,{bus},solar,300,,full\n")
    return requests


# -------------------------------------------------------------------------------- refusals


def test_a_folder_in_use_is_refused_before_anything_is_read(run, tmp_path):
    used = tmp_path / "used"
    used.mkdir()
    (used / "mine.txt").write_text("keep")
    code, out, err = run(
        "study", "run", "--case", "nothing", "--requests", "nothing", "--out", used
    )
    assert (code, out) == (2, "")
    assert err == (
        f"{used} is not empty; a study is never written over something. Name a new folder with "
        "--out.\n"
    )
    assert [path.name for path in used.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["--case", "SMALL", "--requests", "REQUESTS", "--rulebook", "texas"],
            "There is no rulebook called 'texas'; choose one of: california.\n",
        ),
        (
            ["--case", "SMALL", "--requests", "REQUESTS", "--policy", "luck"],
            "There is no policy 'luck'; choose one of: ras_first, wires_first.\n",
        ),
        (
            ["--case", "SMALL", "--requests", "no.csv"],
            "--requests: no.csv cannot be read: No such file or directory.\n",
        ),
        (
            ["--case", "SMALL", "--requests", "x" * 300],
            f"--requests: {'x' * 300} cannot be read: File name too long.\n",
        ),
        (
            ["--case", "case_118", "--requests", "REQUESTS"],
            "There is no file case_118, and MATPOWER ships no case of that name. Did you mean",
        ),
        (
            ["--case", "SMALL", "--requests", "REQUESTS"],
            (
                "requests.csv, line 2, field bus: request R1 is at bus 114, which small does not have. "
                "Write the number of a bus of the case.\nrequests.csv, line 3"
            ),
        ),
        (["--requests", "REQUESTS"], "Missing option '--case'. See `gentie study run --help`.\n"),
    ],
)
def test_a_wrong_call(run, small, requests, tmp_path, arguments, sentence):
    named = {"SMALL": small, "REQUESTS": requests}
    code, out, err = run(
        "study", "run", *(named.get(one, one) for one in arguments), "--out", tmp_path / "study"
    )
    assert (code, out) == (2, "")
    assert err.startswith(sentence)
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize("name", ["none", "x" * 300])
def test_verifying_what_is_no_study(run, tmp_path, name):
    code, out, err = run("study", "verify", tmp_path / name)
    assert (code, out) == (2, "")
    assert err == (
        f"{tmp_path / name} holds no study: there is no manifest.json in it. Name the folder that "
        "`gentie study run --out` wrote.\n"
    )


def test_verifying_a_damaged_manifest(run, tmp_path):
    (tmp_path / "manifest.json").write_text("{")
    code, out, err = run("study", "verify", tmp_path)
    assert (code, out) == (2, "")
    assert err.startswith(f"{tmp_path / 'manifest.json'} is damaged and cannot be read: ")
    assert len(err.splitlines()) == 1


ROW = "R1,2,solar,10,,full"
BROKEN_CASES = {
    "empty": (b"", "small.m: the file is empty. Give a MATPOWER case (.m)."),
    "not a case": (
        b"PK\x03\x04 zip",
        "small.m, line 1: this is not a MATPOWER case: it has no line `function mpc = NAME` before its first statement. Give a case file in MATPOWER's format version 2 (.m).",
    ),
    "no bus table": (
        case_text(bus=""),
        "small.m, field bus: the table mpc.bus is missing. Add it, or give the whole file.",
    ),
    "a word among numbers": (
        case_text(bus=BUS.replace("\t50\t10", "\tx\t10")),
        "small.m, line 6, field bus.Pd: 'x' is not a number. Write a number, Inf or -Inf.",
    ),
    "a bus twice": (
        case_text(bus=BUS.replace("];", "\t3\t1\t0\t0\t0\t0\t1\t1\t0\t138\t1\t1.1\t0.9;\n];")),
        "small.m, line 8, field bus.bus_i: bus 3 is already on line 7. Give each bus its own number.",
    ),
    "a branch to nowhere": (
        case_text(branch=BRANCH.replace("\t1\t2\t", "\t1\t9\t")),
        "small.m, line 14, field branch.tbus: the branch stands at bus 9, which the case does not have. Add the bus or mend the number.",
    ),
    "a unit at no bus": (
        case_text(gen=GEN.replace("\t3\t30", "\t8\t30")),
        "small.m, line 11, field gen.bus: the unit stands at bus 8, which the case does not have. Add the bus or mend the number.",
    ),
    "an old version": (
        case_text(head="function mpc = small\nmpc.version = '1';\nmpc.baseMVA = 9;\n"),
        "small.m, line 2, field version: the case says format version '1' and only version 2 is read. Load it in MATPOWER and save it with savecase.",
    ),
    "a negative base": (
        case_text(head="function mpc = small\nmpc.baseMVA = -1;\n"),
        "small.m, line 2, field baseMVA: the power base '-1' is not a number above 0. Write the base in MVA, usually 100.",
    ),
    "an open table": (
        case_text().rstrip(b"];\n"),
        "small.m, line 13, field branch: the table branch begins here and is not closed before line 16. Add the missing rows and ]; the file may be cut off.",
    ),
    "a short row": (
        case_text(branch="mpc.branch = [\n\t1\t2\t0.1;\n];\n"),
        "small.m, line 14, field branch.x: the rows of branch have 3 columns and 11 are needed; the first that is missing is x. Complete the rows.",
    ),
    "a command": (
        case_text(more="system('ls');\n"),
        "small.m, line 18: the statement `system('ls')` is not understood. Load the case in MATPOWER and save it with savecase, which writes plain tables.",
    ),
}


@pytest.mark.parametrize("kind", BROKEN_CASES)
def test_every_broken_case_gets_one_sentence(run, tmp_path, kind):
    content, sentence = BROKEN_CASES[kind]
    case, requests = tmp_path / "small.m", tmp_path / "requests.csv"
    case.write_bytes(content)
    requests.write_text(f"{HEAD}\n{ROW}\n")
    out_folder = tmp_path / "study"
    asked = ["study", "run", "--case", case, "--requests", requests, "--out", out_folder]
    code, out, err = run(*asked)
    assert (code, out, err) == (2, "", f"{sentence}\n")
    assert not out_folder.exists()


BROKEN_REQUESTS = {
    "empty": ("", f"requests.csv: the file is empty. Begin with the line {HEAD}."),
    "no rows": (HEAD, "requests.csv: the file has no requests. Give one row per technology."),
    "not text": (
        "PK\x00\x01",
        "requests.csv: this is not a text file. Save it as CSV in UTF-8.",
    ),
    "a column missing": (
        "request,bus,technology,mw,mwh\nR1,2,solar,10,\n",
        (
            "requests.csv, line 1, field deliverability: the column deliverability is missing. "
            f"Begin with the line {HEAD}."
        ),
    ),
    "a short row": (
        f"{HEAD}\nR1,2,solar\n",
        (
            "requests.csv, line 2: the row has 3 fields and the first line has 6. Give one field per "
            "column, empty where there is nothing to say."
        ),
    ),
    "a word for a bus": (
        f"{HEAD}\nR1,two,solar,10,,full\n",
        (
            "requests.csv, line 2, field bus: 'two' is not a bus number. Write the bus's number in "
            "the case."
        ),
    ),
    "a bus that is not there": (
        f"{HEAD}\nR1,9,solar,10,,full\n",
        (
            "requests.csv, line 2, field bus: request R1 is at bus 9, which small does not have. "
            "Write the number of a bus of the case."
        ),
    ),
    "a word for MW": (
        f"{HEAD}\nR1,2,solar,ten,,full\n",
        (
            "requests.csv, line 2, field mw: 'ten' is not a number. Write it in digits, for example "
            "150 or 150.5."
        ),
    ),
    "negative MW": (
        f"{HEAD}\nR1,2,solar,-10,,full\n",
        "requests.csv, line 2, field mw: -10 is not above 0 and at most 100,000. Mend it.",
    ),
    "storage without energy": (
        f"{HEAD}\nR1,2,storage,10,,full\n",
        (
            "requests.csv, line 2, field mwh: storage needs its energy. Write the MWh it holds when "
            "full, for example four hours of its MW."
        ),
    ),
    "a technology twice": (
        f"{HEAD}\n{ROW}\n{ROW}\n",
        (
            "requests.csv, line 3, field technology: request R1 has solar already on line 2. Add the "
            "two rows up."
        ),
    ),
    "an unknown deliverability": (
        f"{HEAD}\nR1,2,solar,10,,maybe\n",
        (
            "requests.csv, line 2, field deliverability: the deliverability 'maybe' is not known. "
            "Write full or energy_only."
        ),
    ),
}


@pytest.mark.parametrize("kind", BROKEN_REQUESTS)
def test_every_broken_request_file_gets_one_sentence(run, small, tmp_path, kind):
    content, sentence = BROKEN_REQUESTS[kind]
    requests = tmp_path / "requests.csv"
    requests.write_text(content)
    out_folder = tmp_path / "study"
    asked = ["study", "run", "--case", small, "--requests", requests, "--out", out_folder]
    code, out, err = run(*asked)
    assert (code, out, err) == (2, "", f"{sentence}\n")
    assert not out_folder.exists()


def test_the_program_itself_ends_with_the_code_and_no_traceback(tmp_path, small):
    requests = tmp_path / "requests.csv"
    requests.write_text(f"{HEAD}\nR1,2,solar,ten,,full\n")
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from gentie.cli.main import main; main()",
            *("study", "run", "--case", str(small)),
            *("--requests", str(requests), "--out", str(tmp_path / "study")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == f"{BROKEN_REQUESTS['a word for MW'][1]}\n"


# ------------------------------------------------------------------- other requests


@pytest.fixture
def studied(tmp_path, run):
    """A bundle of six requests on RTS-GMLC."""
    from gentie.workbench.examples import ROWS, request_file

    path = tmp_path / "six.csv"
    path.write_bytes(request_file(*ROWS))
    arguments = ("--case", "case_RTS_GMLC", "--requests", path, "--out", tmp_path / "six")
    assert run("study", "run", *arguments)[0] == 0
    return tmp_path / "six"


def test_a_restudy_is_a_bundle_that_verifies_and_says_the_difference(run, studied, tmp_path):
    out = tmp_path / "again"
    joining = tmp_path / "joining.csv"
    joining.write_text(f"{HEAD}\nR7,106,wind,20,,full\n")
    code, said, err = run(
        *("study", "restudy", studied, "--withdraw", "R3", "--resize", "R4=150, R1=310"),
        *("--move", "R2=324", "--add", joining, "--out", out),
    )
    assert (code, err) == (0, "")
    assert "instead of $458,453,083" in said
    assert " ".join(run("study", "verify", out)[1].split()) == f"{out}: identical"

    code, said, _ = run("study", "diff", studied, out)
    assert code == 0
    flat = " ".join(said.split())
    assert "- R3 is withdrawn; it owed $190,643,062.64." in flat
    assert "- R4 has 150 MW, not 300; it owes $11,000,000 as before." in flat
    assert "- R7 is added and owes $11,000,000." in flat
    assert "Note: A cost follows from what the whole cluster needs" in flat
    assert run("study", "diff", out, out)[1].startswith("Nothing changed")


def test_a_restudy_and_a_difference_as_json(run, studied, tmp_path):
    out = tmp_path / "again"
    code, said, _ = run("study", "restudy", studied, "--withdraw", "R3,R2", "--out", out, "--json")
    assert code == 0
    answer = json.loads(said)
    assert answer["requests"]["count"] == 4
    code, said, _ = run("study", "diff", studied, out, "--json")
    assert json.loads(said) == answer["diff"]
    assert [change["request"] for change in answer["diff"]["requests"]][:2] == ["R1", "R2"]


def test_all_that_is_wrong_with_a_restudy_is_told_at_once_and_nothing_written(
    run, studied, tmp_path
):
    out = tmp_path / "again"
    code, said, err = run(
        *("study", "restudy", studied, "--withdraw", "R9", "--resize", "R5", "--move", "R1=x,R2=1"),
        *("--move", "R2=2", "--add", tmp_path / "none.csv", "--out", out),
    )
    assert (code, said) == (2, "")
    assert err.splitlines() == [
        "--resize: 'R5' cannot be read; write a request, = and MW, as in Q3=150.",
        "--move: 'R1=x' cannot be read; write a request, = and the number of a bus, as in Q4=2301.",
        "--move: R2 is named more than once; name it once.",
        f"--add: {tmp_path / 'none.csv'} cannot be read: No such file or directory.",
        "withdraw: the study has no request R9; its 6 requests run from R1 to R10.",
        "requests, field bus: request R2 is at bus 2, which case_RTS_GMLC does not have. Write the number of a bus of the case.",
    ]
    assert not out.exists()
    code, _, err = run("study", "restudy", studied, "--out", out)
    assert (code, err) == (
        2,
        "Nothing is to change; say what with --withdraw, --resize, --move or --add.\n",
    )


def test_a_restudy_of_changed_inputs_is_refused(run, studied, tmp_path):
    case = studied / "inputs" / "case.m"
    case.write_bytes(case.read_bytes() + b"%\n")
    code, _, err = run("study", "restudy", studied, "--withdraw", "R3", "--out", tmp_path / "again")
    assert code == 2
    assert err.startswith("inputs/case.m was changed after the study was made")


# ------------------------------------------------------------------------- certainty


def test_certainty_writes_percentiles_and_leaves_nothing_behind(run, studied, tmp_path):
    out = tmp_path / "certainty.csv"
    asked = ("study", "certainty", studied, "--scenarios", 24, "--processes", 1)
    code, said, err = run(*asked, "--out", out)
    assert (code, err) == (0, "")
    flat = " ".join(said.split())
    assert "The whole cluster: $458,453,083 where nobody withdraws" in flat
    assert "From 18 to 24 scenarios" in flat
    assert "each request leaving with probability 0.49." in flat
    lines = out.read_text().splitlines()
    assert lines[0].startswith("request,net_mw,as_studied,stays,dearer,floor,p10,p50,p90,ceiling")
    assert [line.split(",")[0] for line in lines[1:]] == ["R1", "R2", "R3", "R4", "R5", "R10"]
    assert not (tmp_path / "certainty.csv.scenarios").exists()

    again = tmp_path / "again.csv"
    code, said, _ = run(*asked, "--out", again, "--json")
    answer = json.loads(said)
    assert again.read_bytes() == out.read_bytes()
    assert answer["total"]["as_studied"] == "458453083.00"
    assert answer["table"][0]["request"] == "R1"


def test_certainty_goes_on_from_what_was_kept(run, studied, tmp_path, monkeypatch):
    from gentie.workbench import certainty

    out, kept = tmp_path / "certainty.csv", tmp_path / "certainty.csv.scenarios"
    asked = ("study", "certainty", studied, "--scenarios", 24, "--processes", 1, "--out", out)
    billed, parts = certainty._billed, []

    def interrupted(biller, numbers, rules):
        parts.append(numbers.tolist())
        if len(parts) == 3:
            raise KeyboardInterrupt
        return billed(biller, numbers, rules)

    monkeypatch.setattr(certainty, "_billed", interrupted)
    code, _, err = run(*asked)
    assert (code, err.strip()) == (130, "Stopped.")
    assert kept.exists()
    assert not out.exists()
    monkeypatch.setattr(certainty, "_billed", billed)
    assert run(*asked)[0] == 0
    assert not kept.exists()
    whole = tmp_path / "whole.csv"
    assert run(*asked[:-1], whole)[0] == 0
    assert out.read_bytes() == whole.read_bytes()


def test_certainty_refuses_what_cannot_be(run, studied, tmp_path):
    asked = ("study", "certainty", studied, "--out", tmp_path / "c.csv")
    code, _, err = run(*asked, "--scenarios", 0, "--probability", 2)
    assert code == 2
    assert err.splitlines() == [
        "A probability of withdrawal of 2 cannot be; write one from 0 to 1.",
        "0 scenarios cannot be studied; write a number from 1 to 1,000,000.",
    ]
    assert list(tmp_path.glob("c.csv*")) == []
