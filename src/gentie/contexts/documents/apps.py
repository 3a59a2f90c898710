"""Documents: what people hand in, byte for byte."""

from django.apps import AppConfig


class DocumentsConfig(AppConfig):
    """Documents: what people hand in, byte for byte."""

    name = "gentie.contexts.documents"
    label = "documents"
