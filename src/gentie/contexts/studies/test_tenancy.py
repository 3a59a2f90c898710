"""What each role sees and changes of each private table, by SQL as the application role."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.apps import apps

from gentie.contexts.accounts.clearances import clear_for_ceii, end_ceii_clearance
from gentie.contexts.studies.examples import published_small_study
from gentie.contexts.studies.models import LedgerRow

AT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
BY = "program:test"
ROLES = (
    "visitor",
    "customer",
    "other",
    "consultant",
    "cleared",
    "specialist",
    "engineer",
    "administrator",
    "program",
)
ACCOUNTS = (
    "accounts_person",
    "accounts_organisation",
    "accounts_membership",
    "accounts_grant",
    "accounts_secondfactor",
    "accounts_failedsignin",
)
# Everybody's, once published.
PUBLIC = (
    "grid_basecase",
    "grid_pointcapacity",
    "studies_study",
    "studies_studiedrequest",
    "studies_upgrade",
    "studies_constraint",
    "studies_constraint_upgrades",
    "studies_scheme",
)
# Of the owner of a request, of whom it lets read, and of the operator.
OWNED = (
    "studies_requestcosts",
    "studies_ledgerrow",
    "studies_constraintrequest",
    "studies_scheme_requests",
    "studies_upgradecost",
)
CEII = (
    "studies_fidelity",
    "studies_upgradereason",
    "studies_constraintcontingency",
    "studies_schemecontingency",
    "studies_picture",
)
# Rows say themselves whose eyes they are for: a real grid's lines are CEII, its points are not.
BY_TIER = ("grid_pointcontingency", "grid_casefile", "grid_drawing")
IN_FULL = ("studies_studyinfull",)
OF_A_RUN = ("studies_runinputs", "studies_runstep", "studies_runreason")
# What these are for is asked in test_ground_tenancy.py.
GROUND = (
    "accounts_installation",
    "accounts_endedtoken",
    "notices_notice",
    "documents_document",
    "ledger_entry",
    "ledger_posting",
    "studies_run",
    *OF_A_RUN,
)
TABLES = (*ACCOUNTS, *PUBLIC, *OWNED, *CEII, *BY_TIER, *IN_FULL)


def count(sql, table: str) -> int:
    return sql.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def changed(sql, statement: str) -> int | str:
    """Rows that a statement reached, or why it was stopped."""
    try:
        with sql.transaction():
            return sql.execute(statement).rowcount
    except psycopg.errors.InsufficientPrivilege:
        return "refused"
    except (
        psycopg.errors.ForeignKeyViolation,
        psycopg.errors.RestrictViolation,
        psycopg.errors.UniqueViolation,
    ):
        return "reached"


def test_every_private_table_is_in_this_test_and_its_rules_are_forced(as_application):
    said = as_application.execute(
        "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class "
        "WHERE relkind = 'r' AND relname ~ '^(accounts|documents|grid|ledger|notices|studies)_'"
    ).fetchall()
    assert sorted(said) == sorted((table, True, True) for table in (*TABLES, *GROUND))


# What a role sees: "all" of the table, or so many rows.
CUSTOMERS, STAFF = (
    ("customer", "other", "consultant", "cleared"),
    ("specialist", "engineer", "administrator"),
)
SEEN = {
    "accounts_person": dict.fromkeys(CUSTOMERS, 1) | dict.fromkeys(STAFF, "all"),
    "accounts_organisation": {
        "visitor": 1,
        "customer": 3,
        "other": 2,
        "consultant": 3,
        "cleared": 2,
    }
    | dict.fromkeys(STAFF, "all"),
    "accounts_membership": dict.fromkeys(CUSTOMERS, 1) | dict.fromkeys(STAFF, "all"),
    "accounts_grant": {"customer": 1, "consultant": 1} | dict.fromkeys(STAFF, "all"),
    "accounts_secondfactor": {"customer": 1, "engineer": 1},
    "accounts_failedsignin": {},
    **{table: dict.fromkeys(ROLES, "all") for table in PUBLIC},
    **{table: dict.fromkeys(STAFF, "all") for table in (*OWNED, *IN_FULL)},
    **{table: dict.fromkeys(("cleared", *STAFF), "all") for table in (*CEII, *BY_TIER)},
}
# Of a request: how many rows there are for it, asked as the program.
OF_REQUEST = {
    "studies_requestcosts": "request_id IN ({})",
    "studies_ledgerrow": "request_id IN ({})",
    "studies_constraintrequest": "request_id IN ({})",
    "studies_scheme_requests": "studiedrequest_id IN ({})",
    "studies_upgradecost": "upgrade_id IN "
    "(SELECT l.upgrade_id FROM studies_ledgerrow l WHERE l.request_id IN ({}))",
}
WHOSE = {"customer": "Q10", "consultant": "Q10", "other": "Q09"}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_sees_its_rows_and_no_others(world, role):
    expected = {table: SEEN[table].get(role, 0) for table in TABLES}
    with world.acting("program") as sql:
        whole = {table: count(sql, table) for table in TABLES}
        public = {
            table: count(sql, f"{table} WHERE tier = 'public'")
            for table in (*BY_TIER, "grid_pointcapacity")
        }
        if role in WHOSE:
            request = f"SELECT r.id FROM studies_studiedrequest r WHERE r.name = '{WHOSE[role]}'"
            for table, rule in OF_REQUEST.items():
                expected[table] = count(sql, f"{table} WHERE {rule.format(request)}")
                assert expected[table] < whole[table]
    assert all(whole.values())
    # Half of what is in these tables is of the synthetic case, which is everybody's.
    assert public["grid_pointcontingency"] * 2 == whole["grid_pointcontingency"]
    assert public["grid_casefile"] == 1 < whole["grid_casefile"]
    assert public["grid_drawing"] == 3 < whole["grid_drawing"] == 4
    if role in WHOSE:
        assert expected["studies_requestcosts"] == 1
        assert expected["studies_ledgerrow"] > 1
    for table in BY_TIER:
        expected[table] = expected[table] or public[table]
    if role == "program":
        expected = dict.fromkeys(TABLES, "all")
    with world.acting(role) as sql:
        seen = {table: count(sql, table) for table in TABLES}
    assert seen == {
        table: whole[table] if rows == "all" else rows for table, rows in expected.items()
    }


@pytest.mark.parametrize("role", ROLES)
def test_rows_of_real_grids_are_of_their_tier(world, role):
    """Not only how many: what a role sees beyond the synthetic case is for its eyes."""
    may_see = {"public"} | ({"ceii"} if role in {"cleared", "program", *STAFF} else set())
    with world.acting(role) as sql:
        for table in BY_TIER:
            told = sql.execute(f"SELECT DISTINCT tier FROM {table}").fetchall()
            assert {tier for (tier,) in told} == may_see


# Which roles change rows that they see, by verb; everybody else reaches none.
PUBLISHERS = {"engineer", "administrator", "program"}
ADMINISTRATORS = {"administrator", "program"}
CHANGES = {
    "accounts_person": {"UPDATE": {*ROLES} - {"visitor"}, "DELETE": set()},
    "accounts_organisation": {"UPDATE": ADMINISTRATORS, "DELETE": set()},
    "accounts_membership": {"UPDATE": ADMINISTRATORS, "DELETE": ADMINISTRATORS},
    "accounts_grant": {"UPDATE": {"customer", "program"}, "DELETE": set()},
    "accounts_secondfactor": {"UPDATE": {"customer", "engineer", "program"}, "DELETE": {"program"}},
    "accounts_failedsignin": {"UPDATE": set(), "DELETE": {"program"}},
    **{
        table: {"UPDATE": PUBLISHERS, "DELETE": PUBLISHERS}
        for table in TABLES
        if table not in ACCOUNTS
    },
}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_changes_only_what_its_rules_say(world, role):
    reached = {}
    with world.acting(role) as sql:
        for table in TABLES:
            reached[table] = {
                "UPDATE": changed(sql, f"UPDATE {table} SET id = id"),
                "DELETE": changed(sql, f"DELETE FROM {table}"),
            }
            # What was deleted and held by nothing must be there again for the next table.
    found = {table: {v for v, n in verbs.items() if n != 0} for table, verbs in reached.items()}
    expected = {
        table: {verb for verb, roles in verbs.items() if role in roles}
        for table, verbs in CHANGES.items()
    }
    assert found == expected


@pytest.mark.parametrize("role", ROLES)
def test_who_may_add_rows(world, role):
    first, second, consultant = (
        world.people.organisations[word].pk for word in ("first", "second", "consultant")
    )
    person = world.people.members["customer"].person_id

    def grant(owner: int, receiver: int) -> str:
        return (
            "INSERT INTO accounts_grant (owner_id, receiver_id, scope, from_at) "
            f"VALUES ({owner}, {receiver}, 'act', now())"
        )

    asked = {
        "own grant": grant(first, second),
        "a grant of another": grant(second, first),
        "a grant of the consultant": grant(consultant, second),
        "membership": (
            "INSERT INTO accounts_membership "
            "(person_id, organisation_id, organisation_kind, role, created_at) VALUES "
            f"({person}, {second}, 'customer', 'interconnection_customer', now())"
        ),
        "organisation": (
            "INSERT INTO accounts_organisation (name, kind, created_at) "
            "VALUES ('New', 'customer', now())"
        ),
        "person": (
            "INSERT INTO accounts_person (password, email, name, is_active, created_at) "
            "VALUES ('', 'new@example.org', 'New', true, now())"
        ),
        "failure": "INSERT INTO accounts_failedsignin (who, at) VALUES ('x', now())",
        "scheme": (
            "INSERT INTO studies_scheme (study_id, number, tier) "
            f"VALUES ({world.study.pk}, 999, 'public')"
        ),
        "contingency of a scheme": (
            "INSERT INTO studies_schemecontingency (scheme_id, outage, elements, tier) "
            "VALUES (0, 'x', '{}', 'ceii')"
        ),
        "costs of a request": (
            "INSERT INTO studies_requestcosts (request_id, organisation_id, reliability_cost, "
            "local_delivery_cost, switchyard_cost, own_cost, total_cost, cost_per_kw, tier) "
            f"VALUES (0, {first}, 0, 0, 0, 0, 0, 0, 'private')"
        ),
        "drawing": (
            "INSERT INTO grid_drawing (base_case_id, kind, digest, content, tier) "
            f"VALUES (0, 'lines', '{'0' * 64}', '', 'public')"
        ),
    }
    allowed = {
        "own grant": {"customer", "program"},
        "a grant of another": {"other", "program"},
        "a grant of the consultant": {"consultant", "program"},
        "membership": ADMINISTRATORS,
        "organisation": ADMINISTRATORS,
        "person": ADMINISTRATORS,
        "failure": {"program"},
        **dict.fromkeys(
            ("scheme", "contingency of a scheme", "costs of a request", "drawing"), PUBLISHERS
        ),
    }
    with world.acting(role) as sql:
        found = {what: changed(sql, statement) for what, statement in asked.items()}
    assert found == {what: 1 if role in roles else "refused" for what, roles in allowed.items()}


def test_a_grant_holds_from_its_beginning_to_its_end_and_not_when_revoked(world):
    def seen() -> int:
        with world.acting("consultant") as sql:
            return count(sql, "studies_requestcosts")

    Grant = apps.get_model("accounts", "Grant")
    there = Grant.objects.filter(pk=world.grant.pk)
    assert seen() == 1
    there.update(until_at=AT - timedelta(days=3649))
    assert seen() == 0
    there.update(until_at=None, from_at=datetime(9000, 1, 1, tzinfo=UTC))
    assert seen() == 0
    there.update(from_at=AT - timedelta(days=3650), revoked_at=AT)
    assert seen() == 0


def test_a_grant_cannot_be_turned_to_the_favour_of_who_received_it(world):
    with world.acting("consultant") as sql:
        assert changed(sql, "UPDATE accounts_grant SET scope = 'act'") == 0
    with world.acting("customer") as sql:
        other = world.people.organisations["second"].pk
        assert changed(sql, f"UPDATE accounts_grant SET owner_id = {other}") == "refused"


@pytest.mark.parametrize("role", ROLES)
def test_who_clears_an_organisation(world, role):
    """Above all: nobody clears the own one."""
    with world.acting(role) as sql:
        reached = changed(sql, "UPDATE accounts_organisation SET may_see_ceii = true")
        seen = count(sql, "accounts_organisation")
    assert reached == (seen if role in ADMINISTRATORS else 0)


def test_a_clearance_opens_outages_and_no_costs_and_ends_at_once(world):
    def seen() -> list[int]:
        with world.acting("other") as sql:
            return [
                count(sql, table)
                for table in ("studies_constraintcontingency", "studies_requestcosts")
            ]

    second = world.people.organisations["second"].pk
    constraints = world.study.constraints.count()
    assert seen() == [0, 1]
    clear_for_ceii(organisation_id=second, by=BY, at=AT)
    assert seen() == [constraints, 1]
    end_ceii_clearance(organisation_id=second, by=BY, at=AT)
    assert seen() == [0, 1]


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE studies_requestcosts DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE studies_requestcosts NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY studies_requestcosts_seen ON studies_requestcosts",
        "CREATE POLICY mine ON studies_requestcosts USING (true)",
        "CREATE OR REPLACE FUNCTION gentie_role() RETURNS text LANGUAGE sql AS 'SELECT 1'",
        "TRUNCATE accounts_grant CASCADE",
        "SET ROLE gentie_owner",
        "SET SESSION AUTHORIZATION gentie_owner",
    ],
)
def test_the_application_role_cannot_switch_the_rules_off(world, statement):
    with world.acting("administrator") as sql:
        assert changed(sql, statement) == "refused"
    world.sql.execute("SET row_security = off")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        count(world.sql, "studies_requestcosts")


def test_who_acted_is_forgotten_at_the_end_of_the_transaction(world):
    with world.acting("program") as sql:
        assert count(sql, "studies_requestcosts") > 0
    assert count(world.sql, "studies_requestcosts") == 0


def test_a_study_of_a_synthetic_grid_is_everybodys(as_application, tmp_path):
    study = published_small_study(tmp_path / "bundle", by=BY, at=AT)
    assert study.is_shown_in_full
    assert count(as_application, "studies_requestcosts") == study.requests.count() > 0
    assert count(as_application, "studies_ledgerrow") == LedgerRow.objects.count() > 0
    for table in (*PUBLIC, *OWNED, *CEII, *IN_FULL, *BY_TIER):
        assert count(as_application, table) > 0, table
