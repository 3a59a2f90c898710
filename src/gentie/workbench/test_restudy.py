"""A restudy is a full rerun of the changed requests, to the byte, whatever was kept before."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gentie.formats.requests import Component, Deliverability, Request, read_requests
from gentie.quantities.findings import BadInput
from gentie.rulebook.book import load_rulebook, rulebook_of
from gentie.workbench.bundle import bundle_files, manifest_of
from gentie.workbench.examples import HEAD, ROWS, inputs_with, small_case, small_run
from gentie.workbench.kept_case import KeptCase
from gentie.workbench.restudy import Changes, changed_inputs, changed_requests, restudy
from gentie.workbench.study import Inputs, StudyRun, run_study

NAMES = ("R1", "R2", "R3", "R4", "R5", "R10")
BUSES = (102, 106, 114, 203, 214, 223, 308, 316, 324)


@pytest.fixture(scope="module")
def kept() -> KeptCase:
    """One case for all changes of this file, as a session of the service would keep it."""
    inputs = inputs_with(*ROWS)
    return KeptCase(inputs.case, inputs.rulebook, inputs.profile)


def small_requests() -> tuple[Request, ...]:
    return read_requests(inputs_with(*ROWS).requests_content, "requests.csv")


def owed(run: StudyRun) -> dict[str, Decimal]:
    rows = run.results.table("requests").as_dicts()
    return {str(row["request"]): Decimal(str(row["total_cost"])) for row in rows}


def one(name: str, bus: int, mw: float) -> Request:
    return Request(name, bus, (Component("wind", mw),), Deliverability.FULL, mw)


@st.composite
def any_changes(draw: st.DrawFn) -> Changes:
    gone = draw(st.sets(st.sampled_from(NAMES), max_size=5))
    left = [name for name in NAMES if name not in gone]
    sizes = draw(st.dictionaries(st.sampled_from(left), st.integers(1, 500), max_size=3))
    moves = draw(st.dictionaries(st.sampled_from(left), st.sampled_from(BUSES), max_size=3))
    joining = draw(
        st.lists(st.tuples(st.sampled_from(BUSES), st.integers(5, 400)), max_size=2, unique=True)
    )
    return Changes(
        withdraw=tuple(sorted(gone)),
        resize_mw={name: float(mw) for name, mw in sizes.items()},
        move=moves,
        add=tuple(one(f"N{k}", bus, float(mw)) for k, (bus, mw) in enumerate(joining)),
    )


# ------------------------------------------------------------------- equal to a full rerun


@settings(max_examples=25, deadline=None)
@given(changes=any_changes(), policy=st.sampled_from(("ras_first", "wires_first")))
@example(
    # Every request relieves the one line that the deliverability test overloads.
    changes=Changes(withdraw=("R10",), move={"R3": 308}, add=(one("N0", 316, 203.0),)),
    policy="ras_first",
)
def test_after_any_changes_it_is_the_full_rerun(kept: KeptCase, changes: Changes, policy: str):
    inputs = inputs_with(*ROWS, policy=policy)
    again = restudy(inputs, changes, kept=kept)
    full = run_study(again.inputs)
    assert bundle_files(again) == bundle_files(full)
    assert manifest_of(again) == manifest_of(full)


@settings(max_examples=10, deadline=None)
@given(changes=any_changes(), seed=st.integers(0, 1000))
def test_the_order_of_requests_never_matters(kept: KeptCase, changes: Changes, seed: int):
    rows = list(ROWS)
    random.Random(seed).shuffle(rows)
    straight = restudy(inputs_with(*ROWS), changes, kept=kept)
    shuffled = restudy(inputs_with(*rows), changes, kept=kept)
    assert bundle_files(shuffled) == bundle_files(straight)


def test_changes_in_two_steps_are_the_changes_at_once(kept: KeptCase):
    first = restudy(inputs_with(*ROWS), Changes(withdraw=("R3",)), kept=kept)
    second = restudy(first.inputs, Changes(move={"R2": 324}), kept=kept)
    once = restudy(inputs_with(*ROWS), Changes(withdraw=("R3",), move={"R2": 324}), kept=kept)
    assert bundle_files(second) == bundle_files(once)


def test_no_change_is_the_study_itself(kept: KeptCase):
    again = restudy(inputs_with(*ROWS), Changes(), kept=kept)
    assert again.results.files() == small_run().results.files()


def test_a_withdrawal_may_raise_what_another_owes(kept: KeptCase):
    """R1 and R2 share a switchyard: nobody may promise that a bill falls when others leave."""
    without = restudy(inputs_with(*ROWS), Changes(withdraw=("R2",)), kept=kept)
    before, after = owed(small_run()), owed(without)
    assert after["R1"] > before["R1"]
    assert sum(after.values()) < sum(before.values())


def demonstration_changes() -> Mapping[str, Changes]:
    return {
        "a third leaves": Changes(withdraw=tuple(f"Q{n:03d}" for n in range(1, 121, 3))),
        "one leaves": Changes(withdraw=("Q091",)),
        "all sorts": Changes(
            withdraw=("Q017", "Q080"),
            resize_mw={"Q001": 233.0, "Q042": 400.0},
            move={"Q099": 23284},
            add=(one("N1", 23482, 250.0),),
        ),
    }


@pytest.mark.xdist_group("demonstration")
def test_the_demonstration_changed_is_its_full_rerun(demo_inputs: Inputs, demo_run: StudyRun):
    kept = KeptCase(demo_inputs.case, demo_inputs.rulebook, demo_inputs.profile)
    before, total = owed(demo_run), {}
    for what, changes in demonstration_changes().items():
        again = restudy(demo_inputs, changes, kept=kept)
        assert bundle_files(again) == bundle_files(run_study(again.inputs)), what
        total[what] = sum(owed(again).values())
        assert again.results.document("summary")["check"]["overloads_left"] == 0
    assert total["a third leaves"] < sum(before.values())
    # And yet one withdrawal alone raises the bill of all the others together.
    assert total["one leaves"] > sum(before.values())


# ------------------------------------------------------------------------- the requests


def test_what_the_changes_do_to_the_requests():
    changed = changed_requests(
        small_requests(),
        Changes(
            withdraw=("R5",),
            resize_mw={"R4": 150.0, "R1": 330.0},
            move={"R3": 106},
            add=(one("R7", 308, 40.0),),
        ),
        small_case().network,
    )
    assert [request.request for request in changed] == ["R1", "R2", "R3", "R4", "R7", "R10"]
    by_id = {request.request: request for request in changed}
    assert by_id["R1"].components == (Component("solar", 330.0),)
    assert (by_id["R4"].net_mw, by_id["R4"].sum_mw) == (150.0, 200.0)
    assert by_id["R4"].components == (Component("solar", 125.0), Component("storage", 75.0, 300.0))
    assert (by_id["R3"].bus, by_id["R3"].net_mw) == (106, 200.0)
    assert by_id["R2"] == next(one for one in small_requests() if one.request == "R2")


def test_the_inputs_of_a_restudy_are_those_of_the_changed_requests():
    inputs = inputs_with(*ROWS)
    changed = changed_inputs(inputs, Changes(withdraw=("R1", "R2", "R3", "R4", "R5")))
    assert changed.requests_content.decode() == f"{HEAD}\nR10,102,gas,220,,full,220\n"
    for field in ("case", "requests_name", "rulebook", "profile", "policy"):
        assert getattr(changed, field) is getattr(inputs, field)


def refused(changes: Changes) -> dict[str, list[str]]:
    before = small_requests()
    with pytest.raises(BadInput) as bad:
        changed_inputs(inputs_with(*ROWS), changes)
    assert small_requests() == before
    said: dict[str, list[str]] = {}
    for finding in bad.value.findings:
        said.setdefault(finding.code, []).append(finding.sentence)
    return said


def test_all_that_is_wrong_with_changes_is_told_at_once():
    said = refused(
        Changes(
            withdraw=("R9", "R3", "R3"),
            resize_mw={"R3": 20.0, "R4": 0.0, "R1": float("nan"), "R8": 1.0},
            move={"R3": 106, "R2": 999},
            add=(one("R10", 106, 5.0), one("N1", 106, 5.0), one("N1", 106, 6.0)),
        )
    )
    assert said == {
        "restudy.request.unknown": [
            "withdraw: the study has no request R9; its 6 requests run from R1 to R10.",
            "resize: the study has no request R8; its 6 requests run from R1 to R10.",
        ],
        "restudy.request.twice": [
            "withdraw: R3 is named more than once; name it once.",
            "R3 cannot be withdrawn and resized; leave one of the two out.",
            "R3 cannot be withdrawn and moved; leave one of the two out.",
        ],
        "restudy.size": [
            f"resize: {name} cannot have {mw} MW; write an amount above 0 and at most 100,000, or withdraw it."
            for name, mw in (("R4", "0"), ("R1", "nan"))
        ],
        "restudy.request.exists": [
            "add: the study has a request R10 already; give the new one another name.",
            "add: the study has a request N1 already; give the new one another name.",
        ],
        "requests.bus.unknown": [
            "requests, field bus: request R2 is at bus 999, which case_RTS_GMLC does not have. Write the number of a bus of the case."
        ],
    }


def test_something_must_be_left_to_study():
    assert refused(Changes(withdraw=NAMES)) == {
        "restudy.nothing_left": [
            "All requests are withdrawn, so nothing is left to study; keep at least one."
        ]
    }


def test_what_was_kept_of_another_case_or_rulebook_is_not_taken(kept: KeptCase):
    book = load_rulebook()
    sources = dict(book.sources)
    sources["screening.toml"] = sources["screening.toml"].replace(b"value = 0.03", b"value = 0.04")
    other = replace(inputs_with(*ROWS), rulebook=rulebook_of(sources))
    with pytest.raises(ValueError, match="not that of the study"):
        run_study(other, kept=kept)
