"""A run from the button to the published study, and everything that may come in between."""

from __future__ import annotations

import tempfile
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count, product
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.forms import model_to_dict
from procrastinate.contrib.django.models import ProcrastinateJob

import gentie
from gentie.contexts.accounts.acting import Acting, acting_as
from gentie.contexts.accounts.examples import cast
from gentie.contexts.accounts.roles import PROGRAM, Role
from gentie.contexts.audit.reads import entries_about
from gentie.contexts.grid.examples import published_small_case, small_case
from gentie.contexts.intake.reads import study_file
from gentie.contexts.studies import run_files, runs
from gentie.contexts.studies.lifecycles import RUN
from gentie.contexts.studies.models import Run, RunInputs, RunStep, StudiedRequest, Study
from gentie.contexts.studies.reads import bundle_file
from gentie.contexts.studies.run_actions import TASK, cancel_run, start_run
from gentie.contexts.studies.run_examples import SLUG, ready_cluster
from gentie.contexts.studies.run_files import clear_folders, run_folder
from gentie.contexts.studies.run_freezing import start_blockers
from gentie.contexts.studies.run_work import TakenOver, close_step, open_step, take_up, tell
from gentie.quantities.findings import BadInput
from gentie.quantities.lifecycle import Step
from gentie.rulebook.book import load_grid_profile, load_rulebook
from gentie.workbench.bundle import write_bundle, zipped_bundle
from gentie.workbench.study import Inputs, StudyWork, run_study

AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
BY = "person:1"
ENGINEER = str(Role.ENGINEER)
ROLES = (*(str(role) for role in Role), PROGRAM, "")

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return cast(by=BY, at=AT)


@pytest.fixture
def ready(people):
    case = published_small_case(by=BY, at=AT)
    return ready_cluster(
        base_case_id=case.pk,
        case=small_case(),
        organisation_ids=tuple(people.organisations[word].pk for word in ("first", "second")),
        at=AT,
    )


@pytest.fixture
def data(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setattr(settings, "DATA_DIR", tmp_path)
    return tmp_path


def asked(people, policy: str = "wires_first", slug: str = SLUG):
    person = people.members["engineer"].person_id
    return start_run(cluster_slug=slug, policy=policy, role=ENGINEER, asked_by=person, by=BY, at=AT)


class Clock:
    """A minute later each time."""

    def __init__(self) -> None:
        self.minutes = count()

    def __call__(self) -> datetime:
        return AT + timedelta(minutes=next(self.minutes))


def perform(run: Run, data: Path, is_stopping=lambda: False) -> Run:
    runs.perform(run_id=run.pk, data=data, now=Clock(), is_stopping=is_stopping)
    run.refresh_from_db()
    return run


def inputs_of(content: bytes, policy: str) -> Inputs:
    """What the command line reads, given the cluster's file."""
    return Inputs(
        case=small_case(),
        requests_content=content,
        requests_name="requests.csv",
        rulebook=load_rulebook(),
        profile=load_grid_profile(small_case().name),
        policy=policy,
    )


@cache
def on_the_command_line(content: bytes, policy: str) -> bytes:
    """The bundle that the command line makes of the cluster's file, zipped."""
    with tempfile.TemporaryDirectory() as folder:
        write_bundle(run_study(inputs_of(content, policy)), Path(folder) / "bundle")
        return zipped_bundle(Path(folder) / "bundle")


def steps(run: Run) -> list[tuple[int, str, str, int]]:
    return list(run.steps.values_list("number", "name", "state", "attempts"))


# ------------------------------------------------------------------------------- the lifecycle


def test_every_state_by_role_by_move():
    allowed = {
        (state, role, move.name)
        for state, role, move in product(RUN.states, ROLES, RUN.moves)
        if isinstance(RUN.step(move.name, state=state, role=role, subject=None), Step)
    }
    program = {
        ("queued", "begin"),
        ("queued", "drop"),
        ("running", "cancel"),
        ("cancelling", "stop"),
        ("running", "fail"),
        ("cancelling", "fail"),
        ("running", "finish"),
    }
    assert allowed == {(state, PROGRAM, name) for state, name in program} | {
        ("queued", ENGINEER, "drop"),
        ("running", ENGINEER, "cancel"),
    }


# ------------------------------------------------------------------------------------ starting


def test_inputs_are_frozen_and_a_job_waits(ready, people):
    started = asked(people)
    assert started.is_new
    run = started.run
    assert (run.state, run.cluster_id, run.asked_at) == ("queued", ready.pk, AT)
    inputs = run.inputs
    assert bytes(inputs.requests_content) == study_file(ready)
    assert (inputs.policy, inputs.request_count) == ("wires_first", len(inputs.organisations))
    assert set(inputs.organisations.values()) == {
        people.organisations[word].pk for word in ("first", "second")
    }
    job = ProcrastinateJob.objects.get(args={"run_id": run.pk})
    assert (job.task_name, job.status, job.lock) == (TASK, "todo", "studies")
    assert [entry.action for entry in entries_about(f"run:{run.pk}")] == ["study.run.asked"]


def test_two_engineers_get_the_same_run(ready, people):
    first, second = asked(people), asked(people, policy="ras_first")
    assert (first.is_new, second.is_new) == (True, False)
    assert first.run == second.run
    assert Run.objects.count() == 1
    assert ProcrastinateJob.objects.filter(args={"run_id": first.run.pk}).count() == 1


def test_the_database_holds_that_one_run_of_a_cluster_is_under_way(ready, people):
    run = asked(people).run
    for state in ("queued", "running", "cancelling"):
        Run.objects.filter(pk=run.pk).update(state=state)
        with pytest.raises(IntegrityError), transaction.atomic():
            Run.objects.create(cluster=ready, asked_at=AT)


def test_a_run_that_is_over_makes_room_for_another(ready, people):
    first = asked(people).run
    cancel_run(run_id=first.pk, role=ENGINEER, by=BY, at=AT)
    second = asked(people)
    assert second.is_new
    assert second.run != first


def changed(name: str):
    def change(ready) -> None:
        Position, CaseFile = (
            apps.get_model(app, model)
            for app, model in (("intake", "QueuePosition"), ("grid", "CaseFile"))
        )
        Cluster, BaseCase = apps.get_model("intake", "Cluster"), apps.get_model("grid", "BaseCase")
        {
            "empty": lambda: Position.objects.update(state="waiting"),
            "no_case_file": CaseFile.objects.all().delete,
            "other_rules": lambda: Cluster.objects.update(rulebook_version="1999-01-01"),
            "other_areas": lambda: BaseCase.objects.update(areas=[7]),
        }[name]()

    return change


WRONG = ("empty", "no_case_file", "other_rules", "other_areas")


@pytest.mark.parametrize("names", [*((name,) for name in WRONG), WRONG])
def test_what_cannot_be_studied_is_refused_with_all_reasons(ready, people, names):
    for name in names:
        changed(name)(ready)
    codes = [f"study.run.{name}" for name in names]
    blockers = start_blockers(cluster_slug=SLUG, role=ENGINEER)
    assert [finding.code for finding in blockers] == codes
    with pytest.raises(BadInput) as refused:
        asked(people)
    assert [finding.code for finding in refused.value.findings] == codes
    assert Run.objects.count() == RunInputs.objects.count() == 0


@pytest.mark.parametrize("role", [role for role in ROLES if role not in {ENGINEER, PROGRAM}])
def test_only_an_engineer_starts_and_cancels(ready, people, role):
    assert [one.code for one in start_blockers(cluster_slug=SLUG, role=role)] == ["study.run.role"]
    run = asked(people).run
    with pytest.raises(BadInput, match="Only planning engineer"):
        cancel_run(run_id=run.pk, role=role, by=BY, at=AT)
    run.refresh_from_db()
    assert run.state == "queued"


def test_an_unknown_policy_or_cluster_is_refused(ready, people):
    with pytest.raises(BadInput, match="no policy 'hope'"):
        asked(people, policy="hope")
    with pytest.raises(BadInput, match="no cluster nowhere"):
        asked(people, slug="nowhere")


# ------------------------------------------------------------------------------------- working


@pytest.mark.parametrize("policy", ["ras_first", "wires_first"])
def test_the_bundle_is_the_command_lines(ready, people, data, policy):
    run = perform(asked(people, policy).run, data)
    assert run.state == "done"
    assert run.study is not None
    found = bundle_file(run.study).read_bytes()
    assert found == on_the_command_line(study_file(ready), policy)
    assert run.study.inputs_digest == run.inputs.inputs_digest
    names = [name for _, name, _, _ in steps(run)]
    assert names[:3] == ["inputs", "grid", "look"]
    assert set(names[3:-2]) == {"upgrades"}
    assert names[-2:] == ["results", "publication"]
    assert {(state, attempts) for _, _, state, attempts in steps(run)} == {("done", 1)}
    assert all(step.seconds > 0 for step in run.steps.all())
    assert (run.words, run.left_s) == ("", None)
    assert not run_folder(data, run.pk).path.exists()
    actions = [entry.action for entry in entries_about(f"run:{run.pk}")]
    assert sorted(actions) == ["study.run.asked", "study.run.done", "study.run.running"]


def test_a_study_with_owners_is_not_everybodys(ready, people, data):
    run = perform(asked(people).run, data)
    assert not run.study.is_shown_in_full
    owners = dict(StudiedRequest.objects.values_list("name", "costs__organisation_id"))
    assert owners == run.inputs.organisations
    assert run.inputs.base_case.is_synthetic  # and shown in full it would be without owners


def test_what_changes_after_the_freeze_changes_nothing(ready, people, data):
    expected = on_the_command_line(study_file(ready), "wires_first")
    run = asked(people).run
    apps.get_model("intake", "QueuePosition").objects.filter(pk=ready.positions.first().pk).update(
        state="withdrawn"
    )
    run = perform(run, data)
    assert bundle_file(run.study).read_bytes() == expected


class Killed(BaseException):
    """What a SIGKILL looks like from inside: nothing of ours runs any more."""


@pytest.mark.parametrize("after", [1, 2, 4, 6, 8, 11, 13, 15, 18])
def test_killed_after_any_write_the_run_comes_to_the_same_end(
    ready, people, data, monkeypatch, after
):
    """The worker dies right before its n-th word to the database; another one goes on."""
    monkeypatch.setattr(runs, "SEARCHES_AT_ONCE", 2)
    expected = on_the_command_line(study_file(ready), "wires_first")
    run = asked(people).run
    words = count(1)

    def dying(verb):
        def say(*arguments, **keywords):
            if next(words) == after:
                raise Killed
            return verb(*arguments, **keywords)

        return say

    with monkeypatch.context() as mortal:
        for name in ("open_step", "close_step", "tell", "finish"):
            mortal.setattr(runs.run_work, name, dying(getattr(runs.run_work, name)))
        with pytest.raises(Killed):
            perform(run, data)
    done = {step.number: step for step in RunStep.objects.filter(run=run, state="done")}
    run = perform(run, data)
    assert run.state == "done"
    assert bundle_file(run.study).read_bytes() == expected
    for number, step in done.items():
        again = run.steps.get(number=number)
        assert (again.attempts, again.ended_at) == (step.attempts, step.ended_at)
    assert max(attempts for *_, attempts in steps(run)) <= 2


def test_no_search_is_made_twice(ready, people, data, monkeypatch):
    monkeypatch.setattr(runs, "SEARCHES_AT_ONCE", 1)
    searches: list[int] = []
    advance = StudyWork.advance

    def counted(work):
        advance(work)
        searches.append(len(work.cluster.decisions))

    monkeypatch.setattr(StudyWork, "advance", counted)
    run = asked(people).run
    stop_after = 6
    with pytest.raises(runs.PutDown):
        perform(run, data, is_stopping=lambda: len(searches) >= stop_after)
    run = perform(run, data)
    assert run.state == "done"
    whole = StudyWork(inputs_of(study_file(ready), "wires_first"))
    expected = []
    while not whole.is_ended:
        advance(whole)
        expected.append(len(whole.cluster.decisions))
    assert searches == expected


def test_put_down_in_order_it_does_not_count_as_an_attempt(ready, people, data):
    run = asked(people).run
    for _ in range(runs.MOST_ATTEMPTS + 2):
        asked_often = count()
        with pytest.raises(runs.PutDown):
            perform(run, data, is_stopping=lambda n=asked_often: next(n) >= 3)
        run.refresh_from_db()
        assert run.state == "running"
    assert {attempts for *_, attempts in steps(run)} <= {0, 1}
    assert perform(run, data).state == "done"


def test_a_step_that_kills_its_worker_again_and_again_is_given_up(ready, people, data, monkeypatch):
    run = asked(people).run
    with monkeypatch.context() as mortal:
        mortal.setattr(StudyWork, "advance", lambda work: (_ for _ in ()).throw(Killed))
        for _ in range(runs.MOST_ATTEMPTS):
            with pytest.raises(Killed):
                perform(run, data)
        run = perform(run, data)
    assert run.state == "failed"
    assert [reason.code for reason in run.reasons.all()] == ["study.run.given_up"]
    assert steps(run)[-1][2] == "failed"
    assert asked(people).is_new


# ------------------------------------------------------------------------- cancelled and failed


def test_one_that_waits_is_cancelled_at_once_and_never_worked_on(ready, people, data):
    run = asked(people).run
    assert cancel_run(run_id=run.pk, role=ENGINEER, by=BY, at=AT).state == "cancelled"
    run = perform(run, data)
    assert (run.state, run.ended_at, steps(run)) == ("cancelled", AT, [])
    with pytest.raises(BadInput, match="This run is cancelled"):
        cancel_run(run_id=run.pk, role=ENGINEER, by=BY, at=AT)


def test_one_under_way_is_cancelled_between_two_searches(ready, people, data, monkeypatch):
    monkeypatch.setattr(runs, "SEARCHES_AT_ONCE", 1)
    run, searches = asked(people).run, []
    advance = StudyWork.advance

    def cancelled_meanwhile(work):
        advance(work)
        searches.append(work)
        if len(searches) == 4:
            cancel_run(run_id=run.pk, role=ENGINEER, by=BY, at=AT)

    monkeypatch.setattr(StudyWork, "advance", cancelled_meanwhile)
    run = perform(run, data)
    assert run.state == "cancelled"
    assert len(searches) <= 5
    assert Study.objects.count() == 0
    assert not run_folder(data, run.pk).path.exists()
    assert [entry.action for entry in entries_about(f"run:{run.pk}")].count(
        "study.run.cancelling"
    ) == 1


def test_cancelled_before_its_worker_came_back_it_stays_cancelled(ready, people, data):
    run = asked(people).run
    with pytest.raises(runs.PutDown):
        perform(run, data, is_stopping=lambda: True)
    cancel_run(run_id=run.pk, role=ENGINEER, by=BY, at=AT)
    assert perform(run, data).state == "cancelled"


def test_a_run_that_cannot_go_on_fails_with_its_sentences(ready, people, data, monkeypatch):
    run = asked(people).run
    other = replace(load_grid_profile(small_case().name), sources={"other.toml": b""})
    monkeypatch.setattr(run_files, "load_grid_profile", lambda name: other)
    run = perform(run, data)
    assert run.state == "failed"
    assert [reason.code for reason in run.reasons.all()] == ["study.run.inputs_changed"]
    assert steps(run) == [(1, "inputs", "failed", 1)]


def test_requests_that_the_grid_cannot_take_fail_in_words(ready, people, data):
    there = model_to_dict(ready.positions.first(), exclude=["id", "cluster", "request"])
    draft = apps.get_model("intake", "Request").objects.create(
        organisation=people.organisations["first"], cluster=ready, state="filed", made_at=AT
    )
    ready.positions.create(request=draft, **there | {"number": "Z9", "bus": 999_999})
    run = perform(asked(people).run, data)
    assert run.state == "failed"
    assert "Z9" in run.reasons.get().sentence
    assert [step[1:3] for step in steps(run)] == [("inputs", "done"), ("grid", "failed")]
    assert Study.objects.count() == 0


def test_another_version_does_not_go_on_with_a_run(ready, people, data, monkeypatch):
    run = asked(people).run
    monkeypatch.setattr(gentie, "__version__", "99.0.0")
    run = perform(run, data)
    assert [reason.code for reason in run.reasons.all()] == ["study.run.other_version"]


@pytest.mark.parametrize("what", ["checkpoint", "input", "bundle"])
def test_what_was_kept_and_is_damaged_is_not_gone_on_from(ready, people, data, monkeypatch, what):
    run = asked(people).run
    last = {"checkpoint": "look", "input": "look", "bundle": "publication"}[what]
    with monkeypatch.context() as mortal:
        verb = runs.run_work.open_step

        def dying(hold, *, number, name, at):
            if (name == last and what == "bundle") or (number > 3 and what != "bundle"):
                raise Killed
            return verb(hold, number=number, name=name, at=at)

        mortal.setattr(runs.run_work, "open_step", dying)
        with pytest.raises(Killed):
            perform(run, data)
    folder = run_folder(data, run.pk)
    damaged = {
        "checkpoint": folder.path / "checkpoint-0003.json",
        "input": folder.path / "inputs" / "requests.csv",
        "bundle": folder.bundle / "manifest.json",
    }[what]
    damaged.write_bytes(damaged.read_bytes()[:-2])
    run = perform(run, data)
    assert run.state == "failed"
    assert [reason.code for reason in run.reasons.all()] == [
        "study.run.inputs_changed" if what == "input" else "study.run.kept_lost"
    ]


def test_another_kind_of_processor_does_not_go_on(ready, people, data):
    run = asked(people).run
    asked_often = count()
    with pytest.raises(runs.PutDown):
        perform(run, data, is_stopping=lambda: next(asked_often) >= 4)
    assert RunStep.objects.filter(run=run, number=2, state="done").update(result_digest="0" * 64)
    run = perform(run, data)
    assert [reason.code for reason in run.reasons.all()] == ["study.run.processor"]


# ---------------------------------------------------------------------------- who holds the run


def test_a_worker_that_was_taken_for_dead_can_write_nothing_more(ready, people):
    run = asked(people).run
    first = take_up(run_id=run.pk, at=AT)
    open_step(first, number=1, name="inputs", at=AT)
    second = take_up(run_id=run.pk, at=AT)
    assert second.claim == first.claim + 1
    for write in (
        lambda: open_step(first, number=2, name="grid", at=AT),
        lambda: close_step(first, number=1, result_digest="0" * 64, at=AT),
        lambda: tell(first, words="x", done=0, whole=0, left_s=None, at=AT),
    ):
        with pytest.raises(TakenOver):
            write()
    close_step(second, number=1, result_digest="1" * 64, at=AT)
    assert RunStep.objects.get(run=run).result_digest == "1" * 64


def test_a_run_that_is_gone_or_over_is_left_alone(ready, people, data):
    assert take_up(run_id=0, at=AT) is None
    run = perform(asked(people).run, data)
    before = list(RunStep.objects.values())
    assert perform(run, data).state == "done"
    assert list(RunStep.objects.values()) == before


def test_progress_tells_what_is_done_of_what_is_known(ready, people, data, monkeypatch):
    monkeypatch.setattr(runs, "TELL_EVERY_S", 0.0)
    told = []
    verb = runs.run_work.tell
    monkeypatch.setattr(
        runs.run_work, "tell", lambda hold, **said: told.append(said) or verb(hold, **said)
    )
    perform(asked(people).run, data)
    words = [said["words"] for said in told]
    assert {"published case", "transfer factors", "reliability", "publication"} <= set(words)
    counted = [said for said in told if said["whole"]]
    assert counted
    assert all(0 <= said["done"] <= said["whole"] for said in counted)
    assert any(said["left_s"] is not None for said in counted)


def test_folders_of_runs_that_are_over_are_removed(data):
    for name in ("1", "2", "not-a-run"):
        (data / "runs" / name).mkdir(parents=True)
    assert clear_folders(data, but=[2]) == [1]
    assert sorted(path.name for path in (data / "runs").iterdir()) == ["2", "not-a-run"]


@pytest.mark.django_db(transaction=True)
def test_two_who_press_at_the_same_moment_start_one_run(ready, people):
    engineer = people.members["engineer"]
    acting = Acting(engineer.person_id, engineer.organisation_id, engineer.role)
    gate, found = threading.Barrier(4), []

    def press() -> None:
        try:
            gate.wait()
            with acting_as(acting):
                found.append(asked(people))
        finally:
            connection.close()

    pressing = [threading.Thread(target=press) for _ in range(4)]
    for one in pressing:
        one.start()
    for one in pressing:
        one.join()
    assert sorted(one.is_new for one in found) == [False, False, False, True]
    assert len({one.run.pk for one in found}) == 1
    run_id = found[0].run.pk
    assert ProcrastinateJob.objects.filter(args={"run_id": run_id}).count() == 1
    assert Run.objects.get().state == "queued"
