"""The document of the interface, and the page on which people read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe
from markdown_it import MarkdownIt

from gentie.api.site import SPACE, document


@require_safe
def openapi(request: HttpRequest) -> JsonResponse:
    """The OpenAPI 3.1 document."""
    return JsonResponse(document())


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """Every operation: its address, who may ask it, what it takes and what it answers."""
    written = document()
    schemas = written["components"]["schemas"]
    doors = getattr(request, "doors", {})
    rooms: dict[str, list[dict[str, Any]]] = {}
    for path, methods in written["paths"].items():
        for method, operation in methods.items():
            door = doors.get(f"{SPACE}:{operation['operationId']}")
            rooms.setdefault(operation["tags"][0], []).append(
                {
                    "name": operation["operationId"],
                    "method": method.upper(),
                    "path": path,
                    "summary": operation["summary"],
                    "words": operation.get("description", ""),
                    "door": door.value[0] if door else "",
                    "takes": [*_parameters(operation), *_body(operation, schemas)],
                    "gives": list(_answer(operation, schemas)),
                }
            )
    return render(
        request,
        "api/reference.html",
        {
            "rooms": rooms,
            "description": _description(written["info"]["description"]),
            "crumbs": [{"word": "API"}],
        },
    )


def _description(markdown: str) -> SafeString:
    html: str = MarkdownIt("commonmark", {"html": False}).render(markdown)
    return mark_safe(html)  # noqa: S308 - our own words, with HTML in them switched off


def _parameters(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for one in operation.get("parameters", ()):
        yield {
            "name": one["name"],
            "type": _type(one["schema"]),
            "words": one["schema"].get("description", ""),
            "is_needed": one.get("required", False),
        }


def _body(operation: dict[str, Any], schemas: dict[str, Any]) -> Iterator[dict[str, Any]]:
    content = operation.get("requestBody", {}).get("content", {})
    for one in content.values():
        yield from _fields(one["schema"], schemas)


def _answer(operation: dict[str, Any], schemas: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for status, response in operation["responses"].items():
        if str(status).startswith("2"):
            for one in response.get("content", {}).values():
                yield from _fields(one["schema"], schemas)


def _fields(schema: dict[str, Any], schemas: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The fields of a schema; those of its items where it is a list."""
    if schema.get("type") == "array":
        schema = schema["items"]
    found = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
    needed = found.get("required", ())
    for name, field in found.get("properties", {}).items():
        yield {
            "name": name,
            "type": _type(field),
            "words": field.get("description", ""),
            "is_needed": name in needed,
        }


def _type(schema: dict[str, Any]) -> str:
    """A type in one word or two."""
    if "anyOf" in schema:
        return " | ".join(_type(one) for one in schema["anyOf"])
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    return str(schema.get("format") or schema.get("type") or "any")
