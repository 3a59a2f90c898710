"""What holds for the whole installation: one row, read by everybody, written by administrators."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

KEY = """
ALTER TABLE accounts_installation ADD CONSTRAINT accounts_installation_kind_is_the_organisations
    FOREIGN KEY (organisation_id, organisation_kind) REFERENCES accounts_organisation (id, kind);
"""
DROP_KEY = """
ALTER TABLE accounts_installation
    DROP CONSTRAINT accounts_installation_kind_is_the_organisations;
"""

FORCE = """
ALTER TABLE accounts_installation ENABLE ROW LEVEL SECURITY;
ALTER TABLE accounts_installation FORCE ROW LEVEL SECURITY;
CREATE POLICY accounts_installation_select ON accounts_installation FOR SELECT USING (true);
CREATE POLICY accounts_installation_insert ON accounts_installation FOR INSERT
    WITH CHECK (gentie_may_administer());
CREATE POLICY accounts_installation_update ON accounts_installation FOR UPDATE
    USING (gentie_may_administer()) WITH CHECK (gentie_may_administer());
"""
LIFT = """
DROP POLICY accounts_installation_update ON accounts_installation;
DROP POLICY accounts_installation_insert ON accounts_installation;
DROP POLICY accounts_installation_select ON accounts_installation;
ALTER TABLE accounts_installation NO FORCE ROW LEVEL SECURITY;
ALTER TABLE accounts_installation DISABLE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_ceii")]
    operations = [
        migrations.CreateModel(
            name="Installation",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False),
                ),
                (
                    "organisation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="installation",
                        to="accounts.organisation",
                    ),
                ),
                ("organisation_kind", models.CharField(default="operator", max_length=20)),
                ("note", models.TextField(blank=True)),
                ("rulebook", models.CharField(max_length=100)),
                ("rulebook_version", models.CharField(max_length=100)),
                ("time_zone", models.CharField(max_length=100)),
                ("closing_hour", models.TimeField()),
                (
                    "holidays",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DateField(), size=None
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("is_demonstration", models.BooleanField()),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(id=1), name="accounts_one_installation"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(organisation_kind="operator"),
                        name="accounts_installation_is_the_operators",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(currency__regex="^[A-Z]{3}$"),
                        name="accounts_installation_currency",
                    ),
                ],
            },
        ),
        migrations.RunSQL(KEY, DROP_KEY),
        migrations.RunSQL(FORCE, LIFT),
    ]
