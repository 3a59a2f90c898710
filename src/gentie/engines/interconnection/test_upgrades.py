"""What is built against an overload, what it is called and what it costs, by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from gentie.engines.grid.network import Network
from gentie.engines.interconnection.elements import ElementTable
from gentie.engines.interconnection.examples import (
    UPGRADE_RULES,
    Line,
    Transformer,
    Unit,
    network_of,
    published,
)
from gentie.engines.interconnection.upgrades import (
    CostClass,
    Upgrade,
    UpgradeKind,
    UpgradeRules,
    line_miles,
    relieve,
)
from gentie.quantities.money import Money


def loop(kv: float = 230.0) -> Network:
    return network_of(
        branches=[Line(1, 2, 100), Line(1, 3, 100), Line(3, 2, 100), Transformer(3, 2, 200)],
        units=[Unit(1, 100)],
        load_mw={2: 100},
        kv={1: kv, 2: kv, 3: kv},
    )


def table_of(network: Network) -> ElementTable:
    return ElementTable(published(network), np.array([0]))


def relieved(
    table: ElementTable,
    element: int,
    loading: float,
    *,
    rules: UpgradeRules = UPGRADE_RULES,
    known: set[int] | None = None,
) -> Upgrade:
    return relieve(
        table,
        element,
        loading=loading,
        constraint="C",
        cost_class=CostClass.RELIABILITY,
        rules=rules,
        miles=np.full(len(table.case.network.branches), 12.5),
        reconductored=set() if known is None else known,
    )


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


# ------------------------------------------------------------------------------------ lines


def test_a_line_is_reconductored_where_that_suffices() -> None:
    table, known = table_of(loop()), set[int]()
    flow = table.base_mw.copy()
    upgrade = relieved(table, 0, 1.6, known=known)
    assert upgrade == Upgrade(
        id="reconductor:line:1:2:1",
        kind=UpgradeKind.RECONDUCTOR,
        cost_class=CostClass.RELIABILITY,
        branch_row=0,
        point=-1,
        constraint="C",
        loading_percent=160.0,
        miles=12.5,
        rating_before_mva=100.0,
        rating_after_mva=160.0,
        cost=usd("12500000.00"),
    )
    assert known == {0}
    assert table.normal_mw[0] == 160
    assert table.post_mw[0] == pytest.approx(184)
    assert np.array_equal(table.base_mw, flow)


def test_where_it_does_not_suffice_a_circuit_is_added() -> None:
    table, known = table_of(loop()), set[int]()
    upgrade = relieved(table, 0, 1.6 + 1e-6, known=known)
    assert (upgrade.id, upgrade.kind) == ("circuit:line:1:2:1:2", UpgradeKind.CIRCUIT)
    assert upgrade.cost == usd("31000000.00")  # 2 x 12.5 miles and two terminals of 3
    assert (upgrade.rating_before_mva, upgrade.rating_after_mva) == (100, 200)
    assert known == set()
    assert table.circuits[0] == 2


def test_a_line_is_reconductored_once_and_then_gets_circuits() -> None:
    table, known = table_of(loop()), set[int]()
    built = [relieved(table, 0, 1.1, known=known) for _ in range(3)]
    assert [upgrade.id for upgrade in built] == [
        "reconductor:line:1:2:1",
        "circuit:line:1:2:1:2",
        "circuit:line:1:2:1:3",
    ]
    assert [upgrade.rating_after_mva for upgrade in built] == pytest.approx([160, 320, 480])
    assert len({upgrade.id for upgrade in built}) == 3


def test_two_circuits_are_reconductored_at_the_cost_of_two() -> None:
    table = table_of(loop())
    relieved(table, 0, 2.0)
    upgrade = relieved(table, 0, 1.2)
    assert upgrade.kind is UpgradeKind.RECONDUCTOR
    assert upgrade.cost == usd("25000000.00")
    assert (upgrade.rating_before_mva, upgrade.rating_after_mva) == (200, 320)


@pytest.mark.parametrize(
    ("kv", "kind", "cost"),
    [
        (449.0, UpgradeKind.RECONDUCTOR, "12500000.00"),
        (450.0, UpgradeKind.RECONDUCTOR, "125000000.00"),
        (699.0, UpgradeKind.RECONDUCTOR, "125000000.00"),
        (700.0, UpgradeKind.CIRCUIT, "310000000.00"),
        (0.0, UpgradeKind.RECONDUCTOR, "12500000.00"),
    ],
)
def test_the_voltage_decides_about_class_and_kind(kv: float, kind: UpgradeKind, cost: str) -> None:
    upgrade = relieved(table_of(loop(kv)), 0, 1.2)
    assert (upgrade.kind, upgrade.cost) == (kind, usd(cost))


def test_every_class_holds_up_to_the_next() -> None:
    assert UPGRADE_RULES.unit_costs(0).from_kv == 0
    assert UPGRADE_RULES.unit_costs(449.999).from_kv == 0
    assert UPGRADE_RULES.unit_costs(450).from_kv == 450
    assert UPGRADE_RULES.unit_costs(1100).from_kv == 450


def test_estimates_are_to_the_dollar_in_the_rulebooks_currency() -> None:
    rules = replace(UPGRADE_RULES, currency="EUR")
    assert rules.money(1.2345678) == Money(Decimal("1234568.00"), "EUR")


# ----------------------------------------------------------------------------- transformers


def test_a_transformer_gets_one_more_bank() -> None:
    table = table_of(loop())
    element = table.place_of(3)
    first, second = relieved(table, element, 1.05), relieved(table, element, 1.05)
    assert (first.id, first.kind) == ("bank:transformer:3:2:2:2", UpgradeKind.BANK)
    assert second.id == "bank:transformer:3:2:2:3"
    # 4 and 0.01 for each of the 200 MVA of one bank, also for the third one.
    assert (first.cost, second.cost) == (usd("6000000.00"), usd("6000000.00"))
    assert (first.miles, first.rating_after_mva, second.rating_after_mva) == (0, 400, 600)


def star(*, tertiary_kv: float = 138.0) -> Network:
    """500/230/138 kV, its windings of 300, 200 and no MVA meeting at bus 9."""
    return network_of(
        branches=[
            Transformer(1, 9, 300, 0.05),
            Transformer(2, 9, 200, -0.01),
            Transformer(9, 3, 0, 0.1),
            Line(2, 4, 500),
            Line(4, 5, 500),
            Line(5, 2, 500),
        ],
        units=[Unit(1, 100)],
        load_mw={4: 70, 3: 30},
        kv={1: 500.0, 9: 1.0, 3: tertiary_kv},
    )


def test_all_legs_of_a_three_winding_transformer_are_doubled() -> None:
    table = table_of(star())
    legs = [table.place_of(row) for row in (0, 1, 2)]
    upgrade = relieved(table, legs[1], 1.3)
    assert (upgrade.id, upgrade.kind) == ("bank:transformer:9:2", UpgradeKind.BANK)
    assert upgrade.cost == usd("70000000.00")  # 40 and 0.1 x 300: the largest winding, at 500 kV
    assert upgrade.branch_row == 1
    assert (upgrade.rating_before_mva, upgrade.rating_after_mva) == (200, 400)
    assert table.circuits.tolist() == [2, 2, 2, 1, 1, 1]
    assert table.normal_mw.tolist() == [600, 400, np.inf, 500, 500, 500]
    again = relieved(table, legs[0], 1.3)
    assert (again.id, again.cost) == ("bank:transformer:9:3", usd("70000000.00"))
    assert table.circuits[legs].tolist() == [3, 3, 3]


def test_a_tertiary_below_the_studied_voltage_is_left_as_it_is() -> None:
    table = table_of(star(tertiary_kv=13.8))
    assert table.row.tolist() == [0, 1, 3, 4, 5]
    upgrade = relieved(table, 0, 1.3)
    assert upgrade.id == "bank:transformer:9:2"
    assert table.circuits.tolist() == [2, 2, 1, 1, 1]


# ----------------------------------------------------------------------------------- length


def test_a_length_is_guessed_from_the_reactance() -> None:
    network = network_of(
        branches=[Line(1, 2, reactance_pu=0.1), Line(2, 3, reactance_pu=-0.1), Line(1, 3, 0, 1e-4)],
        units=[Unit(1, 1)],
        load_mw={},
        kv={1: 500.0},
    )
    miles = line_miles(network, None, UPGRADE_RULES, length_factor=1.2, minimum_miles=0.5)
    # 0.1 pu of 500² / 100 ohm at 0.5 ohm a mile; of 230² / 100 ohm at 0.75; and the least.
    assert miles == pytest.approx([500.0, 0.1 * 529 / 0.75, 0.5])


def test_a_length_is_the_great_circle_where_both_ends_are_known() -> None:
    network = network_of(
        branches=[Line(1, 2), Line(2, 3), Line(3, 1), Line(1, 4)],
        units=[Unit(1, 1)],
        load_mw={},
    )
    places = np.array([[0.0, 0.0], [0.0, 90.0], [np.nan, np.nan], [0.0, 0.0]])
    miles = line_miles(network, places, UPGRADE_RULES, length_factor=1.2, minimum_miles=0.5)
    quarter = 3958.8 * np.pi / 2
    by_reactance = 0.1 * 529 / 0.75
    assert miles == pytest.approx([1.2 * quarter, by_reactance, by_reactance, 0.5])


def test_a_degree_of_longitude_is_shorter_in_the_north() -> None:
    network = network_of(branches=[Line(1, 2)], units=[Unit(1, 1)], load_mw={})
    places = np.array([[60.0, 10.0], [60.0, 11.0]])
    (miles,) = line_miles(network, places, UPGRADE_RULES, length_factor=1.0, minimum_miles=0.5)
    assert miles == pytest.approx(3958.8 * np.deg2rad(1.0) * 0.5, rel=1e-4)
