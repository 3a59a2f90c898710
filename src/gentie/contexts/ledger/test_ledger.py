from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from gentie.contexts.accounts.acting import VISITOR, Acting, acting_as
from gentie.contexts.accounts.examples import cast
from gentie.contexts.ledger import reads
from gentie.contexts.ledger.actions import _write, post, reverse
from gentie.contexts.ledger.chart import KINDS, Account
from gentie.contexts.ledger.models import Entry, Posting
from gentie.quantities.findings import BadInput
from gentie.quantities.money import Money

AT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
BY = "program:test"
SUBJECT = "request:7"

Audit = apps.get_model("audit", "Entry")

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return cast(by=BY, at=AT)


def usd(amount: str | int) -> Money:
    return Money.of(Decimal(amount), "USD")


def posted(people, kind: str, subject: str = SUBJECT, **amounts: str | int) -> Entry:
    return post(
        subject=subject,
        organisation_id=people.organisations["first"].pk,
        kind=kind,
        postings={account: usd(amount) for account, amount in amounts.items()},
        memo="intake.deposit",
        figures={"mw": 150},
        by=BY,
        at=AT,
    )


def rows() -> tuple[int, ...]:
    return (Entry.objects.count(), Posting.objects.count(), Audit.objects.count())


def check_now() -> None:
    """Ask at once what the database asks at the end of a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def test_a_deposit_from_its_invoice_to_the_refund(people):
    """On paper: 250,000 invoiced and paid; the study costs 180,000.55; the rest goes back."""
    posted(people, "deposit_invoiced", receivable=250_000, deposits_held=-250_000)
    standing = reads.due_and_paid(SUBJECT, currency="USD")
    assert (standing.invoiced, standing.paid, standing.due) == (usd(250_000), usd(0), usd(250_000))
    assert not standing.is_paid
    posted(people, "payment_received", cash=100_000, receivable=-100_000)
    assert reads.due_and_paid(SUBJECT, currency="USD").due == usd(150_000)
    posted(people, "payment_received", cash=150_000, receivable=-150_000)
    assert reads.due_and_paid(SUBJECT, currency="USD").is_paid
    posted(
        people,
        "deposit_settled",
        deposits_held=250_000,
        study_cost="-180000.55",
        refunds_payable="-69999.45",
    )
    posted(people, "refund_paid", refunds_payable="69999.45", cash="-69999.45")
    assert reads.balance(SUBJECT) == {
        "cash": usd("180000.55"),
        "deposits_held": usd(0),
        "receivable": usd(0),
        "refunds_payable": usd(0),
        "study_cost": usd("-180000.55"),
    }
    assert reads.due_and_paid(SUBJECT, currency="USD").paid == usd(250_000)
    check_now()
    entries = list(reads.entries_of(SUBJECT))
    assert [len(entry.postings.all()) for entry in entries] == [2, 2, 2, 3, 2]
    assert entries[0].figures == {"mw": 150}
    said = Audit.objects.filter(action="ledger.posted").values_list("subject", flat=True)
    assert list(said) == [f"ledger_entry:{entry.pk}" for entry in entries]
    assert reads.balance("request:8") == {}
    assert reads.due_and_paid("request:8", currency="USD").due == usd(0)


def test_a_correction_is_the_opposite_and_counts_with_what_it_corrects(people):
    wrong = posted(people, "deposit_invoiced", receivable=500, deposits_held=-500)
    posted(people, "deposit_invoiced", receivable=50, deposits_held=-50)
    back = reverse(entry_id=wrong.pk, by=BY, at=AT)
    check_now()
    assert back.reverses == wrong
    assert reads.due_and_paid(SUBJECT, currency="USD").invoiced == usd(50)
    assert reads.balance(SUBJECT)["deposits_held"] == usd(-50)
    before = rows()
    for entry_id, code in (
        (wrong.pk, "ledger.entry.corrected"),
        (back.pk, "ledger.entry.is_correction"),
        (0, "ledger.entry.unknown"),
    ):
        with pytest.raises(BadInput) as refused:
            reverse(entry_id=entry_id, by=BY, at=AT)
        assert refused.value.findings[0].code == code
    assert rows() == before


@pytest.mark.parametrize(
    ("changed", "codes"),
    [
        (
            {"subject": "Request 7", "kind": "gift", "postings": {}},
            ["ledger.subject", "ledger.kind", "ledger.postings.too_few"],
        ),
        ({"kind": "reversal"}, ["ledger.kind"]),
        ({"postings": {"receivable": usd(5), "deposits_held": usd(-4)}}, ["ledger.unbalanced"]),
        ({"postings": {"receivable": usd(5), "drawer": usd(-5)}}, ["ledger.account"]),
        (
            {"postings": {"receivable": usd(0), "deposits_held": Money(Decimal("0.001"), "USD")}},
            ["ledger.amount", "ledger.amount", "ledger.unbalanced"],
        ),
        ({"postings": {"receivable": usd(-5), "cash": usd(5)}}, ["ledger.side", "ledger.side"]),
        (
            {"postings": {"receivable": usd(5), "deposits_held": Money.of(-5, "EUR")}},
            ["ledger.currencies"],
        ),
        (
            {"postings": {"receivable": usd(10**14), "deposits_held": usd(-(10**14))}},
            ["ledger.amount", "ledger.amount"],
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_every_reason(people, changed, codes):
    words = {
        "subject": SUBJECT,
        "organisation_id": people.organisations["first"].pk,
        "kind": "deposit_invoiced",
        "postings": {"receivable": usd(5), "deposits_held": usd(-5)},
        "by": BY,
        "at": AT,
    }
    before = rows()
    with pytest.raises(BadInput) as refused:
        post(**words | changed)
    assert [finding.code for finding in refused.value.findings] == codes
    assert rows() == before


def test_one_thing_has_one_currency(people):
    posted(people, "deposit_invoiced", receivable=5, deposits_held=-5)
    with pytest.raises(ValueError, match="EUR and USD"):
        reads.due_and_paid(SUBJECT, currency="EUR")


# ------------------------------------------------------------------------- the database's own word


def by_hand(people, *amounts: tuple[str, str], count: int = 2) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_entry (organisation_id, subject, kind, at, by, memo, figures, "
            "posting_count) VALUES (%s, 'request:1', 'payment_received', %s, 'program:test', '', "
            "'{}', %s) RETURNING id",
            [people.organisations["first"].pk, AT, count],
        )
        (entry,) = cursor.fetchone()
        for account, amount in amounts:
            cursor.execute(
                "INSERT INTO ledger_posting (entry_id, account, amount, currency) "
                "VALUES (%s, %s, %s, 'USD')",
                [entry, account, amount],
            )
    return entry


@pytest.mark.django_db(transaction=True)
def test_an_entry_that_leaves_something_is_stopped_at_the_commit(people):
    with pytest.raises(IntegrityError, match=r"leaves 0\.01 USD"), transaction.atomic():
        by_hand(people, ("cash", "5.01"), ("receivable", "-5"))
    with pytest.raises(IntegrityError, match="has 0 postings"), transaction.atomic():
        by_hand(people)
    assert Entry.objects.count() == Posting.objects.count() == 0
    with transaction.atomic():
        entry = by_hand(people, ("cash", "5"), ("receivable", "-5"))
    # Later additions to an old entry are stopped too, where they balance among themselves.
    more = (
        "INSERT INTO ledger_posting (entry_id, account, amount, currency) VALUES "
        f"({entry}, 'study_cost', 9, 'USD'), ({entry}, 'deposits_held', -9, 'USD')"
    )
    with (
        connection.cursor() as cursor,
        pytest.raises(IntegrityError, match="has 4 postings and was made with 2"),
    ):
        cursor.execute(more)
    assert Posting.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_correction_that_is_not_the_opposite_is_stopped(people):
    with transaction.atomic():
        entry = by_hand(people, ("cash", "5"), ("receivable", "-5"))
    half = Money.of(4, "USD")
    with pytest.raises(IntegrityError, match="is not the opposite"), transaction.atomic():
        _write(
            Entry(
                organisation_id=people.organisations["first"].pk,
                subject="request:1",
                kind="reversal",
                at=AT,
                by=BY,
                reverses_id=entry,
            ),
            {"receivable": half, "cash": Money(-half.amount, "USD")},
            action="ledger.reversed",
        )
    assert Entry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_organisation_invoices_its_own_deposit_and_the_commit_asks_as_the_service(people):
    carla = people.members["customer"]
    # The outer transaction is a visitor's when it ends, as a page's is.
    with acting_as(VISITOR), acting_as(Acting(carla.person_id, carla.organisation_id, carla.role)):
        posted(people, "deposit_invoiced", receivable=5, deposits_held=-5)
    assert Entry.objects.count() == 1


@pytest.mark.parametrize("table", ["ledger_entry", "ledger_posting"])
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
def test_nothing_in_the_ledger_is_rewritten(people, table, statement):
    posted(people, "deposit_invoiced", receivable=5, deposits_held=-5)
    check_now()
    before = list(Posting.objects.values_list())
    with connection.cursor() as cursor:
        # The rules give nobody a row to change; the triggers hold where somebody lifts the rules.
        for private in ("ledger_entry", "ledger_posting"):
            cursor.execute(f"ALTER TABLE {private} NO FORCE ROW LEVEL SECURITY")
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table))
    assert list(Posting.objects.values_list()) == before


# ---------------------------------------------------------------------------------------- laws


def test_every_kind_moves_money_between_accounts_of_the_chart():
    for kind in KINDS.values():
        assert kind.debits <= set(Account)
        assert kind.credits <= set(Account)
        assert kind.debits
        assert kind.credits


@settings(max_examples=25, deadline=None)
@given(
    amounts=st.lists(
        st.decimals(min_value="0.01", max_value="1e9", places=2), min_size=1, max_size=5
    )
)
def test_whatever_is_posted_the_balances_sum_to_zero(amounts):
    with transaction.atomic():
        people = cast(by=BY, at=AT)
        for amount in amounts:
            posted(people, "deposit_invoiced", receivable=amount, deposits_held=-amount)
        found = reads.balance(SUBJECT)
        assert sum(money.amount for money in found.values()) == 0
        assert found["receivable"].amount == sum(amounts)
        assert reads.due_and_paid(SUBJECT, currency="USD").invoiced.amount == sum(amounts)
        check_now()
        transaction.set_rollback(True)
