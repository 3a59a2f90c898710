"""A published study, row by row. The bundle is the study; these rows say the same for pages.

Row security is by row, so what is private or critical energy infrastructure information (CEII) of
a thing stands in a table of its own beside what everybody may know of it: decision 0019.
"""

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
    """A study as it was published; never changed afterwards. This row is everybody's."""

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
    """What everybody may know of the bundle's summary; all of its costs are in ``in_full``."""
    assumptions = models.JSONField()
    is_shown_in_full = models.BooleanField()
    """Everybody sees every row: its grid is synthetic, and its requests are nobody's here. The row
    policies read this."""
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
            _tier_is_known("studies_study_tier"),
        )

    def __str__(self) -> str:
        """The title."""
        return self.title


class StudyInFull(models.Model):
    """What only those have of a study who see all of it: all its costs, and the bundle."""

    study = models.OneToOneField(Study, on_delete=models.CASCADE, related_name="in_full")
    cost = models.JSONField()
    """Totals and costs per kilowatt, as the bundle's summary has them."""
    bundle_place = models.CharField(max_length=200)
    """Of the zipped bundle, inside the data folder. The case file is in it."""
    tier = _tier_field()

    class Meta:
        constraints = (_tier_is_known("studies_in_full_tier"),)

    def __str__(self) -> str:
        return self.bundle_place


class Fidelity(models.Model):
    """What was dropped, defaulted or assumed when the case was read; it names elements."""

    study = models.OneToOneField(Study, on_delete=models.CASCADE, related_name="fidelity")
    findings = models.JSONField()
    tier = _tier_field()

    class Meta:
        constraints = (_tier_is_known("studies_fidelity_tier"),)

    def __str__(self) -> str:
        return f"fidelity of study {self.study_id}"


class StudiedRequest(models.Model):
    """A request of the cluster, as everybody may know it."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="requests")
    number = models.IntegerField()
    """Place in the natural order of names."""
    name = models.CharField(max_length=100)
    bus = models.BigIntegerField()
    point = models.CharField(max_length=100)
    bus_name = models.CharField(max_length=200, blank=True)
    kv = models.FloatField()
    area = models.IntegerField()
    owner = models.CharField(max_length=200, blank=True)
    """Transmission owner of the area; whose request it is, ``costs`` says."""
    technologies = models.CharField(max_length=500)
    net_mw = models.FloatField()
    deliverability = models.CharField(max_length=20)
    study_mw = models.FloatField()
    tier = _tier_field()

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=["study", "name"], name="studies_request_once"),
            models.CheckConstraint(condition=Q(net_mw__gt=0), name="studies_request_has_mw"),
            _tier_is_known("studies_request_tier"),
        )

    def __str__(self) -> str:
        """The name."""
        return self.name


class RequestCosts(models.Model):
    """Whose a request is and what it costs. What hangs on it is seen where this row is seen."""

    request = models.OneToOneField(StudiedRequest, on_delete=models.CASCADE, related_name="costs")
    organisation = models.ForeignKey(
        "accounts.Organisation", on_delete=models.PROTECT, null=True, related_name="+"
    )
    """Whose request it is; blank where nobody here filed it."""
    reliability_cost = _money_field()
    local_delivery_cost = _money_field()
    switchyard_cost = _money_field()
    own_cost = _money_field()
    total_cost = _money_field()
    cost_per_kw = models.FloatField()
    tier = _tier_field()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(
                    total_cost=F("reliability_cost")
                    + F("local_delivery_cost")
                    + F("switchyard_cost")
                    + F("own_cost")
                ),
                name="studies_costs_total_is_the_sum",
            ),
            models.CheckConstraint(
                condition=Q(
                    reliability_cost__gte=0,
                    local_delivery_cost__gte=0,
                    switchyard_cost__gte=0,
                    own_cost__gte=0,
                ),
                name="studies_costs_not_negative",
            ),
            _tier_is_known("studies_costs_tier"),
        )

    def __str__(self) -> str:
        return f"costs of request {self.request_id}"


class Upgrade(models.Model):
    """Something to be built."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="upgrades")
    number = models.IntegerField()
    """Place in the order in which the study called for it; it names the page."""
    identity = models.CharField(max_length=300)
    kind = models.CharField(max_length=100)
    cost_class = models.CharField(max_length=100)
    element = models.CharField(max_length=200, blank=True)
    point = models.CharField(max_length=100, blank=True)
    kv = models.FloatField(null=True)
    payers = models.IntegerField()
    tier = _tier_field()

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=["study", "identity"], name="studies_upgrade_once"),
            models.UniqueConstraint(fields=["study", "number"], name="studies_upgrade_number"),
            _tier_is_known("studies_upgrade_tier"),
        )

    def __str__(self) -> str:
        """The identity."""
        return self.identity


class UpgradeCost(models.Model):
    """What an upgrade is estimated to cost; who pays some of it checks the share with this."""

    upgrade = models.OneToOneField(Upgrade, on_delete=models.CASCADE, related_name="estimate")
    cost = _money_field()
    miles = models.FloatField(null=True)
    """Of line: with the rulebook's unit costs they tell the cost."""
    tier = _tier_field()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(cost__gte=0), name="studies_estimate_cost"),
            _tier_is_known("studies_estimate_tier"),
        )

    def __str__(self) -> str:
        return f"{self.cost} for upgrade {self.upgrade_id}"


class UpgradeReason(models.Model):
    """Under which outage an upgrade was called for, and the ratings that it changes."""

    upgrade = models.OneToOneField(Upgrade, on_delete=models.CASCADE, related_name="reason")
    called_for_by = models.CharField(max_length=500, blank=True)
    """Identity of the constraint under which it was called for."""
    loading_percent = models.FloatField(null=True)
    rating_before_mva = models.FloatField(null=True)
    rating_after_mva = models.FloatField(null=True)
    tier = _tier_field()

    class Meta:
        constraints = (_tier_is_known("studies_reason_tier"),)

    def __str__(self) -> str:
        return self.called_for_by


class Constraint(models.Model):
    """An element that the cluster overloads; under which outage, ``contingency`` says."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="constraints")
    number = models.IntegerField()
    """Place in the bundle's table; it names the page."""
    condition = models.CharField(max_length=50)
    element = models.CharField(max_length=200)
    from_name = models.CharField(max_length=200, blank=True)
    to_name = models.CharField(max_length=200, blank=True)
    kv = models.FloatField()
    before_percent = models.FloatField()
    with_percent = models.FloatField()
    after_percent = models.FloatField()
    arose_from_upgrades = models.BooleanField()
    treatment = models.CharField(max_length=100)
    basis = models.CharField(max_length=50)
    request_count = models.IntegerField()
    upgrades = models.ManyToManyField(Upgrade, related_name="constraints")
    tier = _tier_field()

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=["study", "number"], name="studies_constraint_number"),
            _tier_is_known("studies_constraint_tier"),
        )

    def __str__(self) -> str:
        """The element and the condition."""
        return f"{self.element} ({self.condition})"


class ConstraintContingency(models.Model):
    """The outage that overloads an element most, and the limit that then applies."""

    constraint = models.OneToOneField(
        Constraint, on_delete=models.CASCADE, related_name="contingency"
    )
    identity = models.CharField(max_length=500)
    """The constraint's in the bundle: element, outage, direction and condition."""
    outage = models.CharField(max_length=200)
    limit_mw = models.FloatField()
    outages = models.IntegerField()
    """How many overload it, the base case counting as one."""
    tier = _tier_field()

    class Meta:
        constraints = (_tier_is_known("studies_contingency_tier"),)

    def __str__(self) -> str:
        return self.identity


class ConstraintRequest(models.Model):
    """How much of a constraint is one request's; in MW, since percent would tell the limit."""

    constraint = models.ForeignKey(Constraint, on_delete=models.CASCADE, related_name="shares")
    request = models.ForeignKey(StudiedRequest, on_delete=models.CASCADE, related_name="reaches")
    distribution_factor = models.FloatField()
    impact_mw = models.FloatField()
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
    """A remedial action scheme. Which requests it trips is theirs to know; the MW are their sum."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="schemes")
    number = models.IntegerField()
    requests = models.ManyToManyField(StudiedRequest, related_name="schemes")
    tier = _tier_field()

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=["study", "number"], name="studies_scheme_number"),
            _tier_is_known("studies_scheme_tier"),
        )

    def __str__(self) -> str:
        """Its number."""
        return f"scheme {self.number}"


class SchemeContingency(models.Model):
    """The outage that sets a scheme off, and the elements that it protects."""

    scheme = models.OneToOneField(Scheme, on_delete=models.CASCADE, related_name="contingency")
    outage = models.CharField(max_length=200)
    elements = ArrayField(models.CharField(max_length=200))
    tier = _tier_field()

    class Meta:
        constraints = (_tier_is_known("studies_scheme_outage_tier"),)

    def __str__(self) -> str:
        return self.outage


class LedgerRow(models.Model):
    """What one request owes of one upgrade, and the arithmetic."""

    upgrade = models.ForeignKey(Upgrade, on_delete=models.CASCADE, related_name="ledger")
    request = models.ForeignKey(StudiedRequest, on_delete=models.CASCADE, related_name="ledger")
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
