"""Whatever goes wrong at whichever request: the next run ends where an undisturbed one ends, and nothing is twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from milepost.errors import Refused
from milepost.simulator import Exchange, Fault

FAULTS: dict[str, Callable[[int], list[Fault]]] = {
    "dropped before": lambda nth: [Fault(do="drop", nth=nth)],
    "dropped after": lambda nth: [Fault(do="drop", nth=nth, after=True)],
    "502 before": lambda nth: [Fault(do="status", status=502, nth=nth)],
    "502 after": lambda nth: [Fault(do="status", status=502, nth=nth, after=True)],
    "malformed after": lambda nth: [Fault(do="malformed", nth=nth, after=True)],
    "secondary": lambda nth: [Fault(do="secondary", nth=nth)],
    "secondary with wait": lambda nth: [Fault(do="secondary", nth=nth, retry_after=61)],
    "429": lambda nth: [Fault(do="secondary", status=429, nth=nth)],
    "primary": lambda nth: [Fault(do="primary", nth=nth)],
    "dropped and invisible once": lambda nth: [Fault(do="invisible", nth=nth, after=True, reads=1)],
    "dropped and invisible twice": lambda nth: [Fault(do="invisible", nth=nth, after=True, reads=2)],
    "dropped and invisible for long": lambda nth: [Fault(do="invisible", nth=nth, after=True, reads=5)],
    "applied but invisible": lambda nth: [Fault(do="invisible", nth=nth, reads=4)],
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_at_any_request_leaves_the_undisturbed_state(
    name: str, shaped: Callable[[], Any], after: str, compare: Callable[[Any], Any]
) -> None:
    """The fault is met at every request of an apply in turn; one more run, and the state is as it should be."""
    bench, start, requests, expected = _rehearse(shaped, after, compare)
    for nth in range(1, requests + 1):
        bench.github.restore(start)
        bench.github.faults.clear()
        for fault in FAULTS[name](nth):
            bench.github.faults.add(fault)
        _run_disturbed(bench, after)
        bench.github.faults.clear()
        _settle(bench)

        again = bench.sync(after)

        assert expected == compare(bench.github.state()), f"{name} at request {nth}"
        assert 0 == again.exit_code
        assert "0" == bench.sync(after, "drift").outputs["changes"], f"{name} at request {nth}"
        assert [] == _open_twins(bench.github.state()), f"{name} at request {nth}"


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_end_at_any_request_leaves_the_undisturbed_state(
    when: str, shaped: Callable[[], Any], after: str, compare: Callable[[Any], Any], killed_at: Callable[..., Any]
) -> None:
    """The run ends for good just before, or just after, every request in turn; the next run finishes the work."""
    bench, start, requests, expected = _rehearse(shaped, after, compare)
    for nth in range(1, requests + 1):
        bench.github.restore(start)
        with killed_at(nth, when):
            bench.sync(after)
        _settle(bench)

        bench.sync(after)

        assert expected == compare(bench.github.state()), f"{when} request {nth}"
        assert [] == _open_twins(bench.github.state()), f"{when} request {nth}"
        assert 0 == bench.writes(lambda: bench.sync(after))


def test_a_twin_that_github_showed_late_is_closed_as_duplicate(bench: Any) -> None:
    """The lower number stays; the other, ours and untouched, is closed, holds no milestone and claims nothing."""
    plan = "version: 1\nmilestones: [{title: M, issues: [{title: One}]}]"
    bench.github.faults.add(Fault(do="invisible", method="POST", path="/issues$", nth=1, after=True, reads=30))

    bench.sync(plan)
    _settle(bench)
    bench.sync(plan)

    first, second = bench.github.state()["issues"]
    assert ("open", "M") == (first["state"], first["milestone"])
    assert ("closed", "duplicate", None) == (second["state"], second["state_reason"], second["milestone"])
    assert 0 == bench.writes(lambda: bench.sync(plan))


def test_a_twin_that_somebody_touched_is_named_and_left(bench: Any) -> None:
    """A comment makes a twin somebody's: it is named with its number and not closed."""
    plan = "version: 1\nmilestones: [{title: M, issues: [{title: One}]}]"
    bench.sync(plan)
    body = bench.github.state()["issues"][0]["body"]
    bench.request("POST", "/issues", {"title": "One", "body": body, "milestone": 1}, token="workflow-token")
    bench.request("POST", "/issues/2/comments", {"body": "I work on this one"})

    outcome = bench.sync(plan)

    assert ["duplicate-key"] == [each.rule for each in outcome.diagnostics]
    assert "open" == bench.github.state()["issues"][1]["state"]


def _rehearse(
    shaped: Callable[[], Any], after: str, compare: Callable[[Any], Any]
) -> tuple[Any, Any, int, dict[str, Any]]:
    """A bench, the state to start from, the number of requests of an undisturbed run, and where that ends."""
    bench = shaped()
    start = bench.github.snapshot()
    assert 0 == bench.sync(after).exit_code
    requests = len(bench.github.journal)
    assert requests > 30
    return bench, start, requests, compare(bench.github.state())


def _run_disturbed(bench: Any, plan: str) -> None:
    try:
        bench.sync(plan)
    except Refused:
        pass  # a run may give up; it may not leave a mess


def _settle(bench: Any) -> None:
    """Time passes, GitHub shows everything, and the limits are fresh."""
    bench.github._stale = None
    bench.github.clock.advance(7200)


def _open_twins(state: dict[str, Any]) -> list[str]:
    titles = [each["title"] for each in state["issues"] if "duplicate of=" not in (each["body"] or "")]
    return sorted({title for title in titles if titles.count(title) > 1})


def test_the_journal_shows_each_disturbed_request(bench: Any) -> None:
    """The faults themselves are real: a dropped request is in the journal as unanswered."""
    bench.github.faults.add(Fault(do="drop", nth=1))

    bench.sync("version: 1", "plan")

    first, second = list(bench.github.journal)[:2]
    assert isinstance(first, Exchange)
    assert (first.is_answered, second.is_answered) == (False, True)
