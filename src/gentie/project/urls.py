"""Every address of the service; who may enter each stands in doors.py."""

from django.urls import include, path

urlpatterns = [path("", include("gentie.portal.urls"))]
