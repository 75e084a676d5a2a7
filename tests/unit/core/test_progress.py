"""Courses, verdicts, daily lines, what to look at, and reminders."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from milepost.core.attention import Attention, Concern, Habits, Schedule, Surroundings, find_attention
from milepost.core.course import Count, Course, pace_of
from milepost.core.daily import PAST, Lines, add_line, folder_of, join, join_closed, load_lines, render_line
from milepost.core.forecast import Week
from milepost.core.progress import Item, Progress, Reason, Status, Track, Verdict, judge_progress
from milepost.core.rebuild import Event, Kind, rebuild
from milepost.core.reminders import list_reminders
from milepost.core.report_state import ReportState, join_report, read_state

TODAY = date(2027, 2, 20)


def ago(days: int) -> date:
    """So many days before today."""
    return TODAY - timedelta(days=days)


def track(**values: Any) -> Track:
    """Milestone 1, created a quarter ago."""
    return Track(**{"number": 1, "title": "v1", "created": ago(90), **values})


def item(number: int = 1, **values: Any) -> Item:
    """An open issue of milestone 1 that is as old as it."""
    return Item(**{"number": number, "title": "T", "milestone": 1, "created": ago(90), "updated": ago(1), **values})


def course(*counts: tuple[int, int, int]) -> Course:
    """Days ago, scope, completed."""
    return Course({ago(days): Count(scope=scope, completed=completed) for days, scope, completed in counts})


def steady(scope: int = 40, a_week: int = 2) -> Course:
    """So many completed each week for twelve weeks."""
    return course(*((7 * week + 1, scope, (12 - week) * a_week) for week in reversed(range(13))))


def judge(course: Course, *, today: date = TODAY, **values: Any) -> Progress:
    """What is told of milestone 1 with that course."""
    has_forecast = values.pop("has_forecast", True)
    (found,) = judge_progress(
        [track(**values)],
        {1: course},
        today=today,
        has_forecast=has_forecast,
        seeded=lambda seed: Random(seed).getrandbits,
    )
    return found


@pytest.mark.parametrize(
    ("held", "values", "expected"),
    [
        (course((20, 0, 0)), {}, (Verdict.NO_DATA, Reason.EMPTY)),
        (course((20, 3, 0), (1, 3, 3)), {"due": ago(5)}, (Verdict.DONE, Reason.ALL_COMPLETED)),
        (steady(), {"due": ago(1)}, (Verdict.LATE, Reason.OVERDUE)),
        (course((3, 5, 1)), {"due": ago(1)}, (Verdict.LATE, Reason.OVERDUE)),
        (course((3, 9, 6)), {"due": ago(-9)}, (Verdict.NO_DATA, Reason.TOO_YOUNG)),
        (course((60, 9, 0), (50, 9, 4)), {"due": ago(-9)}, (Verdict.NO_DATA, Reason.TOO_FEW)),
        (course((60, 9, 0)), {"due": ago(-9)}, (Verdict.NO_DATA, Reason.TOO_FEW)),
        (course((60, 9, 0), (50, 9, 5)), {}, (Verdict.NO_DATA, Reason.NO_DUE_DATE)),
        (steady(), {"due": ago(-9), "has_forecast": False}, (Verdict.NO_DATA, Reason.NO_FORECAST)),
        (steady(scope=30), {"due": ago(-30)}, (Verdict.ON_TRACK, Reason.LIKELY)),
        (steady(scope=30), {"due": ago(-18)}, (Verdict.AT_RISK, Reason.UNSURE)),
        (steady(scope=30), {"due": ago(-9)}, (Verdict.LATE, Reason.UNLIKELY)),
    ],
)
def test_each_verdict_has_its_reason(held: Course, values: dict[str, Any], expected: tuple[Verdict, Reason]) -> None:
    """Overdue begins after the due day; less than five completed issues, or two weeks, tell nothing."""
    found = judge(held, **values)

    assert expected == (found.verdict, found.reason)


def test_a_milestone_is_overdue_only_when_its_day_has_ended() -> None:
    """On the due day there are 0 days left."""
    on, after = judge(steady(), due=TODAY), judge(steady(), due=TODAY, today=TODAY + timedelta(days=1))

    assert (0, False) == (on.days_left, on.is_overdue)
    assert (-1, True) == (after.days_left, after.is_overdue)
    assert on.p50 is not None
    assert on.p50 > TODAY


def test_milestones_come_by_due_date_and_closed_ones_only_lend_their_pace() -> None:
    """Those without a due date are last."""
    tracks = [
        track(number=1),
        track(number=2, due=ago(-9)),
        track(number=3, due=ago(-2)),
        track(number=4, is_open=False),
    ]

    found = judge_progress(
        tracks, {each.number: steady() for each in tracks}, today=TODAY, seeded=lambda seed: bits(seed)
    )

    assert [3, 2, 1] == [each.track.number for each in found]


def bits(seed: int) -> Any:
    """Random bits, the same each time."""
    return Random(seed).getrandbits


def test_a_sprint_is_forecast_by_the_pace_of_its_cadence() -> None:
    """A sprint that has just begun has no weeks of its own; one that is still to come begins with its start."""
    sprints = [
        track(
            number=number,
            is_open=number > 3,
            cadence="a",
            sprint=number,
            start=ago(70 - 14 * number),
            due=ago(57 - 14 * number),
        )
        for number in range(1, 7)
    ]
    courses = {number: course((70 - 14 * number, 5, 0), (60 - 14 * number, 5, 5)) for number in (1, 2, 3)} | {
        4: course((14, 8, 0), (3, 8, 4)),
        5: course((10, 6, 0)),
        6: course((10, 6, 0)),
    }

    found = {each.track.number: each for each in judge_progress(sprints, courses, today=TODAY, seeded=bits)}

    assert Reason.OVERDUE is found[4].reason
    assert 19 == found[5].pace.completed
    assert found[6].p50 is not None
    assert found[6].p50 >= sprints[5].start  # type: ignore[operator]
    other = judge(course((10, 6, 0)), cadence="b", sprint=1, start=ago(3), due=ago(-9))
    assert Reason.TOO_FEW is other.reason


def test_weeks_before_the_work_began_count_for_nothing() -> None:
    """They end with the first completed issue, or with the start date."""
    held = course((80, 9, 0), (20, 9, 1), (10, 9, 5))

    free = pace_of([(track(), held)], today=TODAY)
    started = pace_of([(track(start=ago(40)), held)], today=TODAY)

    assert (Week(completed=1), Week(completed=4), Week(completed=0)) == free.weeks
    assert 5 == len(started.weeks)
    assert pace_of([(track(start=ago(-5)), course((1, 3, 0)))], today=TODAY).weeks == ()
    assert 12 == len(pace_of([(track(start=date.min), held)], today=TODAY).weeks)
    assert 12 == len(pace_of([(track(), steady())], today=TODAY).weeks)
    assert 12 == len(pace_of([(track(), course((100, 9, 3), (3, 9, 4)))], today=TODAY).weeks)


def test_what_is_planned_first_is_no_growth() -> None:
    """Only what comes after the first week, or after the start, is."""
    held = course((40, 5, 0), (36, 9, 0), (30, 9, 2), (8, 12, 3), (1, 11, 4))

    free, started = pace_of([(track(), held)], today=TODAY), pace_of([(track(start=ago(36)), held)], today=TODAY)
    sprint = pace_of([(track(start=ago(36), due=ago(9), cadence="a"), held)], today=TODAY)

    assert (2, ago(34)) == (free.growth, free.since)
    assert 2 == started.growth
    assert [0, 0, 0, 3, -1] == [each.growth for each in started.weeks]
    assert 0 == sum(each.growth for each in sprint.weeks)
    assert (0, None, None) == tuple(
        getattr(pace_of([(track(), course())], today=TODAY), name) for name in ("growth", "since", "throughput")
    )


def test_courses_are_rebuilt_from_events_and_former_titles() -> None:
    """Added, removed, renamed, closed, reopened, dropped: each day shows what was true at its end."""
    events = [
        Event(order=1, day=ago(60), kind=Kind.MILESTONED, issue=1, title="old name"),
        Event(order=2, day=ago(55), kind=Kind.MILESTONED, issue=2, title="old name"),
        Event(order=3, day=ago(50), kind=Kind.CLOSED, issue=1),
        Event(order=4, day=ago(40), kind=Kind.DEMILESTONED, issue=2, title="old name"),
        Event(order=5, day=ago(30), kind=Kind.REOPENED, issue=1),
        Event(order=6, day=ago(20), kind=Kind.CLOSED, issue=1),
        Event(order=7, day=ago(20), kind=Kind.MILESTONED, issue=3, title="v1"),
        Event(order=8, day=ago(20), kind=Kind.DEMILESTONED, issue=3, title="v1"),
    ]
    items = [
        item(1, status=Status.COMPLETED, closed=ago(20), created=ago(70), points=Decimal("1.5")),
        item(2, milestone=None, created=ago(70)),
        item(3, milestone=None, created=ago(70)),
        item(4, status=Status.DROPPED, closed=ago(10), created=ago(65)),
        item(5, status=Status.COMPLETED, closed=ago(5), created=ago(200)),
    ]

    found = rebuild([track(), track(number=9, title="other")], items, events, first=ago(84), today=TODAY)[1]

    shown = [
        (found.at(ago(days)).scope, found.at(ago(days)).completed)
        for days in (90, 84, 65, 60, 50, 40, 30, 20, 10, 5, 0)
    ]
    assert [(0, 0), (1, 0), (2, 0), (3, 0), (4, 1), (3, 1), (3, 0), (3, 1), (2, 1), (2, 2), (2, 2)] == shown
    assert (Decimal("1.5"), Decimal("1.5")) == (found.at(TODAY).points, found.at(TODAY).completed_points)
    assert ago(84) == found.began


def test_a_line_is_small_and_read_as_it_was_written() -> None:
    """Points only where there are any; the numbers are those of milestones."""
    counts = {3: Count(scope=12, completed=5), 1: Count(scope=2, points=Decimal("3.5"), completed_points=Decimal(1))}

    line = render_line(TODAY, counts)

    assert '{"day":"2027-02-20","milestones":{"1":[2,0,"3.5","1"],"3":[12,5]}}\n' == line
    assert Lines(days={TODAY: counts}) == load_lines({"02.jsonl": line})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "1",
        '{"day": 1, "milestones": {}}',
        '{"day": "2027-02-20", "milestones": []}',
        '{"day": "2027-02-20", "milestones": {"x": [1, 1]}}',
        '{"day": "2027-02-20", "milestones": {"1": [1]}}',
        '{"day": "2027-02-20", "milestones": {"1": [1, 2]}}',
        '{"day": "2027-02-20", "milestones": {"1": [1, "1"]}}',
        '{"day": "2027-02-20", "milestones": {"1": [1, 1, "a", "b"]}}',
    ],
)
def test_what_is_no_line_is_passed_over(text: str) -> None:
    """Anybody may edit the branch."""
    assert Lines() == load_lines({"02.jsonl": text})


def test_a_day_gets_one_line_and_a_new_folder_what_was_known_before() -> None:
    """The second run of a day adds nothing; a rebuilt day gives way to one that was written."""
    counts = {1: Count(scope=3, completed=1)}
    known = Lines(days={ago(100): counts, ago(2): counts, ago(1): counts}, rebuilt=frozenset({ago(2)}))

    files = add_line({}, known, TODAY, counts)
    again = add_line(files, known, TODAY, counts)
    later = add_line(files, Lines(), TODAY + timedelta(days=1), counts)

    assert ["02.jsonl", PAST] == sorted(files)
    assert ({}, ["02.jsonl"]) == (again, list(later))
    assert files["02.jsonl"] + render_line(TODAY + timedelta(days=1), counts) == later["02.jsonl"]
    assert [ago(2), ago(1), TODAY] == sorted(load_lines(files).days)
    assert ago(1) == load_lines(files).exact_from
    assert None is Lines().exact_from
    written = load_lines({PAST: render_line(ago(2), counts, is_rebuilt=True), "02.jsonl": render_line(ago(2), counts)})
    assert frozenset() == written.rebuilt
    assert ["02.jsonl"] == list(add_line({}, Lines(), TODAY, counts))
    assert "progress/2027" == folder_of(TODAY)


def test_lines_are_believed_and_today_is_as_it_was_read() -> None:
    """Before the first line the rebuilt course counts; a line tells how its day began."""
    rebuilt = course((20, 5, 1), (10, 6, 2), (0, 7, 4))
    lines = Lines(days={ago(10): {1: Count(scope=9, completed=1)}, ago(3): {2: Count(scope=1)}})
    todays = Lines(days={**lines.days, TODAY: {1: Count(scope=8, completed=3)}})

    found, later = (join(each, 1, rebuilt, today=TODAY) for each in (lines, todays))

    days = [ago(each) for each in (12, 11, 2, 1, 0)]
    assert [5, 9, 9, 7, 7] == [found.at(day).scope for day in days]
    assert [5, 9, 9, 8, 7] == [later.at(day).scope for day in days]
    assert [5, 6, 7] == [join(lines, 5, rebuilt, today=TODAY).at(ago(each)).scope for each in (12, 2, 1)]
    assert rebuilt == join(Lines(), 1, rebuilt, today=TODAY)


def test_a_closed_sprint_ends_as_its_record_says() -> None:
    """After the last line, on its due date; without lines, or a record, there is nothing to add."""
    lines = Lines(days={ago(9): {1: Count(scope=4, completed=1)}, ago(2): {2: Count(scope=1)}})
    sprint = track(is_open=False, cadence="a", due=ago(8))

    ended, open_end, unknown = (
        join_closed(lines, each) for each in (replace(sprint, frozen=5), sprint, replace(sprint, number=7, frozen=5))
    )

    assert [(4, 1), (5, 5)] == [(ended.at(ago(each)).scope, ended.at(ago(each)).completed) for each in (9, 1)]
    assert (4, 1) == (open_end.at(TODAY).scope, open_end.at(TODAY).completed)
    assert Course({}) == unknown


def look(items: list[Item], held: Progress, habits: Habits | None = None, **around: Any) -> list[tuple[str, int]]:
    """What is to be looked at: the concern and its number."""
    found = find_attention([held], items, Surroundings(**around), habits or Habits(), today=TODAY)
    return [(each.concern.value, each.number) for each in found]


@pytest.mark.parametrize(
    ("values", "around", "expected"),
    [
        ({"assignees": ("a",), "updated": ago(14)}, {}, [("stale", 14)]),
        ({"assignees": ("a",), "updated": ago(13)}, {}, []),
        ({"labels": ("WIP",), "updated": ago(20)}, {}, [("stale", 20)]),
        ({"updated": ago(20)}, {}, []),
        ({}, {"carries": {1: 2}}, [("carried", 2)]),
        ({}, {"carries": {1: 1}}, []),
        ({"blockers": 3}, {}, [("blocked", 3)]),
        ({"assignees": ("a", "b")}, {}, [("shared", 2)]),
        ({"claimants": ("a", "b", "c")}, {}, [("shared", 3)]),
        ({"status": Status.COMPLETED, "blockers": 3}, {}, []),
        ({"milestone": 9, "blockers": 3}, {}, []),
        ({}, {"homeless": (item(7),), "more_homeless": 4}, [("no-milestone", 0), ("no-milestone", 4)]),
        ({}, {"schedules": (Schedule(name="w", days=(ago(9), ago(8))),)}, [("schedule", 8)]),
        ({}, {"schedules": (Schedule(name="w", days=(ago(9), ago(8)), is_disabled=True),)}, [("schedule", 8)]),
        ({}, {"schedules": (Schedule(name="w", days=(ago(1), ago(2))),)}, []),
        ({}, {"schedules": (Schedule(name="w", days=(ago(15), ago(8))),)}, []),
        ({}, {"schedules": (Schedule(name="w", days=(ago(20),)),)}, []),
    ],
)
def test_items_to_look_at(values: dict[str, Any], around: dict[str, Any], expected: list[tuple[str, int]]) -> None:
    """Each concern, just when it begins to be one."""
    assert expected == look([item(**values)], judge(steady(), due=ago(-60)), **around)


@pytest.mark.parametrize(
    ("held", "values", "habits", "expected"),
    [
        (steady(), {"due": ago(3)}, Habits(), [("overdue", 3), ("unassigned", -3)]),
        (steady(), {"due": ago(-7)}, Habits(), [("unassigned", 7)]),
        (steady(), {"due": ago(-8)}, Habits(), []),
        (steady(scope=24), {}, Habits(), [("finished", 24)]),
        (steady(), {}, Habits(is_named_right=lambda title: title != "v1"), [("name", 0)]),
        (steady(), {}, Habits(is_named_right=lambda title: True), []),
        (steady(), {}, Habits(most_issues=39), [("size", 40)]),
        (steady(), {}, Habits(fewest_issues=41), [("size", 40)]),
        (steady(), {}, Habits(fewest_issues=40, most_issues=40), []),
        (steady(), {"start": ago(20), "due": ago(-20)}, Habits(most_days=39), [("size", 40)]),
        (steady(), {"start": ago(20), "due": ago(-20)}, Habits(most_days=40), []),
        (steady(), {"due": ago(3)}, Habits(ignored=frozenset({Concern.OVERDUE})), [("unassigned", -3)]),
    ],
)
def test_milestones_to_look_at(
    held: Course, values: dict[str, Any], habits: Habits, expected: list[tuple[str, int]]
) -> None:
    """Overdue, done and still open, named or sized unlike the team asks; what it ignores is left out."""
    assert expected == look([item()], judge(held, **values), habits)


def test_stale_work_is_not_told_when_that_is_switched_off() -> None:
    """`stale-after: 0` says never."""
    old = item(assignees=("a",), updated=ago(200))

    assert [] == look([old], judge(steady(), due=ago(-60)), Habits(stale_after=0))


def test_attention_comes_by_concern_then_by_number() -> None:
    """The order is part of what is promised."""
    items = [item(number, blockers=1, assignees=("a",), updated=ago(30)) for number in (5, 2)]

    found = find_attention([judge(steady(), due=ago(-60))], items, Surroundings(), Habits(), today=TODAY)

    assert [("stale", 2), ("stale", 5), ("blocked", 2), ("blocked", 5)] == [
        (each.concern.value, each.issue) for each in found
    ]
    assert Attention(concern=Concern.STALE, issue=2, milestone=1, title="T", number=30, names=("a",)) == found[0]


@pytest.mark.parametrize(
    ("due_in", "marks", "last", "is_told"),
    [
        (7, ("7d",), None, True),
        (8, ("7d",), None, False),
        (6, ("7d",), None, False),
        (6, ("7d",), ago(2), True),
        (6, ("7d",), ago(1), False),
        (7, ("7d",), TODAY, False),
        (1, ("7d",), ago(30), False),
        (0, ("due",), None, True),
        (0, ("overdue",), None, False),
        (-1, ("overdue",), None, True),
        (-2, ("overdue",), None, False),
        (-8, ("overdue",), None, True),
        (-1, ("due",), ago(2), True),
        (7, (), None, False),
    ],
)
def test_reminders_come_on_their_day_or_soon_after(
    due_in: int, marks: tuple[str, ...], last: date | None, is_told: bool
) -> None:
    """A day without a run is made up for; what was told is not told again; overdue is told once a week."""
    found = judge(steady(), due=ago(-due_in))

    made = list_reminders([found], [item()], marks, last=last, today=TODAY)

    assert is_told == bool(made)


def test_a_reminder_names_everybody_with_open_issues_once() -> None:
    """By login, nobody's issues last; milestones that are done, or have no due date, remind nobody."""
    items = [
        item(4, assignees=("bob", "amy")),
        item(2, assignees=("bob",)),
        item(3),
        item(5, status=Status.COMPLETED, assignees=("zoe",)),
        item(6, milestone=2, assignees=("eve",)),
    ]
    done, free = judge(steady(scope=24), due=TODAY), judge(steady())

    (made,) = list_reminders([judge(steady(), due=TODAY), done, free], items, ("due",), last=None, today=TODAY)

    assert (("amy", (4,)), ("bob", (2, 4)), ("", (3,))) == made.issues
    assert (("amy", "bob"), 0) == (made.logins, made.days_left)


def test_the_state_of_the_report_issue_survives_its_text() -> None:
    """It is the first line; what anybody else writes there is no state."""
    state = ReportState(reminded=TODAY, notified=ago(1), run="7-20270220T090000.000000")

    body = join_report(state, "text\r\n")

    assert (
        "<!-- milepost:progress reminded=2027-02-20 notified=2027-02-19 run=7-20270220T090000.000000 -->\ntext\n"
        == body
    )
    assert state == read_state(body.replace("\n", "\r\n"))
    assert "<!-- milepost:progress -->\n\n" == join_report(ReportState(), "")
    assert ReportState() == read_state("hello\n" + body) == read_state("<!-- milepost:progress reminded=never -->")
