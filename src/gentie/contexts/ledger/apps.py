"""Ledger: who owes what, by double entry."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """Ledger: who owes what, by double entry."""

    name = "gentie.contexts.ledger"
    label = "ledger"
