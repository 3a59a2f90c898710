"""Requests from the first draft to their place in a cluster. Who sees which: see the migrations."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from gentie.contexts.intake.lifecycles import CLUSTER, POSITION, REQUEST


def _state_is_known(states: tuple[str, ...], name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Q(state__in=states), name=name)


class Cluster(models.Model):
    """A window in which requests are filed that are studied together."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=100, unique=True)
    mark = models.CharField(max_length=10, unique=True)
    """What the numbers of its requests begin with."""
    state = models.CharField(max_length=20, default=CLUSTER.initial)
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    base_case = models.ForeignKey("grid.BaseCase", on_delete=models.PROTECT, related_name="+")
    """On which its requests choose their points, and on which they are studied."""
    rulebook = models.CharField(max_length=100)
    rulebook_version = models.CharField(max_length=100)
    rulebook_digest = models.CharField(max_length=64)
    rulebook_files = models.JSONField()
    """Text of the rulebook's files by name: the rules that its requests are filed under, for good."""

    class Meta:
        ordering = ("-opens_at", "-id")
        constraints = (
            models.CheckConstraint(
                condition=Q(closes_at__gt=F("opens_at")), name="intake_cluster_window"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="intake_cluster_has_a_name"),
            models.CheckConstraint(
                condition=Q(mark__regex=r"^[A-Z0-9]+$"), name="intake_cluster_mark"
            ),
            _state_is_known(CLUSTER.states, "intake_cluster_state"),
        )

    def __str__(self) -> str:
        """The name."""
        return self.name


class Request(models.Model):
    """What an organisation wants to connect, as it fills it in; private to it and the operator."""

    organisation = models.ForeignKey(
        "accounts.Organisation", on_delete=models.PROTECT, related_name="+"
    )
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="drafts")
    """In whose window it is filed."""
    state = models.CharField(max_length=20, default=REQUEST.initial)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    made_at = models.DateTimeField()

    class Meta:
        ordering = ("-made_at", "-id")
        constraints = (_state_is_known(REQUEST.states, "intake_request_state"),)

    def __str__(self) -> str:
        """Which."""
        return f"request {self.pk}"


class Answer(models.Model):
    """What stands in one field of a request, as it was typed."""

    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="answers")
    field = models.CharField(max_length=60)
    text = models.CharField(max_length=2000, blank=True)
    revision = models.IntegerField()
    """Rises by one with every change: who saves says on which one it rests."""
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        ordering = ("field",)
        constraints = (
            models.UniqueConstraint(fields=["request", "field"], name="intake_answer_once"),
            models.CheckConstraint(condition=Q(revision__gte=1), name="intake_answer_revision"),
        )

    def __str__(self) -> str:
        """Which."""
        return f"{self.field} of request {self.request_id}, revision {self.revision}"


class Typed(models.Model):
    """Everything that was ever typed into a field, kept: also what another's words were kept over."""

    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="typed")
    field = models.CharField(max_length=60)
    text = models.CharField(max_length=2000, blank=True)
    revision = models.IntegerField()
    """That it became; 0 where somebody else had written in the meantime and it became none."""
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=["request", "field"], name="intake_typed_by_field"),)

    def __str__(self) -> str:
        """Which."""
        return f"{self.field} of request {self.request_id} at {self.at:%Y-%m-%d %H:%M:%S}Z"


class Filing(models.Model):
    """A request as it was filed: pinned to operator, cluster and rules, and never changed."""

    request = models.OneToOneField(Request, on_delete=models.PROTECT, related_name="filing")
    operator = models.ForeignKey(
        "accounts.Organisation", on_delete=models.PROTECT, related_name="+"
    )
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="+")
    rulebook_version = models.CharField(max_length=100)
    project = models.CharField(max_length=100)
    answers = models.JSONField()
    """Text of every field that was asked."""
    application_fee = models.DecimalField(max_digits=16, decimal_places=2)
    study_deposit = models.DecimalField(max_digits=16, decimal_places=2)
    site_deposit = models.DecimalField(max_digits=16, decimal_places=2)
    currency = models.CharField(max_length=3)
    filed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    filed_at = models.DateTimeField()

    class Meta:
        ordering = ("-filed_at", "-id")
        constraints = (
            models.CheckConstraint(
                condition=Q(application_fee__gte=0, study_deposit__gte=0, site_deposit__gte=0),
                name="intake_filing_money",
            ),
        )

    def __str__(self) -> str:
        """The project."""
        return self.project

    @property
    def due(self) -> Decimal:
        """Fee and deposits together."""
        return self.application_fee + self.study_deposit + self.site_deposit


class QueuePosition(models.Model):
    """What everybody may know of a request that was filed."""

    request = models.OneToOneField(Request, on_delete=models.PROTECT, related_name="position")
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="positions")
    number = models.CharField(max_length=20, unique=True)
    state = models.CharField(max_length=20, default=POSITION.initial)
    bus = models.BigIntegerField()
    point = models.CharField(max_length=100)
    bus_name = models.CharField(max_length=200, blank=True)
    kv = models.FloatField()
    owner = models.CharField(max_length=200, blank=True)
    """Transmission owner at the point."""
    technologies = ArrayField(models.CharField(max_length=40))
    technology_mw = ArrayField(models.FloatField())
    technology_mwh = ArrayField(models.FloatField(null=True))
    net_mw = models.FloatField()
    deliverability = models.CharField(max_length=20)
    commercial_operation = models.DateField()
    filed_at = models.DateTimeField()

    class Meta:
        ordering = ("number",)
        constraints = (
            models.CheckConstraint(condition=Q(net_mw__gt=0), name="intake_position_has_mw"),
            _state_is_known(POSITION.states, "intake_position_state"),
        )

    def __str__(self) -> str:
        """The number."""
        return self.number
