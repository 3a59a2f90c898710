"""Notices: what people are told, kept."""

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    """Notices: what people are told, kept."""

    name = "gentie.contexts.notices"
    label = "notices"
