"""Cadences: the rule that yields sprints, counted from an anchor and never from the last sprint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from itertools import takewhile

from milepost.core.carry import CarryOver, Closing
from milepost.diagnostics import Location

PLACEHOLDERS = ("number", "start", "end", "year", "week")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What an entry says beside its dates; `buffer` is the number of days before the due day from which to warn."""

    keep: int = 2
    buffer: int | None = None
    carry_over: CarryOver = CarryOver()
    close: Closing = Closing.DUE
    environment: str | None = None
    labels: tuple[str, ...] = ()
    then: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of `sprints:`; `length` and `gap` are days, `skip` the days that are left out.

    Skipped days shift what follows; with `is_shortened` they are cut off the sprint whose edge they touch.
    """

    title: str
    number: int
    start: date
    length: int
    gap: int = 0
    skip: frozenset[date] = frozenset()
    is_shortened: bool = False
    settings: Settings = field(default_factory=Settings)
    at: Location | None = None


@dataclass(frozen=True, kw_only=True)
class Cadence:
    """The entries of one team by their start; each takes over from the one before at its anchor."""

    key: str
    entries: tuple[Entry, ...]

    def entry_on(self, day: date) -> Entry:
        """The entry in force on the day; before all anchors the first."""
        begun = [each for each in self.entries if each.start <= day]
        return begun[-1] if begun else self.entries[0]


@dataclass(frozen=True, kw_only=True)
class Sprint:
    """One sprint as the cadence makes it: `start` and `due` are its first and last day."""

    cadence: str
    number: int
    start: date
    due: date
    title: str
    environment: str | None = None

    @property
    def key(self) -> str:
        return f"{self.cadence}/{self.number}"

    def is_past(self, day: date) -> bool:
        """True when the last day is over."""
        return self.due < day


def walk(cadence: Cadence) -> Iterator[Sprint]:
    """Every sprint of the cadence, in order, to the end of the calendar."""
    ends = [*(each.start for each in cadence.entries[1:]), date.max]
    for entry, end in zip(cadence.entries, ends, strict=True):
        yield from takewhile(partial(_starts_before, end), walk_entry(cadence.key, entry))


def compute(cadence: Cadence, until: date) -> tuple[Sprint, ...]:
    """Every sprint that starts on or before the day, in order."""
    return tuple(takewhile(lambda each: each.start <= until, walk(cadence)))


def walk_entry(key: str, entry: Entry) -> Iterator[Sprint]:
    """The sprints of one entry, as if none followed it."""
    spans = _shortened(entry) if entry.is_shortened else _shifted(entry)
    for offset, (start, due) in enumerate(spans):
        number = entry.number + offset
        yield Sprint(
            cadence=key,
            number=number,
            start=start,
            due=due,
            title=render_title(entry.title, number, start, due),
            environment=entry.settings.environment,
        )


def render_title(pattern: str, number: int, start: date, due: date) -> str:
    """The pattern with its placeholders filled in; year and week are those of the ISO week of the start."""
    year, week, _ = start.isocalendar()
    values = {"number": str(number), "start": str(start), "end": str(due), "year": str(year), "week": f"{week:02}"}
    for name in PLACEHOLDERS:
        pattern = pattern.replace(f"{{{name}}}", values[name])
    return pattern


def _starts_before(end: date, sprint: Sprint) -> bool:
    return sprint.start < end


def _shifted(entry: Entry) -> Iterator[tuple[date, date]]:
    """Spans of `length` days each, counted as if the skipped days did not exist."""
    days = _days(entry)
    while True:
        span = [each for _, each in zip(range(entry.length), days, strict=False)]
        if len(span) < entry.length:
            return
        yield span[0], span[-1]
        for _ in range(entry.gap):
            next(days, None)


def _days(entry: Entry) -> Iterator[date]:
    ordinal = entry.start.toordinal()
    return (day for each in range(ordinal, date.max.toordinal()) if (day := date.fromordinal(each)) not in entry.skip)


def _shortened(entry: Entry) -> Iterator[tuple[date, date]]:
    """The slots of the grid without the skipped days at their edges; a slot with no day left is no sprint."""
    first, step = entry.start, timedelta(days=entry.length + entry.gap)
    while date.max - first >= step:
        days = [day for each in range(entry.length) if (day := first + timedelta(days=each)) not in entry.skip]
        if days:
            yield days[0], days[-1]
        first += step
