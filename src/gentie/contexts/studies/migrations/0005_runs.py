"""Runs of a cluster's study, and who sees which of their rows."""

from collections.abc import Iterator

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

PROGRAM = "gentie_is_program()"
STAFF = "gentie_is_program() OR gentie_is_operator()"
ENGINEER = "gentie_is_program() OR gentie_role() = 'planning_engineer'"
# Those whose requests are in the cluster, as far as the reader may see requests at all.
TAKES_PART = (
    "cluster_id IN (SELECT r.cluster_id FROM intake_request r "
    "JOIN intake_queueposition p ON p.request_id = r.id "
    "WHERE p.state = 'in_cluster' AND gentie_may_read(r.organisation_id))"
)

# table → verb → what must hold. A verb that is absent is nobody's.
RULES = {
    "studies_run": {
        "SELECT": f"{STAFF} OR {TAKES_PART}",
        "INSERT": ENGINEER,
        "UPDATE": ENGINEER,
    },
    "studies_runinputs": {"SELECT": STAFF, "INSERT": ENGINEER},
    "studies_runstep": {"SELECT": STAFF, "INSERT": PROGRAM, "UPDATE": PROGRAM},
    "studies_runreason": {"SELECT": STAFF, "INSERT": PROGRAM},
}


def force() -> Iterator[str]:
    for table, verbs in RULES.items():
        yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;"
        yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;"
        for verb, rule in verbs.items():
            using = "" if verb == "INSERT" else f" USING ({rule})"
            check = f" WITH CHECK ({rule})" if verb in {"INSERT", "UPDATE"} else ""
            yield f"CREATE POLICY {table}_{verb.lower()} ON {table} FOR {verb}{using}{check};"


def lift() -> Iterator[str]:
    for table, verbs in RULES.items():
        for verb in verbs:
            yield f"DROP POLICY {table}_{verb.lower()} ON {table};"
        yield f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;"
        yield f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;"


class Migration(migrations.Migration):
    dependencies = [
        ("grid", "0002_map"),
        ("intake", "0002_tenancy"),
        ("studies", "0004_tiers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Run",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("state", models.CharField(default="queued", max_length=20)),
                ("asked_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("claim", models.IntegerField(default=0)),
                ("words", models.CharField(blank=True, max_length=100)),
                ("done", models.IntegerField(default=0)),
                ("whole", models.IntegerField(default=0)),
                ("left_s", models.FloatField(null=True)),
                ("told_at", models.DateTimeField(null=True)),
                (
                    "cluster",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="intake.cluster",
                    ),
                ),
                (
                    "study",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runs",
                        to="studies.study",
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="RunInputs",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                ("requests_name", models.CharField(max_length=200)),
                ("requests_content", models.BinaryField()),
                ("request_count", models.IntegerField()),
                ("organisations", models.JSONField()),
                ("rulebook_version", models.CharField(max_length=100)),
                ("rulebook_digest", models.CharField(max_length=64)),
                ("policy", models.CharField(max_length=50)),
                ("engine_version", models.CharField(max_length=50)),
                ("inputs_digest", models.CharField(max_length=64)),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "base_case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="grid.basecase",
                    ),
                ),
                (
                    "run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="inputs",
                        to="studies.run",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RunReason",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.IntegerField()),
                ("code", models.CharField(max_length=100)),
                ("sentence", models.TextField()),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reasons",
                        to="studies.run",
                    ),
                ),
            ],
            options={
                "ordering": ("number",),
            },
        ),
        migrations.CreateModel(
            name="RunStep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.IntegerField()),
                ("name", models.CharField(max_length=30)),
                ("state", models.CharField(default="running", max_length=20)),
                ("attempts", models.IntegerField(default=1)),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("result_digest", models.CharField(blank=True, max_length=64)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="steps",
                        to="studies.run",
                    ),
                ),
            ],
            options={
                "ordering": ("number",),
            },
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("queued", "running", "cancelling"))),
                fields=("cluster",),
                name="studies_run_one_at_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        ("queued", "running", "cancelled", "cancelling", "failed", "done"),
                    )
                ),
                name="studies_run_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("ended_at__isnull", True),
                        ("state__in", ("queued", "running", "cancelling")),
                    ),
                    models.Q(
                        models.Q(("state__in", ("queued", "running", "cancelling")), _negated=True),
                        ("ended_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="studies_run_ended",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(("study__isnull", True), ("state", "done"), _connector="OR"),
                name="studies_run_published",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("done__gte", 0),
                    ("whole__gte", 0),
                    models.Q(("whole", 0), ("done__lte", models.F("whole")), _connector="OR"),
                ),
                name="studies_run_progress",
            ),
        ),
        migrations.AddConstraint(
            model_name="runinputs",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("rulebook_digest__regex", "^[0-9a-f]{64}$"),
                    ("inputs_digest__regex", "^[0-9a-f]{64}$"),
                ),
                name="studies_runinputs_digests",
            ),
        ),
        migrations.AddConstraint(
            model_name="runinputs",
            constraint=models.CheckConstraint(
                condition=models.Q(("request_count__gt", 0)), name="studies_runinputs_has_requests"
            ),
        ),
        migrations.AddConstraint(
            model_name="runreason",
            constraint=models.UniqueConstraint(
                fields=("run", "number"), name="studies_runreason_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="runstep",
            constraint=models.UniqueConstraint(
                fields=("run", "number"), name="studies_runstep_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="runstep",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ("running", "done", "failed", "stopped"))),
                name="studies_runstep_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="runstep",
            constraint=models.CheckConstraint(
                condition=models.Q(("attempts__gte", 0)), name="studies_runstep_attempts"
            ),
        ),
        migrations.AddConstraint(
            model_name="runstep",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "done"), _negated=True),
                    models.Q(
                        ("ended_at__isnull", False), ("result_digest__regex", "^[0-9a-f]{64}$")
                    ),
                    _connector="OR",
                ),
                name="studies_runstep_kept",
            ),
        ),
        migrations.RunSQL("\n".join(force()), "\n".join(lift())),
    ]
