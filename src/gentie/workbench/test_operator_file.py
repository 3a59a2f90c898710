from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from gentie.formats.operator import read_description, read_stations
from gentie.quantities.findings import BadInput
from gentie.rulebook.book import load_rulebook, profile_of
from gentie.workbench.operator_file import read_operator

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guide"
EXAMPLE = GUIDE / "operator.example.toml"
STATIONS = "operator.example.stations.csv"


@pytest.fixture
def written(tmp_path):
    """`written(old, new, …)`: the guide's example with some of its words changed."""

    def write(*changes: str, stations: str | None = None) -> Path:
        text = EXAMPLE.read_text()
        for old, new in zip(changes[::2], changes[1::2], strict=True):
            assert old in text, old
            text = text.replace(old, new, 1)
        file = tmp_path / "operator.toml"
        file.write_text(text)
        kept = (GUIDE / STATIONS).read_text() if stations is None else stations
        (tmp_path / STATIONS).write_text(kept)
        return file

    return write


def told(file: Path) -> dict[str, str]:
    with pytest.raises(BadInput) as refused:
        read_operator(file)
    return {finding.code: finding.sentence for finding in refused.value.findings}


def test_the_guides_example_is_an_operator_with_its_grid():
    inputs = read_operator(EXAMPLE)
    assert inputs.case.name == "case39"
    assert inputs.owner_names == ("Harbour Transmission", "Maple Transmission")
    profile = inputs.profile
    assert (profile.operator, profile.is_synthetic) == ("Prairie Fictional Operator", True)
    assert profile.areas == (1, 2, 3)
    assert profile.owners[2].output_region == "south"
    assert set(profile.coordinates) == set(inputs.case.network.buses.number.tolist())
    # A study's bundle carries these files: they make the same profile, and hold nobody's address.
    assert profile_of(profile.sources, "case39") == profile
    assert not any(b"@" in content for content in profile.sources.values())


def test_words_go_into_the_profile_unchanged(written):
    words = 'Añejo "Grid" \\ Operator 🜁'
    file = written('"Prairie Fictional Operator"', "'" + words + "'")
    assert read_operator(file).profile.operator == words


def test_a_case_beside_the_file_goes_before_a_shipped_one(written, tmp_path):
    shipped = read_operator(EXAMPLE).case
    (tmp_path / "mine.m").write_bytes(shipped.content)
    inputs = read_operator(written('"case39"', '"mine.m"'))
    assert (inputs.case.source_name, inputs.case.sha256) == ("mine.m", shipped.sha256)


def test_every_reason_of_every_kind_is_told_at_once(written):
    file = written(
        '"california"',
        '"texas"',
        '"USD"',
        '"dollars"',
        "time_zone =",
        "timezone =",
        "17:00:00",
        '"17:00"',
        "2026-11-11,",
        "2026-11-11, 2026-11-11,",
        "ada@prairie.example",
        "ada",
        '"case39"',
        '"no-such-case"',
        "synthetic = true",
        'synthetic = "yes"',
        "areas = [1, 2, 3]",
        "areas = [1, 2, 4]",
        "[owners.2]",
        "[owners.south]",
        stations="bus,lat,lon\n1,2,3\n",
    )
    with pytest.raises(BadInput) as refused:
        read_operator(file)
    said = [(one.code, one.where) for one in refused.value.findings]
    assert ("operator.field.missing", "time_zone") in said
    assert ("operator.field.unknown", "timezone") in said
    assert ("operator.field.type", "closing_hour") in said
    assert ("operator.field.type", "grid.synthetic") in said
    assert ("operator.field.email", "administrator.email") in said
    assert ("operator.field.area", "owners.south") in said
    assert {code for code, _ in said} >= {
        "installation.rulebook",
        "installation.currency_code",
        "installation.holiday_twice",
        "operator.owner.area_not_studied",
        "operator.owner.none",
        "operator.stations.head",
    }
    assert "did you mean time_zone?" in str(refused.value)
    assert any(code.startswith("case.") for code, _ in said)


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        ('"USD"', '"EUR"', "installation.currency", "are in USD, not in 'EUR'"),
        ('"America/New_York"', '"Pacific"', "installation.time_zone", "'Pacific'"),
        ('"south"', '"west"', "operator.owner.region", "choose one of: east, far_south, north"),
        (
            '"Harbour Transmission"',
            '"Prairie Fictional Operator"',
            "operator.owner.is_operator",
            "the operator's own name",
        ),
        ("areas = [1, 2, 3]", "", "operator.owner.none", ""),
        (
            "areas = [1, 2, 3]",
            "areas = [1, 2, 9]",
            "operator.area.unknown",
            "its areas are 1, 2, 3",
        ),
        ("areas = [1, 2, 3]", "areas = [1, 1]", "operator.field.twice", "name each once"),
        ("areas = [1, 2, 3]", "areas = [1.5]", "operator.field.type", "whole numbers"),
        ("2026-11-11,", "2026-11-11T17:00:00,", "operator.field.type", "days without a time"),
        ('"Ada Example"', '" "', "operator.field.blank", "administrator.name is blank"),
        (f'"{STATIONS}"', '"none.csv"', "operator.file.missing", "none.csv cannot be read"),
        ('rulebook = "california"', "", "operator.field.missing", "rulebook is missing"),
        ("[owners.2]", "[owners.2.x]", "operator.field.missing", "owners.2.output_region"),
    ],
)
def test_each_reason_names_the_field_and_what_to_do(written, old, new, code, words):
    file = written(old, new)
    if old.startswith("areas") and not new:
        file.write_text(file.read_text().replace("[owners.3]", "[owners.7]"))
    found = told(file)
    assert words in found[code]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("1,91,0", "operator.stations.range"),
        ("1,0,181", "operator.stations.range"),
        ("1,nan,0", "operator.stations.range"),
        ("1,0", "operator.stations.row"),
        ("1,0,0,0", "operator.stations.row"),
        ("one,0,0", "operator.stations.row"),
        ("2,1,1\n2,1,1", "operator.stations.twice"),
    ],
)
def test_a_wrong_line_of_the_stations_is_named(line, code):
    places, reasons = read_stations(
        f"bus,latitude_deg,longitude_deg\n7,1,1\n{line}\n".encode(), "stations.csv"
    )
    assert [one.code for one in reasons] == [code]
    assert reasons[0].where == ("stations.csv:4" if "\n" in line else "stations.csv:3")
    assert places[7] == (1.0, 1.0)


def test_a_bus_that_the_case_does_not_have_has_no_place(written):
    found = told(written(stations="bus,latitude_deg,longitude_deg\n4711,1,1\n"))
    assert "1 buses that case39.m does not have: 4711" in found["operator.stations.unknown"]


def test_stations_that_are_no_table():
    for content in (b"\xff\xfe", b""):
        _, reasons = read_stations(content, "s.csv")
        assert len(reasons) == 1


def test_what_is_no_toml_is_said(tmp_path):
    with pytest.raises(BadInput, match=r"operator\.toml is not TOML"):
        read_description(b"name = ", "operator.toml")
    assert "operator.file.missing" in told(tmp_path / "none.toml")


def test_the_example_needs_nothing_that_its_comments_do_not_say():
    table = tomllib.loads(EXAMPLE.read_text())
    assert set(table) == {
        "name",
        "note",
        "rulebook",
        "currency",
        "time_zone",
        "closing_hour",
        "holidays",
        "administrator",
        "grid",
        "owners",
    }
    assert table["currency"] == load_rulebook(table["rulebook"]).currency
