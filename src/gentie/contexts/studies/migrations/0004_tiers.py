"""What is private or CEII of a study moves into tables of its own: decision 0019.

Row security is by row, and what stays in the old tables is everybody's. The statements stand in
`_0004_tiers_sql`, which is no migration: its name begins with an underscore.
"""

from importlib import import_module
from typing import Any

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

sql = import_module(f"{__package__}._0004_tiers_sql")

TIERS = ["public", "private", "ceii"]
MONEY = ("reliability_cost", "local_delivery_cost", "switchyard_cost", "own_cost", "total_cost")


def beside(name: str, of: str, related_name: str, tier_name: str, **fields: Any) -> Any:
    """A table of which each row stands beside one row of another table."""
    checks = fields.pop("checks", [])
    tier = models.CharField(max_length=10, choices=[(tier, tier) for tier in TIERS])
    return migrations.CreateModel(
        name,
        [
            (
                "id",
                models.BigAutoField(
                    auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                ),
            ),
            *fields.items(),
            ("tier", tier),
            (
                of,
                models.OneToOneField(
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name=related_name,
                    to=f"studies.{'studiedrequest' if of == 'request' else of}",
                ),
            ),
        ],
        options={
            "constraints": [
                *checks,
                models.CheckConstraint(condition=Q(tier__in=TIERS), name=tier_name),
            ]
        },
    )


def money() -> Any:
    return models.DecimalField(max_digits=16, decimal_places=2)


class Migration(migrations.Migration):
    dependencies = [("studies", "0003_tenancy"), ("accounts", "0003_ceii")]
    operations = [
        beside(
            "StudyInFull",
            "study",
            "in_full",
            "studies_in_full_tier",
            cost=models.JSONField(),
            bundle_place=models.CharField(max_length=200),
        ),
        beside(
            "Fidelity", "study", "fidelity", "studies_fidelity_tier", findings=models.JSONField()
        ),
        beside(
            "RequestCosts",
            "request",
            "costs",
            "studies_costs_tier",
            organisation=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.organisation",
            ),
            **{name: money() for name in MONEY},
            cost_per_kw=models.FloatField(),
            checks=[
                models.CheckConstraint(
                    condition=Q(
                        total_cost=F("reliability_cost")
                        + F("local_delivery_cost")
                        + F("switchyard_cost")
                        + F("own_cost")
                    ),
                    name="studies_costs_total_is_the_sum",
                ),
                models.CheckConstraint(
                    condition=Q(
                        reliability_cost__gte=0,
                        local_delivery_cost__gte=0,
                        switchyard_cost__gte=0,
                        own_cost__gte=0,
                    ),
                    name="studies_costs_not_negative",
                ),
            ],
        ),
        beside(
            "UpgradeCost",
            "upgrade",
            "estimate",
            "studies_estimate_tier",
            cost=money(),
            miles=models.FloatField(null=True),
            checks=[
                models.CheckConstraint(condition=Q(cost__gte=0), name="studies_estimate_cost"),
            ],
        ),
        beside(
            "UpgradeReason",
            "upgrade",
            "reason",
            "studies_reason_tier",
            called_for_by=models.CharField(blank=True, max_length=500),
            loading_percent=models.FloatField(null=True),
            rating_before_mva=models.FloatField(null=True),
            rating_after_mva=models.FloatField(null=True),
        ),
        beside(
            "ConstraintContingency",
            "constraint",
            "contingency",
            "studies_contingency_tier",
            identity=models.CharField(max_length=500),
            outage=models.CharField(max_length=200),
            limit_mw=models.FloatField(),
            outages=models.IntegerField(),
        ),
        beside(
            "SchemeContingency",
            "scheme",
            "contingency",
            "studies_scheme_outage_tier",
            outage=models.CharField(max_length=200),
            elements=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=200), size=None
            ),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(sql.forwards(), sql.backwards())],
            state_operations=[
                *(
                    migrations.RemoveConstraint(model, name)
                    for model, constraints in sql.CONSTRAINTS.items()
                    for name in constraints
                ),
                *(
                    migrations.RemoveField(model, column.removesuffix("_id"))
                    for model, columns in sql.MOVED.items()
                    for column in columns
                ),
            ],
        ),
    ]
