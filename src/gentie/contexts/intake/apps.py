"""Intake: requests from the first draft to their place in a cluster."""

from django.apps import AppConfig


class IntakeConfig(AppConfig):
    """Intake: requests from the first draft to their place in a cluster."""

    name = "gentie.contexts.intake"
    label = "intake"
