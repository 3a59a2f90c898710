"""Roles and kinds of organisation: words that a row, a policy and a door share."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    """What a person does for an organisation."""

    CUSTOMER = "interconnection_customer", _("Interconnection customer")
    SPECIALIST = "interconnection_specialist", _("Interconnection specialist")
    ENGINEER = "planning_engineer", _("Planning engineer")
    ADMINISTRATOR = "administrator", _("Administrator")


class Kind(TextChoices):
    """What an organisation is to the operator."""

    OPERATOR = "operator", _("Operator")
    CUSTOMER = "customer", _("Customer")
    CONSULTANT = "consultant", _("Consultant")
    TRANSMISSION_OWNER = "transmission_owner", _("Transmission owner")


class Scope(TextChoices):
    """What a grant gives."""

    READ = "read", _("Read")
    ACT = "act", _("Read and act")


OPERATOR_ROLES = frozenset({Role.SPECIALIST, Role.ENGINEER, Role.ADMINISTRATOR})
"""Roles that only people of the operator have; they see all rows, and need a second factor."""

PROGRAM = "program"
"""The role of the service's own work: publishing the demonstration, checking a password."""
