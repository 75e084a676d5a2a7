"""Dates of sprints against the plain model, which walks day by day: no gap, no overlap, no shift."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sprint_model
from hypothesis import given
from hypothesis import strategies as st
from milepost.core.cadence import Cadence, Entry, Sprint, compute
from milepost.runner.context import Context
from milepost.world import World

DAY = timedelta(days=1)
START = date(2027, 1, 4)
# Ten years, in which lie the leap days of 2028, 2032 and 2036.
END = date(2037, 1, 3)
NEW_YEAR = frozenset(date(year, 12, 24) + turn * DAY for year in range(2026, 2037) for turn in range(10))
ODD_DAYS = frozenset({START, START + DAY, date(2028, 2, 29), date(2028, 3, 1), date(2032, 2, 28), date(2036, 2, 29)})
SKIPS = {"none": frozenset[date](), "new-year": NEW_YEAR, "odd-days": ODD_DAYS}
# The days on which the clocks change, and Shanghai, where they never do.
CHANGES = [
    ("America/New_York", date(2027, 3, 14)),
    ("America/New_York", date(2027, 11, 7)),
    ("Europe/Berlin", date(2027, 3, 28)),
    ("Europe/Berlin", date(2027, 10, 31)),
    ("Australia/Lord_Howe", date(2027, 4, 4)),
    ("Australia/Lord_Howe", date(2027, 10, 3)),
    ("Asia/Shanghai", date(2027, 3, 14)),
]


def both(*entries: sprint_model.Entry, until: date) -> tuple[list[sprint_model.Sprint], list[sprint_model.Sprint]]:
    """What the model walks to, and what the product computes, as the same kind of value."""
    cadence = Cadence(
        key="team",
        entries=tuple(
            Entry(
                title=each.title,
                number=each.number,
                start=each.start,
                length=each.length,
                gap=each.gap,
                skip=each.skip,
                is_shortened=each.is_shortened,
            )
            for each in entries
        ),
    )
    computed = [
        sprint_model.Sprint(number=each.number, start=each.start, due=each.due, title=each.title)
        for each in compute(cadence, until)
    ]
    return list(sprint_model.walk_cadence(entries, until)), computed


@pytest.mark.parametrize("skip", SKIPS)
@pytest.mark.parametrize("is_shortened", [False, True], ids=["shift", "shorten"])
def test_ten_years_of_every_length_are_as_walked_day_by_day(skip: str, *, is_shortened: bool) -> None:
    """From one day to six weeks, with no gap and with gaps: each number, first day, last day and title."""
    for length in range(1, 43):
        for gap in (0, 3):
            entry = sprint_model.Entry("S {number} {start} {end}", 1, START, length, gap, SKIPS[skip], is_shortened)

            walked, computed = both(entry, until=END)

            assert walked == computed, (length, gap)


@pytest.mark.parametrize("skip", SKIPS)
def test_ten_years_have_no_hole_and_no_overlap(skip: str) -> None:
    """Every day that is not skipped belongs to exactly one sprint, and every sprint has its length of such days."""
    skipped = SKIPS[skip]
    for length in range(1, 43):
        entry = Entry(title="S {number}", number=1, start=START, length=length, gap=0, skip=skipped, is_shortened=False)

        sprints = compute(Cadence(key="team", entries=(entry,)), END)

        days = [each.start + turn * DAY for each in sprints for turn in range((each.due - each.start).days + 1)]
        everyday = [START + turn * DAY for turn in range((days[-1] - START).days + 1)]
        worked = [day for day in days if day not in skipped]
        assert [each for each in everyday if each not in skipped] == worked, length
        assert length * len(sprints) == len(worked), length
        assert list(range(1, len(sprints) + 1)) == [each.number for each in sprints], length
        assert not [each for each in sprints if {each.start, each.due} & skipped], length


@given(
    first=st.tuples(st.integers(-400, 400), st.integers(1, 42), st.integers(0, 9)),
    second=st.tuples(st.integers(1, 300), st.integers(1, 42), st.integers(0, 9)),
    skips=st.tuples(*[st.sets(st.integers(-10, 400), max_size=40)] * 2),
    modes=st.tuples(st.booleans(), st.booleans()),
    until=st.integers(-10, 900),
)
def test_an_entry_takes_over_from_the_one_before(
    first: tuple[int, int, int],
    second: tuple[int, int, int],
    skips: tuple[set[int], set[int]],
    modes: tuple[bool, bool],
    until: int,
) -> None:
    """Two entries at random, whatever they skip and whether they fit: the same sprints up to any day."""
    start = START + first[0] * DAY
    days = [frozenset(start + each * DAY for each in found) for found in skips]
    one = sprint_model.Entry("{year}-{week} {number}", 1, start, first[1], first[2], days[0], modes[0])
    two = sprint_model.Entry("B {number}", 500, start + second[0] * DAY, second[1], second[2], days[1], modes[1])

    walked, computed = both(one, two, until=start + until * DAY)

    assert walked == computed


@pytest.mark.parametrize(("zone", "day"), CHANGES)
@pytest.mark.parametrize("length", [1, 7, 14])
def test_a_run_around_midnight_sees_the_right_sprint(zone: str, day: date, length: int, tmp_path: Path) -> None:
    """Where the clocks change: one minute before midnight it is still the old sprint, one minute after the new one."""
    for edge in (day, day + DAY):
        entry = Entry(
            title="S {number}",
            number=1,
            start=edge - 10 * length * DAY,
            length=length,
            gap=0,
            skip=frozenset(),
            is_shortened=False,
        )
        cadence = Cadence(key="team", entries=(entry,))

        before = running(cadence, datetime.combine(edge - DAY, time(23, 59), ZoneInfo(zone)), zone, tmp_path)
        after = running(cadence, datetime.combine(edge, time(0, 1), ZoneInfo(zone)), zone, tmp_path)

        assert (10, edge - DAY) == (before.number, before.due)
        assert (11, edge) == (after.number, after.start)


def running(cadence: Cadence, local: datetime, zone: str, workspace: Path) -> Sprint:
    """The sprint of the moment, as a run on a machine that lives in UTC sees it."""
    now = local.astimezone(ZoneInfo("UTC"))
    world = World(context=Context(repository="octo/widgets", workspace=workspace), now=now, log=lambda _: None)
    today = world.today(zone)
    (found,) = [each for each in compute(cadence, today) if each.start <= today <= each.due]
    return found
