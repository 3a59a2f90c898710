"""Accounts: people, organisations, and who may read or act for whom."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People, organisations, memberships and grants."""

    name = "gentie.contexts.accounts"
    label = "accounts"
