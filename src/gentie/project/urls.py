"""Every address of the service; who may enter each stands in doors.py."""

from django.urls import include, path

handler403 = "gentie.project.refusals.not_allowed"
handler404 = "gentie.project.refusals.nothing_there"
handler500 = "gentie.project.refusals.failed"

urlpatterns = [
    path("api/v1/", include("gentie.api.urls")),
    path("", include("gentie.portal.urls")),
]
