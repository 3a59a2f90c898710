"""Who sees and stores which document. Nobody changes or removes one."""

from django.db import migrations

FORCE = """
ALTER TABLE documents_document ENABLE ROW LEVEL SECURITY;
ALTER TABLE documents_document FORCE ROW LEVEL SECURITY;
CREATE POLICY documents_document_select ON documents_document FOR SELECT
    USING (gentie_may_read(organisation_id));
CREATE POLICY documents_document_insert ON documents_document FOR INSERT
    WITH CHECK (gentie_is_operator() OR gentie_may_act(organisation_id));
"""

LIFT = """
DROP POLICY documents_document_insert ON documents_document;
DROP POLICY documents_document_select ON documents_document;
ALTER TABLE documents_document NO FORCE ROW LEVEL SECURITY;
ALTER TABLE documents_document DISABLE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [("documents", "0001_initial"), ("accounts", "0002_tenancy")]
    operations = [migrations.RunSQL(FORCE, LIFT)]
