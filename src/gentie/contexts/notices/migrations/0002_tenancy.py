"""Who sees and marks which notice, and that nobody changes what was said."""

from django.db import migrations

MINE = (
    "gentie_is_program() OR (coalesce(organisation_id = gentie_organisation(), false) "
    "AND (person_id IS NULL OR person_id = gentie_person()))"
)

FORCE = f"""
ALTER TABLE notices_notice ENABLE ROW LEVEL SECURITY;
ALTER TABLE notices_notice FORCE ROW LEVEL SECURITY;
CREATE POLICY notices_notice_select ON notices_notice FOR SELECT USING ({MINE});
-- Anybody may tell anybody: who accepts a request tells the customer, who submits one the operator.
CREATE POLICY notices_notice_insert ON notices_notice FOR INSERT WITH CHECK (true);
CREATE POLICY notices_notice_update ON notices_notice FOR UPDATE USING ({MINE}) WITH CHECK ({MINE});
"""

LIFT = """
DROP POLICY notices_notice_update ON notices_notice;
DROP POLICY notices_notice_insert ON notices_notice;
DROP POLICY notices_notice_select ON notices_notice;
ALTER TABLE notices_notice NO FORCE ROW LEVEL SECURITY;
ALTER TABLE notices_notice DISABLE ROW LEVEL SECURITY;
"""

KEEP = """
CREATE FUNCTION notices_notice_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(NEW) - 'read_at' IS DISTINCT FROM to_jsonb(OLD) - 'read_at' THEN
        RAISE EXCEPTION 'a notice stays as it was said: only when it was read is added'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER notices_notice_keep BEFORE UPDATE ON notices_notice
    FOR EACH ROW EXECUTE FUNCTION notices_notice_keep();
"""

LET_GO = """
DROP TRIGGER notices_notice_keep ON notices_notice;
DROP FUNCTION notices_notice_keep();
"""


class Migration(migrations.Migration):
    dependencies = [("notices", "0001_initial"), ("accounts", "0002_tenancy")]
    operations = [migrations.RunSQL(FORCE, LIFT), migrations.RunSQL(KEEP, LET_GO)]
