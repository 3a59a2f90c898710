"""Signing in and out, the second factor, my account, and the people of this installation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import segno
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gentie.contexts.accounts import reads, signing_in
from gentie.contexts.accounts.acting import AS_PROGRAM, acting_as
from gentie.contexts.accounts.clearances import clear_for_ceii, end_ceii_clearance
from gentie.portal.accounts.asking import who_asks
from gentie.portal.crumbs import Crumb
from gentie.quantities.findings import BadInput, Finding

BACKEND = "gentie.contexts.accounts.backend.SessionPeople"
PENDING = "signing_in"
"""In the session: who gave the right password and still owes a code."""
PATIENCE = timedelta(minutes=10)


def _now() -> datetime:
    return datetime.now(UTC)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """E-mail address and password; then a code where there is a second factor."""
    target = _target(request)
    if who_asks(request).is_signed_in:
        return redirect(target)
    refusal, email = None, ""
    if request.method == "POST":
        email, at = request.POST.get("email", ""), _now()
        found = signing_in.check_password(
            email=email, password=request.POST.get("password", ""), at=at
        )
        if not isinstance(found, Finding):
            return _after_password(request, found.pk, target, at)
        refusal = found
    return render(
        request,
        "accounts/sign_in.html",
        {
            "refusal": refusal,
            "email": email,
            "target": target,
            "is_sent": bool(request.GET.get("next")),
            "crumbs": [Crumb(_("Sign in"))],
        },
    )


def _after_password(
    request: HttpRequest, person_id: int, target: str, at: datetime
) -> HttpResponse:
    with acting_as(AS_PROGRAM):
        has_factor = reads.has_second_factor(person_id)
        needs_factor = reads.needs_second_factor(person_id)
    if not has_factor and not needs_factor:
        return _come_in(request, person_id, target, with_factor=False)
    request.session.cycle_key()
    request.session[PENDING] = {
        "person": person_id,
        "target": target,
        "until": (at + PATIENCE).isoformat(),
        "secret": "" if has_factor else signing_in.new_secret(),
    }
    return redirect("second_factor" if has_factor else "second_factor_new")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """The code of somebody whose password was right."""
    pending, refusal = _pending(request), None
    if pending is None or pending["secret"]:
        return redirect("sign_in")
    if request.method == "POST":
        person_id = int(pending["person"])
        refusal = signing_in.check_code(
            person_id=person_id, code=request.POST.get("code", ""), at=_now()
        )
        if refusal is None:
            return _come_in(request, person_id, pending["target"], with_factor=True)
    return render(
        request,
        "accounts/second_factor.html",
        {"refusal": refusal, "crumbs": [Crumb(_("Sign in"), reverse("sign_in")), Crumb(_("Code"))]},
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def second_factor_new(request: HttpRequest) -> HttpResponse:
    """Set up an authenticator app: on the way in where a role needs one, or by one's own wish."""
    pending, acting = _pending(request), who_asks(request)
    if acting.person is not None:
        if reads.has_second_factor(acting.person):
            return redirect("account")
        secret = request.session.setdefault("new_secret", signing_in.new_secret())
        person_id, target = acting.person, reverse("account")
    elif pending is not None and pending["secret"]:
        person_id, target, secret = int(pending["person"]), pending["target"], pending["secret"]
    else:
        return redirect("sign_in")
    refusal = None
    if request.method == "POST":
        refusal = signing_in.set_up_second_factor(
            person_id=person_id,
            secret=secret,
            code=request.POST.get("code", ""),
            by=f"person:{person_id}",
            at=_now(),
        )
        if refusal is None:
            request.session.pop("new_secret", None)
            return _come_in(request, person_id, target, with_factor=True)
    with acting_as(AS_PROGRAM):
        person = reads.person_by_id(person_id)
    if person is None:
        return redirect("sign_in")
    address = signing_in.address_for_app(secret=secret, email=person.email)
    picture = segno.make(address, micro=False).svg_inline(
        scale=5, dark="#000", light="#fff", title=_("The key below as a picture to scan")
    )
    return render(
        request,
        "accounts/second_factor_new.html",
        {
            "refusal": refusal,
            "is_required": pending is not None,
            "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
            "picture": mark_safe(picture),  # noqa: S308 - made above, holds squares and our title
            "crumbs": [Crumb(_("Second factor"))],
        },
    )


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Leave."""
    logout(request)
    return redirect("start")


@never_cache
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Who I am here: my organisations and roles, the grants, and the second factor."""
    acting = who_asks(request)
    assert acting.person is not None
    context: dict[str, object] = {
        "person": reads.person_by_id(acting.person),
        "memberships": reads.memberships_of(acting.person),
        "acting": acting,
        "has_factor": reads.has_second_factor(acting.person),
        "crumbs": [Crumb(_("My account"))],
    }
    if acting.organisation is not None and not acting.is_operator:
        context["grants"] = reads.grants_with(acting.organisation)
    return render(request, "accounts/account.html", context)


@require_POST
def account_organisation(request: HttpRequest) -> HttpResponse:
    """Act for another of my organisations from now on."""
    acting = who_asks(request)
    assert acting.person is not None
    asked = request.POST.get("organisation", "")
    mine = {str(one.organisation_id) for one in reads.memberships_of(acting.person)}
    if asked in mine:
        request.session["organisation"] = int(asked)
    return redirect("account")


@never_cache
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """Everybody who may sign in here, by organisation, and which of these are cleared for CEII."""
    return _people(request, None)


def _people(request: HttpRequest, refusal: Finding | None) -> HttpResponse:
    return render(
        request,
        "accounts/people.html",
        {
            "organisations": reads.organisations(),
            "refusal": refusal,
            "crumbs": [Crumb(_("People"))],
        },
        status=200 if refusal is None else 400,
    )


@never_cache
@require_POST
def people_ceii(request: HttpRequest) -> HttpResponse:
    """Clear an organisation for critical energy infrastructure information, or end that."""
    asked = request.POST.get("organisation", "")
    change = clear_for_ceii if request.POST.get("cleared") == "yes" else end_ceii_clearance
    try:
        change(
            organisation_id=int(asked) if asked.isdecimal() and len(asked) < 19 else 0,
            by=who_asks(request).by,
            at=_now(),
        )
    except BadInput as refused:
        return _people(request, refused.findings[0])
    return redirect("people")


def _target(request: HttpRequest) -> str:
    """Where to go afterwards: an address of ours that was asked for, else my account."""
    asked = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(
        asked, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return asked
    return reverse("account")


def _pending(request: HttpRequest) -> dict[str, str] | None:
    pending: dict[str, str] | None = request.session.get(PENDING)
    if pending is None or datetime.fromisoformat(pending["until"]) < _now():
        return None
    return pending


def _come_in(
    request: HttpRequest, person_id: int, target: str, *, with_factor: bool
) -> HttpResponse:
    with acting_as(AS_PROGRAM):
        person = reads.person_by_id(person_id)
        if person is None:
            return redirect("sign_in")
        request.session.pop(PENDING, None)
        login(request, person, backend=BACKEND)
        request.session["second_factor"] = with_factor
        signing_in.note_sign_in(person_id=person_id, at=_now())
    return redirect(target)
