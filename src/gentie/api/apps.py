"""The interface for programs: JSON under `/api/v1`, the same rows and refusals as the pages."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The templates of its reference page."""

    name = "gentie.api"
    label = "api"
