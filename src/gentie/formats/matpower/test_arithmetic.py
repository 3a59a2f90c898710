import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gentie.formats.matpower.arithmetic import NotArithmetic, arithmetic


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("50/3", 50 / 3),
        ("-50/3", -50 / 3),
        ("2 - 3 - 4", -5),
        ("2^3^2", 64),  # MATLAB goes from left to right
        ("-2^2", -4),
        ("2^-1", 0.5),
        ("135/sqrt(3)", 135 / math.sqrt(3)),
        ("1e3 * 2", 2000),
        ("1d3", 1000),
        ("(1 + 2) * -3", -9),
        ("sin(acos(0.85))", math.sin(math.acos(0.85))),
        ("2*pi", 2 * math.pi),
        (".5", 0.5),
    ],
)
def test_reads_as_matlab_does(text, value):
    assert arithmetic(text) == value


def test_known_names_and_cells():
    known = {"mpc.baseMVA": 10.0}
    value = arithmetic("mpc.bus(1, 10)^2 / mpc.baseMVA", known, lambda name, row, column: 12.5)
    assert value == 15.625


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 +",
        "x",
        "1/0",
        "sqrt(-1)",
        "__import__('os')",
        "1;2",
        "(1",
        "1 2",
        "f(1)",
        "[1]",
        "(" * 500 + "1" + ")" * 500,
        "9^9^9^9^9",
        "mpc.bus(1, 2)",
        "sin(1, 2)",
    ],
)
def test_everything_else_is_refused(text):
    with pytest.raises(NotArithmetic):
        arithmetic(text)


@given(st.floats(0.001, 1e6), st.floats(0.001, 1e6), st.floats(0.001, 1e6))
def test_order_of_operations(a, b, c):
    assert arithmetic(f"{a!r} + {b!r} * {c!r}") == a + b * c
    assert arithmetic(f"{a!r} / {b!r} / {c!r}") == a / b / c
    assert arithmetic(f"{a!r} - ({b!r} - {c!r})") == a - (b - c)
