"""The database keeps the ledger: every entry balances, and nothing written is ever changed."""

from django.db import migrations

# Asked at the end of the transaction, when all postings of an entry are there. Whoever acts then
# need not see them (a visitor, once the work on somebody's behalf is done), so that the question is
# asked as the service's own; an exception takes the setting back with everything else.
BALANCE = """
CREATE FUNCTION ledger_check_entry(asked bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    before text := coalesce(current_setting('gentie.role', true), '');
    entry record;
    posted bigint;
    wrong record;
BEGIN
    PERFORM set_config('gentie.role', 'program', true);
    SELECT * INTO entry FROM ledger_entry WHERE id = asked;
    SELECT count(*) INTO posted FROM ledger_posting WHERE entry_id = asked;
    IF posted <> entry.posting_count THEN
        RAISE EXCEPTION 'entry % of the ledger has % postings and was made with %',
            asked, posted, entry.posting_count
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_postings_are_complete';
    END IF;
    SELECT currency, sum(amount) AS left_over INTO wrong FROM ledger_posting
        WHERE entry_id = asked GROUP BY currency HAVING sum(amount) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % of the ledger leaves % %', asked, wrong.left_over, wrong.currency
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_balances';
    END IF;
    IF entry.reverses_id IS NOT NULL THEN
        SELECT account INTO wrong FROM ledger_posting WHERE entry_id IN (asked, entry.reverses_id)
            GROUP BY account, currency HAVING sum(amount) <> 0 LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'entry % of the ledger is not the opposite of entry %',
                asked, entry.reverses_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_reversal_is_opposite';
        END IF;
    END IF;
    PERFORM set_config('gentie.role', before, true);
END $$;

CREATE FUNCTION ledger_entry_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ledger_check_entry(NEW.id);
    RETURN NULL;
END $$;
CREATE FUNCTION ledger_posting_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ledger_check_entry(NEW.entry_id);
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER ledger_entry_check AFTER INSERT ON ledger_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_entry_check();
CREATE CONSTRAINT TRIGGER ledger_posting_check AFTER INSERT ON ledger_posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_posting_check();
ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER ledger_entry_check;
ALTER TABLE ledger_posting ENABLE ALWAYS TRIGGER ledger_posting_check;
"""

UNBALANCE = """
DROP TRIGGER ledger_posting_check ON ledger_posting;
DROP TRIGGER ledger_entry_check ON ledger_entry;
DROP FUNCTION ledger_posting_check();
DROP FUNCTION ledger_entry_check();
DROP FUNCTION ledger_check_entry(bigint);
"""

PROTECT = """
CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % refused; post a reversing entry', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
""" + "".join(
    f"""
CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_change;
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_truncate;
"""
    for table in ("ledger_entry", "ledger_posting")
)

UNPROTECT = (
    "".join(
        f"DROP TRIGGER {table}_no_truncate ON {table};\nDROP TRIGGER {table}_no_change ON {table};\n"
        for table in ("ledger_entry", "ledger_posting")
    )
    + "DROP FUNCTION ledger_refuse();\n"
)

# By submitting, an organisation invoices its own deposit, and nothing else.
OWN_DEPOSIT = "kind = 'deposit_invoiced' AND gentie_may_act(organisation_id)"

FORCE = f"""
ALTER TABLE ledger_entry ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_entry FORCE ROW LEVEL SECURITY;
CREATE POLICY ledger_entry_select ON ledger_entry FOR SELECT
    USING (gentie_may_read(organisation_id));
CREATE POLICY ledger_entry_insert ON ledger_entry FOR INSERT
    WITH CHECK (gentie_is_program() OR gentie_is_operator() OR ({OWN_DEPOSIT}));

ALTER TABLE ledger_posting ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_posting FORCE ROW LEVEL SECURITY;
CREATE POLICY ledger_posting_select ON ledger_posting FOR SELECT
    USING (entry_id IN (SELECT e.id FROM ledger_entry e));
CREATE POLICY ledger_posting_insert ON ledger_posting FOR INSERT WITH CHECK (
    gentie_is_program() OR gentie_is_operator()
    OR (((account = 'receivable' AND amount > 0) OR (account = 'deposits_held' AND amount < 0))
        AND entry_id IN (SELECT e.id FROM ledger_entry e WHERE {OWN_DEPOSIT})));
"""

LIFT = """
DROP POLICY ledger_posting_insert ON ledger_posting;
DROP POLICY ledger_posting_select ON ledger_posting;
ALTER TABLE ledger_posting NO FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger_posting DISABLE ROW LEVEL SECURITY;
DROP POLICY ledger_entry_insert ON ledger_entry;
DROP POLICY ledger_entry_select ON ledger_entry;
ALTER TABLE ledger_entry NO FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger_entry DISABLE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial"), ("accounts", "0002_tenancy")]
    operations = [
        migrations.RunSQL(BALANCE, UNBALANCE),
        migrations.RunSQL(PROTECT, UNPROTECT),
        migrations.RunSQL(FORCE, LIFT),
    ]
