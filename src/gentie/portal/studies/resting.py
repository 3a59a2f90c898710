"""What a study rests on: the rules with their standing, and what the case lacked."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from gentie.contexts.studies import reads
from gentie.portal.listing import chosen, selection
from gentie.portal.studies.within import of_study, shown

STANDINGS: dict[str, tuple[str, str | Promise, str | Promise]] = {
    "confirmed": ("done", gettext_lazy("confirmed"), gettext_lazy("read in the primary source")),
    "quoted": ("waiting", gettext_lazy("quoted"), gettext_lazy("read where others quote it")),
    "unconfirmed": (
        "needs-you",
        gettext_lazy("unconfirmed"),
        gettext_lazy("known from practice, its source not yet read"),
    ),
    "assumption": ("draft", gettext_lazy("assumption"), gettext_lazy("our own choice")),
}
MARKS = {"confirmed": "✓", "quoted": "”", "unconfirmed": "?", "assumption": "≈"}


@of_study
def assumptions(request: HttpRequest, study: Any) -> HttpResponse:
    """What the study rests on: rules with their standing, and what the case lacked."""
    standing = chosen(request, "standing", tuple(STANDINGS))
    rules = [
        {
            **rule,
            "mark": MARKS.get(rule["standing"], ""),
            "state": STANDINGS.get(rule["standing"], ("draft", rule["standing"], ""))[0],
            "name": re.sub(r"\bkv\b", "kV", rule["key"].partition(".")[2].replace("_", " ")),
            "shown": _rule_value(rule["value"]),
        }
        for rule in study.assumptions
        if standing in {"", rule["standing"]}
    ]
    counted = Counter(rule["standing"] for rule in study.assumptions)
    return shown(
        request,
        study,
        "studies/assumptions.html",
        "assumptions",
        rules=rules,
        standings=[
            {
                "state": state,
                "word": word,
                "says": says,
                "mark": MARKS[name],
                "count": counted[name],
            }
            for name, (state, word, says) in STANDINGS.items()
        ],
        filters=[
            selection(
                "standing",
                _("Standing"),
                standing,
                [(name, words[1]) for name, words in STANDINGS.items()],
                _("any"),
            )
        ],
        fidelity=reads.fidelity_of(study),
    )


def _rule_value(value: Any) -> list[tuple[str, str]]:
    """A rule's value as pairs of a name and a figure; one pair without a name for a single one."""
    if isinstance(value, dict):
        return [(str(key).replace("_", " "), _figures(inner)) for key, inner in value.items()]
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        return [
            (
                _("from %(kv)s kV") % {"kv": f"{one['from_kv']:g}"} if "from_kv" in one else "",
                _figures({key: inner for key, inner in one.items() if key != "from_kv"}),
            )
            for one in value
        ]
    return [("", _figures(value))]


def _figures(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, float):
        return f"{value:,g}"
    if isinstance(value, dict):
        return ", ".join(
            f"{str(key).replace('_', ' ')} {_figures(inner)}"
            for key, inner in value.items()
            if inner is not None
        )
    if isinstance(value, list):
        return ", ".join(_figures(one) for one in value)
    return str(value).replace("_", " ")
