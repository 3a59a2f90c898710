"""A published study, row by row. The bundle is the study; these rows say the same for pages."""

from __future__ import annotations

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from gentie.contexts.studies.run_models import Run, RunInputs, RunReason, RunStep
from gentie.workbench.tables import Tier

__all__ = [
    "Constraint",
    "ConstraintRequest",
    "LedgerRow",
    "Picture",
    "Run",
    "RunInputs",
    "RunReason",
    "RunStep",
    "Scheme",
    "StudiedRequest",
    "Study",
    "Upgrade",
]

TIERS = [(tier.value, tier.value) for tier in Tier]
SHA256 = r"^[0-9a-f]{64}$"


def _tier_field() -> models.CharField[str, str]:
    return models.CharField(max_length=10, choices=TIERS)


def _money_field() -> models.DecimalField[Decimal, Decimal]:
    return models.DecimalField(max_digits=16, decimal_places=2)


def _tier_is_known(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Q(tier__in=[tier.value for tier in Tier]), name=name)


class Study(models.Model):
    """A study as it was published; never changed afterwards."""

    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=200)
    bundle_digest = models.CharField(max_length=64, unique=True)
    """SHA-256 of the bundle's manifest, which stands for the whole bundle."""
    inputs_digest = models.CharField(max_length=64, db_index=True)
    """Of everything that went in, the engine's version included."""
    base_case = models.ForeignKey("grid.BaseCase", on_delete=models.PROTECT, related_name="+")
    rulebook_version = models.CharField(max_length=100)
    rulebook_digest = models.CharField(max_length=64)
    engine_version = models.CharField(max_length=50)
    policy = models.CharField(max_length=50)
    currency = models.CharField(max_length=3)
    summary = models.JSONField()
    assumptions = models.JSONField()
    fidelity = models.JSONField()
    """What was dropped, defaulted or assumed when the case was read."""
    bundle_place = models.CharField(max_length=200)
    """Of the zipped bundle, inside the data folder."""
    is_shown_in_full = models.BooleanField()
    """Everybody sees every row: its grid is synthetic. The row policies read this."""
    tier = _tier_field()
    published_at = models.DateTimeField()

    class Meta:
        ordering = ("-published_at", "-id")
        constraints = (
            models.CheckConstraint(
                condition=Q(bundle_digest__regex=SHA256)
                & Q(inputs_digest__regex=SHA256)
                & Q(rulebook_digest__regex=SHA256),
                name="studies_study_digests",
            ),
            # What the foreign key of two columns of a request points at.
            models.UniqueConstraint(fields=["id", "is_shown_in_full"], name="studies_study_shown"),
            _tier_is_known("studies_study_tier"),
        )

    def __str__(self) -> str:
        """The title."""
        return self.title


class StudiedRequest(models.Model):
    """A request of the cluster with its costs."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="requests")
    is_shown_in_full = models.BooleanField()
    """The same as the study's, by a foreign key of both columns."""
    organisation = models.ForeignKey(
        "accounts.Organisation", on_delete=models.PROTECT, null=True, related_name="+"
    )
    """Whose request it is; blank where nobody here filed it."""
    number = models.IntegerField()
    """Place in the natural order of names."""
    name = models.CharField(max_length=100)
    bus = models.BigIntegerField()
    point = models.CharField(max_length=100)
    bus_name = models.CharField(max_length=200, blank=True)
    kv = models.FloatField()
    area = models.IntegerField()
    owner = models.CharField(max_length=200, blank=True)
    technologies = models.CharField(max_length=500)
    net_mw = models.FloatField()
    deliverability = models.CharField(max_length=20)
    study_mw = models.FloatField()
    reliability_cost = _money_field()
    local_delivery_cost = _money_field()
    switchyard_cost = _money_field()
    own_cost = _money_field()
    total_cost = _money_field()
    cost_per_kw = models.FloatField()
    tier = _tier_field()

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=["study", "name"], name="studies_request_once"),
            models.CheckConstraint(
                condition=Q(
                    total_cost=F("reliability_cost")
                    + F("local_delivery_cost")
                    + F("switchyard_cost")
                    + F("own_cost")
                ),
                name="studies_request_total_is_the_sum",
            ),
            models.CheckConstraint(
                condition=Q(
                    reliability_cost__gte=0,
                    local_delivery_cost__gte=0,
                    switchyard_cost__gte=0,
                    own_cost__gte=0,
                ),
                name="studies_request_costs_not_negative",
            ),
            models.CheckConstraint(condition=Q(net_mw__gt=0), name="studies_request_has_mw"),
            _tier_is_known("studies_request_tier"),
        )

    def __str__(self) -> str:
        """The name."""
        return self.name


class Upgrade(models.Model):
    """Something to be built, with its estimate."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="upgrades")
    number = models.IntegerField()
    """Place in the order in which the study called for it; it names the page."""
    identity = models.CharField(max_length=300)
    kind = models.CharField(max_length=100)
    cost_class = models.CharField(max_length=100)
    element = models.CharField(max_length=200, blank=True)
    point = models.CharField(max_length=100, blank=True)
    called_for_by = models.CharField(max_length=500, blank=True)
    """Identity of the constraint under which it was called for."""
    loading_percent = models.FloatField(null=True)
    kv = models.FloatField(null=True)
    miles = models.FloatField(null=True)
    rating_before_mva = models.FloatField(null=True)
    rating_after_mva = models.FloatField(null=True)
    cost = _money_field()
    payers = models.IntegerField()
    tier = _tier_field()

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=["study", "identity"], name="studies_upgrade_once"),
            models.UniqueConstraint(fields=["study", "number"], name="studies_upgrade_number"),
            models.CheckConstraint(condition=Q(cost__gte=0), name="studies_upgrade_cost"),
            _tier_is_known("studies_upgrade_tier"),
        )

    def __str__(self) -> str:
        """The identity."""
        return self.identity


class Constraint(models.Model):
    """An element that the cluster overloads, with the outage that does it most."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="constraints")
    number = models.IntegerField()
    """Place in the bundle's table; it names the page."""
    identity = models.CharField(max_length=500)
    condition = models.CharField(max_length=50)
    element = models.CharField(max_length=200)
    outage = models.CharField(max_length=200)
    from_name = models.CharField(max_length=200, blank=True)
    to_name = models.CharField(max_length=200, blank=True)
    kv = models.FloatField()
    limit_mw = models.FloatField()
    before_percent = models.FloatField()
    with_percent = models.FloatField()
    after_percent = models.FloatField()
    outages = models.IntegerField()
    arose_from_upgrades = models.BooleanField()
    treatment = models.CharField(max_length=100)
    basis = models.CharField(max_length=50)
    request_count = models.IntegerField()
    upgrades = models.ManyToManyField(Upgrade, related_name="constraints")
    tier = _tier_field()

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=["study", "identity"], name="studies_constraint_once"),
            models.UniqueConstraint(fields=["study", "number"], name="studies_constraint_number"),
            _tier_is_known("studies_constraint_tier"),
        )

    def __str__(self) -> str:
        """The identity."""
        return self.identity


class ConstraintRequest(models.Model):
    """How much of a constraint is one request's."""

    constraint = models.ForeignKey(Constraint, on_delete=models.CASCADE, related_name="shares")
    request = models.ForeignKey(StudiedRequest, on_delete=models.CASCADE, related_name="reaches")
    distribution_factor = models.FloatField()
    impact_mw = models.FloatField()
    impact_percent = models.FloatField()
    tier = _tier_field()

    class Meta:
        ordering = ("constraint_id", "request_id")
        constraints = (
            models.UniqueConstraint(
                fields=["constraint", "request"], name="studies_constraint_request_once"
            ),
            _tier_is_known("studies_constraint_request_tier"),
        )

    def __str__(self) -> str:
        """The two and the MW."""
        return f"{self.request_id} on {self.constraint_id}: {self.impact_mw:g} MW"


class Picture(models.Model):
    """The data of the network picture of one constraint."""

    constraint = models.OneToOneField(Constraint, on_delete=models.CASCADE, related_name="picture")
    content = models.JSONField()
    tier = _tier_field()

    class Meta:
        constraints = (_tier_is_known("studies_picture_tier"),)

    def __str__(self) -> str:
        """What it is of."""
        return f"picture of {self.constraint_id}"


class Scheme(models.Model):
    """A remedial action scheme: which requests an outage trips."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="schemes")
    number = models.IntegerField()
    outage = models.CharField(max_length=200)
    tripped_mw = models.FloatField()
    elements = ArrayField(models.CharField(max_length=200))
    requests = models.ManyToManyField(StudiedRequest, related_name="schemes")
    tier = _tier_field()

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=["study", "number"], name="studies_scheme_number"),
            models.CheckConstraint(condition=Q(tripped_mw__gte=0), name="studies_scheme_mw"),
            _tier_is_known("studies_scheme_tier"),
        )

    def __str__(self) -> str:
        """The outage and the MW."""
        return f"{self.outage}: {self.tripped_mw:g} MW"


class LedgerRow(models.Model):
    """What one request owes of one upgrade, and the arithmetic."""

    upgrade = models.ForeignKey(Upgrade, on_delete=models.CASCADE, related_name="ledger")
    request = models.ForeignKey(StudiedRequest, on_delete=models.CASCADE, related_name="ledger")
    called_for_by = models.CharField(max_length=500, blank=True)
    basis = models.CharField(max_length=50)
    distribution_factor = models.FloatField()
    mw = models.FloatField()
    impact_mw = models.FloatField()
    impact_sum_mw = models.FloatField()
    share = models.DecimalField(max_digits=10, decimal_places=9)
    amount = _money_field()
    tier = _tier_field()

    class Meta:
        ordering = ("upgrade_id", "request_id")
        constraints = (
            models.UniqueConstraint(fields=["upgrade", "request"], name="studies_ledger_once"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="studies_ledger_amount"),
            models.CheckConstraint(
                condition=Q(share__gte=0, share__lte=1), name="studies_ledger_share"
            ),
            _tier_is_known("studies_ledger_tier"),
        )

    def __str__(self) -> str:
        """The two and the amount."""
        return f"{self.request_id} owes {self.amount} of {self.upgrade_id}"
