"""Addresses of the portal."""

from django.urls import include, path

from gentie.portal.accounts import pages as accounts
from gentie.portal.capacity.map import capacity_drawing, capacity_map
from gentie.portal.capacity.pages import capacity, capacity_csv
from gentie.portal.capacity.points import capacity_figures, capacity_panel, capacity_point
from gentie.portal.capacity.still import capacity_still
from gentie.portal.documents.pages import document
from gentie.portal.guide.pages import guide, guide_page, rules, start
from gentie.portal.intake import clusters
from gentie.portal.intake import pages as intake
from gentie.portal.notices.pages import notices, notices_read
from gentie.portal.search.pages import search
from gentie.portal.studies import building, limits, pages, paying, resting, run_pages

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

of_a_project = [
    path("", intake.project, name="project"),
    path("answers/", intake.project_answers, name="project_answers"),
    path("point/", intake.project_point, name="project_point"),
    path("evidence/", intake.project_evidence, name="project_evidence"),
    path("payment/", intake.project_payment, name="project_payment"),
    path("submit/", intake.project_submit, name="project_submit"),
    path("discard/", intake.project_discard, name="project_discard"),
    path("withdraw/", intake.project_withdraw, name="project_withdraw"),
]

of_a_cluster = [
    path("", clusters.cluster, name="cluster"),
    path("positions/", clusters.cluster_positions, name="cluster_positions"),
    path("window/", clusters.cluster_window, name="cluster_window"),
]

run_of_a_cluster = [
    path("", run_pages.cluster_run, name="cluster_run"),
    path("start/", run_pages.cluster_run_start, name="cluster_run_start"),
    path("cancel/", run_pages.cluster_run_cancel, name="cluster_run_cancel"),
    path("progress.json", run_pages.cluster_run_progress, name="cluster_run_progress"),
]

urlpatterns = [
    path("", start, name="start"),
    path("search/", search, name="search"),
    path("guide/", guide, name="guide"),
    path("guide/<slug:slug>/", guide_page, name="guide_page"),
    path("rules/", rules, name="rules"),
    path("sign-in/", accounts.sign_in, name="sign_in"),
    path("sign-in/code/", accounts.second_factor, name="second_factor"),
    path("sign-in/second-factor/", accounts.second_factor_new, name="second_factor_new"),
    path("sign-out/", accounts.sign_out, name="sign_out"),
    path("account/", accounts.account, name="account"),
    path("account/organisation/", accounts.account_organisation, name="account_organisation"),
    path("people/", accounts.people, name="people"),
    path("projects/", intake.projects, name="projects"),
    path("projects/new/", intake.project_new, name="project_new"),
    path("projects/<int:request_id>/", include(of_a_project)),
    path("clusters/", clusters.clusters, name="clusters"),
    path("clusters/<slug:slug>/", include(of_a_cluster)),
    path("notices/", notices, name="notices"),
    path("notices/read/", notices_read, name="notices_read"),
    path("documents/<int:document_id>/", document, name="document"),
    path("people/ceii/", accounts.people_ceii, name="people_ceii"),
    path("studies/", pages.studies, name="studies"),
    path("studies/<slug:slug>/", include(of_a_study)),
    path("clusters/<slug:slug>/run/", include(run_of_a_cluster)),
    path("capacity/", capacity, name="capacity"),
    path("capacity/points.csv", capacity_csv, name="capacity_csv"),
    path("capacity/map/", capacity_map, name="capacity_map"),
    path("capacity/map/<slug:kind>-<slug:digest>.json", capacity_drawing, name="capacity_drawing"),
    path(
        "capacity/map/still-<slug:points>.<slug:lines>.svg", capacity_still, name="capacity_still"
    ),
    path("capacity/points/<int:bus>/", capacity_point, name="capacity_point"),
    path("capacity/points/<int:bus>/panel/", capacity_panel, name="capacity_panel"),
    path("capacity/points/<int:bus>/figures.json", capacity_figures, name="capacity_figures"),
]
