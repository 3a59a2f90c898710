"""Statements of 0004_tiers: rows move there and back, and who sees which."""

from collections.abc import Iterator
from importlib import import_module

BEFORE = import_module(f"{__package__}.0003_tenancy")

TEXT, FIGURE, MONEY = "varchar(500)", "double precision", "numeric(16, 2)"

# model → column that leaves → its type
MOVED = {
    "study": {"bundle_place": "varchar(200)", "fidelity": "jsonb"},
    "studiedrequest": {
        "is_shown_in_full": "boolean",
        "organisation_id": "bigint",
        "reliability_cost": MONEY,
        "local_delivery_cost": MONEY,
        "switchyard_cost": MONEY,
        "own_cost": MONEY,
        "total_cost": MONEY,
        "cost_per_kw": FIGURE,
    },
    "upgrade": {
        "called_for_by": TEXT,
        "loading_percent": FIGURE,
        "miles": FIGURE,
        "rating_before_mva": FIGURE,
        "rating_after_mva": FIGURE,
        "cost": MONEY,
    },
    "constraint": {
        "identity": TEXT,
        "outage": "varchar(200)",
        "limit_mw": FIGURE,
        "outages": "integer",
    },
    "constraintrequest": {"impact_percent": FIGURE},
    "scheme": {
        "outage": "varchar(200)",
        "tripped_mw": FIGURE,
        "elements": "varchar(200)[]",
    },
    "ledgerrow": {"called_for_by": TEXT},
}
MAY_BE_BLANK = {
    "organisation_id",
    "loading_percent",
    "miles",
    "rating_before_mva",
    "rating_after_mva",
}
# model → constraint that leaves with its columns → what it was
CONSTRAINTS = {
    "study": {"studies_study_shown": "UNIQUE (id, is_shown_in_full)"},
    "studiedrequest": {
        "studies_request_total_is_the_sum": "CHECK (total_cost = reliability_cost "
        "+ local_delivery_cost + switchyard_cost + own_cost)",
        "studies_request_costs_not_negative": "CHECK (reliability_cost >= 0 "
        "AND local_delivery_cost >= 0 AND switchyard_cost >= 0 AND own_cost >= 0)",
    },
    "upgrade": {"studies_upgrade_cost": "CHECK (cost >= 0)"},
    "constraint": {"studies_constraint_once": "UNIQUE (study_id, identity)"},
    "scheme": {"studies_scheme_mw": "CHECK (tripped_mw >= 0)"},
}

# On real grids the sums by class may tell what one pays: who sees all finds them in `in_full`.
MOVE = """
UPDATE studies_study SET is_shown_in_full = false
    WHERE id IN (SELECT study_id FROM studies_studiedrequest WHERE organisation_id IS NOT NULL);
INSERT INTO studies_studyinfull (study_id, cost, bundle_place, tier)
    SELECT id, summary -> 'cost', bundle_place, 'private' FROM studies_study;
UPDATE studies_study SET summary = jsonb_set(
        summary, '{cost}', jsonb_build_object('currency', summary -> 'cost' -> 'currency'))
    WHERE NOT is_shown_in_full;
INSERT INTO studies_fidelity (study_id, findings, tier)
    SELECT id, fidelity, 'ceii' FROM studies_study;
INSERT INTO studies_requestcosts (request_id, organisation_id, reliability_cost,
        local_delivery_cost, switchyard_cost, own_cost, total_cost, cost_per_kw, tier)
    SELECT id, organisation_id, reliability_cost,
        local_delivery_cost, switchyard_cost, own_cost, total_cost, cost_per_kw, 'private'
    FROM studies_studiedrequest;
INSERT INTO studies_upgradecost (upgrade_id, cost, miles, tier)
    SELECT id, cost, miles, 'private' FROM studies_upgrade;
INSERT INTO studies_upgradereason (upgrade_id, called_for_by, loading_percent,
        rating_before_mva, rating_after_mva, tier)
    SELECT id, called_for_by, loading_percent, rating_before_mva, rating_after_mva, 'ceii'
    FROM studies_upgrade;
INSERT INTO studies_constraintcontingency (constraint_id, identity, outage, limit_mw, outages, tier)
    SELECT id, identity, outage, limit_mw, outages, 'ceii' FROM studies_constraint;
INSERT INTO studies_schemecontingency (scheme_id, outage, elements, tier)
    SELECT id, outage, elements, 'ceii' FROM studies_scheme;
UPDATE studies_studiedrequest SET tier = 'public';
UPDATE studies_upgrade SET tier = 'public';
UPDATE studies_constraint SET tier = 'public';
UPDATE studies_scheme SET tier = 'public';
"""

MOVE_BACK = """
UPDATE studies_study s SET summary = jsonb_set(s.summary, '{cost}', w.cost),
        bundle_place = w.bundle_place, fidelity = f.findings
    FROM studies_studyinfull w, studies_fidelity f WHERE w.study_id = s.id AND f.study_id = s.id;
UPDATE studies_studiedrequest r SET is_shown_in_full = s.is_shown_in_full,
        organisation_id = c.organisation_id, reliability_cost = c.reliability_cost,
        local_delivery_cost = c.local_delivery_cost, switchyard_cost = c.switchyard_cost,
        own_cost = c.own_cost, total_cost = c.total_cost, cost_per_kw = c.cost_per_kw,
        tier = 'private'
    FROM studies_study s, studies_requestcosts c
    WHERE s.id = r.study_id AND c.request_id = r.id;
UPDATE studies_upgrade u SET called_for_by = r.called_for_by, loading_percent = r.loading_percent,
        miles = c.miles, rating_before_mva = r.rating_before_mva,
        rating_after_mva = r.rating_after_mva, cost = c.cost, tier = 'private'
    FROM studies_upgradereason r, studies_upgradecost c
    WHERE r.upgrade_id = u.id AND c.upgrade_id = u.id;
UPDATE studies_constraint k SET identity = c.identity, outage = c.outage, limit_mw = c.limit_mw,
        outages = c.outages, tier = 'ceii'
    FROM studies_constraintcontingency c WHERE c.constraint_id = k.id;
UPDATE studies_constraintrequest r
    SET impact_percent = round((100 * r.impact_mw / c.limit_mw)::numeric, 3)
    FROM studies_constraintcontingency c WHERE c.constraint_id = r.constraint_id;
UPDATE studies_scheme s SET outage = c.outage, elements = c.elements, tier = 'ceii',
        tripped_mw = coalesce((
            SELECT sum(r.net_mw) FROM studies_studiedrequest r
            JOIN studies_scheme_requests t ON t.studiedrequest_id = r.id
            WHERE t.scheme_id = s.id), 0)
    FROM studies_schemecontingency c WHERE c.scheme_id = s.id;
UPDATE studies_ledgerrow l SET called_for_by = r.called_for_by
    FROM studies_upgradereason r WHERE r.upgrade_id = l.upgrade_id;
"""

SEES_ALL = "gentie_is_operator() OR gentie_is_program()"
SHOWN = "study_id IN (SELECT s.id FROM studies_study s WHERE s.is_shown_in_full)"
# Asked once for a statement, not once for a row.
CEII = "(SELECT gentie_may_see_ceii())"
PRIVATE = "request_id IN (SELECT k.request_id FROM studies_requestcosts k)"


def _of_shown(key: str, table: str) -> str:
    return f"{key} IN (SELECT t.id FROM {table} t WHERE t.{SHOWN})"


# table → whose eyes a row is for. What hangs on a row is seen where that row is seen.
SEEN = {
    "studies_study": "true",
    "studies_studiedrequest": "true",
    "studies_upgrade": "true",
    "studies_constraint": "true",
    "studies_constraint_upgrades": "true",
    "studies_scheme": "true",
    "studies_studyinfull": f"{SEES_ALL} OR {SHOWN}",
    "studies_fidelity": f"{CEII} OR {SHOWN}",
    "studies_requestcosts": "gentie_may_read(organisation_id) OR "
    + _of_shown("request_id", "studies_studiedrequest"),
    "studies_ledgerrow": PRIVATE,
    "studies_constraintrequest": PRIVATE,
    "studies_scheme_requests": f"studiedrequest_id {PRIVATE.removeprefix('request_id ')}",
    # Who pays some of an upgrade checks the share, which is a share of this.
    "studies_upgradecost": f"{SEES_ALL} OR {_of_shown('upgrade_id', 'studies_upgrade')} "
    "OR upgrade_id IN (SELECT l.upgrade_id FROM studies_ledgerrow l)",
    "studies_upgradereason": f"{CEII} OR {_of_shown('upgrade_id', 'studies_upgrade')}",
    "studies_constraintcontingency": f"{CEII} OR {_of_shown('constraint_id', 'studies_constraint')}",
    "studies_schemecontingency": f"{CEII} OR {_of_shown('scheme_id', 'studies_scheme')}",
    "studies_picture": "constraint_id IN "
    "(SELECT c.constraint_id FROM studies_constraintcontingency c)",
}

AS_PROGRAM = "SELECT set_config('gentie.role', 'program', true);"
# Checks that wait would forbid to change the tables that they are about.
CHECK_NOW = "SET CONSTRAINTS ALL IMMEDIATE;"


def forwards() -> str:
    return "\n".join(_forwards())


def backwards() -> str:
    return "\n".join(_backwards())


def _forwards() -> Iterator[str]:
    yield AS_PROGRAM
    for table in BEFORE.SEEN:
        yield f"DROP POLICY {table}_seen ON {table};"
    yield "ALTER TABLE studies_studiedrequest DROP CONSTRAINT studies_request_shown_as_its_study;"
    for model, constraints in CONSTRAINTS.items():
        for name in constraints:
            yield f"ALTER TABLE studies_{model} DROP CONSTRAINT {name};"
    yield MOVE
    yield CHECK_NOW
    for model, columns in MOVED.items():
        for column in columns:
            yield f"ALTER TABLE studies_{model} DROP COLUMN {column};"
    for table, seen in SEEN.items():
        if table not in BEFORE.SEEN:
            yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;"
            yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;"
            yield (
                f"CREATE POLICY {table}_published ON {table} "
                "USING (gentie_may_publish()) WITH CHECK (gentie_may_publish());"
            )
        yield f"CREATE POLICY {table}_seen ON {table} FOR SELECT USING ({seen});"


def _backwards() -> Iterator[str]:
    yield AS_PROGRAM
    for table in SEEN:
        yield f"DROP POLICY {table}_seen ON {table};"
    for model, columns in MOVED.items():
        for column, kind in columns.items():
            yield f"ALTER TABLE studies_{model} ADD COLUMN {column} {kind};"
    yield MOVE_BACK
    yield CHECK_NOW
    for model, columns in MOVED.items():
        for column in columns.keys() - MAY_BE_BLANK:
            yield f"ALTER TABLE studies_{model} ALTER COLUMN {column} SET NOT NULL;"
    for model, constraints in CONSTRAINTS.items():
        for name, rule in constraints.items():
            yield f"ALTER TABLE studies_{model} ADD CONSTRAINT {name} {rule};"
    yield """
    ALTER TABLE studies_studiedrequest ADD CONSTRAINT studies_request_organisation
        FOREIGN KEY (organisation_id) REFERENCES accounts_organisation (id)
        DEFERRABLE INITIALLY DEFERRED;
    CREATE INDEX studies_request_organisation ON studies_studiedrequest (organisation_id);
    ALTER TABLE studies_studiedrequest ADD CONSTRAINT studies_request_shown_as_its_study
        FOREIGN KEY (study_id, is_shown_in_full) REFERENCES studies_study (id, is_shown_in_full)
        DEFERRABLE INITIALLY DEFERRED;
    """
    for table, seen in BEFORE.SEEN.items():
        yield f"CREATE POLICY {table}_seen ON {table} FOR SELECT USING ({seen});"
