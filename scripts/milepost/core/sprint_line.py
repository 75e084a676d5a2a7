"""What a milestone's machine block tells of the sprint that it stands for: the line of the sprint action."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from milepost.core.cadence import Sprint
from milepost.core.identity import block_line, block_values, split_description

LINE = "sprint"
COUNTS = ("planned", "added", "removed", "completed", "dropped", "carried")
THEN_DUE = "due"
# Days that are counted on from a line stay in the calendar.
LAST_DAY = date(9000, 1, 1)


@dataclass(frozen=True, kw_only=True)
class SprintLine:
    """The line, read; `counts` are those of COUNTS, and `has_then` says that workflows are still to be dispatched."""

    cadence: str
    number: int
    start: date
    due: date
    environment: str | None = None
    frozen: date | None = None
    counts: tuple[int, ...] = ()
    points: str | None = None
    record: str | None = None
    has_then: bool = False

    def render(self) -> str:
        """The line as it stands in the block, without the action's name."""
        counts = dict(zip(COUNTS, map(str, self.counts), strict=False))
        return block_line(
            key=f"{self.cadence}/{self.number}",
            start=str(self.start),
            due=str(self.due),
            environment=self.environment,
            frozen=str(self.frozen) if self.frozen else None,
            **counts,
            points=self.points,
            record=self.record,
            then=THEN_DUE if self.has_then else None,
        )


def line_of(sprint: Sprint) -> SprintLine:
    """The line of a sprint that has just been opened."""
    return SprintLine(
        cadence=sprint.cadence,
        number=sprint.number,
        start=sprint.start,
        due=sprint.due,
        environment=sprint.environment,
    )


def find_line(description: str) -> str | None:
    """The text of the line; None when the description has no such line."""
    _, block = split_description(description)
    return block.get(LINE) if block else None


def read_sprint_line(description: str) -> SprintLine | None:
    """The line of the description; None when there is none, or when it does not say which sprint, and when."""
    text = find_line(description)
    values = block_values(text) if text else {}
    cadence, slash, number = values.get("key", "").rpartition("/")
    start, due = _day(values.get("start")), _day(values.get("due"))
    if not slash or not _is_count(number) or start is None or due is None or not start <= due <= LAST_DAY:
        return None
    line = SprintLine(cadence=cadence, number=int(number), start=start, due=due, environment=values.get("environment"))
    counts = [values.get(each, "") for each in COUNTS]
    return replace(
        line,
        frozen=_day(values.get("frozen")),
        counts=tuple(map(int, counts)) if all(map(_is_count, counts)) else (),
        points=values.get("points"),
        record=values.get("record"),
        has_then=values.get("then") == THEN_DUE,
    )


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text and len(text) == 10 else None
    except ValueError:
        return None
