"""Questions about runs. Each is answered with the rows that the one who acts may see."""

from __future__ import annotations

from django.db.models import QuerySet

from gentie.contexts.studies.lifecycles import ACTIVE
from gentie.contexts.studies.models import Run, RunInputs, RunReason, RunStep, Study


def run_by_id(run_id: int) -> Run | None:
    """A run, with the study that it was published as."""
    return Run.objects.select_related("study", "cluster").filter(pk=run_id).first()


def runs_of(cluster_id: int) -> QuerySet[Run]:
    """Runs of a cluster's study, the latest first."""
    return Run.objects.select_related("study").filter(cluster_id=cluster_id)


def active_run(cluster_id: int) -> Run | None:
    """The run of a cluster that is not over."""
    return runs_of(cluster_id).filter(state__in=ACTIVE).first()


def latest_study_of(cluster_id: int) -> Study | None:
    """The study that was published last of a cluster's requests."""
    return (
        Study.objects.filter(runs__cluster_id=cluster_id, runs__state="done")
        .order_by("-pk")
        .first()
    )


def runs_before(run: Run) -> int:
    """Runs that a worker takes up, or has taken up, before this one, which is queued."""
    return Run.objects.filter(state__in=ACTIVE, pk__lt=run.pk).count()


def inputs_of_run(run: Run) -> RunInputs | None:
    """What a run rests on, without the requests themselves; None for who may not see it."""
    return (
        RunInputs.objects.select_related("asked_by", "base_case")
        .defer("requests_content")
        .filter(run=run)
        .first()
    )


def steps_of(run: Run) -> QuerySet[RunStep]:
    """Steps of a run in their order."""
    return RunStep.objects.filter(run=run)


def reasons_of(run: Run) -> QuerySet[RunReason]:
    """Why a run failed."""
    return RunReason.objects.filter(run=run)


def active_runs() -> list[int]:
    """Runs that are not over, the first asked for first."""
    return list(Run.objects.filter(state__in=ACTIVE).order_by("id").values_list("id", flat=True))
