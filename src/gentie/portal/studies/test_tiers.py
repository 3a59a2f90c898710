"""Every page of a private study as every role, with the checks of the views switched off.

The views are told that the operator's administrator asks. What the pages hold is then what the
database gives to who really acts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import RequestFactory
from django.urls import resolve
from django.utils.html import strip_tags

from gentie.contexts.accounts.acting import AS_PROGRAM, VISITOR, Acting, acting_as
from gentie.contexts.accounts.actions import create_organisation, give_grant, invite_member
from gentie.contexts.accounts.clearances import clear_for_ceii
from gentie.contexts.accounts.examples import cast
from gentie.contexts.studies.examples import published_small_study
from gentie.portal.templatetags.figures import element

AT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
BY = "program:test"
ROLES = (
    "visitor",
    "customer",
    "other",
    "consultant",
    "cleared",
    "cleared_customer",
    "specialist",
    "engineer",
    "administrator",
    "program",
)
SEE_ALL = ("specialist", "engineer", "administrator", "program")
SEE_CEII = ("cleared", "cleared_customer", *SEE_ALL)
OWN = {"customer": "Q10", "consultant": "Q10", "other": "Q09", "cleared_customer": "Q15"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(client, tmp_path) -> Any:  # the client asks for the static files
    """Q10 is tripped by a scheme and Q09 pays with others; Q15 shares a constraint with Q10."""
    people = cast(by=BY, at=AT)
    first, second = people.organisations["first"], people.organisations["second"]
    acting = {"visitor": VISITOR, "program": AS_PROGRAM}
    for word in ("cleared", "cleared_customer"):
        made = create_organisation(name=f"Company {word}", kind="customer", by=BY, at=AT)
        clear_for_ceii(organisation_id=made.pk, by=BY, at=AT)
        people.organisations[word] = made
        people.members[word] = invite_member(
            email=f"{word}@example.org",
            name=word,
            organisation_id=made.pk,
            role="interconnection_customer",
            by=BY,
            at=AT,
        )
    give_grant(
        owner_id=first.pk,
        receiver_id=people.organisations["consultant"].pk,
        scope="read",
        from_at=AT - timedelta(days=3650),
        until_at=None,
        given_by=None,
        by=BY,
        at=AT,
    )
    owners = {
        "Q10": first.pk,
        "Q09": second.pk,
        "Q15": people.organisations["cleared_customer"].pk,
    }
    study = published_small_study(tmp_path / "bundle", by=BY, at=AT, organisations=owners)
    for word, member in people.members.items():
        acting[word] = Acting(member.person_id, member.organisation_id, member.role)
    return SimpleNamespace(study=study, acting=acting)


@dataclass(frozen=True)
class Secrets:
    """What must not be on the pages of a role, as it would be written there.

    Attributes:
        figures: amounts, factors, impacts and limits.
        words: outages, identities and findings.
        tripped: names that may not stand on the page of schemes.
    """

    figures: set[str]
    words: set[str]
    tripped: set[str]


def written(*amounts: Any) -> set[str]:
    """An amount as the pages write it, to the cent and in whole units."""
    return {f"{one:,.2f}" for one in amounts} | {f"{round(one):,}" for one in amounts}


def private_of(request: Any) -> set[str]:
    """Figures that are one request's."""
    found = written(
        *(
            getattr(request.costs, f"{name}_cost")
            for name in ("reliability", "local_delivery", "switchyard", "own", "total")
        )
    )
    found |= {f"{request.costs.cost_per_kw:,.2f}"}
    for row in request.ledger.select_related("upgrade__estimate"):
        found |= written(row.amount, row.upgrade.estimate.cost)
        if row.impact_mw:
            found |= {f"{row.distribution_factor:,.6f}", f"{row.impact_mw:,.3f}"}
            found |= {f"{row.impact_sum_mw:,.3f}"}
    found |= {f"{share.distribution_factor:,.4f}" for share in request.reaches.all()}
    return {one for one in found if len(one) > 4}  # 0, 0.00, and what could be anything


def secrets_from(study: Any, role: str) -> Secrets:
    """What a role may not see, asked as the program."""
    requests = list(study.requests.select_related("costs").prefetch_related("reaches", "schemes"))
    own = {one.name for one in requests if one.name == OWN.get(role)}
    public = {f"{one.net_mw:,.10g}" for one in requests}
    for one in study.summary["cost"].get("by_class", {}).values():
        public |= written(round(float(one)))
    public |= written(round(float(study.summary["cost"]["total"])))
    mine = set().union(*(private_of(one) for one in requests if one.name in own))
    figures = set().union(*(private_of(one) for one in requests)) - mine - public
    words = set()
    if role not in SEE_CEII:
        constraints = list(study.constraints.select_related("contingency"))
        upgrades = list(study.upgrades.select_related("reason"))
        schemes = list(study.schemes.select_related("contingency"))
        elements = {one.element for one in (*constraints, *upgrades)}
        outages = {one.contingency.outage for one in (*constraints, *schemes)} - elements
        assert outages
        words |= outages | {element(one) for one in outages}
        words |= {one.contingency.identity for one in constraints}
        words |= {finding["sentence"] for finding in study.fidelity.findings}
        words |= {"g-net__line", "Rating before", "Limit</dt>"}
        figures |= {f"{one.contingency.limit_mw:,.1f}" for one in constraints} - public
    tripped = {one.name for one in requests if one.schemes.all()} - own
    return Secrets(figures, words, tripped)


def paths_of(study: Any) -> Iterator[str]:
    within = f"/studies/{study.slug}/"
    yield from ("/", "/studies/", within, f"{within}schemes/", f"{within}assumptions/")
    for part, sorts in {
        "constraints": ("-with", "outage"),
        "upgrades": ("-cost", "before"),
        "requests": ("-total", "per_kw"),
        "schemes": ("-mw", "outage"),
    }.items():
        yield from (f"{within}{part}/?sort={sort}" for sort in sorts)
    yield from (f"{within}constraints/{one.number}/" for one in study.constraints.all())
    yield from (f"{within}upgrades/{one.number}/" for one in study.upgrades.all())
    yield from (f"{within}requests/{one.name}/" for one in study.requests.all())


def asked(path: str, world: Any, role: str) -> Any:
    """The answer of a view that takes the role for the administrator's."""
    request = RequestFactory().get(path)
    request.acting = world.acting["administrator"]
    request.resolver_match = match = resolve(request.path)
    with acting_as(world.acting[role]):
        answer = match.func(request, *match.args, **match.kwargs)
        return answer.content.decode() if hasattr(answer, "content") else answer


FIGURE = re.compile(r"\d[\d,]*(?:\.\d+)?")


def found_in(page: str, secrets: Secrets) -> Secrets:
    """Which of them a page holds; a figure may stand in an attribute too, as in data-amount."""
    text = " ".join(unescape(strip_tags(page)).split())
    return Secrets(
        secrets.figures & {*FIGURE.findall(text), *FIGURE.findall(page)},
        {one for one in secrets.words if one in page or one in text},
        {one for one in secrets.tripped if one in text},
    )


@pytest.mark.parametrize("role", [role for role in ROLES if role not in SEE_ALL])
def test_no_page_holds_what_is_not_for_a_role(world, role):
    secrets = secrets_from(world.study, role)
    assert len(secrets.figures) > 20
    assert secrets.tripped
    paths = list(paths_of(world.study))
    assert len(paths) > 60
    for path in paths:
        found = found_in(asked(path, world, role), secrets)
        assert (found.figures, found.words) == (set(), set()), path
        assert "/schemes/" not in path or found.tripped == set(), path


def test_the_pages_of_who_sees_everything_hold_all_that_is_searched_for(world):
    """Or the search would prove nothing: each secret is found where it may be."""
    secrets = secrets_from(world.study, "visitor")
    pages = [asked(path, world, "engineer") for path in paths_of(world.study)]
    found = [found_in(page, secrets) for page in pages]
    words = set().union(*(one.words for one in found))
    # An outage is written in words on pages, and as its identity inside a constraint's.
    assert words == secrets.words
    assert set().union(*(one.tripped for one in found)) == secrets.tripped
    figures = set().union(*(one.figures for one in found))
    # Whole amounts are written with or without their cents.
    assert {one.removesuffix(".00") for one in secrets.figures if "." in one} <= {
        one.removesuffix(".00") for one in figures
    }


@pytest.mark.parametrize("role", ROLES)
def test_a_page_holds_what_is_for_a_role_and_says_what_is_withheld(world, role):
    """The other side of the same table: it is not the emptiness of the pages that hides things."""
    study = world.study
    within = f"/studies/{study.slug}/"
    costs = {
        one.name: f"{one.costs.total_cost:,.2f}" for one in study.requests.select_related("costs")
    }
    seen = {
        name for name in costs if costs[name] in asked(f"{within}requests/{name}/", world, role)
    }
    assert seen == (set(costs) if role in SEE_ALL else {OWN[role]} if role in OWN else set())
    constraint = study.constraints.first()
    page = asked(f"{within}constraints/{constraint.number}/", world, role)
    assert (constraint.contingency.identity in page) is (role in SEE_CEII)
    assert ("g-net__line" in page) is (role in SEE_CEII)
    assert f"{constraint.with_percent:,.1f}%" in page
    scheme = study.schemes.get(requests__name="Q10")
    schemes = asked(f"{within}schemes/", world, role)
    assert (">Q10</a>" in schemes) is (role in SEE_ALL or OWN.get(role) == "Q10")
    assert (element(scheme.contingency.outage).split(" circuit")[0] in schemes) is (
        role in SEE_CEII
    )
    for path, words, has_them in (
        (within, "Withheld", role not in SEE_ALL),
        (f"{within}requests/", "Costs and shares are private", role not in SEE_ALL),
        (f"{within}constraints/", "ask the operator for clearance", role not in SEE_CEII),
        (f"{within}upgrades/", "ask the operator for clearance", role not in SEE_CEII),
        (f"{within}schemes/", "Which requests a scheme trips is private", role not in SEE_ALL),
        (f"{within}assumptions/", "ask the operator for clearance", role not in SEE_CEII),
    ):
        assert (words in asked(path, world, role)) is has_them, path


@pytest.mark.parametrize("role", ROLES)
def test_the_bundle_is_for_who_sees_everything(world, role):
    path = f"/studies/{world.study.slug}/bundle.zip"
    if role in SEE_ALL:
        with closing(asked(path, world, role)) as answer:
            assert len(b"".join(answer.streaming_content)) > 1000
        return
    with pytest.raises(PermissionDenied, match="it is the operator's"):
        asked(path, world, role)
