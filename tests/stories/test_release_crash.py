"""Whatever ends a release at whichever request: the next run ends where an undisturbed one ends."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from milepost.errors import Refused
from milepost.simulator import Fault

PLAN = """\
version: 1
milestones:
  - {title: v2.9.0}
release: {open-issues: move, next: "v{major}.{minor+1}.0", then: [docs.yml]}
"""
EVENT = {
    "event": "milestone",
    "actor": "octocat",
    "payload": {
        "action": "closed",
        "milestone": {"number": 1, "title": "v2.9.0"},
        "sender": {"login": "octocat"},
    },
}
FAULTS: dict[str, Callable[[int], Fault]] = {
    "dropped before": lambda nth: Fault(do="drop", nth=nth),
    "dropped after": lambda nth: Fault(do="drop", nth=nth, after=True),
    "502 after": lambda nth: Fault(do="status", status=502, nth=nth, after=True),
    "malformed after": lambda nth: Fault(do="malformed", nth=nth, after=True),
    "secondary": lambda nth: Fault(do="secondary", nth=nth),
    "invisible": lambda nth: Fault(do="invisible", nth=nth, after=True, reads=2),
}


@pytest.fixture(name="team", params=["mutable", pytest.param("immutable", marks=pytest.mark.slow)])
def team_fixture(request: pytest.FixtureRequest, new_bench: Callable[..., Any]) -> Any:
    """A milestone that was closed with one thing left."""
    return new_bench(
        {
            "files": {".github/milepost.yml": PLAN},
            "milestones": [{"title": "v2.9.0", "state": "closed"}],
            "issues": [{"title": "Done", "milestone": 1, "state": "closed"}, {"title": "Left", "milestone": 1}],
            "workflows": [{"path": ".github/workflows/docs.yml", "dispatch_inputs": []}],
            "immutable_releases": request.param == "immutable",
        },
        clock="2027-02-01T00:00:00Z",
    )


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_at_any_request_leaves_one_release(name: str, team: Any) -> None:
    """One tag, one release with all assets, one dispatch; nothing is public before it is whole."""
    start, requests, expected = rehearse(team)
    for nth in range(1, requests + 1):
        team.github.restore(start)
        team.github.faults.clear()
        team.github.faults.add(FAULTS[name](nth))
        with contextlib.suppress(Refused):
            release(team)
        team.github.faults.clear()
        settle(team)
        assert is_whole_or_hidden(team), f"{name} at request {nth}"

        release(team)

        assert expected == comparable(team), f"{name} at request {nth}"
        assert 0 == team.writes(lambda: release(team)), f"{name} at request {nth}"


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_end_at_any_request_leaves_one_release(when: str, team: Any, killed_at: Callable[..., Any]) -> None:
    """The next run goes on, at the commit that was tagged."""
    start, requests, expected = rehearse(team)
    for nth in range(1, requests + 1):
        team.github.restore(start)
        with killed_at(nth, when):
            release(team)
        settle(team)
        assert is_whole_or_hidden(team), f"{when} request {nth}"

        release(team)

        assert expected == comparable(team), f"{when} request {nth}"
        assert 0 == team.writes(lambda: release(team)), f"{when} request {nth}"


def test_ends_at_any_number_of_requests_converge(team: Any, killed_at: Callable[..., Any]) -> None:
    """A run that is killed again and again, each time a little later, comes to the same end."""
    start, requests, expected = rehearse(team)
    team.github.restore(start)
    for nth in range(1, requests + 1):
        with killed_at(nth, "after", is_sure=False):
            release(team)
        settle(team)

    release(team)

    assert expected == comparable(team)


def release(bench: Any) -> Any:
    """The action on the event."""
    return bench.release(PLAN, "", context=EVENT)


def rehearse(bench: Any) -> tuple[Any, int, Any]:
    """The state to start from, the requests of an undisturbed run, and where that ends."""
    start = bench.github.snapshot()
    bench.github.journal.clear()
    assert 0 == release(bench).exit_code
    requests = len(bench.github.journal)
    assert requests > 12
    return start, requests, comparable(bench)


def is_whole_or_hidden(bench: Any) -> bool:
    """No release is public that lacks an asset."""
    found = bench.request("GET", "/releases")
    return all(each["draft"] or {"milestone.json", "SHA256SUMS"} <= names(each) for each in found)


def names(release: Any) -> set[str]:
    """The assets that are up."""
    return {each["name"] for each in release["assets"] if each["state"] == "uploaded"}


def comparable(bench: Any) -> Any:
    """What a run leaves, without times and ids."""
    state = bench.github.state()
    found = bench.request("GET", "/releases")
    kept = [
        (
            each["tag_name"],
            each["name"],
            each["body"],
            each["draft"],
            [(one["name"], one["digest"]) for one in each["assets"]],
        )
        for each in found
    ]
    tags = [(each["name"], each["commit"]["sha"]) for each in bench.request("GET", "/tags")]
    milestones = [(each["title"], each["state"]) for each in state["milestones"]]
    places = [(each["title"], each["state"], each["milestone"]) for each in state["issues"]]
    return kept, tags, milestones, places, len(bench.request("GET", "/actions/runs")["workflow_runs"])


def settle(bench: Any) -> None:
    """Time passes, GitHub shows everything, and the limits are fresh."""
    bench.github._stale = None
    bench.github.clock.advance(7200)
