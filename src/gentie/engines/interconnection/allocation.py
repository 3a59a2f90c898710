"""Who pays for an upgrade: rows of a ledger that sum to its cost, to the cent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from gentie.engines.grid.network import Booleans, Floats
from gentie.engines.interconnection.upgrades import Upgrade
from gentie.quantities.money import Money, shared


class Basis(StrEnum):
    """By which rule a row of the ledger is owed."""

    FLOW_IMPACT = "flow impact"
    DISPLACEMENT = "displacement"
    EQUAL_SHARE = "equal share"
    OWN = "own facilities"


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """What one request owes of one upgrade, and the arithmetic of it.

    ``amount`` is ``upgrade cost x impact_mw / impact_sum_mw``, where ``impact_mw`` is
    ``distribution_factor x mw``; for equal shares one over the number of payers.

    Attributes:
        upgrade: id of the upgrade.
        constraint: identity of the constraint that called for it; empty at a point.
        request: id of the request.
        basis: the rule.
        distribution_factor: towards the overload, after the constraint's outage.
        mw: MW studied, full output or study amount.
        impact_mw: their product.
        impact_sum_mw: of all payers.
        share: of the cost.
        amount: owed.
    """

    upgrade: str
    constraint: str
    request: str
    basis: Basis
    distribution_factor: float
    mw: float
    impact_mw: float
    impact_sum_mw: float
    share: float
    amount: Money


def payers(
    factor: Floats, mw: Floats, *, limit_mw: float, least_factor: float, least_share: float
) -> tuple[Booleans, Basis]:
    """(r,) which requests pay for a constraint, and by which rule.

    Those whose factor, or whose impact as a share of the limit, is large enough; where there is
    none, everybody who adds to the flow (``Basis.DISPLACEMENT``).

    Args:
        factor: (r,) distribution factors towards the overload.
        mw: (r,) MW studied.
        limit_mw: limit of the element.
        least_factor: factor from which a request pays.
        least_share: share of the limit from which it pays.
    """
    impact = np.maximum(factor, 0.0) * mw
    within = ((factor >= least_factor) | (impact >= least_share * limit_mw)) & (impact > 0)
    if within.any():
        return within, Basis.FLOW_IMPACT
    return impact > 0, Basis.DISPLACEMENT


def share_by_impact(
    upgrade: Upgrade,
    *,
    ids: Sequence[str],
    factor: Floats,
    mw: Floats,
    limit_mw: float,
    least_factor: float,
    least_share: float,
) -> tuple[LedgerRow, ...]:
    """Ledger rows of an upgrade called for by a constraint, payers in the order given.

    Raises:
        ValueError: no request adds to the flow.
    """
    chosen, basis = payers(
        factor, mw, limit_mw=limit_mw, least_factor=least_factor, least_share=least_share
    )
    places = np.flatnonzero(chosen).tolist()
    impact = factor[places] * mw[places]
    amounts = shared(upgrade.cost, impact.tolist(), [ids[place] for place in places])
    whole = float(impact.sum())
    return tuple(
        LedgerRow(
            upgrade=upgrade.id,
            constraint=upgrade.constraint,
            request=ids[place],
            basis=basis,
            distribution_factor=float(factor[place]),
            mw=float(mw[place]),
            impact_mw=float(value),
            impact_sum_mw=whole,
            share=float(value) / whole,
            amount=amount,
        )
        for place, value, amount in zip(places, impact, amounts, strict=True)
    )


def share_equally(
    upgrade: Upgrade, *, ids: Sequence[str], mw: Sequence[float], basis: Basis
) -> tuple[LedgerRow, ...]:
    """Ledger rows of what stands at a point: the same for each request there."""
    amounts = shared(upgrade.cost, [1.0] * len(ids), ids)
    return tuple(
        LedgerRow(
            upgrade=upgrade.id,
            constraint=upgrade.constraint,
            request=request,
            basis=basis,
            distribution_factor=0.0,
            mw=float(output),
            impact_mw=0.0,
            impact_sum_mw=0.0,
            share=1.0 / len(ids),
            amount=amount,
        )
        for request, output, amount in zip(ids, mw, amounts, strict=True)
    )
