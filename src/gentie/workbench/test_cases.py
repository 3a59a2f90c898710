import hashlib
from pathlib import Path

import pytest

from gentie.formats.importing.limited import ImportLimits
from gentie.formats.matpower.examples import case_text
from gentie.quantities.findings import BadInput
from gentie.workbench.cases import case_from, read_case, shipped_cases


def sentence(source, **limits):
    with pytest.raises(BadInput) as refusal:
        read_case(source, limits=ImportLimits(**limits))
    return str(refusal.value)


def test_a_file(tmp_path):
    path = tmp_path / "mine.m"
    path.write_bytes(case_text())
    case = read_case(path)
    assert (case.name, case.source_name, case.content) == ("small", "mine.m", case_text())
    assert case.sha256 == hashlib.sha256(case_text()).hexdigest() == case.network.digest
    assert {finding.code for finding in case.fidelity} >= {"case.genfuel.missing"}


@pytest.mark.parametrize("name", ["case118", "case118.m"])
def test_a_shipped_name(name):
    case = read_case(name)
    assert (case.name, case.source_name, len(case.network.buses)) == ("case118", "case118.m", 118)
    assert case.content == shipped_cases()["case118"].read_bytes()


def test_nothing_of_matpower_is_imported():
    import sys

    read_case("case9")
    assert "matpower" not in sys.modules


def test_an_existing_file_wins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("case118").write_bytes(case_text())
    assert read_case("case118").name == "small"


def test_bytes_that_were_uploaded():
    case = case_from(case_text(), "upload.m")
    assert (case.source_name, len(case.network.buses)) == ("upload.m", 3)


def test_no_such_case():
    assert sentence("case_ACTIVSg10") == (
        "There is no file case_ACTIVSg10, and MATPOWER ships no case of that name. "
        "Did you mean case_ACTIVSg10k or case_ACTIVSg70k or case_ACTIVSg500?"
    )
    assert sentence("nowhere/grid.raw") == (
        "There is no file nowhere/grid.raw, and MATPOWER ships no case of that name. "
        "Give the path of a case (MATPOWER .m, PSS/E .raw, PowerModels .json, CGMES .zip) or a name "
        "such as case118."
    )


def test_a_folder(tmp_path):
    assert sentence(tmp_path) == f"{tmp_path} is a folder. Give the case file in it."


def test_a_file_too_large(tmp_path):
    path = tmp_path / "big.m"
    path.write_bytes(b"%" * 1_000_001)
    assert sentence(path, source_mb=1) == (
        "big.m has more than 1 MB, which is the most that is read. "
        "Give the case alone, without results or scenarios."
    )


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = tmp_path / "secret.m"
    path.write_bytes(case_text())

    def forbidden(self, *_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)
    assert sentence(path) == (
        "secret.m cannot be read: Permission denied. Check who may read the file."
    )


def test_a_name_from_outside_is_only_a_name(tmp_path):
    path = tmp_path / "-c import os.m"
    path.write_bytes(case_text())
    assert read_case(path).name == "small"
