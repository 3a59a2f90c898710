"""Doors: from an address or an operation to who may enter. One table, asked on every request.

Pages are named by their address, the operations of the interface for programs as ``api:points``.
An address without a door cannot be entered by anyone, and a test says so before that happens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from gentie.api.asking import held_token, is_for_programs
from gentie.api.refusing import refused
from gentie.api.site import names_by_address, no_such_method
from gentie.contexts.accounts.acting import Acting
from gentie.contexts.accounts.roles import OPERATOR_ROLES, Role
from gentie.portal.accounts.asking import who_asks
from gentie.quantities.findings import Finding


class Door(Enum):
    """Who may enter: a sentence about them, and the roles; none named where every role may."""

    PUBLIC = (gettext_lazy("Anyone may, without an account."), None)
    SIGNED_IN = (gettext_lazy("Everybody with an account may open it."), None)
    CUSTOMER = (
        gettext_lazy("It is for people who act for an interconnection customer."),
        frozenset({Role.CUSTOMER}),
    )
    STAFF = (gettext_lazy("It is for the operator's people."), OPERATOR_ROLES)
    ENGINEER = (
        gettext_lazy("It is for the operator's planning engineers."),
        frozenset({Role.ENGINEER}),
    )
    ADMINISTRATOR = (
        gettext_lazy("It is for the operator's administrators."),
        frozenset({Role.ADMINISTRATOR}),
    )

    def may_enter(self, acting: Acting) -> bool:
        """Whether somebody passes."""
        if self is Door.PUBLIC:
            return True
        roles = self.value[1]
        return acting.is_signed_in and (roles is None or acting.role in roles)


DOORS: Mapping[str, Door] = MappingProxyType(
    {
        "start": Door.PUBLIC,
        # What of a study is not everybody's, the database keeps back: decision 0019.
        "studies": Door.PUBLIC,
        "study": Door.PUBLIC,
        "constraints": Door.PUBLIC,
        "constraint": Door.PUBLIC,
        "upgrades": Door.PUBLIC,
        "upgrade": Door.PUBLIC,
        "requests": Door.PUBLIC,
        "request": Door.PUBLIC,
        "schemes": Door.PUBLIC,
        "assumptions": Door.PUBLIC,
        "bundle": Door.PUBLIC,
        "capacity": Door.PUBLIC,
        "capacity_csv": Door.PUBLIC,
        # How far a run is, and who started it; what it rests on is frozen and the operator's.
        "cluster_run": Door.STAFF,
        "cluster_run_progress": Door.STAFF,
        "cluster_run_start": Door.ENGINEER,
        "cluster_run_cancel": Door.ENGINEER,
        # The second factor's pages turn away by themselves who has not given a password.
        "sign_in": Door.PUBLIC,
        "second_factor": Door.PUBLIC,
        "second_factor_new": Door.PUBLIC,
        "sign_out": Door.SIGNED_IN,
        "account": Door.SIGNED_IN,
        "account_organisation": Door.SIGNED_IN,
        "people": Door.ADMINISTRATOR,
        # The rows decide which projects exist for whom.
        "projects": Door.CUSTOMER,
        "project": Door.SIGNED_IN,
        "project_new": Door.CUSTOMER,
        "project_answers": Door.CUSTOMER,
        "project_point": Door.CUSTOMER,
        "project_evidence": Door.CUSTOMER,
        "project_payment": Door.STAFF,
        "project_submit": Door.CUSTOMER,
        "project_discard": Door.CUSTOMER,
        "project_withdraw": Door.CUSTOMER,
        # What is public of a filed request is a row of its own.
        "clusters": Door.PUBLIC,
        "cluster": Door.PUBLIC,
        "cluster_positions": Door.STAFF,
        "cluster_window": Door.STAFF,
        "notices": Door.SIGNED_IN,
        "notices_read": Door.SIGNED_IN,
        # The database shows a document to its organisation, its grants and the operator alone.
        "document": Door.SIGNED_IN,
        "people_ceii": Door.ADMINISTRATOR,
        "capacity_map": Door.PUBLIC,
        # Lines of a real grid are shown by the database to who may see them.
        "capacity_drawing": Door.PUBLIC,
        "capacity_point": Door.PUBLIC,
        "capacity_panel": Door.PUBLIC,
        "capacity_figures": Door.PUBLIC,
        "capacity_still": Door.PUBLIC,
        "guide": Door.PUBLIC,
        "guide_page": Door.PUBLIC,
        "rules": Door.PUBLIC,
        "search": Door.PUBLIC,
        "api_reference": Door.PUBLIC,
        "api_openapi": Door.PUBLIC,
        "api:api-root": Door.PUBLIC,  # a name for the beginning of the others; it answers nothing
        "api:sign_in": Door.PUBLIC,
        "api:sign_out": Door.SIGNED_IN,
        "api:account": Door.SIGNED_IN,
        "api:choose_organisation": Door.SIGNED_IN,
        "api:people": Door.ADMINISTRATOR,
        "api:capacity": Door.PUBLIC,
        "api:points": Door.PUBLIC,
        "api:point": Door.PUBLIC,
        "api:point_figures": Door.PUBLIC,
        "api:studies": Door.PUBLIC,
        "api:study": Door.PUBLIC,
        "api:study_assumptions": Door.PUBLIC,
        "api:constraints": Door.PUBLIC,
        "api:constraint": Door.PUBLIC,
        "api:upgrades": Door.PUBLIC,
        "api:upgrade": Door.PUBLIC,
        "api:upgrade_ledger": Door.PUBLIC,
        "api:requests": Door.PUBLIC,
        "api:request_costs": Door.PUBLIC,
        "api:request_ledger": Door.PUBLIC,
        "api:schemes": Door.PUBLIC,
        "api:bundle": Door.PUBLIC,
        "api:notices": Door.SIGNED_IN,
        "api:mark_notices_read": Door.SIGNED_IN,
        "api:document": Door.SIGNED_IN,
        "api:set_ceii_clearance": Door.ADMINISTRATOR,
        "api:runs": Door.SIGNED_IN,
        "api:ask_for_run": Door.ENGINEER,
        "api:run": Door.SIGNED_IN,
        "api:give_up_run": Door.ENGINEER,
        "api:clusters": Door.PUBLIC,
        "api:cluster": Door.PUBLIC,
        "api:positions": Door.PUBLIC,
        "api:move_in_cluster": Door.STAFF,
        "api:move_cluster_window": Door.STAFF,
        "api:projects": Door.SIGNED_IN,
        "api:begin_project": Door.CUSTOMER,
        "api:project": Door.SIGNED_IN,
        "api:save_project_answers": Door.CUSTOMER,
        "api:hand_in_project_evidence": Door.CUSTOMER,
        "api:submit_project": Door.CUSTOMER,
        "api:discard_project": Door.CUSTOMER,
        "api:withdraw_project": Door.CUSTOMER,
        "api:record_project_payment": Door.STAFF,
        "api:guide": Door.PUBLIC,
        "api:guide_page": Door.PUBLIC,
        "api:rules": Door.PUBLIC,
        "api:search": Door.PUBLIC,
    }
)


SIGN_IN = "api:sign_in"
"""Where a token that is over does not matter: another one is asked for."""


class DoorMiddleware:
    """Ask the table before any view runs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.cross_site = _FromAnotherSite(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on: the question is asked once the view is known."""
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponse],  # noqa: ARG002 - Django passes it
        arguments: tuple[Any, ...],  # noqa: ARG002
        keywords: dict[str, Any],  # noqa: ARG002
    ) -> HttpResponse | None:
        """Refuse an address that has no door, and whoever its door is not for.

        Raises:
            PermissionDenied: nobody has said who may open it, or the role may not.
        """
        request.doors = DOORS  # type: ignore[attr-defined]
        name = request.resolver_match.view_name if request.resolver_match else ""
        if is_for_programs(request):
            return self._for_program(request, name)
        door = _door(name)
        acting = who_asks(request)
        if door.may_enter(acting):
            return None
        if not acting.is_signed_in:
            # What was sent cannot be sent again from an address: back to the account then.
            back = request.get_full_path() if request.method in {"GET", "HEAD"} else ""
            return redirect_to_login(back) if back else redirect("sign_in")
        raise PermissionDenied(door.value[0])

    def _for_program(self, request: HttpRequest, name: str) -> HttpResponse | None:
        """The same table, by operation; every no is JSON."""
        operations = names_by_address().get(name)
        if operations is not None:
            method = request.method or ""
            if method not in operations:
                return no_such_method(operations)
            name = operations[method]
        door = _door(name)
        wrong = getattr(request, "token_refused", None)
        if wrong is not None and name != SIGN_IN:
            return refused(401, wrong)
        acting = who_asks(request)
        if not door.may_enter(acting):
            if acting.is_signed_in:
                raise PermissionDenied(door.value[0])
            return refused(401, Finding("api.sign_in.first", f"{door.value[0]} Sign in first."))
        if acting.is_signed_in and held_token(request) is None:
            # A browser sends its cookie for any site that asks it to; a token it does not.
            return self.cross_site.process_view(request, _asked, (), {})
        return None


def _door(name: str) -> Door:
    door = DOORS.get(name)
    if door is None:
        raise PermissionDenied(_("Nobody has said who may open it."))
    return door


def _asked(_request: HttpRequest) -> HttpResponse:
    """What the protection against other sites takes a view to be."""
    raise AssertionError


class _FromAnotherSite(CsrfViewMiddleware):
    """Django's own protection, for operations, whose views it is told to leave alone."""

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:  # noqa: ARG002
        said = _("Send the CSRF token of this session as X-CSRFToken, or sign in with a token.")
        return refused(403, Finding("api.from_another_site", f"{reason} {said}"))
