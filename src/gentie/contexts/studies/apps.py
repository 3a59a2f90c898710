"""Studies: what a published study says, row by row."""

from django.apps import AppConfig


class StudiesConfig(AppConfig):
    """Published studies and their results."""

    name = "gentie.contexts.studies"
    label = "studies"
