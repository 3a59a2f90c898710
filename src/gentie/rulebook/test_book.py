from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from gentie.quantities.findings import BadInput
from gentie.rulebook.book import (
    STANDINGS,
    load_grid_profile,
    load_rulebook,
    profile_of,
    rulebook_names,
    rulebook_of,
)

HEAD = b"""name = "paper"
version = "paper-1"
title = "On paper"
currency = "USD"
time_zone = "UTC"
holidays = ["2026-01-01"]
"""
PLAIN = {"section": '"A"', "standing": '"confirmed"'}


def entry(key: str = "a.b", value: object = 1, **fields: object) -> bytes:
    """One entry; give dates as ``since`` and ``until``, and None to leave a field out."""
    fields = {"key": f'"{key}"', "value": value, **PLAIN, "since": "2026-01-01", **fields}
    fields["from"] = fields.pop("since")
    lines = [f"{name} = {said}" for name, said in fields.items() if said is not None]
    return "\n".join(["[[rule]]", *lines, ""]).encode()


def book(*entries: bytes, on: date = date.max, head: bytes = HEAD):
    return rulebook_of({"rulebook.toml": head, "rules.toml": b"".join(entries)}, on=on)


def refused(call) -> list[tuple[str, str]]:
    with pytest.raises(BadInput) as refusal:
        call()
    return [(finding.code, finding.sentence) for finding in refusal.value.findings]


# ------------------------------------------------------------------------------ what is packaged


@pytest.mark.parametrize("name", rulebook_names())
def test_every_packaged_entry_can_be_pointed_at(name: str) -> None:
    rulebook = load_rulebook(name)
    assert rulebook.name == name
    assert len(rulebook.rules) >= 20
    for rule in rulebook:
        assert rule.section, rule.key
        assert rule.standing in STANDINGS, rule.key
        assert isinstance(rule.applies_from, date), rule.key
        is_number = isinstance(rule.value, int | float) and not isinstance(rule.value, bool)
        is_table = isinstance(rule.value, dict) or (
            isinstance(rule.value, list) and isinstance(rule.value[0], dict)
        )
        assert bool(rule.unit) == (is_number or is_table), rule.key


def test_entries_come_in_the_order_of_their_keys() -> None:
    keys = [rule.key for rule in load_rulebook()]
    assert keys == sorted(keys)
    assert "mitigation.policy" in keys


def test_the_packaged_rulebook_has_a_zone_a_currency_and_holidays() -> None:
    rulebook = load_rulebook()
    assert rulebook.currency == "USD"
    assert ZoneInfo(rulebook.time_zone).key == "America/Los_Angeles"
    assert list(rulebook.holidays) == sorted(set(rulebook.holidays))
    assert all(day.weekday() < 5 for day in rulebook.holidays)
    assert set(rulebook.sources) >= {"rulebook.toml", "screening.toml", "unit_costs.toml"}


def test_values_of_the_packaged_rulebook() -> None:
    rulebook = load_rulebook()
    assert rulebook.number("screening.cut_off") == 0.03
    assert rulebook.number("screening.emergency_multiplier") == 1.15
    assert rulebook.number("deliverability.circle_extra_high_voltage") == 0.10
    assert rulebook.value("mitigation.policy") == "ras_first"
    voltages = [one["from_kv"] for one in rulebook.value("unit_costs.classes")]
    assert voltages == sorted(voltages)
    assert voltages[0] == 0
    with pytest.raises(KeyError, match="no_such"):
        rulebook.value("no.no_such")


def test_a_rulebook_never_changes() -> None:
    rulebook = load_rulebook()
    with pytest.raises(FrozenInstanceError):
        rulebook.version = "other"  # type: ignore[misc]
    with pytest.raises(TypeError, match="item assignment"):
        rulebook.rules["a"] = None  # type: ignore[index]
    with pytest.raises(TypeError, match="item assignment"):
        rulebook.sources["a"] = b""  # type: ignore[index]
    assert load_rulebook().digest == rulebook.digest


def test_the_digest_stands_for_every_byte_and_every_name() -> None:
    sources = dict(load_rulebook().sources)
    original = rulebook_of(sources).digest
    digests = {original}
    for name, content in sources.items():
        digests.add(rulebook_of({**sources, name: content + b"\n"}).digest)
    digests.add(rulebook_of({**sources, "empty.toml": b""}).digest)
    assert len(digests) == len(sources) + 2
    turned = dict(reversed(list(sources.items())))
    assert rulebook_of(turned).digest == original


@pytest.mark.parametrize("name", ["texas", "../grids", "", ".", "grids", "california/"])
def test_an_unknown_rulebook(name: str) -> None:
    assert refused(lambda: load_rulebook(name)) == [
        (
            "rulebook.unknown",
            f"There is no rulebook called {name!r}; choose one of: {', '.join(rulebook_names())}.",
        )
    ]


# ------------------------------------------------------------------------------- days


def test_the_rule_of_a_day_is_chosen() -> None:
    old = entry(value=1, since="2026-01-01", until="2027-01-01")
    new = entry(value=2, since="2027-01-01")
    days = {
        date(2026, 1, 1): 1,
        date(2026, 12, 31): 1,
        date(2027, 1, 1): 2,
        date(2040, 1, 1): 2,
        date.max: 2,
    }
    assert {day: book(old, new, on=day).value("a.b") for day in days} == days
    assert book(new, old).value("a.b") == 2
    assert "a.b" not in book(old, new, on=date(2025, 12, 31)).rules


def test_a_rule_that_has_ended_is_not_there_by_default() -> None:
    ended = entry(until="2026-02-01")
    assert "a.b" not in book(ended).rules
    assert book(ended, on=date(2026, 1, 31)).number("a.b") == 1


def test_every_packaged_entry_is_found_on_its_first_day_and_not_on_the_day_before() -> None:
    for rule in load_rulebook():
        assert rule.key in load_rulebook(on=rule.applies_from).rules
        assert rule.key not in load_rulebook(on=rule.applies_from - timedelta(days=1)).rules


def test_two_entries_for_one_day() -> None:
    twice = [
        (
            "rulebook.twice",
            "Rulebook file rules.toml: a.b has two entries for the same day.",
        )
    ]
    assert refused(lambda: book(entry(), entry(value=2))) == twice
    overlapping = entry(until="2026-07-02"), entry(since="2026-07-01")
    assert refused(lambda: book(*overlapping, on=date(2026, 7, 1))) == twice
    assert book(*overlapping, on=date(2026, 7, 2)).number("a.b") == 1


# ------------------------------------------------------------------------------- damage


def test_a_damaged_file() -> None:
    ((code, sentence),) = refused(lambda: book(b"[[rule]\n"))
    assert code == "rulebook.unreadable"
    assert sentence.startswith("Rulebook file rules.toml is damaged: Expected ']]' at the end")
    assert sentence.endswith("(at line 1, column 7).")
    ((code, sentence),) = refused(lambda: book(b"\xff"))
    assert code == "rulebook.unreadable"
    assert sentence.startswith("Rulebook file rules.toml is damaged: 'utf-8' codec can't decode")


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (
            entry(section=None, standing=None),
            "Rulebook file rules.toml: entry a.b lacks section, standing.",
        ),
        (
            entry(standing='"rumour"'),
            "Rulebook file rules.toml: entry a.b has an unknown standing.",
        ),
        (
            b"[[rule]]\nvalue = 1\n",
            "Rulebook file rules.toml: entry (no key) lacks key, section, standing, from.",
        ),
    ],
)
def test_an_incomplete_entry(broken: bytes, sentence: str) -> None:
    assert refused(lambda: book(broken)) == [("rulebook.entry", sentence)]


def test_a_rulebook_without_its_head() -> None:
    assert refused(lambda: rulebook_of({"rules.toml": entry()})) == [
        ("rulebook.headless", "The rulebook cannot be used: it has no rulebook.toml.")
    ]
    assert refused(lambda: book(head=b'name = "paper"\ntitle = ""\n')) == [
        (
            "rulebook.headless",
            (
                "The rulebook cannot be used: its rulebook.toml lacks version, currency, time_zone, "
                "holidays."
            ),
        )
    ]


# ------------------------------------------------------------------------------- grids


def test_the_profile_of_the_demonstration() -> None:
    profile = load_grid_profile("case_ACTIVSg10k")
    assert profile.areas == (3, 4, 5, 6, 7)
    assert set(profile.owners) == set(profile.areas)
    regions = load_rulebook().value("output_factors.on_peak")
    assert {owner.output_region for owner in profile.owners.values()} <= set(regions)
    assert len({owner.name for owner in profile.owners.values()}) == 5
    assert profile.is_synthetic
    assert "fictional" in profile.operator_note
    assert "CC BY 4.0" in profile.credit


def test_every_bus_of_the_demonstration_has_a_place_in_the_west() -> None:
    places = load_grid_profile("case_ACTIVSg10k").coordinates
    assert len(places) == 10_000
    assert all(30 < latitude < 50 for latitude, _ in places.values())
    assert all(-125 < longitude < -100 for _, longitude in places.values())


def test_a_profile_comes_back_from_its_files() -> None:
    profile = load_grid_profile("case_ACTIVSg10k")
    assert set(profile.sources) == {"case_ACTIVSg10k.toml", "case_ACTIVSg10k.csv"}
    again = profile_of(profile.sources, "case_ACTIVSg10k")
    assert again == profile


@pytest.mark.parametrize(
    "case", ["case118", "", "../california/rulebook", "../x", "a/b", "case_ACTIVSg10k.toml"]
)
def test_any_other_case_has_all_areas_and_no_owners(case: str) -> None:
    profile = load_grid_profile(case)
    assert profile.case == case
    assert (profile.areas, profile.operator, profile.credit) == ((), "", "")
    assert not profile.is_synthetic
    assert (dict(profile.owners), dict(profile.coordinates), dict(profile.sources)) == ({}, {}, {})


def test_a_damaged_profile() -> None:
    ((code, sentence),) = refused(lambda: profile_of({"g.toml": b"areas = [3"}, "g"))
    assert code == "rulebook.unreadable"
    assert sentence.startswith("Grid file g.toml is damaged: Unclosed array")
