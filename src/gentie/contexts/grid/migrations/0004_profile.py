"""What an operator says of a published case is kept with its file, for studies on it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("grid", "0003_tiers")]
    operations = [
        migrations.AddField("casefile", "profile", models.JSONField(default=dict)),
    ]
