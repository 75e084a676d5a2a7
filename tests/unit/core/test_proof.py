"""What proves an environment at a commit: minimal pairs around one good run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from milepost.core.proof import (
    Artifact,
    Wanted,
    WorkflowRun,
    list_candidates,
    refuse_run,
    refuse_verdict,
    tell_absence,
)

COMMIT = "a" * 40
WANTED = Wanted(
    environment="prod",
    requirements="sha256:" + "1" * 64,
    repository="octo/widgets",
    commit=COMMIT,
    workflow="verify-gpu.yml",
    current_run=99,
)
RUN = WorkflowRun(
    id=7,
    path=".github/workflows/verify-gpu.yml",
    event="push",
    head_sha=COMMIT,
    head_branch="main",
    head_repository="Octo/Widgets",
    status="completed",
    conclusion="success",
    url="https://github.com/octo/widgets/actions/runs/7",
)
ARTIFACT = Artifact(
    id=1,
    name="milepost-environment-prod",
    run=7,
    head_sha=COMMIT,
    head_branch="main",
    repository_id=5,
    head_repository_id=5,
    is_expired=False,
    created_at="2027-01-01T00:00:00Z",
    size=100,
)
VERDICT = {
    "schema": "milepost.verdict/1",
    "verdict": "pass",
    "environment": "prod",
    "requirements": WANTED.requirements,
    "run": "",
}


def test_one_of_several_machines_counts_by_its_number() -> None:
    """A run that succeeded has proven it on all of them."""
    numbered = replace(ARTIFACT, name="milepost-environment-prod-0")
    others = [replace(ARTIFACT, name=f"milepost-environment-{name}") for name in ("prod-1", "prod-00", "prod-", "Prod")]

    assert (numbered,) == list_candidates([numbered, *others], WANTED)


def test_the_newest_artifact_of_the_commit_comes_first() -> None:
    """Those of other names, commits and repositories are none."""
    newer = replace(ARTIFACT, id=2, created_at="2027-01-02T00:00:00Z")
    others = (
        replace(ARTIFACT, name="milepost-environment-dev"),
        replace(ARTIFACT, head_sha="b" * 40),
        replace(ARTIFACT, head_repository_id=6),
    )

    assert (newer, ARTIFACT) == list_candidates((ARTIFACT, *others, newer), WANTED)


def test_a_run_of_the_configured_workflow_proves() -> None:
    """Pushed, scheduled or by hand."""
    assert "" == refuse_run(RUN, WANTED)
    assert "" == refuse_run(replace(RUN, event="schedule"), WANTED)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"head_sha": "b" * 40}, "another commit"),
        ({"head_repository": "evil/widgets"}, "a fork"),
        ({"head_repository": None}, "a fork"),
        ({"event": "pull_request"}, "`pull_request`"),
        ({"event": "pull_request_target"}, "`pull_request_target`"),
        ({"path": ".github/workflows/evil.yml"}, "another workflow"),
        ({"path": "verify-gpu.yml"}, "another workflow"),
        ({"conclusion": "failure"}, "did not succeed"),
        ({"conclusion": None}, "did not succeed"),
    ],
)
def test_any_other_run_proves_nothing(changed: dict[str, Any], reason: str) -> None:
    """Each differs in one thing."""
    assert reason in refuse_run(replace(RUN, **changed), WANTED)


def test_a_job_of_the_run_that_we_are_in_proves_at_its_commit_only() -> None:
    """It has not ended, and is of any event; its commit must be the one all the same."""
    current = replace(RUN, id=99, event="milestone", conclusion=None, path=".github/workflows/release.yml")

    assert "" == refuse_run(current, WANTED)
    assert "another commit" in refuse_run(replace(current, head_sha="b" * 40), WANTED)
    assert "a fork" in refuse_run(replace(current, head_repository="evil/widgets"), WANTED)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"schema": "milepost.verdict/2"}, "is no milepost.verdict/1"),
        ({"verdict": "unproven"}, "no pass"),
        ({"verdict": "fail"}, "no pass"),
        ({"verdict": None}, "no pass"),
        ({"environment": "dev"}, "another environment"),
        ({"requirements": "sha256:" + "2" * 64}, "other requirements"),
        ({"requirements": None}, "other requirements"),
    ],
)
def test_any_other_verdict_proves_nothing(changed: dict[str, Any], reason: str) -> None:
    """Only a pass of what is declared now counts."""
    assert "" == refuse_verdict(VERDICT, WANTED)
    assert reason in refuse_verdict({**VERDICT, **changed}, WANTED)


@pytest.mark.parametrize("value", [None, [], "pass", 1])
def test_what_is_no_object_is_no_verdict(value: object) -> None:
    """Whatever the file holds, nothing is raised."""
    assert "is no" in refuse_verdict(value, WANTED)


def test_absence_names_the_command_that_makes_the_proof() -> None:
    """With why each candidate was refused, and which has expired."""
    bare = tell_absence(WANTED, (), ())
    told = tell_absence(WANTED, ("run 7 is of a fork",), (replace(ARTIFACT, is_expired=True),))

    assert "no run has an artifact milepost-environment-prod of that commit" == bare.why
    assert "run 7 is of a fork; the artifact of run 7 has expired" == told.why
    assert "gh workflow run verify-gpu.yml" in told.help
