"""The worker process is limited for real: each limit is made tiny and met."""

import io
import json
import resource
import subprocess
import sys

import numpy as np
import pytest

from gentie.formats.cgmes.writer import cgmes_bytes
from gentie.formats.importing import limited, worker
from gentie.formats.importing.carrying import NotCarried, carried, carry
from gentie.formats.importing.kinds import Kind, kind_of
from gentie.formats.importing.limited import ImportLimits, read_in_worker
from gentie.formats.matpower import fidelity_report, network_from, read_matpower, reference_of
from gentie.formats.matpower.examples import case_text
from gentie.formats.powermodels.writer import powermodels_bytes
from gentie.formats.psse.examples import raw_text, three_windings
from gentie.formats.psse.reader import read_raw
from gentie.formats.psse.tables import raw_tables
from gentie.quantities.findings import BadInput, Finding

ADVICE = "Give a smaller file, or raise the limit if you trust where it comes from."


def large_case(rows):
    extra = "\n".join(f"{number} 1 0 0 0 0 1 1 0 138 1 1.1 0.9" for number in range(4, rows))
    text = case_text().decode()
    end = text.index("];")
    return (text[:end] + extra + text[end:]).encode()


def columns_of(network):
    for table in ("buses", "branches", "generators", "dc_lines"):
        for name, column in vars(getattr(network, table)).items():
            yield f"{table}.{name}", column


def test_a_case_comes_back_unchanged():
    more = "mpc.bus_name = {'Ä'; 'b'; ''};\nmpc.dcline = [1 3 1 10 9.5 1 2];\n"
    content = case_text(more=more)
    came = read_in_worker(content, "small.m", ImportLimits())
    case = read_matpower(content, "small.m")
    reference = reference_of(case)
    network = network_from(case, reference)
    assert came.fidelity == fidelity_report(case, network, reference)
    assert (came.network.name, came.network.digest) == (network.name, network.digest)
    assert came.notes == ()
    for (name, mine), (_, theirs) in zip(
        columns_of(network), columns_of(came.network), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs, err_msg=name)
        assert getattr(mine, "dtype", None) == getattr(theirs, "dtype", None), name


def test_a_refusal_comes_back_whole():
    content = case_text(gen="mpc.gen = [9 0 0 0 0 x 0 1 1 0];\n")
    with pytest.raises(BadInput) as here:
        read_matpower(content, "small.m")
    with pytest.raises(BadInput) as there:
        read_in_worker(content, "small.m", ImportLimits())
    assert there.value.findings == here.value.findings


def refused(content, **limits):
    with pytest.raises(BadInput) as refusal:
        read_in_worker(content, "big.m", ImportLimits(**limits))
    return refusal.value.findings[0].sentence


def test_memory():
    assert refused(large_case(200_000), memory_mb=200) == (
        "big.m: reading it needed more than 200 MB of memory, or more than the machine had, and "
        f"was stopped. {ADVICE}"
    )


def test_wall_clock():
    assert refused(case_text(), wall_clock_s=0.01) == (
        f"big.m: reading it took longer than 0.01 s and was stopped. {ADVICE}"
    )


def test_processor_time():
    assert refused(large_case(600_000), processor_s=1) == (
        f"big.m: reading it took more than 1 s of processor time and was stopped. {ADVICE}"
    )


def test_written_bytes():
    assert refused(large_case(30_000), written_mb=1) == (
        f"big.m: what was read of it takes more than 1 MB. {ADVICE}"
    )


def test_a_worker_that_breaks(monkeypatch):
    monkeypatch.setattr(limited, "_run", lambda *_: 1)
    assert refused(case_text()) == (
        "big.m: the process that reads foreign files ended with code 1 and no answer. Report the "
        "file to the project; nothing was kept of it."
    )


def test_inside_the_limits_nothing_can_be_opened():
    program = (
        "import socket; from gentie.formats.importing.worker import *; ready();"
        "set_limits(memory_mb=4000, processor_s=9, written_mb=1)\n"
        "for act in (lambda: open('/etc/hostname'), socket.socket, os.fork):\n"
        "  try: act()\n"
        "  except OSError as refusal: print(refusal.errno)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.split()[:2] == [b"24", b"24"]


def test_limits_that_cannot_be_set_are_said(monkeypatch):
    def unable(kind, limits):
        if kind == resource.RLIMIT_AS:
            raise ValueError

    monkeypatch.setattr(resource, "setrlimit", unable)
    notes = worker.set_limits(memory_mb=4000, processor_s=9, written_mb=1)
    assert notes == ("memory",)
    out = io.BytesIO()
    worker.answer(case_text(), "small.m", Kind.MATPOWER, notes, out)
    monkeypatch.setattr(
        limited, "_run", lambda *given: [limited.os.write(given[3], out.getvalue()), 0][1]
    )
    assert read_in_worker(case_text(), "small.m", ImportLimits()).notes == (
        Finding(
            "case.import.unlimited",
            "This machine does not let a process limit its memory; the file was read without that "
            "limit.",
            where="memory",
        ),
    )


def carried_bytes():
    out = io.BytesIO()
    worker.answer(case_text(), "small.m", Kind.MATPOWER, (), out)
    return out.getvalue()


def test_a_worker_is_not_trusted():
    came = carried(io.BytesIO(carried_bytes()))
    assert came.network is not None
    assert came.labels.circuit == ("1", "1", "1")
    assert (len(came.findings), came.notes) == (3, ())
    with np.load(io.BytesIO(carried_bytes())) as arrays:
        columns = dict(arrays)
    for name, value in (
        ("branches.from_bus", np.array([0, 1, 99])),
        ("branches.from_bus", np.array([0.0, 1.0, 2.0])),
        ("branches.from_bus", np.array([0, 1])),
        ("buses.number", np.array([object()] * 3)),
        ("texts", np.frombuffer(b"{}", np.uint8)),
        ("texts", np.frombuffer(json.dumps({"findings": [{"x": 1}]}).encode(), np.uint8)),
    ):
        out = io.BytesIO()
        np.savez(out, **columns | {name: value})
        with pytest.raises(NotCarried):
            carried(io.BytesIO(out.getvalue()))
    for rubbish in (b"", b"x" * 100, carried_bytes()[:500]):
        with pytest.raises(NotCarried):
            carried(io.BytesIO(rubbish))


def test_a_refusal_carries_no_network():
    out = io.BytesIO()
    carry(None, None, (Finding("case.x", "X."),), (), out)
    came = carried(io.BytesIO(out.getvalue()))
    assert (came.network, came.labels, came.notes) == (None, None, ())
    assert came.findings == (Finding("case.x", "X."),)


def test_every_format_comes_back_from_its_process():
    raw = read_in_worker(raw_text(), "small.raw", ImportLimits(), Kind.RAW)
    assert (len(raw.network.buses), raw.labels.circuit, raw.notes) == (3, ("1",), ())
    said = powermodels_bytes(network_from(read_matpower(case_text(), "small.m")))
    came = read_in_worker(said, "small.json", ImportLimits(), Kind.POWERMODELS)
    assert (len(came.network.branches), came.notes) == (3, ())


def test_labels_come_back_whole():
    content = raw_text(transformer=three_windings(), fixed_shunt=("2,'C1',1,0.5,10.0",))
    made = raw_tables(read_raw(content, "small.raw"))
    came = read_in_worker(content, "small.raw", ImportLimits(), Kind.RAW).labels
    assert came.three_winding == made.labels.three_winding
    assert (came.circuit, came.unit) == (made.labels.circuit, made.labels.unit)
    assert (came.shunts.name, came.shunts.is_switched) == (("C1",), (False,))
    np.testing.assert_array_equal(came.shunts.mvar, made.labels.shunts.mvar)


def test_labels_of_a_worker_are_not_trusted():
    with np.load(io.BytesIO(carried_bytes())) as arrays:
        columns = dict(arrays)
    texts = json.loads(columns["texts"].tobytes())
    for change in (
        {"circuit": ["1"]},
        {"three_winding": [[[1, 2, 3], "1", [0, 1, 9]]]},
        {"three_winding": [[[1, 2], "1", [0, 1, 2]]]},
    ):
        broken = texts | {"labels": texts["labels"] | change}
        out = io.BytesIO()
        wrong = np.frombuffer(json.dumps(broken).encode(), np.uint8)
        np.savez(out, **columns | {"texts": wrong})
        with pytest.raises(NotCarried):
            carried(io.BytesIO(out.getvalue()))


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (b"", "x.raw", Kind.RAW),
        (b"", "x.RAW", Kind.RAW),
        (b"0, 100.0, 33, 0, 0, 60.0 / x\n", "x.txt", Kind.RAW),
        (b"0,100.0 / PSS/E-30\n", "x", Kind.RAW),
        (b"@!IC,SBASE\n0, 100.00, 35 / x\n", "x", Kind.RAW),
        (b"PK\x03\x04", "x", Kind.CGMES),
        (b"<?xml?><rdf:RDF>", "x", Kind.CGMES),
        (b"\xef\xbb\xbf {}", "x", Kind.POWERMODELS),
        (b"function mpc = x", "x", Kind.MATPOWER),
        (b"0.5, 3\n", "x", Kind.MATPOWER),
        (b"{}", "x.m", Kind.MATPOWER),
    ],
)
def test_which_format_a_file_is_in(content, name, kind):
    assert kind_of(content, name) is kind


def test_a_cgmes_archive_is_read_in_a_process_of_its_own():
    pytest.importorskip("pypowsybl")
    content = cgmes_bytes(network_from(read_matpower(case_text(), "small.m")))
    came = read_in_worker(content, "small.zip", ImportLimits(), Kind.CGMES)
    assert len(came.network.buses) == 3
    assert [note.sentence for note in came.notes] == [
        (
            f"pypowsybl, which reads CGMES, cannot work within a limit on {what}; the file was read without "
            "that limit."
        )
        for what in ("memory", "open files")
    ]
    with pytest.raises(BadInput) as refusal:
        read_in_worker(b"no archive", "small.zip", ImportLimits(), Kind.CGMES)
    assert str(refusal.value) == (
        "small.zip: this is not an archive. Give a .zip with the EQ, SSH, TP and SV files of one case."
    )
