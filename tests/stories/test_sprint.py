"""Sprints as a team meets them: day by day, on the embedded GitHub."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import date, datetime, timezone
from typing import Any

import pytest
from milepost.errors import Unusable

PLAN = """
version: 1
sprints:
  - title: "Sprint {number}"
    anchor: {number: 1, start: 2027-01-04}
    length: 2 weeks
"""
HISTORY = PLAN.replace("version: 1", "version: 1\nhistory: branch\nsize-labels: size/{points}")
FIRST, START = date(2027, 1, 5), date(2027, 1, 18)
LABELS = [{"name": name} for name in ("backlog", "size/3", "size/5", "carried")]


@pytest.fixture
def team(new_bench: Callable[..., Any]) -> Any:
    """A repository with labels, on the first day of the anchor's sprint."""
    return new_bench({"labels": LABELS}, clock="2027-01-04T08:00:00Z")


def wait_until(bench: Any, day: date) -> None:
    """It is six in the morning of that day."""
    moment = datetime(day.year, day.month, day.day, 6, tzinfo=timezone.utc)
    bench.github.clock.advance(max(0.0, (moment - bench.github.clock.now()).total_seconds()))


def run(bench: Any, plan: str, day: date, mode: str = "apply", **more: Any) -> Any:
    """The daily run of that day."""
    wait_until(bench, day)
    return bench.sprint(plan, day, mode, **more)


def states(bench: Any) -> dict[str, tuple[str, str]]:
    """By title: state and due day of each milestone."""
    return {each["title"]: (each["state"], each["due_on"][:10]) for each in bench.github.state()["milestones"]}


def placed(bench: Any) -> dict[int, str | None]:
    """By number: the milestone of each issue and pull request."""
    return {each["number"]: each["milestone"] for each in bench.github.state()["issues"]}


def issue(bench: Any, title: str, milestone: int | None, **more: Any) -> int:
    """A new issue; the value is its number."""
    return int(bench.request("POST", "/issues", {"title": title, "milestone": milestone, **more})["number"])


def record(bench: Any, path: str) -> Any:
    """One file of the data branch."""
    answer = bench.request("GET", f"/contents/{path}?ref=milepost-data")
    return json.loads(base64.b64decode(answer["content"]))


def test_the_first_run_opens_the_sprints_and_the_second_writes_nothing(team: Any) -> None:
    """Sprint 1, 2 and 3, with their due dates."""
    outcome = run(team, PLAN, FIRST)
    again = team.writes(lambda: run(team, PLAN, FIRST))

    assert {
        "Sprint 1": ("open", "2027-01-17"),
        "Sprint 2": ("open", "2027-01-31"),
        "Sprint 3": ("open", "2027-02-14"),
    } == states(team)
    assert (0, 0) == (outcome.exit_code, again)
    assert ['["Sprint 1"]', '["Sprint 1", "Sprint 2", "Sprint 3"]', "[]"] == [
        outcome.outputs[name] for name in ("running", "opened", "closed")
    ]


@pytest.mark.parametrize(("plan", "record_writes"), [(PLAN, 1), (HISTORY, 1)])
def test_the_day_after_a_sprint_carries_its_work_over(plan: str, record_writes: int, team: Any) -> None:
    """It is frozen and closed, the next one is opened, for I + 2 writes and one for the record."""
    run(team, plan, FIRST)
    numbers = [issue(team, f"Task {number}", 1) for number in range(7)]
    team.request("PATCH", f"/issues/{numbers[0]}", {"state": "closed"})
    wait_until(team, START)

    writes = team.writes(lambda: run(team, plan, START))

    assert ("closed", "2027-01-17") == states(team)["Sprint 1"]
    assert ("open", "2027-02-28") == states(team)["Sprint 4"]
    assert "Sprint 1" == placed(team)[numbers[0]]
    assert {"Sprint 2"} == {placed(team)[number] for number in numbers[1:]}
    assert 6 + 2 + record_writes == writes
    assert 0 == team.writes(lambda: run(team, plan, START))


@pytest.mark.parametrize("plan", [PLAN, HISTORY])
def test_an_unchanged_day_costs_little(plan: str, new_bench: Callable[..., Any]) -> None:
    """No write, and no more than 4 reads and one for each hundred milestones; with open items in past sprints, too."""
    others = [{"title": f"Other {number}", "state": "closed"} for number in range(150)]
    bench = new_bench({"labels": LABELS, "milestones": others}, clock="2027-01-04T08:00:00Z")
    plan += "    carry-over: {rules: [{label: backlog, to: keep}]}\n"
    run(bench, plan, FIRST)
    quiet = bench.reads(lambda: run(bench, plan, date(2027, 1, 8)))
    for number in range(3):
        issue(bench, "Task", 151, labels=["backlog"])
        run(bench, plan, date(2027, 1, 18 + number))

    kept = bench.reads(lambda: run(bench, plan, date(2027, 1, 21)))

    assert 0 == bench.writes(lambda: run(bench, plan, date(2027, 1, 21)))
    assert 2 == quiet
    assert kept <= 4 + 2


def test_pull_requests_are_carried_too_and_rules_decide(new_bench: Callable[..., Any]) -> None:
    """By label, by assignee, by how far it is; what is kept stays in the closed sprint."""
    pulls = [{"title": "Faster", "head": "x"}, {"title": "Sketch", "head": "y", "draft": True}]
    bench = new_bench({"labels": LABELS, "pulls": pulls}, clock="2027-01-04T08:00:00Z")
    plan = (
        PLAN
        + """\
    carry-over:
      rules:
        - {label: backlog, to: backlog}
        - {state: draft, to: keep}
        - {assignee: octocat, to: next}
        - {state: todo, to: backlog}
    labels: [carried]
"""
    )
    run(bench, plan, FIRST)
    labelled = issue(bench, "Later", 1, labels=["backlog"])
    mine = issue(bench, "Mine", 1, assignees=["octocat"])
    idle = issue(bench, "Idle", 1)
    for number in (1, 2):
        bench.request("PATCH", f"/issues/{number}", {"milestone": 1})

    run(bench, plan, START)

    assert {1: "Sprint 2", 2: "Sprint 1", labelled: None, mine: "Sprint 2", idle: None} == placed(bench)
    labels = {each["number"]: each["labels"] for each in bench.github.state()["issues"]}
    assert (["carried"], [], ["backlog", "carried"]) == (labels[1], labels[2], labels[labelled])
    assert "closed" == states(bench)["Sprint 1"][0]
    assert 0 == bench.writes(lambda: run(bench, plan, START))


def test_records_are_kept_on_the_data_branch(team: Any) -> None:
    """What a sprint began with, and how it ended; once, by whichever run, and never changed."""
    run(team, HISTORY, date(2027, 1, 4))
    planned = issue(team, "Planned late in the day", 1, labels=["size/3"])
    run(team, HISTORY, FIRST)
    added = issue(team, "Added", 1, labels=["size/5"])
    team.request("PATCH", f"/issues/{added}", {"state": "closed"})

    run(team, HISTORY, START)
    began = record(team, "sprints/sprint/1/planned.json")
    ended = record(team, "sprints/sprint/1/closed.json")
    for day in (19, 20):
        team.request("PATCH", f"/issues/{planned}", {"state": "closed" if day == 19 else "open", "milestone": 1})
        run(team, HISTORY, date(2027, 1, day))

    assert ([], False) == (began["planned"], began["reconstructed"])
    assert ([planned, added], [added]) == (ended["added"], [each["number"] for each in ended["completed"]])
    assert [(planned, "next", "Sprint 2", 1)] == [
        (each["number"], each["to"], each["milestone"], each["carries"]) for each in ended["carried"]
    ]
    assert {"planned": 0, "completed": 5, "carried": 3} == ended["points"]
    assert ended == record(team, "sprints/sprint/1/closed.json")
    assert [planned] == record(team, "sprints/sprint/2/planned.json")["planned"]


def test_a_missed_first_day_is_rebuilt_from_events(team: Any) -> None:
    """Who was in the sprint when its first day ended: those that came later are added, those that left are removed."""
    run(team, HISTORY, date(2027, 1, 6))
    stays, leaves = issue(team, "Stays", 2), issue(team, "Leaves", 2)
    wait_until(team, date(2027, 1, 19))
    late = issue(team, "Late", 2)
    team.request("PATCH", f"/issues/{leaves}", {"milestone": None})

    run(team, HISTORY, date(2027, 1, 20))
    run(team, HISTORY, date(2027, 2, 1))

    began, ended = (record(team, f"sprints/sprint/2/{name}.json") for name in ("planned", "closed"))
    assert ([stays, leaves], True) == (began["planned"], began["reconstructed"])
    assert ([late], [leaves]) == (ended["added"], ended["removed"])


def test_without_history_the_record_is_in_the_summary_and_the_output(team: Any) -> None:
    """And the run says so; the block keeps the counts."""
    run(team, PLAN, FIRST)
    number = issue(team, "<img src=x> @octocat ![a](b) #1", 1)

    outcome = run(team, PLAN, START)

    (kept,) = json.loads(outcome.outputs["records"])
    assert ("Sprint 1", [number], True) == (kept["title"], kept["added"], kept["reconstructed"])
    assert "record-not-kept" in [each.rule for each in outcome.diagnostics]
    assert "<details><summary>How Sprint 1 ended</summary>" in outcome.summary
    assert (
        "frozen=2027-01-18 planned=0 added=1 removed=0 completed=0 dropped=0 carried=1"
        in (team.github.state()["milestones"][0]["description"])
    )


def test_items_carried_several_times_are_told(team: Any) -> None:
    """By the records, or else by GitHub's events: the same count."""
    for plan in (PLAN, HISTORY.replace("Sprint {number}", "Team {number}")):
        run(team, plan, team.github.clock.now().date())
    first, second = issue(team, "Old", 1), issue(team, "Older", 4)

    for day in (START, date(2027, 2, 1)):
        plain = run(team, PLAN, day)
        kept = run(team, HISTORY.replace("Sprint {number}", "Team {number}"), day)

    assert f'issue {first} "Old" (twice)' in plain.diagnostics[0].summary
    assert f'issue {second} "Older" (twice)' in kept.diagnostics[0].summary
    assert {"carried-often"} == {each.diagnostics[0].rule for each in (plain, kept)}


def test_sixty_idle_days_are_made_up_for(team: Any) -> None:
    """What exists is frozen and closed, everything open moves on, and what was missed altogether is not made."""
    run(team, PLAN, FIRST)
    numbers = [issue(team, f"Task {milestone}", milestone) for milestone in (1, 2, 3)]

    run(team, PLAN, date(2027, 3, 10))

    assert ["Sprint 1", "Sprint 2", "Sprint 3"] == [
        title for title, state in states(team).items() if state[0] == "closed"
    ]
    assert ["Sprint 5", "Sprint 6", "Sprint 7"] == [
        title for title, state in states(team).items() if state[0] == "open"
    ]
    assert {"Sprint 5"} == {placed(team)[number] for number in numbers}


def test_an_earlier_day_undoes_nothing(team: Any) -> None:
    """Runs may come out of order."""
    run(team, PLAN, START)

    assert 0 == team.writes(lambda: team.sprint(PLAN, date(2027, 1, 20)))
    assert 1 == team.writes(lambda: team.sprint(PLAN, FIRST))  # Sprint 1, which nobody had opened
    assert 0 == team.writes(lambda: team.sprint(PLAN, FIRST))


def test_people_may_rename_close_and_move(team: Any) -> None:
    """A renamed sprint stays the sprint, a closed one is skipped, and a moved due date is set back."""
    run(team, PLAN, FIRST)
    number = issue(team, "Task", 1)
    team.request("PATCH", "/milestones/1", {"title": "The first one"})
    team.request("PATCH", "/milestones/2", {"state": "closed"})
    team.request("PATCH", "/milestones/3", {"due_on": "2027-06-01T12:00:00Z"})

    run(team, PLAN, START)

    assert ("closed", "2027-01-17") == states(team)["The first one"]
    assert ("closed", "2027-01-31") == states(team)["Sprint 2"]
    assert ("open", "2027-02-14") == states(team)["Sprint 3"]
    assert "Sprint 3" == placed(team)[number]
    assert 0 == team.writes(lambda: run(team, PLAN, START))


def test_a_copied_block_stops_everything(team: Any) -> None:
    """Both milestones are named, and no cadence writes."""
    run(team, PLAN, FIRST)
    text = team.github.state()["milestones"][0]["description"]
    team.request("POST", "/milestones", {"title": "Copy", "description": text})

    outcomes: list[Any] = []
    writes = team.writes(lambda: outcomes.append(run(team, PLAN, START)))

    assert 0 == writes
    assert 2 == outcomes[0].exit_code
    assert ["sprint-twins"] == [each.rule for each in outcomes[0].diagnostics]
    assert '"Sprint 1" (number 1)' in outcomes[0].diagnostics[0].summary


def test_a_lost_block_is_written_again(team: Any) -> None:
    """By title and due date."""
    run(team, PLAN, FIRST)
    before = team.github.state()["milestones"][1]["description"]
    team.request("PATCH", "/milestones/2", {"description": "Our goal"})

    run(team, PLAN, FIRST)

    assert f"Our goal\n\n{before}" == team.github.state()["milestones"][1]["description"]


def test_an_item_that_somebody_moves_during_the_run_is_left_alone(team: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the reading and the write."""
    from milepost.remote import issues

    run(team, PLAN, FIRST)
    number = issue(team, "Task", 1)
    real = issues.move_item

    def meddle(client: Any, change: Any, *, milestone: int | None) -> Any:
        team.request("PATCH", f"/issues/{number}", {"milestone": 3})
        return real(client, change, milestone=milestone)

    monkeypatch.setattr(issues, "move_item", meddle)
    outcome = run(team, PLAN, START)

    assert "Sprint 3" == placed(team)[number]
    assert "moved, closed or deleted on GitHub since it was read; left alone" in outcome.text


def test_what_follows_a_closed_sprint_is_dispatched_once(new_bench: Callable[..., Any]) -> None:
    """With the number of its milestone; a run that cannot says what is missing, and the next tries again."""
    workflow = {"path": ".github/workflows/report.yml", "dispatch_inputs": ["milestone"]}
    bench = new_bench({"workflows": [workflow]}, clock="2027-01-04T08:00:00Z")
    plan = PLAN + "    then: [report.yml, missing.yml]\n"
    run(bench, plan, FIRST)

    refused = run(bench, plan, START)
    again = run(bench, plan, date(2027, 1, 19))
    mended = run(bench, PLAN + "    then: [report.yml]\n", date(2027, 1, 20))

    runs = bench.github.state()["dispatches"]
    assert [(".github/workflows/report.yml", {"milestone": "1"})] == [
        (each["workflow"], each["inputs"]) for each in runs
    ]
    assert [3, 3, 0] == [refused.exit_code, again.exit_code, mended.exit_code]
    assert ["not-dispatched"] == [each.rule for each in again.diagnostics if each.rule == "not-dispatched"]
    assert "then=due" not in bench.github.state()["milestones"][0]["description"]
    assert 0 == bench.writes(lambda: run(bench, plan, date(2027, 1, 20)))


@pytest.mark.slow
def test_two_thousand_issues_take_several_runs(new_bench: Callable[..., Any]) -> None:
    """The run tells how long it takes, stops at the time limit, and the next ones finish."""
    issues = [{"title": f"Task {number}", "milestone": 1} for number in range(2000)]
    line = "```milepost\nsprint key=sprint/1 start=2027-01-04 due=2027-01-17\n```"
    milestone = {"title": "Sprint 1", "due_on": "2027-01-17T12:00:00Z", "description": line}
    bench = new_bench({"milestones": [milestone], "issues": issues}, clock="2027-01-18T06:00:00Z")

    first = run(bench, PLAN, START, time_limit=120)
    runs = 1
    while run(bench, PLAN, START, time_limit=120).outputs["complete"] == "false":
        runs += 1
        assert runs < 9

    assert "false" == first.outputs["complete"]
    assert 0 == first.exit_code
    assert any("about 4 hours" in line for line in bench.log)
    assert {"Sprint 2"} == set(placed(bench).values())
    assert "closed" == states(bench)["Sprint 1"][0]
    assert 0 == bench.writes(lambda: run(bench, PLAN, START))


def test_sync_and_sprint_leave_each_other_alone(team: Any) -> None:
    """sync, sprint, sync: the last writes nothing; nor does sprint after it."""
    plan = (
        HISTORY
        + """
milestones:
  - {title: v2.9, due: 2027-03-01, issues: [{title: AMP}]}
  - {title: Sprint 1, due: 2027-01-17, issues: [{title: Loader}]}
"""
    )
    team.sync(plan)
    run(team, plan, FIRST)

    assert 0 == team.writes(lambda: team.sync(plan))
    assert 0 == team.writes(lambda: run(team, plan, FIRST))
    run(team, plan, START)
    assert {1: "v2.9", 2: "Sprint 2"} == placed(team)
    assert 0 == team.writes(lambda: team.sync(plan))
    assert 0 == team.writes(lambda: run(team, plan, START))


def test_a_plan_writes_nothing_and_drift_fails(team: Any) -> None:
    """The same changes are shown as an apply makes."""
    shown = run(team, HISTORY, FIRST, "plan")
    drift = run(team, HISTORY, FIRST, "drift")

    assert [] == team.github.journal.writes()
    assert (0, 1) == (shown.exit_code, drift.exit_code)
    made = run(team, HISTORY, FIRST)
    assert shown.outputs["changes"] == made.outputs["changes"]


def test_two_teams_stand_side_by_side(team: Any) -> None:
    """Each has its own dates, rules and environment."""
    plan = """
version: 1
environments: {prod: {torch: "2.9.0"}}
sprints:
  - {title: "Vision {number}", anchor: {number: 1, start: 2027-01-04}, length: 2 weeks, keep: 0, environment: prod}
  - {title: "Speech {week}", key: speech, anchor: {number: 1, start: 2027-01-06}, length: 1 week, keep: 1}
""".replace("{week}", "{year}-W{week}")
    run(team, plan, date(2027, 1, 6))

    assert {"Vision 1": "2027-01-17", "Speech 2027-W01": "2027-01-12", "Speech 2027-W02": "2027-01-19"} == {
        title: due for title, (_, due) in states(team).items()
    }
    assert "environment=prod" in team.github.state()["milestones"][0]["description"]


def test_nothing_is_written_in_a_fork_or_without_a_cadence(new_bench: Callable[..., Any]) -> None:
    """Unless `allow-fork` says so."""
    bench = new_bench({"fork": True}, clock="2027-01-04T08:00:00Z")

    refused = run(bench, PLAN, FIRST)
    with pytest.raises(Unusable) as trouble:
        run(bench, "version: 1\n", FIRST)

    assert (2, ["fork"]) == (refused.exit_code, [each.rule for each in refused.diagnostics])
    assert ["no-cadence"] == [each.rule for each in trouble.value.diagnostics]
    assert [] == bench.github.journal.writes()
    assert 0 == run(bench, PLAN, FIRST, allow_fork=True).exit_code


def test_without_the_right_to_write_contents_nothing_moves(new_bench: Callable[..., Any]) -> None:
    """A record that cannot be kept stops the run before anything is lost."""
    permissions = {"contents": "read", "issues": "write", "pull-requests": "write"}
    tokens = {
        "job-token": {"login": "github-actions[bot]", "permissions": permissions},
        "admin-token": {"login": "octocat"},
    }
    bench = new_bench({}, clock="2027-01-04T08:00:00Z", tokens=tokens)
    run(bench, PLAN, FIRST, token="job-token")
    number = issue(bench, "Task", 1)

    outcome = run(bench, HISTORY, START, token="job-token")

    assert 3 == outcome.exit_code
    assert "Sprint 1" == placed(bench)[number]
    assert "contents: write" in outcome.diagnostics[-1].help


def test_the_team_lives_in_its_own_time_zone(team: Any) -> None:
    """A sprint is over when its last day is over there."""
    zones = PLAN.replace("version: 1", "version: 1\ntimezone: Asia/Shanghai")
    team.sprint(zones, FIRST)
    moment = datetime(2027, 1, 17, 16, 30, tzinfo=timezone.utc)  # half past midnight on the 18th in Shanghai
    team.github.clock.advance((moment - team.github.clock.now()).total_seconds())

    early = team.sprint(PLAN, None, "plan")
    due = team.sprint(zones, None, "plan")

    assert ("[]", '[{"number": 1, "title": "Sprint 1"}]') == (early.outputs["closed"], due.outputs["closed"])
