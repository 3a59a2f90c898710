"""How a program is told no: `{"errors": [...]}`, with the codes and sentences of the pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from gentie.contexts.grid.runs import Busy
from gentie.quantities.findings import BadInput, Finding
from gentie.quantities.lifecycle import Refused

No = TypeVar("No", bound=Exception)
UNTIL_AGAIN_S = 60
NOTHING = Finding(
    "api.nothing", "There is nothing at this address, or it is not for you: check its words."
)


class Told(Exception):
    """A no with its status and its reasons."""

    def __init__(self, status: int, findings: Finding | Iterable[Finding]) -> None:
        """Keep them."""
        self.status = status
        self.findings = (findings,) if isinstance(findings, Finding) else tuple(findings)
        super().__init__(" ".join(finding.sentence for finding in self.findings))


def refused(status: int, *findings: Finding) -> JsonResponse:
    """The answer that tells all reasons."""
    answer = JsonResponse({"errors": [finding.as_dict() for finding in findings]}, status=status)
    if status == 401:
        answer["WWW-Authenticate"] = "Bearer"
    elif status == 503:
        answer["Retry-After"] = str(UNTIL_AGAIN_S)
    return answer


def nothing_there() -> Told:
    """Raise it where a row is not there or not for the one who asks."""
    return Told(404, NOTHING)


def moved_on(reasons: Refused) -> Told:
    """Raise it where a move of a lifecycle may not be made now."""
    return Told(409, reasons.reasons)


def tell_refusals(api: NinjaAPI) -> None:
    """Let the interface answer what its operations raise."""

    def told(_request: HttpRequest, no: Told) -> HttpResponse:
        return refused(no.status, *no.findings)

    def bad_input(_request: HttpRequest, wrong: BadInput) -> HttpResponse:
        return refused(422, *wrong.findings)

    def busy(_request: HttpRequest, many: Busy) -> HttpResponse:
        return refused(503, Finding("capacity.busy", str(many)))

    def not_valid(_request: HttpRequest, wrong: ValidationError) -> HttpResponse:
        return refused(422, *(_field(one) for one in wrong.errors))

    def nothing(_request: HttpRequest, _no: Http404) -> HttpResponse:
        return refused(404, NOTHING)

    def not_readable(_request: HttpRequest, wrong: HttpError) -> HttpResponse:
        said = "What was sent cannot be read: send JSON in UTF-8 as application/json."
        return refused(wrong.status_code, Finding("api.body", said))

    _answer(api, Told, told)
    _answer(api, Http404, nothing)
    _answer(api, HttpError, not_readable)
    _answer(api, BadInput, bad_input)
    _answer(api, Busy, busy)
    _answer(api, ValidationError, not_valid)


def _answer(
    api: NinjaAPI, kind: type[No], answer: Callable[[HttpRequest, No], HttpResponse]
) -> None:
    # The interface's own types would let a handler be given the class instead of what was raised.
    api.add_exception_handler(kind, cast("Any", answer))


def _field(wrong: dict[str, object]) -> Finding:
    """What is wrong with one field; what was sent is not repeated, it may be a password."""
    place = wrong.get("loc")
    steps = [str(step) for step in place] if isinstance(place, list | tuple) else []
    where = ".".join(steps[2:] if steps[:1] == ["body"] else steps[1:]) or "the whole"
    said = str(wrong.get("msg", "")).removeprefix("Value error, ")
    return Finding("api.field", f"“{where}” cannot be used: {said}.", where=where)
