"""Which reminders are due, and who is to be told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from milepost.core.progress import Item, Progress, Status

DUE, OVERDUE = "due", "overdue"
BEFORE = re.compile(r"([1-9][0-9]?)d")
OVERDUE_EVERY = 7
# A reminder that fell on a day without a run is made up for, for so long.
MOST_MISSED = 3


@dataclass(frozen=True, kw_only=True)
class Reminder:
    """A milestone that people are to be reminded of, with its open issues by assignee; nobody is the empty login."""

    milestone: int
    title: str
    days_left: int
    issues: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def logins(self) -> tuple[str, ...]:
        return tuple(login for login, _ in self.issues if login)


def list_reminders(
    found: Iterable[Progress], items: Sequence[Item], marks: Sequence[str], *, last: date | None, today: date
) -> tuple[Reminder, ...]:
    """One for each milestone that has reached a mark since the last reminder; `marks` as in `7d`, `due`, `overdue`."""
    after = max(last or today - timedelta(days=1), today - timedelta(days=MOST_MISSED))
    return tuple(
        Reminder(
            milestone=each.track.number,
            title=each.track.title,
            days_left=each.days_left or 0,
            issues=_by_assignee(each, items),
        )
        for each in found
        if each.track.due and each.count.remaining and _is_reached(each.track.due, marks, after, today)
    )


def _is_reached(due: date, marks: Sequence[str], after: date, today: date) -> bool:
    days = (after + timedelta(days=turn) for turn in range(1, (today - after).days + 1))
    return any(_is_on(mark, (due - day).days) for day in days for mark in marks)


def _is_on(mark: str, left: int) -> bool:
    """An overdue milestone is named on the first day, then once a week."""
    if mark == OVERDUE:
        return left < 0 and (-left - 1) % OVERDUE_EVERY == 0
    before = BEFORE.fullmatch(mark)
    return left == (int(before[1]) if before else 0)


def _by_assignee(found: Progress, items: Iterable[Item]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    held: dict[str, list[int]] = {}
    for item in items:
        if item.milestone == found.track.number and item.status is Status.OPEN:
            for login in item.assignees or ("",):
                held.setdefault(login, []).append(item.number)
    return tuple((login, tuple(sorted(held[login]))) for login in sorted(held, key=lambda each: (not each, each)))
