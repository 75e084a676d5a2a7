"""Somebody else at the same moment: between any two requests of a run another one does all of its work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

OTHER_LINE = "sprint number=7 planned=12"


def test_the_same_run_twice_at_once_makes_no_twins(
    shaped: Callable[[], Any], after: str, compare: Callable[[Any], Any]
) -> None:
    """A whole second run of the same plan between any two requests: one issue per key, and nothing left to do."""

    def second(bench: Any) -> None:
        bench.sync(after)

    for bench, expected, nth in _interleaved(shaped, after, compare, second):
        bench.sync(after)
        assert expected == compare(bench.github.state()), f"before request {nth}"
        assert [] == _twins(bench.github.state()), f"before request {nth}"


def test_a_run_of_another_plan_in_between_converges_to_the_last(
    shaped: Callable[[], Any], before: str, after: str, compare: Callable[[Any], Any]
) -> None:
    """The older plan runs once more in the middle; after one more run of the newer one its state stands, without twins."""
    newer = after.replace("was: Alpha", "was: Alpha").replace(
        "{name: stale, state: absent}", '{name: stale, color: "cccccc"}'
    )

    def second(bench: Any) -> None:
        bench.sync(before.replace("title: Alpha\n", "title: Alpha one\n    was: Alpha\n"))

    for bench, _, nth in _interleaved(shaped, newer, compare, second):
        bench.sync(newer)
        assert "0" == bench.sync(newer, "drift").outputs["changes"], f"before request {nth}"
        assert [] == _twins(bench.github.state()), f"before request {nth}"


def test_another_actions_line_in_the_block_is_not_lost(shaped: Callable[[], Any], after: str) -> None:
    """Another action writes its line into the block between any two requests: it stands afterwards, beside ours.

    GitHub has no conditional write: only between the last read of a description and its PATCH, a window of one
    request, can a line be lost, and that window is named here.
    """

    def write_line(bench: Any) -> None:
        above, fence, below = bench.request("GET", "/milestones/1")["description"].rpartition("\n```")
        bench.request("PATCH", "/milestones/1", {"description": f"{above}\n{OTHER_LINE}{fence}{below}"})

    lost = []
    for bench, requests in _each_gap(shaped, after, write_line):
        description = bench.github.state()["milestones"][0]["description"]
        assert "start=2026-01-12" in description
        if OTHER_LINE not in description:
            lost.append((requests[-1].method, requests[-1].path))

    assert [("PATCH", "/repos/octo/widgets/milestones/1")] == lost


def test_a_persons_edit_above_the_block_is_kept_when_the_plan_does_not_manage_the_text(new_bench: Any) -> None:
    """The block survives edits above it, and edits above it survive it."""
    bench = new_bench()
    bench.sync("version: 1\nmilestones: [{title: M, start: 2026-01-05}]")
    live = bench.request("GET", "/milestones/1")["description"]
    bench.request("PATCH", "/milestones/1", {"description": f"Written by hand\r\n\r\n{live}"})

    unchanged = bench.writes(lambda: bench.sync("version: 1\nmilestones: [{title: M, start: 2026-01-05}]"))
    bench.sync("version: 1\nmilestones: [{title: M, start: 2026-01-12}]")

    description = bench.github.state()["milestones"][0]["description"]
    assert 0 == unchanged
    assert "Written by hand" == description.partition("\n")[0].strip()
    assert "start=2026-01-12" in description


def test_an_issue_that_a_person_moves_meanwhile_is_left_where_it_is(shaped: Callable[[], Any], after: str) -> None:
    """Moved out of its milestone between any two requests: the run does not put it back."""

    def move(bench: Any) -> None:
        number = next(each["number"] for each in bench.github.state()["issues"] if each["title"] == "Moves")
        bench.request("PATCH", f"/issues/{number}", {"milestone": None})

    for bench, requests in _each_gap(shaped, after, move):
        issue = next(each for each in bench.github.state()["issues"] if each["title"] == "Moves")
        is_patched_later = any(
            each.method == "PATCH" and each.path.endswith(f"/issues/{issue['number']}") for each in requests[-1:]
        )
        assert issue["milestone"] is None or is_patched_later


def _interleaved(
    shaped: Callable[[], Any], plan: str, compare: Callable[[Any], Any], second: Callable[[Any], None]
) -> Any:
    """For every request of a run of the plan: the bench after a second run went between, and the undisturbed end."""
    bench = shaped()
    start = bench.github.snapshot()
    bench.sync(plan)
    requests, expected = len(bench.github.journal), compare(bench.github.state())
    for nth in range(1, requests + 1):
        bench.github.restore(start)
        _run_with_gap(bench, plan, nth, second)
        bench.github.clock.advance(7200)
        yield bench, expected, nth


def _each_gap(shaped: Callable[[], Any], plan: str, act: Callable[[Any], None]) -> Any:
    """For every request of a run of the plan: the bench after the act went just before that request."""
    bench = shaped()
    start = bench.github.snapshot()
    bench.sync(plan)
    for nth in range(1, len(bench.github.journal) + 1):
        bench.github.restore(start)
        requests = _run_with_gap(bench, plan, nth, act)
        bench.github.clock.advance(7200)
        yield bench, requests


def _run_with_gap(bench: Any, plan: str, nth: int, act: Callable[[Any], None]) -> list[Any]:
    """The plan ran, and just before its nth request the act happened; the value is its requests up to that one."""
    seen: list[Any] = []

    def watch(exchange: Any) -> None:
        seen.append(exchange)
        if len(seen) == nth:
            bench.github.on_request = None
            act(bench)

    bench.github.on_request = watch
    bench.sync(plan)
    bench.github.on_request = None
    return seen


def _twins(state: dict[str, Any]) -> list[str]:
    titles = [each["title"] for each in state["issues"] if "duplicate of=" not in (each["body"] or "")]
    return sorted({title for title in titles if titles.count(title) > 1})


def test_the_gap_is_real(shaped: Callable[[], Any], after: str) -> None:
    """The second actor does run, once, in the middle."""
    calls: list[int] = []

    for turn, (_, requests) in enumerate(_each_gap(shaped, after, lambda bench: calls.append(1)), start=1):
        assert turn == len(calls) == len(requests)


pytestmark = pytest.mark.filterwarnings("error")
