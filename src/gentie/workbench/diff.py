"""What changed from one study to another, for every request and every upgrade, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from gentie.formats.requests import natural_order
from gentie.quantities.money import Money
from gentie.workbench.diff_reasons import (
    Upgraded,
    gone_because,
    listed,
    new_because,
    paid_by,
    share_because,
)
from gentie.workbench.study_tables import Row, StudyTables

ZERO = Decimal("0.00")
PARTS_SAID = 3
"""Most upgrades that the sentence about a request names; all of them are in its parts."""

NOTE = (
    "A cost follows from what the whole cluster needs: a withdrawal lowers the bill of some "
    "requests and may raise that of others, so none is promised."
)


@dataclass(frozen=True, slots=True)
class Part:
    """What one upgrade adds to the change of a request's cost; ``None`` where it owed nothing."""

    upgrade: str
    before: Decimal | None
    after: Decimal | None
    why: str

    @property
    def change(self) -> Decimal:
        """Amount after less amount before."""
        return (self.after or ZERO) - (self.before or ZERO)


@dataclass(frozen=True, slots=True)
class RequestChange:
    """What changed for one request.

    Attributes:
        request: its identity.
        what: withdrawn, added, changed, or as filed before.
        before: what it owed, ``None`` where it was not studied.
        after: what it owes.
        parts: by upgrade, largest change first; they sum to the change, to the cent.
        sentence: what changed, and why.
    """

    request: str
    what: str
    before: Decimal | None
    after: Decimal | None
    parts: tuple[Part, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class UpgradeChange:
    """What changed about one upgrade: gone, new, or changed."""

    upgrade: str
    what: str
    before: Decimal | None
    after: Decimal | None
    sentence: str


@dataclass(frozen=True, slots=True)
class StudyDiff:
    """Everything that changed.

    Attributes:
        currency: of all amounts.
        before: total cost of the old study.
        after: of the new one.
        requests: all whose filing or cost changed, in their natural order.
        upgrades: all that changed, in the order of their names.
        notes: what a reader must know first.
    """

    currency: str
    before: Decimal
    after: Decimal
    requests: tuple[RequestChange, ...]
    upgrades: tuple[UpgradeChange, ...]
    notes: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        """No filing, cost or upgrade changed."""
        return not (self.requests or self.upgrades)

    def as_dict(self) -> dict[str, Any]:
        """The differences as plain data, amounts as text."""
        said = asdict(self) | {"is_same": self.is_same}
        plain: dict[str, Any] = _plain(said)
        return plain


def diff_of(old: StudyTables, new: StudyTables) -> StudyDiff:
    """Compare two studies.

    Args:
        old: the earlier one.
        new: the later one.
    """
    currency = str(new.summary["cost"]["currency"])
    upgrades = _upgrade_changes(old, new, currency)
    return StudyDiff(
        currency=currency,
        before=Decimal(old.summary["cost"]["total"]),
        after=Decimal(new.summary["cost"]["total"]),
        requests=tuple(_request_changes(old, new, currency)),
        upgrades=tuple(upgrades),
        notes=(*_other_grounds(old, new), NOTE),
    )


def _other_grounds(old: StudyTables, new: StudyTables) -> list[str]:
    """Sentences about what else than the requests differs."""
    found = []
    asked = (
        ("case", ("case", "sha256"), ("case", "name")),
        ("rulebook", ("rulebook", "digest"), ("rulebook", "version")),
        ("policy", ("policy",), ("policy",)),
        ("engine", ("engine_version",), ("engine_version",)),
    )
    for word, tested, shown in asked:
        if _at(old.summary, tested) != _at(new.summary, tested):
            found.append(
                f"The studies differ in their {word} too ({_at(old.summary, shown)} before, "
                f"{_at(new.summary, shown)} now), so not all changes come from the requests."
            )
    return found


def _at(content: Mapping[str, Any], place: tuple[str, ...]) -> Any:
    for key in place:
        content = content[key]
    return content


# Upgrades


def _upgraded(study: StudyTables) -> dict[str, Upgraded]:
    """Every upgrade with its cost and its payers."""
    payers: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in study.ledger:
        payers[row["upgrade"]][row["request"]] = row
    return {
        row["upgrade"]: Upgraded(row, Decimal(row["cost"]), payers[row["upgrade"]])
        for row in study.upgrades
    }


def _upgrade_changes(old: StudyTables, new: StudyTables, currency: str) -> list[UpgradeChange]:
    before, after = _upgraded(old), _upgraded(new)
    found = []
    for name in sorted(before.keys() | after.keys(), key=natural_order):
        was, now = before.get(name), after.get(name)
        if was is not None and now is None:
            why = gone_because(was, new)
            cost = Money(was.cost, currency)
            found.append(
                UpgradeChange(
                    name, "gone", was.cost, None, f"{name} ({cost}) is not needed any more: {why}."
                )
            )
        elif now is not None and was is None:
            why = new_because(now, old)
            cost = Money(now.cost, currency)
            found.append(
                UpgradeChange(name, "new", None, now.cost, f"{name} ({cost}) is new: {why}.")
            )
        elif was is not None and now is not None and not was.is_like(now):
            found.append(
                UpgradeChange(
                    name,
                    "changed",
                    was.cost,
                    now.cost,
                    f"{name} costs {Money(now.cost, currency)}"
                    + (
                        f", not {Money(was.cost, currency)}"
                        if was.cost != now.cost
                        else " as before"
                    )
                    + f"; {paid_by(was, now)}.",
                )
            )
    return found


# Requests


def _request_changes(old: StudyTables, new: StudyTables, currency: str) -> list[RequestChange]:
    before = {row["request"]: row for row in old.requests}
    after = {row["request"]: row for row in new.requests}
    was, now = _upgraded(old), _upgraded(new)
    found = []
    for request in sorted(before.keys() | after.keys(), key=natural_order):
        mine, theirs = before.get(request), after.get(request)
        what = _what(mine, theirs)
        owed = Decimal(mine["total_cost"]) if mine else None
        owes = Decimal(theirs["total_cost"]) if theirs else None
        parts = _parts(request, was, now)
        if what == "as filed" and owed == owes and not parts:
            continue
        found.append(
            RequestChange(
                request,
                what,
                owed,
                owes,
                parts,
                _sentence(
                    request,
                    _filing(mine, theirs),
                    owed=owed,
                    owes=owes,
                    parts=parts,
                    currency=currency,
                ),
            )
        )
    return found


def _what(mine: Row | None, theirs: Row | None) -> str:
    if theirs is None:
        return "withdrawn"
    if mine is None:
        return "added"
    return "changed" if _filing(mine, theirs) else "as filed"


def _filing(mine: Row | None, theirs: Row | None) -> str:
    """What is different about what was filed, in words; empty for nothing."""
    if theirs is None or mine is None:
        return ""
    words = []
    if mine["net_mw"] != theirs["net_mw"]:
        words.append(f"has {float(theirs['net_mw']):,g} MW, not {float(mine['net_mw']):,g}")
    elif mine["technologies"] != theirs["technologies"]:
        words.append(f"is {theirs['technologies']}, not {mine['technologies']}")
    if mine["bus"] != theirs["bus"]:
        words.append(f"is at bus {theirs['bus']}, not {mine['bus']}")
    if mine["deliverability"] != theirs["deliverability"]:
        words.append(f"asks for {theirs['deliverability']}, not {mine['deliverability']}")
    return " and ".join(words)


def _parts(
    request: str, was: Mapping[str, Upgraded], now: Mapping[str, Upgraded]
) -> tuple[Part, ...]:
    """Every upgrade whose amount for the request changed, largest change first."""
    found = []
    for name in was.keys() | now.keys():
        old, new = was.get(name), now.get(name)
        before = old.amount(request) if old else None
        after = new.amount(request) if new else None
        if before != after:
            found.append(Part(name, before, after, share_because(request, old, new)))
    return tuple(sorted(found, key=lambda part: (-abs(part.change), natural_order(part.upgrade))))


def _sentence(
    request: str,
    filing: str,
    *,
    owed: Decimal | None,
    owes: Decimal | None,
    parts: tuple[Part, ...],
    currency: str,
) -> str:
    if owes is None:
        return f"{request} is withdrawn; it owed {Money(owed or ZERO, currency)}."
    if owed is None:
        return f"{request} is added and owes {Money(owes, currency)}."
    head = f"{request} {filing}; it" if filing else request
    if owed == owes:
        said = f"{head} owes {Money(owes, currency)} as before"
    else:
        word = "more" if owes > owed else "less"
        said = (
            f"{head} owes {Money(abs(owes - owed), currency)} {word}: {Money(owes, currency)} "
            f"instead of {Money(owed, currency)}"
        )
    reasons = [
        f"{part.upgrade} ({part.why}, {_signed(part.change, currency)})"
        for part in parts[:PARTS_SAID]
    ]
    if len(parts) > PARTS_SAID:
        rest = sum((part.change for part in parts[PARTS_SAID:]), ZERO)
        reasons.append(f"{len(parts) - PARTS_SAID} more ({_signed(rest, currency)})")
    return f"{said}; {listed(reasons, 'and')}." if reasons else f"{said}."


def _signed(amount: Decimal, currency: str) -> str:
    sign = "+" if amount >= 0 else "−"
    return f"{sign}{Money(abs(amount), currency)}"


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value
