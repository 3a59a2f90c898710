from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.apps import apps

from gentie.contexts.accounts import reads
from gentie.contexts.accounts.acting import AS_PROGRAM, VISITOR, Acting, acting_as
from gentie.contexts.accounts.clearances import clear_for_ceii, end_ceii_clearance
from gentie.contexts.accounts.examples import cast
from gentie.quantities.findings import BadInput

AT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
BY = "program:test"

Entry = apps.get_model("audit", "Entry")

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return cast(by=BY, at=AT)


def acting(people, word: str) -> Acting:
    member = people.members[word]
    return Acting(member.person_id, member.organisation_id, member.role)


def may(who: Acting) -> bool:
    with acting_as(who):
        return reads.may_see_ceii()


def test_the_operators_roles_may_others_when_cleared_and_nobody_by_a_grant(people):
    staff = ("specialist", "engineer", "administrator")
    others = ("customer", "other", "consultant")
    assert all(may(acting(people, word)) for word in staff)
    assert may(AS_PROGRAM)
    assert not any(may(acting(people, word)) for word in others)
    assert not may(VISITOR)
    clear_for_ceii(organisation_id=people.organisations["first"].pk, by=BY, at=AT)
    assert [word for word in others if may(acting(people, word))] == ["customer"]
    assert not may(VISITOR)
    end_ceii_clearance(organisation_id=people.organisations["first"].pk, by=BY, at=AT)
    assert not may(acting(people, "customer"))


def test_both_are_in_the_audit(people):
    first = people.organisations["first"].pk
    clear_for_ceii(organisation_id=first, by=BY, at=AT)
    end_ceii_clearance(organisation_id=first, by=BY, at=AT)
    last = Entry.objects.order_by("-pk")[:2].values_list("action", "subject", "by")
    assert list(last) == [
        ("organisation.ceii_clearance_ended", f"organisation:{first}", BY),
        ("organisation.cleared_for_ceii", f"organisation:{first}", BY),
    ]


@pytest.mark.parametrize("word", ["customer", "specialist", "engineer"])
def test_only_the_administrator_clears_whatever_the_door_says(people, word):
    """The administrator's role and programs reach the row; for others it is not there to change."""
    first = people.organisations["first"]
    before = Entry.objects.count()
    with pytest.raises(BadInput) as refused, acting_as(acting(people, word)):
        clear_for_ceii(organisation_id=first.pk, by=BY, at=AT)
    assert [one.code for one in refused.value.findings] == ["accounts.ceii.administrator"]
    first.refresh_from_db()
    assert not first.may_see_ceii
    assert Entry.objects.count() == before
    with acting_as(acting(people, "administrator")):
        clear_for_ceii(organisation_id=first.pk, by=BY, at=AT)
    first.refresh_from_db()
    assert first.may_see_ceii


@pytest.mark.parametrize(
    ("word", "change", "code"),
    [
        (None, clear_for_ceii, "accounts.organisation.unknown"),
        ("operator", clear_for_ceii, "accounts.ceii.operator"),
        ("operator", end_ceii_clearance, "accounts.ceii.operator"),
        ("first", end_ceii_clearance, "accounts.ceii.unchanged"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(people, word, change, code):
    before = Entry.objects.count()
    with pytest.raises(BadInput) as refused:
        change(organisation_id=people.organisations[word].pk if word else 0, by=BY, at=AT)
    assert [one.code for one in refused.value.findings] == [code]
    assert Entry.objects.count() == before
