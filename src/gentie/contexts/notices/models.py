"""Notices: what people are told, kept as it was said. Only when it was read is added."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

# Kind and id, and a dotted word, as in the audit.
REFERENCE = r"^[a-z][a-z_]*:[A-Za-z0-9][A-Za-z0-9._-]*$"
CODE = r"^[a-z][a-z_]*(\.[a-z][a-z_]*)+$"
ADDRESS = r"^/([^/\\].*)?$"
"""A path of this service: ``//`` would lead to another one."""


class Notice(models.Model):
    """One thing that an organisation, or one person of it, was told."""

    organisation = models.ForeignKey(
        "accounts.Organisation", on_delete=models.PROTECT, related_name="notices"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="notices"
    )
    """Blank where it is for everybody of the organisation."""
    code = models.CharField(max_length=200)
    subject = models.CharField(max_length=200)
    title = models.CharField(max_length=200)
    body = models.TextField()
    address = models.CharField(max_length=500)
    """Path of the page that it leads to."""
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(
                condition=Q(subject__regex=REFERENCE), name="notices_subject_is_id"
            ),
            models.CheckConstraint(condition=Q(code__regex=CODE), name="notices_code_is_dotted"),
            models.CheckConstraint(condition=~Q(title=""), name="notices_has_a_title"),
            models.CheckConstraint(
                condition=Q(address__regex=ADDRESS), name="notices_address_is_ours"
            ),
        )
        indexes = (
            models.Index(fields=["organisation"], condition=Q(read_at=None), name="notices_unread"),
        )

    def __str__(self) -> str:
        """What it is about."""
        return f"{self.code} to organisation {self.organisation_id}"
