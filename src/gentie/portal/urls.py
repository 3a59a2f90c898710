"""Addresses of the portal."""

from django.urls import path

from gentie.portal.guide.pages import start

urlpatterns = [path("", start, name="start")]
