"""Addresses of the portal."""

from django.urls import include, path

from gentie.portal.accounts import pages as accounts
from gentie.portal.capacity.map import capacity_drawing, capacity_map
from gentie.portal.capacity.pages import capacity, capacity_csv
from gentie.portal.capacity.points import capacity_figures, capacity_panel, capacity_point
from gentie.portal.guide.pages import start
from gentie.portal.studies import building, limits, pages, paying, resting

of_a_study = [
    path("", pages.study, name="study"),
    path("constraints/", limits.constraints, name="constraints"),
    path("constraints/<int:number>/", limits.constraint, name="constraint"),
    path("upgrades/", building.upgrades, name="upgrades"),
    path("upgrades/<int:number>/", building.upgrade, name="upgrade"),
    path("requests/", paying.requests, name="requests"),
    path("requests/<str:name>/", paying.request_costs, name="request"),
    path("schemes/", pages.schemes, name="schemes"),
    path("assumptions/", resting.assumptions, name="assumptions"),
    path("bundle.zip", pages.bundle, name="bundle"),
]

urlpatterns = [
    path("", start, name="start"),
    path("sign-in/", accounts.sign_in, name="sign_in"),
    path("sign-in/code/", accounts.second_factor, name="second_factor"),
    path("sign-in/second-factor/", accounts.second_factor_new, name="second_factor_new"),
    path("sign-out/", accounts.sign_out, name="sign_out"),
    path("account/", accounts.account, name="account"),
    path("account/organisation/", accounts.account_organisation, name="account_organisation"),
    path("people/", accounts.people, name="people"),
    path("people/ceii/", accounts.people_ceii, name="people_ceii"),
    path("studies/", pages.studies, name="studies"),
    path("studies/<slug:slug>/", include(of_a_study)),
    path("capacity/", capacity, name="capacity"),
    path("capacity/points.csv", capacity_csv, name="capacity_csv"),
    path("capacity/map/", capacity_map, name="capacity_map"),
    path("capacity/map/<slug:kind>-<slug:digest>.json", capacity_drawing, name="capacity_drawing"),
    path("capacity/points/<int:bus>/", capacity_point, name="capacity_point"),
    path("capacity/points/<int:bus>/panel/", capacity_panel, name="capacity_panel"),
    path("capacity/points/<int:bus>/figures.json", capacity_figures, name="capacity_figures"),
]
