"""What a run will rest on, taken at one moment: from then on nothing that changes matters to it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import gentie
from gentie.contexts.grid import reads as grid
from gentie.contexts.intake import reads as intake
from gentie.contexts.studies.bundles import inputs_digest
from gentie.contexts.studies.lifecycles import ENGINEERS
from gentie.quantities.findings import BadInput, Finding
from gentie.rulebook.book import load_grid_profile, rulebook_of

REQUESTS_NAME = "requests.csv"


@dataclass(frozen=True, slots=True)
class FrozenInputs:
    """The attributes of ``RunInputs``, and the cluster."""

    cluster_id: int
    title: str
    requests_name: str
    requests_content: bytes
    request_count: int
    organisations: dict[str, int]
    base_case_id: int
    rulebook_version: str
    rulebook_digest: str
    policy: str
    engine_version: str
    inputs_digest: str


def start_blockers(*, cluster_slug: str, role: str) -> tuple[Finding, ...]:
    """All reasons why somebody cannot start a run of a cluster's study now."""
    if role not in ENGINEERS:
        return (
            Finding(
                "study.run.role",
                "Only a planning engineer starts a study; ask one of them.",
            ),
        )
    cluster = intake.cluster_by_slug(cluster_slug)
    if cluster is None:
        return (
            Finding(
                "study.run.no_cluster",
                f"There is no cluster {cluster_slug}; choose one from the list of clusters.",
            ),
        )
    found = []
    if not intake.positions_in(cluster, state="in_cluster").exists():
        found.append(
            Finding(
                "study.run.empty",
                f"No request is in {cluster.name} yet; take requests into it first.",
            )
        )
    case = cluster.base_case
    if not grid.has_file(case):
        found.append(
            Finding(
                "study.run.no_case_file",
                f"{case.name} was published without its file, so nothing can be studied on it; "
                "publish the base case again with its file.",
            )
        )
    if case.rulebook_version != cluster.rulebook_version:
        found.append(
            Finding(
                "study.run.other_rules",
                f"The requests of {cluster.name} were filed under {cluster.rulebook_version}, and "
                f"{case.name} was published under {case.rulebook_version}; publish the base case "
                "under the rules of the cluster.",
            )
        )
    if tuple(case.areas) != load_grid_profile(case.name).areas:
        found.append(
            Finding(
                "study.run.other_areas",
                f"{case.name} was published for other areas than this version studies; publish "
                "the base case again.",
            )
        )
    return tuple(found)


def policies_of(cluster_slug: str) -> tuple[tuple[str, bool], ...]:
    """Policies of mitigation that a cluster can be studied by, and which one the rules name."""
    from gentie.engines.interconnection.cluster_study import Policy

    cluster = intake.cluster_by_slug(cluster_slug)
    sources = grid.rules_of(cluster.base_case) if cluster is not None else None
    if sources is None:
        return ()
    named = str(rulebook_of(sources).value("mitigation.policy"))
    return tuple((str(policy), policy == named) for policy in Policy)


def inputs_to_freeze(*, cluster_slug: str, role: str, policy: str = "") -> FrozenInputs:
    """Everything that a run rests on, as it stands now.

    Args:
        cluster_slug: of the cluster.
        role: of who asks.
        policy: of mitigation; empty for the rulebook's.

    Raises:
        BadInput: it cannot be studied; all reasons are told.
    """
    from gentie.workbench.bundle import CASE, REQUESTS
    from gentie.workbench.publication import study_rules

    reasons = start_blockers(cluster_slug=cluster_slug, role=role)
    if reasons:
        raise BadInput(reasons)
    cluster = intake.cluster_by_slug(cluster_slug)
    assert cluster is not None
    case = cluster.base_case
    sources = grid.rules_of(case)
    assert sources is not None
    rulebook = rulebook_of(sources)
    chosen = str(study_rules(rulebook, policy or None).policy)
    content = intake.study_file(cluster)
    files = {
        CASE: case.sha256,
        REQUESTS: hashlib.sha256(content).hexdigest(),
        **{f"inputs/rulebook/{name}": _sha256(source) for name, source in sources.items()},
        **{
            f"inputs/grid/{name}": _sha256(source)
            for name, source in load_grid_profile(case.name).sources.items()
        },
    }
    return FrozenInputs(
        cluster_id=cluster.pk,
        title=cluster.name,
        requests_name=REQUESTS_NAME,
        requests_content=content,
        request_count=intake.positions_in(cluster, state="in_cluster").count(),
        organisations=intake.organisations_in(cluster),
        base_case_id=case.pk,
        rulebook_version=rulebook.version,
        rulebook_digest=rulebook.digest,
        policy=chosen,
        engine_version=gentie.__version__,
        inputs_digest=inputs_digest(files, policy=chosen, engine_version=gentie.__version__),
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
