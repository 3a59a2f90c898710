from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gentie.contexts.studies.totals import Payment, hides_everybody, public_summary

SUMMARY = {
    "requests": {"count": 3},
    "cost": {
        "currency": "USD",
        "total": "10.00",
        "by_class": {"wires": "7.00", "own": "3.00"},
        "per_kw_median": 1.0,
        "per_kw_highest": 2.0,
    },
}


def payments(cost_class: str, **payers_of: str) -> list[Payment]:
    """`payments("wires", first="abc")`: upgrade `first`, paid by a, b and c."""
    return [
        Payment(upgrade=f"{cost_class}:{upgrade}", cost_class=cost_class, payer=payer)
        for upgrade, payers in payers_of.items()
        for payer in payers
    ]


@pytest.mark.parametrize(
    ("payers_of", "hides"),
    [
        ({}, True),
        ({"first": "a"}, False),  # the sum is what a pays
        ({"first": "ab"}, False),  # each is the rest of the other
        ({"first": "abc"}, True),
        ({"first": "a", "second": "b", "third": "c"}, True),
        ({"first": "a", "second": "bc"}, False),  # b knows the second, and the rest is a's
        ({"first": "ab", "second": "bc"}, True),  # what a does not know is b's and c's together
        ({"first": "ab", "second": "bc", "third": "cd"}, True),
        ({"first": "abc", "second": "abc"}, True),
    ],
)
def test_whether_a_sum_hides_everybody(payers_of, hides):
    assert hides_everybody(payments("wires", **payers_of)) is hides


def test_everything_of_a_study_that_is_everybodys_stays():
    assert public_summary(SUMMARY, [], is_shown_in_full=True) == SUMMARY


def test_what_is_one_requests_is_never_in_the_public_summary():
    many = payments("wires", first="abc", second="abc") + payments("own", a="a", b="b", c="c")
    public = public_summary(SUMMARY, many, is_shown_in_full=False)
    assert public["requests"] == SUMMARY["requests"]
    assert public["cost"] == {
        "currency": "USD",
        "total": "10.00",
        "by_class": {"wires": "7.00", "own": "3.00"},
    }


def test_sums_by_class_are_left_out_together_and_the_total_may_stay():
    few = payments("wires", first="ab") + payments("own", a="a", b="b", c="c", d="d")
    assert public_summary(SUMMARY, few, is_shown_in_full=False)["cost"] == {
        "currency": "USD",
        "total": "10.00",
    }
    alone = payments("wires", first="a") + payments("own", a="a")
    assert public_summary(SUMMARY, alone, is_shown_in_full=False)["cost"] == {"currency": "USD"}


def solvable(knowns: list[list[int]], wanted: list[int]) -> bool:
    """Whether a sum of unknowns follows from known sums: rank, in exact fractions."""

    def rank(rows: list[list[int]]) -> int:
        matrix, found = [[Fraction(one) for one in row] for row in rows], 0
        for column in range(len(wanted)):
            pivot = next((row for row in matrix[found:] if row[column]), None)
            if pivot is None:
                continue
            matrix.remove(pivot)
            matrix.insert(found, pivot)
            for row in matrix:
                if row is not pivot and row[column]:
                    times = row[column] / pivot[column]
                    row[:] = [one - times * other for one, other in zip(row, pivot, strict=True)]
            found += 1
        return found

    return rank(knowns) == rank([*knowns, wanted])


@given(
    st.lists(
        st.sets(st.sampled_from("abcd"), min_size=1, max_size=4).map(sorted), min_size=1, max_size=5
    )
)
def test_no_payer_can_work_out_anothers_total_that_the_ledger_did_not_tell(payers_of):
    """The second opinion: linear algebra over every part, instead of counting payers.

    Where the sum is told, what a payer can work out of one other's payments with the sum, it can
    work out without it.
    """
    told = payments("wires", **{f"u{place}": "".join(one) for place, one in enumerate(payers_of)})
    parts = [(payment.upgrade, payment.payer) for payment in told]
    everything = [1] * len(parts)
    payers = {payer for _, payer in parts}
    for payer in payers:
        mine = {upgrade for upgrade, who in parts if who == payer}
        knowns = [[int(part == one) for part in parts] for one in parts if one[1] == payer]
        knowns += [[int(upgrade == one) for upgrade, _ in parts] for one in sorted(mine)]
        for other in payers - {payer}:
            theirs = [int(who == other) for _, who in parts]
            if hides_everybody(told) and not solvable(knowns, theirs):
                assert not solvable([*knowns, everything], theirs)


def test_every_pair_of_payers_is_refused():
    for pair in combinations("abcd", 2):
        assert not hides_everybody(payments("wires", first="".join(pair)))
