"""Whose a studied request is, and which studies everybody sees in full."""

import django.db.models.deletion
from django.db import migrations, models

# Studies that were published before accounts are of synthetic grids or nobody's to show.
FILL = """
UPDATE studies_study s SET is_shown_in_full = c.is_synthetic
    FROM grid_basecase c WHERE c.id = s.base_case_id;
UPDATE studies_studiedrequest r SET is_shown_in_full = s.is_shown_in_full
    FROM studies_study s WHERE s.id = r.study_id;
"""


class Migration(migrations.Migration):
    dependencies = [("studies", "0001_initial"), ("accounts", "0002_tenancy")]
    operations = [
        migrations.AddField(
            "study",
            "is_shown_in_full",
            models.BooleanField(default=False),
            preserve_default=False,
        ),
        migrations.AddField(
            "studiedrequest",
            "is_shown_in_full",
            models.BooleanField(default=False),
            preserve_default=False,
        ),
        migrations.AddField(
            "studiedrequest",
            "organisation",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.organisation",
            ),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
