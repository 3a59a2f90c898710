"""Who sees which row of a study: the database's own rules, forced on the tables' owner too."""

from collections.abc import Iterator

from django.db import migrations, models

KEY = """
ALTER TABLE studies_studiedrequest ADD CONSTRAINT studies_request_shown_as_its_study
    FOREIGN KEY (study_id, is_shown_in_full) REFERENCES studies_study (id, is_shown_in_full)
    DEFERRABLE INITIALLY DEFERRED;
CREATE FUNCTION gentie_may_publish() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT gentie_role() IN ('planning_engineer', 'administrator', 'program') $$;
"""

DROP_KEY = """
DROP FUNCTION gentie_may_publish();
ALTER TABLE studies_studiedrequest DROP CONSTRAINT studies_request_shown_as_its_study;
"""

# table → whose eyes a row is for. What hangs on a row is seen where that row is seen.
SEEN = {
    "studies_studiedrequest": "is_shown_in_full OR gentie_may_read(organisation_id)",
    "studies_study": "is_shown_in_full OR gentie_is_operator() OR gentie_is_program() "
    "OR id IN (SELECT r.study_id FROM studies_studiedrequest r)",
    "studies_ledgerrow": "request_id IN (SELECT r.id FROM studies_studiedrequest r)",
    "studies_upgrade": "study_id IN (SELECT s.id FROM studies_study s)",
    "studies_constraint": "study_id IN (SELECT s.id FROM studies_study s)",
    "studies_scheme": "study_id IN (SELECT s.id FROM studies_study s)",
    "studies_constraintrequest": "constraint_id IN (SELECT c.id FROM studies_constraint c)",
    "studies_picture": "constraint_id IN (SELECT c.id FROM studies_constraint c)",
    "studies_constraint_upgrades": "constraint_id IN (SELECT c.id FROM studies_constraint c)",
    "studies_scheme_requests": "scheme_id IN (SELECT s.id FROM studies_scheme s)",
}


def force() -> Iterator[str]:
    for table, seen in SEEN.items():
        yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;"
        yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;"
        yield f"CREATE POLICY {table}_seen ON {table} FOR SELECT USING ({seen});"
        yield (
            f"CREATE POLICY {table}_published ON {table} "
            "USING (gentie_may_publish()) WITH CHECK (gentie_may_publish());"
        )


def lift() -> Iterator[str]:
    for table in SEEN:
        yield f"DROP POLICY {table}_published ON {table};"
        yield f"DROP POLICY {table}_seen ON {table};"
        yield f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;"
        yield f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;"


class Migration(migrations.Migration):
    dependencies = [("studies", "0002_owners")]
    operations = [
        migrations.AddConstraint(
            "study",
            models.UniqueConstraint(fields=("id", "is_shown_in_full"), name="studies_study_shown"),
        ),
        migrations.RunSQL(KEY, DROP_KEY),
        migrations.RunSQL("\n".join(force()), "\n".join(lift())),
    ]
