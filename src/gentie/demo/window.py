"""An open window in the demonstration, with requests of a fictional company in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from gentie.rulebook.book import Rulebook

BY = "program:demo"
OWNER = "Fictional Wind Developers"
DAYS = 60
CLOSES = time(17)
EVIDENCE = b"%PDF-1.4\n% Invented for the demonstration: an option on a site.\n%%EOF\n"

# name, bus, technologies with MW and MWh, net MW, deliverability
REQUESTS: tuple[tuple[str, int, tuple[tuple[str, float, float], ...], float, str], ...] = (
    ("Ridge One", 26112, (("wind", 300, 0),), 295.0, "energy_only"),
    ("Ridge Two", 25832, (("wind", 210, 0), ("storage", 100, 400)), 205.0, "full"),
    ("Pass Breeze", 25864, (("wind", 190, 0),), 186.0, "full"),
    ("Mesa Night", 26046, (("storage", 128, 512),), 125.0, "full"),
    ("Long Valley", 23284, (("wind", 120, 0), ("solar", 120, 0)), 160.0, "full"),
)


def open_demonstration_window(
    *, rulebook: Rulebook, at: datetime, say: Callable[[str], None]
) -> None:
    """Open a window of 60 days with a few requests in it, once; when it has closed, the next one.

    Args:
        rulebook: that requests are filed under.
        at: when; an aware time.
        say: told what is going on, one sentence at a time.
    """
    from gentie.contexts.accounts.acting import AS_PROGRAM, acting_as
    from gentie.contexts.grid.reads import latest_case
    from gentie.contexts.intake.actions.windows import open_cluster
    from gentie.contexts.intake.reads import clusters, open_cluster_at

    with acting_as(AS_PROGRAM):
        case = latest_case()
        if case is None or open_cluster_at(at) is not None:
            return
        number = clusters().count() + 2  # the first cluster is studied and published already
        zone = ZoneInfo(rulebook.time_zone)
        last_day = at.astimezone(zone).date() + timedelta(days=DAYS)
        cluster = open_cluster(
            name=f"Cluster {number}",
            slug=f"cluster-{number}",
            mark=f"C{number}",
            opens_at=at,
            closes_at=datetime.combine(last_day, CLOSES, zone),
            base_case_id=case.pk,
            rulebook=rulebook,
            by=BY,
            at=at,
        )
        _file_requests(cluster_id=cluster.pk, at=at)
    say(f"The window of Cluster {number} is open for {DAYS} days")


def _file_requests(*, cluster_id: int, at: datetime) -> None:
    from gentie.contexts.accounts.reads import organisations
    from gentie.contexts.accounts.roles import PROGRAM
    from gentie.contexts.intake.actions.drafting import hand_in_evidence, start_request
    from gentie.contexts.intake.actions.filing import submit_request

    owner = organisations().get(name=OWNER)
    year = at.year
    for name, bus, technologies, net_mw, deliverability in REQUESTS:
        texts = {
            "project": name,
            "kind": "new",
            "county": "Invented County",
            "bus": str(bus),
            "gross_mw": f"{net_mw + 3:g}",
            "limited_by": "Plant controller",
            "auxiliary_mw": "1",
            "losses_mw": "2",
            "deliverability": deliverability,
            "in_service": f"{year + 4}-03-01",
            "trial_operation": f"{year + 4}-05-01",
            "commercial_operation": f"{year + 4}-07-01",
            "site_control": "option",
            "site_share": "100",
            "contact": "Wren Customer",
            "contact_email": "customer@wind.example",
            "signed_by": OWNER,
            "certified": "yes",
        }
        for row, (technology, mw, mwh) in enumerate(technologies, start=1):
            texts |= {f"technology_{row}": technology, f"mw_{row}": f"{mw:g}"}
            if mwh:
                texts[f"mwh_{row}"] = f"{mwh:g}"
        made = start_request(
            organisation_id=owner.pk,
            cluster_id=cluster_id,
            person_id=None,
            by=BY,
            at=at,
            texts=texts,
        )
        hand_in_evidence(
            request_id=made.pk, file_name="option-on-site.pdf", content=EVIDENCE, by=BY, at=at
        )
        submit_request(request_id=made.pk, role=PROGRAM, person_id=None, by=BY, at=at)
