"""From sections to tables: cases that fit on paper."""

import math

import numpy as np
import pytest

from gentie.engines.grid.network import BusKind
from gentie.formats.matpower import network_from, reference_of
from gentie.formats.psse.direct_current import (
    Converter,
    NoCurrent,
    VscEnd,
    carried_current_ka,
    vsc_given_mw,
)
from gentie.formats.psse.examples import LINE, LOAD, UNIT, raw_text, three_windings, two_windings
from gentie.formats.psse.multi_terminal import DcGrid, NoDcFlow, dc_flow
from gentie.formats.psse.reader import read_raw
from gentie.formats.psse.tables import raw_tables


def made(**parts):
    return raw_tables(read_raw(raw_text(**parts), "x.raw"))


def network(tables):
    return network_from(tables.case, reference_of(tables.case))


def branch(**kinds):
    """From ratio on: r, x, ratio and shift of a transformer from 138 to 69 kV, base 100 MVA."""
    row = made(transformer=two_windings(**kinds)).case.branch.values[1]
    return row[[2, 3, 8, 9]].tolist()


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        # in per unit of the case: as it stands
        ({"first": (1.05, 0, 30.0)}, [0.005, 0.08, 1.05, 30]),
        # seen from the first winding, behind an ideal 1 : 0.98, the impedance is 0.98^2 as large
        ({"second": (0.98, 0)}, [0.005 * 0.98**2, 0.08 * 0.98**2, 1 / 0.98, 0]),
        # 140 kV on 138 kV and 70 kV on 69 kV; 50 MVA to 100 MVA doubles, (140/138)^2 of voltage
        (
            {"codes": (2, 2, 1), "first": (140, 140, 0), "second": (69, 69)},
            [0.01 * (140 / 138) ** 2, 0.16 * (140 / 138) ** 2, 140 / 138, 0],
        ),
        # a ratio of 1 of 132 kV nominal on a base of 138 kV
        (
            {"codes": (3, 1, 1), "first": (1.0, 132, 0), "second": (1.0, 66)},
            [0.005 * (66 / 69) ** 2, 0.08 * (66 / 69) ** 2, (132 / 138) / (66 / 69), 0],
        ),
        # 200 kW of losses at 50 MVA: r = 0.004, x = sqrt(0.08^2 - 0.004^2), both doubled
        (
            {"codes": (1, 3, 1), "impedance": (200_000.0, 0.08, 50.0)},
            [0.008, 2 * math.sqrt(0.08**2 - 0.004**2), 1, 0],
        ),
    ],
)
def test_units_of_two_windings(kinds, expected):
    np.testing.assert_allclose(branch(**kinds), expected, rtol=1e-12)


def test_a_magnetising_branch_is_a_shunt_of_the_first_bus():
    per_unit = made(transformer=two_windings(magnetising=(0.001, -0.01)))
    np.testing.assert_allclose(per_unit.case.bus.values[0, 4:6], [0.1, -1.0])
    # 50 kW of losses and 2% of 50 MVA exciting, of which sqrt(1000^2 - 50^2) kvar are inductive
    watts = made(transformer=two_windings(codes=(1, 1, 2), magnetising=(50_000.0, 0.02)))
    np.testing.assert_allclose(
        watts.case.bus.values[0, 4:6], [0.05, -math.sqrt(1 - 0.05**2)], rtol=1e-12
    )
    assert watts.findings[-1].sentence == (
        "Transformers in service with a magnetising branch (MAG1, MAG2): 1 (1-2 circuit T). It is a "
        "shunt of the first winding's bus and stays when the transformer is taken out."
    )


@pytest.mark.parametrize(
    ("code", "what"),
    [
        (1, "the voltage of a bus"),
        (2, "a reactive flow"),
        (3, "an active flow"),
        (4, "a converter of a DC line"),
        (5, "an active flow asymmetrically"),
    ],
)
def test_controls_are_frozen_and_said(code, what):
    told = made(transformer=two_windings(control=f"{code},2")).findings
    assert told[-1].sentence == (
        f"Transformers in service that control {what} (COD is {code}): 1 (1-2 circuit T). They stay at "
        "their stored ratio and angle."
    )


def test_an_impedance_follows_its_table():
    tables = made(
        transformer=two_windings(first=(1.05, 0, 0), table=2),
        impedance_correction=("2, 0.9,1.1, 1.0,1.0, 1.1,0.8, 0.0,0.0",),
    )
    np.testing.assert_allclose(tables.case.branch.values[1, 2:4], [0.0045, 0.072])
    assert tables.findings[-1].sentence == (
        "Windings of transformers whose impedance follows a table (TAB): 1 (1-2, by 0.9). The table's "
        "factor at the stored position is used."
    )


def test_a_table_by_angle_over_two_lines():
    winding = "1.0,0.0,15.0,100,0,0" + ",0" * 9 + ",3,2,1.1,0.9,1.1,0.9,33,7,0,0,0"
    tables = made(
        revision=34,
        branch=("1,2,'1',0.01,0.1,0.02,'',100",),
        transformer=(*two_windings()[:2], winding, "1.0,0.0"),
        impedance_correction=("7, -30.0,1.2,0.0, 0.0,1.0,0.0", "30.0,1.4,0.2, 0.0,0.0,0.0"),
    )
    expected = complex(0.005, 0.08) * complex(1.2, 0.1)
    np.testing.assert_allclose(
        tables.case.branch.values[1, 2:4], [expected.real, expected.imag], rtol=1e-12
    )


def test_three_windings_are_a_star():
    tables = made(transformer=three_windings())
    star = tables.case.bus.values[3]
    assert star[[0, 1, 7, 8, 9]].tolist() == [1_000_001, 1, 0.99, -1.5, 1]
    legs = tables.case.branch.values[1:]
    # in pairs 0.10, 0.12 and 0.20: each leg is half of its two pairs less the third
    np.testing.assert_allclose(legs[:, 3], [0.09, 0.01, 0.11], rtol=1e-12)
    np.testing.assert_allclose(legs[:, 2], [0.0015, 0.0005, 0.0025], rtol=1e-12)
    assert legs[:, :2].tolist() == [[1, 1_000_001], [2, 1_000_001], [3, 1_000_001]]
    assert legs[:, 8].tolist() == [1, 1.02, 1]
    assert legs[:, 9].tolist() == [0, 0, 30]
    own = tables.labels.three_winding[0]
    assert (own.buses, own.circuit, own.branches) == ((1, 2, 3), "A", (1, 2, 3))
    # on bases of 50, 40 and 25 MVA: 0.20, 0.30 and 0.80 on 100 MVA
    legs = made(transformer=three_windings(code=2)).case.branch.values[1:]
    np.testing.assert_allclose(legs[:, 3], [0.35, -0.15, 0.45], rtol=1e-12)


@pytest.mark.parametrize(
    ("status", "on"),
    [(0, [0, 0, 0]), (1, [1, 1, 1]), (2, [1, 0, 1]), (3, [1, 1, 0]), (4, [0, 1, 1])],
)
def test_a_winding_can_be_out(status, on):
    tables = made(transformer=three_windings(status=status))
    assert tables.case.branch.values[1:, 10].tolist() == on
    assert tables.case.bus.values[3, 1] == (BusKind.ISOLATED if status == 0 else BusKind.LOAD)


def test_loads_of_every_kind():
    tables = made(
        load=(
            LOAD,
            "2,'2 ',1,1,1,0,0,10.0,5.0,4.0,-3.0,1,1",
            "2,'3 ',0,1,1,900,0,0,0,0,0,1,1",
            "3,'4 ',1,1,1,8.0,1.0,0,0,0,0,1,1,0,2.5,0.5,1",
        ),
        bus=(
            "1,'ONE',138,3,1,1,1,1,0,1.1,0.9",
            "2,'TWO',69,1,1,1,1,0.9,0,1.1,0.9",
            "3,'SIX',13.8,1,1,1,1,1,0,1.1,0.9",
        ),
    )
    bus = tables.case.bus.values
    # constant current at the stored 0.9 pu; constant admittance at 1 pu, inductive below 0
    np.testing.assert_allclose(bus[1, 2:6], [10 + 9, 2 + 4.5, 4, -3])
    np.testing.assert_allclose(bus[2, 2:4], [5.5, 0.5])
    assert [finding.code for finding in tables.findings] == [
        "case.raw.load.off",
        "case.raw.load.current",
        "case.raw.load.admittance",
        "case.raw.load.generation",
    ]


def test_shunts_are_summed_by_bus_and_known_apart():
    tables = made(
        fixed_shunt=("2,'C1',1,0.5,10.0", "2,'C2',0,0,99"),
        switched_shunt=("2,1,0,1,1.05,0.95,0,100,'',20.0,1,20", "3,0,0,0,1,1,0,100,'',7"),
    )
    np.testing.assert_allclose(tables.case.bus.values[:, 4:6], [[0, 0], [0.5, 30], [0, 0]])
    shunts = tables.labels.shunts
    assert (shunts.name, shunts.is_switched) == (("C1", "1"), (False, True))
    np.testing.assert_allclose(shunts.mvar, [10, 20])
    assert [finding.sentence for finding in tables.findings][1] == (
        "Switched shunts in service that move by themselves (MODSW is not 0): 1 (switched shunt 1 at bus "
        "2). They stay at their stored value (BINIT), 20.0 Mvar in all."
    )


def test_a_unit_that_holds_another_bus_holds_its_own_as_stored():
    unit = (
        UNIT.replace("1,'1 '", "3,'W ',").replace(",,", ",").replace("1.0,0,100.0", "1.04,2,100.0")
    )
    tables = made(generator=(UNIT, unit))
    assert tables.case.gen.values[:, 5].tolist() == [1.0, 1.0]
    assert tables.findings[0].sentence == (
        "Units in service that hold the voltage of another bus (IREG): 1 (unit W at bus 3). They hold "
        "the stored voltage of their own bus."
    )


def test_shunts_at_the_ends_of_a_line():
    tables = made(branch=("1,2,'1',0.01,0.1,0.02,9,9,9,0.001,0.05,0,-0.02,1",))
    np.testing.assert_allclose(tables.case.bus.values[:2, 4:6], [[0.1, 5], [0, -2]])


# ------------------------------------------------------------------------------- direct current


def test_power_at_the_rectifier_and_at_the_inverter():
    # 100 MW and 5 ohm at 100 kV held at the inverter: (100 + 5 I) I = 100
    current = carried_current_ka(mode=1, order=100, scheduled_kv=100, compounding_ohm=0, line_ohm=5)
    assert (100 + 5 * current) * current == pytest.approx(100, abs=1e-9)
    assert current == pytest.approx((-100 + math.sqrt(10_000 + 2_000)) / 10, abs=1e-12)
    words = {"scheduled_kv": 100, "compounding_ohm": 0, "line_ohm": 5}
    assert carried_current_ka(mode=1, order=-100, **words) == pytest.approx(1.0)
    assert carried_current_ka(mode=2, order=800, **words) == 0.8
    # the voltage held half way: 2.5 ohm of 5 compounded
    words["compounding_ohm"] = 2.5
    current = carried_current_ka(mode=1, order=100, **words)
    assert (100 - 2.5 * current + 5 * current) * current == pytest.approx(100, abs=1e-9)
    with pytest.raises(NoCurrent):
        carried_current_ka(mode=1, order=-2000, **words)


def converter(**changes):
    words = {
        "bridges": 2,
        "angle_max_deg": 90,
        "angle_min_deg": 15,
        "resistance_ohm": 0,
        "reactance_ohm": 0,
        "secondary_kv": 40,
    }
    return Converter(**(words | changes))


def test_reactive_power_of_a_converter():
    # no overlap: two bridges of 3 sqrt 2 / pi 40 kV, cos a = 100 / 108.04
    no_load = 2 * 3 * math.sqrt(2) / math.pi * 40
    drawn = converter().drawn_mvar(100, 1.0)
    assert drawn == pytest.approx(100 * math.tan(math.acos(100 / no_load)), rel=1e-9)
    # a small reactance changes it little, and steadily
    assert converter(reactance_ohm=1e-4).drawn_mvar(100, 1.0) == pytest.approx(drawn, rel=1e-4)
    # a tap that cannot give the voltage: the angle stays at its lowest
    low = converter(secondary_kv=30).drawn_mvar(100, 1.0)
    assert low == pytest.approx(100 * math.tan(math.radians(15)), rel=1e-9)
    # the usual estimate S = V_do I, a few percent above the exact one
    exact = converter(reactance_ohm=4, secondary_kv=45).drawn_mvar(100, 1.0)
    estimate = math.sqrt((2 * 3 * math.sqrt(2) / math.pi * 45) ** 2 - 100**2)
    print(f"exact {exact:.2f} Mvar, estimate {estimate:.2f} Mvar")
    assert exact == pytest.approx(estimate, rel=0.05)
    assert converter().drawn_mvar(100, 0.0) == 0


def test_a_two_terminal_line_is_two_injections():
    tables = made(
        two_terminal_dc=(
            "'D',1,5.0,100.0,100.0,0,0,0,I,0,20,1",
            "1,2,90,15,0,0,138,0.29,1,1,1,0.006",
            "2,2,90,15,0,0,69,0.58,1,1,1,0.006",
        )
    )
    row = tables.case.dcline.values[0]
    current = (-100 + math.sqrt(12_000)) / 10
    np.testing.assert_allclose(row[:5], [1, 2, 1, 100, 100 * current], rtol=1e-9)
    assert row[5] < 0
    assert row[6] < 0
    assert network(tables).dc_lines.q_from_mvar[0] == row[5]


def end(**changes):
    words = {
        "bus": 0,
        "kind": 2,
        "holds_voltage": False,
        "dc_order": -100.0,
        "ac_order": 1.0,
        "fixed_loss_kw": 0.0,
        "loss_kw_per_a": 0.0,
        "least_loss_kw": 0.0,
        "q_max_mvar": 9.0,
        "q_min_mvar": -9.0,
        "remote": 0,
    }
    return VscEnd(**(words | changes))


def test_a_vsc_line_loses_what_its_converters_and_its_line_lose():
    holding = end(kind=1, dc_order=100.0)
    # 100 MW taken, 100 kV held, 5 ohm: V I = 100 and V = 100 + 5 I
    ordered, given = vsc_given_mw(end(), holding, 5.0)
    current = (-100 + math.sqrt(12_000)) / 10
    assert (ordered, given) == (-100, pytest.approx(100 * current, rel=1e-9))
    # 1 MW and 2 kW per A at the taking end, the least of 3 MW at the giving one, no line
    ordered, given = vsc_given_mw(
        end(fixed_loss_kw=1000, loss_kw_per_a=2),
        end(kind=1, dc_order=100.0, least_loss_kw=3000),
        0.0,
    )
    current = 99 / (100 + 2)  # 100 I = 100 - 1 - 2 I
    assert given == pytest.approx(100 * current - 3, rel=1e-9)
    for wrong in (end(kind=1), end(dc_order=9_000.0)):
        with pytest.raises(NoCurrent):
            vsc_given_mw(wrong, holding, 5.0)


def test_vsc_converters_hold_voltage_or_power_factor():
    tables = made(
        vsc_dc=(
            "'V',1,0.0",
            "1,2,2,-20,0.8,0,0,0,400,1200,0.1,100,-110,0,100",
            "2,1,1,100,1.03,0,0,0,400,1200,0.1,40,-30,0,100",
        )
    )
    np.testing.assert_allclose(
        tables.case.dcline.values[0], [1, 2, 1, 20, 20, -15, 0], rtol=1e-9, atol=1e-9
    )
    np.testing.assert_allclose(tables.case.gen.values[1, :8], [2, 0, 0, 40, -30, 1.03, 0, 1])
    assert tables.case.bus.values[1, 1] == BusKind.VOLTAGE_CONTROLLED
    assert tables.case.names["gentype"] == ("unknown", "VSC")


def test_a_dc_grid_on_paper():
    # two lines of 10 ohm from a converter that holds 400 kV; the others take 100 and 50 MW
    siemens = 1 / 10
    grid = DcGrid(
        node=np.array([0, 1, 2]),
        order_mw=np.array([0.0, 100.0, -50.0]),
        holding=0,
        held_kv=400.0,
        conductance=np.array(
            [[2 * siemens, -siemens, -siemens], [-siemens, siemens, 0], [-siemens, 0, siemens]]
        ),
    )
    voltage, current = dc_flow(grid)
    first = 200 + math.sqrt(200**2 + 1000)  # V (V - 400) / 10 = 100
    second = 200 + math.sqrt(200**2 - 500)
    np.testing.assert_allclose(voltage, [400, first, second], rtol=1e-9)
    assert (voltage * current)[1:] == pytest.approx([100, -50])
    assert current.sum() == pytest.approx(0, abs=1e-9)
    with pytest.raises(NoDcFlow):
        dc_flow(DcGrid(grid.node, np.array([0, -1e5, 0]), 0, 400.0, grid.conductance))


def test_a_multi_terminal_line_loads_its_buses():
    tables = made(
        load=(),
        multi_terminal_dc=(
            "'M',2,2,1,1,2,0,0",
            "1,2,90,15,0,0,138,0.9,1,1,1,0.01,60.0,1,0,1",
            "2,2,90,15,0,0,69,1.8,1,1,1,0.01,-200.0,1,0,1",
            "1,1,1,1,'',0,0,1",
            "2,2,1,1,'',0,0,1",
            "1,2,'1',10.0,0",
        ),
    )
    voltage = 100 + math.sqrt(100**2 + 600)  # V (V - 200) / 10 = 60
    arrived = 200 * 60 / voltage
    np.testing.assert_allclose(tables.case.bus.values[:2, 2], [60, -arrived], rtol=1e-9)
    assert (tables.case.bus.values[:2, 3] > 0).all()


def test_facts_devices_by_mode():
    statcom = "'S',2,0,1,0,0,1.02,50,9999,0.9,1.1,1,0,0.05,100,1,0,0,0,0,''"
    series = [
        f"'{name}',1,2,{mode},30.0,5.0,1,0,9999,0.9,1.1,1,0,0.05,100,1,0.01,0.2,0,0,''"
        for name, mode in (("T", 1), ("B", 2), ("Z", 3), ("V", 4), ("O", 0))
    ]
    tables = made(facts=(statcom, *series))
    np.testing.assert_allclose(tables.case.gen.values[1, :6], [2, 0, 0, 50, -50, 1.02])
    np.testing.assert_allclose(tables.case.dcline.values, [[1, 2, 1, 30, 30, -5, 5]])
    np.testing.assert_allclose(tables.case.branch.values[1:, 2:4], [[0, 1e-4], [0.01, 0.2]])
    assert [finding.sentence for finding in tables.findings] == [
        (
            "FACTS devices whose series element holds a flow (MODE is 1): 1 (T). It is a fixed transfer "
            "of its desired MW and Mvar (PDES, QDES)."
        ),
        (
            "FACTS devices whose series element is bypassed or of fixed impedance (MODE is 2 or 3): 2 (B, "
            "Z). It is a line with that impedance, 0.0001 pu where bypassed."
        ),
        (
            "FACTS devices whose series element is in another mode or ends nowhere: 1 (V). The series "
            "element is dropped: nothing flows through it."
        ),
        (
            "FACTS devices and VSC converters that hold the voltage of their bus: 1 (S at bus 2). Each is "
            "a unit of 0 MW with its reactive limits."
        ),
    ]


def test_what_is_not_read_is_said():
    tables = made(
        gne=("'G',1,2", "3,4"),
        induction_machine=("2,'I ',1", "2,'J ',0"),
        revision=33,
        branch=(LINE, LINE.replace("'1 '", "'2 '").replace(",1,1,10", ",0,1,10")),
    )
    assert [finding.sentence for finding in tables.findings] == [
        (
            "Kinds of data that are not read: 1 (user-defined devices (GNE): they give and take nothing (2 "
            "lines from line 28)). They are kept in the file."
        ),
        "Induction machines in service: 1 (machine I at bus 2). They give and take nothing.",
    ]
    assert tables.case.branch.values[:, 10].tolist() == [1, 0]
