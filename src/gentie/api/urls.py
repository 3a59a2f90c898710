"""Addresses of the interface."""

from django.urls import path

from gentie.api.reference import openapi, reference
from gentie.api.site import api

urlpatterns = [
    path("", reference, name="api_reference"),
    path("openapi.json", openapi, name="api_openapi"),
    path("", api.urls),
]
