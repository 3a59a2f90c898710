"""Who sees and writes which row of intake: the database's own rules, forced on the owner too."""

from collections.abc import Iterator

from django.db import migrations

FUNCTIONS = """
-- A filing is a fact of a moment; of a place in the queue only its state moves on.
CREATE FUNCTION intake_position_facts_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(NEW) - 'state' IS DISTINCT FROM to_jsonb(OLD) - 'state' THEN
        RAISE EXCEPTION 'what was filed does not change: only the state of a position does'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER intake_position_facts_stay BEFORE UPDATE ON intake_queueposition
    FOR EACH ROW EXECUTE FUNCTION intake_position_facts_stay();
"""

DROP_FUNCTIONS = """
DROP TRIGGER intake_position_facts_stay ON intake_queueposition;
DROP FUNCTION intake_position_facts_stay();
"""

STAFF = "gentie_is_program() OR gentie_is_operator()"
SEEN = "request_id IN (SELECT r.id FROM intake_request r)"
ACTS = "request_id IN (SELECT r.id FROM intake_request r WHERE gentie_may_act(r.organisation_id))"

# table → verb → what must hold. A verb that is absent is nobody's.
RULES = {
    "intake_cluster": {"SELECT": "true", "INSERT": STAFF, "UPDATE": STAFF},
    "intake_request": {
        "SELECT": "gentie_may_read(organisation_id)",
        "INSERT": "gentie_may_act(organisation_id)",
        "UPDATE": "gentie_may_act(organisation_id)",
    },
    "intake_answer": {"SELECT": SEEN, "INSERT": ACTS, "UPDATE": ACTS},
    "intake_typed": {"SELECT": SEEN, "INSERT": ACTS},
    "intake_filing": {"SELECT": SEEN, "INSERT": ACTS},
    "intake_queueposition": {
        "SELECT": "true",
        "INSERT": ACTS,
        "UPDATE": f"{STAFF} OR {ACTS}",
    },
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
        ("intake", "0001_initial"),
        ("accounts", "0002_tenancy"),
    ]
    operations = [
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
        migrations.RunSQL("\n".join(force()), "\n".join(lift())),
    ]
