"""Somebody else is at work during a release, or was before it: never another commit, a twin, or a bare release."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from milepost.actions.release import RELEASE
from milepost.errors import ExitCode, Refused
from milepost.remote.releases import list_drafts, upload_asset
from milepost.world import Outcome

PLAN = """\
version: 1
milestones:
  - {title: v2.9.0}
release: {}
"""
CLOSED_AT = "2027-02-01T00:00:00Z"
CLOSED = {"title": "v2.9.0", "state": "closed", "closed_at": CLOSED_AT}
DOCS = {"path": ".github/workflows/docs.yml", "dispatch_inputs": []}
OPEN = [{"title": "Unfinished", "milestone": 1}]


@pytest.fixture
def team(new_bench: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a repository whose milestone 1 is closed, with the plan at its only commit."""

    def make(plan: str = PLAN, **more: Any) -> Any:
        repository = {
            "files": {".github/milepost.yml": plan},
            "milestones": [CLOSED],
            "issues": [{"title": "Done", "milestone": 1, "state": "closed"}],
            "branches": {"old": {"a": "b"}},
            **more,
        }
        return new_bench(repository, clock="2027-02-01T00:00:00Z")

    return make


def closed(**more: Any) -> dict[str, Any]:
    """The context of the event."""
    milestone = {"number": 1, "title": "v2.9.0", **more}
    payload = {"action": "closed", "milestone": milestone, "sender": {"login": "octocat"}}
    return {"event": "milestone", "payload": payload, "actor": "octocat"}


def releases(bench: Any) -> list[Any]:
    """What GitHub holds, drafts among them."""
    return list(bench.request("GET", "/releases"))


def tags(bench: Any) -> dict[str, str]:
    """The commits by tag."""
    return {each["name"]: each["commit"]["sha"] for each in bench.request("GET", "/tags")}


def head(bench: Any, branch: str = "main") -> str:
    """The commit that the branch is at."""
    return str(bench.request("GET", f"/git/ref/heads/{branch}")["object"]["sha"])


def each_gap(bench: Any, act: Callable[[], object], plan: str = PLAN) -> Iterator[tuple[Any, Outcome]]:
    """For every request of a release: that request and the outcome, when the act went just before it."""
    start = bench.github.snapshot()
    bench.github.journal.clear()
    bench.release(plan, context=closed())
    for nth in range(2, len(bench.github.journal) + 1):
        bench.github.restore(start)
        seen: list[Any] = []

        def watch(exchange: Any, seen: list[Any] = seen, nth: int = nth) -> None:
            seen.append(exchange)
            if len(seen) == nth:
                bench.github.on_request = None
                act()

        bench.github.on_request = watch
        outcome = bench.release(plan, context=closed())
        bench.github.on_request = None
        yield seen[-1], outcome


def test_two_runs_at_once_leave_one_release(team: Callable[..., Any]) -> None:
    """A whole second run between any two requests of the first: both succeed, and no draft is left beside the release.

    GitHub dispatches without a condition: only between the last count of runs and the dispatch can there be two.
    """
    plan = PLAN.replace("{}", "{next: 'v{major}.{minor+1}.0', then: [docs.yml]}")
    bench = team(plan, workflows=[DOCS])

    for request, outcome in each_gap(bench, lambda: bench.release(plan, context=closed()), plan):
        where = f"before {request.method} {request.path}"
        assert [(False, 3)] == [(each["draft"], len(each["assets"])) for each in releases(bench)], where
        assert (ExitCode.DONE, "true") == (outcome.exit_code, outcome.outputs["released"]), where
        runs = bench.request("GET", "/actions/runs?event=workflow_dispatch")["total_count"]
        assert (2 if request.path.endswith("/dispatches") else 1) == runs, where
        assert 0 == bench.writes(lambda: bench.release(plan, context=closed())), where


@pytest.mark.parametrize("is_moved", [False, True])
def test_a_tag_that_goes_away_meanwhile_releases_nothing_else(is_moved: bool, team: Callable[..., Any]) -> None:
    """Deleted, or moved, while the branch goes on: what is public has the tag at the commit that was tested.

    GitHub has no conditional write: only between the last look at the tag and the publication can it go unseen.
    """
    bench = team()
    old = head(bench, "old")

    def act() -> None:
        with contextlib.suppress(AssertionError):
            bench.request("DELETE", "/git/refs/tags/v2.9.0")
        if is_moved:
            bench.request("POST", "/git/refs", {"ref": "refs/tags/v2.9.0", "sha": old})
        bench.request("PUT", "/contents/new.txt", {"message": "Later", "content": "bmV3", "branch": "main"})

    unseen = []
    for request, outcome in each_gap(bench, act):
        if outcome.outputs["released"] == "true" and tags(bench)["v2.9.0"] != outcome.outputs["commit"]:
            unseen.append((request.method, request.path.partition("/widgets")[2]))
        is_public = [each["draft"] for each in releases(bench)] == [False]
        assert is_public == (outcome.outputs["released"] == "true")

    assert [("PATCH", "/releases")] == [(method, path.rpartition("/")[0]) for method, path in unseen]


@pytest.mark.parametrize(
    ("event", "is_released"),
    [
        ("issue_comment", False),
        ("pull_request_target", False),
        ("workflow_run", False),
        ("workflow_dispatch", True),
        ("schedule", True),
    ],
)
def test_an_event_that_anybody_can_cause_releases_nothing(
    event: str, is_released: bool, team: Callable[..., Any]
) -> None:
    """Whatever milestone the workflow names: its sender must have write permission."""
    bench = team()
    context = {"event": event, "payload": {"sender": {"login": "mallory"}}, "actor": "mallory"}

    outcome = bench.release(PLAN, context=context, milestone="v2.9.0")

    assert str(is_released).lower() == outcome.outputs["released"]
    assert is_released or ["not-allowed"] == [each.rule for each in outcome.diagnostics]


def test_the_run_of_an_earlier_closing_releases_nothing(team: Callable[..., Any]) -> None:
    """Somebody else may have closed it since; that closing is judged by its own sender."""
    bench = team()

    earlier = bench.release(PLAN, context=closed(closed_at="2027-01-31T00:00:00Z"))
    live = bench.release(PLAN, context=closed(closed_at=CLOSED_AT))

    assert ("false", "true") == (earlier.outputs["released"], live.outputs["released"])
    assert "closed once more" in earlier.text


def test_a_workflow_that_is_not_there_is_told_each_time(team: Callable[..., Any]) -> None:
    """A release that is whole is no reason to say less."""
    plan = PLAN.replace("{}", "{then: [docs.yml]}")
    bench = team(plan)

    outcomes = [bench.release(plan, context=closed()) for _ in range(2)]

    assert [("true", ["not-dispatched"])] * 2 == [
        (each.outputs["released"], [one.rule for one in each.diagnostics]) for each in outcomes
    ]


def test_a_foreign_draft_of_a_pre_release_is_published_as_one(team: Callable[..., Any]) -> None:
    """Whoever wrote it may have forgotten; it would be the latest release else."""
    plan, milestone = PLAN.replace("v2.9.0", "v2.9-rc1"), {**CLOSED, "title": "v2.9-rc1"}
    draft = {"tag": "v2.9-rc1", "draft": True, "body": "By hand", "author": "octocat"}
    bench = team(plan, milestones=[milestone], releases=[draft])

    bench.release(plan, context=closed(title="v2.9-rc1"))

    assert [(False, True)] == [(each["draft"], each["prerelease"]) for each in releases(bench)]


def test_the_milestone_that_follows_may_be_the_hundred_and_first(team: Callable[..., Any]) -> None:
    """Open items move into it, however many milestones are open."""
    plan = PLAN.replace("{}", "{open-issues: move, next: 'v{major}.{minor+1}.0'}")
    others = [{"title": f"Step {number}", "due_on": "2027-03-01T08:00:00Z"} for number in range(110)]
    bench = team(
        plan, issues=OPEN, milestones=[CLOSED, *others, {"title": "v2.10.0", "due_on": "2028-03-01T08:00:00Z"}]
    )

    outcome = bench.release(plan, context=closed())

    assert (ExitCode.DONE, "true") == (outcome.exit_code, outcome.outputs["released"])
    assert "v2.10.0" == bench.request("GET", "/issues/1")["milestone"]["title"]


def test_what_an_earlier_run_left_on_a_published_release_is_replaced(
    team: Callable[..., Any], killed_at: Callable[..., Any]
) -> None:
    """The milestone's items were edited since: the checksums must be those of the files that are there."""
    bench = team(releases=[{"tag": "v2.9.0", "body": "By hand"}])
    bench.request("POST", "/git/refs", {"ref": "refs/tags/v2.9.0", "sha": head(bench)})
    with killed_at(7, "after"):
        bench.release(PLAN, context=closed())
    left = releases(bench)[0]["assets"]
    bench.request("PATCH", "/issues/1", {"title": "Renamed"})

    outcome = bench.release(PLAN, context=closed())

    now = {each["name"]: each["digest"] for each in releases(bench)[0]["assets"]}
    assert ["milestone.json"] == [each["name"] for each in left]
    assert (ExitCode.DONE, 3) == (outcome.exit_code, len(now))
    assert left[0]["digest"] != now["milestone.json"]
    assert 0 == bench.writes(lambda: bench.release(PLAN, context=closed()))


def test_files_of_somebody_else_stay(team: Callable[..., Any]) -> None:
    """A tool that builds binaries writes SHA256SUMS, too: it is named, and nothing is written."""
    bench = team(releases=[{"tag": "v2.9.0", "draft": True, "body": "By hand", "author": "octocat"}])
    client = bench.client("admin-token")
    upload_asset(
        client,
        list_drafts(client, "v2.9.0", login="octocat")[0],
        name="SHA256SUMS",
        content_type="text/plain",
        data=b"of the binaries",
    )
    before = len(bench.github.journal.writes())

    outcome = bench.release(PLAN, context=closed())

    assert (ExitCode.NO, ["asset-taken"]) == (outcome.exit_code, [each.rule for each in outcome.diagnostics])
    assert before == len(bench.github.journal.writes())


def test_a_title_of_digits_is_found_when_no_milestone_has_the_number(team: Callable[..., Any]) -> None:
    """Some teams name releases by the year."""
    plan = "version: 1\nrelease: {milestones: ['20*']}\n"
    bench = team(plan, milestones=[{**CLOSED, "title": "2027", "creator": "octocat"}])

    outcome = bench.release(plan, context={"event": "workflow_dispatch"}, milestone="2027")

    assert ("true", "2027") == (outcome.outputs["released"], outcome.outputs["tag"])


@pytest.mark.parametrize("permission", ["contents", "issues", "pull-requests", "actions"])
@pytest.mark.parametrize("level", [None, "read"])
def test_a_missing_permission_is_named(permission: str, level: str | None, new_bench: Callable[..., Any]) -> None:
    """Each that the action declares, left out or only read, in a private repository."""
    plan = PLAN.replace("{}", "{open-issues: move, next: 'v{major}.{minor+1}.0', then: [docs.yml]}")
    granted = {**RELEASE.permissions, permission: level or "read"}
    kept = {name: value for name, value in granted.items() if level or name != permission}
    bench = new_bench(
        {
            "private": True,
            "files": {".github/milepost.yml": plan},
            "milestones": [CLOSED],
            "issues": OPEN,
            "releases": [{"tag": "v2.8.0"}],
            "workflows": [DOCS],
        },
        clock="2027-02-01T00:00:00Z",
        tokens={
            "admin-token": {"login": "octocat"},
            "less-token": {"login": "github-actions[bot]", "repository": "octo/widgets", "permissions": kept},
        },
    )

    try:
        problems = bench.release(plan, token="less-token", context=closed()).diagnostics
    except Refused as refusal:
        problems = (refusal.diagnostic,)

    is_enough = (permission, level) == ("pull-requests", "read")  # no pull request is open
    assert is_enough or [True] == [f"{permission}: " in each.help for each in problems]
    assert not (is_enough and problems)


@pytest.mark.parametrize(("workflow", "is_released"), [("Docs", False), (None, False), ("CI", True)])
def test_a_check_of_the_same_name_hides_no_other(
    workflow: str | None, is_released: bool, team: Callable[..., Any]
) -> None:
    """A job of another workflow or app, begun later; a later run of the same one does count instead."""
    plan = PLAN.replace("{}", "{require: {statuses: [build]}}")
    failed = {"name": "build", "conclusion": "failure", "started_at": "2027-01-01T00:00:00Z", "workflow": "CI"}
    later = {"name": "build", "conclusion": "success", "started_at": "2027-01-02T00:00:00Z", "workflow": workflow}
    bench = team(plan, checks=[failed, later])

    outcome = bench.release(plan, context=closed())

    assert str(is_released).lower() == outcome.outputs["released"]
    assert is_released or ["status-missing"] == [each.rule for each in outcome.diagnostics]
