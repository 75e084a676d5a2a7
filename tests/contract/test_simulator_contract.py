"""Every route of the simulator, over raw HTTP, against GitHub's own description of it; and our own requests too."""

from __future__ import annotations

import base64
import http.client
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from milepost.simulator import Simulator
from milepost.simulator.router import ROUTES, find

REPO = "/repos/octo/widgets"
# Where GitHub's description is narrower than what GitHub does, with the reason.
ACCEPTED = {
    ("PATCH /repos/{owner}/{repo}/milestones/{milestone_number}", "$.due_on: None is not of type 'string'"): (
        "null clears a due date (PyGithub/PyGithub#2533); the description knows only strings"
    ),
}
REPOSITORY = {
    "issue_types": ["Bug", "Task"],
    "files": {"README.md": "Hello\n"},
    "workflows": [{"path": ".github/workflows/ci.yml", "name": "ci", "dispatch_inputs": ["mode"]}],
    "runs": [{"id": 1, "workflow": ".github/workflows/ci.yml", "event": "push", "head_sha": "a" * 40}],
    "artifacts": [{"run": 1, "name": "report", "files": {"report.json": "{}"}}],
    "pulls": [{"title": "P", "head": "topic", "body": "Fixes #1", "number": 90, "head_files": {"new.txt": "New"}}],
    "issues": [{"title": "First", "number": 1}],
    "tags": {"v0.1": None},
    "required": ["ci"],
    "protected": ["ci"],
    "environments": [{"name": "release", "reviewers": ["octocat"]}],
    "runners": [{"name": "r", "labels": ["self-hosted"], "version": "2.336.0"}],
}


class Caller:
    """Sends requests, and holds every exchange against the description."""

    def __init__(self, github: Simulator, contract: Any) -> None:
        self.github, self.contract = github, contract
        self.violations: list[Any] = []

    def __call__(self, method: str, path: str, body: Any = None, *, token: str = "admin-token") -> Any:
        address, _, query = path.partition("?")
        connection = http.client.HTTPConnection(self.github.url.removeprefix("http://"), timeout=10)
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body)
        connection.request(method, path, data, {"Authorization": f"token {token}"} if token else {})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        value = json.loads(text) if text else None
        sent = None if isinstance(body, bytes) else body
        found = self.contract.check_exchange(
            method, address, query, sent, answer.status, dict(answer.getheaders()), value
        )
        self.violations += [each for each in found if (each.operation, each.reason) not in ACCEPTED]
        return value


@pytest.fixture
def caller(make_github: Callable[..., Simulator], contract: Any) -> Caller:
    """A caller of a simulator that has something of everything."""
    return Caller(make_github(REPOSITORY), contract)


def test_every_route_answers_as_github_describes(caller: Caller) -> None:
    """Each REST route is called at least once, and no exchange leaves the description."""
    _labels_and_milestones(caller)
    _issues(caller)
    _pulls_and_refs(caller)
    _releases_and_statuses(caller)
    _automation(caller)

    assert [] == caller.violations
    called = {(found[0].method, found[0].template) for each in caller.github.journal if (found := _route(each))}
    described = [each for each in ROUTES if not each.template.startswith(("/graphql", "/_storage/"))]
    assert {(each.method, each.template) for each in described} == called
    # An empty list agrees with every description.
    assert [] == [each.path for each in caller.github.journal if _is_empty(each.answer)]


def _is_empty(answer: Any) -> bool:
    lists = ("workflows", "workflow_runs", "artifacts", "statuses", "runners")
    return answer == [] or (isinstance(answer, dict) and any(answer.get(name) == [] for name in lists))


def test_refusals_answer_as_github_describes(caller: Caller) -> None:
    """422, 404, 403 and 401 have the shapes that the description gives them."""
    caller("POST", f"{REPO}/milestones", {"title": "M"})
    caller("POST", f"{REPO}/milestones", {"title": "M"})
    caller("POST", f"{REPO}/labels", {"name": "x", "color": "red"})
    caller("GET", f"{REPO}/milestones/99")
    caller("GET", f"{REPO}/issues/999")
    caller("POST", f"{REPO}/issues", {"title": ""})
    caller("POST", f"{REPO}/milestones", {"title": "N"}, token="read-token")
    caller("GET", REPO, token="unknown-token")
    caller("POST", f"{REPO}/git/refs", {"ref": "refs/heads/main", "sha": "b" * 40})
    caller("PUT", f"{REPO}/pulls/90/merge", {})
    caller("PUT", f"{REPO}/pulls/90/merge", {})

    assert [] == caller.violations
    statuses = [each.status for each in caller.github.journal]
    assert [201, 422, 422, 404, 404, 422, 403, 401, 422, 200, 405] == statuses


def test_the_requests_of_progress_are_ones_that_github_describes(new_bench: Callable[..., Any], contract: Any) -> None:
    """With everything that it can write."""
    held = {
        "milestones": [{"title": "v1", "number": 1, "due_on": "2026-01-05T12:00:00Z"}],
        "issues": [
            {"title": "T", "milestone": 1, "assignees": ["amy"]},
            {"title": "D", "milestone": 1, "state": "closed"},
        ],
    }
    bench = new_bench(held)
    for _ in range(2):
        bench.progress("version: 1\nhistory: branch\nprogress: {report: true, remind: [due]}\n")
        bench.github.clock.advance(86_400)

    assert set(_violations(bench, contract)) <= set(ACCEPTED)
    assert {"POST", "PATCH"} <= {each.method for each in bench.github.journal if not each.path.endswith("/graphql")}


def test_the_requests_of_sync_are_ones_that_github_describes(
    new_bench: Callable[..., Any], contract: Any, plan_that_does_everything: tuple[str, str]
) -> None:
    """Every REST exchange of two applies that do every kind of write fits the description."""
    bench = new_bench({"issue_types": ["Bug"]})
    for plan in plan_that_does_everything:
        bench.sync(plan)

    found = _violations(bench, contract)

    assert set(found) <= set(ACCEPTED)
    assert len([each for each in bench.github.journal if not each.path.endswith("/graphql")]) > 30


def _violations(bench: Any, contract: Any) -> list[tuple[str, str]]:
    """Where a REST exchange of the bench leaves the description."""
    return [
        (each.operation, each.reason)
        for exchange in bench.github.journal
        if not exchange.path.endswith("/graphql")
        for each in contract.check_exchange(
            exchange.method,
            exchange.path,
            exchange.query,
            exchange.body,
            exchange.status,
            dict(exchange.headers),
            exchange.answer,
        )
    ]


@pytest.mark.slow
def test_the_pruned_graphql_schema_is_part_of_the_published_one(tmp_path: Path) -> None:
    """Every type, field and argument of the simulator's schema is in GitHub's own, unchanged."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed here")
    subprocess.run(
        [npm, "pack", "@octokit/graphql-schema@15.26.1", "--silent"], cwd=tmp_path, check=True, capture_output=True
    )
    archive = next(tmp_path.glob("*.tgz"))
    subprocess.run(["tar", "xzf", archive.name, "package/schema.graphql"], cwd=tmp_path, check=True)
    pruned = (Path(__file__).parents[2] / "scripts" / "milepost" / "simulator" / "schema.graphql").read_text()

    whole, part = _fields((tmp_path / "package" / "schema.graphql").read_text()), _fields(pruned)

    assert [] == [name for name, text in part.items() if whole.get(name) != text]
    assert len(part) > 150


def _fields(schema: str) -> dict[str, str]:
    """`Type.field` to the field as it is written, without prose and directives."""
    from graphql import parse, print_ast

    found = {}
    for definition in parse(schema, no_location=True).definitions:
        for each in getattr(definition, "fields", None) or ():
            text = " ".join(print_ast(each).split('"""')[-1].split())
            arguments = ",".join(sorted(one.name.value for one in getattr(each, "arguments", None) or ()))
            found[f"{definition.name.value}.{each.name.value}"] = (
                f"{arguments}:{text.rpartition(':')[2].split('@')[0].strip()}"
            )
    return found


def _labels_and_milestones(caller: Caller) -> None:
    caller("GET", REPO)
    caller("GET", "/user")
    caller("GET", "/rate_limit")
    caller("POST", f"{REPO}/labels", {"name": "bug fix", "color": "ff0000", "description": "A fix"})
    caller("GET", f"{REPO}/labels?per_page=10")
    caller("GET", f"{REPO}/labels/bug%20fix")
    caller("PATCH", f"{REPO}/labels/bug%20fix", {"new_name": "fix", "color": "00ff00"})
    caller("POST", f"{REPO}/milestones", {"title": "M", "due_on": "2026-02-01T12:00:00Z", "description": "d"})
    caller("GET", f"{REPO}/milestones?state=all&sort=completeness&direction=desc")
    caller("GET", f"{REPO}/milestones/1")
    caller("PATCH", f"{REPO}/milestones/1", {"state": "closed"})
    caller("PATCH", f"{REPO}/milestones/1", {"due_on": None})
    caller("GET", f"{REPO}/collaborators/octocat/permission")


def _issues(caller: Caller) -> None:
    body = {
        "title": "I",
        "body": "b",
        "milestone": 1,
        "labels": ["fix", "new"],
        "assignees": ["octocat"],
        "type": "Bug",
    }
    number = caller("POST", f"{REPO}/issues", body)["number"]
    caller("GET", f"{REPO}/milestones/1/labels")
    child = caller("POST", f"{REPO}/issues", {"title": "Child"})
    caller("GET", f"{REPO}/issues?state=all&milestone=1&labels=fix&sort=updated&per_page=1")
    caller("GET", f"{REPO}/issues/{number}")
    caller("PATCH", f"{REPO}/issues/{number}", {"state": "closed", "state_reason": "not_planned", "milestone": None})
    caller("GET", f"{REPO}/issues/{number}/labels")
    caller("POST", f"{REPO}/issues/{number}/labels", {"labels": ["more"]})
    caller("POST", f"{REPO}/issues/{number}/assignees", {"assignees": ["octocat"]})
    caller("DELETE", f"{REPO}/issues/{number}/assignees", {"assignees": ["octocat"]})
    caller("PUT", f"{REPO}/issues/{number}/labels", {"labels": ["more", "other"]})
    caller("DELETE", f"{REPO}/issues/{number}/labels/other")
    caller("DELETE", f"{REPO}/issues/{number}/labels")
    caller("PUT", f"{REPO}/issues/{number}/lock", {"lock_reason": "resolved"})
    caller("DELETE", f"{REPO}/issues/{number}/lock")
    caller("POST", f"{REPO}/issues/{number}/sub_issues", {"sub_issue_id": child["id"]})
    caller("GET", f"{REPO}/issues/{number}/sub_issues")
    caller("GET", f"{REPO}/issues/{child['number']}/parent")
    caller("DELETE", f"{REPO}/issues/{number}/sub_issue", {"sub_issue_id": child["id"]})
    caller("POST", f"{REPO}/issues/{number}/dependencies/blocked_by", {"issue_id": child["id"]})
    caller("GET", f"{REPO}/issues/{number}/dependencies/blocked_by")
    caller("GET", f"{REPO}/issues/{child['number']}/dependencies/blocking")
    caller("DELETE", f"{REPO}/issues/{number}/dependencies/blocked_by/{child['id']}")
    comment = caller("POST", f"{REPO}/issues/{number}/comments", {"body": f"as #{child['number']}"})["id"]
    caller("GET", f"{REPO}/issues/{number}/timeline?per_page=50")
    caller("GET", f"{REPO}/issues/{child['number']}/timeline")
    event = caller("GET", f"{REPO}/issues/{number}/events")[0]["id"]
    caller("GET", f"{REPO}/issues/events?per_page=50")
    caller("GET", f"{REPO}/issues/events/{event}")
    caller("GET", f"{REPO}/issues/{number}/comments?per_page=100&page=1")
    caller("GET", f"{REPO}/issues/comments/{comment}")
    caller("PATCH", f"{REPO}/issues/comments/{comment}", {"body": "d"})
    caller("DELETE", f"{REPO}/issues/comments/{comment}")
    caller("DELETE", f"{REPO}/labels/more")
    caller("DELETE", f"{REPO}/milestones/1")


def _pulls_and_refs(caller: Caller) -> None:
    sha = caller("GET", f"{REPO}/git/ref/heads/main")["object"]["sha"]
    caller("GET", f"{REPO}/git/matching-refs/heads")
    caller("POST", f"{REPO}/git/refs", {"ref": "refs/heads/feature/a", "sha": sha})
    content = base64.b64encode(b"text").decode()
    caller("PUT", f"{REPO}/contents/a/b.txt", {"message": "m", "content": content, "branch": "feature/a"})
    caller("GET", f"{REPO}/contents/README.md?ref=main")
    caller("GET", f"{REPO}/contents/a?ref=feature/a")
    caller("GET", f"{REPO}/branches/feature/a")
    caller("POST", f"{REPO}/pulls", {"title": "New", "head": "feature/a", "base": "main"})
    caller("GET", f"{REPO}/pulls?state=all&per_page=5")
    caller("GET", f"{REPO}/pulls/90")
    caller("PATCH", f"{REPO}/pulls/90", {"title": "P2"})
    caller("GET", f"{REPO}/issues/90")
    caller("GET", f"{REPO}/pulls/90/files")
    caller("GET", f"{REPO}/pulls/90/merge")
    caller("PUT", f"{REPO}/pulls/90/merge", {"merge_method": "squash"})
    caller("GET", f"{REPO}/pulls/90/merge")
    caller("GET", f"{REPO}/pulls/90")
    tag = {"tag": "v1", "message": "one", "object": sha, "type": "commit"}
    made = caller("POST", f"{REPO}/git/tags", tag)["sha"]
    caller("POST", f"{REPO}/git/refs", {"ref": "refs/tags/v1", "sha": made})
    caller("GET", f"{REPO}/git/tags/{made}")
    caller("GET", f"{REPO}/git/commits/{sha}")
    blob = caller("POST", f"{REPO}/git/blobs", {"content": content, "encoding": "base64"})["sha"]
    entries = [{"path": "a/b.txt", "mode": "100644", "type": "blob", "sha": blob}]
    tree = caller("POST", f"{REPO}/git/trees", {"tree": entries})["sha"]
    caller("GET", f"{REPO}/git/trees/{tree}?recursive=1")
    caller("POST", f"{REPO}/git/commits", {"message": "root", "tree": tree, "parents": []})
    caller("GET", f"{REPO}/tags?per_page=2")
    caller("PATCH", f"{REPO}/git/refs/heads/feature/a", {"sha": sha, "force": True})
    caller("DELETE", f"{REPO}/git/refs/heads/feature/a")


def _releases_and_statuses(caller: Caller) -> None:
    release = caller("POST", f"{REPO}/releases", {"tag_name": "v2", "draft": True, "name": "Two", "body": "notes"})[
        "id"
    ]
    caller("GET", f"{REPO}/releases?per_page=3")
    caller("GET", f"{REPO}/releases/{release}")
    asset = caller("POST", f"{REPO}/releases/{release}/assets?name=a.json", b"{}")["id"]
    caller("GET", f"{REPO}/releases/assets/{asset}")
    caller("DELETE", f"{REPO}/releases/assets/{asset}")
    caller("POST", f"{REPO}/releases/{release}/assets?name=b.json", b"{}")
    caller("GET", f"{REPO}/releases/{release}/assets")
    caller("PATCH", f"{REPO}/releases/{release}", {"draft": False})
    caller("GET", f"{REPO}/releases/tags/v2")
    caller("GET", f"{REPO}/releases/latest")
    caller("POST", f"{REPO}/releases/generate-notes", {"tag_name": "v3"})
    caller("DELETE", f"{REPO}/releases/{release}")
    sha = caller("GET", f"{REPO}/git/ref/heads/main")["object"]["sha"]
    caller("POST", f"{REPO}/statuses/{sha}", {"state": "success", "context": "ci", "description": "fine"})
    caller("GET", f"{REPO}/commits/{sha}/statuses")
    caller("GET", f"{REPO}/commits/main/status")


def _automation(caller: Caller) -> None:
    workflows = caller("GET", f"{REPO}/actions/workflows")["workflows"]
    caller("GET", f"{REPO}/actions/workflows/{workflows[0]['id']}")
    caller("POST", f"{REPO}/actions/workflows/ci.yml/dispatches", {"ref": "main", "inputs": {"mode": "apply"}})
    caller("GET", f"{REPO}/actions/workflows/ci.yml/runs?event=push")
    run = caller("GET", f"{REPO}/actions/runs?per_page=1")["workflow_runs"][0]["id"]
    caller("GET", f"{REPO}/actions/runs/{run}")
    caller("GET", f"{REPO}/actions/runs/1/artifacts")
    artifacts = caller("GET", f"{REPO}/actions/artifacts?name=report")["artifacts"]
    caller("GET", f"{REPO}/actions/artifacts/{artifacts[0]['id']}")
    caller("GET", f"{REPO}/actions/artifacts/{artifacts[0]['id']}/zip")
    caller("POST", f"{REPO}/dispatches", {"event_type": "sprint", "client_payload": {"number": 1}})
    caller("GET", f"{REPO}/rules/branches/main")
    caller("GET", f"{REPO}/environments/release")
    caller("GET", f"{REPO}/actions/runners")


def _route(exchange: Any) -> Any:
    return find(exchange.method, exchange.path)
