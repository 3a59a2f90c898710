"""What changed between two studies is said for everybody, and the parts sum to the change."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings

from gentie.quantities.findings import BadInput
from gentie.workbench.bundle import write_bundle
from gentie.workbench.diff import NOTE, StudyDiff, diff_of
from gentie.workbench.diff_reasons import listed, named
from gentie.workbench.examples import ROWS, TRIPPED_ROWS, inputs_with, small_run
from gentie.workbench.restudy import Changes, restudy
from gentie.workbench.study import StudyRun, run_study
from gentie.workbench.study_tables import sound_inputs_of, tables_in, tables_of
from gentie.workbench.test_restudy import any_changes, kept, one

__all__ = ["kept"]


def compared(old: StudyRun, new: StudyRun) -> StudyDiff:
    return diff_of(tables_of(old, "old"), tables_of(new, "new"))


@pytest.fixture(scope="module")
def changed() -> StudyRun:
    return restudy(
        inputs_with(*ROWS),
        Changes(
            withdraw=("R3",),
            resize_mw={"R4": 150.0},
            move={"R2": 324},
            add=(one("N1", 106, 20.0),),
        ),
    )


@settings(max_examples=15, deadline=None)
@given(changes=any_changes())
def test_the_parts_sum_to_the_change_to_the_cent(kept, changes):
    old, new = small_run(), restudy(inputs_with(*ROWS), changes, kept=kept)
    found = compared(old, new)
    moved = Decimal(0)
    for change in found.requests:
        whole = (change.after or Decimal(0)) - (change.before or Decimal(0))
        assert sum((part.change for part in change.parts), Decimal(0)) == whole
        moved += whole
    assert found.after - found.before == moved
    by_upgrade = sum((u.after or Decimal(0)) - (u.before or Decimal(0)) for u in found.upgrades)
    assert by_upgrade == moved
    back = compared(new, old)
    assert {c.request for c in back.requests} == {c.request for c in found.requests}
    assert {(u.upgrade, u.before) for u in back.upgrades} == {
        (u.upgrade, u.after) for u in found.upgrades
    }


def test_nothing_changed_is_said_so():
    found = compared(small_run(), small_run())
    assert found.is_same
    assert found.notes == (NOTE,)
    assert found.as_dict()["is_same"] is True


def test_every_request_is_told_what_changed_and_why(changed):
    found = compared(small_run(), changed)
    sentences = {change.request: change.sentence for change in found.requests}
    assert {change.request: change.what for change in found.requests} == {
        "N1": "added",
        "R1": "as filed",
        "R2": "changed",
        "R3": "withdrawn",
        "R4": "changed",
        "R5": "as filed",
        "R10": "as filed",
    }
    assert sentences["R3"] == "R3 is withdrawn; it owed $190,643,062.64."
    assert sentences["N1"] == "N1 is added and owes $11,000,000."
    assert sentences["R4"] == "R4 has 150 MW, not 300; it owes $11,000,000 as before."
    assert sentences["R2"].startswith(
        "R2 is at bus 324, not 114; it owes $41,251,425.98 less: $11,500,000 instead of "
        "$52,751,425.98; reconductor:line:318:223:1 (not needed any more, −$19,357,481.53), "
    )
    assert sentences["R1"].endswith(
        "switchyard:point:114 (no longer shared with R2, +$6,000,000) and 1 more (−$2,903,622.25)."
    )


def test_every_upgrade_is_told_why_it_is_gone_new_or_shared_otherwise(changed):
    said = {one.upgrade: one for one in compared(small_run(), changed).upgrades}
    assert said["reconductor:line:107:108:1"].sentence == (
        "reconductor:line:107:108:1 ($26,331,504) is not needed any more: line:107:108:1 was at "
        "119.7% of its limit and no longer is above it (peak-deliverability)."
    )
    assert said["remedial-action:point:324"].sentence == (
        "remedial-action:point:324 ($2,000,000) is new: a request is at point:324 that takes part "
        "in remedial action."
    )
    assert said["switchyard:point:114"].sentence == (
        "switchyard:point:114 costs $12,000,000 as before; R2 no longer pays."
    )
    assert said["switchyard:point:203"].sentence.endswith(
        "is not needed any more: no request is left there."
    )
    assert said["position:N1"].sentence == (
        "position:N1 ($3,000,000) is new: N1 is in one of the two studies only."
    )
    assert {one.what for one in said.values()} == {"gone", "new", "changed"}


def test_an_overload_left_to_remedial_action_is_said_so():
    ras = run_study(inputs_with(*TRIPPED_ROWS))
    wires = run_study(inputs_with(*TRIPPED_ROWS, policy="wires_first"))
    found = compared(wires, ras)
    assert found.upgrades[0].sentence == (
        "reconductor:line:107:108:1 ($26,331,504) is not needed any more: line:107:108:1 is left "
        "to remedial action (peak-reliability), at 107.2% before anything is done."
    )
    assert compared(ras, wires).upgrades[0].sentence == (
        "reconductor:line:107:108:1 ($26,331,504) is new: line:107:108:1 was left to remedial "
        "action and comes to 107.2% of its limit now (peak-reliability)."
    )
    assert found.notes[0].startswith(
        "The studies differ in their policy too (wires_first before, ras_first now)"
    )


def test_a_resized_request_is_told_of_its_own_impact(kept):
    new = restudy(inputs_with(*ROWS), Changes(resize_mw={"R10": 180.0}), kept=kept)
    sentence = next(c.sentence for c in compared(small_run(), new).requests if c.request == "R10")
    assert "its impact is " in sentence
    assert "MW instead of " in sentence


def test_a_bundle_reads_as_the_run_that_wrote_it(tmp_path: Path, changed):
    write_bundle(changed, tmp_path / "new")
    assert tables_in(tmp_path / "new") == tables_of(changed, "new")
    assert sound_inputs_of(tmp_path / "new").requests_content == changed.inputs.requests_content


def test_amounts_are_text_in_json(changed):
    said = json.loads(json.dumps(compared(small_run(), changed).as_dict()))
    first = said["requests"][0]
    assert (first["request"], first["before"], first["after"]) == ("N1", None, "11000000.00")
    assert said["before"] == "458453083.00"


@pytest.mark.parametrize("name", ["ledger.csv", "summary.json"])
def test_a_missing_table_is_named(tmp_path: Path, name: str):
    write_bundle(small_run(), tmp_path / "study")
    (tmp_path / "study" / "results" / name).unlink()
    with pytest.raises(BadInput, match=f"{name} is missing"):
        tables_in(tmp_path / "study")


def test_a_damaged_table_is_named(tmp_path: Path):
    write_bundle(small_run(), tmp_path / "study")
    (tmp_path / "study" / "results" / "summary.json").write_text("{")
    with pytest.raises(BadInput, match="are damaged and cannot be read"):
        tables_in(tmp_path / "study")


def test_no_study_is_made_from_inputs_that_were_changed(tmp_path: Path):
    write_bundle(small_run(), tmp_path / "study")
    case = tmp_path / "study" / "inputs" / "case.m"
    case.write_bytes(case.read_bytes() + b"%\n")
    (tmp_path / "study" / "inputs" / "requests.csv").unlink()
    with pytest.raises(BadInput) as bad:
        sound_inputs_of(tmp_path / "study")
    assert [finding.where for finding in bad.value.findings] == [
        "inputs/case.m",
        "inputs/requests.csv",
    ]


def test_words_for_several():
    assert listed([], "and") == ""
    assert listed(["a"], "and") == "a"
    assert listed(["a", "b", "c"], "and") == "a, b and c"
    assert named(["R10", "R2"]) == "R2 and R10"
    assert named(["R1"] * 5) == "5 requests"


def test_another_case_and_rulebook_are_noted():
    old = tables_of(small_run(), "old")
    summary = json.loads(json.dumps(old.summary))
    summary["case"]["sha256"] = "0"
    summary["rulebook"] |= {"digest": "0", "version": "other-1"}
    summary["engine_version"] = "9"
    notes = diff_of(old, replace(old, summary=summary)).notes
    assert [note.split(" too (")[0] for note in notes[:-1]] == [
        "The studies differ in their case",
        "The studies differ in their rulebook",
        "The studies differ in their engine",
    ]
