"""Every permission that a shipped workflow grants is one that its job uses, and that is asked for by name when it is gone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from milepost.actions import verify_gpu
from milepost.core.image import Image
from milepost.core.image_name import ImageName, read_image_name
from milepost.declare import read
from milepost.errors import ExitCode, Refused, Unusable
from milepost.images import errors
from milepost.images.login import Credentials
from milepost.registry import get_action
from milepost.runner.context import Context
from milepost.views.diagnostics import render_text
from milepost.world import Outcome, World

WORKFLOWS = Path(__file__).parents[2] / ".github" / "workflows"
DIGEST = "sha256:" + "a" * 64


@dataclass(frozen=True, kw_only=True)
class Situation:
    """A repository and an event in which a job uses all that it is granted."""

    event: str
    plan: str = "version: 1\n"
    payload: Mapping[str, Any] = field(default_factory=dict)
    repository: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    today: date | None = None
    status: str = ""


PULL = {"number": 10, "head": {"ref": "x"}, "base": {"ref": "main"}}
SYNC = "version: 1\nmilestones: [{title: A, branch: a, issues: [{title: One}]}]\n"
SPRINTS = """\
version: 1
history: branch
sprints: [{title: "Sprint {number}", anchor: {number: 1, start: 2026-01-05}, length: 1 week}]
"""
GPU = f"""\
version: 1
environments: {{prod: {{image: "ghcr.io/octo/torch@{DIGEST}", torch: "==2.9.*", cuda: "12.8"}}}}
milestones: [{{title: A, environment: prod}}]
"""
OVER = {"title": "Sprint 1", "number": 1, "due_on": "2026-01-11T12:00:00Z"}
SITUATIONS = {
    "plan": Situation(event="pull_request", plan=SYNC, payload={"pull_request": PULL}),
    "apply": Situation(event="push", plan=SYNC, repository={"milestones": [{"title": "B"}]}),
    "drift": Situation(event="schedule", plan=SYNC, repository={"milestones": [{"title": "A"}]}),
    "sprint": Situation(
        event="schedule",
        plan=SPRINTS,
        repository={
            "milestones": [OVER],
            "issues": [{"title": "Open", "number": 1, "milestone": 1}],
            "pulls": [{"title": "P", "number": 10, "head": "x", "milestone": 1}],
        },
        today=date(2026, 1, 12),
    ),
    "gate": Situation(
        event="pull_request_target",
        payload={"pull_request": PULL},
        repository={
            "issues": [{"title": "Wanted", "number": 1}],
            "pulls": [{"title": "P", "number": 10, "head": "x", "body": "Closes #1"}],
        },
    ),
    "verify-gpu": Situation(
        event="workflow_dispatch", plan=GPU, repository={"milestones": [{"title": "A"}]}, inputs={"where": "registry"}
    ),
    "release": Situation(
        event="milestone",
        plan="version: 1\nmilestones: [{title: v1.0.0}]\nrelease: {open-issues: move, require: {statuses: [ci, docs]}}\n",
        payload={"action": "closed", "milestone": {"number": 1, "title": "v1.0.0"}, "sender": {"login": "octocat"}},
        repository={
            "milestones": [{"title": "v1.0.0", "number": 1, "state": "closed"}, {"title": "v1.1.0", "number": 2}],
            "issues": [{"title": "Unfinished", "number": 1, "milestone": 1}],
            "pulls": [{"title": "P", "number": 10, "head": "x", "milestone": 1}],
            "checks": [{"name": "ci", "conclusion": "success"}],
        },
        status="docs",
    ),
    "progress": Situation(
        event="schedule",
        plan="version: 1\nhistory: branch\nprogress: {report: true}\n",
        repository={
            "milestones": [{"title": "A", "number": 1}],
            "issues": [{"title": "Open", "number": 1, "milestone": 1}],
        },
    ),
}
# A run that its time limit ends goes on by itself.
OUT_OF_TIME = {"time-limit": "0"}
INPUTS_OF_LINE = {(name, "actions"): OUT_OF_TIME for name in ("apply", "sprint", "release")}
# The image's job tells the machine's which environment it is.
INPUTS_OF_JOB = {"machine": {"environment": "prod"}}


def list_jobs() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Workflow, name and text of every job of a reusable workflow."""
    for path in sorted(WORKFLOWS.glob("*.yml")):
        workflow = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        if "workflow_call" in workflow["on"]:
            for name, job in workflow["jobs"].items():
                (step,) = [each for each in job["steps"] if each["uses" if "uses" in each else "run"].startswith("$/")]
                inputs = {key: each["default"] for key, each in workflow["on"]["workflow_call"]["inputs"].items()}
                given = {key: inputs.get(key, "") if "${{" in value else value for key, value in step["with"].items()}
                has_checkout = any(each.get("uses", "").startswith("actions/checkout@") for each in job["steps"])
                action = step["uses"].rpartition("/")[2]
                yield path.stem, name, {**job, "action": action, "given": given, "has_checkout": has_checkout}


JOBS = {(workflow, name): job for workflow, name, job in list_jobs()}
LINES = [(*key, scope) for key, job in JOBS.items() for scope in job["permissions"]]
Play = Callable[..., tuple[ExitCode, str]]


@pytest.fixture
def play(new_bench: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """The job's action has run in its situation, in a private repository, with a token of just these permissions."""

    def run(workflow: str, job: str, permissions: Mapping[str, str], scope: str = "") -> tuple[ExitCode, str]:
        situation, declared = SITUATIONS[workflow], JOBS[workflow, job]
        pulls = {"pulls": [{"title": "P", "number": 10, "head": "x"}]}
        repository = {
            "private": True,
            "files": {".github/milepost.yml": situation.plan},
            **pulls,
            **situation.repository,
        }
        tokens = {"job-token": {"login": "github-actions[bot]", "permissions": dict(permissions)}}
        bench = new_bench(repository, tokens={"admin-token": {"login": "octocat"}, **tokens})
        head = bench.github.state()["refs"]["refs/heads/main"]
        if situation.status:
            bench.request("POST", f"/statuses/{head}", {"state": "success", "context": situation.status})
        monkeypatch.setattr(verify_gpu, "read_image", lambda ref, **more: read_ghcr(ref, permissions, **more))
        if workflow != "verify-gpu":  # which reads it from GitHub, since it checks nothing out
            (tmp_path / ".github").mkdir(exist_ok=True)
            (tmp_path / ".github" / "milepost.yml").write_text(situation.plan, encoding="utf-8")
        action = get_action(declared["action"])
        more = {**INPUTS_OF_JOB.get(job, {}), **INPUTS_OF_LINE.get((workflow, scope), {})}
        given = {**declared["given"], **situation.inputs, **more, "token": "job-token"}
        inputs, problems = read(action.inputs, given)
        assert () == problems
        context = Context(
            event=situation.event,
            payload=situation.payload,
            repository="octo/widgets",
            ref="refs/heads/main",
            sha=head,
            workspace=tmp_path,
            workflow_ref="octo/widgets/.github/workflows/caller.yml@refs/heads/main",
        )
        world = World(
            context=context,
            now=bench.github.clock.now(),
            log=bench.log.append,
            client=bench.client("job-token"),
            fixed_today=situation.today,
        )
        return finish(lambda: checkout(world, is_needed=declared["has_checkout"]) or action.run(inputs, world))

    return run


def checkout(world: World, *, is_needed: bool) -> None:
    """As actions/checkout: the files are read with the job's own token."""
    if is_needed:
        world.github.get("/contents/.github/milepost.yml", needs="contents: read")


def finish(run: Callable[[], Outcome]) -> tuple[ExitCode, str]:
    """The exit status, and everything that is told of the run."""
    try:
        outcome = run()
    except Refused as refusal:
        return ExitCode.REFUSED, render_text((refusal.diagnostic,))
    except Unusable as trouble:
        return ExitCode.UNUSABLE, render_text(trouble.diagnostics)
    return outcome.exit_code, "\n".join((outcome.summary, render_text(outcome.diagnostics)))


def read_ghcr(ref: str, permissions: Mapping[str, str], credentials: Credentials | None = None, **_: Any) -> Image:
    """As GHCR with a private image: whose token may read no packages, that is refused."""
    name = read_image_name(ref)
    assert isinstance(name, ImageName)
    assert credentials is not None
    if "packages" not in permissions:
        raise errors.refused(name, "the manifest", 403, b"", user=credentials.username)
    labels = {"io.github.milepost.torch": "2.9.1+cu128", "io.github.milepost.cuda": "12.8"}
    return Image(name=name, digest=DIGEST, platform="linux/amd64", labels=labels)


def test_every_reusable_workflow_has_its_situation() -> None:
    """And no situation is left over."""
    assert {workflow for workflow, _ in JOBS} == set(SITUATIONS)


@pytest.mark.parametrize(("workflow", "job"), JOBS)
def test_what_a_job_is_granted_is_enough(workflow: str, job: str, play: Play) -> None:
    """Nothing asks for a permission."""
    code, told = play(workflow, job, JOBS[workflow, job]["permissions"])

    assert ExitCode.REFUSED is not code, told
    assert [] == re.findall(r"[\w-]+: (?:read|write)\b", told)


@pytest.mark.parametrize(("workflow", "job", "scope"), LINES)
def test_a_permission_that_is_gone_is_asked_for(workflow: str, job: str, scope: str, play: Play) -> None:
    """By its name, whichever line is left out."""
    permissions = {name: level for name, level in JOBS[workflow, job]["permissions"].items() if name != scope}

    _, told = play(workflow, job, permissions, scope)

    assert re.search(rf"\b{scope}: (?:read|write)\b", told), told
