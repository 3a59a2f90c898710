"""Guide: what connecting means, in plain words, and how to find it."""

from django.apps import AppConfig


class GuideConfig(AppConfig):
    """Guide: what connecting means, in plain words, and how to find it."""

    name = "gentie.contexts.guide"
    label = "guide"
