"""Foreign cases go through check and flow, with a result or one clear reason (`make soak`)."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parent.parent / "docs"


def made() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_cases", DOCS / "make_cases.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_cases"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.soak
@pytest.mark.shared
def test_the_table_of_foreign_cases(shared: Path) -> None:
    module = made()
    page = (DOCS / "reference" / "cases.md").read_text()
    rows = list(module.rows(shared / "data" / "grid"))
    print(f"{len(rows)} files, {sum(row.has_result for row in rows)} with a solution")
    assert len(rows) > 80
    for row in rows:
        assert row.has_result or (row.reasons and all(one.endswith(".") for one in row.reasons))
        assert module.line_of(row) in page, f"run `python docs/make_cases.py FOLDER`: {row.file}"


@pytest.mark.parametrize("name", ["case9.m", "t_psse_case3.raw", "t_psse_case2.raw"])
def test_a_row_of_the_table(name: str) -> None:
    module = made()
    path = next(path for path in module.files(None) if path.name == name)
    row = module.row_of(path)
    assert row is not None
    assert module.line_of(row) in (DOCS / "reference" / "cases.md").read_text()
