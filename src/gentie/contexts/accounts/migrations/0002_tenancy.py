"""Who sees which row of accounts: the database's own rules, forced on the tables' owner too."""

from django.db import migrations

FUNCTIONS = """
CREATE FUNCTION gentie_person() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT nullif(current_setting('gentie.person', true), '')::bigint $$;
CREATE FUNCTION gentie_organisation() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT nullif(current_setting('gentie.organisation', true), '')::bigint $$;
CREATE FUNCTION gentie_role() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT coalesce(current_setting('gentie.role', true), '') $$;
CREATE FUNCTION gentie_is_program() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT gentie_role() = 'program' $$;
CREATE FUNCTION gentie_is_operator() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT gentie_role() IN
        ('interconnection_specialist', 'planning_engineer', 'administrator') $$;
CREATE FUNCTION gentie_may_administer() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT gentie_role() IN ('administrator', 'program') $$;

-- The grants in force are found under the reader's own rights: who may not see a grant gains
-- nothing by it. The hour is the database's, that of the transaction's beginning.
CREATE FUNCTION gentie_has_grant(owner_organisation bigint, acting boolean)
    RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT EXISTS (
        SELECT FROM accounts_grant g
        WHERE g.owner_id = owner_organisation
          AND g.receiver_id = gentie_organisation()
          AND g.revoked_at IS NULL
          AND g.from_at <= now()
          AND (g.until_at IS NULL OR g.until_at > now())
          AND (g.scope = 'act' OR NOT acting)) $$;
CREATE FUNCTION gentie_may_read(owner_organisation bigint)
    RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT gentie_is_program() OR gentie_is_operator()
        OR coalesce(owner_organisation = gentie_organisation(), false)
        OR gentie_has_grant(owner_organisation, false) $$;
CREATE FUNCTION gentie_may_act(owner_organisation bigint)
    RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT gentie_is_program()
        OR coalesce(owner_organisation = gentie_organisation(), false)
        OR gentie_has_grant(owner_organisation, true) $$;
"""

DROP_FUNCTIONS = """
DROP FUNCTION gentie_may_act(bigint);
DROP FUNCTION gentie_may_read(bigint);
DROP FUNCTION gentie_has_grant(bigint, boolean);
DROP FUNCTION gentie_may_administer();
DROP FUNCTION gentie_is_operator();
DROP FUNCTION gentie_is_program();
DROP FUNCTION gentie_role();
DROP FUNCTION gentie_organisation();
DROP FUNCTION gentie_person();
"""

CONSTRAINTS = """
-- A membership's role is checked against the kind of its organisation, which is copied by this key.
ALTER TABLE accounts_membership ADD CONSTRAINT accounts_membership_kind_is_the_organisations
    FOREIGN KEY (organisation_id, organisation_kind) REFERENCES accounts_organisation (id, kind);

-- At any time one grant between the two, whatever its scope.
ALTER TABLE accounts_grant ADD CONSTRAINT accounts_grant_once_at_a_time EXCLUDE USING gist (
    int8range(owner_id, owner_id, '[]') WITH &&,
    int8range(receiver_id, receiver_id, '[]') WITH &&,
    tstzrange(from_at, until_at) WITH &&
) WHERE (revoked_at IS NULL);
"""

DROP_CONSTRAINTS = """
ALTER TABLE accounts_grant DROP CONSTRAINT accounts_grant_once_at_a_time;
ALTER TABLE accounts_membership DROP CONSTRAINT accounts_membership_kind_is_the_organisations;
"""

# table → verb → what must hold. A verb that is absent is nobody's.
MAY_ADMINISTER = "gentie_may_administer()"
STAFF = "gentie_is_program() OR gentie_is_operator()"
OWN_GRANT = (
    "gentie_is_program() OR (owner_id = gentie_organisation() "
    "AND gentie_role() = 'interconnection_customer')"
)
RULES = {
    "accounts_person": {
        # A colleague is somebody whose membership the reader sees.
        "SELECT": f"{STAFF} OR id = gentie_person() "
        "OR id IN (SELECT m.person_id FROM accounts_membership m)",
        "INSERT": MAY_ADMINISTER,
        "UPDATE": f"{MAY_ADMINISTER} OR id = gentie_person()",
    },
    "accounts_organisation": {
        "SELECT": f"{STAFF} OR id = gentie_organisation() "
        "OR id IN (SELECT m.organisation_id FROM accounts_membership m) "
        "OR id IN (SELECT unnest(ARRAY[g.owner_id, g.receiver_id]) FROM accounts_grant g)",
        "INSERT": MAY_ADMINISTER,
        "UPDATE": MAY_ADMINISTER,
    },
    "accounts_membership": {
        "SELECT": f"{STAFF} OR organisation_id = gentie_organisation() "
        "OR person_id = gentie_person()",
        "INSERT": MAY_ADMINISTER,
        "UPDATE": MAY_ADMINISTER,
        "DELETE": MAY_ADMINISTER,
    },
    "accounts_grant": {
        "SELECT": f"{STAFF} OR owner_id = gentie_organisation() "
        "OR receiver_id = gentie_organisation()",
        "INSERT": OWN_GRANT,
        "UPDATE": OWN_GRANT,
    },
    "accounts_secondfactor": {
        "SELECT": "gentie_is_program() OR person_id = gentie_person()",
        "INSERT": "gentie_is_program() OR person_id = gentie_person()",
        "UPDATE": "gentie_is_program() OR person_id = gentie_person()",
        "DELETE": "gentie_is_program()",
    },
    "accounts_failedsignin": dict.fromkeys(("SELECT", "INSERT", "DELETE"), "gentie_is_program()"),
}


def policies(rules: dict[str, dict[str, str]]) -> tuple[str, str]:
    """Statements that force the rules on their tables, and those that lift them."""
    force, lift = [], []
    for table, verbs in rules.items():
        force.append(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;")
        force.append(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;")
        for verb, rule in verbs.items():
            name = f"{table}_{verb.lower()}"
            using = "" if verb == "INSERT" else f" USING ({rule})"
            check = f" WITH CHECK ({rule})" if verb in {"INSERT", "UPDATE"} else ""
            force.append(f"CREATE POLICY {name} ON {table} FOR {verb}{using}{check};")
            lift.append(f"DROP POLICY {name} ON {table};")
        lift.append(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;")
        lift.append(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;")
    return "\n".join(force), "\n".join(lift)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
        migrations.RunSQL(CONSTRAINTS, DROP_CONSTRAINTS),
        migrations.RunSQL(*policies(RULES)),
    ]
