"""The daily lines on the data branch: what each open milestone held when a day began, by its number.

A folder for each year, a file for each month, a line for each day that was looked at.
`past.jsonl` of a folder is what was known of the weeks before its first line; its lines may be rebuilt ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from milepost.core.course import DAY, WINDOW, Count, Course
from milepost.core.progress import Track

FOLDER = "progress"
PAST = "past.jsonl"
Counts = Mapping[int, Count]


@dataclass(frozen=True, kw_only=True)
class Lines:
    """The counts by day; those of the days in `rebuilt` were not written on their day."""

    days: Mapping[date, Counts] = field(default_factory=dict)
    rebuilt: frozenset[date] = frozenset()

    @property
    def exact_from(self) -> date | None:
        """The first day that was written on its day."""
        return min((day for day in self.days if day not in self.rebuilt), default=None)


def folder_of(day: date) -> str:
    """Where the lines of the day's year lie."""
    return f"{FOLDER}/{day.year}"


def load_lines(files: Mapping[str, str]) -> Lines:
    """The lines of the files of one folder; what is no line is passed over, the last one of a day counts."""
    days: dict[date, Counts] = {}
    rebuilt: set[date] = set()
    for name in sorted(files, key=lambda each: (each != PAST, each)):
        for day, counts, is_rebuilt in _read(files[name]):
            days[day] = counts
            rebuilt.discard(day)
            if is_rebuilt:
                rebuilt.add(day)
    return Lines(days=days, rebuilt=frozenset(rebuilt))


def add_line(files: Mapping[str, str], lines: Lines, day: date, counts: Counts) -> dict[str, str]:
    """The files to write so that the folder has the day's line; none when it has one.

    A folder without any line gets the `lines` that are known of the weeks before, too.
    """
    name = f"{day:%m}.jsonl"
    if day in load_lines(files).days and day not in load_lines(files).rebuilt:
        return {}
    added = {name: files.get(name, "") + render_line(day, counts)}
    if not files:
        past = [each for each in sorted(lines.days) if day - WINDOW <= each < day]
        added[PAST] = "".join(render_line(each, lines.days[each], is_rebuilt=each in lines.rebuilt) for each in past)
    return {path: text for path, text in added.items() if text}


def render_line(day: date, counts: Counts, *, is_rebuilt: bool = False) -> str:
    """The line of the day: `{"day":"2027-02-20","milestones":{"3":[12,5]}}`, with points where there are any."""
    held = {str(number): _numbers(counts[number]) for number in sorted(counts)}
    line: dict[str, Any] = {"day": day.isoformat(), "milestones": held, **({"rebuilt": True} if is_rebuilt else {})}
    return json.dumps(line, separators=(",", ":")) + "\n"


def join(lines: Lines, number: int, course: Course, *, today: date) -> Course:
    """The milestone's course by the lines; before the first of them, and today, as it is given.

    A line tells the end of the day before it, and what is read now is today's line.
    """
    written = {day - DAY: counts[number] for day, counts in lines.days.items() if number in counts}
    if not lines.days:
        return course
    first, now = min(written, default=today - DAY), course.at(today)
    before = {day: count for day, count in course.counts.items() if day < first}
    return Course({**before, today - DAY: now, **written, today: now})


def join_closed(lines: Lines, track: Track) -> Course:
    """The course of a closed sprint by the lines alone; what was completed after the last of them, its record tells."""
    written = {day - DAY: counts[track.number] for day, counts in lines.days.items() if track.number in counts}
    if written and track.due and track.frozen is not None:
        last = written[max(written)]
        written[track.due] = replace(last, scope=max(last.scope, track.frozen), completed=track.frozen)
    return Course(written)


def _numbers(count: Count) -> list[int | str]:
    points = [str(count.points), str(count.completed_points)] if count.points else []
    return [count.scope, count.completed, *points]


def _read(text: str) -> Iterator[tuple[date, Counts, bool]]:
    for line in text.splitlines():
        try:
            value = json.loads(line)
            day = date.fromisoformat(value["day"])
            counts = {int(number): _count(numbers) for number, numbers in value["milestones"].items()}
        except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError):
            continue
        yield day, counts, value.get("rebuilt") is True


def _count(numbers: list[Any]) -> Count:
    scope, completed, *points = numbers
    whole, part = map(Decimal, points or ("0", "0"))
    if not (isinstance(scope, int) and isinstance(completed, int) and 0 <= completed <= scope):
        raise ValueError(numbers)
    return Count(scope=scope, completed=completed, points=whole, completed_points=part)
