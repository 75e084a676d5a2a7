"""Where a milestone stands, and whether it will be done in time: counts, forecast, and a verdict with its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum

from milepost.core.course import Count, Course, Pace, pace_of
from milepost.core.forecast import P50, P85, Case, Forecast, forecast
from milepost.core.lanes import Bits

FEWEST_COMPLETED = 5
FEWEST_WEEKS = 2
LIKELY = 0.85
AS_LIKELY_AS_NOT = 0.5


@dataclass(frozen=True, kw_only=True)
class Track:
    """A milestone as progress follows it; days are those of the team's calendar.

    A sprint has its cadence and its number there, and once it is frozen the count of its completed issues;
    `pulls` are its open pull requests, which count for nothing else.
    """

    number: int
    title: str
    is_open: bool = True
    due: date | None = None
    start: date | None = None
    created: date
    cadence: str | None = None
    sprint: int | None = None
    frozen: int | None = None
    pulls: int = 0


class Status(str, Enum):
    """What an issue is to its milestone: still to be done, done, or out of scope."""

    OPEN = "open"
    COMPLETED = "completed"
    DROPPED = "dropped"


@dataclass(frozen=True, kw_only=True)
class Item:
    """An issue; `blockers` are the open issues that block it, `claimants` the authors of open pull requests for it."""

    number: int
    title: str = ""
    milestone: int | None = None
    status: Status = Status.OPEN
    created: date
    closed: date | None = None
    updated: date
    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    blockers: int = 0
    claimants: tuple[str, ...] = ()
    points: Decimal | None = None


class Verdict(str, Enum):
    """Whether a milestone will be done in time."""

    ON_TRACK = "on track"
    AT_RISK = "at risk"
    LATE = "late"
    DONE = "done"
    NO_DATA = "no data"


class Reason(str, Enum):
    """Why the verdict is what it is; people read it as a sentence with the numbers."""

    EMPTY = "empty"
    ALL_COMPLETED = "all-completed"
    OVERDUE = "overdue"
    NO_FORECAST = "no-forecast"
    TOO_YOUNG = "too-young"
    TOO_FEW = "too-few"
    NO_DUE_DATE = "no-due-date"
    LIKELY = "likely"
    UNSURE = "unsure"
    UNLIKELY = "unlikely"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """All that is told of one milestone; `p50` and `p85` are days, None where no forecast reaches them."""

    track: Track
    count: Count
    days_left: int | None
    pace: Pace
    verdict: Verdict
    reason: Reason
    p50: date | None = None
    p85: date | None = None
    chance: float | None = None
    course: Course

    @property
    def is_overdue(self) -> bool:
        return self.reason is Reason.OVERDUE


def judge_progress(
    tracks: Sequence[Track],
    courses: Mapping[int, Course],
    *,
    today: date,
    has_forecast: bool = True,
    seeded: Callable[[int], Bits],
) -> tuple[Progress, ...]:
    """The open milestones among the tracks, by due date, those without one last; closed sprints count for their pace.

    `courses` are by the number of the milestone; `seeded` gives the forecast's random bits for a seed.
    """
    shown = sorted((each for each in tracks if each.is_open), key=_order)
    paces = [pace_of(_streams(each, tracks, courses), today=today) for each in shown]
    counts = [courses[each.number].at(today) for each in shown]
    asked = [
        index
        for index, (count, pace) in enumerate(zip(counts, paces, strict=True))
        if has_forecast and _judge_data(count, pace) is None
    ]
    cases = [_case(shown[index], counts[index], paces[index], today) for index in asked]
    made = dict(zip(asked, forecast(cases, seeded), strict=True))
    return tuple(
        _progress(track, courses[track.number], paces[index], made.get(index), today)
        for index, track in enumerate(shown)
    )


def _order(track: Track) -> tuple[date, int]:
    return track.due or date.max, track.number


def _streams(track: Track, tracks: Sequence[Track], courses: Mapping[int, Course]) -> list[tuple[Track, Course]]:
    """What tells how fast the milestone's work goes: the sprints of its cadence, and at last itself."""
    others = [each for each in tracks if track.cadence and each.cadence == track.cadence and each is not track]
    return [(each, courses[each.number]) for each in (*others, track) if each.number in courses]


def _judge_data(count: Count, pace: Pace) -> Reason | None:
    """Why nothing can be forecast, or need be; None when there are data enough."""
    if count.scope == 0:
        return Reason.EMPTY
    if count.remaining == 0:
        return Reason.ALL_COMPLETED
    if pace.completed and len(pace.weeks) < FEWEST_WEEKS:
        return Reason.TOO_YOUNG
    return Reason.TOO_FEW if pace.completed < FEWEST_COMPLETED else None


def _case(track: Track, count: Count, pace: Pace, today: date) -> Case:
    due_in = (track.due - _begin(track, today)).days if track.due else None
    return Case(remaining=count.remaining, weeks=pace.weeks, due_in=due_in)


def _begin(track: Track, today: date) -> date:
    """A sprint that is still to come is not worked on before it starts."""
    return max(today, track.start) if track.cadence and track.start else today


VERDICTS = {
    Reason.EMPTY: Verdict.NO_DATA,
    Reason.ALL_COMPLETED: Verdict.DONE,
    Reason.OVERDUE: Verdict.LATE,
    Reason.NO_FORECAST: Verdict.NO_DATA,
    Reason.TOO_YOUNG: Verdict.NO_DATA,
    Reason.TOO_FEW: Verdict.NO_DATA,
    Reason.NO_DUE_DATE: Verdict.NO_DATA,
    Reason.LIKELY: Verdict.ON_TRACK,
    Reason.UNSURE: Verdict.AT_RISK,
    Reason.UNLIKELY: Verdict.LATE,
}


def _progress(track: Track, course: Course, pace: Pace, made: Forecast | None, today: date) -> Progress:
    count, begin = course.at(today), _begin(track, today)
    p50, p85 = (_day(begin, made.days(percent)) if made else None for percent in (P50, P85))
    chance = made.chance((track.due - begin).days) if made and track.due else None
    reason = _judge_data(count, pace)
    if count.remaining and track.due and today > track.due:
        reason = Reason.OVERDUE
    elif reason is None:
        reason = _judge_chance(made, chance)
    return Progress(
        track=track,
        count=count,
        days_left=(track.due - today).days if track.due else None,
        pace=pace,
        verdict=VERDICTS[reason],
        reason=reason,
        p50=p50,
        p85=p85,
        chance=chance,
        course=course,
    )


def _day(begin: date, days: int | None) -> date | None:
    return None if days is None else begin + timedelta(days=days)


def _judge_chance(made: Forecast | None, chance: float | None) -> Reason:
    if made is None:
        return Reason.NO_FORECAST
    if chance is None:
        return Reason.NO_DUE_DATE
    if chance >= LIKELY:
        return Reason.LIKELY
    return Reason.UNSURE if chance >= AS_LIKELY_AS_NOT else Reason.UNLIKELY
