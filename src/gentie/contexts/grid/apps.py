"""Grid: base cases as published, and what each point can still take."""

from django.apps import AppConfig


class GridConfig(AppConfig):
    """Base cases and published capacity."""

    name = "gentie.contexts.grid"
    label = "grid"
