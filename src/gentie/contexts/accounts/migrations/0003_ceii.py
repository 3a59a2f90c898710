"""Which organisations are cleared for critical energy infrastructure information (CEII)."""

from django.db import migrations, models

# A reader sees the row of the own organisation, so that the question needs no rights of its own.
FUNCTION = """
CREATE FUNCTION gentie_may_see_ceii() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT gentie_is_program() OR gentie_is_operator() OR EXISTS (
        SELECT FROM accounts_organisation o
        WHERE o.id = gentie_organisation() AND o.may_see_ceii) $$;
"""

DROP_FUNCTION = "DROP FUNCTION gentie_may_see_ceii();"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_tenancy")]
    operations = [
        migrations.AddField(
            "organisation", "may_see_ceii", models.BooleanField(db_default=False, default=False)
        ),
        migrations.RunSQL(FUNCTION, DROP_FUNCTION),
    ]
