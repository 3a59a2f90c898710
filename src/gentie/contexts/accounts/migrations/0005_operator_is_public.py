"""Everybody may know the operator: requests are filed with it."""

from django.db import migrations

SEEN = """gentie_is_program() OR gentie_is_operator() OR id = gentie_organisation()
    OR id IN (SELECT m.organisation_id FROM accounts_membership m)
    OR id IN (SELECT unnest(ARRAY[g.owner_id, g.receiver_id]) FROM accounts_grant g)"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_installation")]
    operations = [
        migrations.RunSQL(
            "ALTER POLICY accounts_organisation_select ON accounts_organisation "
            f"USING ({SEEN} OR kind = 'operator')",
            f"ALTER POLICY accounts_organisation_select ON accounts_organisation USING ({SEEN})",
        )
    ]
