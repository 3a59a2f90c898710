"""The portal: pages for people."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Templates and static files."""

    name = "gentie.portal"
    label = "portal"
