"""The real composite actions under the real act runner, against the simulator."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from milepost.registry import list_actions
from milepost.simulator import Simulator
from run_act import ActResult, commit, make_workspace, run_act

CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
WORKFLOW = """\
on: [push, pull_request, pull_request_target, merge_group, issues, schedule, milestone, workflow_dispatch]
jobs:
  job:
    runs-on: ubuntu-latest
    permissions: {permissions}
    steps:
      - uses: {checkout}
      - id: it
        uses: milepost/milepost{action}@v1
        with: {inputs}
      - run: echo "created=$CREATED"
        if: always()
        env: {{CREATED: "${{{{ steps.it.outputs.created }}}}"}}
"""
PLAN = "version: 1\nlabels: [{name: x}]\nmilestones: [{title: A, due: 2026-07-04, issues: [{title: One}]}]\n"
WRITES = {"contents": "write", "issues": "write", "pull-requests": "write"}


Run = Callable[..., tuple[ActResult, Simulator]]


@pytest.fixture
def run(tmp_path: Path, make_github: Callable[..., Simulator]) -> Run:
    """Runs one workflow; the token that the job gets has just the permissions that the job grants."""

    def play(
        event: str,
        *,
        action: str = "/actions/sync",
        inputs: Mapping[str, str] | None = None,
        permissions: Mapping[str, str] = WRITES,
        plan: str = PLAN,
        payload: Mapping[str, Any] | None = None,
        repository: Mapping[str, Any] | None = None,
        github: Simulator | None = None,
    ) -> tuple[ActResult, Simulator]:
        text = WORKFLOW.format(
            permissions=json.dumps(permissions), checkout=CHECKOUT, action=action, inputs=json.dumps(inputs or {})
        )
        granted = yaml.safe_load(text)["jobs"]["job"]["permissions"]
        tokens = {"job-token": {"login": "github-actions[bot]", "permissions": granted}}
        server = github or make_github({"pulls": [{"title": "P", "head": "x"}], **(repository or {})}, tokens=tokens)
        files = {".github/milepost.yml": plan, ".github/workflows/w.yml": text}
        folder = tmp_path / f"work-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        workspace = make_workspace(folder, "octo/widgets", files)
        commit(workspace)
        result = run_act(workspace, event, github=server.url, token="job-token", payload=payload)
        return result, server

    return play


@pytest.mark.parametrize("action", ["/actions/sync", ""])
def test_a_push_applies_the_plan(action: str, run: Run) -> None:
    """By the action itself, and by the root action that names it: outputs, summary and GitHub agree."""
    inputs = {"action": "sync"} if not action else {}

    result, github = run("push", action=action, inputs=inputs)

    assert result.is_success, result.log()
    assert ("3", "true") == (result.outputs["created"], result.outputs["complete"])
    assert "created=3" in result.text
    assert result.summary.startswith("**apply** on `octo/widgets`: push to the default branch `main`")
    assert ["A"] == [each["title"] for each in github.state()["milestones"]]
    assert 3 == len(json.loads(result.outputs["plan"])["changes"])


def test_a_closed_milestone_is_released_once(run: Run) -> None:
    """On `milestone`, with the permissions that the action declares; the same event once more writes nothing."""
    plan = "version: 1\nmilestones: [{title: v1.0}]\nrelease: {}\n"
    repository = {"files": {".github/milepost.yml": plan}, "milestones": [{"title": "v1.0", "state": "closed"}]}
    payload = {
        "action": "closed",
        "milestone": {"number": 1, "title": "v1.0"},
        "sender": {"login": "octocat"},
    }
    permissions = next(each.permissions for each in list_actions() if each.name == "release")
    given = {"action": "/actions/release", "permissions": permissions, "plan": plan, "payload": payload}

    result, github = run("milestone", repository=repository, **given)
    before = len(github.journal.writes())
    again, _ = run("milestone", github=github, **given)

    assert result.is_success, result.log()
    assert ("true", "v1.0") == (result.outputs["released"], result.outputs["tag"])
    assert result.summary.startswith("**apply** on `octo/widgets`: event `milestone`")
    assert ["v1.0"] == [each["tag"] for each in github.state()["releases"] if not each["draft"]]
    assert (True, before) == (again.is_success, len(github.journal.writes()))


@pytest.mark.parametrize(
    ("event", "mode"),
    [("schedule", "apply"), ("milestone", "apply"), ("pull_request", "plan"), ("workflow_dispatch", "plan")],
)
def test_every_event_has_its_mode(event: str, mode: str, run: Run) -> None:
    """Apply on schedule and milestone; plan on pull requests, with the comment, and by hand."""
    payload = (
        {"pull_request": {"number": 1, "head": {"ref": "x"}, "base": {"ref": "main"}}}
        if event == "pull_request"
        else {}
    )

    result, github = run(event, payload=payload)

    assert result.is_success, result.log()
    assert result.summary.startswith(f"**{mode}** on ")
    assert (mode == "apply") == bool(github.state()["milestones"])
    assert (event == "pull_request") == bool(github.state()["comments"])


def test_a_malformed_plan_fails_the_step_with_annotations(run: Run) -> None:
    """File, line and column reach the runner; nothing reaches GitHub."""
    result, github = run("push", plan="version: 1\nmilestons: []\n")

    ((severity, message, place),) = [each for each in result.annotations if each[2]]
    assert not result.is_success
    assert "error" == severity
    assert 'unknown key "milestons"' in message
    assert {"file": ".github/milepost.yml", "line": "2", "col": "1", "endColumn": "10", "title": "unknown-key"} == place
    assert [] == list(github.journal)


def test_a_job_that_grants_too_little_is_told_what_to_add(run: Run) -> None:
    """act does not enforce `permissions:`; the token of these tests does."""
    result, github = run("push", permissions={"contents": "read", "issues": "read"})

    assert not result.is_success
    assert "add `issues: write` below `permissions:`" in result.log()
    assert [] == github.state()["milestones"]


@pytest.mark.parametrize(
    ("event", "plan", "action"),
    [("push", PLAN, "sync"), ("schedule", "version: 1\n", "progress")],
)
def test_the_root_action_picks_by_the_event(event: str, plan: str, action: str, run: Run) -> None:
    """`action: auto`; the summary says which, and why."""
    permissions = {**WRITES, "actions": "read"}

    result, github = run(event, action="", inputs={"action": "auto"}, plan=plan, permissions=permissions)

    assert result.is_success, result.log()
    assert result.summary.startswith(f"**auto** chose `{action}`: event `{event}`")
    assert (event == "push") == bool(github.state()["milestones"])


def test_the_root_action_picks_nothing_for_a_strangers_pull_request(run: Run) -> None:
    """Under `pull_request_target` the action must be named."""
    payload = {"pull_request": {"number": 1, "head": {"ref": "x"}, "base": {"ref": "main"}}}

    result, github = run("pull_request_target", action="", inputs={"action": "auto"}, payload=payload)

    assert not result.is_success
    assert ["no-choice"] == [place["title"] for _, _, place in result.annotations]
    assert [] == list(github.journal)


def test_the_root_action_refuses_a_name_that_is_none(run: Run) -> None:
    """Also one that tries to be a command."""
    result, github = run("push", action="", inputs={"action": "sync; touch owned"})

    assert not result.is_success
    assert "there is no command" in result.log()
    assert [] == list(github.journal)


def test_hostile_titles_stay_data_on_the_runner(run: Run) -> None:
    """Neither masks, outputs nor annotations come out of a title."""
    plan = "version: 1\nmilestones: [{title: \"::error::x %0A##[add-mask]y\", issues: [{title: '$(touch owned) `id` ${{ github.token }}'}]}]\n"

    result, github = run("push", plan=plan)

    assert result.is_success, result.log()
    assert [] == result.annotations
    assert "$(touch owned) `id` ${{ github.token }}" == github.state()["issues"][1]["title"]
    assert "job-token" not in result.log()


GATE_WRITES = {"contents": "read", "issues": "read", "pull-requests": "write", "statuses": "write"}
GROUP = "c" * 40
QUEUED = {"head_ref": f"refs/heads/gh-readonly-queue/main/pr-10-{'a' * 40}", "head_sha": GROUP}


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("pull_request", {"pull_request": {"number": 10, "head": {"ref": "x"}, "base": {"ref": "main"}}}),
        ("pull_request_target", {"pull_request": {"number": 10, "head": {"ref": "x"}, "base": {"ref": "main"}}}),
        ("merge_group", {"action": "checks_requested", "merge_group": QUEUED}),
        ("issues", {"action": "milestoned", "issue": {"number": 1}}),
        ("milestone", {"action": "opened", "milestone": {"number": 1}}),
    ],
)
def test_the_gate_judges_on_every_event(event: str, payload: Mapping[str, Any], run: Run) -> None:
    """One status, the same verdict, the outputs and the table, with just the permissions that its README names."""
    repository = {
        "milestones": [{"title": "v1", "number": 1}],
        "issues": [{"title": "Wanted", "number": 1, "milestone": 1}],
        "pulls": [{"title": "P", "number": 10, "head": "x", "body": "Closes #1"}],
        "branches": {"gh-readonly-queue/main/pr-10-x": GROUP},
    }

    result, github = run(event, action="/actions/gate", payload=payload, permissions=GATE_WRITES, repository=repository)

    (statuses,) = github.state()["statuses"].values()
    assert result.is_success, result.log()
    assert ("success", '["octo/widgets#1"]', "v1") == tuple(
        result.outputs[name] for name in ("verdict", "issues", "milestone")
    )
    assert [("milepost/gate", "success")] == [(each["context"], each["state"]) for each in statuses]
    assert "| `octo/widgets#1 Wanted` |" in result.summary


def test_a_gate_with_a_read_only_token_fails_the_job(run: Run) -> None:
    """As `pull_request` from a fork: the verdict is the exit status, and an annotation says why."""
    payload = {"pull_request": {"number": 1, "head": {"ref": "x"}, "base": {"ref": "main"}}}
    read = {"contents": "read", "issues": "read", "pull-requests": "read", "statuses": "read"}

    result, github = run("pull_request", action="/actions/gate", payload=payload, permissions=read)

    assert not result.is_success
    assert {} == github.state()["statuses"]
    assert {"linked", "not-told"} == {place["title"] for _, _, place in result.annotations}


GPU_PLAN = """\
version: 1
environments:
  prod: {{image: "{image}", torch: "==2.9.*", cuda: "12.8", gpu: {{count: ">=1"}}}}
  impossible: {{image: "{image}", torch: "==2.9.*", cuda: "12.1"}}
"""
DEPLOYMENT = """\
on: push
jobs:
  image:
    runs-on: ubuntu-latest
    permissions: {contents: read}
    outputs: {ref: "${{ steps.verify.outputs.ref }}"}
    steps:
      - id: verify
        uses: milepost/milepost/actions/verify-gpu@v1
        with: {environment: prod, where: registry}
  deploy:
    needs: image
    runs-on: ubuntu-latest
    permissions: {contents: read}
    steps:
      - run: echo "verified=$REF"
        env: {REF: "${{ needs.image.outputs.ref }}"}
      - uses: milepost/milepost/actions/verify-gpu@v1
        with: {environment: prod}
      - run: echo deployed=yes
"""
NO_GPU = ("torch-missing", "torch-import", "torch-cpu-only", "gpu-none")


def test_an_image_is_verified_before_a_gpu_is_taken(image: str, run: Run) -> None:
    """Its digest and labels, read from the registry; the output is what a job's `container:` takes."""
    result, _ = run(
        "push",
        action="/actions/verify-gpu",
        inputs={"environment": "prod", "where": "registry"},
        plan=GPU_PLAN.format(image=image),
    )

    assert result.is_success, result.log()
    assert ("pass", image, "prod") == tuple(result.outputs[name] for name in ("verdict", "ref", "environment"))


def test_an_impossible_environment_is_refused_on_a_hosted_runner(image: str, run: Run) -> None:
    """torch 2.9 was never published for CUDA 12.1, and the message says for which it was."""
    result, _ = run(
        "push",
        action="/actions/verify-gpu",
        inputs={"environment": "impossible", "where": "registry"},
        plan=GPU_PLAN.format(image=image),
    )

    assert not result.is_success
    ((_, message, place),) = [each for each in result.annotations if each[0] == "error"]
    assert "pair-unpublished" == place["title"]
    assert "12.6" in message


def test_a_deployment_stops_on_a_machine_that_is_not_the_declared_one(
    image: str, tmp_path: Path, make_github: Callable[..., Simulator]
) -> None:
    """The image is right, the machine has no GPU: the job fails at its first step, and nothing is deployed."""
    plan = GPU_PLAN.format(image=image)
    workspace = make_workspace(tmp_path, "octo/widgets", {".github/workflows/w.yml": DEPLOYMENT})
    commit(workspace)
    command = ["git", "-C", str(workspace), "rev-parse", "HEAD"]
    deployed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    # Nothing is checked out: the plan file is read from GitHub, at the deployed commit.
    repository = {"files": {".github/milepost.yml": plan}, "branches": {"deployed": deployed}}
    tokens = {"job-token": {"login": "github-actions[bot]", "permissions": {"contents": "read"}}}
    server = make_github(repository, tokens=tokens)

    result = run_act(workspace, "push", github=server.url, token="job-token")

    assert not result.is_success
    assert f"verified={image}" in result.text
    assert "deployed=yes" not in result.text
    first = next(place["title"] for severity, _, place in result.annotations if severity == "error")
    assert first in NO_GPU
    assert "### ❌ fail: `prod`" in result.summary


SPRINTS = """\
version: 1
history: branch
sprints: [{title: "Sprint {number}", anchor: {number: 1, start: 2020-01-06}, length: 2 weeks, close: finished}]
"""
SPRINT_WRITES = {"contents": "write", "issues": "write", "pull-requests": "write", "actions": "write"}


@pytest.mark.parametrize(("event", "mode"), [("schedule", "apply"), ("workflow_dispatch", "plan")])
def test_sprints_open_on_a_schedule(event: str, mode: str, run: Run) -> None:
    """The running one and two more, with the record of the beginning; by hand the plan is shown."""
    result, github = run(event, action="/actions/sprint", permissions=SPRINT_WRITES, plan=SPRINTS)

    opened = json.loads(result.outputs["opened"])
    assert result.is_success, result.log()
    assert result.summary.startswith(f"**{mode}** on `octo/widgets`")
    assert 3 == len(opened)
    assert ((opened, True) if mode == "apply" else ([], False)) == (
        [each["title"] for each in github.state()["milestones"]],
        "refs/heads/milepost-data" in github.state()["refs"],
    )
    assert f"| `{opened[0]}` |" in result.summary


PROGRESS_READS = {"contents": "read", "issues": "read", "pull-requests": "read", "actions": "read"}
PROGRESS = "version: 1\nlanguage: zh\nhistory: branch\nprogress: {report: true, remind: [overdue]}\n"


@pytest.mark.parametrize("is_plain", [True, False])
def test_progress_is_reported_on_a_schedule(is_plain: bool, run: Run) -> None:
    """With a token that only reads, and with a report issue, a reminder and the day's line; secrets stay masked."""
    yesterday = date.today() - timedelta(days=1)
    milestone = {"title": "v1", "number": 1, "due_on": f"{yesterday}T12:00:00Z"}
    repository = {"milestones": [milestone], "issues": [{"title": "T", "milestone": 1, "assignees": ["amy"]}]}
    inputs = {"notify": "json://192.0.2.1/s3cret-word"}

    result, github = run(
        "schedule",
        action="/actions/progress",
        permissions=PROGRESS_READS if is_plain else WRITES,
        plan="version: 1\n" if is_plain else PROGRESS,
        repository=repository,
        inputs={} if is_plain else inputs,
    )

    report = json.loads(result.outputs["report"])
    assert result.is_success, result.log()
    assert ("1", "1") == (result.outputs["milestones"], result.outputs["late"])
    assert "overdue" == report["milestones"][0]["reason"]
    assert ("## Progress on" if is_plain else "## 项目进度") in result.summary
    assert ([], ["not-sent"])[not is_plain] == [place["title"] for _, _, place in result.annotations]
    assert "s3cret-word" not in result.log()
    state = github.state()
    assert is_plain != bool([each for each in state["comments"] if "@amy" in each["body"]])
    assert is_plain != ("milepost-data" in state["branches"])


def test_every_published_action_is_run_here() -> None:
    """A new action brings its test under act."""
    source = Path(__file__).read_text(encoding="utf-8")

    assert [] == [each.name for each in list_actions() if each.is_published and f"/actions/{each.name}" not in source]
