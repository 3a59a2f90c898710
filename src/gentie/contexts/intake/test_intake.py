from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from itertools import product
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from gentie.contexts.accounts.examples import cast
from gentie.contexts.grid.examples import published_small_case
from gentie.contexts.intake.actions.drafting import (
    Words,
    discard_request,
    hand_in_evidence,
    save_answers,
    start_request,
)
from gentie.contexts.intake.actions.filing import submit_request
from gentie.contexts.intake.actions.paying import record_payment
from gentie.contexts.intake.actions.queueing import move_positions
from gentie.contexts.intake.actions.windows import move_window, open_cluster
from gentie.contexts.intake.examples import EVIDENCE, example_cluster, example_draft
from gentie.contexts.intake.lifecycles import CLUSTER, CUSTOMERS, POSITION, REQUEST, STAFF, Window
from gentie.contexts.intake.models import Answer, Filing, QueuePosition, Request, Typed
from gentie.contexts.intake.reads import (
    cluster_by_slug,
    evidence_count,
    money_of,
    organisations_in,
    rulebook_pinned,
    study_file,
)
from gentie.contexts.ledger.reads import balance
from gentie.formats.requests import read_requests
from gentie.quantities.findings import BadInput
from gentie.quantities.lifecycle import Step
from gentie.rulebook.book import load_rulebook

AT = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
BY = "program:test"
CUSTOMER = "interconnection_customer"


@pytest.fixture
def world(db):
    people = cast(by=BY, at=AT)
    case = published_small_case(by=BY, at=AT)
    cluster = example_cluster(case, by=BY, at=AT)
    return SimpleNamespace(
        people=people,
        case=case,
        cluster=cluster,
        bus=case.points.first().bus,
        first=people.organisations["first"].pk,
        carla=people.members["customer"].person_id,
        conny=people.members["consultant"].person_id,
    )


def draft(world, **changed) -> Request:
    return example_draft(
        world.cluster,
        organisation_id=world.first,
        person_id=world.carla,
        by=f"person:{world.carla}",
        at=AT,
        bus=world.bus,
        **changed,
    )


def submit(world, request: Request, at: datetime = AT) -> Filing:
    return submit_request(
        request_id=request.pk,
        role=CUSTOMER,
        person_id=world.carla,
        by=f"person:{world.carla}",
        at=at,
    )


def save(world, request: Request, person: int, **words: tuple[str, int]):
    return save_answers(
        request_id=request.pk,
        words={field: Words(*said) for field, said in words.items()},
        person_id=person,
        by=f"person:{person}",
        at=AT,
    )


def audited(subject: str) -> list[str]:
    Entry = apps.get_model("audit", "Entry")
    return list(Entry.objects.filter(subject=subject).values_list("action", flat=True))


# ---------------------------------------------------------------------------------- drafting


def test_what_is_typed_is_kept_with_who_and_when(world):
    request = draft(world)
    (kept,) = save(world, request, world.carla, project=("Sun and more", 1))
    assert (kept.is_saved, kept.revision, kept.text) == (True, 2, "Sun and more")
    answer = Answer.objects.get(request=request, field="project")
    assert (answer.text, answer.by_id) == ("Sun and more", world.carla)
    typed = Typed.objects.filter(request=request, field="project")
    assert list(typed.values_list("text", "revision")) == [("Example Sun", 1), ("Sun and more", 2)]
    assert audited(f"request:{request.pk}") == [
        "request.started",
        "request.answered",
        "request.answered",
    ]


def test_two_who_write_in_different_fields_do_not_meet(world):
    request = draft(world)
    save(world, request, world.carla, project=("From Carla", 1))
    (kept,) = save(world, request, world.conny, county=("From Conny", 1))
    assert kept.is_saved


@pytest.mark.parametrize("revision", [0, 1])
def test_two_who_write_in_one_field_lose_nothing(world, revision):
    request = draft(world, project="" if revision == 0 else "Example Sun")
    (first,) = save(world, request, world.carla, project=("From Carla", revision))
    (second,) = save(world, request, world.conny, project=("From Conny", revision))
    assert first.is_saved
    assert (second.is_saved, second.text, second.by) == (False, "From Carla", "Carla Customer")
    assert second.revision == revision + 1
    texts = Typed.objects.filter(request=request, field="project").values_list("text", flat=True)
    assert {"From Carla", "From Conny"} <= set(texts)
    # Having seen it, the second may still write over it.
    (third,) = save(world, request, world.conny, project=("From Conny", second.revision))
    assert third.is_saved


def test_equal_words_are_no_quarrel(world):
    request = draft(world)
    save(world, request, world.carla, project=("The same", 1))
    (kept,) = save(world, request, world.conny, project=("The same", 1))
    assert (kept.is_saved, kept.revision) == (True, 2)


def test_what_cannot_be_kept_is_refused_whole(world):
    request = draft(world)
    with pytest.raises(BadInput) as refused:
        save(world, request, world.carla, project=("x" * 2001, 1), shoe=("44", 0), county=("A", 1))
    assert [one.sentence for one in refused.value.findings] == [
        "The form has no field 'shoe'.",
        "Name of the project takes 2,000 characters, and 2,001 were typed: shorten it.",
    ]
    assert Answer.objects.get(request=request, field="county").text == "Example County"
    with pytest.raises(BadInput, match="There is no such request"):
        save_answers(request_id=0, words={}, person_id=None, by=BY, at=AT)
    with pytest.raises(BadInput, match="There is no such cluster"):
        start_request(organisation_id=world.first, cluster_id=0, person_id=None, by=BY, at=AT)


def test_a_draft_that_is_let_go_keeps_what_was_typed(world):
    request = draft(world)
    discard_request(request_id=request.pk, role=CUSTOMER, by=BY, at=AT)
    with pytest.raises(BadInput, match="This draft was discarded"):
        save(world, request, world.carla, project=("More", 1))
    with pytest.raises(BadInput, match="This request is discarded"):
        discard_request(request_id=request.pk, role=CUSTOMER, by=BY, at=AT)
    assert Answer.objects.filter(request=request).exists()


# ------------------------------------------------------------------------------------ filing


def test_a_complete_request_is_filed_and_pinned(world):
    request = draft(world)
    filing = submit(world, request)
    request.refresh_from_db()
    assert request.state == "filed"
    assert filing.operator_id == world.people.organisations["operator"].pk
    assert filing.cluster_id == world.cluster.pk
    assert filing.rulebook_version == load_rulebook().version
    assert (filing.project, filing.answers["gross_mw"]) == ("Example Sun", "82")
    assert (filing.study_deposit, filing.application_fee, filing.due) == (150_000, 5_000, 155_000)
    position = request.position
    assert (position.number, position.net_mw, position.state) == ("C2-001", 80.0, "waiting")
    assert (position.technologies, position.technology_mw, position.technology_mwh) == (
        ["solar", "storage"],
        [60.0, 50.0],
        [None, 200.0],
    )
    assert audited(f"request:{request.pk}")[-1] == "request.submitted"
    with pytest.raises(BadInput, match="This request is filed"):
        submit(world, request)
    with pytest.raises(BadInput, match="This request is filed and its answers no longer change"):
        save(world, request, world.carla, project=("More", 1))


def test_filing_invoices_the_deposit_and_tells_both_sides(world):
    request = draft(world, site_control="in_lieu", site_regulation="Public land")
    submit(world, request)
    held = balance(f"request:{request.pk}")
    assert {account: money.amount for account, money in held.items()} == {
        "receivable": 955_000,
        "fees": -5_000,
        "deposits_held": -950_000,
    }
    Notice = apps.get_model("notices", "Notice")
    told = Notice.objects.values_list("organisation__name", "title", "address")
    assert set(told) == {
        (name, title, f"/projects/{request.pk}/")
        for name, title in (
            ("Example Grid Operator", "C2-001 was filed"),
            ("First Sun Projects", "C2-001 was received"),
        )
    }


def test_payments_are_taken_up_to_what_is_due(world):
    request = draft(world)
    with pytest.raises(BadInput, match="There is no such request"):
        record_payment(request_id=request.pk, amount="5", by=BY, at=AT)
    submit(world, request)
    for amount, sentence in (
        ("much", "“much” is not an amount that can be received; give one such as 155,000.00."),
        ("0.001", "“0.001” is not an amount that can be received; give one such as 155,000.00."),
        ("-5", "“-5” is not an amount that can be received; give one such as 155,000.00."),
        (
            "155,000.01",
            (
                "$155,000.01 is more than the $155,000 that are due for C2-001: look at the request it "
                "is for."
            ),
        ),
    ):
        with pytest.raises(BadInput) as refused:
            record_payment(request_id=request.pk, amount=amount, by=BY, at=AT)
        assert [one.sentence for one in refused.value.findings] == [sentence]
    left = record_payment(request_id=request.pk, amount="$100,000", by=BY, at=AT)
    assert left.amount == 55_000
    assert record_payment(request_id=request.pk, amount="55000", by=BY, at=AT).amount == 0
    assert money_of(request).is_paid
    assert balance(f"request:{request.pk}")["cash"].amount == 155_000


def test_evidence_is_handed_in_while_it_is_a_draft(world):
    request = draft(world)
    with pytest.raises(BadInput):
        hand_in_evidence(request_id=request.pk, file_name="x.pdf", content=b"", by=BY, at=AT)
    assert evidence_count(request) == 1
    submit(world, request)
    with pytest.raises(BadInput, match="This request is filed"):
        hand_in_evidence(request_id=request.pk, file_name="x.pdf", content=EVIDENCE, by=BY, at=AT)


def test_a_refusal_tells_everything_and_changes_nothing(world):
    request = draft(world, project="", gross_mw="200", site_share="10", is_shown=False)
    with pytest.raises(BadInput) as refused:
        submit(world, request, AT + timedelta(days=31))
    assert [one.code for one in refused.value.findings] == [
        "intake.window.late",
        "intake.answer.missing",
        "intake.power.technologies",
        "intake.site.short",
        "intake.site.unshown",
    ]
    request.refresh_from_db()
    assert request.state == "draft"
    assert not Filing.objects.exists()
    assert not QueuePosition.objects.exists()


def test_before_the_window_and_after_it_nothing_is_filed(world):
    request = draft(world)
    for at, sentence in (
        (
            AT - timedelta(days=2),
            (
                "The window of Cluster 2 opens 23 Nov 2026, 09:00 PT; until then the draft is kept as "
                "it is."
            ),
        ),
        (
            AT + timedelta(days=30),
            (
                "The window of Cluster 2 closed 24 Dec 2026, 09:00 PT; keep the draft for the next "
                "one."
            ),
        ),
    ):
        with pytest.raises(BadInput) as refused:
            submit(world, request, at)
        assert [one.sentence for one in refused.value.findings] == [sentence]
    move_window(cluster_id=world.cluster.pk, move="close", role="program", by=BY, at=AT)
    with pytest.raises(BadInput, match="The window of Cluster 2 is closed; keep the draft"):
        submit(world, request)
    move_window(cluster_id=world.cluster.pk, move="reopen", role="program", by=BY, at=AT)
    submit(world, request)


def test_numbers_follow_each_other(world):
    numbers = [submit(world, draft(world)).request.position.number for _ in range(3)]
    assert numbers == ["C2-001", "C2-002", "C2-003"]


def test_the_rules_are_those_of_the_cluster_for_good(world, monkeypatch):
    assert rulebook_pinned(world.cluster).digest == load_rulebook().digest
    monkeypatch.setattr("gentie.rulebook.book.load_rulebook", None)
    submit(world, draft(world))


# ----------------------------------------------------------------------------------- queueing


def move(world, name: str, *numbers: str, role: str = "planning_engineer") -> None:
    move_positions(numbers=numbers, move=name, role=role, by=BY, at=AT)


def test_a_study_reads_what_is_in_the_cluster(world):
    first, second = (submit(world, draft(world)).request.position for _ in range(2))
    assert study_file(world.cluster).count(b"\n") == 1
    move(world, "take_in", first.number, second.number)
    move(world, "take_out", second.number)
    from gentie.contexts.grid.examples import small_case

    (read,) = read_requests(study_file(world.cluster), "requests.csv", small_case().network)
    assert (read.request, read.bus, read.net_mw) == ("C2-001", world.bus, 80.0)
    assert [(one.technology, one.mw, one.mwh) for one in read.components] == [
        ("solar", 60.0, None),
        ("storage", 50.0, 200.0),
    ]
    assert organisations_in(world.cluster) == {"C2-001": world.first, "C2-002": world.first}
    found = cluster_by_slug("cluster-2")
    assert found is not None
    assert (found.filed, found.taken_in, found.taken_in_mw) == (2, 1, 80.0)


def test_one_that_cannot_be_moved_stops_all(world):
    first, second = (submit(world, draft(world)).request.position for _ in range(2))
    move(world, "withdraw", second.number, role=CUSTOMER)
    with pytest.raises(BadInput) as refused:
        move(world, "take_in", first.number, second.number, "C2-999")
    assert [one.sentence for one in refused.value.findings] == [
        "C2-002: This position is withdrawn: to take in it, it must be waiting.",
        "There is no request C2-999 in the queue.",
    ]
    first.refresh_from_db()
    assert first.state == "waiting"
    with pytest.raises(BadInput, match="Nothing is chosen"):
        move(world, "take_in")


def test_what_was_filed_does_not_change(world):
    position = submit(world, draft(world)).request.position
    with (
        pytest.raises(IntegrityError, match="what was filed does not change"),
        transaction.atomic(),
    ):
        QueuePosition.objects.filter(pk=position.pk).update(net_mw=1.0)


# --------------------------------------------------------------------------------- lifecycles


def test_every_state_by_role_by_move():
    window = Window(
        "Cluster 2", AT - timedelta(1), AT + timedelta(1), "America/Los_Angeles", False, AT
    )
    roles = sorted(CUSTOMERS | STAFF)
    allowed = set()
    for lifecycle, subject in ((CLUSTER, None), (REQUEST, window), (POSITION, None)):
        for state, role, one in product(lifecycle.states, roles, lifecycle.moves):
            step = lifecycle.step(one.name, state=state, role=role, subject=subject)
            if isinstance(step, Step):
                allowed.add((lifecycle.subject, state, role, one.name, step.target))
    expected = {
        *(("cluster", "open", role, "close", "closed") for role in STAFF),
        *(("cluster", "closed", role, "reopen", "open") for role in STAFF),
        *(("request", "draft", role, "submit", "filed") for role in CUSTOMERS),
        *(("request", "draft", role, "discard", "discarded") for role in CUSTOMERS),
        *(("position", "waiting", role, "take_in", "in_cluster") for role in STAFF),
        *(("position", "in_cluster", role, "take_out", "waiting") for role in STAFF),
        *(
            ("position", state, role, "withdraw", "withdrawn")
            for state in ("waiting", "in_cluster")
            for role in CUSTOMERS
        ),
    }
    assert allowed == expected


def test_a_cluster_that_cannot_be_is_refused_with_every_reason(world):
    with pytest.raises(BadInput) as refused:
        open_cluster(
            name="Cluster 2",
            slug="x",
            mark="c2",
            opens_at=AT,
            closes_at=AT,
            base_case_id=world.case.pk,
            rulebook=load_rulebook(),
            by=BY,
            at=AT,
        )
    assert [one.code for one in refused.value.findings] == [
        "intake.cluster.taken",
        "intake.cluster.mark",
        "intake.cluster.window",
    ]


# ----------------------------------------------------------------------------- at the same time


@pytest.mark.django_db(transaction=True)
def test_many_at_once_lose_nothing():
    """Eight threads write into one field and submit eight requests: nothing is lost or doubled."""
    people = cast(by=BY, at=AT)
    case = published_small_case(by=BY, at=AT)
    cluster = example_cluster(case, by=BY, at=AT)
    world = SimpleNamespace(
        cluster=cluster,
        bus=case.points.first().bus,
        first=people.organisations["first"].pk,
        carla=people.members["customer"].person_id,
    )
    shared = draft(world)
    drafts = [draft(world) for _ in range(8)]
    failed: list[Exception] = []

    def work(place: int) -> None:
        try:
            save(world, shared, world.carla, project=(f"words {place}", 1))
            submit(world, drafts[place])
        except Exception as wrong:
            failed.append(wrong)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    typed = Typed.objects.filter(request=shared, field="project").exclude(text="Example Sun")
    assert {one.text for one in typed} == {f"words {place}" for place in range(8)}
    assert sorted(typed.values_list("revision", flat=True)) == [0] * 7 + [2]
    numbers = sorted(QueuePosition.objects.values_list("number", flat=True))
    assert numbers == [f"C2-{place:03d}" for place in range(1, 9)]
