"""PowerModels JSON: what arrives, what is said, and every way in which a file is broken."""

import json

import numpy as np
import pytest

from gentie.formats.matpower import network_from
from gentie.formats.matpower.examples import case_text
from gentie.formats.matpower.reader import read_matpower
from gentie.formats.powermodels import reader
from gentie.formats.powermodels.reader import read_powermodels
from gentie.formats.powermodels.writer import powermodels_bytes
from gentie.quantities.findings import BadInput


def small():
    network = network_from(read_matpower(case_text(), "small.m"))
    return json.loads(powermodels_bytes(network))


def written(said):
    return json.dumps(said).encode()


def test_a_case_arrives():
    case, findings = read_powermodels(written(small()), "small.json")
    original = read_matpower(case_text(), "small.m")
    np.testing.assert_allclose(case.bus.values[:, :13], original.bus.values)
    np.testing.assert_allclose(case.branch.values[:, :8], original.branch.values[:, :8])
    np.testing.assert_allclose(case.gen.values[:, :10], original.gen.values[:, :10])
    assert findings == ()


def test_what_two_ends_do_not_share_is_a_shunt():
    said = small()
    said["branch"]["1"] |= {"g_fr": 0.01, "b_fr": 0.3, "b_to": 0.1, "tap": 0.5, "transformer": True}
    case, findings = read_powermodels(written(said), "small.json")
    assert case.branch.values[0, 4] == 0.4
    # 1 MW and (0.3 - 0.2) 100 Mvar behind a ratio of 0.5 at bus 1; (0.1 - 0.2) 100 at bus 2
    np.testing.assert_allclose(case.bus.values[:2, 4:6], [[4, 40], [0, -10]])
    assert [finding.sentence for finding in findings] == [
        (
            "Branches in service whose ends differ or lose power (g_fr, g_to, b_fr, b_to): 1 (1-2). What "
            "differs is a shunt of the buses and stays when the branch is taken out."
        )
    ]


def test_storage_is_counted():
    said = small()
    said["storage"] = {"4": {"index": 4, "storage_bus": 1, "status": 0}}
    _, findings = read_powermodels(written(said), "small.json")
    assert findings[0].sentence == (
        "Rows of storage units: 1 (4). They are kept in the file; studies do not use them."
    )


BROKEN = {
    "empty": (b" ", "x.json: the file is empty. Give a PowerModels case (.json)."),
    "binary": (
        b"{\0}",
        "x.json: this is not a text file. Give a PowerModels case (.json) in UTF-8.",
    ),
    "cut off": (
        b'{"bus": {\n"1": {"bus_i": 1,',
        "x.json, line 2: this is not JSON that can be read to its end. Give the whole file.",
    ),
    "deep": (
        b"[" * 200_000,
        "x.json, line 1: this is not JSON that can be read to its end. Give the whole file.",
    ),
    "something else": (
        b'{"buses": []}',
        (
            "x.json: this is not a PowerModels case: it has no table `bus`. Give a case as "
            "PowerModels.export_file writes it."
        ),
    ),
    "several networks": (
        b'{"bus": {}, "multinetwork": true, "nw": {}}',
        "x.json: the file holds several networks (multinetwork). Give one of them.",
    ),
    "no base": (
        b'{"bus": {"1": {"bus_i": 1}}}',
        (
            "x.json: the case cannot be read (PARSE.SOURCE.MALFORMED: PowerModels JSON read error: "
            "missing, nonpositive, or non-finite numeric `baseMVA`). Mend it, or write it again with "
            "PowerModels.export_file."
        ),
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_gets_one_sentence(kind):
    content, sentence = BROKEN[kind]
    with pytest.raises(BadInput) as refusal:
        read_powermodels(content, "x.json")
    assert [finding.sentence for finding in refusal.value.findings] == [sentence]


def test_a_branch_to_nowhere():
    said = small()
    said["branch"]["2"]["t_bus"] = 9
    with pytest.raises(BadInput) as refusal:
        read_powermodels(written(said), "x.json")
    assert len(refusal.value.findings) == 1
    assert ", line " not in str(refusal.value)
    assert "9" in str(refusal.value)


def test_what_does_not_arrive_is_refused(monkeypatch):
    said = small()
    monkeypatch.setattr(
        reader,
        "_tables",
        lambda text, name: read_matpower(case_text(branch="mpc.branch = [];\n"), name),
    )
    with pytest.raises(BadInput) as refusal:
        read_powermodels(written(said), "x.json")
    assert str(refusal.value) == (
        "x.json: not all of the case can be read: it has 3 of branch and 0 arrived. Write it again with "
        "PowerModels.export_file, or give it in another format."
    )
