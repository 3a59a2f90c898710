"""The audit's rows. The database itself numbers, chains and protects them: see the migration."""

from __future__ import annotations

from django.db import models

# What an entry may speak of: a kind and an id, never a name or an address of a person.
REFERENCE = r"^[a-z][a-z_]*:[A-Za-z0-9][A-Za-z0-9._-]*$"
ACTION = r"^[a-z][a-z_]*(\.[a-z][a-z_]*)+$"


class Entry(models.Model):
    """One thing that was done. Written by :func:`gentie.contexts.audit.actions.record` alone."""

    number = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    by = models.CharField(max_length=200)
    action = models.CharField(max_length=200)
    subject = models.CharField(max_length=200)
    previous = models.CharField(max_length=64, unique=True)
    digest = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ("number",)
        constraints = (
            models.CheckConstraint(condition=models.Q(by__regex=REFERENCE), name="audit_by_is_id"),
            models.CheckConstraint(
                condition=models.Q(subject__regex=REFERENCE), name="audit_subject_is_id"
            ),
            models.CheckConstraint(
                condition=models.Q(action__regex=ACTION), name="audit_action_is_dotted"
            ),
        )

    def __str__(self) -> str:
        """The entry in one line."""
        return f"{self.number} {self.at:%Y-%m-%d %H:%M:%S}Z {self.by} {self.action} {self.subject}"
