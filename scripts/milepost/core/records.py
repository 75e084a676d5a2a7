"""What is kept of a sprint: its planned issues when it starts, and how it ended, frozen before anything moves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from milepost.core.cadence import Sprint
from milepost.core.carry import Item, Target, by_number
from milepost.core.points import read_points

FOLDER = "sprints"
PLANNED_SCHEMA = "milepost.planned/1"
CLOSED_SCHEMA = "milepost.closed/1"
POINTS = ("planned", "completed", "carried")
MOST_POINTS = 10**12
# What reading a member that is not there, or is something else, may raise.
UNREADABLE = (KeyError, TypeError, ValueError, ArithmeticError, AttributeError)


@dataclass(frozen=True, kw_only=True)
class Planned:
    """The issues that a sprint began with; a reconstructed set was rebuilt later, from what GitHub remembers."""

    numbers: tuple[int, ...]
    points: Mapping[int, Decimal]
    is_reconstructed: bool


@dataclass(frozen=True, kw_only=True)
class Carried:
    """An item that was open at the end: where it went, and how often it was carried by then."""

    number: int
    is_pull: bool
    to: Target
    milestone: str | None
    carries: int


@dataclass(frozen=True, kw_only=True)
class Record:
    """How a sprint ended, as of the day it was frozen; numbers are those of issues, `carried` has pull requests too."""

    frozen: date
    planned: Planned
    added: tuple[int, ...]
    removed: tuple[int, ...]
    completed: tuple[tuple[int, str], ...]
    dropped: tuple[int, ...]
    carried: tuple[Carried, ...]
    points: Mapping[str, Decimal]

    @property
    def counts(self) -> tuple[int, ...]:
        """In the order of sprint_line.COUNTS."""
        parts = (self.planned.numbers, self.added, self.removed, self.completed, self.dropped, self.carried)
        return tuple(map(len, parts))


def path_of(sprint: Sprint, name: str) -> str:
    """Where the file of the sprint lies on the data branch."""
    return f"{FOLDER}/{sprint.cadence}/{sprint.number}/{name}.json"


def plan_set(items: Iterable[Item], size_labels: str | None, *, is_reconstructed: bool = False) -> Planned:
    """The planned set that these items make: the issues among them."""
    issues = [each for each in by_number(items) if not each.is_pull]
    sized = {each.number: _points(each, size_labels) for each in issues}
    points = {number: value for number, value in sized.items() if value is not None}
    return Planned(numbers=tuple(each.number for each in issues), points=points, is_reconstructed=is_reconstructed)


def freeze(
    planned: Planned, items: Iterable[Item], carried: Iterable[Carried], *, today: date, size_labels: str | None
) -> Record:
    """The record of a sprint that holds these items and began with that set."""
    issues = [each for each in by_number(items) if not each.is_pull]
    completed = [each for each in issues if each.is_completed]
    members, began = {each.number for each in issues}, set(planned.numbers)
    carried = tuple(carried)
    return Record(
        frozen=today,
        planned=planned,
        added=tuple(sorted(members - began)),
        removed=tuple(sorted(began - members)),
        completed=tuple((each.number, each.closed_at or "") for each in completed),
        dropped=tuple(each.number for each in issues if not each.is_open and not each.is_completed),
        carried=carried,
        points=_sum_points(planned, issues, completed, size_labels),
    )


def render_planned(sprint: Sprint, planned: Planned, today: date) -> str:
    """The file `planned.json`."""
    return _dump({"schema": PLANNED_SCHEMA, **_head(sprint), "written": str(today), **_planned(planned)})


def render_record(sprint: Sprint, milestone: int, record: Record) -> str:
    """The file `closed.json`."""
    return _dump(
        {
            "schema": CLOSED_SCHEMA,
            **_head(sprint),
            "milestone": milestone,
            "frozen": str(record.frozen),
            **_planned(record.planned),
            "added": list(record.added),
            "removed": list(record.removed),
            "completed": [{"number": number, "closed": closed} for number, closed in record.completed],
            "dropped": list(record.dropped),
            "carried": [_carried(each) for each in record.carried],
            "points": {name: _number(value) for name, value in record.points.items()},
        }
    )


def read_planned(text: str) -> Planned | None:
    """The planned set of the file; None when it is not such a file. What others wrote there counts as text only."""
    value = _load(text, PLANNED_SCHEMA)
    return _read_planned(value) if value else None


def read_record(text: str) -> Record | None:
    """The record of the file; None when it is not such a file."""
    value = _load(text, CLOSED_SCHEMA)
    planned = _read_planned(value) if value else None
    if value is None or planned is None:
        return None
    try:
        return Record(
            frozen=date.fromisoformat(value["frozen"]),
            planned=planned,
            added=_numbers(value["added"]),
            removed=_numbers(value["removed"]),
            completed=tuple((_count(each["number"]), str(each["closed"])) for each in value["completed"]),
            dropped=_numbers(value["dropped"]),
            carried=tuple(_read_carried(each) for each in value["carried"]),
            points={name: _size(value["points"][name]) for name in (POINTS if value["points"] else ())},
        )
    except UNREADABLE:
        return None


def say_points(record: Record) -> str | None:
    """`13/21`: completed of planned points; None when no size label was found."""
    if not record.points:
        return None
    return f"{_number(record.points['completed'])}/{_number(record.points['planned'])}"


def _points(item: Item, size_labels: str | None) -> Decimal | None:
    return read_points(size_labels, item.labels) if size_labels else None


def _sum_points(
    planned: Planned, issues: list[Item], completed: list[Item], size_labels: str | None
) -> dict[str, Decimal]:
    """Nothing when no issue has a size; a planned issue counts as it was sized when the sprint began."""
    sized = {each.number: _points(each, size_labels) or Decimal(0) for each in issues}
    began = {number: planned.points.get(number, sized.get(number, Decimal(0))) for number in planned.numbers}
    if not any((*sized.values(), *began.values())):
        return {}
    remaining = sum((sized[each.number] for each in issues if each.is_open), Decimal(0))
    return {
        "planned": sum(began.values(), Decimal(0)),
        "completed": sum((sized[each.number] for each in completed), Decimal(0)),
        "carried": remaining,
    }


def _head(sprint: Sprint) -> dict[str, Any]:
    return {
        "cadence": sprint.cadence,
        "number": sprint.number,
        "start": str(sprint.start),
        "due": str(sprint.due),
    }


def _planned(planned: Planned) -> dict[str, Any]:
    return {
        "reconstructed": planned.is_reconstructed,
        "planned": list(planned.numbers),
        "sizes": {str(number): _number(value) for number, value in sorted(planned.points.items())},
    }


def _carried(each: Carried) -> dict[str, Any]:
    return {
        "number": each.number,
        "kind": "pull-request" if each.is_pull else "issue",
        "to": each.to.value,
        "milestone": each.milestone,
        "carries": each.carries,
    }


def _read_planned(value: Mapping[str, Any]) -> Planned | None:
    try:
        return Planned(
            numbers=_numbers(value["planned"]),
            points={int(number): _size(size) for number, size in value["sizes"].items()},
            is_reconstructed=bool(value["reconstructed"]),
        )
    except UNREADABLE:
        return None


def _read_carried(value: Mapping[str, Any]) -> Carried:
    milestone = value["milestone"]
    return Carried(
        number=_count(value["number"]),
        is_pull=value["kind"] == "pull-request",
        to=Target(value["to"]),
        milestone=None if milestone is None else str(milestone),
        carries=_count(value["carries"]),
    )


def _numbers(value: Any) -> tuple[int, ...]:
    """Each number once, in order."""
    return tuple(sorted({_count(each) for each in value}))


def _size(value: Any) -> Decimal:
    """A number of points; anything that no labels add up to raises."""
    size = Decimal(str(value))
    if not 0 <= size < MOST_POINTS:
        raise ValueError
    return size


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 10**9:
        raise ValueError
    return value


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _load(text: str, schema: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and value.get("schema") == schema else None


def _dump(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
