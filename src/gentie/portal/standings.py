"""How sure we are of a rule: its standing as a state, a word and a mark."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

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
