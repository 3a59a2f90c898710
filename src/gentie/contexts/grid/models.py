"""Base cases as they were published, and the capacity that was published with them.

The database shows rows of a tier only to who may see it: see migration 0003 and decision 0019.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from gentie.workbench.tables import Tier

TIERS = [(tier.value, tier.value) for tier in Tier]
SHA256 = r"^[0-9a-f]{64}$"


class BaseCase(models.Model):
    """A base case with the rules by which it is read. Published once, never changed."""

    digest = models.CharField(max_length=64, unique=True)
    """Of everything below and of every point's capacity."""
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    """Of the case file."""
    operator = models.CharField(max_length=200)
    note = models.TextField(blank=True)
    credit = models.TextField(blank=True)
    is_synthetic = models.BooleanField()
    areas = ArrayField(models.IntegerField())
    rulebook = models.CharField(max_length=100)
    rulebook_version = models.CharField(max_length=100)
    rulebook_digest = models.CharField(max_length=64)
    time_zone = models.CharField(max_length=100)
    engine_version = models.CharField(max_length=50)
    cut_off = models.FloatField()
    """Least distribution factor at which an injection counts as reaching an element."""
    minimum_kv = models.FloatField()
    emergency_multiplier = models.FloatField()
    """Limit after an outage over the normal rating, where the case gives no emergency rating."""
    tier = models.CharField(max_length=10, choices=TIERS)
    published_at = models.DateTimeField()

    class Meta:
        ordering = ("-published_at", "-id")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(digest__regex=SHA256)
                & models.Q(sha256__regex=SHA256)
                & models.Q(rulebook_digest__regex=SHA256),
                name="grid_case_digests",
            ),
            models.CheckConstraint(
                condition=models.Q(tier__in=[tier.value for tier in Tier]), name="grid_case_tier"
            ),
            models.CheckConstraint(
                condition=models.Q(cut_off__gte=0, cut_off__lt=1, emergency_multiplier__gte=1),
                name="grid_case_screening",
            ),
        )

    def __str__(self) -> str:
        """The case and its rules."""
        return f"{self.name} under {self.rulebook_version}"


class PointCapacity(models.Model):
    """What one point of interconnection can take before the first limit."""

    base_case = models.ForeignKey(BaseCase, on_delete=models.PROTECT, related_name="points")
    point = models.CharField(max_length=100)
    """Identity; it holds for this base case only."""
    bus = models.BigIntegerField()
    """Number of the bus that stands for the point."""
    bus_name = models.CharField(max_length=200, blank=True)
    kv = models.FloatField()
    area = models.IntegerField()
    owner = models.CharField(max_length=200, blank=True)
    latitude_deg = models.FloatField(null=True)
    longitude_deg = models.FloatField(null=True)
    capacity_mw = models.FloatField(null=True)
    """Blank where nothing limits."""
    limiting_element = models.CharField(max_length=200, blank=True)
    next_mw = models.FloatField(null=True)
    next_element = models.CharField(max_length=200, blank=True)
    tier = models.CharField(max_length=10, choices=TIERS)

    class Meta:
        ordering = ("bus",)
        constraints = (
            models.UniqueConstraint(fields=["base_case", "point"], name="grid_point_once"),
            models.CheckConstraint(
                condition=models.Q(capacity_mw__isnull=True) | models.Q(capacity_mw__gte=0),
                name="grid_capacity_not_negative",
            ),
            models.CheckConstraint(
                condition=models.Q(capacity_mw__isnull=True, limiting_element="")
                | models.Q(capacity_mw__isnull=False) & ~models.Q(limiting_element=""),
                name="grid_capacity_has_its_limit",
            ),
            models.CheckConstraint(
                condition=models.Q(tier__in=[tier.value for tier in Tier]), name="grid_point_tier"
            ),
        )
        indexes = (
            models.Index(fields=["base_case", "capacity_mw"], name="grid_point_by_capacity"),
        )

    def __str__(self) -> str:
        """The point and its capacity."""
        room = "no limit" if self.capacity_mw is None else f"{self.capacity_mw:g} MW"
        return f"{self.point}: {room}"


class PointContingency(models.Model):
    """The outages after which a point meets its limits; seen by who may see its tier."""

    point = models.OneToOneField(
        PointCapacity, on_delete=models.CASCADE, related_name="contingency"
    )
    outage = models.CharField(max_length=200, blank=True)
    """Blank where nothing limits."""
    next_outage = models.CharField(max_length=200, blank=True)
    tier = models.CharField(max_length=10, choices=TIERS)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(tier__in=[tier.value for tier in Tier]),
                name="grid_contingency_tier",
            ),
        )

    def __str__(self) -> str:
        """The outage."""
        return self.outage


class CaseFile(models.Model):
    """The file of a base case and the rules it was read by, so that points can be asked again."""

    base_case = models.OneToOneField(BaseCase, on_delete=models.PROTECT, related_name="file")
    source_name = models.CharField(max_length=200)
    content = models.BinaryField()
    """Of the file, compressed by gzip."""
    rulebook = models.JSONField()
    """Text of the rulebook's files by name."""
    profile = models.JSONField(default=dict)
    """Text of the profile's files by name: areas, owners with their regions, coordinates."""
    tier = models.CharField(max_length=10, choices=TIERS)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(tier__in=[tier.value for tier in Tier]), name="grid_file_tier"
            ),
        )

    def __str__(self) -> str:
        """The file's name."""
        return self.source_name


class Drawing(models.Model):
    """What the map draws of a base case: its points, or its lines."""

    base_case = models.ForeignKey(BaseCase, on_delete=models.PROTECT, related_name="drawings")
    kind = models.CharField(max_length=10)
    digest = models.CharField(max_length=64)
    """Of the content before it was compressed; it is in the address."""
    content = models.BinaryField()
    """JSON, compressed by gzip."""
    tier = models.CharField(max_length=10, choices=TIERS)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["base_case", "kind"], name="grid_drawing_once"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["points", "lines"]), name="grid_drawing_kind"
            ),
            models.CheckConstraint(
                condition=models.Q(digest__regex=SHA256), name="grid_drawing_digest"
            ),
            models.CheckConstraint(
                condition=models.Q(tier__in=[tier.value for tier in Tier]),
                name="grid_drawing_tier",
            ),
        )

    def __str__(self) -> str:
        """What it draws, and of which case."""
        return f"{self.kind} of base case {self.base_case_id}"
