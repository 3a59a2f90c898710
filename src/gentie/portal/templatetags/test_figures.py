from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest

from gentie.portal.templatetags import figures


@pytest.mark.parametrize(
    ("identity", "words"),
    [
        ("line:25895:26046:1", "line 25895–26046 circuit 1"),
        ("transformer:1:2:3", "transformer 1–2 circuit 3"),
        ("something else", "something else"),
    ],
)
def test_elements_in_words(identity, words):
    assert figures.element(identity) == words


@pytest.mark.parametrize(
    ("identity", "words"),
    [
        ("line:1:2:1|base|forward|peak-reliability", "line 1–2 circuit 1, nothing out"),
        (
            "line:1:2:1|line:3:4:1|reverse|peak-reliability",
            "line 1–2 circuit 1, with line 3–4 circuit 1 out",
        ),
        (
            "line:1:2:1|line:1:2:1|reverse|peak-reliability",
            "line 1–2 circuit 1, one of its circuits out",
        ),
    ],
)
def test_constraints_in_words(identity, words):
    assert figures.called_for_by(identity) == words


@pytest.mark.parametrize(
    ("upgrade", "words"),
    [
        ({"kind": "reconductor", "element": "line:1:2:1"}, "Reconductor: line 1–2 circuit 1"),
        (
            {"kind": "switchyard position", "element": "", "point": "point:7"},
            "Switchyard position at point 7",
        ),
        (
            {"kind": "interconnection facilities", "element": "", "identity": "position:Q116"},
            "Interconnection facilities of Q116",
        ),
    ],
)
def test_upgrades_in_words(upgrade, words):
    assert figures.upgrade_words(SimpleNamespace(**upgrade)) == words


def test_figures():
    assert figures.number(1234.56, 1) == "1,234.6"
    assert figures.number(None) == "–"
    assert figures.percent(118.4) == "118%"
    assert figures.plain(1.15) == "1.15"
    assert figures.plain(138.0) == "138"
    assert figures.money(Decimal("1348200.00"), "USD") == "$1,348,200"
    assert figures.cents(Decimal("1348200.00"), "USD") == "$1,348,200.00"
    assert figures.cents(Decimal("2.50"), "EUR") == "2.50 EUR"
    assert figures.share_percent(Decimal("0.023510412")) == "2.351%"
    assert figures.day("2026-12-02") == "2 Dec 2026"


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("America/Los_Angeles", "22 Nov 2026, 10:05 PT"),
        ("America/New_York", "22 Nov 2026, 13:05 ET"),
        ("UTC", "22 Nov 2026, 18:05 UTC"),
    ],
)
def test_times_are_said_in_the_operators_zone(zone, words):
    assert figures.moment(datetime(2026, 11, 22, 18, 5, tzinfo=UTC), zone) == words


def test_a_bar_never_leaves_its_track():
    assert 'width="100.00"' in figures.bar(3, 2)
    assert 'width="0.00"' in figures.bar(1, 0)
