"""What every page of a study has: its study, its frame, and what the reader may see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from gentie.contexts.accounts.reads import may_see_ceii
from gentie.contexts.studies import reads
from gentie.portal.crumbs import Crumb

if TYPE_CHECKING:
    Of = Callable[..., HttpResponseBase]

TABS: tuple[tuple[str, str | Promise], ...] = (
    ("study", gettext_lazy("Summary")),
    ("constraints", gettext_lazy("Constraints")),
    ("upgrades", gettext_lazy("Upgrades")),
    ("requests", gettext_lazy("Requests and costs")),
    ("schemes", gettext_lazy("Remedial action")),
    ("assumptions", gettext_lazy("Assumptions")),
)


def of_study(view: Of) -> Of:
    """Give the view its study instead of the address; no study, no page."""

    @require_safe
    @wraps(view)
    def entered(request: HttpRequest, slug: str, **keywords: Any) -> HttpResponseBase:
        study = reads.study_by_slug(slug)
        if study is None:
            raise Http404
        return view(request, study, **keywords)

    return entered


def shown(
    request: HttpRequest,
    study: Any,
    template: str,
    tab: str,
    *,
    crumbs: Sequence[Crumb] = (),
    **context: object,
) -> HttpResponse:
    """A page of a study inside its frame: where you are, and the tabs."""
    way = [Crumb(_("Studies"), reverse("studies"))]
    words = dict(TABS)
    if tab == "study":
        way.append(Crumb(study.title))
    else:
        way.append(Crumb(study.title, reverse("study", args=[study.slug])))
        way.append(Crumb(words[tab], reverse(tab, args=[study.slug]) if crumbs else ""))
        way += crumbs
    tabs = [
        {
            "word": word,
            "address": reverse(name, args=[study.slug]),
            "is_here": name == tab,
            "current": "true" if crumbs else "page",
        }
        for name, word in TABS
    ]
    return render(
        request,
        template,
        {
            "study": study,
            "case": study.base_case,
            "crumbs": way,
            "tabs": tabs,
            "sees_all": reads.sees_all_of(study),
            **context,
        },
    )


def sees_ceii(study: Any) -> bool:
    """Whether outages, limits and flows are on the page, or a sentence instead of them."""
    return reads.sees_all_of(study) or may_see_ceii()
