"""A study that goes on elsewhere says the same, to the byte, as one that ran in one go."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace

import pytest

import gentie
from gentie.engines.interconnection.cluster_checkpoint import Act, OtherStart, Stage
from gentie.engines.interconnection.cluster_result import result_of
from gentie.engines.interconnection.cluster_work import ClusterWork
from gentie.quantities.findings import BadInput
from gentie.workbench import checkpoints
from gentie.workbench.bundle import bundle_files
from gentie.workbench.examples import ROWS, inputs_with, small_run
from gentie.workbench.publication import branch_miles
from gentie.workbench.results import results_of
from gentie.workbench.study import Inputs, StudyRun, StudyWork

POLICIES = ("ras_first", "wires_first")


def kept_on_the_way(inputs: Inputs) -> list[bytes]:
    """What is kept before the first search and after every one."""
    work = StudyWork(inputs)
    kept = [work.kept()]
    while not work.is_ended:
        work.advance()
        kept.append(work.kept())
    return kept


@pytest.mark.parametrize("policy", POLICIES)
def test_from_every_checkpoint_the_study_comes_to_the_same_bundle(policy):
    inputs = inputs_with(*ROWS, policy=policy)
    expected = bundle_files(small_run(policy))
    on_the_way = kept_on_the_way(inputs)
    assert len(on_the_way) > 5
    for kept in on_the_way:
        work = StudyWork(inputs)
        work.go_on_from(kept)
        assert work.kept() == kept
        while not work.is_ended:
            work.advance()
        assert bundle_files(work.finished()) == expected


def test_the_demonstration_goes_on_from_its_middle(demo_run: StudyRun, demo_inputs: Inputs):
    """Its checkpoints hold schemes, both conditions, and overloads that upgrades brought about."""
    miles = branch_miles(demo_inputs.case, demo_inputs.rulebook, demo_inputs.profile)
    cluster = demo_run.cluster

    def begun() -> ClusterWork:
        return ClusterWork(cluster.case, cluster.requests, cluster.rules, miles=miles)

    work, on_the_way = begun(), []
    while not work.is_ended:
        work.advance()
        on_the_way.append(work.checkpoint())
    assert any(one.schemes and one.stage is Stage.DELIVERABILITY_UPGRADES for one in on_the_way)
    assert any(decision.arose for decision in on_the_way[-1].decisions)
    for place in (2, len(on_the_way) // 2, len(on_the_way) - 2):
        again = begun()
        again.go_on_from(on_the_way[place])
        while not again.is_ended:
            again.advance()
        results = results_of(
            result_of(again),
            demo_run.requests,
            case=demo_inputs.case,
            rulebook=demo_inputs.rulebook,
            profile=demo_inputs.profile,
            engine_version=gentie.__version__,
        )
        assert results.files() == demo_run.results.files()


def test_each_search_builds_at_most_one_thing():
    on_the_way = [json.loads(kept) for kept in kept_on_the_way(inputs_with(*ROWS))]
    built = [
        sum(decision["act"] == Act.BUILT for decision in kept["decisions"]) for kept in on_the_way
    ]
    assert all(0 <= after - before <= 1 for before, after in itertools.pairwise(built))
    assert built[-1] > 1


def test_what_is_kept_of_other_inputs_is_refused():
    kept = StudyWork(inputs_with(*ROWS)).kept()
    for other in (inputs_with(*ROWS, policy="wires_first"), inputs_with(*ROWS[1:])):
        with pytest.raises(BadInput, match="other inputs") as refused:
            StudyWork(other).go_on_from(kept)
        assert [finding.code for finding in refused.value.findings] == ["study.checkpoint.other"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda said: said | {"format": "gentie-checkpoint/0"}, "study.checkpoint.format"),
        (lambda said: said | {"stage": "lunch"}, "study.checkpoint.damaged"),
        (
            lambda said: {k: v for k, v in said.items() if k != "schemes"},
            "study.checkpoint.damaged",
        ),
        (lambda said: said | {"start": "0" * 64}, "study.checkpoint.processor"),
    ],
)
def test_what_cannot_be_gone_on_from_is_refused_in_words(change, code):
    work = StudyWork(inputs_with(*ROWS))
    changed = json.dumps(change(json.loads(work.kept()))).encode()
    before = work.kept()
    with pytest.raises(BadInput, match="run the study again") as refused:
        work.go_on_from(changed)
    assert [finding.code for finding in refused.value.findings] == [code]
    assert work.kept() == before


def test_a_file_cut_short_is_damaged():
    work = StudyWork(inputs_with(*ROWS))
    with pytest.raises(BadInput, match="damaged"):
        work.go_on_from(work.kept()[:-20])


def test_work_that_has_begun_takes_no_other_beginning():
    work = StudyWork(inputs_with(*ROWS))
    work.advance()
    with pytest.raises(OtherStart):
        work.cluster.go_on_from(work.cluster.checkpoint())


def test_a_study_has_no_result_before_its_end():
    with pytest.raises(ValueError, match="has not ended"):
        result_of(StudyWork(inputs_with(*ROWS)).cluster)


def test_every_bit_of_a_number_survives_the_file():
    work = StudyWork(inputs_with(*ROWS))
    work.advance()
    said = work.cluster.checkpoint()
    odd = replace(
        said,
        dispatch_share=0.1 + 0.2,
        decisions=tuple(replace(one, loading=math.nextafter(1.0, 2.0)) for one in said.decisions),
    )
    content = checkpoints.checkpoint_bytes(odd, inputs_digest="x")
    assert checkpoints.checkpoint_of(content, inputs_digest="x") == odd
