"""Audit: who did what to which thing, when."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The append-only log."""

    name = "gentie.contexts.audit"
    label = "audit"
