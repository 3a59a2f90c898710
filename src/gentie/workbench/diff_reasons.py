"""Why an upgrade is gone or new, and why a share of one is another: in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from gentie.formats.requests import natural_order
from gentie.workbench.study_tables import Row, StudyTables

NAMED_AT_MOST = 4
"""Requests that a reason names; of more it says how many."""


@dataclass(frozen=True, slots=True)
class Upgraded:
    """An upgrade of a study: its row, its cost, and the ledger rows of its payers by request."""

    row: Row
    cost: Decimal
    payers: Mapping[str, Row]

    def amount(self, request: str) -> Decimal | None:
        """What a request owes of it."""
        return Decimal(self.payers[request]["amount"]) if request in self.payers else None

    def is_like(self, other: Upgraded) -> bool:
        """The same cost, shared in the same way."""
        mine = {request: self.amount(request) for request in self.payers}
        theirs = {request: other.amount(request) for request in other.payers}
        return self.cost == other.cost and mine == theirs


def gone_because(was: Upgraded, new: StudyTables) -> str:
    """Why an upgrade of an old study is not in the new one."""
    if not was.row["constraint"]:
        return _at_point(was.row, "no request is left")
    element, condition = _called_for(was.row)
    now = _constraint(new, element, condition)
    if now is None:
        loading = float(was.row["loading_percent"])
        return (
            f"{element} was at {loading:.1f}% of its limit and no longer is above it ({condition})"
        )
    return f"{_treated(now)}, at {float(now['with_percent']):.1f}% before anything is done"


def new_because(now: Upgraded, old: StudyTables) -> str:
    """Why an upgrade of a new study was not in the old one."""
    if not now.row["constraint"]:
        return _at_point(now.row, "a request is")
    element, condition = _called_for(now.row)
    was = _constraint(old, element, condition)
    loading = float(now.row["loading_percent"])
    if was is None:
        return f"{element} comes to {loading:.1f}% of its limit, within which it was ({condition})"
    said = {
        "remedial action": "was left to remedial action",
        "relieved by other upgrades": "was relieved by other upgrades",
    }.get(was["treatment"], f"got {' and '.join(was['upgrades'].split(';'))} before")
    return f"{element} {said} and comes to {loading:.1f}% of its limit now ({condition})"


def paid_by(was: Upgraded, now: Upgraded) -> str:
    """What is different about the payers of an upgrade."""
    left, joined = _left(was, now), _left(now, was)
    words = []
    if left:
        words.append(f"{named(left)} no longer {_pay(left)}")
    if joined:
        words.append(f"{named(joined)} now {_pay(joined)}")
    return listed(words, "and") or "the same requests share it otherwise"


def share_because(request: str, was: Upgraded | None, now: Upgraded | None) -> str:
    """Why a request owes another amount of an upgrade, in a few words."""
    if was is None:
        return "new"
    if now is None:
        return "not needed any more"
    if request not in was.payers and not now.row["constraint"]:
        return "it is there now"
    if request not in now.payers and not now.row["constraint"]:
        return "it is not there any more"
    if request not in was.payers:
        return f"now reached, among {len(now.payers)} that pay"
    if request not in now.payers:
        return "no longer reached"
    if was.cost != now.cost:
        return f"costs {'more' if now.cost > was.cost else 'less'}"
    before, after = was.payers[request], now.payers[request]
    own = _moved(before["impact_mw"], after["impact_mw"])
    if own and own >= _moved(before["impact_sum_mw"], after["impact_sum_mw"]):
        return (
            f"its impact is {float(after['impact_mw']):,.1f} MW instead of "
            f"{float(before['impact_mw']):,.1f}"
        )
    left, joined = _left(was, now), _left(now, was)
    words = []
    if left:
        words.append(f"no longer shared with {named(left)}")
    if joined:
        words.append(f"now shared with {named(joined)}")
    return " and ".join(words) or "the impact of the others that share it changed"


def _moved(before: str, after: str) -> float:
    """How far apart two impacts are, as the logarithm of their ratio; 0 for equal shares."""
    if float(before) <= 0 or float(after) <= 0:
        return 0.0
    return abs(math.log(float(after) / float(before)))


def named(requests: Sequence[str]) -> str:
    """Requests by name, or how many they are."""
    if len(requests) > NAMED_AT_MOST:
        return f"{len(requests)} requests"
    return listed(sorted(requests, key=natural_order), "and")


def listed(words: Sequence[str], last: str) -> str:
    """``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def _left(one: Upgraded, other: Upgraded) -> list[str]:
    return [request for request in one.payers if request not in other.payers]


def _pay(requests: Sequence[str]) -> str:
    return "pays" if len(requests) == 1 else "pay"


def _called_for(row: Row) -> tuple[str, str]:
    """Element and condition of the constraint that called for an upgrade."""
    element, _, _, condition = row["constraint"].split("|")
    return element, condition


def _constraint(study: StudyTables, element: str, condition: str) -> Row | None:
    """What a study says of an element under a condition."""
    for row in study.constraints:
        if row["element"] == element and row["condition"] == condition:
            return row
    return None


def _treated(row: Row) -> str:
    """How a constraint is treated that another study built against."""
    element, condition = row["element"], row["condition"]
    if row["treatment"] == "remedial action":
        return f"{element} is left to remedial action ({condition})"
    if row["treatment"] == "relieved by other upgrades":
        return f"{element} is relieved by other upgrades ({condition})"
    return f"{element} gets {' and '.join(row['upgrades'].split(';'))} instead ({condition})"


def _at_point(row: Row, said: str) -> str:
    if row["kind"] == "interconnection facilities":
        _, _, request = row["upgrade"].partition(":")
        return f"{request} is in one of the two studies only"
    if row["kind"] == "remedial action":
        return f"{said} at {row['point']} that takes part in remedial action"
    return f"{said} there"
