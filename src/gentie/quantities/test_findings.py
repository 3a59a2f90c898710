from __future__ import annotations

import copy
import json
import pickle
from dataclasses import FrozenInstanceError

import pytest

from gentie.quantities.findings import BadInput, Finding

FIRST = Finding("case.bus.missing", "Bus 7 is missing: add it.", 2, "a.m")
SECOND = Finding("case.empty", "b.m is empty: export it again.")


def test_a_single_finding_is_one_reason() -> None:
    assert BadInput(FIRST).findings == (FIRST,)


def test_all_reasons_are_carried_and_said() -> None:
    bad = BadInput(iter([FIRST, SECOND]))
    assert bad.findings == (FIRST, SECOND)
    assert str(bad) == "Bus 7 is missing: add it. b.m is empty: export it again."


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_reasons_survive_the_trip_out_of_a_worker(protocol: int) -> None:
    again = pickle.loads(pickle.dumps(BadInput([FIRST, SECOND]), protocol))
    assert type(again) is BadInput
    assert again.findings == (FIRST, SECOND)
    assert str(again) == str(BadInput([FIRST, SECOND]))
    assert copy.copy(again).findings == (FIRST, SECOND)


def test_a_finding_as_plain_data() -> None:
    assert json.loads(json.dumps(FIRST.as_dict())) == {
        "code": "case.bus.missing",
        "sentence": "Bus 7 is missing: add it.",
        "count": 2,
        "where": "a.m",
    }
    assert SECOND.as_dict() == {
        "code": "case.empty",
        "sentence": "b.m is empty: export it again.",
        "count": 1,
        "where": "",
    }


def test_a_finding_never_changes() -> None:
    with pytest.raises(FrozenInstanceError):
        FIRST.code = "another"  # type: ignore[misc]
    assert FIRST.code == "case.bus.missing"
