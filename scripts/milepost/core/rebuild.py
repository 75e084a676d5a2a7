"""The courses of milestones rebuilt from what GitHub remembers of their issues.

GitHub's events name a milestone by the title that it had then; an issue's last one, of where it still is,
tells a former title.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum

from milepost.core.course import DAY, Count, Course
from milepost.core.progress import Item, Status, Track


class Kind(str, Enum):
    """What happened to an issue."""

    MILESTONED = "milestoned"
    DEMILESTONED = "demilestoned"
    CLOSED = "closed"
    REOPENED = "reopened"


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event of an issue; `order` grows with time, `title` is that of the milestone."""

    order: int
    day: date
    kind: Kind
    issue: int
    title: str = ""


@dataclass(frozen=True)
class _Stay:
    """An issue in a milestone with a status, from a day on, up to the day before another."""

    milestone: int | None
    status: Status
    first: date
    end: date
    points: Decimal | None


def rebuild(
    tracks: Iterable[Track], items: Iterable[Item], events: Iterable[Event], *, first: date, today: date
) -> dict[int, Course]:
    """The course of every track from the first day to today."""
    known = tuple(tracks)
    by_issue: dict[int, list[Event]] = defaultdict(list)
    for event in sorted(events, key=lambda each: each.order):
        by_issue[event.issue].append(event)
    present = tuple(items)
    numbers = _titles(known, present, by_issue)
    changes: dict[int, dict[date, list[_Stay]]] = {each.number: defaultdict(list) for each in known}
    for item in present:
        for stay in _stays(item, by_issue[item.number], numbers, today):
            if stay.milestone in changes and stay.end > max(first, stay.first):
                changes[stay.milestone][max(first, stay.first)].append(stay)
                changes[stay.milestone][stay.end].append(stay)
    return {each.number: _course(changes[each.number], first, today) for each in known}


def _titles(tracks: Sequence[Track], items: Iterable[Item], events: Mapping[int, Sequence[Event]]) -> dict[str, int]:
    """The number of the milestone of each title, former ones too; a present title is believed first."""
    former = {}
    for item in items:
        placed = [each for each in events[item.number] if each.kind in (Kind.MILESTONED, Kind.DEMILESTONED)]
        if item.milestone is not None and placed and placed[-1].kind is Kind.MILESTONED:
            former[placed[-1].title] = item.milestone
    return {**former, **{each.title: each.number for each in tracks}}


def _stays(item: Item, events: Sequence[Event], numbers: Mapping[str, int], today: date) -> Iterator[_Stay]:
    """Where the issue was, and what it was there, from now back to when it was created."""
    milestone, status, end = item.milestone, item.status, today + DAY
    if status is not Status.OPEN and item.closed and all(each.kind is not Kind.CLOSED for each in events):
        events = [*events, Event(order=0, day=item.closed, kind=Kind.CLOSED, issue=item.number)]
        events.sort(key=lambda each: each.day)
    for event in reversed(events):
        yield _Stay(milestone, status, event.day, end, item.points)
        end = min(end, event.day)
        if event.kind is Kind.MILESTONED:
            milestone = None
        elif event.kind is Kind.DEMILESTONED:
            milestone = numbers.get(event.title)
        else:
            status = Status.OPEN if event.kind is Kind.CLOSED else Status.COMPLETED
    yield _Stay(milestone, status, item.created, end, item.points)


def _course(changes: Mapping[date, Sequence[_Stay]], first: date, today: date) -> Course:
    counts, count = {first: Count()}, Count()
    for day in sorted(changes):
        if day <= today:
            for stay in changes[day]:
                count = _add(count, stay, 1 if max(first, stay.first) == day else -1)
            counts[day] = count
    return Course(counts)


def _add(count: Count, stay: _Stay, sign: int) -> Count:
    if stay.status is Status.DROPPED:
        return count
    points = (stay.points or Decimal(0)) * sign
    is_completed = stay.status is Status.COMPLETED
    return Count(
        scope=count.scope + sign,
        completed=count.completed + sign * is_completed,
        points=count.points + points,
        completed_points=count.completed_points + points * is_completed,
    )
