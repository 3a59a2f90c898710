from __future__ import annotations

from itertools import product

import pytest

from gentie.quantities.findings import Finding
from gentie.quantities.lifecycle import Lifecycle, Move, Refused, Step


def is_lit(door: dict[str, bool]) -> Finding | None:
    return None if door["lit"] else Finding("door.dark", "Switch the light on first.")


def is_clean(door: dict[str, bool]) -> Finding | None:
    return None if door["clean"] else Finding("door.dirty", "Clean it first.")


DOOR: Lifecycle[dict[str, bool]] = Lifecycle(
    "door",
    "shut",
    (
        Move("open", ("shut",), "open", frozenset({"guest", "owner"}), (is_lit, is_clean)),
        Move("shut", ("open",), "shut", frozenset({"guest", "owner"})),
        Move("take_out", ("open", "shut"), "gone", frozenset({"owner"})),
    ),
)
GOOD = {"lit": True, "clean": True}


def test_every_state_by_role_by_move():
    allowed = {
        (state, role, move.name)
        for state, role, move in product(DOOR.states, ("guest", "owner", "thief"), DOOR.moves)
        if isinstance(DOOR.step(move.name, state=state, role=role, subject=GOOD), Step)
    }
    both = {("shut", "open"), ("open", "shut")}
    assert allowed == {
        (state, role, name) for state, name in both for role in ("guest", "owner")
    } | {
        ("shut", "owner", "take_out"),
        ("open", "owner", "take_out"),
    }


def test_a_step_names_the_state_that_must_still_hold():
    assert DOOR.step("open", state="shut", role="guest", subject=GOOD) == Step("shut", "open")


def test_all_reasons_are_told_at_once():
    refused = DOOR.step("open", state="shut", role="guest", subject=dict.fromkeys(GOOD, False))
    assert isinstance(refused, Refused)
    assert [reason.code for reason in refused.reasons] == ["door.dark", "door.dirty"]


def test_the_table_says_who_and_from_where():
    by_role = DOOR.blockers("take_out", state="open", role="guest", subject=GOOD)
    assert [reason.sentence for reason in by_role] == ["Only owner may take out a door."]
    by_state = DOOR.blockers("open", state="gone", role="owner", subject=GOOD)
    assert by_state[0].code == "door.open.state"
    assert by_state[0].sentence == "This door is gone: to open it, it must be shut."


def test_an_unknown_move_is_a_mistake_of_ours():
    with pytest.raises(KeyError):
        DOOR.move("paint")


def test_the_diagram_has_every_edge():
    assert DOOR.mermaid() == (
        "stateDiagram-v2\n"
        "    [*] --> shut\n"
        "    shut --> open: open\n"
        "    open --> shut: shut\n"
        "    open --> gone: take_out\n"
        "    shut --> gone: take_out\n"
    )
