"""Ledger: who owes what, by double entry."""
