"""A program that asks the interface, for tests."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from gentie.contexts.accounts.tokens import give_token


def send(client: Any, method: str, path: str, body: object = None, token: str = "") -> Any:
    """Ask an operation, with a token where one is given."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    content = "" if body is None else json.dumps(body)
    return client.generic(method, f"/api/v1{path}", content, "application/json", headers=headers)


def got(client: Any, path: str, token: str = "") -> Any:
    """What an operation answers to who may ask it."""
    answer = send(client, "GET", path, token=token)
    assert answer.status_code == 200, answer.text
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    return answer.json()


def errors(answer: Any) -> list[str]:
    """The codes of a no, whose shape is always the same."""
    assert set(answer.json()) == {"errors"}
    told = answer.json()["errors"]
    assert all(set(one) == {"code", "sentence", "count", "where"} for one in told)
    return [one["code"] for one in told]


def token_for(member: Any, *, has_factor: bool = False) -> str:
    """A token of a member, good from now on."""
    return give_token(
        person_id=member.person_id,
        organisation_id=member.organisation_id,
        has_factor=has_factor,
        by="program:test",
        at=datetime.now(UTC),
    ).text
