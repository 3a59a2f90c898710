"""Doors: from the name of an address to who may enter. One table, asked on every request.

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
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from gentie.contexts.accounts.acting import Acting
from gentie.contexts.accounts.roles import OPERATOR_ROLES, Role
from gentie.portal.accounts.asking import who_asks


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
        # The second factor's pages turn away by themselves who has not given a password.
        "sign_in": Door.PUBLIC,
        "second_factor": Door.PUBLIC,
        "second_factor_new": Door.PUBLIC,
        "sign_out": Door.SIGNED_IN,
        "account": Door.SIGNED_IN,
        "account_organisation": Door.SIGNED_IN,
        "people": Door.ADMINISTRATOR,
        "people_ceii": Door.ADMINISTRATOR,
        "capacity_map": Door.PUBLIC,
        # Lines of a real grid are shown by the database to who may see them.
        "capacity_drawing": Door.PUBLIC,
        "capacity_point": Door.PUBLIC,
        "capacity_panel": Door.PUBLIC,
        "capacity_figures": Door.PUBLIC,
    }
)


class DoorMiddleware:
    """Ask the table before any view runs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

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
            PermissionDenied: nobody has said who may enter, or the role may not.
        """
        name = request.resolver_match.view_name if request.resolver_match else ""
        door = DOORS.get(name)
        if door is None:
            raise PermissionDenied(_("Nobody has said who may open it."))
        acting = who_asks(request)
        if door.may_enter(acting):
            return None
        if not acting.is_signed_in:
            # What was sent cannot be sent again from an address: back to the account then.
            back = request.get_full_path() if request.method in {"GET", "HEAD"} else ""
            return redirect_to_login(back) if back else redirect("sign_in")
        raise PermissionDenied(door.value[0])
