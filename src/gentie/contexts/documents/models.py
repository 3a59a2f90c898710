"""Documents: what people hand in, byte for byte. Rows say what it is; content lies in a file."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

REFERENCE = r"^[a-z][a-z_]*:[A-Za-z0-9][A-Za-z0-9._-]*$"
WORD = r"^[a-z][a-z_]*$"
SHA256 = r"^[0-9a-f]{64}$"


class Document(models.Model):
    """One version of one kind of paper about one thing. Never changed."""

    organisation = models.ForeignKey(
        "accounts.Organisation", on_delete=models.PROTECT, related_name="documents"
    )
    """Whose it is."""
    subject = models.CharField(max_length=200)
    """About which thing, as ``kind:id``."""
    kind = models.CharField(max_length=50)
    version = models.PositiveIntegerField()
    """1 for the first of its subject and kind, then rising."""
    file_name = models.CharField(max_length=150)
    media_type = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.PositiveBigIntegerField()
    stored_at = models.DateTimeField()
    by = models.CharField(max_length=200)

    class Meta:
        ordering = ("kind", "-version")
        constraints = (
            models.UniqueConstraint(
                fields=["subject", "kind", "version"], name="documents_version_once"
            ),
            models.CheckConstraint(
                condition=Q(subject__regex=REFERENCE), name="documents_subject_is_id"
            ),
            models.CheckConstraint(condition=Q(by__regex=REFERENCE), name="documents_by_is_id"),
            models.CheckConstraint(condition=Q(kind__regex=WORD), name="documents_kind_is_a_word"),
            models.CheckConstraint(condition=Q(sha256__regex=SHA256), name="documents_digest"),
            models.CheckConstraint(
                condition=Q(version__gte=1, size_bytes__gte=1), name="documents_not_empty"
            ),
            models.CheckConstraint(
                condition=~Q(file_name="") & ~Q(file_name__contains="/"),
                name="documents_file_name",
            ),
        )

    def __str__(self) -> str:
        """Kind, version and name."""
        return f"{self.kind} {self.version} of {self.subject}: {self.file_name}"
