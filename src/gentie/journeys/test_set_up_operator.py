from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path

import pytest
from django.apps import apps

from gentie.contexts.accounts.actions import create_organisation
from gentie.contexts.accounts.reads import installation
from gentie.contexts.accounts.signing_in import check_password
from gentie.contexts.grid.examples import published_small_case
from gentie.contexts.grid.reads import latest_case, points_of, profile_of_case
from gentie.contexts.grid.runs import report_at
from gentie.journeys import set_up_operator as journey
from gentie.journeys.set_up_operator import operator_as_set_up, set_up_operator
from gentie.quantities.findings import BadInput
from gentie.workbench.operator_file import read_operator

AT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
EXAMPLE = Path(__file__).resolve().parents[3] / "docs" / "guide" / "operator.example.toml"

Organisation = apps.get_model("accounts", "Organisation")
Entry = apps.get_model("audit", "Entry")

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def inputs():
    return read_operator(EXAMPLE)


def silent(*_: object) -> None:
    """Nobody listens."""


def test_an_operator_is_set_up_from_its_file(inputs, client):
    steps: list[str] = []
    made = set_up_operator(inputs, at=AT, tell=lambda step, *_: steps.append(step))
    assert (made.name, made.points) == ("Prairie Fictional Operator", 39)
    assert steps[0] == "capacity of every point"
    assert steps[-1] == "publishing"
    held = installation()
    assert (held.time_zone, held.closing_hour) == ("America/New_York", time(17))
    assert not held.is_demonstration
    person = check_password(email="ada@prairie.example", password=made.password, at=AT)
    assert person.name == "Ada Example"
    kinds = dict(Organisation.objects.values_list("name", "kind"))
    assert kinds == {
        "Prairie Fictional Operator": "operator",
        "Maple Transmission": "transmission_owner",
        "Harbour Transmission": "transmission_owner",
    }
    case = latest_case()
    assert (case.operator, case.areas) == ("Prairie Fictional Operator", [1, 2, 3])
    owners = dict(points_of(case).values_list("bus", "owner"))
    assert (owners[1], owners[39]) == ("Harbour Transmission", "Maple Transmission")
    # What was published can be asked again, and says the same.
    point = points_of(case).filter(capacity_mw__gt=1).first()
    report = report_at(case, bus=point.bus, mw=point.capacity_mw / 2)
    assert report.limit_mw == pytest.approx(point.capacity_mw, abs=1e-3)
    # A study of the service starts from the same owners and places.
    assert profile_of_case(case) == inputs.profile
    # The operator is not fictional here by its own word; only its grid is made up.
    page = client.get("/").text
    assert "Synthetic grid." in page
    assert "fictional operator" not in page
    said = operator_as_set_up()
    assert said["owners"] == ["Harbour Transmission", "Maple Transmission"]
    assert said["administrators"] == [{"name": "Ada Example", "email": "ada@prairie.example"}]
    assert (said["closing_hour"], said["case"]["points"]) == ("17:00:00", 39)


def test_a_real_grid_has_no_notice_of_a_synthetic_one(inputs, client):
    set_up_operator(inputs, at=AT, tell=silent)
    assert client.get("/").text.count("About this site") == 1
    apps.get_model("grid", "BaseCase").objects.update(is_synthetic=False)
    page = client.get("/").text
    assert "About this site" not in page
    assert "Texas" not in page


def rows() -> tuple[int, ...]:
    return tuple(
        apps.get_model(app, model).objects.count()
        for app, model in (
            ("accounts", "Organisation"),
            ("accounts", "Person"),
            ("accounts", "Installation"),
            ("grid", "BaseCase"),
            ("audit", "Entry"),
        )
    )


def test_where_there_is_an_operator_or_a_case_nothing_changes(inputs):
    def refused() -> list[str]:
        before = rows()
        with pytest.raises(BadInput) as bad:
            set_up_operator(inputs, at=AT, tell=lambda *_: pytest.fail("work was begun"))
        assert rows() == before
        return [finding.code for finding in bad.value.findings]

    published_small_case(by="program:test", at=AT)
    assert refused() == ["operator.case.there"]
    create_organisation(name="Another", kind="operator", by="program:test", at=AT)
    assert refused() == ["accounts.installation.other_operator"]


def test_stopped_while_publishing_there_is_no_operator(inputs, monkeypatch):
    def full(**_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(journey, "publish_case", full)
    before = rows()
    with pytest.raises(OSError, match="no space"):
        set_up_operator(inputs, at=AT, tell=silent)
    assert rows() == before
    assert operator_as_set_up() is None
