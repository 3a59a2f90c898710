"""Begin a request, fill it in, and let it go again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from gentie.contexts.audit.actions import record
from gentie.contexts.documents.actions import store_document
from gentie.contexts.intake.answers import MOST_CHARACTERS, named
from gentie.contexts.intake.form import FIELD
from gentie.contexts.intake.lifecycles import REQUEST
from gentie.contexts.intake.models import Answer, Cluster, Request, Typed
from gentie.contexts.intake.reads import SITE_CONTROL, subject_of, window_of
from gentie.quantities.findings import BadInput, Finding
from gentie.quantities.lifecycle import Refused


@dataclass(frozen=True, slots=True)
class Words:
    """What somebody typed into a field, and on which revision it rests (0 for an empty field)."""

    text: str
    revision: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of it.

    Attributes:
        field: which.
        revision: that stands in the field now.
        text: that stands in the field now.
        is_saved: it is what was typed.
        by: name of who wrote what stands there, where it is not what was typed.
    """

    field: str
    revision: int
    text: str
    is_saved: bool
    by: str = ""


@transaction.atomic
def start_request(
    *,
    organisation_id: int,
    cluster_id: int,
    person_id: int | None,
    by: str,
    at: datetime,
    texts: Mapping[str, str] | None = None,
) -> Request:
    """Begin a draft.

    Args:
        organisation_id: whose it will be.
        cluster_id: in whose window it is to be filed.
        person_id: who begins it; None for a program.
        by: the same, as ``kind:id``.
        at: when.
        texts: what stands in its fields from the beginning, by field.

    Raises:
        BadInput: there is no such cluster, or a text cannot be kept.
    """
    if not Cluster.objects.filter(pk=cluster_id).exists():
        raise BadInput(Finding("intake.cluster.unknown", "There is no such cluster."))
    made = Request.objects.create(
        organisation_id=organisation_id, cluster_id=cluster_id, made_by_id=person_id, made_at=at
    )
    record(by=by, action="request.started", subject=f"request:{made.pk}", at=at)
    if texts:
        save_answers(
            request_id=made.pk,
            words={field: Words(text, 0) for field, text in texts.items()},
            person_id=person_id,
            by=by,
            at=at,
        )
    return made


@transaction.atomic
def save_answers(
    *,
    request_id: int,
    words: Mapping[str, Words],
    person_id: int | None,
    by: str,
    at: datetime,
) -> tuple[Kept, ...]:
    """Keep what was typed; where somebody else wrote in the meantime, keep both.

    A field changes only where its revision is still the one that the words rest on. Otherwise what
    stands in it stays, what was typed is kept beside it, and the answer says whose words stand.

    Args:
        request_id: of the draft.
        words: by field.
        person_id: who typed; None for a program.
        by: the same, as ``kind:id``.
        at: when.

    Returns:
        What stands in each of these fields now.

    Raises:
        BadInput: the draft is filed or gone, a field is unknown or its text too long.
    """
    request = Request.objects.filter(pk=request_id).first()
    reasons = _unkept(request, words)
    if reasons:
        raise BadInput(reasons)
    kept = tuple(
        _keep(request_id, field, said, person_id=person_id, at=at)
        for field, said in sorted(words.items())
    )
    if kept:
        record(by=by, action="request.answered", subject=f"request:{request_id}", at=at)
    return kept


def _unkept(request: Request | None, words: Mapping[str, Words]) -> list[Finding]:
    if request is None:
        return [no_request()]
    if request.state != REQUEST.initial:
        return [
            Finding(
                "intake.request.filed",
                "This request is filed and its answers no longer change."
                if request.state == "filed"
                else "This draft was discarded; start another one.",
            )
        ]
    reasons = [
        Finding("intake.answer.unknown", f"The form has no field {field!r}.", where=field)
        for field in words
        if field not in FIELD
    ]
    return reasons + [
        Finding(
            "intake.answer.long",
            f"{named(FIELD[field])} takes {MOST_CHARACTERS:,} characters, and {len(said.text):,} were "
            "typed: shorten it.",
            where=field,
        )
        for field, said in words.items()
        if field in FIELD and len(said.text) > MOST_CHARACTERS
    ]


def _keep(request_id: int, field: str, said: Words, *, person_id: int | None, at: datetime) -> Kept:
    there = Answer.objects.filter(request_id=request_id, field=field)
    text = said.text.replace("\x00", "")
    written = {"text": text, "by_id": person_id, "at": at}
    if said.revision == 0:
        made = Answer.objects.bulk_create(
            [Answer(request_id=request_id, field=field, revision=1, **written)],
            ignore_conflicts=True,
        )
        is_saved = (
            bool(made) and there.filter(revision=1, text=text, by_id=person_id, at=at).exists()
        )
        revision = 1
    else:
        revision = said.revision + 1
        is_saved = bool(there.filter(revision=said.revision).update(revision=revision, **written))
    if is_saved:
        Typed.objects.create(request_id=request_id, field=field, revision=revision, **written)
        return Kept(field, revision, text, is_saved=True)
    now = there.select_related("by").get()
    if now.text == text:
        return Kept(field, now.revision, text, is_saved=True)
    Typed.objects.create(request_id=request_id, field=field, revision=0, **written)
    return Kept(field, now.revision, now.text, is_saved=False, by=now.by.name if now.by else "")


@transaction.atomic
def hand_in_evidence(
    *, request_id: int, file_name: str, content: bytes, by: str, at: datetime
) -> Any:
    """Keep a document that shows the control of the site.

    Args:
        request_id: of the draft.
        file_name: as it was handed in.
        content: of the file.
        by: who, as ``kind:id``.
        at: when.

    Raises:
        BadInput: the draft is filed or gone, or the document cannot be taken; every reason.
    """
    request = Request.objects.filter(pk=request_id).first()
    reasons = _unkept(request, {})
    if reasons:
        raise BadInput(reasons)
    assert request is not None
    return store_document(
        subject=subject_of(request_id),
        kind=SITE_CONTROL,
        organisation_id=request.organisation_id,
        file_name=file_name,
        content=content,
        by=by,
        at=at,
    )


@transaction.atomic
def discard_request(*, request_id: int, role: str, by: str, at: datetime) -> None:
    """Let a draft go; everything typed into it is kept.

    Args:
        request_id: of the draft.
        role: of the one who acts.
        by: who, as ``kind:id``.
        at: when.

    Raises:
        BadInput: there is no such draft, or it is filed.
    """
    request = Request.objects.select_related("cluster__base_case").filter(pk=request_id).first()
    if request is None:
        raise BadInput(no_request())
    step = REQUEST.step(
        "discard", state=request.state, role=role, subject=window_of(request.cluster, at)
    )
    if isinstance(step, Refused):
        raise BadInput(step.reasons)
    if not Request.objects.filter(pk=request_id, state=step.source).update(state=step.target):
        raise BadInput(moved_meanwhile())
    record(by=by, action="request.discarded", subject=f"request:{request_id}", at=at)


def no_request() -> Finding:
    """There is none, or not for the one who acts."""
    return Finding("intake.request.unknown", "There is no such request.")


def moved_meanwhile() -> Finding:
    """Somebody else moved it between looking and writing."""
    return Finding(
        "intake.request.moved", "Somebody changed this request in the meantime: look at it again."
    )
