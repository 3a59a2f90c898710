"""Addresses of the portal."""

from django.urls import include, path

from gentie.portal.capacity.pages import capacity, capacity_csv
from gentie.portal.guide.pages import start
from gentie.portal.studies import pages

of_a_study = [
    path("", pages.study, name="study"),
    path("constraints/", pages.constraints, name="constraints"),
    path("constraints/<int:number>/", pages.constraint, name="constraint"),
    path("upgrades/", pages.upgrades, name="upgrades"),
    path("upgrades/<int:number>/", pages.upgrade, name="upgrade"),
    path("requests/", pages.requests, name="requests"),
    path("requests/<str:name>/", pages.request_costs, name="request"),
    path("schemes/", pages.schemes, name="schemes"),
    path("assumptions/", pages.assumptions, name="assumptions"),
    path("bundle.zip", pages.bundle, name="bundle"),
]

urlpatterns = [
    path("", start, name="start"),
    path("studies/", pages.studies, name="studies"),
    path("studies/<slug:slug>/", include(of_a_study)),
    path("capacity/", capacity, name="capacity"),
    path("capacity/points.csv", capacity_csv, name="capacity_csv"),
]
