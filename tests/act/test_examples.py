"""Every workflow that a page shows, under the real act runner, against the simulator: it ends as the page says."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from examples import ROOT, Example, Kind, list_examples
from milepost.simulator import Simulator
from run_act import commit, make_workspace, run_act

OURS = re.compile(r"uses: milepost/milepost(?:/(?:actions|\.github/workflows))?/?([\w-]*)(?:\.yml)?@v1")
MODE = re.compile(r"mode: (plan|drift)\b")
PLAN = """\
version: 1
milestones: [{title: A, due: 2027-07-04, issues: [{title: One}]}]
release: {milestones: "v*"}
"""
SPRINTS = """\
version: 1
history: branch
sprints: [{title: "Sprint {number}", anchor: {number: 1, start: 2020-01-06}, length: 2 weeks}]
"""
DECLARED = 'version: 1\nenvironments: {{prod: {{image: "{image}", torch: "==2.9.*", cuda: "12.8"}}}}\n'
OWN = {"full_name": "octo/widgets"}
HEAD = "c" * 40
PULL = {"pull_request": {"number": 10, "head": {"ref": "x", "repo": OWN}, "base": {"ref": "main"}}}
RELEASED = {"title": "v1.0.0", "number": 1, "state": "closed", "closed_at": "2027-01-01T00:00:00Z"}
CLOSED = {"action": "closed", "milestone": {"number": 1, "title": "v1.0.0", "state": "closed"}}
HELD: dict[str, Any] = {
    "milestones": [RELEASED],
    "issues": [{"title": "Wanted", "number": 1}],
    "pulls": [{"title": "P", "number": 10, "head": "x", "body": "Closes #1"}],
    "branches": {"gh-readonly-queue/main/pr-10-x": HEAD},
}


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a run ends: whether it succeeds, and what its summary says; `payload` is what the event brings."""

    says: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    plan: str = PLAN
    is_success: bool = True
    job: str = ""


APPLIED, SHOWN = "**apply** on `octo/widgets`", "**plan** on `octo/widgets`"
JUDGED, REPORTED = "pull request 10", "## Progress on"
QUEUED = {
    "action": "checks_requested",
    "merge_group": {"head_ref": f"refs/heads/gh-readonly-queue/main/pr-10-{'a' * 40}", "head_sha": HEAD},
}
BY_NUMBER = {"inputs": {"pull-request": "10"}}
# By what is used, and the event.
ENDINGS: dict[tuple[str, str], Ending] = {
    ("plan", "pull_request"): Ending(says=SHOWN, payload=PULL),
    ("apply", "push"): Ending(says=APPLIED),
    ("apply", "workflow_dispatch"): Ending(says=SHOWN),
    ("drift", "schedule"): Ending(says="**drift** on `octo/widgets`", is_success=False),
    ("drift", "workflow_dispatch"): Ending(says="**drift** on `octo/widgets`", is_success=False),
    ("sync", "pull_request"): Ending(says=SHOWN, payload=PULL),
    ("sync", "push"): Ending(says=APPLIED),
    ("sync", "workflow_dispatch"): Ending(says=SHOWN),
    ("sprint", "schedule"): Ending(says=APPLIED, plan=SPRINTS),
    ("sprint", "workflow_dispatch"): Ending(says=SHOWN, plan=SPRINTS),
    ("gate", "pull_request_target"): Ending(says=JUDGED, payload={"action": "opened", **PULL}),
    ("gate", "merge_group"): Ending(says=JUDGED, payload=QUEUED),
    ("gate", "issues"): Ending(says=JUDGED, payload={"action": "milestoned", "issue": {"number": 1}}),
    ("gate", "milestone"): Ending(says="", payload=CLOSED),
    ("gate", "workflow_dispatch"): Ending(says=JUDGED, payload=BY_NUMBER),
    ("progress", "schedule"): Ending(says=REPORTED),
    ("progress", "workflow_dispatch"): Ending(says=REPORTED),
    ("release", "milestone"): Ending(says=APPLIED, payload=CLOSED),
    ("release", "workflow_dispatch"): Ending(says="on `octo/widgets`", payload={"inputs": {"milestone": "v1.0.0"}}),
    ("", "push"): Ending(says="**auto** chose `sync`"),
    ("", "schedule"): Ending(says="**auto** chose `progress`"),
    ("", "milestone"): Ending(says="**auto** chose `release`", payload=CLOSED),
    ("", "workflow_dispatch"): Ending(says="**auto** chose `sync`"),
    ("verify-gpu", "release"): Ending(says="pass: the image of", plan=DECLARED, job="image"),
}
# Its second job takes a container on a machine with a GPU; tests/act/test_workflows.py runs both jobs without one,
# tests/containers the action in a container. Of the steps written out, the job before the container runs here.
ELSEWHERE = {("verify-gpu", "workflow_dispatch")}


def list_cases() -> Iterator[Any]:
    """Each workflow with each of its events; what stands in several pages is run once."""
    seen: set[str] = set()
    for each in list_examples():
        if each.kind is not Kind.WORKFLOW or each.text in seen:
            continue
        seen.add(each.text)
        for number, event in enumerate(read_events(each)):
            if (name_use(each), event) not in ELSEWHERE:
                marks = () if number == 0 and each.page == ROOT / "README.md" else (pytest.mark.slow,)
                yield pytest.param(each, event, id=f"{each.name}-{event}", marks=marks)


def read_events(example: Example) -> list[str]:
    """What starts the workflow."""
    events = yaml.safe_load(example.text)[True]  # as YAML 1.1 reads `on`
    return [events] if isinstance(events, str) else list(events)


def name_use(example: Example) -> str:
    """The action or the workflow of ours that the example is about; a mode that it settles counts as the workflow's."""
    use = OURS.search(example.text)
    assert use, f"{example.name} uses nothing of the suite"
    mode = MODE.search(example.text)
    return mode[1] if mode and use[1] == "sync" else use[1]


def read_grants(example: Example) -> dict[str, str]:
    """What the jobs of the example may do, together."""
    grants: dict[str, str] = {}
    for job in yaml.safe_load(example.text)["jobs"].values():
        grants |= {scope: level for scope, level in job["permissions"].items() if grants.get(scope) != "write"}
    return grants


@pytest.mark.parametrize(("example", "event"), list(list_cases()))
def test_an_example_ends_as_its_page_says(
    example: Example, event: str, image: str, tmp_path: Path, make_github: Callable[..., Simulator]
) -> None:
    """With a token that may do just what the example grants."""
    ending = ENDINGS[name_use(example), event]
    plan = ending.plan.format(image=image) if ending.plan == DECLARED else ending.plan
    files = {".github/milepost.yml": plan, ".github/workflows/w.yml": example.text}
    workspace = make_workspace(tmp_path, "octo/widgets", files)
    commit(workspace)
    command = ["git", "-C", str(workspace), "rev-parse", "HEAD"]
    head = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    tokens = {"job-token": {"login": "github-actions[bot]", "permissions": read_grants(example)}}
    # Where nothing is checked out, the plan file is read at the commit of the run.
    github = make_github({**HELD, "files": files, "branches": {**HELD["branches"], "run": head}}, tokens=tokens)
    payload = {"repository": OWN, "sender": {"login": "octocat"}, "ref": "refs/heads/main", **ending.payload}

    result = run_act(workspace, event, github=github.url, token="job-token", payload=payload, job=ending.job)

    assert ending.is_success == result.is_success, result.log()
    assert ending.says in result.summary, result.summary
    assert [] == [each for each in result.annotations if each[0] == "error"]


def test_every_example_says_what_it_uses() -> None:
    """A whole workflow in a page is one of the suite, so that it is run here."""
    assert [] == [each.name for each in list_examples() if each.kind is Kind.WORKFLOW and not OURS.search(each.text)]
