"""Sprints where something is wrong: forged blocks and records, missing rights, runs that end early."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable
from datetime import date, datetime, timezone
from typing import Any

import pytest
from milepost.simulator import Fault

PLAN = """
version: 1
sprints:
  - title: "Sprint {number}"
    anchor: {number: 1, start: 2027-01-04}
    length: 2 weeks
"""
HISTORY = PLAN.replace("version: 1", "version: 1\nhistory: branch\nsize-labels: size/{points}")
FIRST, START = date(2027, 1, 5), date(2027, 1, 18)
WORKFLOW = {"path": ".github/workflows/report.yml", "dispatch_inputs": ["milestone"]}


@pytest.fixture
def team(new_bench: Callable[..., Any]) -> Any:
    """A repository with labels and a workflow, on the first day of the anchor's sprint."""
    return new_bench({"labels": [{"name": "size/3"}], "workflows": [WORKFLOW]}, clock="2027-01-04T08:00:00Z")


def run(bench: Any, plan: str, day: date, mode: str = "apply", **more: Any) -> Any:
    """The daily run at six in the morning of that day."""
    moment = datetime(day.year, day.month, day.day, 6, tzinfo=timezone.utc)
    bench.github.clock.advance(max(0.0, (moment - bench.github.clock.now()).total_seconds()))
    return bench.sprint(plan, day, mode, **more)


def issue(bench: Any, title: str, milestone: int, **more: Any) -> int:
    """A new issue; the value is its number."""
    return int(bench.request("POST", "/issues", {"title": title, "milestone": milestone, **more})["number"])


def write_record(bench: Any, path: str, text: str) -> None:
    """Somebody's commit to the data branch."""
    body = {"message": "By hand", "content": base64.b64encode(text.encode()).decode(), "branch": "milepost-data"}
    with contextlib.suppress(AssertionError):  # it is not there yet
        body["sha"] = bench.request("GET", f"/contents/{path}?ref=milepost-data")["sha"]
    bench.request("PUT", f"/contents/{path}", body)


def description(bench: Any, number: int) -> str:
    """The description of the milestone."""
    return str(bench.request("GET", f"/milestones/{number}")["description"])


def dispatched(bench: Any) -> list[str]:
    """The milestones that the workflow was dispatched for."""
    return [each["inputs"]["milestone"] for each in bench.github.state()["dispatches"]]


THEN = PLAN + "    then: [report.yml]\n"


def test_what_follows_several_sprints_is_made_up_for_when_the_right_was_missing(new_bench: Callable[..., Any]) -> None:
    """One run of the workflow for each of them, though the first one is a run since the others were closed."""
    rights = {"contents": "write", "issues": "write", "pull-requests": "write"}
    login = "github-actions[bot]"
    tokens = {
        "job-token": {"login": login, "permissions": rights},
        "workflow-token": {"login": login, "permissions": {**rights, "actions": "write"}},
        "admin-token": {"login": "octocat"},
    }
    bench = new_bench({"workflows": [WORKFLOW]}, clock="2027-01-04T08:00:00Z", tokens=tokens)
    run(bench, THEN, FIRST)

    refused = run(bench, THEN, date(2027, 3, 10), token="job-token")
    made_up = run(bench, THEN, date(2027, 3, 11))

    assert (3, 0) == (refused.exit_code, made_up.exit_code)
    assert ["1", "2", "3"] == dispatched(bench)


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_follows_several_sprints_is_dispatched_once_each_however_a_run_ends(
    when: str, team: Any, killed_at: Callable[..., Any]
) -> None:
    """Ended at any request from the first close on."""
    run(team, THEN, FIRST)
    start, day = team.github.snapshot(), date(2027, 3, 10)
    team.github.journal.clear()
    run(team, THEN, day)
    requests = [(each.method, each.path) for each in team.github.journal]
    first = requests.index(("PATCH", "/repos/octo/widgets/milestones/1"))

    for nth in range(first, len(requests) + 1):
        team.github.restore(start)
        with killed_at(nth, when):
            run(team, THEN, day)
        team.github.clock.advance(7200)
        team.sprint(THEN, day)
        assert ["1", "2", "3"] == dispatched(team), f"{when} request {nth}"


def test_one_missing_workflow_does_not_hold_the_others_up(team: Any) -> None:
    """Those that can be dispatched are, and only once; the message names the others."""
    plan = PLAN + "    then: [missing.yml, report.yml]\n"
    run(team, plan, FIRST)

    first = run(team, plan, START)
    run(team, plan, date(2027, 1, 19))

    assert ["1"] == dispatched(team)
    assert 'missing.yml could not be dispatched for "Sprint 1"' == first.diagnostics[-1].summary


def test_a_title_is_no_command_and_no_markup(team: Any) -> None:
    """Neither in the log nor in the summary, table and record included."""
    run(team, PLAN, FIRST)
    team.request("PATCH", "/milestones/1", {"title": "::error::a @octocat #1 <b> ![i](http://example.com/)"})
    issue(team, "Task", 1)

    outcome = run(team, PLAN, START)

    head = next(line for line in outcome.summary.splitlines() if line.startswith("<details><summary>How"))
    assert not [line for line in outcome.text.splitlines() if line.lstrip().startswith("::")]
    assert not [mark for mark in ("@octocat", "#1", "<b>", "![i]") if mark in head]


def test_a_block_without_room_stops_the_run_before_anything_moves(team: Any) -> None:
    """The message says what to delete."""
    run(team, PLAN, FIRST)
    number = issue(team, "Task", 1)
    full = description(team, 1).replace("sprint key", f"other {'x' * 950}\nsprint key")
    team.request("PATCH", "/milestones/1", {"description": full})

    outcome = run(team, PLAN, START)

    assert (3, "block-full") == (outcome.exit_code, outcome.diagnostics[-1].rule)
    assert 1 == team.request("GET", f"/issues/{number}")["milestone"]["number"]


@pytest.mark.parametrize(
    ("name", "text"), [("planned", '"planned": [1], "sizes": {"1": 1e400}'), ("closed", '"points": {"x": 1}')]
)
def test_a_forged_record_is_told_and_does_no_harm(name: str, text: str, team: Any) -> None:
    """The day goes on, and what is there is not written again."""
    run(team, HISTORY, FIRST)
    number = issue(team, "Task", 1, labels=["size/3"])
    text = f'{{"schema": "milepost.{name}/1", "reconstructed": false, {text}}}'
    write_record(team, f"sprints/sprint/1/{name}.json", text)

    outcome = run(team, HISTORY, START)

    assert (0, ["bad-record"]) == (outcome.exit_code, [each.rule for each in outcome.diagnostics])
    assert 2 == team.request("GET", f"/issues/{number}")["milestone"]["number"]


def test_a_run_that_goes_on_counts_no_carry_twice(team: Any) -> None:
    """The record of the sprint that is being emptied has counted it already."""
    run(team, HISTORY, FIRST)
    for _ in range(9):
        issue(team, "Task", 1)

    first = run(team, HISTORY, START, time_limit=0.1)
    second = run(team, HISTORY, START)

    assert ("false", "true") == (first.outputs["complete"], second.outputs["complete"])
    assert [] == [each.rule for each in second.diagnostics]
    assert "twice" not in second.text


@pytest.mark.parametrize("start", ["0001-01-01", "0900-01-01"])
def test_a_line_that_claims_a_day_long_ago_stops_nothing(start: str, team: Any) -> None:
    """It is a former sprint, frozen by what GitHub's events tell."""
    text = f"```milepost\nsprint key=sprint/0 start={start} due={start}\n```"
    team.request("POST", "/milestones", {"title": "Old", "description": text})

    outcome = run(team, PLAN, FIRST)

    assert 0 == outcome.exit_code
    assert "frozen=2027-01-05" in description(team, 1)


def test_items_that_stay_in_past_sprints_of_many_teams_cost_no_read_each(team: Any) -> None:
    """Their records are read only when something is frozen or carried."""
    entry = '  - {title: "Team %d {number}", anchor: {number: 1, start: 2027-01-04}, length: 2 weeks, keep: 0,'
    plan = "version: 1\nhistory: branch\nsprints:\n"
    plan += "".join(f"{entry % turn} carry-over: {{default: keep}}}}\n" for turn in range(6))
    run(team, plan, FIRST)
    for milestone in range(1, 7):
        issue(team, "Task", milestone)
    run(team, plan, START)
    run(team, plan, date(2027, 1, 19))

    reads = team.reads(lambda: run(team, plan, date(2027, 1, 20)))

    assert 2 == reads
    assert 0 == team.writes(lambda: run(team, plan, date(2027, 1, 20)))


def test_an_item_that_is_deleted_meanwhile_is_left_alone(team: Any) -> None:
    """It is no refusal: the run goes on, and says so."""
    run(team, PLAN, FIRST)
    number = issue(team, "Task", 1)
    gone = {"message": "This issue was deleted"}
    team.github.faults.add(Fault(do="status", method="GET", path=f"/issues/{number}$", status=410, body=gone))

    outcome = run(team, PLAN, START)

    assert (0, "true") == (outcome.exit_code, outcome.outputs["complete"])
    assert "deleted on GitHub since it was read; left alone" in outcome.text


def test_a_plan_says_what_would_be(team: Any) -> None:
    """Nothing is opened or closed yet."""
    run(team, PLAN, FIRST)

    shown = run(team, PLAN, START, "plan")

    assert ("over, to close" in shown.text, "to come, to open" in shown.text) == (True, True)
    assert " now" not in shown.text


@pytest.mark.parametrize("plan", [PLAN, HISTORY])
def test_two_runs_at_once_end_as_one(plan: str, team: Any) -> None:
    """A whole second run between any two requests: the same counts, and what follows starts once.

    GitHub has no conditional write: only between the look for a run of the workflow and its dispatch, a window
    of one request, can it be started twice, and that window is named here.
    """
    plan += "    then: [report.yml]\n"
    run(team, plan, FIRST)
    issue(team, "Task", 1)
    team.github.clock.advance(13 * 86_400)
    start = team.github.snapshot()
    team.github.journal.clear()
    team.sprint(plan, START)
    requests, expected = len(team.github.journal), comparable(team)

    doubled = []
    for nth in range(1, requests + 1):
        team.github.restore(start)
        last = run_with_another(team, plan, nth)
        team.github.clock.advance(7200)
        team.sprint(plan, START)
        assert expected == comparable(team), f"before request {nth}, {last}"
        doubled += [last] if dispatched(team) != ["1"] else []

    assert ["/repos/octo/widgets/actions/workflows/report.yml/dispatches"] == doubled


def run_with_another(bench: Any, plan: str, nth: int) -> str:
    """The run took place, and a whole other one just before its nth request; the value is that request's path."""
    seen: list[Any] = []

    def watch(exchange: Any) -> None:
        seen.append(exchange)
        if len(seen) == nth:
            bench.github.on_request = None
            bench.sprint(plan, START)

    bench.github.on_request = watch
    bench.sprint(plan, START)
    bench.github.on_request = None
    return str(seen[nth - 1].path)


def comparable(bench: Any) -> Any:
    """Milestones without times, and issues."""
    state = bench.github.state()
    return [{**each, "closed_at": None} for each in state["milestones"]], state["issues"]


def test_a_freeze_that_is_refused_stops_the_run(team: Any) -> None:
    """Without history the counts in the line are the record: nothing moves before they are there."""
    run(team, PLAN, FIRST)
    number = issue(team, "Task", 1)
    team.github.faults.add(Fault(do="status", status=422, method="PATCH", path="/milestones/1$", nth=1))

    outcome = run(team, PLAN, START)

    placed = {each["number"]: each["milestone"] for each in team.github.state()["issues"]}
    assert 3 == outcome.exit_code
    assert "Sprint 1" == placed[number]
