"""The one interface: every room's operations under one address, and which operation is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from django.http import HttpResponse
from ninja import NinjaAPI, Router
from ninja.operation import Operation

import gentie
from gentie.api import account, capacity, guide, intake, notices, people, runs, studies
from gentie.api.refusing import refused, tell_refusals
from gentie.quantities.findings import Finding

SPACE = "api"
"""Before the name of an operation, as the table of doors has it: ``api:points``."""

# A room joins by one line here, and each of its operations by a door in project/doors.py.
ROOMS = (account, notices, people, capacity, runs, intake, studies, guide)

DESCRIPTION = """\
Everything that the pages do, for programs: the same rows, checks and sentences.

Sign in with `POST sign-in` and send the token as `Authorization: Bearer TOKEN`; a browser's session
does too, with its CSRF token where something is changed. What anybody may see needs neither.

A no is `{"errors": [{"code", "sentence", "count", "where"}]}`, with all reasons at once: 401 sign in
first, 403 not for your role, 404 nothing there, 409 not now, 422 cannot be used, 503 ask again
later. A code never changes its meaning.

A long answer comes in pieces: `next` of one is `after` of the following. Units are in the names.
Money is text with its decimals, in the study's currency. Times are UTC."""

SHAPE_OF_A_NO = {
    "type": "object",
    "title": "Errors",
    "required": ["errors"],
    "properties": {
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["code", "sentence", "count", "where"],
                "properties": {
                    "code": {"type": "string"},
                    "sentence": {"type": "string"},
                    "count": {"type": "integer"},
                    "where": {"type": "string"},
                },
            },
        }
    },
}


class Interface(NinjaAPI):
    """An operation is named by its function: in its address, in the document, in the doors."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return str(operation.view_func.__name__)

    def get_operation_url_name(self, operation: Operation, router: Router) -> str:  # noqa: ARG002
        return str(operation.view_func.__name__)


api = Interface(
    title="gentie",
    version=gentie.__version__,
    description=DESCRIPTION,
    urls_namespace=SPACE,
    openapi_url=None,
    docs_url=None,
)
tell_refusals(api)
for room in ROOMS:
    api.add_router("", room.operations)


def operations() -> Iterator[tuple[str, Operation]]:
    """Every operation with its name as the doors have it."""
    for room in ROOMS:
        for view in room.operations.path_operations.values():
            for operation in view.operations:
                yield f"{SPACE}:{operation.view_func.__name__}", operation


@cache
def names_by_address() -> Mapping[str, Mapping[str, str]]:
    """From the name of an address to the operation of each method.

    Operations of one path share its address, which Django finds by the name of the first.
    """
    found: dict[str, dict[str, str]] = {}
    for room in ROOMS:
        for view in room.operations.path_operations.values():
            first = view.operations[0].view_func.__name__
            found[f"{SPACE}:{first}"] = {
                method: f"{SPACE}:{operation.view_func.__name__}"
                for operation in view.operations
                for method in operation.methods
            }
    return found


def document() -> dict[str, Any]:
    """The OpenAPI document; every operation says what a no looks like."""
    written: dict[str, Any] = dict(api.get_openapi_schema(path_prefix="/api/v1/"))
    components = written.setdefault("components", {})
    components.setdefault("schemas", {})["Errors"] = SHAPE_OF_A_NO
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
    }
    told = {
        "description": "All reasons",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Errors"}}},
    }
    for methods in written["paths"].values():
        for operation in methods.values():
            operation["responses"]["default"] = told
            operation["security"] = [{}, {"token": []}, {"session": []}]
    return written


def no_such_method(allowed: Mapping[str, str]) -> HttpResponse:
    """The answer to a method that an address does not have."""
    methods = ", ".join(sorted(allowed))
    answer = refused(405, Finding("api.method", f"This address takes {methods} only."))
    answer["Allow"] = methods
    return answer
