"""Doors: from the name of an address to who may enter. One table, asked on every request.

An address without a door cannot be entered by anyone, and a test says so before that happens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse


class Door(Enum):
    """Who may enter. Roles join this list together with accounts."""

    PUBLIC = "anyone, without an account"


DOORS: Mapping[str, Door] = MappingProxyType(
    {
        "start": Door.PUBLIC,
        # Everything of the demonstration is synthetic, so everybody sees all of it.
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
    ) -> None:
        """Refuse an address that has no door.

        Raises:
            PermissionDenied: nobody has said who may enter.
        """
        name = request.resolver_match.view_name if request.resolver_match else ""
        if DOORS.get(name) is not Door.PUBLIC:
            raise PermissionDenied(f"No door is open for the address named {name!r}.")
