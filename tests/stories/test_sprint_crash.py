"""Whatever ends a day of sprints at whichever request: the next run ends where an undisturbed one ends."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from milepost.errors import Refused
from milepost.simulator import Fault

PLAN = """
version: 1
%s
sprints:
  - title: "Sprint {number}"
    anchor: {number: 1, start: 2027-01-04}
    length: 2 weeks
    carry-over: {rules: [{label: backlog, to: backlog}]}
    labels: [carried]
    then: [report.yml]
"""
MODES = {"in the summary": PLAN % "history: none", "on the branch": PLAN % "history: branch"}
START = date(2027, 1, 18)
FAULTS: dict[str, Callable[[int], Fault]] = {
    "dropped before": lambda nth: Fault(do="drop", nth=nth),
    "dropped after": lambda nth: Fault(do="drop", nth=nth, after=True),
    "502 after": lambda nth: Fault(do="status", status=502, nth=nth, after=True),
    "malformed after": lambda nth: Fault(do="malformed", nth=nth, after=True),
    "secondary": lambda nth: Fault(do="secondary", nth=nth),
    "invisible": lambda nth: Fault(do="invisible", nth=nth, after=True, reads=2),
}


@pytest.fixture(name="team", params=MODES)
def team_fixture(request: pytest.FixtureRequest, new_bench: Callable[..., Any]) -> tuple[Any, str]:
    """A sprint that was over yesterday, with work to carry, and the plan."""
    plan = MODES[request.param]
    workflow = {"path": ".github/workflows/report.yml", "dispatch_inputs": ["milestone"]}
    bench = new_bench(
        {"labels": [{"name": "backlog"}, {"name": "carried"}], "workflows": [workflow]}, clock="2027-01-05T06:00:00Z"
    )
    bench.sprint(plan, date(2027, 1, 5))
    for labels in ([], ["backlog"], []):
        bench.request("POST", "/issues", {"title": "Task", "milestone": 1, "labels": labels})
    bench.request("PATCH", "/issues/3", {"state": "closed"})
    bench.github.clock.advance(13 * 86_400)
    return bench, plan


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_at_any_request_leaves_the_undisturbed_state(name: str, team: tuple[Any, str]) -> None:
    """The record is written once, everything is carried once, and what follows starts once."""
    bench, plan = team
    start, requests, expected = rehearse(bench, plan)
    for nth in range(1, requests + 1):
        bench.github.restore(start)
        bench.github.faults.clear()
        bench.github.faults.add(FAULTS[name](nth))
        with contextlib.suppress(Refused):
            bench.sprint(plan, START)
        bench.github.faults.clear()
        settle(bench)

        bench.sprint(plan, START)

        assert expected == comparable(bench), f"{name} at request {nth}"
        assert 0 == bench.writes(lambda: bench.sprint(plan, START)), f"{name} at request {nth}"


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_end_at_any_request_leaves_the_undisturbed_state(
    when: str, team: tuple[Any, str], killed_at: Callable[..., Any]
) -> None:
    """The next day finishes what was begun; the record is that of the day on which it was frozen."""
    bench, plan = team
    start, requests, expected = rehearse(bench, plan)
    for nth in range(1, requests + 1):
        bench.github.restore(start)
        with killed_at(nth, when):
            bench.sprint(plan, START)
        settle(bench)

        bench.sprint(plan, START)

        assert expected == comparable(bench), f"{when} request {nth}"
        assert 0 == bench.writes(lambda: bench.sprint(plan, START)), f"{when} request {nth}"


def test_ends_at_any_number_of_requests_converge(team: tuple[Any, str], killed_at: Callable[..., Any]) -> None:
    """A run that is killed again and again, each time a little later, comes to the same end."""
    bench, plan = team
    start, requests, expected = rehearse(bench, plan)
    bench.github.restore(start)
    for nth in range(1, requests + 1):
        with killed_at(nth, "after", is_sure=False):
            bench.sprint(plan, START)
        settle(bench)

    bench.sprint(plan, START)

    assert expected == comparable(bench)


def test_nothing_moves_before_the_record_is_written(team: tuple[Any, str]) -> None:
    """In the journal the record comes first, on the branch or in the line, and the close comes last."""
    bench, plan = team
    bench.github.journal.clear()
    bench.sprint(plan, START)
    writes = [(each.method, each.path) for each in bench.github.journal.writes()]

    moves = [index for index, (_, path) in enumerate(writes) if "/issues/" in path]
    frozen = [index for index, (method, path) in enumerate(writes) if path.endswith(("/graphql", "/milestones/1"))]
    assert frozen[0] < min(moves)
    assert max(moves) < frozen[1]


def rehearse(bench: Any, plan: str) -> tuple[Any, int, Any]:
    """The state to start from, the requests of an undisturbed run, and where that ends."""
    start = bench.github.snapshot()
    bench.github.journal.clear()
    assert 0 == bench.sprint(plan, START).exit_code
    requests = len(bench.github.journal)
    assert requests > 12
    return start, requests, comparable(bench)


def comparable(bench: Any) -> Any:
    """What a run leaves, without times; of the dispatches only how many."""
    state = bench.github.state()
    milestones = [{**each, "closed_at": None} for each in state["milestones"]]
    path = "/contents/sprints/sprint/1/closed.json?ref=milepost-data"
    has_branch = "refs/heads/milepost-data" in state["refs"]
    record = bench.request("GET", path)["content"] if has_branch else ""
    return milestones, state["issues"], state["labels"], record, len(state["dispatches"])


def settle(bench: Any) -> None:
    """Time passes, GitHub shows everything, and the limits are fresh."""
    bench.github._stale = None
    bench.github.clock.advance(7200)
