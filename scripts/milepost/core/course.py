"""The course of a milestone, day by day: its scope and what was completed of it, and how fast that went."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Protocol

from milepost.core.forecast import DAYS, Week

MOST_WEEKS = 12
WINDOW = timedelta(days=MOST_WEEKS * DAYS)
WEEK = timedelta(days=DAYS)
DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Count:
    """Where a milestone stands at the end of a day; points are those of the issues that have a size."""

    scope: int = 0
    completed: int = 0
    points: Decimal = Decimal(0)
    completed_points: Decimal = Decimal(0)

    @property
    def remaining(self) -> int:
        return self.scope - self.completed


@dataclass(frozen=True)
class Course:
    """The counts by day; a day that is missing is as the one before."""

    counts: Mapping[date, Count] = field(default_factory=dict)

    @cached_property
    def days(self) -> tuple[date, ...]:
        return tuple(sorted(self.counts))

    def at(self, day: date) -> Count:
        """The count at the end of the day; nothing before the first one."""
        index = bisect_right(self.days, day)
        return self.counts[self.days[index - 1]] if index else Count()

    @property
    def began(self) -> date | None:
        """The first day with anything in scope."""
        return next((day for day in self.days if self.counts[day].scope), None)


class Dated(Protocol):
    """When a milestone was to be worked on."""

    @property
    def start(self) -> date | None: ...

    @property
    def due(self) -> date | None: ...

    @property
    def cadence(self) -> str | None: ...


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Whole past weeks from old to new, the last one ending yesterday; `growth` is that of the scope since `since`."""

    weeks: tuple[Week, ...] = ()
    growth: int = 0
    since: date | None = None

    @property
    def completed(self) -> int:
        return sum(each.completed for each in self.weeks)

    @property
    def throughput(self) -> float | None:
        """Issues completed per week."""
        return self.completed / len(self.weeks) if self.weeks else None


def pace_of(streams: Sequence[tuple[Dated, Course]], *, today: date) -> Pace:
    """How the work went in up to twelve weeks, over all the streams; the scope's growth is that of the last one.

    What is planned before the start, or in the first week of a milestone that has none, is the plan and no growth.
    """
    ends = [today - DAY - WEEK * turn for turn in reversed(range(MOST_WEEKS))]
    planned = [_planned_by(*each) for each in streams]
    weeks = [
        Week(
            completed=sum(_completed(course, end) for _, course in streams),
            growth=sum(_growth(of, course, end, by) for (of, course), by in zip(streams, planned, strict=True)),
        )
        for end in ends
    ]
    course, since = streams[-1][1], planned[-1]
    growth = course.at(today).scope - course.at(since).scope if since and since < today else 0
    return Pace(weeks=tuple(weeks[_idle_weeks(streams, ends, weeks) :]), growth=growth, since=since)


def _planned_by(of: Dated, course: Course) -> date | None:
    """The last day of planning."""
    if of.start is not None:
        return of.start
    return course.began + WEEK - DAY if course.began else None


def _completed(course: Course, end: date) -> int:
    return course.at(end).completed - course.at(end - WEEK).completed


def _growth(of: Dated, course: Course, end: date, planned_by: date | None) -> int:
    """What the scope grew by in the week; after a sprint's due date its items only move on."""
    last = min(end, of.due) if of.cadence and of.due else end
    if planned_by is None or last <= planned_by:
        return 0
    return course.at(last).scope - course.at(max(end - WEEK, planned_by)).scope if last > end - WEEK else 0


def _idle_weeks(streams: Sequence[tuple[Dated, Course]], ends: Sequence[date], weeks: Sequence[Week]) -> int:
    """How many of the first weeks lie before the work began: at the start date, else with what was completed first."""
    before = ends[0] - WEEK
    if any(course.at(before).completed for _, course in streams):
        return 0
    starts = [of.start for of, course in streams if of.start is not None and course.began is not None]
    begun = min(starts, default=None)
    idle = next((index for index, week in enumerate(weeks) if week.completed), len(weeks))
    if begun is None:
        return idle
    return min(idle, next((index for index, end in enumerate(ends) if end - WEEK + DAY >= begun), len(ends)))
