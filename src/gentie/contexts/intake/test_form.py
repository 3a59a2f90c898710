from __future__ import annotations

from datetime import date

import pytest

from gentie.contexts.intake.answers import read_answers
from gentie.contexts.intake.checks import Asked, faults_of
from gentie.contexts.intake.deposits import deposits
from gentie.contexts.intake.examples import COMPLETE
from gentie.contexts.intake.form import FIELDS, SECTIONS, asked_fields
from gentie.quantities.money import Money
from gentie.rulebook.book import load_rulebook

TODAY = date(2026, 11, 24)
WHOLE = {**COMPLETE, "bus": "7"}


def asked(evidence: int = 1, *, is_known: bool = True, **changed: str) -> Asked:
    return Asked(
        answers=read_answers({**WHOLE, **changed}),
        rulebook=load_rulebook(),
        today=TODAY,
        point_is_known=is_known,
        case_name="case_small",
        evidence_count=evidence,
    )


def reasons(*arguments: object, **changed: object) -> list[tuple[str, str]]:
    return [(one.where, one.sentence) for one in faults_of(asked(*arguments, **changed))]  # type: ignore[arg-type]


def test_every_field_is_in_a_section_once_and_says_what_to_do():
    keys = [field.key for field in FIELDS]
    assert len(keys) == len(set(keys))
    assert {field.section for field in FIELDS} == {key for key, _ in SECTIONS}
    for field in FIELDS:
        assert field.remedy.endswith("."), field.key
        assert (field.least is None) == (field.most is None)


def test_complete_answers_have_no_fault():
    assert reasons() == []
    answers = asked().answers
    assert answers.net_mw == 80.0
    assert [(one.technology, one.mw, one.mwh) for one in answers.components] == [
        ("solar", 60.0, None),
        ("storage", 50.0, 200.0),
    ]


def test_equal_technologies_are_added_up():
    answers = asked(technology_3="solar", mw_3="5.5").answers
    assert next((one.technology, one.mw) for one in answers.components) == ("solar", 65.5)


def test_an_empty_form_tells_every_reason_at_once():
    found = faults_of(Asked(read_answers({}), load_rulebook(), TODAY, False, "case_small", 0))
    needed = [field.key for field in asked_fields({}) if field.is_needed]
    assert [one.where for one in found] == needed
    assert len(found) == 17
    assert {one.code for one in found} == {"intake.answer.missing"}
    assert found[0].sentence == (
        "Name of the project is empty. Give the name by which the project is known."
    )


def test_fields_appear_only_where_they_matter():
    def keys(**texts: str) -> set[str]:
        return {field.key for field in asked_fields(texts)}

    assert "mw_1" not in keys()
    assert {"mw_1", "technology_2"} <= keys(technology_1="wind")
    assert "mwh_1" not in keys(technology_1="wind")
    assert "mwh_1" in keys(technology_1="storage")
    assert "limited_by" not in keys(technology_1="wind", mw_1="50", gross_mw="50")
    assert "limited_by" in keys(technology_1="wind", mw_1="50", gross_mw="40")
    assert "site_share" in keys(site_control="owned")
    assert "site_regulation" in keys(site_control="in_lieu")
    assert "site_share" not in keys(site_control="in_lieu")


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"mw_1": "many"},
            "Largest output of technology 1: “many” is not a number of MW; give one such as 150.",
        ),
        (
            {"mw_1": "nan"},
            "Largest output of technology 1: “nan” is not a number of MW; give one such as 150.",
        ),
        (
            {"gross_mw": "-5"},
            (
                "Gross capability of the plant: -5 MW is out of range; give more than 0 and at most "
                "10,000."
            ),
        ),
        (
            {"site_share": "120"},
            (
                "Share of the site that is controlled: 120 % is out of range; give 0 or more and at "
                "most 100."
            ),
        ),
        (
            {"mwh_2": ""},
            (
                "Energy when full of technology 2 is empty. Give the energy that the storage holds "
                "when full, in MWh."
            ),
        ),
        ({"in_service": "soon"}, "In service: “soon” is not a day; give one such as 2031-06-30."),
        (
            {"bus": "7a"},
            "Bus number of the point: “7a” is not the number of a bus; choose it on the map.",
        ),
        (
            {"deliverability": "some"},
            "Deliverability: “some” is no choice here; choose one of full, energy_only.",
        ),
        (
            {"contact_email": "nobody"},
            "E-mail address of that person: “nobody” is not an e-mail address.",
        ),
        ({"certified": ""}, "Confirm that you may sign and that the answers are true."),
        (
            {"mw_1": "10", "mw_2": "50"},
            (
                "The technologies give 60 MW together, and the gross capability is 82 MW: raise their "
                "output or lower the gross capability."
            ),
        ),
        (
            {"losses_mw": "81"},
            (
                "82 MW gross less 1 MW own load less 81 MW losses leave 0 MW for the point: mend the "
                "chain."
            ),
        ),
        (
            {"trial_operation": "2029-02-01"},
            (
                "In service on 1 Mar 2029 is after trial operation on 1 Feb 2029: put the dates in "
                "order."
            ),
        ),
        (
            {"in_service": "2026-11-24"},
            "In service on 24 Nov 2026 is not after today, 24 Nov 2026: give a later day.",
        ),
        (
            {"commercial_operation": "2033-11-25"},
            (
                "Commercial operation on 25 Nov 2033 is more than 7 years after filing: 24 Nov 2033 is "
                "the latest day."
            ),
        ),
        (
            {"site_share": "89.9"},
            (
                "You control 89.9% of the site, and the rules ask for 90%: control more, or, where a "
                "regulation prevents it, choose the deposit instead."
            ),
        ),
        ({"limited_by": ""}, None),
        (
            {"site_control": "in_lieu"},
            (
                "Regulation that keeps you from controlling the site is empty. Name the regulation, as "
                "in your affidavit."
            ),
        ),
    ],
)
def test_each_condition_alone(changed: dict[str, str], sentence: str | None):
    found = reasons(**changed)
    assert len(found) == 1
    if sentence is not None:
        assert found[0][1] == sentence


def test_a_point_must_be_published_and_control_of_the_site_shown():
    assert reasons(is_known=False) == [
        (
            "bus",
            (
                "The base case case_small has no point of interconnection at bus 7: choose one on the "
                "map."
            ),
        )
    ]
    assert reasons(0) == [
        (
            "site_evidence",
            "No document shows the control of the site: upload the deed, lease, option or right.",
        )
    ]


def test_the_latest_day_of_operation_may_be_asked_for():
    assert reasons(commercial_operation="2033-11-24") == []


@pytest.mark.parametrize(
    ("net_mw", "is_in_lieu", "study", "site"),
    [
        (20.0, True, "55000", "500000"),
        (79.0, False, "114000", "0"),
        (80.0, False, "150000", "0"),
        (100.0, True, "150000", "1000000"),
        (199.0, False, "150000", "0"),
        (200.0, False, "250000", "0"),
        (500.0, True, "250000", "2000000"),
    ],
)
def test_deposits_by_the_tiers(net_mw: float, is_in_lieu: bool, study: str, site: str):
    found = deposits(load_rulebook(), net_mw=net_mw, is_in_lieu=is_in_lieu)
    assert found.study_deposit == Money.of(study, "USD")
    assert found.site_deposit == Money.of(site, "USD")
    assert found.due == found.application_fee + found.study_deposit + found.site_deposit
