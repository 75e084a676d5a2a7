"""The milestones of a plan file, with every due date counted out."""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import Any, Final, Literal, Union

from milepost.core.model import UNMANAGED, PlannedMilestone, State, Unmanaged
from milepost.core.ref_name import judge_ref
from milepost.diagnostics import Rule, Severity
from milepost.planfile.dates import add_days, read_day, read_distance
from milepost.planfile.reading import Reading
from milepost.planfile.validate import Steps
from milepost.planfile.wording import quote

BAD_DATE = Rule("bad-date", Severity.ERROR, "A date is not a day of the calendar.")
NO_START = Rule("no-start", Severity.ERROR, "A due date is counted from a day that the plan does not give.")
DUE_BEFORE_START = Rule("due-before-start", Severity.ERROR, "A milestone is due before it starts.")
BAD_BRANCH = Rule("bad-branch", Severity.ERROR, "A branch name is not one that git allows.")
RULES = (BAD_DATE, NO_START, DUE_BEFORE_START, BAD_BRANCH)


class Unreadable(Enum):
    """A day that the plan means to give, and does not: what is counted from it is not judged."""

    DAY = "unreadable"


UNREADABLE: Final = Unreadable.DAY
Day = Union[date, None, Literal[Unreadable.DAY]]


def load_milestones(reading: Reading) -> tuple[PlannedMilestone, ...]:
    """The milestones in file order."""
    milestones = []
    previous: Day = None
    for path, each in reading.members("milestones"):
        title = reading.name(each, "title", path)
        start = _read_start(reading, each, path)
        due = _read_due(reading, each, path, start if start is not None else previous)
        if isinstance(start, date) and isinstance(due, date) and due < start:
            summary = f"milestone {quote(title)} is due on {due}, before its start on {start}"
            reading.report(DUE_BEFORE_START, summary, *path, "due", help="correct `start` or `due`")
        previous = due if due is UNREADABLE or isinstance(due, date) else previous
        milestones.append(_milestone(reading, each, path, title, (start, due)))
    return tuple(milestones)


def read_written_day(reading: Reading, text: str, *path: Any) -> Day:
    """The day that is written there; anything else is noted."""
    day, reason = read_day(text)
    if day is not None:
        return day
    way_out = "a day like 2026-12-15" + (", or `+10d` or `+2w`" if path[-1] == "due" else "")
    reading.report(BAD_DATE, f"{quote(text)} {reason}", *path, help=f"write {way_out}")
    return UNREADABLE


def _read_start(reading: Reading, each: dict[str, Any], path: Steps) -> Day:
    if reading.is_broken(*path, "start"):
        return UNREADABLE
    return read_written_day(reading, each["start"], *path, "start") if "start" in each else None


def _read_due(reading: Reading, each: dict[str, Any], path: Steps, origin: Day) -> Day | Literal[Unmanaged.FIELD]:
    if reading.is_broken(*path, "due"):
        return UNREADABLE
    if "due" not in each:
        return UNMANAGED
    text = each["due"]
    if text is None:
        return None
    days = read_distance(text)
    if days is None:
        return read_written_day(reading, text, *path, "due")
    return _count(reading, text, path, origin, days)


def _count(reading: Reading, text: str, path: Steps, origin: Day, days: int) -> Day:
    """The day so many days after the origin."""
    if origin is UNREADABLE:
        return UNREADABLE
    if origin is None:
        summary = f"{quote(text)} is counted from nothing: no `start` here, and no due date before"
        way_out = "add `start:` to the milestone, or write the due date out; it is never counted from today"
        reading.report(NO_START, summary, *path, "due", help=way_out)
        return UNREADABLE
    due = add_days(origin, days)
    if due is None:
        reading.report(BAD_DATE, f"{quote(text)} leaves the calendar", *path, "due", help="write fewer days")
    return due or UNREADABLE


def _milestone(
    reading: Reading,
    each: dict[str, Any],
    path: Steps,
    title: str,
    days: tuple[Day, Day | Literal[Unmanaged.FIELD]],
) -> PlannedMilestone:
    start, due = days
    for name in ("title", "was"):
        if name in each:
            reading.judge_line(each[name], *path, name)
    _judge_branch(reading, each.get("branch"), path)
    return PlannedMilestone(
        title=title,
        was=each.get("was"),
        start=start if isinstance(start, date) else None,
        due=UNMANAGED if due is UNREADABLE else due,
        description=each.get("description", UNMANAGED),
        state=State(each["state"]) if "state" in each else UNMANAGED,
        environment=each.get("environment"),
        branch=each.get("branch"),
        at=reading.at(*path, "title"),
    )


def _judge_branch(reading: Reading, name: str | None, path: Steps) -> None:
    reason = judge_ref(name) if name is not None else ""
    if name is not None and reason:
        reading.report(BAD_BRANCH, f"git allows no branch {quote(name)}", *path, "branch", help=reason)
