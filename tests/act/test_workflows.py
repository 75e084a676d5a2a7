"""The reusable workflows, called as users call them, under the real act runner, against the simulator."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from milepost.simulator import Simulator
from run_act import ActResult, commit, make_edition, make_workspace, run_act

WORKFLOWS = Path(__file__).parents[2] / ".github" / "workflows"
CALLER = """\
on: [push, pull_request, pull_request_target, schedule, milestone, workflow_dispatch]
permissions: {{}}
jobs:
  call:
    permissions: {permissions}
    uses: milepost/milepost/.github/workflows/{name}.yml@v1
    with: {inputs}
    secrets: {secrets}
  after:
    needs: call
    runs-on: ubuntu-latest
    permissions: {{}}
    steps:
      - run: echo "passed on=$PASSED"
        env: {{PASSED: "${{{{ needs.call.outputs.{output} }}}}"}}
"""
PLAN = "version: 1\nmilestones: [{title: A, due: 2026-07-04, branch: a, issues: [{title: One}]}]\n"
SPRINTS = """\
version: 1
history: branch
sprints: [{title: "Sprint {number}", anchor: {number: 1, start: 2020-01-06}, length: 2 weeks}]
"""
PROGRESS = "version: 1\nhistory: branch\nprogress: {report: true}\n"
OWN = {"full_name": "octo/widgets"}
PULL = {"pull_request": {"number": 10, "head": {"ref": "x", "repo": OWN}, "base": {"ref": "main"}}, "repository": OWN}
Call = Callable[..., tuple[ActResult, Simulator]]


def read_grants(name: str) -> dict[str, str]:
    """What the jobs of the workflow ask for together: what its caller must grant."""
    workflow = yaml.safe_load((WORKFLOWS / f"{name}.yml").read_text(encoding="utf-8"))
    grants: dict[str, str] = {}
    for job in workflow["jobs"].values():
        grants |= {scope: level for scope, level in job["permissions"].items() if grants.get(scope) != "write"}
    return grants


@pytest.fixture
def call(tmp_path: Path, make_github: Callable[..., Simulator]) -> Call:
    """Calls one workflow for the event; the token of its jobs has just the permissions that it asks for."""

    def play(
        name: str,
        event: str,
        *,
        output: str,
        plan: str = PLAN,
        inputs: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str] | None = None,
        payload: Mapping[str, Any] | None = None,
        repository: Mapping[str, Any] | None = None,
    ) -> tuple[ActResult, Simulator]:
        grants = read_grants(name)
        text = CALLER.format(
            name=name,
            output=output,
            permissions=json.dumps(grants),
            inputs=json.dumps(inputs or {}),
            secrets=json.dumps(secrets or {}),
        )
        tokens = {
            "job-token": {"login": "github-actions[bot]", "permissions": grants},
            "app-token": {"login": "app[bot]", "permissions": grants},
        }
        seeded = {"pulls": [{"title": "P", "number": 10, "head": "x", "body": "Closes #1"}], **(repository or {})}
        github = make_github(seeded, tokens=tokens)
        files = {".github/milepost.yml": plan, ".github/workflows/caller.yml": text}
        workspace = make_workspace(tmp_path, "octo/widgets", files)
        commit(workspace)
        given = {"repository": OWN, **(payload or {})}
        return run_act(workspace, event, github=github.url, token="job-token", payload=given), github

    return play


def test_a_pull_request_is_told_what_merging_it_would_change(call: Call) -> None:
    """The comment, the summary and the outputs; nothing else is written."""
    result, github = call("plan", "pull_request", output="created", payload=PULL)

    assert result.is_success, result.log()
    assert "passed on=3" in result.text
    assert [True] == ["What merging this would change" in each["body"] for each in github.state()["comments"]]
    assert [] == github.state()["milestones"]


@pytest.mark.parametrize("secrets", [{}, {"token": "app-token"}])
def test_a_push_applies_the_plan(secrets: Mapping[str, str], call: Call) -> None:
    """With the job's own token, or with one that the caller gives, on the runner that it names."""
    inputs = {"runner": '["ubuntu-latest"]'} if secrets else {}

    result, github = call("apply", "push", output="complete", secrets=secrets, inputs=inputs)

    (issue,) = [each for each in github.state()["issues"] if each["title"] == "One"]
    assert result.is_success, result.log()
    assert "passed on=true" in result.text
    assert ("app[bot]" if secrets else "github-actions[bot]") == issue["author"]
    assert "refs/heads/a" in github.state()["refs"]


def test_drift_fails_a_schedule_and_writes_nothing(call: Call) -> None:
    """The summary shows what differs; a job that needs it does not run."""
    result, github = call("drift", "schedule", output="changes")

    assert not result.is_success
    assert result.summary.startswith("**drift** on `octo/widgets`")
    assert "passed on=" not in result.text
    assert [] == github.journal.writes()


def test_sprints_open_on_a_schedule(call: Call) -> None:
    """Milestones, and the record of the beginning."""
    result, github = call("sprint", "schedule", output="opened", plan=SPRINTS)

    assert result.is_success, result.log()
    assert "passed on=[" in result.text
    assert github.state()["milestones"]
    assert "refs/heads/milepost-data" in github.state()["refs"]


@pytest.mark.parametrize("event", ["pull_request_target", "workflow_dispatch"])
def test_a_pull_request_is_judged_without_its_code(event: str, call: Call) -> None:
    """By its event, or by hand with its number: one status on its head."""
    payload = PULL if event == "pull_request_target" else {}
    inputs = {} if payload else {"pull-request": "10"}
    repository = {"issues": [{"title": "Wanted", "number": 1}]}

    result, github = call("gate", event, output="verdict", payload=payload, inputs=inputs, repository=repository)

    assert result.is_success, result.log()
    assert "passed on=success" in result.text
    (statuses,) = github.state()["statuses"].values()
    assert ["success"] == [each["state"] for each in statuses]


def test_progress_is_reported_on_a_schedule(call: Call) -> None:
    """The report issue and the day's line."""
    result, github = call("progress", "schedule", output="milestones", plan=PROGRESS)

    assert result.is_success, result.log()
    assert "passed on=0" in result.text
    assert "milepost-data" in github.state()["branches"]


def test_a_foreign_pull_request_takes_no_machine(call: Call) -> None:
    """The first job fails and says why; the job on the machines is not begun."""
    head = {"ref": "x", "repo": {"full_name": "mallory/widgets"}}
    payload = {"pull_request": {**PULL["pull_request"], "head": head}}

    result, github = call("verify-gpu", "pull_request", output="ref", payload=payload)

    assert not result.is_success
    assert ["foreign-pull-request"] == [place["title"] for _, _, place in result.annotations]
    assert [] == list(github.journal)


VERIFIED = """\
version: 1
environments: {{prod: {{image: "{image}", torch: "==2.9.*", cuda: "12.8"}}}}
milestones: [{{title: A, environment: prod}}]
"""
ON_MACHINES = """\
on: push
permissions: {}
jobs:
  verify:
    permissions: {contents: read, issues: read, packages: read}
    uses: ./.github/workflows/verify-gpu.yml
    with: {milestone: A, gpu-runners: '[["ubuntu-latest"]]'}
"""


def without_containers(text: str) -> str:
    """The workflow as a machine without containers and without GitHub's store of artifacts can run it."""
    workflow = yaml.safe_load(text)
    workflow["on"] = workflow.pop(True)  # as YAML 1.1 reads the word
    machine = workflow["jobs"]["machine"]
    assert "${{ needs.image.outputs.ref }}" == machine.pop("container")["image"]
    upload = machine["steps"].pop()
    machine["steps"].append(
        {"if": upload["if"], "run": 'echo "artifact is $NAME"', "env": {"NAME": upload["with"]["name"]}}
    )
    return json.dumps(workflow)


def test_a_machine_is_verified_after_its_image(
    image: str, tmp_path: Path, make_github: Callable[..., Simulator]
) -> None:
    """As the environment that the image's job has found; this one has no torch, and says so in its artifact, too."""
    edition = (make_edition() / ".github" / "workflows" / "verify-gpu.yml").read_text(encoding="utf-8")
    files = {".github/workflows/w.yml": ON_MACHINES, ".github/workflows/verify-gpu.yml": without_containers(edition)}
    workspace = make_workspace(tmp_path, "octo/widgets", files)
    command = ["git", "-C", str(workspace), "rev-parse", "HEAD"]
    pushed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    seeded = {"files": {".github/milepost.yml": VERIFIED.format(image=image)}, "branches": {"pushed": pushed}}
    tokens = {"job-token": {"login": "github-actions[bot]", "permissions": read_grants("verify-gpu")}}
    github = make_github(seeded, tokens=tokens)

    result = run_act(workspace, "push", github=github.url, token="job-token", workflow="w.yml")

    assert not result.is_success
    assert f"  {image}" in result.text
    assert "artifact is milepost-environment-prod\n" in result.text
    assert 1 == [place.get("title") for _, _, place in result.annotations].count("torch-missing")


def test_a_closed_milestone_is_released(call: Call) -> None:
    """In its deployment environment: tag and release stand, and the plan file of the commit is an asset."""
    milestone = {"title": "v1.0.0", "number": 1, "state": "closed"}
    payload = {"action": "closed", "milestone": milestone, "sender": {"login": "octocat"}}
    plan = "version: 1\nmilestones: [{title: v1.0.0}]\nrelease: {}\n"
    repository = {"milestones": [milestone], "files": {".github/milepost.yml": plan}}

    result, github = call("release", "milestone", output="tag", plan=plan, payload=payload, repository=repository)

    assert result.is_success, result.log()
    assert "passed on=v1.0.0" in result.text
    assert ["v1.0.0"] == [each["tag"] for each in github.state()["releases"]]


def test_every_workflow_is_called_here() -> None:
    """A new one brings its test under act."""
    source = Path(__file__).read_text(encoding="utf-8")
    reusable = [each.stem for each in WORKFLOWS.glob("*.yml") if "workflow_call:" in each.read_text(encoding="utf-8")]

    assert reusable
    assert [] == [each for each in reusable if f'call("{each}"' not in source]
