"""A bundle replays to the same bytes, and whatever was changed in it is named."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gentie
from gentie.quantities.findings import BadInput
from gentie.workbench import bundle
from gentie.workbench.bundle import (
    MANIFEST,
    Verdict,
    bundle_files,
    inputs_of,
    read_manifest,
    verify_bundle,
    write_bundle,
    zipped_bundle,
)
from gentie.workbench.examples import small_run
from gentie.workbench.tables import Tier

OTHER_PROCESSOR = {"machine": "abacus", "name": "beads", "features": []}


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that no test changes."""
    folder = tmp_path_factory.mktemp("bundles") / "study"
    write_bundle(small_run(), folder)
    return folder


@pytest.fixture
def folder(pristine: Path, tmp_path: Path) -> Path:
    """A bundle of a test's own."""
    return Path(shutil.copytree(pristine, tmp_path / "study"))


def edit(path: Path, change: Callable[[bytes], bytes]) -> bytes:
    before = path.read_bytes()
    after = change(before)
    assert after != before
    path.write_bytes(after)
    return after


def edit_manifest(folder: Path, change: Callable[[Any], object]) -> None:
    def rewritten(content: bytes) -> bytes:
        manifest = json.loads(content)
        change(manifest)
        return json.dumps(manifest, indent=1, sort_keys=True).encode()

    edit(folder / MANIFEST, rewritten)


def forge(folder: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    """Change a file and put its new digest in the manifest."""
    content = edit(folder / name, change)
    edit_manifest(
        folder,
        lambda manifest: manifest["files"][name].update(
            sha256=hashlib.sha256(content).hexdigest(), bytes=len(content)
        ),
    )


def said(verdict: Verdict) -> list[str]:
    return [finding.sentence for finding in verdict.differences]


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(BadInput) as refused:
        call()
    (finding,) = refused.value.findings
    return finding.sentence


# ------------------------------------------------------------------------------- unchanged


def test_a_replay_is_identical(pristine: Path) -> None:
    verdict = verify_bundle(pristine)
    assert verdict == Verdict(True, None, (), ())
    assert verdict.is_verified
    assert verdict.sentence == "identical"


def test_a_replay_on_one_thread_is_identical(pristine: Path) -> None:
    assert verify_bundle(pristine, threads=1).is_identical


def test_every_file_has_its_digest_and_its_tier(pristine: Path) -> None:
    manifest = read_manifest(pristine)
    there = {
        path.relative_to(pristine).as_posix(): path.read_bytes()
        for path in pristine.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }
    assert set(manifest["files"]) == set(there)
    for name, content in there.items():
        listed = manifest["files"][name]
        assert listed["sha256"] == hashlib.sha256(content).hexdigest()
        assert listed["bytes"] == len(content)
        assert Tier(listed["tier"]) == bundle_files(small_run())[name][0]
    tiers = {name: listed["tier"] for name, listed in manifest["files"].items()}
    assert tiers["inputs/case.m"] == "ceii"
    assert tiers["inputs/requests.csv"] == "private"
    assert tiers["inputs/rulebook/rulebook.toml"] == "public"
    assert tiers["results/constraints.csv"] == "ceii"
    assert tiers["results/ledger.csv"] == "private"
    assert tiers["results/summary.json"] == "public"


def test_the_manifest_pins_version_rulebook_and_policy(pristine: Path) -> None:
    manifest, rulebook = read_manifest(pristine), small_run().inputs.rulebook
    assert manifest["engine"] == {"name": "gentie", "version": gentie.__version__}
    assert manifest["rulebook"] == {
        "name": "california",
        "version": rulebook.version,
        "digest": rulebook.digest,
    }
    assert manifest["policy"] == "ras_first"
    assert manifest["case"] == {"name": "case_RTS_GMLC", "file": "case_RTS_GMLC.m"}


def test_the_inputs_come_back_from_the_bundle(pristine: Path) -> None:
    inputs, original = inputs_of(pristine), small_run().inputs
    assert inputs.case.sha256 == original.case.sha256
    assert inputs.requests_content == original.requests_content
    assert inputs.requests_name == original.requests_name
    assert inputs.rulebook == original.rulebook
    assert inputs.profile == original.profile


def test_the_digest_of_the_manifest_stands_for_the_bundle(pristine: Path, tmp_path: Path) -> None:
    digest = write_bundle(small_run(), tmp_path / "again")
    assert digest == hashlib.sha256((pristine / MANIFEST).read_bytes()).hexdigest()
    assert write_bundle(small_run("wires_first"), tmp_path / "other") != digest


# ----------------------------------------------------------------------------- changed files


@pytest.mark.parametrize(
    "name",
    [
        "inputs/case.m",
        "inputs/requests.csv",
        "inputs/rulebook/screening.toml",
        "results/ledger.csv",
        "results/summary.json",
    ],
)
def test_one_changed_byte_is_named(folder: Path, name: str) -> None:
    edit(folder / name, lambda content: content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
    verdict = verify_bundle(folder)
    assert said(verdict) == [
        f"{name} was changed after the study was made (the same length, another digest)."
    ]
    assert [finding.where for finding in verdict.differences] == [name]
    assert verdict.notes == (
        ("The study was not run again.",) if name.startswith("inputs/") else ()
    )
    assert (verdict.is_identical, verdict.is_verified) == (False, False)
    assert verdict.sentence == "1 difference"


def test_another_length_is_said(folder: Path) -> None:
    before = len((folder / "inputs/requests.csv").read_bytes())
    edit(folder / "inputs/requests.csv", lambda content: content + b"\n")
    assert said(verify_bundle(folder)) == [
        (
            "inputs/requests.csv was changed after the study was made "
            f"({before + 1} bytes against {before}, another digest)."
        )
    ]


def test_missing_added_and_changed_are_all_told(folder: Path) -> None:
    (folder / "results" / "schemes.csv").unlink()
    (folder / "results" / "extra.csv").write_text("a\n")
    (folder / "notes.txt").write_text("mine\n")
    edit(folder / "results" / "ledger.csv", bytes.upper)
    verdict = verify_bundle(folder)
    assert said(verdict) == [
        (
            "results/ledger.csv was changed after the study was made (the same length, another "
            "digest)."
        ),
        "results/schemes.csv is missing from the bundle.",
        "notes.txt is not part of the study; it was added to the folder.",
        "results/extra.csv is not part of the study; it was added to the folder.",
    ]
    assert verdict.sentence == "4 differences"


@pytest.mark.parametrize("name", ["inputs/case.m", "inputs/rulebook/unit_costs.toml"])
def test_a_missing_input_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    verdict = verify_bundle(folder)
    assert said(verdict) == [f"{name} is missing from the bundle."]
    assert verdict.notes == ("The study was not run again.",)


# ------------------------------------------------------------------------- forged manifests


def test_a_result_taken_out_of_folder_and_manifest_is_missed(folder: Path) -> None:
    (folder / "results" / "ledger.csv").unlink()
    edit_manifest(folder, lambda manifest: manifest["files"].pop("results/ledger.csv"))
    assert said(verify_bundle(folder)) == ["results/ledger.csv is missing from the bundle."]


def test_a_result_put_into_folder_and_manifest_is_noticed(folder: Path) -> None:
    (folder / "results" / "more.csv").write_bytes(b"a\n1\n")
    digest = hashlib.sha256(b"a\n1\n").hexdigest()
    edit_manifest(
        folder,
        lambda manifest: manifest["files"].update(
            {"results/more.csv": {"sha256": digest, "bytes": 4, "tier": "public"}}
        ),
    )
    assert said(verify_bundle(folder)) == ["results/more.csv differs from the replay."]


def test_another_input_with_its_digest_changes_results(folder: Path) -> None:
    forge(folder, "inputs/requests.csv", lambda content: content.replace(b"R1,114", b"R9,114"))
    found = said(verify_bundle(folder))
    assert "results/requests.csv differs from the replay first in line 2, request." in found


@pytest.mark.parametrize(
    ("change", "sentences"),
    [
        (
            lambda manifest: manifest["rulebook"].update(version="california-1999"),
            ["manifest.json says another rulebook than the replay."],
        ),
        (
            lambda manifest: manifest["case"].update(name="case_of_mine"),
            ["manifest.json says another case than the replay."],
        ),
        (
            lambda manifest: manifest["files"]["inputs/case.m"].update(tier="public"),
            ["manifest.json gives inputs/case.m the tier public, the replay ceii."],
        ),
        (
            lambda manifest: manifest["files"]["results/islanding.csv"].update(sha256="0" * 64),
            [
                (
                    "results/islanding.csv was changed after the study was made (the same length, "
                    "another digest)."
                )
            ],
        ),
    ],
)
def test_an_edited_manifest(
    folder: Path, change: Callable[[Any], object], sentences: list[str]
) -> None:
    edit_manifest(folder, change)
    assert said(verify_bundle(folder)) == sentences


def test_another_policy_in_the_manifest_gives_other_results(folder: Path) -> None:
    edit_manifest(folder, lambda manifest: manifest.update(policy="wires_first"))
    found = said(verify_bundle(folder))
    assert any(sentence.startswith("results/ledger.csv differs") for sentence in found)
    edit_manifest(folder, lambda manifest: manifest.update(policy="hope"))
    assert refusal(lambda: verify_bundle(folder)) == (
        "There is no policy 'hope'; choose one of: ras_first, wires_first."
    )


def test_another_version_is_noted(folder: Path) -> None:
    edit_manifest(folder, lambda manifest: manifest["engine"].update(version="0.0.1"))
    verdict = verify_bundle(folder)
    assert verdict.is_identical
    assert verdict.notes == (f"Made by version 0.0.1, replayed by {gentie.__version__}.",)


@pytest.mark.parametrize(
    ("change", "lacking"),
    [
        (lambda manifest: manifest.pop("engine"), "engine.version"),
        (lambda manifest: manifest.update(case=[]), "case.name"),
        (lambda manifest: manifest["requests"].clear(), "requests.file"),
        (lambda manifest: manifest.update(policy=None), "policy"),
        (lambda manifest: manifest.pop("processor"), "processor"),
        (lambda manifest: manifest.update(files=[]), "files"),
        (lambda manifest: manifest["files"].pop("inputs/case.m"), "files['inputs/case.m']"),
        (
            lambda manifest: manifest["files"].update({"results/../../x": {}}),
            "files['results/../../x']",
        ),
        (lambda manifest: manifest["files"].update({"/etc/x": {}}), "files['/etc/x']"),
        (
            lambda manifest: manifest["files"]["inputs/case.m"].pop("sha256"),
            "files['inputs/case.m']",
        ),
    ],
)
def test_a_manifest_that_lacks_something(
    folder: Path, change: Callable[[Any], object], lacking: str
) -> None:
    edit_manifest(folder, change)
    path = folder / MANIFEST
    assert refusal(lambda: verify_bundle(folder)) == (
        f"{path} is damaged: it does not say {lacking} as it should."
    )


def test_a_damaged_manifest(folder: Path) -> None:
    path = folder / MANIFEST
    path.write_bytes(b"{")
    sentence = refusal(lambda: verify_bundle(folder))
    assert sentence.startswith(f"{path} is damaged and cannot be read: ")
    path.write_bytes(b"\xff")
    assert refusal(lambda: verify_bundle(folder)).startswith(f"{path} is damaged and cannot")
    for content, said_format in ((b'{"format": "other/9"}', "'other/9'"), (b"[]", "None")):
        path.write_bytes(content)
        assert refusal(lambda: verify_bundle(folder)) == (
            f"{path} is of format {said_format}; this version reads 'gentie-study/1'."
        )


def test_a_folder_without_a_study(tmp_path: Path) -> None:
    assert refusal(lambda: verify_bundle(tmp_path)) == (
        f"{tmp_path} holds no study: there is no manifest.json in it. Name the folder that "
        "`gentie study run --out` wrote."
    )
    assert refusal(lambda: verify_bundle(tmp_path / "none")).startswith(f"{tmp_path / 'none'} hold")


# --------------------------------------------------------------------- another processor


def nudge(folder: Path, by: float) -> None:
    """Change one figure of the table of requests and its digest."""

    def nudged(content: bytes) -> bytes:
        lines = content.decode().splitlines()
        cells = lines[3].split(",")
        place = lines[0].split(",").index("study_mw")
        cells[place] = f"{float(cells[place]) + by:.3f}"
        lines[3] = ",".join(cells)
        return "\n".join([*lines, ""]).encode()

    forge(folder, "results/requests.csv", nudged)


def test_on_the_same_processor_every_difference_counts(folder: Path) -> None:
    nudge(folder, 0.01)
    verdict = verify_bundle(folder)
    assert said(verdict) == [
        "results/requests.csv differs from the replay first in line 4, study_mw."
    ]
    assert verdict.equal_within is None


def test_on_another_processor_small_differences_are_stated(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nudge(folder, 0.01)
    monkeypatch.setattr(bundle, "processor", lambda: OTHER_PROCESSOR)
    verdict = verify_bundle(folder)
    assert said(verdict) == []
    assert (verdict.is_identical, verdict.is_verified) == (False, True)
    assert verdict.equal_within == pytest.approx(0.01)
    assert verdict.sentence == "equal within 0.01"


def test_on_another_processor_the_same_bytes_are_identical(
    pristine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "processor", lambda: OTHER_PROCESSOR)
    assert verify_bundle(pristine) == Verdict(True, None, (), ())


@pytest.mark.parametrize(
    ("name", "change", "where"),
    [
        ("results/requests.csv", (b"R3,203", b"R3,204"), " first in line 4, bus"),
        ("results/requests.csv", (b"BAFFIN", b"BAFFLE"), " first in line 4, bus_name"),
        ("results/requests.csv", (b",200.000,full,", b",nan,full,"), " first in line 4, net_mw"),
        ("results/summary.json", (b'"schemes": 0', b'"schemes": 1'), " at schemes"),
        ("results/summary.json", (b'"points": 5', b'"points": "5x"'), " at requests.points"),
        ("results/schemes.csv", (b"outage,", b"outages,"), " in its rows or columns"),
        ("results/islanding.csv", (b"\n", b"\nline:1:2:1,1,0.0,0.0\n"), " in its rows or columns"),
        ("results/summary.json", (b"{", b""), ": it cannot be read"),
        ("results/ledger.csv", (b"upgrade", b"\xff"), ": it cannot be read"),
    ],
)
def test_on_another_processor_large_differences_and_other_words_count(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    change: tuple[bytes, bytes],
    where: str,
) -> None:
    forge(folder, name, lambda content: content.replace(*change, 1))
    monkeypatch.setattr(bundle, "processor", lambda: OTHER_PROCESSOR)
    assert said(verify_bundle(folder)) == [f"{name} differs from the replay{where}."]


# --------------------------------------------------------------------------------- writing


def test_a_folder_in_use_is_left_untouched(tmp_path: Path) -> None:
    used = tmp_path / "used"
    used.mkdir()
    (used / "mine.txt").write_text("keep")
    sentence = (
        f"{used} is not empty; a study is never written over something. Name a new folder with "
        "--out."
    )
    assert refusal(lambda: write_bundle(small_run(), used)) == sentence
    assert [path.name for path in tmp_path.rglob("*")] == ["used", "mine.txt"]
    assert (used / "mine.txt").read_text() == "keep"
    file = used / "mine.txt"
    assert refusal(lambda: write_bundle(small_run(), file)).startswith(f"{file} is not empty;")


def test_an_empty_folder_and_a_new_one_in_new_folders_are_taken(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    first = write_bundle(small_run(), tmp_path / "empty")
    assert write_bundle(small_run(), tmp_path / "a" / "b" / "new") == first
    assert (tmp_path / "a" / "b" / "new" / MANIFEST).is_file()
    assert {path.name for path in tmp_path.iterdir()} == {"empty", "a"}


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_midway_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    write, written = Path.write_bytes, []

    def failing(path: Path, content: bytes) -> int:
        written.append(path)
        if len(written) == 5:
            raise failure
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", failing)
    with pytest.raises((BadInput, KeyboardInterrupt)) as stopped:
        write_bundle(small_run(), tmp_path / "study")
    if isinstance(failure, OSError):
        assert str(stopped.value) == (
            f"{tmp_path / 'study'} cannot be written: No space left on device."
        )
    assert len(written) == 5
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["file.txt/study", "x" * 300])
def test_a_folder_that_cannot_be(tmp_path: Path, name: str) -> None:
    (tmp_path / "file.txt").write_text("")
    target = tmp_path / name
    sentence = refusal(lambda: write_bundle(small_run(), target))
    assert sentence.startswith(f"{target} cannot be written: ")
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


def test_the_archive_is_the_same_for_the_same_bundle(pristine: Path, tmp_path: Path) -> None:
    write_bundle(small_run(), tmp_path / "again")
    archive = zipped_bundle(pristine)
    assert zipped_bundle(tmp_path / "again") == archive
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.testzip() is None
        names = opened.namelist()
        assert names == sorted(names)
        assert {*names} == {MANIFEST, *read_manifest(pristine)["files"]}
        opened.extractall(tmp_path / "unpacked")
    assert verify_bundle(tmp_path / "unpacked").is_identical
