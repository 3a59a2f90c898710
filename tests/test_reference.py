"""The generated pages of docs/reference say what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("make_reference", DOCS / "make_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    written: dict[str, str] = module.pages()
    return written


@pytest.mark.parametrize(
    "name",
    [
        "results.md",
        "rulebook.md",
        "findings.md",
        "lifecycles.md",
        "request-form.md",
        "openapi.json",
    ],
)
def test_a_page_is_what_the_code_says(pages: dict[str, str], name: str) -> None:
    assert (DOCS / "reference" / name).read_text() == pages[name], "run `make reference`"
