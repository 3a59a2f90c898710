"""The audit's table, and the triggers that number, chain and protect its rows."""

from django.db import migrations, models

CHAIN = r"""
CREATE FUNCTION audit_entry_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last record;
    moment text;
BEGIN
    -- One writer at a time from here to the end of its transaction: two that read the same last
    -- digest would fork the chain. The lock must come before the read.
    PERFORM pg_advisory_xact_lock(hashtext('gentie.audit'), 0);
    SELECT number, digest INTO last FROM audit_entry ORDER BY number DESC LIMIT 1;
    NEW.number := coalesce(last.number, 0) + 1;
    NEW.previous := coalesce(last.digest, repeat('0', 64));
    moment := to_char(NEW."at" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
    NEW.digest := encode(sha256(convert_to(
        length(NEW.number::text) || ':' || NEW.number::text
        || length(moment) || ':' || moment
        || length(NEW."by") || ':' || NEW."by"
        || length(NEW.action) || ':' || NEW.action
        || length(NEW.subject) || ':' || NEW.subject
        || length(NEW.previous) || ':' || NEW.previous, 'UTF8')), 'hex');
    RETURN NEW;
END $$;

CREATE FUNCTION audit_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER audit_entry_chain BEFORE INSERT ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION audit_entry_chain();
CREATE TRIGGER audit_entry_no_change BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION audit_entry_refuse();
CREATE TRIGGER audit_entry_no_truncate BEFORE TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_refuse();

-- Also where a session calls itself a replica.
ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER audit_entry_chain;
ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER audit_entry_no_change;
ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER audit_entry_no_truncate;
"""

UNCHAIN = """
DROP TRIGGER audit_entry_no_truncate ON audit_entry;
DROP TRIGGER audit_entry_no_change ON audit_entry;
DROP TRIGGER audit_entry_chain ON audit_entry;
DROP FUNCTION audit_entry_refuse();
DROP FUNCTION audit_entry_chain();
"""

REFERENCE = r"^[a-z][a-z_]*:[A-Za-z0-9][A-Za-z0-9._-]*$"
ACTION = r"^[a-z][a-z_]*(\.[a-z][a-z_]*)+$"


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("by", models.CharField(max_length=200)),
                ("action", models.CharField(max_length=200)),
                ("subject", models.CharField(max_length=200)),
                ("previous", models.CharField(max_length=64, unique=True)),
                ("digest", models.CharField(max_length=64, unique=True)),
            ],
            options={
                "ordering": ("number",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(by__regex=REFERENCE), name="audit_by_is_id"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(subject__regex=REFERENCE), name="audit_subject_is_id"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(action__regex=ACTION), name="audit_action_is_dotted"
                    ),
                ],
            },
        ),
        migrations.RunSQL(CHAIN, UNCHAIN),
    ]
