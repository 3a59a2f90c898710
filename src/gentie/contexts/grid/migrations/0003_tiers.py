"""Outages of a real grid stand in a table of their own, and every table has its row policies."""

from collections.abc import Iterator

import django.db.models.deletion
from django.db import migrations, models

TIERS = ["public", "private", "ceii"]

MAY_PUBLISH = "gentie_role() IN ('planning_engineer', 'administrator', 'program')"
# Asked once for a statement, not once for each of some thousand points.
BY_TIER = "tier = 'public' OR tier = 'ceii' AND (SELECT gentie_may_see_ceii())"
SEEN = {
    "grid_basecase": "true",
    "grid_pointcapacity": "true",
    "grid_pointcontingency": BY_TIER,
    "grid_casefile": BY_TIER,
    "grid_drawing": BY_TIER,
}

MOVE = """
INSERT INTO grid_pointcontingency (point_id, outage, next_outage, tier)
    SELECT p.id, p.outage, p.next_outage, CASE WHEN b.is_synthetic THEN 'public' ELSE 'ceii' END
    FROM grid_pointcapacity p JOIN grid_basecase b ON b.id = p.base_case_id;
UPDATE grid_pointcapacity SET tier = 'public';
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE grid_pointcapacity DROP COLUMN outage, DROP COLUMN next_outage;
"""

MOVE_BACK = """
SELECT set_config('gentie.role', 'program', true);
ALTER TABLE grid_pointcapacity ADD COLUMN outage varchar(200), ADD COLUMN next_outage varchar(200);
UPDATE grid_pointcapacity p SET outage = c.outage, next_outage = c.next_outage, tier = 'ceii'
    FROM grid_pointcontingency c WHERE c.point_id = p.id;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE grid_pointcapacity
    ALTER COLUMN outage SET NOT NULL, ALTER COLUMN next_outage SET NOT NULL;
"""


def force() -> Iterator[str]:
    for table, seen in SEEN.items():
        yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;"
        yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;"
        yield f"CREATE POLICY {table}_seen ON {table} FOR SELECT USING ({seen});"
        yield (
            f"CREATE POLICY {table}_published ON {table} "
            f"USING ({MAY_PUBLISH}) WITH CHECK ({MAY_PUBLISH});"
        )


def lift() -> Iterator[str]:
    for table in SEEN:
        yield f"DROP POLICY {table}_published ON {table};"
        yield f"DROP POLICY {table}_seen ON {table};"
        yield f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;"
        yield f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;"


class Migration(migrations.Migration):
    dependencies = [("grid", "0002_map"), ("accounts", "0003_ceii")]
    operations = [
        migrations.CreateModel(
            "PointContingency",
            [
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("outage", models.CharField(blank=True, max_length=200)),
                ("next_outage", models.CharField(blank=True, max_length=200)),
                (
                    "tier",
                    models.CharField(max_length=10, choices=[(tier, tier) for tier in TIERS]),
                ),
                (
                    "point",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="contingency",
                        to="grid.pointcapacity",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(tier__in=TIERS), name="grid_contingency_tier"
                    ),
                ],
            },
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(MOVE, MOVE_BACK)],
            state_operations=[
                migrations.RemoveField("pointcapacity", "outage"),
                migrations.RemoveField("pointcapacity", "next_outage"),
            ],
        ),
        migrations.RunSQL("\n".join(force()), "\n".join(lift())),
    ]
