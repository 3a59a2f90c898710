"""Runs of a cluster's study: what goes in, how far it is, and which steps are kept."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from gentie.contexts.studies.lifecycles import ACTIVE, RUN, STEP_STATES

SHA256 = r"^[0-9a-f]{64}$"


class Run(models.Model):
    """A study of a cluster, asked for by an engineer and worked on by a worker.

    The operator and those whose requests are in the cluster see that it is under way and how far;
    what goes into it and its reasons are the operator's alone.
    """

    cluster = models.ForeignKey("intake.Cluster", on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=20, default=RUN.initial)
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    claim = models.IntegerField(default=0)
    """Rises whenever a worker takes the run up; only who holds the last number may write."""
    words = models.CharField(max_length=100, blank=True)
    """What is being done."""
    done = models.IntegerField(default=0)
    whole = models.IntegerField(default=0)
    """Of how much ``done`` is so much; 0 where nobody knows."""
    left_s = models.FloatField(null=True)
    """Seconds that what is known to be left takes; blank where nobody knows."""
    told_at = models.DateTimeField(null=True)
    study = models.ForeignKey(
        "studies.Study", on_delete=models.PROTECT, null=True, related_name="runs"
    )
    """That it was published as."""

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=["cluster"],
                condition=Q(state__in=ACTIVE),
                name="studies_run_one_at_a_time",
            ),
            models.CheckConstraint(condition=Q(state__in=RUN.states), name="studies_run_state"),
            models.CheckConstraint(
                condition=Q(state__in=ACTIVE, ended_at__isnull=True)
                | ~Q(state__in=ACTIVE) & Q(ended_at__isnull=False),
                name="studies_run_ended",
            ),
            models.CheckConstraint(
                condition=Q(study__isnull=True) | Q(state="done"), name="studies_run_published"
            ),
            models.CheckConstraint(
                condition=Q(done__gte=0, whole__gte=0) & (Q(whole=0) | Q(done__lte=F("whole"))),
                name="studies_run_progress",
            ),
        )

    def __str__(self) -> str:
        """Which."""
        return f"run {self.pk}"

    @property
    def is_active(self) -> bool:
        """It is not over."""
        return self.state in ACTIVE


class RunInputs(models.Model):
    """What a run rests on, frozen when it was asked for; the operator's alone."""

    run = models.OneToOneField(Run, on_delete=models.PROTECT, related_name="inputs")
    title = models.CharField(max_length=200)
    requests_name = models.CharField(max_length=200)
    requests_content = models.BinaryField()
    request_count = models.IntegerField()
    organisations = models.JSONField()
    """Whose each request is, by its number."""
    base_case = models.ForeignKey("grid.BaseCase", on_delete=models.PROTECT, related_name="+")
    rulebook_version = models.CharField(max_length=100)
    rulebook_digest = models.CharField(max_length=64)
    policy = models.CharField(max_length=50)
    engine_version = models.CharField(max_length=50)
    inputs_digest = models.CharField(max_length=64)
    """Of all of it; two studies of the same inputs share it."""
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(rulebook_digest__regex=SHA256) & Q(inputs_digest__regex=SHA256),
                name="studies_runinputs_digests",
            ),
            models.CheckConstraint(
                condition=Q(request_count__gt=0), name="studies_runinputs_has_requests"
            ),
        )

    def __str__(self) -> str:
        """Of which run."""
        return f"inputs of run {self.run_id}"


class RunStep(models.Model):
    """One step of a run; once it is done its result is kept, and it is never done again."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="steps")
    number = models.IntegerField()
    name = models.CharField(max_length=30)
    state = models.CharField(max_length=20, default="running")
    attempts = models.IntegerField(default=1)
    """How often it was begun and not put down in order."""
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    result_digest = models.CharField(max_length=64, blank=True)
    """SHA-256 of what is kept of it."""

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=["run", "number"], name="studies_runstep_once"),
            models.CheckConstraint(
                condition=Q(state__in=STEP_STATES), name="studies_runstep_state"
            ),
            models.CheckConstraint(condition=Q(attempts__gte=0), name="studies_runstep_attempts"),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(ended_at__isnull=False, result_digest__regex=SHA256),
                name="studies_runstep_kept",
            ),
        )

    def __str__(self) -> str:
        """Which, of which run."""
        return f"step {self.number} of run {self.run_id}: {self.name}"

    @property
    def seconds(self) -> float | None:
        """How long it took; None before its end."""
        if self.ended_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds()


class RunReason(models.Model):
    """Why a run failed, one sentence a row; the operator's alone."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="reasons")
    number = models.IntegerField()
    code = models.CharField(max_length=100)
    sentence = models.TextField()

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=["run", "number"], name="studies_runreason_once"),
        )

    def __str__(self) -> str:
        """The sentence."""
        return self.sentence
