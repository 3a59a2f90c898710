"""People, organisations and grants. The database itself decides who sees which: see migrations."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from gentie.contexts.accounts.roles import OPERATOR_ROLES, Kind, Role, Scope


class People(BaseUserManager["Person"]):
    """Finds a person by the e-mail address, however it is typed."""

    def get_by_natural_key(self, username: str | None) -> Person:
        return self.get(email=(username or "").strip().lower())


class Person(AbstractBaseUser):
    """Somebody who signs in, by e-mail address."""

    email = models.EmailField(max_length=254, unique=True)
    """In lower case, so that unique means: however it is typed."""
    name = models.CharField(max_length=200)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects: ClassVar[People] = People()

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.CheckConstraint(
                condition=Q(email=Lower("email")), name="accounts_email_in_lower_case"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="accounts_person_has_a_name"),
        )

    def __str__(self) -> str:
        """The name."""
        return self.name


class Organisation(models.Model):
    """A company, a consultant, an owner of lines, or the operator itself."""

    name = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    may_see_ceii = models.BooleanField(default=False, db_default=False)
    """Cleared for critical energy infrastructure information; the operator's roles need no word."""
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("name",)
        constraints = (
            models.CheckConstraint(
                condition=Q(kind__in=Kind.values), name="accounts_organisation_kind"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="accounts_organisation_has_a_name"),
            # One installation, one operator.
            models.UniqueConstraint(
                fields=["kind"], condition=Q(kind=Kind.OPERATOR), name="accounts_one_operator"
            ),
            # What a membership's foreign key of two columns points at.
            models.UniqueConstraint(fields=["id", "kind"], name="accounts_organisation_and_kind"),
        )

    def __str__(self) -> str:
        """The name."""
        return self.name


class Membership(models.Model):
    """What a person does for an organisation."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="memberships"
    )
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="memberships"
    )
    organisation_kind = models.CharField(max_length=20, choices=Kind.choices)
    """The same as the organisation's, by a foreign key of both columns."""
    role = models.CharField(max_length=30, choices=Role.choices)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("organisation__name", "id")
        constraints = (
            models.UniqueConstraint(
                fields=["person", "organisation"], name="accounts_membership_once"
            ),
            models.CheckConstraint(
                condition=Q(role__in=Role.values), name="accounts_membership_role"
            ),
            # An operator's role in a customer's organisation would open every row.
            models.CheckConstraint(
                condition=(Q(organisation_kind=Kind.OPERATOR) & Q(role__in=sorted(OPERATOR_ROLES)))
                | (~Q(organisation_kind=Kind.OPERATOR) & Q(role=Role.CUSTOMER)),
                name="accounts_membership_role_fits",
            ),
        )

    def __str__(self) -> str:
        """The three ids."""
        return f"person {self.person_id} is {self.role} of organisation {self.organisation_id}"


class Grant(models.Model):
    """An organisation lets another one read what it owns, or act on it."""

    owner = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="grants_given")
    receiver = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="grants_received"
    )
    scope = models.CharField(max_length=10, choices=Scope.choices)
    from_at = models.DateTimeField()
    until_at = models.DateTimeField(null=True)
    """Blank for no end; the moment itself is not included."""
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    """Blank where a program gave it."""
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-from_at", "-id")
        constraints = (
            models.CheckConstraint(
                condition=Q(scope__in=Scope.values), name="accounts_grant_scope"
            ),
            models.CheckConstraint(
                condition=~Q(owner=F("receiver")), name="accounts_grant_to_another"
            ),
            models.CheckConstraint(
                condition=Q(until_at__isnull=True) | Q(until_at__gt=F("from_at")),
                name="accounts_grant_period",
            ),
        )

    def __str__(self) -> str:
        """The two ids and the scope."""
        return f"organisation {self.owner_id} lets {self.receiver_id} {self.scope}"


class SecondFactor(models.Model):
    """The key of a person's authenticator app."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="second_factor"
    )
    secret = models.CharField(max_length=64)
    last_step = models.BigIntegerField()
    """Number of the half minute whose code was used last: no code is good twice."""
    confirmed_at = models.DateTimeField()

    def __str__(self) -> str:
        """Whose."""
        return f"second factor of person {self.person_id}"


class FailedSignIn(models.Model):
    """A sign-in that failed. Kept to make the next one wait."""

    who = models.CharField(max_length=64)
    """SHA-256 of the e-mail address that was typed, or of the network address."""
    at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=["who", "at"], name="accounts_failed_by_who"),)

    def __str__(self) -> str:
        """When."""
        return f"failed at {self.at:%Y-%m-%d %H:%M:%S}Z"


class Installation(models.Model):
    """What holds for this whole installation. One row: one installation, one operator."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    """Always 1, by a check."""
    organisation = models.OneToOneField(
        Organisation, on_delete=models.PROTECT, related_name="installation"
    )
    organisation_kind = models.CharField(max_length=20, default=Kind.OPERATOR)
    """The operator's, by a check and a foreign key of both columns."""
    note = models.TextField(blank=True)
    """What a reader must know of the operator."""
    rulebook = models.CharField(max_length=100)
    rulebook_version = models.CharField(max_length=100)
    time_zone = models.CharField(max_length=100)
    """Name in the IANA database; every clock of the process runs by it."""
    closing_hour = models.TimeField()
    """Local time at which a window closes on its last day."""
    holidays = ArrayField(models.DateField())
    """Days that are not business days, besides Saturdays and Sundays; rising."""
    currency = models.CharField(max_length=3)
    is_demonstration = models.BooleanField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(id=1), name="accounts_one_installation"),
            models.CheckConstraint(
                condition=Q(organisation_kind=Kind.OPERATOR),
                name="accounts_installation_is_the_operators",
            ),
            models.CheckConstraint(
                condition=Q(currency__regex="^[A-Z]{3}$"), name="accounts_installation_currency"
            ),
        )

    def __str__(self) -> str:
        """Whose rules, in which zone."""
        return f"{self.rulebook_version} in {self.time_zone}"


class EndedToken(models.Model):
    """A token that somebody ended before its time. Kept until it would be over anyhow."""

    token = models.CharField(max_length=64, unique=True)
    """The token's own id, not the token."""
    until = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        """Until when it is kept."""
        return f"ended token, kept until {self.until:%Y-%m-%d %H:%M:%S}Z"
