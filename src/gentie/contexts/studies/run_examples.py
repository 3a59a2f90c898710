"""A cluster with requests in it, ready to be studied."""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any

from django.apps import apps
from django.db.models import Model

from gentie.contexts.grid.reads import case_by_id, point_at
from gentie.formats.requests import Request, read_requests
from gentie.rulebook.book import load_rulebook
from gentie.workbench.cases import Case

SLUG = "example-cluster"


def example_requests() -> bytes:
    """The request file of the small study."""
    return (files(__package__) / "example_requests.csv").read_bytes()


def ready_cluster(
    *,
    base_case_id: int,
    case: Case,
    organisation_ids: tuple[int, ...],
    at: datetime,
    content: bytes | None = None,
    slug: str = SLUG,
    name: str = "Example cluster",
    mark: str = "EX",
) -> Model:
    """A closed cluster whose requests are all taken in; the organisations own them in turn.

    Args:
        base_case_id: published.
        case: the same, as it was read.
        organisation_ids: of customers.
        at: when; an aware time.
        content: request file; of the small study where none is given.
        slug: of the cluster.
        name: of the cluster.
        mark: of the cluster.
    """
    base_case = case_by_id(base_case_id)
    rulebook = load_rulebook(base_case.rulebook)
    cluster = apps.get_model("intake", "Cluster").objects.create(
        slug=slug,
        name=name,
        mark=mark,
        state="closed",
        opens_at=at - timedelta(days=60),
        closes_at=at - timedelta(days=30),
        base_case=base_case,
        rulebook=base_case.rulebook,
        rulebook_version=rulebook.version,
        rulebook_digest=rulebook.digest,
        rulebook_files={name: source.decode() for name, source in rulebook.sources.items()},
    )
    requests = read_requests(content or example_requests(), "requests.csv", case.network)
    for place, one in enumerate(requests):
        draft = apps.get_model("intake", "Request").objects.create(
            organisation_id=organisation_ids[place % len(organisation_ids)],
            cluster=cluster,
            state="filed",
            made_at=at,
        )
        _position(cluster, draft, one, point_at(base_case, one.bus), at)
    return cluster


def _position(cluster: Any, draft: Any, one: Request, point: Any, at: datetime) -> None:
    apps.get_model("intake", "QueuePosition").objects.create(
        request=draft,
        cluster=cluster,
        number=one.request,
        state="in_cluster",
        bus=one.bus,
        point=getattr(point, "point", f"bus:{one.bus}"),
        bus_name=getattr(point, "bus_name", ""),
        kv=getattr(point, "kv", 0.0),
        owner=getattr(point, "owner", ""),
        technologies=[part.technology for part in one.components],
        technology_mw=[part.mw for part in one.components],
        technology_mwh=[part.mwh for part in one.components],
        net_mw=one.net_mw,
        deliverability=str(one.deliverability),
        commercial_operation=(at + timedelta(days=1000)).date(),
        filed_at=at,
    )
